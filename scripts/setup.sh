# Shared by ./run and ./test: installs what is missing, builds, fetches the page's libraries.
# Sourced, not run. Expects $root (the checkout) and `set -eu`.

run_packages="build-essential cmake ninja-build pkg-config openssl ca-certificates
 libssl-dev libsrtp2-dev libopus-dev libwebsockets-dev libjansson-dev libsqlite3-dev libjwt-dev
 libcyaml-dev libyaml-dev libsystemd-dev libcurl4-openssl-dev zlib1g-dev libnghttp2-dev iproute2"
[ "$(dpkg --print-architecture)" != amd64 ] || run_packages="$run_packages libipsec-mb-dev"
test_packages="clang clang-format clang-tidy libclang-rt-14-dev libcmocka-dev python3 chromium firefox-esr
 python3-aiortc python3-aiohttp python3-numpy python3-gi gir1.2-gstreamer-1.0 gir1.2-gst-plugins-base-1.0
 gir1.2-gst-plugins-bad-1.0 gstreamer1.0-plugins-base gstreamer1.0-plugins-good gstreamer1.0-plugins-bad
 gstreamer1.0-nice golang-go golang-github-pion-webrtc.v3-dev ffmpeg espeak-ng fonts-dejavu-core
 tesseract-ocr iproute2 nftables conntrack libnss3-tools coturn haproxy procps util-linux pulseaudio curl nghttp2-client
 sqlite3"

say() { printf '%s\n' "$*"; }
die() { printf '%s\n' "$*" >&2; exit 1; }

as_root() {
    if [ "$(id -u)" -eq 0 ]; then "$@"
    elif command -v sudo >/dev/null 2>&1; then sudo "$@"
    else die "Some Debian packages are missing and neither root nor sudo is at hand: $*"
    fi
}

# install_packages NAME...: those that dpkg does not know as installed, in one apt call.
install_packages() {
    command -v dpkg-query >/dev/null 2>&1 || die "This set-up is for Debian 12 (dpkg-query is missing)."
    local missing="" name
    for name in "$@"; do
        dpkg-query -W -f '${db:Status-Status}\n' "$name" 2>/dev/null | grep -qx installed ||
            missing="$missing $name"
    done
    [ -n "$missing" ] || return 0
    say "Installing:$missing"
    # shellcheck disable=SC2086
    as_root env DEBIAN_FRONTEND=noninteractive sh -c '
        apt-get update -q >/dev/null 2>&1 || true
        exec apt-get install -y -q --no-install-recommends "$@"' sh $missing >"$log_dir/apt.log" 2>&1 ||
        { tail -n 15 "$log_dir/apt.log" >&2; die "apt-get could not install:$missing"; }
}

install_node() {
    if ! command -v node >/dev/null 2>&1 || ! command -v npm >/dev/null 2>&1; then
        install_packages nodejs npm
    fi
}

# npm_install FOLDER [npm ci options]: only when the lock file has changed since the last time. What a developer has installed in full
# (npm's own list tells) stays full.
npm_install() {
    local folder="$1" stamp wanted
    shift
    ! grep -qs '"dev": true' "$folder/node_modules/.package-lock.json" || set --
    stamp="$folder/node_modules/.amphi-installed"
    wanted="$(sha256sum "$folder/package-lock.json" | cut -d' ' -f1) $*"
    [ ! -f "$stamp" ] || [ "$(cat "$stamp")" != "$wanted" ] || return 0
    say "Fetching the page's libraries ($(basename "$folder"))"
    (cd "$folder" && npm ci --ignore-scripts --no-audit --no-fund "$@") >"$log_dir/npm.log" 2>&1 ||
        { tail -n 15 "$log_dir/npm.log" >&2; die "npm ci failed in $folder"; }
    printf '%s' "$wanted" >"$stamp"
}

# build_preset PRESET [cmake options] [-- targets]: configures once, then lets ninja see what changed.
build_preset() {
    local preset="$1" dir="$root/build/$1"
    shift
    local options=() targets=()
    while [ $# -gt 0 ]; do
        if [ "$1" = -- ]; then shift; targets=("$@"); break; fi
        options+=("$1"); shift
    done
    local log="$log_dir/build-$preset.log"
    # Two that start at once do not build into each other.
    exec {build_lock}>"$root/build/$preset.lock"
    flock "$build_lock"
    if [ ! -f "$dir/build.ninja" ] || [ ${#options[@]} -gt 0 ]; then
        (cd "$root" && cmake --preset "$preset" "${options[@]}") >"$log" 2>&1 ||
            { tail -n 30 "$log" >&2; die "cmake --preset $preset failed"; }
    fi
    ninja -C "$dir" "${targets[@]}" >"$log" 2>&1 ||
        { grep -n -A12 -E 'error|FAILED' "$log" | tail -n 60 >&2; die "The $preset build failed ($log)"; }
    exec {build_lock}>&-
}
