/* The smallest program: statically linked, fixed address. */
// CFLAGS: -static -no-pie
#include "tests/harness/check.h"

int main(void)
{
    CHECK(1 + 1 == 2);
    return check_done();
}
