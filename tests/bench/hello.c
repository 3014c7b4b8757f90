/* What `make bench` starts, static: the least a C program does. */
#include <stdio.h>

int main(void)
{
    return puts("Hello world!") < 0;
}
