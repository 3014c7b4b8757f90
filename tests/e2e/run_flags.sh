#!/bin/bash
# Flags, help, what the tool says and when, the plain QEMU command line.
. "$(dirname "$0")/tap.sh"
needs python

try version
ok "version names tool and kernel" matches out "^kernel [0-9]"
for verb in run boot build "pkg load" "pkg list" "pkg get" prune doctor version; do
    "$ORRIS" $verb -h > out 2> err
    ok "$verb -h" is "$?$(head -1 out | cut -c1-$((13 + ${#verb})))" "0usage: orris $verb"
done
"$ORRIS" --help > out 2> err
ok "--help tells the default memory" has out "2 GiB"
ok "--help tells 124 and 125" has out "125 if the tool"

"$ORRIS" rum > out 2> err
ok "an unknown verb is wrong usage" is "$?" 2
ok "with a suggestion" has err 'did you mean "run"?'
"$ORRIS" run --memry 5 x > out 2> err
ok "an unknown flag is wrong usage" is "$?" 2
ok "with a suggestion, too" has err "did you mean --memory?"
"$ORRIS" run > out 2> err
ok "no program is wrong usage" is "$?" 2
"$ORRIS" run -m nonsense /bin/true > out 2> err
ok "a size that is none is wrong usage" is "$?" 2

for flag in --tap --nic --copy-out --mount --secret; do
    "$ORRIS" run $flag "" /bin/true > out 2> err
    ok "$flag with nothing is wrong usage" is "$?:$(cat err)" "2:orris: run: $flag needs a value; see \`orris run -h\`"
done

try run /bin/false
ok "a status that isn't 0 is said" is "$status$(cat err)" "1orris: exit status 1"
try run -q /bin/false
ok "but not with -q" is "$status$(cat err)" "1"
try run -- /bin/echo -v -q
ok "after PROGRAM all belongs to it" is "$(cat out)" "-v -q"
try run /bin/echo -- x
ok "-- behind PROGRAM, too" is "$(cat out)" "-- x"

limits() { (ulimit -Sn "$1" && try run "$python" -c 'import resource; print(*resource.getrlimit(resource.RLIMIT_NOFILE))') && cat out; }
most=$(ulimit -Hn)
more=2345
[ "$most" = unlimited ] || [ "$most" -ge $more ] || more=
if [ "$most" != unlimited ] && [ "$most" -lt 321 ]; then
    skip "as many files may be open as the shell says" "the host lets no more than $most be open"
else
    ok "as many files may be open as the shell says" is "$(limits 321) $(limits $more)" "321 1048576 $more 1048576"
fi

try run -v /bin/echo hello
ok "-v says what is booted" matches err "^orris: booting .*\.img \.\.\."
ok "and keeps standard output clean" is "$(cat out)" hello
sed -n 's/^orris: \(.*qemu-system-x86_64 .*\)/\1/p' err > line
ok "-v prints a QEMU command line" test -s line
timeout 60 sh line > console 2>&1 < /dev/null
ok "which works when pasted into a shell" has console hello

try run --trace /bin/echo hello
ok "--trace shows the calls" matches err 'write\(1, "hello\\n", 6\) += 6'
try run --trace=calls.txt /bin/echo hello
ok "--trace=FILE writes them to FILE" matches calls.txt '^write\(1, "hello\\n", 6\) += 6'
try run --trace=write:calls.txt /bin/echo hello
ok "a filter keeps what it names" not has calls.txt "openat("
ok "and only that" has calls.txt "write(1"
try run --trace=bogus: /bin/true
ok "a class or call that isn't is refused" is "$status$(grep -c 'no call or class "bogus": classes are file, desc,' err)" 21
try run --trace='!memory,opnat:x' /bin/true
ok "with the one that was meant" has err '"opnat" (did you mean openat?)'
for flags in "-c none" "--env-file none" "--secret a=none" "--mount none:/none"; do
    try run $flags /bin/true
    ok "$flags: a file that isn't there is no wrong usage" is "$status$(grep -c 'No such file' err)" 1251
done
try run --trace=failed: /bin/cat /nowhere
ok "failed: shows only calls that fail" matches err 'openat\(.*"/nowhere".* = -1 ENOENT'
ok "none that succeed" not matches err "= 0$"

try run -m 1K /bin/true
ok "too little memory is said" has err "too little memory"
ok "with status 125" is "$status" 125
try run --cpus 3 /usr/bin/nproc
ok "--cpus says how many processors there are" is "$(cat out)" 3
try run --accel tcg /usr/bin/nproc
ok "else as many as the host's, up to 4" is "$(cat out)" "$(($(nproc) < 4 ? $(nproc) : 4))"
"$ORRIS" run --smp 33 /bin/true > out 2> err
ok "more than 32 is wrong usage" is "$?" 2
ok "with the range" has err "must be a number from 1 to 32"

orris build -q -i e2e-flags /usr/bin/nproc > out
try boot --cpus 3 e2e-flags
ok "boot takes an image's name, and --cpus" is "$(cat out)" 3
try boot e2e-none
ok "a name that no image has" eval 'is "$status" 125 && has err "e2e-none"'

try run --machine q35 /bin/echo q35
ok "q35 works" is "$(cat out)" q35
finish
