#!/bin/bash
# Folders with what nobody expects, programs that can't be run, files that come and go: an image of
# the rest, or an error that says what, where and why. Never a crash.
. "$(dirname "$0")/tap.sh"
needs python gcc
cp "$top/build/tests/guest/hello_static" hello 2> log || gcc -static -x c -o hello - <<< 'int main(void) { return 0; }'

mkdir -p 'odd/a folder' real
ln -s loop odd/loop
ln -s second odd/first
ln -s first odd/second
ln -s .. odd/up
ln -s nowhere odd/dangling
mkfifo odd/pipe
"$python" -c 'import socket; socket.socket(socket.AF_UNIX).bind("odd/socket")'
mknod odd/device c 1 3 2> log
printf 1 > 'odd/a folder/with "quotes" and \backslash'
printf 2 > $'odd/two\nlines'
printf 3 > $'odd/\xff\xfe'
printf 4 > "odd/$(printf 'n%.0s' $(seq 255))"
: > odd/empty
echo '{ "Dirs": ["odd"] }' > config.json
image=$(orris build -i e2e-bad -c config.json ./hello 2> err)
ok "a folder of odd things gives an image" test -f "$image"
ok "a pipe is left out, with a note" has err "odd/pipe is left out: neither a file nor a folder nor a link"
ok "a socket" has err "odd/socket is left out"
[ ! -c odd/device ] || ok "a device" has err "odd/device is left out"
cat > list.py <<'P'
import os
for folder, folders, files in sorted(os.walk(b"odd")):
    for name in sorted(folders + files):
        path = os.path.join(folder, name)
        if os.path.islink(path):
            print(path, b"->", os.readlink(path), os.path.exists(path))
        elif not os.path.isdir(path):
            print(path, open(path, "rb").read())
P
rm -f odd/pipe odd/socket odd/device
"$python" list.py > host.out
try run -q -i e2e-bad-list -c config.json "$python" list.py
ok "names and links are the same inside, loops and all" cmp out host.out

printf '#!/no/such/interpreter\n' > script
chmod +x script
try run ./script
ok "a script of a missing interpreter" eval 'is $status 125 && matches err "interpreter of .*script: /no/such/interpreter: no such file"'
printf '#!/usr/bin/env no-such-program\n' > script
try run ./script
ok "and one that env can't find" eval 'is $status 125 && has err "no-such-program: not found"'
printf '#!%s/script\n' "$work" > script
try run ./script
ok "and one that is its own" eval 'is $status 125 && has err "nest too deeply"'
ln -s self self
try run ./self
ok "a program that is a loop of links" eval 'is $status 125 && has err "self"'
try run ./real
ok "a folder" eval 'is $status 125 && has err "is a folder, not a program"'

if can_be_other; then
    mkdir -m 777 open
    echo secret > open/closed.txt
    chmod 600 open/closed.txt
    mkdir -m 700 open/shut
    echo '{ "Dirs": ["open"] }' > open.json
    cp hello open/hello
    chmod 755 open/hello
    as_other "$work/tool/orris" build -c open.json open/hello > out 2> err
    status=$?
    ok "what may not be read is left out, and told" eval 'is $status 0 && has err "closed.txt is left out: Permission denied" && has err "shut is left out: Permission denied"'
else
    skip "what may not be read is left out" "$no_other"
fi

# Files that come and go while an image is made: it works, or says which file changed.
mkdir busy
(while :; do for i in 1 2 3 4; do echo $i > busy/$i; done; rm -f busy/*; done) &
changer=$!
echo '{ "Dirs": ["busy"] }' > busy.json
strange=0
for i in $(seq 25); do
    try build -i e2e-busy -c busy.json ./hello
    [ $status = 0 ] || { [ $status = 1 ] && matches err '^orris: .*busy/[0-9]'; } || { strange=$status; break; }
done
kill $changer
wait $changer 2> log
ok "files that come and go" is $strange 0

# A recording of files that don't stay.
echo gone > gone.txt
cat > eater.sh <<'S'
#!/bin/sh
read -r line < gone.txt
rm gone.txt
echo "$line"
S
chmod +x eater.sh
try record -o eater.lock -- ./eater.sh
ok "a file that the command itself removes is recorded as it was" eval 'is "$(cat out)" gone && matches eater.lock "^file .* 5 .* ./gone.txt"'
ok "and told as gone" has err "gone since eater.lock was recorded: ./gone.txt"
sed 's|\./gone.txt|/dev/null|' eater.lock > device.lock
try build --locked --lock device.lock
ok "a lock file that names a device" eval 'is $status 0 && has err "gone since device.lock was recorded: /dev/null"'
head -c 100000 /dev/urandom > noise.lock
try build --locked --lock noise.lock
ok "a lock file that is none" eval 'is $status 1 && has err "noise.lock: holds a zero byte"'

# More than 4 GiB, nearly all of it a hole: found, hashed, put in, read behind the limit, and no larger on the disk.
cat > far.c <<'C'
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
int main(void)
{
    const off_t far = (off_t)1 << 32;
    char text[8] = "";
    struct stat info;
    int fd = open("large", O_RDONLY);
    if (fd < 0 || fstat(fd, &info) != 0 || pread(fd, text, 4, far + 2) < 0)
        return 1;
    const char *map = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, far);
    printf("%lld %s %.4s %lld\n", (long long)info.st_size, text, map + 2, (long long)lseek(fd, -3, SEEK_END));
    return 0;
}
C
gcc -o far far.c
truncate -s $(((4 << 30) + 65536)) large
printf over | dd of=large bs=1 seek=$(((4 << 30) + 2)) conv=notrunc 2> log
TIME_LIMIT=400 # of a busy host
try run -i e2e-large --trim ./far
ok "a file of more than 4 GiB is recorded, built and read" is "$(cat out)" "$(./far)"
image=$(ls "$ORRIS_HOME"/images/e2e-large*.img)
ok "with its size" test "$(stat -c %s "$image")" -gt $((4 << 30))
ok "and without its zeros" test "$(du -m "$image" | cut -f 1)" -lt 100
rm -f large "$image"
finish
