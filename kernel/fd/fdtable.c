/*
 * The process's descriptors: chunks of 64, each with its bitmaps, found through an array of chunk
 * pointers that grows. One spin lock guards all; memory is allocated outside it.
 */
#include "kernel/fd/fdtable.h"

#include <asm/fcntl.h>
#include <asm/resource.h>
#include <linux/fcntl.h>

#include "kernel/base/errno.h"
#include "kernel/base/string.h"
#include "kernel/mm/heap.h"
#include "kernel/proc/task.h"
#include "kernel/vfs/flock.h"

#define CHUNK_FDS 64u
#define CHUNKS_AT_FIRST 16u

struct fd_chunk {
    uint64_t open, cloexec; /* bit n: descriptor n of the chunk */
    uint64_t reserved;      /* for a call that is making its file */
    struct file *files[CHUNK_FDS];
};

static struct fd_chunk first_chunk;
static struct fd_chunk *first_chunks[CHUNKS_AT_FIRST] = {&first_chunk};

static struct {
    struct spinlock lock;
    unsigned capacity; /* of chunks */
    struct fd_chunk **chunks;
    unsigned lowest_free; /* no descriptor below is free */
    unsigned count;
} table = {
    .lock = SPINLOCK_INIT(RANK_FDTABLE), .capacity = CHUNKS_AT_FIRST, .chunks = first_chunks};

static inline struct fd_chunk *chunk_of(unsigned fd)
{
    unsigned index = fd / CHUNK_FDS;
    return index < table.capacity ? table.chunks[index] : NULL;
}

static inline struct file *find_locked(unsigned fd)
{
    struct fd_chunk *c = chunk_of(fd);
    return c ? c->files[fd % CHUNK_FDS] : NULL;
}

int fd_get(int fd, struct file **out)
{
    spin_lock(&table.lock);
    struct file *f = find_locked((unsigned)fd);
    if (UNLIKELY(!f || (f->flags & O_PATH))) {
        spin_unlock(&table.lock);
        return -EBADF;
    }
    *out = file_get(f);
    spin_unlock(&table.lock);
    return 0;
}

int fd_refuse(int fd, int err)
{
    struct file *f;
    int closed = fd_get(fd, &f);
    if (!closed)
        file_put(f);
    return closed ? closed : err;
}

int fd_get_path(int fd, struct file **out)
{
    spin_lock(&table.lock);
    struct file *f = find_locked((unsigned)fd);
    if (f)
        *out = file_get(f);
    spin_unlock(&table.lock);
    return f ? 0 : -EBADF;
}

static unsigned fd_limit(void)
{
    return (unsigned)min_u64(proc_limit(RLIMIT_NOFILE), FD_MAX);
}

/* The lowest free descriptor from min on. */
static unsigned find_free_locked(unsigned min)
{
    unsigned fd = min > table.lowest_free ? min : table.lowest_free;
    while (fd / CHUNK_FDS < table.capacity) {
        struct fd_chunk *c = table.chunks[fd / CHUNK_FDS];
        uint64_t unused =
            c ? ~(c->open | c->reserved) & (~0ul << fd % CHUNK_FDS) : 1ul << fd % CHUNK_FDS;
        fd -= fd % CHUNK_FDS;
        if (unused)
            return fd + (unsigned)__builtin_ctzl(unused);
        fd += CHUNK_FDS;
    }
    return fd;
}

static void put_locked(unsigned fd, struct file *f, bool cloexec)
{
    struct fd_chunk *c = chunk_of(fd);
    uint64_t bit = 1ul << fd % CHUNK_FDS;
    c->files[fd % CHUNK_FDS] = f;
    c->open |= bit;
    c->reserved &= ~bit;
    c->cloexec = cloexec ? c->cloexec | bit : c->cloexec & ~bit;
    table.count++;
    if (fd == table.lowest_free)
        table.lowest_free++;
}

/* Takes fd out of the table: its file with the table's reference, or NULL. */
static struct file *take_locked(unsigned fd)
{
    struct file *f = find_locked(fd);
    if (!f)
        return NULL;
    struct fd_chunk *c = chunk_of(fd);
    uint64_t bit = 1ul << fd % CHUNK_FDS;
    c->files[fd % CHUNK_FDS] = NULL;
    c->open &= ~bit;
    c->cloexec &= ~bit;
    table.count--;
    if (fd < table.lowest_free)
        table.lowest_free = fd;
    return f;
}

/* Makes the array of chunks long enough for chunk index. */
static int grow_array(unsigned index)
{
    unsigned capacity = 2 * table.capacity;
    while (capacity <= index)
        capacity *= 2;
    struct fd_chunk **chunks = heap_zalloc_object(capacity * sizeof(struct fd_chunk *));
    if (!chunks)
        return -ENOMEM;
    struct fd_chunk **unused = chunks;
    spin_lock(&table.lock);
    if (table.capacity < capacity) {
        memcpy(chunks, table.chunks, table.capacity * sizeof(struct fd_chunk *));
        unused = table.chunks;
        table.chunks = chunks;
        table.capacity = capacity;
    }
    spin_unlock(&table.lock);
    if (unused != first_chunks)
        heap_free(unused);
    return 0;
}

/* Makes the chunk of fd. */
static int grow(unsigned fd)
{
    unsigned index = fd / CHUNK_FDS;
    int err = index < table.capacity ? 0 : grow_array(index);
    if (err)
        return err;
    struct fd_chunk *chunk = heap_zalloc_object(sizeof(*chunk));
    if (!chunk)
        return -ENOMEM;
    spin_lock(&table.lock);
    if (!table.chunks[index]) {
        table.chunks[index] = chunk;
        chunk = NULL;
    }
    spin_unlock(&table.lock);
    heap_free(chunk);
    return 0;
}

/* Installs f, or reserves the descriptor if it is NULL. */
static int install(struct file *f, int min, bool cloexec)
{
    unsigned limit = fd_limit();
    if (min < 0 || (unsigned)min >= limit)
        return min == 0 ? -EMFILE : -EINVAL;
    for (;;) {
        spin_lock(&table.lock);
        unsigned fd = find_free_locked((unsigned)min);
        bool there = chunk_of(fd) != NULL;
        if (there && fd < limit && f)
            put_locked(fd, f, cloexec);
        else if (there && fd < limit)
            chunk_of(fd)->reserved |= 1ul << fd % CHUNK_FDS;
        spin_unlock(&table.lock);
        if (fd >= limit)
            return -EMFILE;
        if (there)
            return (int)fd;
        int err = grow(fd);
        if (err)
            return err;
    }
}

int fd_install(struct file *f, int min, bool cloexec)
{
    return install(f, min, cloexec);
}

int fd_reserve(void)
{
    return install(NULL, 0, false);
}

int fd_settle(int fd, int err, struct file *f, bool cloexec)
{
    spin_lock(&table.lock);
    if (err)
        chunk_of((unsigned)fd)->reserved &= ~(1ul << (unsigned)fd % CHUNK_FDS);
    else
        put_locked((unsigned)fd, f, cloexec);
    spin_unlock(&table.lock);
    return err ? err : fd;
}

int fd_install_or_put(struct file *f, bool cloexec)
{
    if (!f)
        return file_alloc_error();
    int fd = fd_install(f, 0, cloexec);
    if (fd < 0)
        file_put(f);
    return fd;
}

static void file_closed(struct file *f)
{
    flock_closed(f);
    if (UNLIKELY(f->ops->closed))
        f->ops->closed(f);
    file_put(f);
}

int fd_replace(int fd, struct file *f, bool cloexec)
{
    if (fd < 0 || (unsigned)fd >= fd_limit())
        return -EBADF;
    for (;;) {
        struct file *old = NULL;
        spin_lock(&table.lock);
        const struct fd_chunk *c = chunk_of((unsigned)fd);
        bool busy = c && c->reserved & 1ul << (unsigned)fd % CHUNK_FDS;
        if (c && !busy) {
            old = take_locked((unsigned)fd);
            put_locked((unsigned)fd, f, cloexec);
        }
        spin_unlock(&table.lock);
        if (busy)
            return -EBUSY;
        if (c) {
            if (old)
                file_closed(old);
            return fd;
        }
        int err = grow((unsigned)fd);
        if (err)
            return err;
    }
}

int fd_close(int fd)
{
    spin_lock(&table.lock);
    struct file *f = take_locked((unsigned)fd);
    spin_unlock(&table.lock);
    if (!f)
        return -EBADF;
    file_closed(f);
    return 0;
}

/* The first descriptor >= fd that is open (and closed on exec, if only those), or -1. */
static int next_locked(unsigned fd, bool only_cloexec)
{
    while (fd / CHUNK_FDS < table.capacity) {
        struct fd_chunk *c = table.chunks[fd / CHUNK_FDS];
        uint64_t used = 0;
        if (c)
            used = (only_cloexec ? c->cloexec : c->open) & (~0ul << fd % CHUNK_FDS);
        fd -= fd % CHUNK_FDS;
        if (used)
            return (int)fd + __builtin_ctzl(used);
        fd += CHUNK_FDS;
    }
    return -1;
}

static void close_between(unsigned first, unsigned last, bool only_cloexec)
{
    while (first <= last) {
        struct file *f = NULL;
        spin_lock(&table.lock);
        int fd = next_locked(first, only_cloexec);
        if (fd >= 0 && (unsigned)fd <= last)
            f = take_locked((unsigned)fd);
        spin_unlock(&table.lock);
        if (!f)
            return;
        file_closed(f);
        first = (unsigned)fd + 1;
        cond_resched();
    }
}

int fd_close_range(unsigned first, unsigned last, bool only_set_cloexec)
{
    if (first > last)
        return -EINVAL;
    if (last >= FD_MAX)
        last = FD_MAX - 1;
    if (!only_set_cloexec) {
        close_between(first, last, false);
        return 0;
    }
    spin_lock(&table.lock);
    for (int fd = first < FD_MAX ? next_locked(first, false) : -1; fd >= 0 && (unsigned)fd <= last;
         fd = next_locked((unsigned)fd + 1, false))
        chunk_of((unsigned)fd)->cloexec |= 1ul << (unsigned)fd % CHUNK_FDS;
    spin_unlock(&table.lock);
    return 0;
}

void fd_close_on_exec(void)
{
    close_between(0, FD_MAX - 1, true);
}

void fd_close_all(void)
{
    close_between(0, FD_MAX - 1, false);
}

int fd_get_flags(int fd)
{
    int flags = -EBADF;
    spin_lock(&table.lock);
    if (find_locked((unsigned)fd))
        flags = (chunk_of((unsigned)fd)->cloexec >> (unsigned)fd % CHUNK_FDS) & 1 ? FD_CLOEXEC : 0;
    spin_unlock(&table.lock);
    return flags;
}

int fd_set_flags(int fd, int flags)
{
    int err = -EBADF;
    uint64_t bit = 1ul << (unsigned)fd % CHUNK_FDS;
    spin_lock(&table.lock);
    if (find_locked((unsigned)fd)) {
        struct fd_chunk *c = chunk_of((unsigned)fd);
        c->cloexec = flags & FD_CLOEXEC ? c->cloexec | bit : c->cloexec & ~bit;
        err = 0;
    }
    spin_unlock(&table.lock);
    return err;
}

int fd_next(int fd)
{
    spin_lock(&table.lock);
    fd = next_locked((unsigned)fd, false);
    spin_unlock(&table.lock);
    return fd;
}

unsigned fd_count(void)
{
    return table.count;
}
