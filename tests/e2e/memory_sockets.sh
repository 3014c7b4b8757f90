#!/bin/bash
# Memory taken by pipes and sockets: the calls fail, and the program lives. So it does when others send
# what it doesn't read.
. "$(dirname "$0")/tap.sh"
needs python
. "$here/memory/judge.sh"

ways_end pipes

port=$(free_port)
try run -m 64M -p "$port:7000" ./ways --in-a-machine tcp_unread &
$python "$here/memory/send.py" "$port" > sent
wait
ok "connections that are full of what nobody reads" matches sent "^[1-9][0-9]* MiB"
ok "don't end the program" grep -qx ALIVE out
finish
