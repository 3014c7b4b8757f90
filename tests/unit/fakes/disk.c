/* The disk: a file, held in memory. */
#include <stdarg.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kernel/base/errno.h"
#include "kernel/drivers/block.h"
#include "kernel/mm/page.h"
#include "tests/unit/fakes/fakes.h"

uint8_t *fake_disk;
uint64_t fake_disk_size;
unsigned fake_disk_reads;
bool fake_disk_broken;
static char folder[] = "/tmp/orris-unit-XXXXXX";
static bool have_folder;

bool fake_disk_open(const char *path)
{
    fake_disk_close();
    int fd = open(path, O_RDONLY);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) != 0)
        return false;
    fake_disk_size = (uint64_t)st.st_size;
    fake_disk = malloc(fake_disk_size);
    bool ok = read(fd, fake_disk, fake_disk_size) == st.st_size;
    close(fd);
    return ok;
}

void fake_disk_close(void)
{
    free(fake_disk);
    fake_disk = NULL;
    fake_disk_size = 0;
}

uint64_t block_size_bytes(void)
{
    return fake_disk_size;
}

int block_read_pages(uint64_t offset, struct page **pages, unsigned count)
{
    fake_disk_reads++;
    if (fake_disk_broken)
        return -EIO;
    for (unsigned i = 0; i < count; i++, offset += PAGE_SIZE) {
        size_t left = offset < fake_disk_size ? (size_t)(fake_disk_size - offset) : 0;
        size_t size = left < PAGE_SIZE ? left : PAGE_SIZE;
        memcpy(page_virt(pages[i]), fake_disk + offset, size);
        memset((char *)page_virt(pages[i]) + size, 0, PAGE_SIZE - size);
    }
    return 0;
}

bool fake_shell(const char *format, ...)
{
    char command[4096];
    va_list args;
    va_start(args, format);
    vsnprintf(command, sizeof(command), format, args);
    va_end(args);
    return system(command) == 0;
}

static void remove_folder(void)
{
    fake_shell("rm -rf %s", folder);
}

const char *fake_folder(void)
{
    if (!have_folder && mkdtemp(folder)) {
        have_folder = true;
        atexit(remove_folder);
    }
    return folder;
}
