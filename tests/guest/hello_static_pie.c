/* A static PIE: it relocates itself. */
// CFLAGS: -static-pie
#include "tests/harness/check.h"

static const char *pointer = "a relocated pointer";

int main(void)
{
    CHECK_STR(pointer, "a relocated pointer");
    return check_done();
}
