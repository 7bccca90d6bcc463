#!/usr/bin/env bash
# Includes point down only, and the folders that decide do no I/O (docs/architecture.md, "Layers").
set -u
cd "$(dirname "$0")/../.." || exit 2
bad=0
complain() { printf '%s\n' "$1"; bad=1; }

# folder -> the folders whose headers it may include
allowed() {
    case "$1" in
    lib/base) echo base ;;
    lib/wire) echo base wire ;;
    lib/control) echo base control ;;
    lib/rtc) echo base wire rtc control ;; # control: parameter structures only
    lib/host) echo base host ;;
    relay/core) echo base wire rtc control relay/core ;;
    relay/shell) echo base wire rtc control host relay/core relay/shell relay ;;
    signaling/core) echo base wire control signaling/core ;;
    signaling/shell) echo base wire control host signaling/core signaling/shell signaling ;;
    client-demo/headless) echo base wire rtc control host client-demo/headless ;;
    ctl) echo base host ctl ;;
    esac
}

for folder in lib/base lib/wire lib/control lib/rtc lib/host relay/core relay/shell signaling/core \
    signaling/shell client-demo/headless ctl; do
    may=" $(allowed "$folder") "
    for file in "$folder"/*.[ch]; do
        [ -e "$file" ] || continue
        while IFS=: read -r line text; do
            header="${text#*\"}"
            header="${header%%\"*}"
            case "$header" in
            */*) from="${header%/*}" ;;
            *) complain "$file:$line: \"$header\" does not name its folder"; continue ;;
            esac
            case "$may" in *" $from "*) ;; *) complain "$file:$line: $folder may not include \"$header\"" ;; esac
        done < <(grep -nE '^[[:space:]]*#[[:space:]]*include[[:space:]]+"' "$file")
    done
done

# No sockets, threads, clocks or files where behaviour is decided. The one exception is the store.
io='sys/socket|sys/epoll|netinet|arpa/inet|pthread|threads|sys/time|sys/timerfd|fcntl|unistd|poll|sys/un|netdb|libwebsockets'
while IFS= read -r hit; do
    complain "$hit: system I/O in a folder that only decides"
done < <(grep -nE "#[[:space:]]*include[[:space:]]+<($io)\.h>" lib/base/*.[ch] lib/wire/*.[ch] lib/rtc/*.[ch] \
    lib/control/*.[ch] relay/core/*.[ch] signaling/core/*.[ch] 2>/dev/null | grep -vE 'lib/base/spsc_ring|lib/rtc/dtls.c.*sys/time') # OpenSSL gives its timer as a timeval
while IFS= read -r hit; do
    complain "$hit: the clock is read in lib/host alone"
done < <(grep -nE '\b(clock_gettime|gettimeofday|time)\(' lib/base/*.c lib/wire/*.c lib/rtc/*.c lib/control/*.c \
    relay/core/*.c signaling/core/*.c 2>/dev/null | grep -vE '^[^:]+:[0-9]+: *(\*|/\*|//)')

# Calls that have cost others dearly (unbounded copies, errors that look like numbers).
while IFS= read -r hit; do
    complain "$hit: banned call"
done < <(grep -nE '\b(strcpy|strcat|sprintf|vsprintf|sscanf|atoi|atol|alloca|gets)\(' \
    $(git ls-files 'lib/*.c' 'relay/*.c' 'signaling/*.c' 'client-demo/headless/*.c' 'ctl/*.c' 'lib/*.h') 2>/dev/null)

[ "$bad" -eq 0 ] && echo "layers: clean"
exit "$bad"
