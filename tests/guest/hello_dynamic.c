/* A PIE with an interpreter and shared libraries; dlopen, lazy binding, symbols over libraries. */
// CFLAGS: -pie -lm -ldl
#include <dlfcn.h>
#include <math.h>

#include "tests/harness/check.h"

int main(int argc, char **argv)
{
    (void)argv;
    CHECK(fabs(cos((double)argc - 1) - 1) < 1e-12);
    void *self = dlopen(NULL, RTLD_NOW);
    CHECK(self != NULL);
    int (*put)(const char *) = (int (*)(const char *))dlsym(self, "puts");
    CHECK(put != NULL && put("# found by dlsym") >= 0);
    return check_done();
}
