/* Reading an uncompressed EROFS file system. Format: Linux, fs/erofs/erofs_fs.h. */
#include "host/image/erofs_read.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "host/base/buf.h"
#include "host/base/io.h"
#include "host/image/erofs.h"

#define MAGIC 0xe0f5e1e2u
#define BLOCK 4096u
#define SLOT 32u
#define DIRENT_SIZE 12u
#define NAME_SIZE 256
#define LAYOUT_PLAIN 0u
#define LAYOUT_INLINE 2u
#define FOLDER_SIZE_MAX (256u << 20)

static uint64_t field(const uint8_t *at, unsigned size)
{
    uint64_t value = 0;
    for (unsigned i = size; i-- > 0;)
        value = value << 8 | at[i];
    return value;
}

static bool take(const struct erofs_volume *volume, void *out, uint64_t size, uint64_t offset)
{
    return offset <= volume->size && size <= volume->size - offset &&
           io_pread(volume->fd, out, (size_t)size, (off_t)(volume->base + offset)) == (ssize_t)size;
}

bool erofs_open(struct erofs_volume *volume, int fd, uint64_t base, uint64_t size,
                struct error *err)
{
    uint8_t super[EROFS_SUPERBLOCK_SIZE];
    *volume = (struct erofs_volume){.fd = fd, .base = base, .size = size};
    if (!take(volume, super, sizeof(super), EROFS_SUPERBLOCK_OFFSET) || field(super, 4) != MAGIC)
        return error_set(err, "not an EROFS file system");
    if (super[12] != 12 || field(super + 80, 4))
        return error_set(err, "an EROFS file system of a kind that is not understood");
    volume->root = field(super + 14, 2);
    volume->build_time = (int64_t)field(super + 24, 8);
    volume->meta = field(super + 40, 4) * BLOCK;
    return true;
}

bool erofs_stat(const struct erofs_volume *volume, uint64_t number, struct erofs_file *file)
{
    uint8_t inode[64] = {0};
    if (number > volume->size / SLOT)
        return false;
    uint64_t at = volume->meta + number * SLOT;
    if (!take(volume, inode, 32, at))
        return false;
    unsigned format = (unsigned)field(inode, 2), layout = format >> 1 & 7;
    bool extended = format & 1;
    if (extended && !take(volume, inode, 64, at))
        return false;
    if (layout != LAYOUT_PLAIN && layout != LAYOUT_INLINE)
        return false;
    uint64_t xattrs = field(inode + 2, 2);
    uint64_t head = (extended ? 64u : 32u) + (xattrs ? 12 + (xattrs - 1) * 4 : 0);
    *file = (struct erofs_file){.number = number,
                                .mode = (mode_t)field(inode + 4, 2),
                                .size = field(inode + 8, extended ? 8 : 4),
                                .block = field(inode + 16, 4),
                                .mtime = volume->build_time};
    if (extended)
        file->mtime = (int64_t)field(inode + 32, 8);
    if (layout == LAYOUT_INLINE)
        file->tail = at + head;
    return true;
}

ssize_t erofs_read(const struct erofs_volume *volume, const struct erofs_file *file, void *data,
                   size_t size, uint64_t offset)
{
    if (offset >= file->size)
        return 0;
    if (size > file->size - offset)
        size = (size_t)(file->size - offset);
    uint64_t whole = file->tail ? file->size / BLOCK * BLOCK : file->size;
    size_t first = offset < whole ? (size_t)(whole - offset) : 0;
    if (first > size)
        first = size;
    if (first && !take(volume, data, first, file->block * BLOCK + offset))
        return -1;
    size_t rest = size - first;
    uint64_t in_tail = offset + first - whole;
    if (rest && !take(volume, (char *)data + first, rest, file->tail + in_tail))
        return -1;
    return (ssize_t)size;
}

/* One block of a folder: entries, then names. */
static bool list_block(const uint8_t *block, size_t size,
                       bool (*each)(void *context, const char *name, uint64_t number),
                       void *context)
{
    if (size < DIRENT_SIZE)
        return false;
    size_t count = field(block + 8, 2) / DIRENT_SIZE;
    for (size_t i = 0; i < count; i++) {
        if ((i + 1) * DIRENT_SIZE > size)
            return false;
        const uint8_t *entry = block + i * DIRENT_SIZE;
        size_t from = field(entry + 8, 2);
        size_t to = size;
        if (i + 1 < count) {
            if ((i + 2) * DIRENT_SIZE > size)
                return false;
            to = field(entry + DIRENT_SIZE + 8, 2);
        }
        if (from > to || to > size)
            return false;
        char name[NAME_SIZE] = {0};
        size_t length = strnlen((const char *)block + from, to - from);
        if (!length || length >= NAME_SIZE)
            return false;
        memcpy(name, block + from, length);
        if (strchr(name, '/'))
            return false;
        if (strcmp(name, ".") && strcmp(name, "..") && !each(context, name, field(entry, 8)))
            return false;
    }
    return true;
}

bool erofs_list(const struct erofs_volume *volume, const struct erofs_file *folder,
                bool (*each)(void *context, const char *name, uint64_t number), void *context)
{
    if (!S_ISDIR(folder->mode) || folder->size > FOLDER_SIZE_MAX)
        return false;
    uint8_t block[BLOCK];
    for (uint64_t at = 0; at < folder->size; at += BLOCK) {
        ssize_t got = erofs_read(volume, folder, block, sizeof(block), at);
        if (got < 0 || !list_block(block, (size_t)got, each, context))
            return false;
    }
    return true;
}

struct wanted {
    const char *name;
    size_t length;
    uint64_t number;
    bool found;
};

static bool is_wanted(void *context, const char *name, uint64_t number)
{
    struct wanted *wanted = context;
    if (strlen(name) == wanted->length && memcmp(name, wanted->name, wanted->length) == 0) {
        wanted->number = number;
        wanted->found = true;
    }
    return true;
}

bool erofs_find(const struct erofs_volume *volume, const char *path, struct erofs_file *file)
{
    if (!erofs_stat(volume, volume->root, file))
        return false;
    for (;;) {
        path += strspn(path, "/");
        struct wanted wanted = {.name = path, .length = strcspn(path, "/")};
        if (!wanted.length)
            return true;
        if (!S_ISDIR(file->mode) || !erofs_list(volume, file, is_wanted, &wanted) ||
            !wanted.found || !erofs_stat(volume, wanted.number, file))
            return false;
        path += wanted.length;
    }
}
