#!/bin/bash
# What `orris build` puts into images, and when it makes them again. No machine is booted.
. "$(dirname "$0")/tap.sh"
needs python gcc
export ORRIS_HOME=$work/store

cat > hello.c <<'C'
#include <stdio.h>
int main(void) { return puts("Hello world!") < 0; }
C
gcc -O1 -static -o static hello.c && gcc -O1 -o dynamic hello.c || exit 1

image=$(orris build ./static 2> err)
ok "the path is the only line on standard output" is "$image" "$ORRIS_HOME/images/static.img"
ok "and the image is there" test -s "$image"
ok "a static program brings nothing but itself" is "$(orris image tree static / | grep -c '\.so')" 0
before=$(stat -c '%i %y %z' "$image")
orris build ./static > out 2> err
ok "with nothing changed nothing is built" is "$(stat -c '%i %y %z' "$image")" "$before"

image=$(orris build ./dynamic)
ok "a dynamic program brings its linker" quiet orris image ls dynamic /lib64/ld-linux-x86-64.so.2
ok "its libraries" quiet orris image ls dynamic /lib/x86_64-linux-gnu/libc.so.6
ok "and a cache of them" quiet orris image ls dynamic /etc/ld.so.cache
ok "/lib is a link as on the host" is "$(readlink /lib)" \
    "$(orris image ls dynamic / | sed -n 's/.* lib -> //p')"
ok "no /etc/shadow" not orris image ls dynamic /etc/shadow 2> err

# Every change is seen, also one that keeps size and time.
echo 'print("one")' > script.py
orris build "$python" script.py > out 2> err
ok "a script is put where the program looks for it" is "$(orris image cat script /script.py)" 'print("one")'
stamp=$(stat -c %y script.py)
inode=$(stat -c %i "$ORRIS_HOME/images/script.img")
echo 'print("two")' > script.py
touch -d "$stamp" script.py
orris build "$python" script.py > out 2> err
ok "a change of the same size and time is seen" is "$(orris image cat script /script.py)" 'print("two")'
ok "it costs no new image" is "$(stat -c %i "$ORRIS_HOME/images/script.img")" "$inode"
echo 'x = 1' > beside.py
orris build "$python" script.py > out 2> err
ok "a new module beside the script comes along" is "$(orris image cat script /beside.py)" "x = 1"
rm beside.py
orris build "$python" script.py > out 2> err
ok "and goes again" not orris image ls script /beside.py 2> err
touch unrelated.txt
before=$(stat -c '%i %y %z' "$ORRIS_HOME/images/script.img")
orris build "$python" script.py > out 2> err
ok "a file that is no module changes nothing" is "$(stat -c '%i %y %z' "$ORRIS_HOME/images/script.img")" "$before"

# Files keep what they are.
mkdir -p tree/sub && echo data > tree/sub/f && chmod 640 tree/sub/f && touch -d '2001-02-03 04:05:06.789' tree/sub/f
ln -s sub/f tree/link && ln -s nowhere tree/dangling && ln tree/sub/f tree/hard && mkdir -m 700 tree/private
echo '{"Dirs": ["tree"], "Program": "static"}' > config.json
orris build -c config.json -i kept > out 2> err
if command -v fsck.erofs > which; then
    # The layer of folders lies behind that of the system.
    $python - "$ORRIS_HOME/images/kept.img" <<'P' > offsets
import struct, sys
f = open(sys.argv[1], 'rb'); f.seek(1 << 20); head = f.read(64)
records = f.read(struct.unpack_from('<I', head, 36)[0]); at = 0; number = 0
while at < len(records):
    kind, size = struct.unpack_from('<II', records, at); at += 8
    if kind == 2:
        offset, length = struct.unpack_from('<QQ', records, at)
        f.seek(offset); open('layer%d' % number, 'wb').write(f.read(length)); number += 1
    at += (size + 7) // 8 * 8
print(number)
P
    ok "fsck.erofs finds nothing wrong" is "$(for l in layer?; do fsck.erofs $l > log 2>&1 || echo $l; done)" ""
    for l in layer?; do fsck.erofs --extract=merged --preserve-perms --overwrite $l > log 2>&1; done
    ok "content is kept" cmp -s merged/tree/sub/f tree/sub/f
    ok "modes are kept" is "$(stat -c %a merged/tree/sub/f merged/tree/private | xargs)" "640 700"
    ok "links are kept, dangling ones too" is "$(readlink merged/tree/link merged/tree/dangling | xargs)" "sub/f nowhere"
else
    skip "what layers keep" "there is no fsck.erofs"
fi
ok "times are kept" matches <(TZ=UTC orris image ls kept /tree/sub/f) "$(TZ=UTC date -r tree/sub/f '+%F %R')"

# Arguments that name files.
mkdir -p data && echo 1,2 > data/x.csv
orris build -i args ./static data/x.csv data/none / /dev/null /tmp "$HOME" > out 2> err
ok "an argument's file is put in, with a note and its size" matches err "argument data/x.csv .* /data/x.csv .4 bytes"
ok "the whole host is refused" matches err "argument / is not put"
ok "the home folder is refused" matches err "argument $HOME is not put"
ok "all that lies in /tmp is refused" matches err "argument /tmp is not put"
ok "devices are the machine's own" not orris image ls args /dev/null 2> err
mkdir -p one/two && echo deep > one/x.csv
orris build -i list ./static data/x.csv:one/x.csv data/x.csv:none > out 2> err
ok "a list of files brings each" eval 'orris image ls list /one/x.csv > log && orris image ls list /data/x.csv > log'
orris build -i through ./static one/two/../x.csv > out 2> err
ok "a path through a folder and back works as on the host" is "$(orris image cat through /one/x.csv)" deep
ok "for the folder is there" orris image ls through /one/two
echo 'print(1)' > one/s.py
orris build -i through one/two/../s.py > out 2> err
ok "of a script, too" orris image ls through /one/two

# Bad input.
try build ./nowhere
ok "a missing program" matches err "^orris: \./nowhere: no such file"
try build ./data
ok "a folder" has err "is a folder, not a program"
try build "$work/hello.c"
ok "neither ELF nor script" has err "is neither an ELF file"
cp static foreign && printf '\267\0' | dd of=foreign bs=1 seek=18 conv=notrunc 2> log
try build ./foreign
ok "another processor" has err "is for 64-bit ARM"
printf '\1' | dd of=foreign bs=1 seek=4 conv=notrunc 2> log && printf '\3\0' | dd of=foreign bs=1 seek=18 conv=notrunc 2> log
try build ./foreign
ok "32 bits" has err "is for 32-bit x86"
head -c 500 dynamic > cut && chmod +x cut
try build ./cut
ok "a file cut short" has err "is damaged"
echo 'int f(void) { return 0; }' > f.c && gcc -shared -fPIC -o libgone.so f.c
echo 'int f(void); int main(void) { return f(); }' > m.c && gcc -o needs m.c -L. -lgone && rm libgone.so
try build ./needs
ok "a missing library is named, and who needs it" matches err "library libgone\.so, which .*/needs needs"
ok "a failed build prints nothing on standard output" is "$(cat out)$status" 1
chmod -x static
try build ./static
ok "a program that may not be executed" has err "chmod +x"
chmod +x static

# RUNPATH with $ORIGIN.
mkdir -p o/lib && gcc -shared -fPIC -o o/lib/libgone.so f.c && gcc -o o/needs m.c -Lo/lib -lgone '-Wl,-rpath,$ORIGIN/lib'
orris build o/needs > out 2> err
ok "RUNPATH's \$ORIGIN leads to libraries" quiet orris image ls needs /o/lib/libgone.so
orris build "$work/o/needs" > out 2> err
ok "at an absolute path as well" quiet orris image ls needs "$work/o/lib/libgone.so"
# A library that is loaded by a link: $ORIGIN is the link's folder, whose neighbours may be links, too.
mkdir -p l/real l/other l/links
gcc -shared -fPIC -o l/other/libnext.so f.c
echo 'int f(void); int g(void) { return f() + 7; }' > g.c
gcc -shared -fPIC -o l/real/libfirst.so g.c -Ll/other -lnext '-Wl,-rpath,$ORIGIN'
ln -s ../real/libfirst.so ../other/libnext.so l/links
echo 'int g(void); int main(void) { return g(); }' > n.c
gcc -o linked n.c -Ll/links -lfirst "-Wl,-rpath,$work/l/links" -Wl,--allow-shlib-undefined
./linked
ok "a program whose library is loaded by a link (on the host)" is $? 7
try run "$work/linked"
ok "a library loaded by a link finds its neighbours beside the link" is "$(cat out)$status" 7

# Ends of all kinds leave whole images and nothing else.
whole() { # every image in the store can be read, and nothing else is there
    for file in "$ORRIS_HOME"/images/* "$ORRIS_HOME"/images/.[!.]*; do
        [ -e "$file" ] || continue
        case $file in *.img) orris image ls "$file" > log 2>&1 || { echo "# $file"; return 1; } ;; *) return 1 ;; esac
    done
    [ -z "$(find "$ORRIS_HOME/layers/" -name '.*' -o -name '*.new')" ]
}
head -c 60000000 /dev/urandom > big
echo '{"Files": ["big"], "Program": "static"}' > big.json
for delay in 0.01 0.03 0.06 0.1 0.15; do
    rm -f "$ORRIS_HOME"/layers/*.erofs
    printf x >> big
    "$ORRIS" build -c big.json -i killed > out 2>&1 & pid=$!
    sleep $delay
    kill -KILL $pid 2> log
    wait $pid 2> log
done
ok "killed builds leave no half image" whole
for delay in 0.02 0.08; do # Ctrl-C
    rm -f "$ORRIS_HOME"/layers/*.erofs
    printf x >> big
    timeout -s INT $delay "$ORRIS" build -c big.json -i killed > out 2>&1
done
ok "nor do interrupted ones" whole
orris build -c big.json -i killed > out 2> err
ok "and the next build is right" cmp -s big <(orris image cat killed /big)
rm "$ORRIS_HOME"/layers/*.erofs
for i in 1 2 3; do printf $i >> script.py; ("$ORRIS" build -q -i both "$python" script.py > both.$i 2>&1) & done
wait
ok "three builds at once of one image" whole
ok "all end well" is "$(sort -u both.1 both.2 both.3)" "$ORRIS_HOME/images/both.img"

if ! can_mount; then
    skip "a full disk is a clear error" "$no_mount"
else
    export ORRIS
    with_small 20m 'export ORRIS_HOME=$PWD/small
        "$ORRIS" build -c big.json -i full
        echo "status $?"
        ls -A small/images
        df --output=used -k small | tail -n 1 > used'
    ok "a full disk is a clear error" has err "No space left on device"
    ok "with status 1" has out "status 1"
    ok "no half image is left" not has out "img"
    ok "nor half a layer" test "$(cat used)" -lt 5000
fi
finish
