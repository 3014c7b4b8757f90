/*
 * Takes memory by the MiB, and in between calls a function in each of the 2,560 pages of its text
 * (10 MiB): as memory gets short, the text does. With an argument, takes so many MiB and then only
 * calls.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define PAGES 2560
#define PAGE 4096

__asm__(".text\n.p2align 12\nfunctions:\n.rept 2560\nret\n.p2align 12\n.endr\n");
extern char functions[];

static void call_all(void)
{
    for (int i = 0; i < PAGES; i++)
        ((void (*)(void))(functions + i * PAGE))();
}

int main(int argc, char **argv)
{
    setvbuf(stdout, NULL, _IONBF, 0);
    int most = argc > 1 ? atoi(argv[1]) : 1 << 20;
    for (int mib = 0; mib < most; mib++) {
        call_all();
        memset(malloc(1 << 20), 1, 1 << 20);
        printf("%d\n", mib + 1);
    }
    time_t start = time(NULL);
    int rounds = 0;
    for (; time(NULL) < start + 5; rounds++)
        call_all();
    printf("rounds %d\n", rounds);
    return 0;
}
