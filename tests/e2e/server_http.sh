#!/bin/bash
# Python's own http.server, started as people start it.
. "$(dirname "$0")/server.sh"
needs package:python
cp -a "$top"/examples/http-server/* .
mkdir site/folder
echo inside > "site/folder/a file"
$python -c 'import random; open("site/big.bin", "wb").write(random.Random(1).randbytes(8 << 20))'
find site -exec touch -d 2026-01-01 {} +

export python
serve='exec $python -m http.server 8080 --directory site'
on_linux 8080 $python "$here/servers/http_server.py" 8080

port=$(free_port)
start pkg load python -p "$port:8080" -c config.json
$python "$here/servers/http_server.py" "$port" > guest.seen 2> guest.client.err
stop
same_served http.server
finish
