#!/bin/bash
# What strangers wrote never commands the terminal or makes lines of the tool: names in archives,
# manifests, images, programs and configurations, and what the guest's kernel and other programs say.
. "$(dirname "$0")/tap.sh"
needs python gcc
export ORRIS_HOME=$work/store

# Complains of whatever a terminal acts on in the files, and of lines that begin as the names do.
cat > clean.py <<'P'
import re, sys
bad = re.compile("[\x00-\x09\x0b-\x1f\x7f\x80-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
for name in sys.argv[1:]:
    data = open(name, "rb").read()
    try:
        text = data.decode()
    except UnicodeDecodeError as why:
        sys.exit("%s: %s: %r" % (name, why, data[max(0, why.start - 60):why.start + 20]))
    found = bad.search(text)
    if found:
        sys.exit("%s: %r" % (name, text[max(0, found.start() - 60):found.start() + 20]))
    if re.search("^(orris: )?forged", text, re.M):
        sys.exit("%s: a forged line: %r" % (name, text))
P
clean() { $python clean.py out err; }
# shown NAME VERB…: runs it; what it prints is clean, and holds something of the names.
shown() {
    what=$1
    shift
    try "$@"
    ok "$what: clean" clean
    ok "and it tells something" test -s out -o -s err
}

# All bytes but 0, "/" and newline, and characters that command, some in each name; newlines apart.
cat > names.py <<'P'
def names(newline):
    raw = [bytes([b]) for b in range(1, 256) if b not in (0x2f, 0x0a) and not 0x20 <= b < 0x7f]
    out = [b"n" + b"z".join(raw[i:i + 16]) for i in range(0, len(raw), 16)]
    out += [b"c1" + "".join(map(chr, range(0x80, 0xa0))).encode()]
    out += [b"bidi" + "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069".encode()]
    out += [b"broken\xc0\xaf\xed\xa0\x80\xf4\x90\x80\x80\xe2\x80"]
    out += [b"\x1b]0;title\x07\x1b[2J\x1b[31mred"]
    return out + ([b"line\nforged", b"line\rforged"] if newline else [])
P
cat > tree.py <<'P'
import os, sys
from names import names
top = os.fsencode(sys.argv[1])
os.makedirs(top, exist_ok=True)
for i, name in enumerate(names(sys.argv[2] == "newline")):
    os.mkdir(top + b"/d" + name)
    open(top + b"/d" + name + b"/f" + name, "w").write("x")
    os.symlink(name, top + b"/l" + name)
P

cat > app.c <<'C'
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>
int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "bytes") == 0)
        return puts("own \033[31m\a\x9b bytes\nforged") < 0;
    if (argc > 1 && strcmp(argv[1], "lost") == 0) {
        for (int i = 2; i < argc; i++) {
            char path[300];
            snprintf(path, sizeof(path), "/home%s", argv[i]);
            int fd = open(path, O_CREAT | O_RDWR, 0600);
            if (fd < 0 || write(fd, "x", 1) != 1)
                return 9;
            close(fd);
        }
        open("/nope\033[2J\nforged", O_RDONLY);
        execl("/bin/\033[31m\nforged evil", "x", (char *)0);
        return 3;
    }
    if (argc > 1 && strcmp(argv[1], "crash") == 0) {
        prctl(PR_SET_NAME, "\033[31m\nforged");
        *(volatile char *)1 = 1;
    }
    return 0;
}
C
gcc -O1 -static -o app app.c || exit 1

# ---- packages ----
mkdir p
cp app p/app
$python tree.py p/sysroot plain
cat > p/README.md <<'R'
A text of lines.
forged: what looks like a fact
R
printf '\033[31mred\a \xe2\x80\xae \x9b \xff\r\n' >> p/README.md
$python - <<'P'
import json
evil = "".join(map(chr, range(1, 32))) + "\x7f" + "".join(map(chr, range(0x80, 0xa0))) + "\u202e\u2066\nforged"
json.dump({"Program": "app", "Description": evil, "Args": ["app", evil], "Env": {"A" + evil: evil}, "Version": "1"},
          open("p/package.manifest", "w"))
for key, value in (("Program", evil), ("Version", evil), (evil, 1), ("Env", {evil: 1}), ("Description", [evil])):
    json.dump({"Program": "app", key: value}, open("manifest-%s" % abs(hash(key + str(value))), "w"))
open("manifest-syntax", "w").write('{"Program": "app", "\x1b[31m": nonsense\x1b[2J}')
P
shown "pkg add of a folder" pkg add p --name evil
tar cf evil.tar p
shown "pkg add of an archive" pkg add -v evil.tar --name evil_2
for verb in describe contents; do
    shown "pkg $verb" pkg $verb evil
done
ok "every name is listed" is "$(orris pkg contents evil | grep -c '^/l')" "$(ls -U p/sysroot | wc -l | awk '{print $1 / 2}')"
shown "pkg list" pkg list
shown "pkg list --json" pkg list --json
ok "which is JSON" $python -m json.tool out /dev/null
shown "pkg load" pkg load -v evil
shown "pkg load of what isn't there" pkg load $'evil\033[31m\nforged'
shown "pkg delete" pkg delete evil_2
for manifest in manifest-*; do
    cp "$manifest" p/package.manifest
    shown "$manifest" pkg add p --name other
    ok "is refused" is "$status" 1
done
rm -r p/sysroot
mkdir p/sysroot
$python tree.py p/sysroot newline
printf '{"Program": "app"}' > p/package.manifest
shown "names with newlines" pkg add p --name other
ok "are refused" is "$status" 1

# ---- images ----
$python tree.py data newline
echo '{"Dirs": ["data"]}' > config.json
shown "run -v" run -v -c config.json ./app
image=$(orris build -c config.json -i escapes ./app 2> err)
for verb in ls tree size inspect verify cat; do
    path=
    case $verb in ls | tree) path=/data ;; cat) path=$'/data/d\033]0;title\a\033[2J\033[31mred' ;; esac
    verb_of="image $verb"
    [ $verb != size ] || verb_of="size --all --depth 9"
    # shellcheck disable=SC2086
    shown "$verb_of" $verb_of "$image" $path
done
shown "image ls --json" image ls --json "$image" /data
ok "which is JSON" $python -m json.tool out /dev/null
shown "size --json" size --json --depth 9 "$image"
ok "which is JSON" $python -m json.tool out /dev/null
orris image inspect "$image" > out
ok "the bill of materials is JSON" $python -m json.tool out /dev/null
shown "why" why "$image" $'/data/d\033]0;title\a\033[2J\033[31mred'
shown "why of what isn't there" why "$image" $'/data/\nforged\033[2J'
shown "image cp of what isn't there" image cp "$image" $'/data/\nforged\033[2J' .
orris size --html page.html "$image" > out 2> err
cp page.html out
ok "the page of sizes has no bytes that command" $python - <<'P'
import re, sys
text = open("page.html", "rb").read().decode()
sys.exit(bool(re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e\u2066]", text)))
P
cp "$image" "store/images/"$'a\033[31m\nforged.img'
shown "image list" image list
shown "image list --json" image list --json
ok "which is JSON" $python -m json.tool out /dev/null
cp app $'evil\033[31m\nforged'
shown "image of a damaged name" image ls $'./evil\033[31m\nforged'
try image delete $'a\033[31m\nforged'
ok "image delete: clean" clean

# ---- programs, and what the kernel says ----
shown "a program of such a name" run -v $'./evil\033[31m\nforged' crash
shown "build" build $'./evil\033[31m\nforged'
shown "a program that isn't there" run $'./none\033[31m\nforged'
shown "lost files, and a program that can't be started" run -v ./app lost $'\033[31m' $'\nforged' $'\x9b' $'\u202e'
shown "a crash" run ./app crash
shown "a trace" run --trace ./app lost $'\nforged\033[2J' $'\x9b'
orris run --trace=trace ./app lost $'\nforged\033[2J' > out 2> err
cp trace out
ok "a trace's file: clean" clean
cat > lib.c <<'C'
int answer(void)
{
    return 42;
}
C
gcc -shared -fPIC -o lib.so "-Wl,-soname,lib"$'\033[31m\nforged.so' lib.c
echo 'int answer(void); int main(void) { return answer(); }' > main.c
gcc -o linked main.c lib.so
shown "a library of such a name" run ./linked
gcc -o interpreted main.c lib.c "-Wl,--dynamic-linker,/lib"$'\033[2J\nforged'
shown "a dynamic linker of such a name" run ./interpreted
printf '#!/bin/none\033[31m\xff\nx' > script
chmod +x script
shown "an interpreter of such a name" run ./script
shown "a mount" run --mount $'/none\033[31m\nforged:/x' ./app
shown "a file to bring out" run --copy-out $'/none\033[31m\nforged' ./app
shown "a secret" run --secret $'x\033[31m\nforged' ./app
shown "an unknown flag" run $'--none\033[31m\nforged' ./app
shown "an unknown verb" $'none\033[31m\nforged'
shown "QEMU's own words" run --qemu-args $'-device none\033[31mforged' ./app
shown "a file of variables" run --env-file $'none\033[31m\nforged' ./app

# ---- configurations, with their places ----
for text in '{"\u001b[31m\nforged": 1}' '{"Env": {"\u001b[31m\nforged=": "x"}}' '{"Files": ["\u001b[31m\nforged"]}' \
    '{"RunConfig": {"\u001b[31m\nforged": 1}}' '{"Dirs": ["\u202e\u009b"]}' '{"RunConfig": {"Memory": "\u001b[31m\nforged"}}' \
    '{"MapDirs": {"\u001b[31m\nforged/*": "/x"}}' '{"RunConfig": {"Ports": ["\u001b[31m\nforged"]}}' \
    '{"Program": "\u001b[31m\nforged"}' '{"Packages": ["\u001b[31m\nforged"]}' "$(printf '{"x": \033[31m}')"; do
    program=./app
    case $text in *Program*) program= ;; esac
    printf '%s' "$text" > config.json
    shown "$text" run -c config.json $program
    ok "is refused" test "$status" = 125 -o "$status" = 2
done
printf '%s' '{"\u001b[31m": 1}' > $'config\033[31m\nforged.json'
shown "a configuration of such a name" run -c $'config\033[31m\nforged.json' ./app
printf 'rubbish\033[31m\xff' > orris.lock
shown "a lock file" build --locked orris.lock
shown "a recording" record -v -o rec.lock $'./evil\033[31m\nforged'
shown "a recording of what isn't there" record $'./none\033[31m\nforged'
mkdir folder
cp app folder/$'only\033[31m\nforged.py'
cd folder || exit 1
cp ../clean.py .
shown "init" init $'only\033[31m\nforged.py'
cd ..
shown "an instance" instance create -i $'x\033[31m' ./app
shown "an instance of an image of such a name" instance create "store/images/"$'a\033[31m\nforged.img'
for verb in list logs stats stop delete; do
    try instance $verb $'none\033[31m\nforged'
    ok "instance $verb: clean" clean
done
for verb in boot prune doctor profile completion version; do
    try $verb $'none\033[31m\nforged'
    ok "$verb: clean" clean
done

# ---- what other programs say ----
mkdir bin
cat > bin/fake <<'S'
#!/bin/sh
printf 'forged: words\norris: forged\033[2J\a\r \302\233\342\200\256 \233\n' >&2
exit 3
S
chmod +x bin/fake
for name in cp apt-get apt-cache dpkg-query fsck.erofs; do
    ln -s fake bin/$name
done
printf '{"Program": "app"}' > p/package.manifest
PATH=$work/bin:$PATH shown "a program that packs" pkg add p --name other
ok "is told of, indented" has err 'orris:     orris: forged\x1b[2J'
PATH=$work/bin:$PATH shown "apt" pkg get sl
PATH=$work/bin:$PATH shown "apt's search" pkg search sl
ORRIS_QEMU=$work/bin/fake shown "QEMU" run ./app
ok "is told of, indented" has err 'orris:     forged: words'
ORRIS_QEMU=$work/bin/fake shown "doctor with such a QEMU" doctor
ORRIS_QEMU=$work/bin/fake shown "profile with such a QEMU" profile
ORRIS_QEMU=$work/bin/fake shown "profile --json with such a QEMU" profile --json

# ---- and the program's own bytes are its own ----
try run ./app bytes
printf 'own \033[31m\a\x9b bytes\nforged\n' > want
ok "what the program writes stays as it is" cmp want out
mkdir -p own
printf 'own \033[31m\n' > own/file
echo '{"Dirs": ["own"]}' > config.json
image=$(orris build -c config.json -i own ./app 2> err)
orris image cat "$image" /own/file > out
ok "and a file of an image" cmp own/file out
finish
