#!/bin/bash
# Stack, heap, mappings and program lie elsewhere in each run, and so do the kernel and its map of all
# memory; the machine's random numbers differ.
. "$(dirname "$0")/tap.sh"
needs python gcc

cat > layout.c <<'P'
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>
int main(void)
{
    int local;
    unsigned long bits;
    void *map = mmap(0, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (getrandom(&bits, sizeof(bits), 0) != sizeof(bits))
        return 1;
    printf("%p\n%p\n%p\n%p\n%lx\n", (void *)&local, sbrk(0), map, (void *)main, bits);
    return 0;
}
P
gcc -fPIE -pie layout.c -o layout
for run in 1 2 3; do
    try run -q "$PWD/layout"
    cp out run.$run
    ok "run $run" is "$status" 0
done
line=0
for what in stack heap mappings program "random numbers"; do
    line=$((line + 1))
    ok "$what differ from run to run" \
        is "$(for run in 1 2 3; do sed -n ${line}p run.$run; done | sort -u | wc -l)" 3
done

# The kernel's bases have 8 and 7 random bits: of four starts at least two differ.
cat > waits.c <<'P'
#include <unistd.h>
int main(void)
{
    write(1, "up\n", 3);
    return pause();
}
P
gcc -static -o waits waits.c
cat > qemu <<Q
#!/bin/sh
exec qemu-system-x86_64 "\$@" -monitor "unix:$work/monitor,server=on,wait=off"
Q
chmod +x qemu
for _ in 1 2 3 4; do
    rm -f monitor out
    ORRIS_QEMU=$work/qemu orris run -q "$PWD/waits" > out 2> err & tool=$!
    for _ in $(seq 300); do
        [ -s out ] && break
        sleep 0.1
    done
    timeout 60 $python "$here/machine.py" base "$work/monitor" >> bases 2> err
    kill $tool
    wait $tool
done
ok "the kernel was found in four machines" is "$(wc -l < bases)" 4
ok "the kernel lies elsewhere from run to run" [ "$(cut -d' ' -f1 bases | sort -u | wc -l)" -gt 1 ]
ok "so does its map of all memory" [ "$(cut -d' ' -f2 bases | sort -u | wc -l)" -gt 1 ]
finish
