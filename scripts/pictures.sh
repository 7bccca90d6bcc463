#!/usr/bin/env bash
# The pictures of pages in docs/images: each is one that the browser tests draw, under its name there.
#   scripts/pictures.sh          draws them all anew (needs a release build; ./test browser makes one) and takes those that docs show
#   scripts/pictures.sh --take   takes those of the last run
#   scripts/pictures.sh --check  each of them is drawn by a test, and shown in a document
set -eu
cd "$(dirname "$0")/.."
tests=(tests/browser/test_states.mjs tests/browser/test_pages.mjs)

# What the tests draw, as patterns: NAME of `inspect(page, 'NAME')`, and for a NAME with ${…} in it whatever that stands for.
drawn() {
    grep -hoE "inspect\([a-z]+, ['\`][^'\`]+" "${tests[@]}" | sed -E "s/.*['\`]//; s/\\$\{[^}]*\}/[a-z_]+/g"
}

check() {
    local bad=0 picture name
    for picture in docs/images/*.png; do
        name=$(basename "$picture" .png)
        if ! [[ $name =~ -(390|1280|1920)$ ]] || ! grep -qxE -f <(drawn) <<<"${name%-*}"; then
            echo "$picture: no test draws it" && bad=1
        fi
        grep -qF "images/$name.png" README.md docs/*.md || { echo "$picture: no document shows it" && bad=1; }
    done
    while read -r picture; do
        [ -e "docs/images/$picture" ] || { echo "docs/images/$picture: a document shows it, and it is not there" && bad=1; }
    done < <(grep -hoE 'images/[^) ]+' README.md docs/*.md | sed 's,images/,,' | sort -u)
    return $bad
}

take() {
    local picture from
    for picture in docs/images/*.png; do
        from=build/screenshots/$(basename "$picture")
        [ -e "$from" ] || { echo "$from is not there: run $0 without --take" && return 1; }
        cp "$from" "$picture"
    done
}

case "${1:-}" in
--check) check ;;
--take) take ;;
"")
    for test in "${tests[@]}"; do node "$test"; done
    take
    ;;
*)
    sed -n '2,5s/^# *//p' "$0" && exit 2
    ;;
esac
