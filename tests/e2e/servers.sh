#!/bin/bash
# Servers of Debian, asked from the host: nginx, Redis, PHP's own, one in Node.
. "$(dirname "$0")/tap.sh"
needs python package:nginx package:redis package:php package:node
server=
trap '[ -z "$server" ] || kill -KILL "$server" 2> /dev/null; cd /; rm -rf "$work"' EXIT

# start EXAMPLE PACKAGE FLAG…: its server, reached at $port; waits until it listens.
start() {
    port=$(free_port)
    cp -r "$top/examples/$1/." .
    sed -i "s/\"\([0-9]*:\)\?\([0-9]*\)\"\]/\"$port:\2\"]/" config.json
    orris pkg get -q "$2" > log 2>&1
    "$ORRIS" pkg load --accel "${ORRIS_ACCEL:-tcg}" -c config.json "${@:2}" > out 2> err < /dev/null &
    server=$!
    for _ in $(seq 600); do
        grep -q "^orris: \(http://\)\?127.0.0.1:$port -> guest" err && return 0
        kill -0 $server 2> log || return 1
        sleep 0.1
    done
    return 1
}

stop() {
    kill -TERM $server
    wait $server
    status=$?
    server=
}

fetch() {
    "$python" -c 'import sys, urllib.request
sys.stdout.buffer.write(urllib.request.urlopen(sys.argv[1], timeout=60).read())' "http://127.0.0.1:$port$1" 2> fetch.err
}

ok "nginx starts" start nginx nginx
ok "it serves a page" is "$(fetch /)" "$(cat site/index.html)"
for _ in 1 2 3 4; do fetch / > "page.$_" & done
wait $(jobs -p | grep -vx $server)
ok "four at once" is "$(cat page.? | sort | uniq -c | xargs)" "4 <h1>Served by a unikernel</h1>"
ok "its log is standard output" matches out '"GET / HTTP/1\.1" 200'
stop
ok "and it ends when it is told to" is "$status" 0

ok "Redis starts" start redis redis
$python - "$port" > redis.out 2>&1 <<'P'
import socket, sys
s = socket.create_connection(('127.0.0.1', int(sys.argv[1])), timeout=60)
file = s.makefile('rwb')
def ask(*words):
    file.write(b'*%d\r\n' % len(words) + b''.join(b'$%d\r\n%s\r\n' % (len(w), w) for w in words))
def answer():
    line = file.readline().strip()
    if line[:1] == b'$':
        return None if line == b'$-1' else file.read(int(line[1:]) + 2)[:-2]
    if line[:1] == b'*':
        return [answer() for _ in range(int(line[1:]))]
    return line
ask(b'SET', b'text', 'käse'.encode() * 1000)
ask(b'GET', b'text')
file.flush()
print(answer(), len(answer()))
for i in range(5000):
    ask(b'INCR', b'count')
    ask(b'LPUSH', b'list', b'%d' % i)
file.flush()
last = [answer() for _ in range(10000)]
print(last[-2:])
ask(b'LRANGE', b'list', b'0', b'2'); ask(b'EVAL', b"return redis.call('GET', KEYS[1]) * 2", b'1', b'count'); ask(b'DBSIZE')
file.flush()
print(answer(), answer(), answer())
P
ok "it keeps and counts" is "$(cat redis.out)" "b'+OK' 5000
[b':5000', b':5000']
[b'4999', b'4998', b'4997'] b':10000' b':3'"
stop
ok "and ends when it is told to" is "$status" 0

ok "PHP's own server starts" start php-server php
ok "it runs a script for each request" is "$(fetch '/?n[]=1&n[]=41')" '{"path":"\/?n[]=1&n[]=41","sum":42}'
stop

cat > web.js <<'J'
require("http").createServer((request, answer) => {
    let body = "";
    request.on("data", (part) => (body += part)).on("end", () => answer.end(request.method + " " + body.length + "\n"));
}).listen(8000);
process.on("SIGTERM", () => process.exit(7));
J
echo '{"Args": ["web.js"], "RunConfig": {"Ports": ["8000"]}}' > config.json
port=$(free_port)
sed -i "s/\"8000\"/\"$port:8000\"/" config.json
orris pkg get -q node > log 2>&1
"$ORRIS" pkg load --accel "${ORRIS_ACCEL:-tcg}" -c config.json node > out 2> err < /dev/null &
server=$!
for _ in $(seq 600); do grep -q -- "-> guest" err && break; sleep 0.1; done
ok "Node serves" is "$("$python" -c 'import sys, urllib.request
print(urllib.request.urlopen(sys.argv[1], data=b"x" * 300000, timeout=60).read().decode(), end="")' "http://127.0.0.1:$port/")" "POST 300000"
stop
ok "and ends with its own status" is "$status" 7
finish
