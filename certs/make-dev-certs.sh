#!/usr/bin/env bash
# Makes a development CA and a server certificate for the names given, once; renews the server's when it has less than
# a week left or other names are wanted. Usage: make-dev-certs.sh FOLDER NAME...
set -eu
umask 077
folder="$1"
shift
[ $# -ge 1 ] || { echo "usage: $0 FOLDER NAME..." >&2; exit 2; }
mkdir -p "$folder"
cd "$folder"

if [ ! -s ca.pem ]; then
    openssl ecparam -name prime256v1 -genkey -noout -out ca.key
    openssl req -x509 -new -key ca.key -sha256 -days 1825 -out ca.pem \
        -subj "/CN=Amphi development CA ($(hostname))" \
        -addext "basicConstraints=critical,CA:TRUE,pathlen:0" -addext "keyUsage=critical,keyCertSign,cRLSign"
fi

names="DNS:localhost,IP:127.0.0.1,IP:::1"
for name in "$@"; do
    case "$name" in
    localhost | 127.0.0.1 | ::1) ;;
    *:*) names="$names,IP:$name" ;;
    *[!0-9.]*) names="$names,DNS:$name" ;;
    *) names="$names,IP:$name" ;;
    esac
done
if [ -s server.pem ] && [ "$(cat names 2>/dev/null)" = "$names" ] &&
    openssl x509 -in server.pem -noout -checkend 604800 >/dev/null; then
    exit 0
fi
openssl ecparam -name prime256v1 -genkey -noout -out server.key
openssl req -new -key server.key -subj "/CN=$1" -out server.csr
openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -sha256 -days 397 -out leaf.pem \
    -extfile <(printf 'subjectAltName=%s\nbasicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=serverAuth\n' "$names")
cat leaf.pem ca.pem >server.pem
rm -f server.csr leaf.pem
printf '%s' "$names" >names
