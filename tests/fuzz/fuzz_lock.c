// UNIT: host/record/lock.c host/base/buf.c host/base/error.c host/base/fresh.c host/base/io.c
// UNIT: host/base/path.c host/base/sha256.c host/base/strlist.c host/base/escape.c
// LIBS: -lnettle
/* Whatever orris.lock holds, it is taken or refused. */
#include <stdlib.h>
#include <string.h>

#include "host/record/lock.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    struct lock lock = {0};
    struct error err = {0};
    char *text = malloc(size + 1);
    if (size)
        memcpy(text, data, size);
    text[size] = 0;
    if (!lock_parse("orris.lock", text, size, &lock, &err) && !*err.text)
        abort();
    lock_clear(&lock);
    free(text);
    return 0;
}
