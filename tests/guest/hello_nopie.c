/* Dynamically linked at a fixed address, with a large BSS and constructors. */
// CFLAGS: -no-pie
#include "tests/harness/check.h"

static char bss[3 << 20];
static int constructed;

__attribute__((constructor)) static void construct(void)
{
    constructed = 1;
}

int main(void)
{
    CHECK(constructed == 1);
    CHECK((unsigned long)bss < 0x10000000);
    bss[sizeof(bss) - 1] = 1;
    CHECK(bss[0] == 0 && bss[sizeof(bss) - 1] == 1);
    return check_done();
}
