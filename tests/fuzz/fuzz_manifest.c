// UNIT: host/pkg/manifest.c host/image/userid.c host/base/buf.c host/base/error.c host/base/io.c host/base/fresh.c
// UNIT: host/base/say.c host/base/strlist.c host/base/escape.c
// LIBS: -ljansson
/* Whatever a package.manifest holds, it is taken or refused by name. */
#include <stdlib.h>
#include <string.h>

#include "host/base/say.h"
#include "host/pkg/manifest.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    struct package package = {0};
    struct error err = {0};
    say_level = SAY_QUIET;
    bool ok = manifest_read((const char *)data, size, "a/package.manifest", &package, &err);
    if (ok ? !package.program : !strstr(err.text, "a/package.manifest"))
        abort();
    free(package.program);
    free(package.version);
    free(package.summary);
    strlist_clear(&package.args);
    strlist_clear(&package.env);
    return 0;
}
