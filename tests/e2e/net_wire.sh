#!/bin/bash
# TCP between a machine and Linux over a wire that loses, doubles, reorders and invents frames: all bytes
# arrive, and the machine goes on answering. `make soak` runs it at length (WIRE_*).
. "$(dirname "$0")/tap.sh"
needs netns python

seed=${WIRE_SEED:-7}
ns=orris$$
ip netns add $ns || exit 1
trap 'ip netns del $ns; cd /; rm -rf "$work"' EXIT
inside() { ip netns exec $ns "$@"; }
await() { for _ in $(seq 600); do "$@" && return 0; sleep 0.1; done; return 1; }
ask() { inside timeout "${WIRE_LIMIT:-300}" "$python" "$here/link/transfer.py" ask 10.79.0.5 "$1" > out 2> err; }

inside ip link set lo up
inside ip tuntap add dev tap0 mode tap

# machine IP [FLAG...]: starts one, until end_machine.
machine() {
    : > machine.out
    ip netns exec $ns "$ORRIS" run -q --accel tcg -m 256M --tap tap0 --ip "$@" \
        "$python" "$here/link/transfer.py" serve > machine.out 2> machine.err < /dev/null &
    machine=$!
    await has machine.out serving
}
end_machine() {
    ok "the machine is still the same" kill -0 $machine
    kill $machine
    wait $machine
}

# wire LOSS DOUBLE REORDER [INVENT]: the relay, until unwire.
wire() {
    : > relay.out
    ip netns exec $ns "$python" "$here/link/relay.py" tap0 "$seed" "$@" > relay.out 2> relay.err &
    relay=$!
    await has relay.out ready
}
free_kib() { ask free && cat out; }
unwire() {
    kill $relay
    wait $relay
    sed "s/^/# /" relay.out relay.err
}

# Large frames: one that is lost is some forty segments.
machine 10.79.0.5/24
wire 0 0 0
ok "a good wire" ask 1000000
unwire
wire 1 1 1
ok "1 % of large frames lost, doubled and late each: every byte arrives, both ways" ask 2000000
unwire
end_machine

# And frames as they are on a wire.
machine 10.79.0.5/24 --qemu-args "-global virtio-net-device.host_tso4=off -global virtio-net-device.host_tso6=off"
wire 1 1 1
ok "1 % lost, doubled and late each: every byte arrives, both ways" ask "${WIRE_BYTES:-2000000}"
unwire
wire 10 2 5
ok "10 % lost" ask "${WIRE_BAD_BYTES:-100000}"
unwire
end_machine

# Frames that nobody should send. The machine leases its address, so that a client listens to DHCP.
invented=${WIRE_FRAMES:-20000}
wire 0 0 0 "$invented"
ip netns exec $ns "$python" "$here/link/dhcp.py" wire 10.79.0.1 10.79.0.5 10.79.0.1 120 > dhcp.out 2> log &
dhcp=$!
await has dhcp.out ready
machine dhcp
ok "it answers while frames come that nobody should send" ask 1000
await has relay.out "invented $invented"
ok "and after $invented of them" ask 1000000
# Half of them once more, now that the kernel has what it keeps.
before=$(free_kib)
unwire
wire 0 0 0 $((invented / 2))
ask 1000
await has relay.out "invented $((invented / 2))"
ok "and after more of them" ask 1000
after=$(free_kib)
echo "# free memory before and after: $before and $after KiB"
ok "its memory is within 5 % of what it was" eval '[ "${before:-0}" -gt 0 ] && [ "${after:-0}" -ge $((before * 95 / 100)) ]'
unwire
kill $dhcp
# What the machine was too busy for is dropped at the tap.
inside ip -s link show tap0 | awk '/TX:/ { getline; print "# tap0: " $2 " frames taken by the machine in all, " $4 " dropped" }'
end_machine
finish
