/* Reading directories: getdents and getdents64. Names are collected in kernel memory and copied out
 * at once, because a directory lists itself under locks. */
#include <linux/fcntl.h>

#include "kernel/base/string.h"
#include "kernel/fd/fdtable.h"
#include "kernel/mm/heap.h"
#include "kernel/syscall/syscall.h"

#define BUFFER_MAX 32768u

struct dirent64 {
    uint64_t ino;
    int64_t offset;
    uint16_t size;
    uint8_t type;
    char name[];
};
#define DIRENT64_HEAD offsetof(struct dirent64, name)

struct dirent_old {
    uint64_t ino, offset;
    uint16_t size;
    char name[]; /* the type is the last byte */
};
#define DIRENT_OLD_HEAD offsetof(struct dirent_old, name)

struct collector {
    char *buf;
    size_t size, used;
    bool full; /* a name did not fit */
};

static char *take_room(struct collector *c, size_t size)
{
    if (size > c->size - c->used) {
        c->full = true;
        return NULL;
    }
    char *at = c->buf + c->used;
    c->used += size;
    memset(at + size - 8, 0, 8);
    return at;
}

static bool collect_new(void *arg, struct name name, uint64_t ino, uint8_t type, uint64_t next)
{
    size_t size = align_up(DIRENT64_HEAD + name.length + 1, 8);
    struct dirent64 *d = (struct dirent64 *)take_room(arg, size);
    if (!d)
        return false;
    d->ino = ino;
    d->offset = (int64_t)next;
    d->size = (uint16_t)size;
    d->type = type;
    memcpy(d->name, name.text, name.length);
    d->name[name.length] = 0;
    return true;
}

static bool collect_old(void *arg, struct name name, uint64_t ino, uint8_t type, uint64_t next)
{
    size_t size = align_up(DIRENT_OLD_HEAD + name.length + 2, 8);
    struct dirent_old *d = (struct dirent_old *)take_room(arg, size);
    if (!d)
        return false;
    d->ino = ino;
    d->offset = next;
    d->size = (uint16_t)size;
    memcpy(d->name, name.text, name.length);
    d->name[name.length] = 0;
    ((char *)d)[size - 1] = (char)type;
    return true;
}

static int64_t list_names(struct file *f, struct uptr out, size_t size, dir_emit_t emit)
{
    struct collector c = {.size = min_u64(size, BUFFER_MAX)};
    c.buf = heap_alloc(c.size);
    if (!c.buf)
        return -ENOMEM;
    mutex_lock(&f->pos_lock);
    uint64_t start = f->pos;
    int64_t result = f->ops->iterate(f, emit, &c);
    if (!result && c.used == 0 && c.full)
        result = -EINVAL;
    if (!result)
        result = copy_to_user(out, c.buf, c.used);
    if (result)
        f->pos = start;
    mutex_unlock(&f->pos_lock);
    heap_free(c.buf);
    return result ? result : (int64_t)c.used;
}

static int64_t read_directory(int fd, struct uptr out, size_t size, dir_emit_t emit)
{
    struct file *f;
    int64_t result = fd_get(fd, &f);
    if (result)
        return result;
    result = f->ops->iterate ? list_names(f, out, size, emit) : -ENOTDIR;
    file_put(f);
    return result;
}

int64_t sys_getdents64(int fd, struct uptr out, size_t size)
{
    return read_directory(fd, out, size, collect_new);
}

int64_t sys_getdents(int fd, struct uptr out, size_t size)
{
    return read_directory(fd, out, size, collect_old);
}
