/*
 * Paths that the program looked for and did not find: the last few, for the tool, which says at
 * the end which of them lie on the host.
 */
#include "abi/control.h"
#include "kernel/base/string.h"
#include "kernel/platform/streams.h"
#include "kernel/vfs/dentry.h"

#define MISSING_COUNT 16u
#define MISSING_BYTES 240u /* longer paths are not remembered */

struct missing {
    struct dentry *base; /* referenced: what path is relative to; NULL: it is absolute */
    char path[MISSING_BYTES];
};

static struct spinlock missing_lock = SPINLOCK_INIT(RANK_PIPE);
static struct missing missing[MISSING_COUNT];
static unsigned missing_next;

void vfs_note_missing(struct dentry *base, const char *path)
{
    size_t length = strlen(path);
    if (length == 0 || length >= MISSING_BYTES)
        return;
    struct dentry *from = NULL;
    if (*path != '/')
        from = base ? dentry_get(base) : vfs_cwd_get();
    if (from && dentry_dead(from)) {
        dentry_put(from);
        return;
    }
    spin_lock(&missing_lock);
    struct missing *m = &missing[missing_next++ % MISSING_COUNT];
    struct dentry *old = m->base;
    m->base = from;
    memcpy(m->path, path, length + 1);
    spin_unlock(&missing_lock);
    dentry_put(old);
}

void vfs_forget_missing(struct dentry *base)
{
    unsigned held = 0;
    spin_lock(&missing_lock);
    for (unsigned i = 0; i < MISSING_COUNT; i++) {
        if (missing[i].base != base)
            continue;
        missing[i].base = NULL;
        missing[i].path[0] = 0;
        held++;
    }
    spin_unlock(&missing_lock);
    while (held-- > 0)
        dentry_put(base);
}

/* Writes the absolute path, with its NUL; returns its bytes, or 0 if it has none. */
static size_t missing_path(const struct missing *m, char *buf, size_t size)
{
    size_t length = 0, rest = strlen(m->path) + 1;
    if (m->base) {
        int64_t n = vfs_path_of(m->base, buf, size);
        if (n <= 0 || (size_t)n + rest > size)
            return 0;
        length = (size_t)n;
        buf[length - 1] = '/';
        if (length == 2) /* "/" */
            length = 1;
    }
    memcpy(buf + length, m->path, rest);
    return length + rest;
}

void vfs_report_missing(void)
{
    char path[2 * MISSING_BYTES];
    unsigned end = missing_next, first = end > MISSING_COUNT ? end - MISSING_COUNT : 0;
    for (unsigned i = first; i < end; i++) {
        if (!missing[i % MISSING_COUNT].path[0])
            continue;
        size_t size = missing_path(&missing[i % MISSING_COUNT], path, sizeof(path));
        if (size > 1)
            control_send(ORRIS_MSG_MISSING, path, size - 1, true);
    }
}
