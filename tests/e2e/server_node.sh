#!/bin/bash
# Node's http, Debian's node.
. "$(dirname "$0")/server.sh"
cp -a "$top"/examples/node-http/* .

unpack node
cp server.js "$root"
export root program
serve='mount --rbind /dev "$root/dev" && mount --rbind /proc "$root/proc" && exec chroot "$root" $program /server.js'
on_linux 8080 $python "$here/servers/node_http.py" 8080

port=$(free_port)
start pkg load node -p "$port:8080" -c config.json
$python "$here/servers/node_http.py" "$port" > guest.seen 2> guest.client.err
stop
same_served node
ok "what it prints is as on Linux" cmp linux.out guest.out
finish
