/*
 * Open files, of whatever kind. File operations never block: they answer -EAGAIN, and the calls
 * at the end of this header know O_NONBLOCK, time-outs and signals. Readiness is told through a
 * wait queue per file.
 */
#pragma once

#include "kernel/base/types.h"
#include "kernel/fd/iter.h"
#include "kernel/sched/waitq.h"
#include "kernel/sync/mutex.h"
#include "kernel/vfs/vfs.h"

struct file;
struct vm_map_request;

struct file_ops {
    const char *name; /* "regular", "pipe", "eventfd", … */
    /* Bytes moved (0: end of file), or -EAGAIN if nothing can be moved now, or another -errno.
     * *pos is where, for files that have positions; the callee moves it. */
    int64_t (*read)(struct file *f, struct iter *it, uint64_t *pos);
    int64_t (*write)(struct file *f, struct iter *it, uint64_t *pos);
    /* What could be done now without -EAGAIN: EPOLLIN, EPOLLOUT, EPOLLHUP, EPOLLERR, EPOLLRDHUP,
     * EPOLLPRI. NULL: always readable and writable. */
    uint32_t (*poll)(struct file *f);
    /* Woken with the events that became possible. NULL: never changes. */
    struct waitq *(*waitq)(struct file *f);
    int64_t (*seek)(struct file *f, int64_t offset, int whence);      /* NULL: -ESPIPE */
    int64_t (*ioctl)(struct file *f, unsigned request, uint64_t arg); /* NULL: -ENOTTY */
    /* Names from f->pos on (see inode_ops.iterate, with "." and ".."). NULL: -ENOTDIR. */
    int (*iterate)(struct file *f, dir_emit_t emit, void *arg);
    /* May it be mapped with these prot/flags? 0 and *map (the page cache), or -ENODEV, -EACCES.
     * NULL: -ENODEV. *map NULL with 0: anonymous zero pages (/dev/zero). */
    int (*mmap)(struct file *f, uint32_t prot, uint32_t flags, struct filemap **map);
    int (*fsync)(struct file *f);                   /* NULL: 0 for regular files, -EINVAL else */
    int (*truncate)(struct file *f, uint64_t size); /* NULL: -EINVAL */
    int (*fallocate)(struct file *f, int mode, uint64_t offset, uint64_t size); /* NULL: -ENODEV */
    void (*getattr)(struct file *f, struct inode_attr *attr); /* NULL: the dentry's inode */
    void (*flags_changed)(struct file *f);                    /* F_SETFL */
    /* How long read (or write) may wait, in nanoseconds. NULL or 0: for ever. */
    uint64_t (*timeout_ns)(struct file *f, bool writing);
    void (*closed)(struct file *f);  /* a descriptor of it was closed. NULL: no matter */
    void (*release)(struct file *f); /* last reference is gone */
    /* Text for /proc/self/fd/N: "pipe:[123]". NULL: the path. Returns length. */
    size_t (*describe)(struct file *f, char *buf, size_t size);
    /* Extra lines of /proc/self/fdinfo/N. NULL: none. */
    size_t (*fdinfo)(struct file *f, char *buf, size_t size);
    /* /proc/self/fd/N of target, which has no name, was opened: makes fresh, which has flags and a
     * position of its own. 0 or -errno. NULL: fresh passes everything on to target. */
    int (*reopen)(struct file *target, struct file *fresh);
    bool quiet_epipe; /* file_write raises no SIGPIPE: write does where it is due */
    /* What Linux doesn't do with such files: splice and sendfile from them; that and io_submit;
     * splice, sendfile and io_submit to them. */
    bool no_splice, plain_read, plain_write;
};

struct file {
    uint32_t refs;
    uint32_t flags; /* O_* as F_GETFL shows them, plus O_PATH */
    const struct file_ops *ops;
    struct dentry *dentry; /* owned, or NULL for kinds without a name */
    struct inode *inode;   /* borrowed from dentry; or of a file without a name, or NULL */
    bool owns_inode;       /* it has no other */
    void *private;
    struct mutex pos_lock;
    uint64_t pos;                 /* GUARDED_BY(pos_lock) */
    bool is_writer;               /* counted in inode->writers */
    bool is_open;                 /* inotify was told so: it is told the end, too */
    uint64_t readahead;           /* next page a sequential reader would ask for */
    struct list_node epoll_items; /* epoll entries that watch it: fd/epoll.c */
    int owner_pid, owner_signal;  /* F_SETOWN (a group: negative), F_SETSIG */
    bool owner_thread;            /* F_OWNER_TID */
};

/* One reference; NULL if there is no memory, or file_max() are open: file_alloc_error() says which,
 * -ENOMEM or -ENFILE. Takes over the reference to dentry (may be NULL). */
struct file *file_alloc(const struct file_ops *ops, uint32_t flags, struct dentry *dentry,
                        void *private);
int file_alloc_error(void);
/* S_IFMT of its mode; 0: eventfd, epoll and the like. */
uint32_t file_type(struct file *f);
uint64_t file_max(void); /* open files, in all: as many as there are pages of memory */
struct file *file_get(struct file *f);
void file_put(struct file *f);
/* Tells inotify what was done by an open file, if it has a name. */
void file_notify(struct file *f, uint32_t event);
/* What f is of was read: its access time, unless O_NOATIME. */
static inline void file_accessed(struct file *f)
{
    if (!(f->flags & 01000000u))
        vfs_accessed(f->inode);
}
static inline bool file_readable(const struct file *f)
{
    return !(f->flags & 01u) && !(f->flags & 010000000u /* O_PATH */);
}
static inline bool file_writable(const struct file *f)
{
    return ((f->flags + 1u) & 02u) && !(f->flags & 010000000u);
}

/* Attributes of whatever is open. */
static inline void file_getattr(struct file *f, struct inode_attr *attr)
{
    if (f->ops && f->ops->getattr && !(f->flags & 010000000u /* O_PATH */))
        f->ops->getattr(f, attr);
    else
        vfs_getattr(f->inode, attr);
}

/* Blocking calls. pos NULL: the file's own position, under pos_lock. Return bytes or -errno;
 * -ERESTARTSYS when a signal came before anything was moved; raise SIGPIPE on -EPIPE where due
 * (sockets do so themselves). */
int64_t file_read(struct file *f, struct iter *it, uint64_t *pos);
int64_t file_write(struct file *f, struct iter *it, uint64_t *pos);
uint32_t file_poll(struct file *f);

/* Waits, if f blocks, until file_poll(f) & events (EPOLLERR and EPOLLHUP always count). Returns 0,
 * -EAGAIN (O_NONBLOCK), -ETIMEDOUT, or -ERESTARTSYS. */
int file_wait(struct file *f, uint32_t events, uint64_t deadline_ns);
