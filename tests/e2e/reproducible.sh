#!/bin/bash
# The same inputs give the same bytes, wherever and whenever an image is built; its bill of materials
# is right; what is damaged is found.
. "$(dirname "$0")/tap.sh"
needs python gcc hostname package:lua package:python

cat > hello.c <<'C'
#include <stdio.h>
int main(void) { return puts("Hello world!") < 0; }
C
gcc -O1 -o hello hello.c || exit 1
mkdir -p one/data two
printf 'import json, helper\nprint(json.dumps(helper.value))\n' > one/main.py
echo 'value = 42' > one/helper.py
echo '{"Dirs": ["data"], "Args": ["main.py"]}' > one/config.json
printf '\303\244\n' > one/data/text
printf 'x' > "one/data/with \"quotes\" and	tab"
printf 'y' > "$(printf 'one/data/\377')"
ln one/data/text one/data/hard
cp -a one/. two
cp -a hello one && cp -a hello two

# Twice, in another store, under another path, user mask, host name (where it may have one) and time of the day.
first=$work/store1 second=$work/a/longer/path/store2
build() { ( cd "$1" && "$ORRIS" build -q "${@:2}" ); }
if why=$(unshare -r -u hostname elsewhere 2>&1); then
    renamed() { unshare -r -u sh -c 'hostname elsewhere && exec "$@"' sh "$@"; }
else
    skip "another host name" "$why"
    renamed() { "$@"; }
fi
elsewhere() {
    ( umask 077; renamed env ORRIS_HOME="$second" TMPDIR="$work/two" \
        sh -c 'cd "$0" && "$@"' "$work/two" "$ORRIS" "$@" )
}
export ORRIS_HOME=$first
one=$(build one ./hello)
two=$(elsewhere build -q ./hello 2> err)
ok "a program: the same bytes" cmp "$one" "$two"
one=$(build one -i py -c config.json "$python")
two=$(elsewhere build -q -i py -c config.json "$python" 2> err)
ok "Python with folders: the same bytes" cmp "$one" "$two"

# A package: its layer is made twice from the same downloads.
"$ORRIS" pkg get lua > log 2>&1
"$ORRIS" pkg get python >> log 2>&1
mkdir -p "$second/packages"
cp -a "$first/packages/apt" "$second/packages"
elsewhere pkg get lua >> log 2>&1
elsewhere pkg get python >> log 2>&1
for package in lua_5.4.4 python_3.11.2; do
    ok "$package: the same layer" cmp "$first/packages/$package/layer.erofs" "$second/packages/$package/layer.erofs"
    ok "$package: the same listing" cmp "$first/packages/$package/layer.list" "$second/packages/$package/layer.list"
done
echo 'print(6 * 7)' > one/x.lua
cp -a one/x.lua two
( cd one && orris pkg load lua x.lua ) > out 2> err
( umask 077; cd two && ORRIS_HOME=$second orris pkg load lua x.lua ) >> out 2>> err
ok "an image of a package: the same bytes" cmp "$first/images/x.lua.img" "$second/images/x.lua.img"
ok "which run" is "$(xargs < out)" "42 42"
ok "no host name, no path of the builder in it" is "$(grep -acE "$(hostname)\.|$work" "$first/images/x.lua.img")" 0

# The bill of materials.
try image inspect py
ok "the bill is the same for the same image" is "$status$(ORRIS_HOME=$second orris image inspect py | cmp - out && echo same)" 0same
cp out py.json
try image inspect x.lua
cp out lua.json
cat > check.py <<'P'
import hashlib, json, re, subprocess, sys
orris, image, path, *wanted = sys.argv[1:]
bill = json.load(open(path))
packages = {p['SPDXID']: p for p in bill['packages']}
files = {f['SPDXID']: f for f in bill['files']}
assert bill['spdxVersion'] == 'SPDX-2.3' and bill['dataLicense'] == 'CC0-1.0' and bill['SPDXID'] == 'SPDXRef-DOCUMENT'
assert bill['name'] == image and bill['documentNamespace'].startswith('urn:orris:')
assert re.fullmatch(r'\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ', bill['creationInfo']['created']) and bill['creationInfo']['creators']
listed = [i for p in bill['packages'] for i in p.get('hasFiles', [])]
assert sorted(listed) == sorted(files), 'each file belongs to one package'
assert len({f['fileName'] for f in files.values()}) == len(files)
declared = {i['licenseId'] for i in bill['hasExtractedLicensingInfos']}
known = {'MIT', 'ISC', 'Zlib', 'X11'}
for p in bill['packages']:
    assert p['name'] and p['downloadLocation'] and p['licenseConcluded']
    assert re.fullmatch(r'[A-Za-z0-9.+() -]+', p['licenseDeclared']), p['licenseDeclared']
    assert set(re.findall(r'LicenseRef-[A-Za-z0-9.-]+', p['licenseDeclared'])) <= declared
    own = sorted(next(c['checksumValue'] for c in files[i]['checksums'] if c['algorithm'] == 'SHA1') for i in p.get('hasFiles', []))
    assert p['filesAnalyzed'] == bool(own)
    if own:
        code = hashlib.sha1(''.join(own).encode()).hexdigest()
        assert p['packageVerificationCode']['packageVerificationCodeValue'] == code
ends = set(packages) | set(files) | {'SPDXRef-DOCUMENT'}
for r in bill['relationships']:
    assert r['spdxElementId'] in ends and r['relatedSpdxElement'] in ends and r['relationshipType'] in ('DESCRIBES', 'CONTAINS')
for path in wanted:
    file = next(f for f in files.values() if f['fileName'] == '.' + path)
    data = subprocess.run([orris, 'image', 'cat', image, path], capture_output=True, check=True).stdout
    for checksum in file['checksums']:
        assert hashlib.new(checksum['algorithm'].lower(), data).hexdigest() == checksum['checksumValue'], path
names = {p['name']: p for p in bill['packages']}
print(len(files) > 10, names.get('libc6', {}).get('licenseDeclared', '').find('LGPL-2.1'))
for p in ('lua5.4', 'libc6'):
    if p in names:
        print(p, names[p]['versionInfo'], len(names[p].get('hasFiles', [])) > 0, len(names[p].get('checksums', [])))
P
$python check.py "$ORRIS" py py.json /main.py /data/text '/data/with "quotes" and	tab' "$(realpath "$python")" > out 2>&1
ok "the bill of a host's program is whole and right" not has out Traceback
dpkg-query -W -f '${Version}\n' libc6 > version
ok "it names the host's Debian packages" matches out "^libc6 $(sed 's/[+.]/\\&/g' version) True 0"
$python check.py "$ORRIS" x.lua lua.json /x.lua /usr/bin/lua5.4 /etc/ld.so.cache > out 2>&1
ok "the bill of a package is whole and right" not has out Traceback
ok "it names package, version and hash of what was fetched" matches out '^lua5\.4 5\.4\.4-[^ ]+ True 1$'

# Verifying.
try image verify x.lua py
ok "what was built is good" is "$status$(grep -c ': good, [0-9]* files$' out)" 02
damage() { # NAME OFFSET TEXT
    cp --sparse=always "$first/images/x.lua.img" bad.img
    byte=$(od -An -tu1 -j "$2" -N 1 bad.img)
    printf "\\$(printf %03o $((byte ^ 1)))" | dd of=bad.img bs=1 seek="$2" conv=notrunc 2> log
    try image verify ./bad.img
    ok "$1 is found" is "$status$(grep -cE -- "$3" err)" 11
}
image=$first/images/x.lua.img
damage "a changed byte of the kernel" 70000 "kernel's checksum"
damage "of the header" $((0x100008)) "another version|checksum"
damage "of the arguments" $((0x100090)) "checksum"
damage "of a file" "$(grep -abo -m 1 'print(6 \* 7)' "$image" | head -n 1 | cut -d: -f1)" '/x\.lua is not what'
damage "of a superblock" $((0x200000 + 1024 + 50)) "superblock"
damage "of a folder" "$(grep -abo 'lua5\.4' "$image" | awk -F: '$1 > 2097152 { print $1; exit }')" 'layer 0: '
damage "of a bill" "$(grep -abo 'orris bill 1' "$image" | head -n 1 | cut -d: -f1)" 'bill of materials is damaged'
truncate -s 3M bad.img
try image verify ./bad.img
ok "an image that is cut short is found" is "$status" 1
try image inspect ./bad.img
ok "and has no bill" is "$status" 1
try image inspect ./hello
ok "what is no image is told" has err "is not an image of orris"
finish
