#!/bin/bash
# A machine that is killed from outside: status 125, and who or what did it.
. "$(dirname "$0")/tap.sh"
needs gcc pgrep

cat > wait.c <<'C'
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
int main(int argc, char **argv)
{
    size_t size = argc > 1 ? strtoul(argv[1], NULL, 10) << 20 : 0;
    puts("ready");
    fflush(stdout);
    char *memory = malloc(size + 1);
    memset(memory, 1, size + 1);
    sleep(size ? 20 : 60);
    return memory[size] - 1;
}
C
gcc -O1 -static -o wait wait.c || exit 1

# kill_machine SIGNAL: runs a machine and sends its monitor the signal.
kill_machine() {
    : > out
    "$ORRIS" run --accel tcg ./wait > out 2> err < /dev/null &
    tool=$!
    for _ in $(seq 400); do
        has out ready && break
        sleep 0.05
    done
    kill -"$1" "$(pgrep -P $tool)"
    wait $tool
    status=$?
}

for signal in KILL TERM INT HUP; do
    kill_machine $signal
    ok "SIG$signal for QEMU is the tool's failure" is "$status" 125
    ok "and named" has err "orris: QEMU was killed from outside with signal $(kill -l $signal) (SIG$signal)"
    ok "and nothing is said of a failed kernel" not has err "kernel failed"
done
for signal in SEGV ABRT; do
    kill_machine $signal
    ok "SIG$signal, of a fault of QEMU's own, too" is "$status" 125
    ok "and named" has err "orris: QEMU crashed with signal $(kill -l $signal) (SIG$signal)"
done

# Lack of memory, as a control group with a limit makes it.
limit=96 # MiB
group=
v2=$(sed -n 's/^0:://p' /proc/self/cgroup)
v1=$(sed -n 's/^[0-9]*:memory://p' /proc/self/cgroup)
if mkdir "/sys/fs/cgroup/memory$v1/orris-test-$$" 2> /dev/null; then
    group=/sys/fs/cgroup/memory$v1/orris-test-$$
    echo ${limit}M > "$group/memory.limit_in_bytes"
    echo 0 > "$group/memory.swappiness"
elif grep -qw memory "/sys/fs/cgroup$v2/cgroup.subtree_control" 2> /dev/null &&
    mkdir "/sys/fs/cgroup$v2/orris-test-$$" 2> /dev/null; then
    group=/sys/fs/cgroup$v2/orris-test-$$
    echo ${limit}M > "$group/memory.max"
    echo 0 > "$group/memory.swap.max"
fi
if [ -n "$group" ] && grep -q oom_kill "$group"/memory.{events,oom_control} 2> /dev/null; then
    sh -c "echo \$\$ > $group/cgroup.procs && exec \"\$0\" run --accel tcg -m 512M ./wait 400" "$ORRIS" > out 2> err < /dev/null
    status=$?
    ok "out of memory is said so" has err "orris: out of memory: the host's kernel killed QEMU"
    ok "and the tool's failure" is "$status" 125
    for _ in $(seq 100); do
        rmdir "$group" 2> /dev/null && break
        sleep 0.05
    done
else
    echo "# lack of memory: not tried, for no control group can be made here"
fi
finish
