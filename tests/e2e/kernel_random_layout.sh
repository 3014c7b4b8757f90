#!/bin/bash
# Stack, heap, mappings and program lie elsewhere in each run; the machine's random numbers differ.
. "$(dirname "$0")/tap.sh"

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
finish
