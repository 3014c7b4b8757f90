#!/bin/bash
# Clients in the guest: urllib, requests and curl ask a TLS server of the host and look at its certificate.
. "$(dirname "$0")/tap.sh"
needs python python:requests curl openssl package:python package:curl
TIME_LIMIT=300
unset REQUESTS_CA_BUNDLE CURL_CA_BUNDLE SSL_CERT_FILE SSL_CERT_DIR http_proxy https_proxy all_proxy
cp "$top"/examples/https-client/* .
$python -B "$here/servers/tls.py" . IP:127.0.0.1 IP:10.0.2.2 > port 2> server.err &
server=$!
trap 'kill $server 2> /dev/null; cd /; rm -rf "$work"' EXIT
until [ -s port ]; do
    kill -0 $server || { cat server.err; exit 1; }
    sleep 0.1
done
port=$(cat port)
here_url=https://127.0.0.1:$port/ guest_url=https://10.0.2.2:$port/

$python client.py "$here_url" ca.pem > linux.out 2> linux.err
ok "Linux: urllib and requests are served" test -s linux.out -a ! -s linux.err
try pkg load python -c config.json "$guest_url" ca.pem
ok "urllib and requests see the same in the guest" cmp linux.out out
ok "and complain of nothing" is "$(program_err)" ""
ok "status 0" is "$status" 0

curl -sS --cacert ca.pem "$here_url" > linux.out 2> linux.err
try pkg load curl -a -sS -a --cacert -a ca.pem -a "$guest_url"
ok "curl: what comes is the same" cmp linux.out out
ok "curl: status 0" is "$status" 0
curl -sS "$here_url" > linux.out 2> linux.err
linux=$?
try pkg load curl -a -sS -a "$guest_url"
program_err > shown
ok "curl: without the authority, the same error" cmp linux.err shown
ok "curl: and the same status" is "$status" "$linux"
finish
