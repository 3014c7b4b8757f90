#!/bin/bash
# The chart of the start that --time draws.
. "$(dirname "$0")/tap.sh"
needs gcc

# row NAME FIELD: what stands in NAME's row, "from" or "takes", in whole milliseconds.
row() {
    sed -n "s/^orris: $1  *//p" err | head -1 | awk -v f="$2" '{ print int(f == "from" ? $1 : $2) }'
}
stages='finding or making the image|QEMU|firmware|kernel: memory|kernel: devices|kernel: file systems|kernel: streams|kernel: exec'

cat > pause.c <<'P'
#include <unistd.h>
int main(void)
{
    usleep(400000);
    return write(1, "done\n", 5) != 5;
}
P
gcc pause.c -o pause && gcc -static pause.c -o pause-static
try run --time "$PWD/pause"
ok "the program's output and status are its own" is "$status$(cat out)" 0done
ok "every stage has a row" is "$(grep -cE "^orris: ($stages|loader of|first system call|program|the end) " err)" 12
ok "they come one after the other" is "$(grep -vE 'first system|the start' err |
    sed -nE 's/^orris: .*[^0-9.] +(-?[0-9.]+) +([0-9.]+)( .*)?$/\1 \2/p' |
    awk '$1 + 0.02 < at || $1 - 0.02 > at || $2 < 0 { bad++ } { at = $1 + $2 } END { print NR, bad + 0 }')" "11 0"
ok "the program takes as long as it sleeps" test "$(row program takes)" -ge 400
ok "and ends that long after its first system call" \
    test $(($(row 'the end' from) - $(row 'first system call' from))) -ge 400
ok "a dynamic program's loader is told apart" matches err '^orris: loader of the program.s libraries +[0-9.]+ +[0-9.]+'
try run --time "$PWD/pause-static"
ok "a static program has none" not has err "loader of"
try run "$PWD/pause-static"
ok "nothing is said without --time" is "$(cat err)" ""
try run --time "$PWD/nowhere"
ok "a program that isn't there gets no chart" is "$status$(grep -c takes err)" 1250
finish
