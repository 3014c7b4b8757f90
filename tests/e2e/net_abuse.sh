#!/bin/bash
# A server in the machine bears clients by the thousand, slow ones, rude ones; its memory is what it was.
# `make soak` runs it at length (ABUSE_*).
. "$(dirname "$0")/tap.sh"

[ "$(id -u)" = 0 ] && [ -c /dev/net/tun ] || skip_all "needs root and /dev/net/tun"
ns=orris$$
ip netns add $ns 2> log || skip_all "no network namespaces here: $(cat log)"
trap 'ip netns del $ns; cd /; rm -rf "$work"' EXIT
await() { for _ in $(seq 600); do "$@" && return 0; sleep 0.1; done; return 1; }
abuse() { ip netns exec $ns timeout "${ABUSE_LIMIT:-120}" "$python" "$here/link/abuse.py" 10.79.0.5 "$@" > out 2> err; }
free_kib() { abuse free 1 && cat out; }
bears() {
    abuse "$@"
    status=$?
    sed 's/^/# /' out
    [ $status = 0 ]
}

ip netns exec $ns ip link set lo up
ip netns exec $ns ip tuntap add dev tap0 mode tap
# The clients' side must not run out of ports: it forgets connections that wait in TIME-WAIT.
ip netns exec $ns sysctl -qw net.ipv4.tcp_max_tw_buckets=1000 "net.ipv4.ip_local_port_range=2000 65000"
ip netns exec $ns ip addr add 10.79.0.1/24 dev tap0
gcc -static -O1 -Wall -Wextra -D_GNU_SOURCE "$here/link/server.c" -o server || exit 99
ip netns exec $ns "$ORRIS" run -q --accel tcg -m 256M --tap tap0 --ip 10.79.0.5/24 ./server > machine.out 2>&1 < /dev/null &
machine=$!
await has machine.out serving

many=${ABUSE_MANY:-1000} # so many have been open at once: what the kernel keeps of that is there before and after
ok "$many at once" bears idle "$many"
bears short 200
before=$(free_kib)
ok "$many at once again" bears idle "$many"
ok "one after another" bears short "${ABUSE_SHORT:-1000}"
ok "a byte at a time" bears slow "${ABUSE_SLOW:-50}"
ok "reset in the middle" bears reset "${ABUSE_RESET:-200}"
ok "that never read" bears unread "${ABUSE_UNREAD:-20}"
ok "it still answers" bears short 10
after=$(free_kib)
echo "# free memory before and after: $before and $after KiB"
ok "its memory is within 5 % of what it was" eval '[ "${before:-0}" -gt 0 ] && [ "${after:-0}" -ge $((before * 95 / 100)) ]'
ok "the machine is still the same" kill -0 $machine
kill $machine
wait $machine
finish
