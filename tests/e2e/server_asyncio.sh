#!/bin/bash
# asyncio: a chat room over TCP, datagrams over UDP, an end by SIGTERM that the guests are told of.
. "$(dirname "$0")/server.sh"
needs package:python
cp -a "$top"/examples/asyncio/* .
export python
ended=1
serve='exec $python chat.py'
on_linux 9000 $python "$here/servers/asyncio_chat.py" 9000 9001 sh -c 'kill $SERVER'

port=$(free_port)
start pkg load python -p "$port:9000" -p "$port:9001/udp" -c config.json
export machine
$python "$here/servers/asyncio_chat.py" "$port" "$port" sh -c 'kill $machine' > guest.seen 2> guest.client.err
stop
same_served asyncio
ok "what it prints is as on Linux" cmp linux.out guest.out
finish
