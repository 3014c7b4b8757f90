#!/bin/bash
# nginx, unmodified from Debian, serves files from a machine of its own.
. "$(dirname "$0")/server.sh"
cp -a "$top"/examples/nginx-files/* .
$python -c 'import random; open("www/big.bin", "wb").write(random.Random(1).randbytes(8 << 20))'
find www -exec touch -d 2026-01-01 {} +

unpack nginx
cp -a nginx.conf www "$root"
export root program
serve='mount --rbind /dev "$root/dev" && mount --rbind /proc "$root/proc" && exec chroot "$root" $program -c /nginx.conf'
on_linux 8080 $python "$here/servers/nginx.py" 8080

port=$(free_port)
start pkg load nginx -p "$port:8080" -c config.json
$python "$here/servers/nginx.py" "$port" > guest.seen 2> guest.client.err
stop
same_served nginx
finish
