// UNIT: host/config/config.c host/config/apply.c host/config/expand.c host/config/locate.c host/image/userid.c
// UNIT: host/image/spec.c host/image/ignore.c host/image/tree.c host/base/buf.c host/base/error.c
// UNIT: host/base/fresh.c host/base/io.c host/base/nearest.c host/base/path.c host/base/say.c
// UNIT: host/base/stamp.c host/base/strlist.c host/base/watch.c host/base/escape.c
// LIBS: -ljansson
/* Whatever config.json holds, it is taken or refused with a place in the file. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "host/base/io.h"
#include "host/base/say.h"
#include "host/config/config.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    static char path[64];
    struct config config;
    struct error err = {0};
    int fd = memfd_create("config", 0);
    say_level = SAY_QUIET;
    if (fd < 0 || !io_write(fd, data, size))
        abort();
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    if (!config_load(path, &config, &err) && !strstr(err.text, path))
        abort(); /* an error that doesn't say where */
    config_clear(&config);
    close(fd);
    return 0;
}
