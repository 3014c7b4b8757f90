#!/bin/bash
# redis-server with redis-cli and redis-benchmark from the host.
. "$(dirname "$0")/server.sh"
needs redis-benchmark redis-cli

unpack redis
export root
serve='mount --rbind /dev "$root/dev" && mount --rbind /proc "$root/proc" && exec chroot "$root" /usr/bin/redis-server \
    --save "" --protected-mode no'
on_linux 6379 $python "$here/servers/redis.py" 6379

port=$(free_port)
start pkg load redis -p "$port:6379"
$python "$here/servers/redis.py" "$port" > guest.seen 2> guest.client.err
stop
same_served redis
finish
