#!/bin/bash
# --gdb with a real gdb: breakpoints by name in the program, a library and the kernel, at addresses
# that are random.
. "$(dirname "$0")/tap.sh"
needs python gcc gdb

cat > debugged.c <<'P'
#include <stdio.h>
__attribute__((noinline)) int inner(int x)
{
    printf("inner %d\n", x);
    return x * 2;
}
__attribute__((noinline)) int outer(int x)
{
    return inner(x + 1) + 1;
}
int main(int argc, char **argv)
{
    (void)argv;
    setvbuf(stdout, NULL, _IONBF, 0);
    return outer(argc) == 5 ? 0 : 7;
}
P
gcc -g -O1 debugged.c -o debugged && gcc -g -O1 -static -no-pie debugged.c -o debugged-static

# debug FLAGS PROGRAM GDB-COMMAND…: a run with a debugger beside it; what gdb said is in the file gdb.
debug() {
    flags=$1 program=$2
    shift 2
    commands=()
    for command in "$@"; do
        commands+=(-ex "$command")
    done
    rm -f out err
    orris run $flags "$PWD/$program" > out 2> err < /dev/null &
    running=$!
    timeout 60 sh -c 'until grep -q "^orris: gdb " err; do kill -0 $0 2> /dev/null || exit 1; sleep 0.1; done' $running
    line=$(sed -n 's/^orris: \(gdb .*\)/\1/p' err)
    folder=$(dirname "${line##* }")
    : "${line:=false}"
    timeout 100 $line -batch "${commands[@]}" > gdb 2>&1 < /dev/null
    wait $running
    status=$?
}

debug --gdb debugged 'info line make_stack' 'b main' c bt 'b inner' c bt 'p x' 'b sys_write' c bt delete c
ok "it stops at the program's first instruction" has gdb "orris: at the program's first instruction"
ok "a breakpoint in main is reached" matches gdb 'Breakpoint 1, main \(argc=(argc@entry=)?1'
ok "one in a function, called from main" matches gdb '^#2 .* in main \(argc='
ok "with its argument" has gdb '$1 = 2'
ok "one in a function of the kernel" matches gdb 'Breakpoint 3, sys_write \(fd=1, .*size=8\) at kernel/syscall'
ok "what is inlined in the kernel has a place, too" matches gdb '^Line [0-9]+ of "kernel/proc/exec.c" starts at'
sed -n '/Breakpoint 3, /,$p' gdb > kernel_stop
ok "whose backtrace goes through the kernel" matches kernel_stop '^#[1-5] .*syscall_entry'
ok "a library" matches kernel_stop '^#[0-9]+ .* in (__GI_|__|_IO_)'
ok "and the program" matches kernel_stop '^#[0-9]+ .* in outer \(x='
ok "then the program goes on to its end" is "$status$(cat out)" "0inner 2"
ok "and nothing is left behind" not test -e "$folder"

port=$(free_port)
debug "--gdb=$port" debugged-static 'b inner' c 'p x' delete detach
ok "over a port, a static program: its function is reached" matches gdb 'Breakpoint 1, inner \(x='
ok "after detach it goes on" is "$status$(cat out)" "0inner 2"
debug --gdb debugged 'b main' c kill
ok "a debugger that kills ends the machine" is "$status" 137
ok "and that is said" has err "the debugger ended the machine"
try run --gdb=0 /bin/true
ok "a port that is none is wrong usage" is "$status" 2
finish
