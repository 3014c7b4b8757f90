// UNIT: host/app/elf.c host/base/buf.c host/base/error.c host/base/io.c host/base/fresh.c
// UNIT: host/base/strlist.c host/base/escape.c
/* Whatever an executable holds, it is read or refused. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "host/app/elf.h"
#include "host/base/io.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    char path[64];
    struct elf elf = {0};
    struct error err = {0};
    int fd = memfd_create("elf", 0);
    if (fd < 0 || !io_write(fd, data, size))
        abort();
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    enum elf_kind kind = elf_read(path, &elf, &err);
    if ((kind == ELF_FOREIGN || kind == ELF_BROKEN) && !*err.text)
        abort(); /* an error without words */
    elf_clear(&elf);
    close(fd);
    return 0;
}
