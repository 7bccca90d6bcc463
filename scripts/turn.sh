# For ./run --turn: coturn and HAProxy from Debian, for learners whose network passes nothing but TLS on port 443
# (docs/operations.md). Sourced by ./run; expects its variables and scripts/setup.sh.
#
#   :443 ── HAProxy ends TLS ──┬─ HTTP ────────► amphi-signaling
#                              └─ anything else ► coturn, on the loopback ──► amphi-relay's media ports, nowhere else

turn_dir="$data/turn"

# The addresses that coturn may send to: what learners are told. Nothing else, whatever it looks like.
turn_peers() {
    if [ ${#advertise[@]} -gt 0 ]; then printf '%s\n' "${advertise[@]}"
    elif [ $wildcard = yes ] || [ "${relay_bind[0]}" = --this-machine ]; then
        ip -o addr show scope global 2>/dev/null | sed -n 's/.* inet6\{0,1\} \([^/ ]*\).*/\1/p'
    else printf '%s\n' "$bind"; fi
}

# Of those the first of each family that this machine has itself: where coturn's own packets come from.
turn_sources() {
    local own address v4="" v6=""
    own="$(ip -o addr show 2>/dev/null | sed -n 's/.* inet6\{0,1\} \([^/ ]*\).*/\1/p')"
    while read -r address; do
        grep -qxF "$address" <<<"$own" || continue
        case "$address" in *:*) v6="${v6:-$address}" ;; *) v4="${v4:-$address}" ;; esac
    done < <(turn_peers)
    # Behind a router that translates addresses the public one is not ours.
    [ -n "$v4$v6" ] || v4="$(ip -o route get 192.0.2.1 2>/dev/null | sed -n 's/.* src \([^ ]*\).*/\1/p')"
    printf '%s\n' $v4 $v6
}

write_turn_config() {
    local address
    cat <<CONF
listening-ip=127.0.0.1
listening-port=$turn_inner_port
min-port=$turn_relay_ports
max-port=$((turn_relay_ports + 4095))
realm=amphi
use-auth-secret
userdb=$turn_dir/turndb
# TLS has ended before; UDP has its own way.
no-udp
no-tls
no-dtls
no-tcp-relay
no-multicast-peers
no-cli
no-software-attribute
no-rfc5780
fingerprint
stale-nonce=600
user-quota=4
total-quota=2000
max-allocate-lifetime=3600
# Allow-list: everything is denied but the media relay.
denied-peer-ip=0.0.0.0-255.255.255.255
denied-peer-ip=::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff
CONF
    while read -r address; do
        printf 'allowed-peer-ip=%s\n' "$address"
    done < <(turn_peers)
    while read -r address; do printf 'relay-ip=%s\n' "$address"; done < <(turn_sources)
    printf 'pidfile=%s\nsimple-log\n' "$turn_dir/turn.pid"
}

# The secrets in $turn_dir/secret, one a line: the first signs, all are taken. coturn reads its table at each use.
load_turn_secrets() {
    local secret
    rm -f "$turn_dir/turndb"
    while read -r secret; do
        [ -z "$secret" ] || turnadmin --set-secret="$secret" --realm=amphi --userdb="$turn_dir/turndb" >>"$log_dir/turn-setup.log" 2>&1 ||
            { tail -n 3 "$log_dir/turn-setup.log" >&2; die "The TURN secret could not be stored."; }
    done <"$turn_dir/secret"
}

write_proxy_config() {
    local turn_bind
    case "$bind" in 0.0.0.0) turn_bind="*" ;; localhost) turn_bind=127.0.0.1 ;; *) turn_bind="$bind" ;; esac
    local to_page="server page $(bracketed "$own_address"):$port"
    [ $scheme = http ] || to_page="$to_page ssl verify none"
    cat <<CONF
global
  maxconn 8192
  log stderr format raw daemon notice
defaults
  timeout connect 5s
  timeout client 70s
  timeout server 70s
  timeout tunnel 1h
  timeout client-fin 5s
frontend tls
  mode tcp
  bind $turn_bind:$turn_port ssl crt $turn_dir/server.pem alpn http/1.1 ssl-min-ver TLSv1.2
  tcp-request inspect-delay 10s
  tcp-request content accept if HTTP
  tcp-request content accept if { req.len ge 20 }
  use_backend page if HTTP
  default_backend turn
backend page
  mode http
  http-request set-header X-Forwarded-For %[src]
  $to_page
backend turn
  mode tcp
  timeout server 1h
  server coturn 127.0.0.1:$turn_inner_port
CONF
}

prepare_turn() {
    umask 077
    mkdir -p "$turn_dir"
    [ -s "$turn_dir/secret" ] || openssl rand -hex 32 >"$turn_dir/secret"
    cat "$cert" "$key" >"$turn_dir/server.pem"
    load_turn_secrets
    write_turn_config >"$turn_dir/turnserver.conf"
    write_proxy_config >"$turn_dir/haproxy.cfg"
    haproxy -c -q -f "$turn_dir/haproxy.cfg" >>"$log_dir/turn-setup.log" 2>&1 ||
        { tail -n 5 "$log_dir/turn-setup.log" >&2; die "HAProxy does not take its configuration."; }
}
