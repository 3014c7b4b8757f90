#!/bin/bash
# Downloads that go wrong: cut short, changed on the way, forged lists. A proxy on this machine does
# that to what the archive sends.
. "$(dirname "$0")/tap.sh"
needs python archive
export ORRIS_HOME=$work/store

grep -rqs '^URIs: *http://\|^deb .*http://' /etc/apt/sources.list /etc/apt/sources.list.d ||
    skip_all "apt's sources here are not of http, which a proxy could change"
echo forge > mode
: > log
$python "$here/archive_proxy.py" mode log port &
proxy=$!
trap 'kill $proxy 2> /dev/null; cd /; rm -rf "$work"' EXIT
until [ -s port ]; do sleep 0.05; done
http_proxy=http://127.0.0.1:$(cat port)
export http_proxy
unset no_proxy NO_PROXY

try pkg get lua
ok "forged lists are refused" is "$status" 1
ok "as not signed by Debian" has err "are not signed with Debian's key"
ok "no package came of them" is "$(ls "$ORRIS_HOME/packages")" apt

echo cut > mode
try pkg get lua
ok "downloads that end early are an error" is "$status" 1
ok "that says so" has err "can't fetch lua_5.4.4 from Debian's archive"
ok "nothing half is there" is "$(ls "$ORRIS_HOME/packages")" apt
ok "but what came is kept" not is "$(find "$ORRIS_HOME/packages/apt/debs" -type f -size +1k | wc -l)" 0

echo spoil > mode
: > log
try pkg get lua
ok "changed packages are an error" is "$status" 1
ok "nothing came of them" is "$(ls "$ORRIS_HOME/packages")" apt

# Cut again, so that the last try has something to go on with.
echo cut > mode
try pkg get lua
: > log
echo pass > mode
try pkg get lua
ok "the next try has it" is "$status$(cat out)" 0lua_5.4.4
ok "and went on where the last one ended" matches log '\.deb bytes=[1-9]'
: > log
try pkg get lua5.4
ok "later nothing is fetched" is "$status$(cat log)" 0
try pkg delete lua
try pkg get lua
ok "a .deb is fetched once" is "$status$(grep -c '\.deb ' log)" 00
kill $proxy
try pkg get perl
ok "without a network, what isn't there is an error" is "$status" 1
echo 'print(6 * 7)' > x.lua
try pkg load lua x.lua
ok "and what is there works" is "$(cat out)" 42
finish
