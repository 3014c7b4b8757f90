#!/bin/bash
# A program that serves, reached from the host through -p; a program that asks a server of the host; ports
# that can't be had.
. "$(dirname "$0")/tap.sh"
needs python

# Waits until the file has a line that matches.
wait_line() {
    for _ in $(seq 600); do
        grep -q "$2" "$1" && return 0
        sleep 0.1
    done
    return 1
}

fetch() {
    "$python" -c 'import sys, urllib.request
sys.stdout.buffer.write(urllib.request.urlopen(sys.argv[1], timeout=60).read())' "$1" 2> fetch.err
}

stop() {
    kill "$1"
    wait "$1"
}

mkdir served
seq 200000 > served/numbers.txt
port=$(free_port)
other=$(free_port)
echo "{\"Dirs\": [\"served\"], \"RunConfig\": {\"Ports\": [\"$port:8080\"]}}" > config.json
"$ORRIS" run --accel "${ORRIS_ACCEL:-tcg}" -c config.json "$python" -m http.server 8080 --directory /served > out 2> err < /dev/null &
server=$!
ok "the tool says where a program that listens is reached" wait_line err "^orris: http://127.0.0.1:$port -> guest 8080"
fetch "http://127.0.0.1:$port/numbers.txt" > got
ok "what it serves arrives whole" cmp got served/numbers.txt
fetchers=
for i in 1 2 3 4; do
    fetch "http://127.0.0.1:$port/numbers.txt" > "got$i" &
    fetchers="$fetchers $!"
done
wait $fetchers
for i in 1 2 3 4; do
    ok "also when four fetch at once: $i" cmp "got$i" served/numbers.txt
done
try run -p "$port:8080" "$python" -c 'print(1)'
ok "a port that is taken is refused before boot" grep -q "^orris: port $port of 127.0.0.1 is taken" err
ok "with the tool's own status" [ "$status" = 125 ]
stop "$server"

cat > local.py << 'EOF'
import http.server
http.server.HTTPServer(("127.0.0.1", 5000), http.server.SimpleHTTPRequestHandler).handle_request()
EOF
"$ORRIS" run --accel "${ORRIS_ACCEL:-tcg}" -p "$port:5000" "$python" local.py > out 2> err < /dev/null &
server=$!
wait_line err "guest 5000"
fetch "http://127.0.0.1:$port/etc/hostname" > got
ok "a listener on the guest's 127.0.0.1 is reached by -p, too" grep -q orris got
wait "$server"

# What speaks something else is not called HTTP.
cat > other.py <<'EOF'
import socket
for port in 6379, 443, 8081:
    s = socket.create_server(("", port)); s.listen()
EOF
try run -p "$port:6379" -p "$other:443" "$python" other.py
ok "a port of another protocol is told without http://" has err "orris: 127.0.0.1:$port -> guest 6379"
ok "HTTPS as such" has err "orris: https://127.0.0.1:$other -> guest 443"

cat > udp.py << 'EOF'
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("0.0.0.0", 5300))
data, sender = s.recvfrom(100)
s.sendto(data.upper(), sender)
EOF
"$ORRIS" run --accel "${ORRIS_ACCEL:-tcg}" -p "$port:5300/udp" "$python" udp.py > out 2> err < /dev/null &
server=$!
wait_line err "127.0.0.1:$port/udp -> guest 5300"
"$python" -c 'import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(60)
s.sendto(b"datagram", ("127.0.0.1", int(sys.argv[1])))
print(s.recv(100).decode())' "$port" > got
ok "datagrams go in and out" grep -qx DATAGRAM got
wait "$server"

"$python" -u -m http.server "$other" --bind 127.0.0.1 --directory served > server.out 2>&1 &
server=$!
cat > client.py << 'EOF'
import hashlib, sys, urllib.request
data = urllib.request.urlopen(sys.argv[1]).read()
print(len(data), hashlib.sha256(data).hexdigest())
EOF
wait_line server.out "Serving"
try run "$python" client.py "http://10.0.2.2:$other/numbers.txt"
ok "a client fetches from a server of the host" \
    [ "$(cat out)" = "$(stat -c %s served/numbers.txt) $(sha256sum served/numbers.txt | cut -d' ' -f1)" ]
kill "$server"
wait "$server" 2> /dev/null
try run "$python" client.py "http://10.0.2.2:$other/numbers.txt"
ok "nobody there: the connection is refused" grep -q "Connection refused" err

try run "$python" -c 'import socket; s = socket.socket(); s.bind(("", 80)); s.listen()'
ok "a program that listens without -p gets a hint" grep -q "^orris: .*port 80.*-p 80" err
for bad in 0 65536 80:81:82 x 80-70 80-81:90 1.2.3:80 /udp; do
    try run -p "$bad" "$python" -c 'print(1)'
    ok "-p $bad is refused" [ "$status" = 2 ]
done
finish
