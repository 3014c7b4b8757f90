#!/bin/bash
# --profile of a program whose hot functions are known.
. "$(dirname "$0")/tap.sh"
needs python gcc

cat > busy.c <<'P'
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
#define LOOP(name)                                                                                 \
    __attribute__((noinline)) unsigned name(unsigned n)                                            \
    {                                                                                              \
        unsigned x = 1;                                                                            \
        for (unsigned i = 0; i < n; i++) {                                                         \
            x = x * 1664525u + 1013904223u;                                                        \
            __asm__ volatile("" : "+r"(x));                                                        \
        }                                                                                          \
        return x;                                                                                  \
    }
unsigned warm(unsigned n) __asm__("_ZN5model4warmEj"); /* as C++ and Rust name theirs */
LOOP(hot)
LOOP(warm)
__attribute__((noinline)) unsigned work(unsigned n)
{
    return hot(3 * n) + warm(n);
}
__attribute__((noinline)) int calls(int n)
{
    int sum = 0;
    for (int i = 0; i < n; i++)
        sum += access("/nowhere/at/all", 0);
    return sum;
}
static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}
int main(int argc, char **argv)
{
    unsigned x = 0;
    int y = 0;
    double seconds = atof(argv[1]);
    for (double end = now() + seconds; now() < end;)
        x += work(50000);
    for (double end = now() + seconds / 2; argc > 2 && now() < end;)
        y = calls(1000);
    printf("%d\n", x != 0);
    if (argc > 3)
        usleep((useconds_t)(seconds * 2e6));
    return y == -1000 ? 3 : 4;
}
P
gcc -O2 -fomit-frame-pointer busy.c -o busy
share() { # FUNCTION: the percentage of samples in it itself
    sed -n "s/^orris: *\([0-9.]*\) % *[0-9.]* %  $1$/\1/p" err
}

# profiled GRAPH PROGRAM ARGUMENT…: it runs for some seconds, its first argument, and again for longer where a busy or a
# slow host left few samples.
TIME_LIMIT=200
profiled() {
    for seconds in 4 12 36; do
        try run $flags "--profile=$1" "$PWD/$2" $seconds "${@:3}"
        [ "$(sed -n 's/^orris: the profile: \([0-9]*\) samples.*/\1/p' err)" -ge 200 ] 2> log && break
    done
}
flags=
profiled graph.svg busy calls
ok "the program's output and status are its own" is "$status$(cat out)" 31
ok "the hot function comes first" matches <(grep -A1 'itself' err | tail -1) ' %  hot$'
ok "with three times the samples of the warm one, whose name is as in the source" \
    awk -v h="$(share hot)" -v w="$(share model::warm)" 'BEGIN { exit !(h > 1.5 * w && h < 8 * w) }'
ok "the kernel's functions are among the others" matches err '%  [a-z_]+ \(kernel\)$'
ok "the graph is well-formed" "$python" -c 'import sys, xml.dom.minidom as x; x.parse(sys.argv[1])' graph.svg
# bar NAME: its depth; the graph holds each of these once or more.
bar() { sed -n "s/.*data-d=\"\([0-9]*\)\" data-n=\"$1\".*/\1/p" graph.svg | head -1; }
ok "work stands between main and hot" is "$(($(bar hot) - $(bar main)))$(($(bar hot) - $(bar work)))" 21
ok "a call's way into the kernel is one stack" test "$(bar 'syscall_entry (kernel)')" -gt "$(bar calls)"

cat > threads.c <<'P'
#include <pthread.h>
#include <stdlib.h>
#include <time.h>
__attribute__((noinline)) unsigned hot(unsigned n)
{
    unsigned x = 1;
    for (unsigned i = 0; i < n; i++) {
        x = x * 1664525u + 1013904223u;
        __asm__ volatile("" : "+r"(x));
    }
    return x;
}
static void *work(void *seconds)
{
    for (time_t end = time(NULL) + *(int *)seconds; time(NULL) < end;)
        hot(1000000);
    return NULL;
}
int main(int argc, char **argv)
{
    pthread_t thread;
    int seconds = atoi(argv[argc - 1]);
    pthread_create(&thread, NULL, work, &seconds);
    work(&seconds);
    return pthread_join(thread, NULL);
}
P
gcc -O2 -pthread threads.c -o threads
flags="--cpus 2"
profiled threads.svg threads
flags=
ok "two processors are both looked at" awk -v h="$(share hot)" 'BEGIN { exit !(h > 60) }'
ok "a thread's function stands under main and under the thread's start" \
    test "$(grep -c 'data-n="hot"' threads.svg)" -ge 2 # and rarely where a sample's callers can't be told

strip busy
profiled graph.svg busy
ok "a stripped program goes by its file's name" test "$(share '\[busy\]' | cut -d. -f1)" -gt 50
ok "a library's functions keep theirs" has graph.svg 'data-n="__libc_start_main'
profiled graph.svg busy calls sleep
ok "functions of the kernel go by the source's names" \
    not grep -qE 'data-n="[^". ]*[.][^"]* [(]kernel[)]"' graph.svg
ok "waiting is told, not counted" test "$(sed -n 's/.* \([0-9]*\) % of the time the machine waited/\1/p' err)" -ge 20

try run --profile=/nowhere/graph.svg /bin/true
ok "a file that can't be written is a failure" is "$status" 125
ok "and named" has err /nowhere/graph.svg
try run --profile --gdb /bin/true
ok "a debugger at the same time is refused" is "$status$(grep -c 'one at a time' err)" 1251
finish
