#!/bin/bash
# A machine on a tap and on a bridge of the host: two network namespaces, the tool in one of them.
. "$(dirname "$0")/tap.sh"
needs sysctl netns python

here_ns=orris$$a there_ns=orris$$b
ip netns add $here_ns && ip netns add $there_ns || exit 1
trap 'ip netns del $here_ns; ip netns del $there_ns; cd /; rm -rf "$work"' EXIT
inside() { ip netns exec $here_ns "$@"; }
outside() { ip netns exec $there_ns "$@"; }
inside ip link set lo up
inside ip link add br0 type bridge
inside ip addr add 10.77.0.1/24 dev br0
inside ip link set br0 up
inside ip link add out type veth peer name in netns $there_ns
inside ip link set out master br0 up
outside ip addr add 10.77.0.2/24 dev in
outside ip link set in up
outside ip link set lo up
outside ip route add 10.78.0.0/24 via 10.77.0.1
inside ip tuntap add dev tap0 mode tap
inside ip addr add 10.78.0.1/24 dev tap0
inside sysctl -qw net.ipv4.ip_forward=1
inside ip tuntap add dev tap1 mode tap
inside ip addr add 10.79.0.1/24 dev tap1

run() { inside timeout -k 5 "$TIME_LIMIT" "$ORRIS" run --accel tcg "$@" > out 2> err < /dev/null; status=$?; }
await() { for _ in $(seq 300); do "$@" && return 0; sleep 0.1; done; return 1; }

cat > serve.py <<'P'
import socketserver, sys
class Echo(socketserver.StreamRequestHandler):
    def handle(self):
        self.wfile.write(b"hello %s\n" % self.client_address[0].encode())
socketserver.TCPServer.allow_reuse_address = True
socketserver.TCPServer(("", 8080), Echo).serve_forever()
P
cat > ask.py <<'P'
import socket, sys
print(socket.create_connection((sys.argv[1], 8080), 20).makefile().read(), end="")
P

# ---- a bridge ----
ip netns exec $here_ns "$ORRIS" run --accel tcg -b br0 --ip 10.77.0.5/24 "$python" serve.py > server.out 2> server.err < /dev/null &
server=$!
ok "the tool says where the program is reached" await has server.err "http://10.77.0.5:8080"
outside "$python" ask.py 10.77.0.5 > out 2> err
ok "another network namespace reaches it" is "$(cat out)" "hello 10.77.0.2"
run --bridge=br0 --ip 10.77.0.6/24 "$python" ask.py 10.77.0.5
ok "and so does another machine on the bridge" is "$(cat out)" "hello 10.77.0.6"
kill $server
wait $server

# ---- UDP-Lite, whose checksums no card fills in ----
cat > lite.py <<'P'
import socket, sys
UDPLITE, SEND_COVERAGE = 136, 10
def lite(family, coverage):
    s = socket.socket(family, socket.SOCK_DGRAM, UDPLITE)
    s.setsockopt(UDPLITE, SEND_COVERAGE, coverage)
    s.settimeout(20)
    return s
if sys.argv[1:]:
    for coverage in 0, 8, 20, 2000:
        s = lite(socket.AF_INET, coverage)
        for size in 0, 5, 1000, 5000, 40000:
            s.sendto(bytes(size), (sys.argv[1], 8082))
            assert len(s.recv(50000)) == size, (coverage, size)
    print("all came back")
else:
    s = lite(socket.AF_INET, 12)
    s.bind(("", 8082))
    print("up", flush=True)
    while True:
        s.sendto(*s.recvfrom(50000))
P
ip netns exec $there_ns "$python" lite.py > lite.out 2> log &
server=$!
await has lite.out up
run -b br0 --ip 10.77.0.5/24 "$python" lite.py 10.77.0.2
ok "UDP-Lite, checksums of all, of the header, and of a part" is "$(cat out)" "all came back"
kill $server

# ---- DHCP ----
cat > who.py <<'P'
import fcntl, socket, struct
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for request in 0x8915, 0x891b: # SIOCGIFADDR, SIOCGIFNETMASK
    print(socket.inet_ntoa(fcntl.ioctl(s, request, struct.pack("16s16x", b"eth0"))[20:24]))
print(*(socket.inet_ntoa(struct.pack("=I", int(line.split()[2], 16))) for line in open("/proc/net/route") if line.split()[1] == "00000000"))
print(open("/etc/resolv.conf").read(), end="")
print(socket.create_connection(("10.77.0.2", 8080), 20).makefile().read(), end="")
P
run -b br0 --ip dhcp "$python" -c 'print("runs")'
ok "without an answer the program starts all the same" is "$(cat out)" "runs"
ok "with a note" has err "orris: eth0 has no IPv4 address: no DHCP server answered within ten seconds"
ip netns exec $there_ns "$python" "$here/link/dhcp.py" in 10.77.0.2 10.77.0.33 10.77.0.9 120 > dhcp.out 2> dhcp.err &
dhcp=$!
await has dhcp.out ready
ip netns exec $there_ns "$python" serve.py 2> log &
server=$!
await outside "$python" ask.py 127.0.0.1 > log 2>&1
run -b br0 --ip dhcp "$python" who.py
ok "a server gives address, netmask, gateway and name server" is "$(cat out)" "10.77.0.33
255.255.255.0
10.77.0.2
nameserver 10.77.0.9
hello 10.77.0.33"
ok "which the tool says" has err "orris: eth0 has the address 10.77.0.33 (DHCP)"
kill $server
# Half of the lease is over in a minute. What is there then is looked at below.
ip netns exec $here_ns "$ORRIS" run --accel tcg -b br0 --ip dhcp "$python" -c 'import time; time.sleep(75)
exec(open("/who.py").read())' who.py > leased.out 2> leased.err < /dev/null &
leased=$!

# ---- IPv6 ----
cat > serve6.py <<'P'
import socketserver
class Echo(socketserver.StreamRequestHandler):
    def handle(self):
        self.wfile.write(b"hello %s\n" % self.client_address[0].encode())
class Server(socketserver.TCPServer):
    address_family, allow_reuse_address = 10, True
print("up", flush=True)
Server(("::", 8081), Echo).serve_forever()
P
cat > ask6.py <<'P'
import socket, sys
for address in sys.argv[1:]:
    print(socket.create_connection((address, 8081), 20).makefile().read(), end="")
P
outside ip -6 addr add 2001:db8:77::2/64 dev in nodad
outside ip -6 addr add 2001:db8:99::1/128 dev lo nodad
outside sysctl -qw net.ipv6.conf.all.forwarding=1
ip netns exec $there_ns "$python" serve6.py > six.out 2> log &
server=$!
await outside "$python" ask6.py ::1 > log 2>&1
run -b br0 --ip6 2001:db8:77::5 "$python" ask6.py 2001:db8:77::2
ok "an IPv6 address" is "$(cat out)" "hello 2001:db8:77::5"
ip netns exec $there_ns "$python" "$here/link/router.py" in > router.out 2> router.err &
router=$!
await has router.out ready
ip netns exec $here_ns "$ORRIS" run --accel tcg -b br0 --ip6 slaac "$python" -c 'import runpy, sys
sys.argv = ["ask6.py", "2001:db8:77::2", "2001:db8:99::1"]
runpy.run_path("/ask6.py")
runpy.run_path("/serve6.py")' ask6.py serve6.py > slaac.out 2> slaac.err < /dev/null &
machine=$!
await has slaac.out up
address=$(sed -n 's/.*eth0 has the address \(.*\) (SLAAC).*/\1/p' slaac.err | tr A-F a-f)
ok "a router's prefix makes one" eval 'case $address in 2001:db8:77:0:50*:*) true ;; *) false ;; esac'
ok "which reaches the router and what is behind it" is "$(head -2 slaac.out)" "hello $address
hello $address"
outside "$python" ask6.py "$address" > out 2> err
ok "and is reached" is "$(cat out)" "hello 2001:db8:77::2"
kill $machine $router
run -b br0 --ip6 2001:db8:77::6 --gateway6 2001:db8:77::2 "$python" ask6.py 2001:db8:77::2 2001:db8:99::1
ok "a router that is named" is "$(cat out)" "hello 2001:db8:77::6
hello 2001:db8:77::6"
run -b br0 --ip6 2001:db8:77::6 --gateway6 2001:db8:77::2 "$(command -v ip)" -6 route
ok "ip -6 route lists the ways" is "$(sed 's/ *$//' out | sort)" "2001:db8:77::/64 dev eth0 proto kernel metric 256 pref medium
default via 2001:db8:77::2 dev eth0 metric 1024 pref medium
fe80::/64 dev eth0 proto kernel metric 256 pref medium"
run -b br0 --ip6 2001:db8:77::6 --gateway6 2001:db8:77::2 cat /proc/net/ipv6_route
ok "and so does /proc/net/ipv6_route" has out "00000000000000000000000000000000 00 00000000000000000000000000000000 00 20010db8007700000000000000000002 00000400 00000001 00000000 00000003     eth0"
run -b br0 --ip6 2001:db8:77::6 "$python" ask6.py 2001:db8:99::1
ok "without one there is no way out" has err "OSError: [Errno 101] Network is unreachable"
run -b br0 --ip6 2001:db8:77::6 "$top/build/tests/guest/only/inet_neighbor" 2001:db8:77::99
ok "who sends to a neighbour that doesn't answer is told" eval 'is "$status" 0 && has out "1..14"'
outside ip -6 addr add fe80::77/64 dev in nodad
echo '{"RunConfig": {"BridgeName": "br0", "IPv6Address": "2001:db8:77::7", "IPv6Gateway": "fe80::77"}}' > config.json
run -c config.json "$python" ask6.py 2001:db8:99::1
ok "the keys, and a router by its address on the link" is "$(cat out)" "hello 2001:db8:77::7"
kill $server
run -b br0 --ip6 slaac "$python" -c 'print("runs")'
ok "without a router the program starts all the same, with a note" eval 'is "$(cat out)" runs && has err "eth0 has no IPv6 address: no router answered within ten seconds"'

# ---- a tap, with a way out ----
ip netns exec $there_ns "$python" serve.py 2> log &
server=$!
await outside "$python" ask.py 127.0.0.1 > log 2>&1
run --tap tap0 --ip 10.78.0.5/24 --gateway 10.78.0.1 "$python" ask.py 10.77.0.2
ok "through a tap and its gateway" is "$(cat out)" "hello 10.78.0.5"
cat > unreachable.py <<'P'
import socket
for kind in socket.SOCK_STREAM, socket.SOCK_DGRAM:
    for way in "connect", "sendto":
        s = socket.socket(socket.AF_INET, kind)
        try:
            s.connect(("10.77.0.2", 9)) if way == "connect" else s.sendto(b"x", ("10.77.0.2", 9))
        except OSError as error:
            print(way, error.strerror)
P
run --tap tap0 --ip 10.78.0.5/24 "$python" unreachable.py
ok "without one there is none" is "$(cat out)" "connect Network is unreachable
sendto Broken pipe
connect Network is unreachable
sendto Network is unreachable"
echo '{"RunConfig": {"TapName": "tap0", "IPAddress": "10.78.0.7", "NetMask": "255.255.255.0", "Gateway": "10.78.0.1"}}' > config.json
run -c config.json "$python" ask.py 10.77.0.2
ok "the keys" is "$(cat out)" "hello 10.78.0.7"
run -c config.json --ip 10.78.0.8/24 --gateway 10.78.0.1 "$python" ask.py 10.77.0.2
ok "flags win over keys" is "$(cat out)" "hello 10.78.0.8"

# ---- several cards ----
ip netns exec $here_ns "$python" serve.py 2> log &
near=$!
cat > several.py <<'P'
import socket, sys
print(*(name for _, name in socket.if_nameindex()))
for address in sys.argv[1:]:
    with socket.create_connection((address, 8080), 20) as s:
        print(s.getsockname()[0], s.makefile().read(), end="")
P
for machine in microvm q35; do
    run --machine $machine --tap tap0 --ip 10.78.0.5/24 --gateway 10.78.0.1 --nic tap=tap1,ip=10.79.0.5/24 --nic user "$python" several.py 10.78.0.1 10.79.0.1 10.77.0.2
    ok "three cards, each with its network ($machine)" is "$(cat out)" "lo eth0 eth1 eth2
10.78.0.5 hello 10.78.0.5
10.79.0.5 hello 10.79.0.5
10.78.0.5 hello 10.78.0.5"
done
cat > config.json << 'J'
{"RunConfig": {"Nics": [{"TapName": "tap1", "IPAddress": "10.79.0.7", "NetMask": "255.255.255.0"},
                        {"TapName": "tap0", "IPAddress": "10.78.0.7/24", "Gateway": "10.78.0.1", "IPv6Address": "2001:db8:78::7"}]}}
J
run -c config.json "$python" several.py 10.78.0.1 10.79.0.1 10.77.0.2
ok "the key Nics; the way out leads through the card that has one" is "$(cat out)" "lo eth0 eth1
10.78.0.7 hello 10.78.0.7
10.79.0.7 hello 10.79.0.7
10.78.0.7 hello 10.78.0.7"
run -c config.json --nic tap=tap1,ip=10.79.0.8/24 "$python" several.py 10.79.0.1
ok "--nic wins over it" is "$(cat out)" "lo eth0
10.79.0.8 hello 10.79.0.8"
cat > serve1.py <<'P'
import socket
s = socket.create_server(("", 8080))
for _ in range(2):
    with s.accept()[0] as c:
        c.sendall(b"%s\n" % c.getsockname()[0].encode())
P
ip netns exec $here_ns "$ORRIS" run --accel tcg --nic tap=tap1,ip=10.79.0.5/24 --nic user -p 8083:8080 "$python" serve1.py > two.out 2> two.err < /dev/null &
two=$!
await has two.err "http://10.79.0.5:8080"
inside "$python" ask.py 10.79.0.5 > out 2> err
inside "$python" -c 'import socket; print(socket.create_connection(("127.0.0.1", 8083), 20).makefile().read(), end="")' >> out 2>> err
ok "a server is reached through both, and the tool says where" eval 'is "$(cat out)" "10.79.0.5
10.0.2.15" && has two.err "http://127.0.0.1:8083 -> guest 8080"'
wait $two
kill $near $server

# ---- a lease that is made longer ----
ip netns exec $there_ns "$python" serve.py 2> log &
server=$!
await outside "$python" ask.py 127.0.0.1 > log 2>&1
wait $leased
ok "a lease is renewed in time" matches dhcp.out "^message 3 from 10.77.0.33"
ok "and the address stays" is "$(head -1 leased.out; tail -1 leased.out)" "10.77.0.33
hello 10.77.0.33"
kill $dhcp $server

# ---- what can't be ----
refused() { is "$status" 125 && has err "$1"; }
run --tap tap9 --ip 10.78.0.5/24 /bin/true
ok "a tap that isn't there" refused "there is no tap tap9; this makes it: ip tuntap add"
run -b br9 --ip 10.78.0.5/24 /bin/true
ok "a bridge that isn't there" refused "there is no bridge br9; this makes it: ip link add"
run --tap lo --ip 10.78.0.5/24 /bin/true
ok "a device that is no tap" refused "lo is no tap device"
run -b tap0 --ip 10.78.0.5/24 /bin/true
ok "a device that is no bridge" refused "tap0 is no bridge"
run --tap tap0 /bin/true
ok "no address" refused "the card on tap0 needs an address: --ip ADDRESS/PREFIX"
run --ip 10.78.0.5/24 /bin/true
ok "an address alone" refused "an address goes with a tap or a bridge"
run --tap tap0 -b br0 --ip 10.78.0.5/24 /bin/true
ok "both" refused "one of them"
run --tap tap0 --ip 10.78.0.5/24 -p 8080 /bin/true
ok "ports of the host" refused "-p goes with QEMU's user network"
run --nic user --nic user /bin/true
ok "two on the user network" refused "only one network card can be on the user network"
run --nic tap=tap0,adress=10.78.0.5 /bin/true
ok "what a card hasn't is wrong usage" eval 'is "$status" 2 && has err "is not of tap=NAME, bridge=NAME"'
echo '{"RunConfig": {"Nics": [{"TapName": "tap0", "IPAdress": "10.78.0.5"}]}}' > config.json
run -c config.json /bin/true
ok "nor a key that it hasn't" refused 'config.json:1:25: unknown key "IPAdress" of a network card (did you mean "IPAddress"?)'
nine=$(printf -- '--nic tap=t%s,ip=10.80.0.5/24 ' 1 2 3 4 5 6 7 8 9)
run $nine /bin/true
ok "nine cards" eval 'is "$status" 2 && has err "a machine has 8 network cards at most"'
run --tap tap0 --ip 10.78.0.500/24 /bin/true
ok "what is no address is wrong usage" eval 'is "$status" 2 && has err "must be ADDRESS/PREFIX"'
ip netns exec $here_ns "$ORRIS" run -q --accel tcg --tap tap0 --ip 10.78.0.5/24 "$python" -c 'import time; print("up", flush=True); time.sleep(99)' > one 2>&1 < /dev/null &
first=$!
await has one up
run --tap tap0 --ip 10.78.0.6/24 /bin/true
ok "a tap that another machine has" refused "tap0 is in use by another program"
kill $first
finish
