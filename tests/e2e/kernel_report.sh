#!/bin/bash
# What is told of a program that dies, and of calls the kernel doesn't know.
. "$(dirname "$0")/tap.sh"
needs gcc

cat > crash.c <<'P'
#include <stdlib.h>
#include <string.h>
__attribute__((noinline)) static int crash_here(volatile int *p)
{
    return *p + 1;
}
__attribute__((noinline)) static int called_from_here(void)
{
    return crash_here((int *)0x1234) + 1;
}
int main(int argc, char **argv)
{
    if (argc > 1 && !strcmp(argv[1], "abort"))
        abort();
    return called_from_here();
}
P
gcc -O0 -g -fno-omit-frame-pointer crash.c -o crash
try run "$PWD/crash"
ok "a segmentation fault is status 139" is "$status" 139
ok "the report names the signal" matches err 'SIGSEGV'
ok "the address" matches err '0x0*1234'
ok "the function" has err crash_here
ok "who called it" has err called_from_here
ok "the object and the offset in it" matches err 'crash\+0x[0-9a-f]+'
ok "the registers" matches err 'rip.*0x?[0-9a-f]+|rsp'
try run "$PWD/crash" abort
ok "abort is status 134" is "$status" 134
ok "with SIGABRT" matches err 'SIGABRT'

cat > unknown.c <<'P'
#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>
int main(void)
{
    for (int i = 0; i < 3; i++)
        if (syscall(SYS_io_uring_setup, 0, 0, 0) != -1 || errno != ENOSYS)
            return 1;
    return 0;
}
P
gcc unknown.c -o unknown
try run -v "$PWD/unknown"
ok "an unknown call answers ENOSYS" is "$status" 0
ok "and is logged once, by name" is "$(grep -cw io_uring_setup err)" 1
finish
