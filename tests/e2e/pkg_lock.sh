#!/bin/bash
# Versions of packages, written down and kept to.
. "$(dirname "$0")/tap.sh"
needs python gcc archive
export ORRIS_HOME=$work/store
mkdir -p "$ORRIS_HOME/packages"
[ ! -d "${ORRIS_TEST_HOME:-$top/build/tests/home}/packages/apt" ] ||
    cp -a "${ORRIS_TEST_HOME:-$top/build/tests/home}/packages/apt" "$ORRIS_HOME/packages"

echo 'print(6 * 7)' > x.lua
try pkg load --locked lua x.lua
ok "no lock file is an error that says how to make one" is "$status$(grep -c 'orris pkg lock' err)" 1251
try pkg lock lua
ok "pkg lock writes one" is "$status$(grep -c '^lua5\.4 5\.4\.4-.* [0-9a-f]\{64\}$' orris.lock)" 01
ok "with every part" matches orris.lock '^libc6 2\.36-'
cp orris.lock first.lock
try pkg lock lua
ok "the same packages give the same file" cmp orris.lock first.lock
try pkg load --locked lua x.lua
ok "what is locked runs" is "$(cat out)" 42
rm -rf "$ORRIS_HOME"/packages/lua_*
try pkg load --locked lua x.lua
ok "and is made with these versions where it isn't there" is "$(cat out)" 42

# Other versions than there are.
sed -i 's/^lua5\.4 5\.4\.4-[^ ]*/lua5.4 5.4.4-0/; s/^\(libc6 [^ ]*\) .*/\1 '"$(printf '0%.0s' $(seq 64))/" orris.lock
try pkg load --locked lua x.lua
ok "others are refused" is "$status$(cat out)" 125
ok "each is named with both versions" matches err '^orris:     lua5\.4: locked 5\.4\.4-0, there is 5\.4\.4-'
ok "as is another file of the same version" matches err '^orris:     libc6 2\.36-.*: another file of the same version'
sed -i '/^libc6 /d' orris.lock
try pkg load --locked lua x.lua
ok "and one that the lock file lacks" matches err '^orris:     libc6 2\.36-.*: not in the lock file'
try pkg load lua x.lua
ok "without --locked nothing is asked" is "$(cat out)" 42

# An older version that the archive still has is fetched.
old=$(apt-cache madison libssl3 2> log | awk '{print $3}' | sort -V | head -n 1)
new=$(apt-cache madison libssl3 2> log | awk '{print $3}' | sort -V | tail -n 1)
if [ -n "$old" ] && [ "$old" != "$new" ]; then
    try pkg lock --lock ssl.lock --pkg libssl3
    hash=$(apt-cache show "libssl3=$old" | sed -n 's/^SHA256: //p')
    sed -i "s/^libssl3 .*/libssl3 $old $hash/" ssl.lock
    gcc -o hello -x c - <<< 'int main(void) { return 0; }'
    orris record -o full.lock ./hello > log 2>&1
    sed -n '/^\[packages\]/,$p' ssl.lock >> full.lock
    echo '{"Packages": ["libssl3"], "Program": "hello"}' > ssl.json
    try build --locked --lock full.lock -c ssl.json
    ok "an older version that the archive still has is fetched" matches "$(find "$ORRIS_HOME/packages" -path '*@*/package.json')" "\"Version\": \"$(sed 's/[+.]/\\&/g' <<< "$old")\""
else
    skip "an older version is fetched" "the archive has one version of libssl3"
fi

# Other sections stay.
echo 'print(1)' > x.py
orris record -o both.lock "$python" x.py > log 2>&1
files=$(grep -c '^file ' both.lock)
try pkg lock --lock both.lock lua
ok "what was recorded stays in the file" is "$(grep -c '^file ' both.lock)$(grep -c '^lua5' both.lock)" "${files}1"
try pkg load --locked --lock both.lock lua x.lua
ok "and is not the package's" is "$(cat out)" 42
try pkg lock
ok "nothing to lock is an error" has err "no package is named"
finish
