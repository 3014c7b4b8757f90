#!/bin/sh
# Packages in the store: the verbs around them, two at once, no network, interrupts, another user.
. "$(dirname "$0")/tap.sh"
needs fsck.erofs archive

ORRIS_HOME=$work/store

try pkg list
ok "pkg list names the recipes" matches out '^python_3\.11\.2 +not here '
try pkg contents python
ok "pkg contents of what is not there is a failure" is "$status" 1
ok "that says what to do" has err 'orris pkg get python'
http_proxy=http://127.0.0.1:9 try pkg describe python
ok "pkg describe without network and lists is a failure" is "$status" 1
http_proxy=http://127.0.0.1:9 try pkg get python
ok "without a network the first pkg get fails" is "$status" 1
ok "and says so" has err "can't be reached (is there a network?)"
try pkg get "no such"
ok "a name that can't be one is refused" is "$status" 1
try pkg get pyhton
ok "a near name is suggested" has err "(did you mean python?)"
try pkg get no-such-package-anywhere
ok "a package that Debian doesn't have is an error" has err 'no package "no-such-package-anywhere"'

# Two at once: one fetches, the other waits; then an interrupt while fetching.
orris pkg get python_3.11.2 > one 2> one.err &
first=$!
orris pkg get python > two 2> two.err &
second=$!
wait $first; status_one=$?
wait $second; status_two=$?
ok "two at once both have it" is "$status_one$status_two$(cat one two)" "00python_3.11.2
python_3.11.2"
ok "only one of them fetched it" is "$(cat one.err two.err | grep -c 'unpacking')" 1

try pkg list
ok "pkg list has it" matches out '^python_3\.11\.2 +[0-9.]+ MB '
try pkg describe python_3.11
ok "pkg describe shows what it is made of" matches out '^ +libc6 2\.36-'
ok "and the licences" matches out '^ +libc6 2\.36-[^,]*, .*LGPL-2\.1'
try pkg describe lua
ok "pkg describe of what is not here yet tells from the archive" matches out '^package +lua_5\.4\.4$'
ok "that it isn't here, how much it is, how it comes" matches out '^layer +not in the store: [0-9.]+ MB to fetch \(`orris pkg get lua`\)$'
ok "and what it would be made of" matches out ' lua5\.4 5\.4\.4-'
try pkg describe no-such-thing
ok "a package that Debian lacks" eval 'is "$status" 1 && has err "Debian has no package \"no-such-thing\""'
try pkg contents python
ok "pkg contents lists its files" has out /usr/lib/python3.11/os.py
ok "and its byte code" matches out '^/usr/lib/python3.11/__pycache__/os.cpython-311.pyc$'
ok "and links with their targets" has out "/lib -> usr/lib"
ok "no executable but the interpreter" is "$(grep -E '^/usr/s?bin/.' out | grep -vc -e '->' | tr -d '\n'; grep -cx /usr/bin/python3.11 out)" 11
fsck.erofs "$ORRIS_HOME/packages/python_3.11.2/layer.erofs" > fsck 2>&1
ok "the layer is a sound EROFS file system" is $? 0

ok "nothing in it tells where it was made" not grep -qF /work- "$ORRIS_HOME/packages/python_3.11.2/layer.erofs"

http_proxy=http://127.0.0.1:9 try pkg get python
ok "later it needs no network" is "$status$(cat err)" 0

try pkg search '^python3-sklearn$'
ok "pkg search finds Debian's packages" matches out '^python3-sklearn - '
try pkg search no-such-package-anywhere
ok "or says that there are none" is "$status" 1

try pkg delete python
ok "pkg delete removes it" is "$status" 0
ok "from the disk too" is "$(ls "$ORRIS_HOME/packages")" apt

"$ORRIS" pkg get python > /dev/null 2> err &
job=$!
for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
    ls "$ORRIS_HOME/packages" | grep -q ^work- && break
    sleep 0.1
done
kill -INT $job
wait $job
ok "an interrupt ends it" not is $? 0
ok "and leaves nothing half" is "$(ls "$ORRIS_HOME/packages")" apt
"$ORRIS" pkg get python > /dev/null 2> err &
job=$!
for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
    ls "$ORRIS_HOME/packages" | grep -q ^work- && break
    sleep 0.1
done
kill -KILL $job
wait $job 2> /dev/null
try pkg get python
ok "after a SIGKILL in the middle it works again" is "$status" 0
ok "and what was left behind is gone" is "$(ls "$ORRIS_HOME/packages" | tr '\n' ' ')" "apt python_3.11.2 "

try prune
orris image prune -n > again
ok "image prune is the same" matches again '^would free [0-9.]+ MB, the store holds [0-9.]+ MB$'
ok "prune says how much it freed" matches out '^freed [0-9.]+ MB, the store holds [0-9.]+ MB$'
ok "downloads go, packages stay" is "$(ls "$ORRIS_HOME"/packages/apt/debs/*.deb 2> /dev/null | wc -l)$(ls -d "$ORRIS_HOME"/packages/python_3.11.2)" "0$ORRIS_HOME/packages/python_3.11.2"
try prune --max 1M
ok "prune --max removes packages, too" is "$(ls "$ORRIS_HOME/packages")" apt

if can_mount; then
    export ORRIS
    with_small 12M 'ORRIS_HOME=$PWD/small/store timeout 400 "$ORRIS" pkg get python'
    ok "a full disk is an error" is "$status" 1
    ok "that says how much room is needed" matches err "not enough room in .*: [0-9]+ MB are needed"
else
    skip "a full disk is an error" "$no_mount"
fi

if can_be_other; then
    as_other "$work/tool/orris" pkg get python > out 2> err
    status=$?
    ok "a user without rights can fetch it" is "$status$(cat out)" "0python_3.11.2"
else
    skip "a user without rights can fetch it" "$no_other"
fi
finish
