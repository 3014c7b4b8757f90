#!/bin/bash
# The kernel's own protection, seen from outside the machine (QEMU's monitor), and what a bug of the
# kernel leaves: one is made by moving its instruction pointer through QEMU's gdb stub.
TIME_LIMIT=30
. "$(dirname "$0")/tap.sh"
needs python gcc

cat > waits.c <<'P'
#include <pthread.h>
#include <stdio.h>
#include <time.h>

static void *wait_for_long(void *unused)
{
    for (int i = 0; i < 6000; i++)
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, 0);
    return unused;
}

int main(void)
{
    pthread_t threads[3];
    for (int i = 0; i < 3; i++)
        pthread_create(&threads[i], 0, wait_for_long, 0);
    printf("%p\n", (void *)wait_for_long);
    fflush(stdout);
    wait_for_long(0);
    return 0;
}
P
gcc -static -no-pie -pthread -o waits waits.c
cat > qemu <<Q
#!/bin/sh
exec qemu-system-x86_64 "\$@" -monitor "unix:$work/monitor,server=on,wait=off" -gdb "unix:$work/gdb,server=on,wait=off"
Q
chmod +x qemu

for machine in microvm q35; do
    rm -f monitor gdb out
    ORRIS_QEMU=$work/qemu orris run -q --machine $machine "$PWD/waits" > out 2> err & tool=$!
    for _ in $(seq 300); do
        [ -s out ] && break
        sleep 0.1
    done
    ok "$machine: NX, WP, SMEP, SMAP, UMIP; nothing writable and executable; guards under stacks" \
        is "$(timeout 60 $python "$here/machine.py" mappings "$work/monitor" 2>&1)" ""
    timeout 60 $python "$here/machine.py" jump "$work/gdb" "$(cat out)" > answer 2>&1
    wait $tool
    status=$?
    ok "$machine: a bug of the kernel is status 124" is "$status" 124
    ok "$machine: it is told" matches err '^orris: .*kernel'
    ok "$machine: SMEP stops it where it runs the program's code" \
        matches err "trap 14 in the kernel at $(cat out) .*error 0x11"
    ok "$machine: and the functions on the way, by name" matches err '\b[a-z_]+\+0x[0-9a-f]+'
done
finish
