#!/bin/bash
# Servers as Debian has them, reached from the host: redis, nginx, Node's http, Python's asyncio.
. "$(dirname "$0")/tap.sh"
needs python package:redis package:nginx package:node

port=$(free_port)

# serve GUEST-PORT ARGUMENTS…: starts a server in the guest and waits until it listens.
serve() {
    guest=$1
    shift
    "$ORRIS" "$@" > server.out 2> server.err < /dev/null &
    server=$!
    for _ in $(seq 3000); do
        grep -q "127.0.0.1:$port -> guest $guest" server.err && return
        kill -0 $server 2> /dev/null || break
        sleep 0.1
    done
    sed 's/^/# /' server.err
}

stop() {
    kill -TERM $server 2> /dev/null
    wait $server
}

serve 6379 pkg load --accel tcg redis -p "$port:6379"
cat > redis.py << 'EOF'
import socket, sys
s = socket.create_connection(("127.0.0.1", int(sys.argv[1])), timeout=60)
f = s.makefile("rb")
def ask(*words):
    s.sendall(b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(w), w) for w in words))
    line = f.readline()
    if line[:1] != b"$":
        return line[1:-2]
    return f.read(int(line[1:]) + 2)[:-2]
assert ask(b"PING") == b"PONG"
big = bytes(range(256)) * 4000
assert ask(b"SET", b"big", big) == b"OK" and ask(b"GET", b"big") == big
s.sendall(b"".join(b"INCR n\r\n" for _ in range(2000)))
assert [int(f.readline()[1:]) for _ in range(2000)] == list(range(1, 2001))
print("redis answers")
EOF
"$python" redis.py "$port" > got 2> err
ok "redis: small, large and pipelined requests" grep -qx "redis answers" got
stop

serve 80 pkg load --accel tcg nginx -p "$port:80"
cat > pages.py << 'EOF'
import http.client, sys
c = http.client.HTTPConnection("127.0.0.1", int(sys.argv[1]), timeout=60)
for i in range(100):
    c.request("GET", "/" if i % 2 else "/missing")
    r = c.getresponse()
    body = r.read()
    assert r.status == (200 if i % 2 else 404) and b"nginx" in body, (i, r.status)
for i in range(50):
    c = http.client.HTTPConnection("127.0.0.1", int(sys.argv[1]), timeout=60)
    c.request("GET", "/", headers={"Connection": "close"})
    assert b"Welcome" in c.getresponse().read()
print("nginx answers")
EOF
"$python" pages.py "$port" > got 2> err
ok "nginx: a hundred requests on a connection, and fifty connections" grep -qx "nginx answers" got
stop

cat > server.js << 'EOF'
const http = require("http");
http.createServer((request, response) => {
    let size = 0;
    request.on("data", (part) => (size += part.length));
    request.on("end", () => response.end(`${request.method} ${request.url} ${size}`));
}).listen(3000);
EOF
serve 3000 pkg load --accel tcg node -p "$port:3000" server.js
head -c 1000000 /dev/zero > zeros
"$python" -c 'import sys, urllib.request
print(urllib.request.urlopen("http://127.0.0.1:" + sys.argv[1] + "/x", data=open("zeros", "rb").read(), timeout=60).read().decode())' "$port" > got 2> err
ok "Node's http takes a large request" grep -qx "POST /x 1000000" got
stop

cat > server.py << 'EOF'
import asyncio
async def echo(reader, writer):
    while data := await reader.read(1 << 16):
        writer.write(data)
        await writer.drain()
    writer.close()
async def main():
    async with await asyncio.start_server(echo, "0.0.0.0", 7000) as server:
        await server.serve_forever()
asyncio.run(main())
EOF
serve 7000 run --accel tcg -p "$port:7000" "$python" server.py
cat > client.py << 'EOF'
import asyncio, hashlib, os, sys
async def one(size):
    reader, writer = await asyncio.open_connection("127.0.0.1", int(sys.argv[1]))
    data = os.urandom(size)
    async def send():
        writer.write(data)
        await writer.drain()
        writer.write_eof()
    sending = asyncio.create_task(send())
    back = await reader.read(-1)
    await sending
    writer.close()
    return back == data
async def main():
    results = await asyncio.gather(*(one(1000 * (i + 1) ** 2) for i in range(20)))
    print(sum(results), "of", len(results))
asyncio.run(asyncio.wait_for(main(), 100))
EOF
"$python" client.py "$port" > got 2> err
ok "asyncio: twenty connections at once, echoed to the last byte" grep -qx "20 of 20" got
stop
finish
