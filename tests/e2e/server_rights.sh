#!/bin/bash
# Servers of Debian that start as root, bind a low port and drop their rights: these are really gone.
. "$(dirname "$0")/server.sh"
needs curl package:haproxy package:lighttpd

echo secret > secret
chmod 600 secret
cat > haproxy.cfg <<'CFG'
global
    user www-data
    group www-data
    lua-load /rights.lua
defaults
    mode http
    timeout client 60s
    timeout server 60s
    timeout connect 60s
frontend web
    bind :80
    http-request use-service lua.rights
CFG
cat > rights.lua <<'LUA'
local function try(path)
    local file, why = io.open(path)
    return file and file:read("a") or why .. "\n"
end
core.register_service("rights", "http", function(applet)
    local said = try("/proc/self/status") .. try("/secret")
    applet:set_status(200)
    applet:add_header("content-length", #said)
    applet:start_response()
    applet:send(said)
end)
LUA
mkdir etc
printf 'root:x:0:0::/root:\nwww-data:x:33:33::/var/www:\n' > etc/passwd
printf 'root:x:0:\nwww-data:x:33:\n' > etc/group
cat > config.json <<'JSON'
{"Files": ["haproxy.cfg", "rights.lua", "secret"], "MapDirs": {"etc/*": "/etc"}, "Args": ["-db", "-f", "/haproxy.cfg"]}
JSON
port=$(free_port)
start pkg load haproxy -p "$port:80" -c config.json
curl -s -m 60 "http://127.0.0.1:$port/" > status
stop
ok "haproxy: the ids are those of its user" is "$(grep -E '^(Uid|Gid):' status | tr '\t\n' '  ')" "Uid: 33 33 33 33 Gid: 33 33 33 33 "
ok "no capability is left" is "$(grep -cE '^Cap(Prm|Eff):.0000000000000000$' status)" 2
ok "root's file is closed to it" has status "/secret: Permission denied"

cat > lighttpd.conf <<'CFG'
server.document-root = "/www"
server.port = 80
server.username = "www-data"
server.groupname = "www-data"
CFG
mkdir www
echo public > www/public
mv secret www/secret
echo '{"Files": ["lighttpd.conf"], "MapDirs": {"www/*": "/www"}, "Args": ["-D", "-f", "/lighttpd.conf"]}' > config.json
port=$(free_port)
start pkg load lighttpd -p "$port:80" -c config.json
answer() { curl -s -m 60 -o /dev/null -w '%{http_code}' "http://127.0.0.1:$port/$1"; }
ok "lighttpd: everybody's file is served" is "$(answer public)" 200
ok "root's is not" is "$(answer secret)" 403
stop
finish
