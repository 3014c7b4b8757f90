/*
 * Pseudo-terminals: /dev/ptmx makes one, /dev/pts/N is its slave, a terminal like the program's
 * own. What is written to the master is typed there, and what the slave shows is read from the
 * master.
 */
#include <asm/fcntl.h>
#include <asm/ioctls.h>
#include <asm/signal.h>

#include "kernel/base/errno.h"
#include "kernel/base/format.h"
#include "kernel/base/string.h"
#include "kernel/fd/fdtable.h"
#include "kernel/fd/tty.h"
#include "kernel/fs/devfs.h"
#include "kernel/mm/heap.h"
#include "kernel/proc/task.h"

#define TTY_GROUP 5 /* of Debian */
#define SLAVE_MODE 0620u
#define PERMISSIONS 07777u
#define PTYS_MAX 256u
#define SHOWN_BYTES 16384u /* a power of two */
#define SHOWN_MASK (SHOWN_BYTES - 1)
#define CHUNK_BYTES 256u
#define PATH_BYTES 24u

struct pty {
    struct tty tty; /* the slave; its lock guards what is shown */
    unsigned number;
    uint32_t mode, uid, gid; /* of the slave's name */
    unsigned refs, slaves;   /* open files: all, the slave's. GUARDED_BY(table_lock) */
    bool locked;             /* the slave can't be opened yet. GUARDED_BY(table_lock) */
    bool left;               /* the last slave was closed */
    bool packets;            /* TIOCPKT */
    bool exclusive;      /* the master's TIOCEXCL, which nothing comes of: it isn't opened again */
    uint32_t head, tail; /* of what is shown and not read yet; they only grow */
    uint8_t shown[SHOWN_BYTES];
    struct waitq waitq; /* the master's */
};

/* Those whose master is open. */
static struct pty *table[PTYS_MAX]; /* GUARDED_BY(table_lock) */
static struct spinlock table_lock = SPINLOCK_INIT(RANK_FDTABLE);

static struct pty *pty_of(struct tty *t)
{
    return container_of(t, struct pty, tty);
}

static void put(struct pty *p)
{
    spin_lock(&table_lock);
    bool last = --p->refs == 0;
    spin_unlock(&table_lock);
    if (!last)
        return;
    if (p->tty.timer_set)
        (void)timer_cancel(&p->tty.timer);
    heap_free(p);
}

/* ---- what the slave shows ---- */

static int64_t show(struct tty *t, const char *data, size_t size)
{
    struct pty *p = pty_of(t);
    size_t done = 0;
    if (t->dead)
        return -EIO;
    while (done < size && p->tail - p->head < SHOWN_BYTES)
        p->shown[p->tail++ & SHOWN_MASK] = (uint8_t)data[done++];
    if (done > 0)
        waitq_wake(&p->waitq, TTY_IN_EVENTS);
    return done > 0 ? (int64_t)done : -EAGAIN;
}

static bool gone(const struct tty *t)
{
    return t->dead;
}

static void slave_gone(struct tty *t)
{
    struct pty *p = pty_of(t);
    spin_lock(&table_lock);
    bool last = --p->slaves == 0;
    spin_unlock(&table_lock);
    if (last) {
        mutex_lock(&t->lock);
        p->left = true;
        mutex_unlock(&t->lock);
        waitq_wake(&p->waitq, TTY_ALL_EVENTS);
    }
    put(p);
}

static void input_taken(struct tty *t)
{
    waitq_wake(&pty_of(t)->waitq, TTY_OUT_EVENTS);
}

static const struct tty_screen pty_screen = {
    .show = show,
    .gone = gone,
    .file_gone = slave_gone,
    .input_taken = input_taken,
};

/* ---- the master's files ---- */

static int64_t take_shown(struct pty *p, struct iter *it)
{
    int64_t done = 0;
    while (it->left > 0 && p->head != p->tail) {
        uint32_t from = p->head & SHOWN_MASK;
        size_t size = min_u64(min_u64(p->tail - p->head, SHOWN_BYTES - from), it->left);
        size_t n = iter_write(it, p->shown + from, size);
        p->head += (uint32_t)n;
        done += (int64_t)n;
        if (n < size)
            return done > 0 ? done : -EFAULT;
    }
    return done;
}

static int64_t read_locked(struct pty *p, struct iter *it)
{
    const uint8_t data_follows = TIOCPKT_DATA;
    if (it->left == 0)
        return 0;
    if (p->head == p->tail)
        return p->left ? -EIO : -EAGAIN;
    if (!p->packets)
        return take_shown(p, it);
    if (iter_write(it, &data_follows, 1) != 1)
        return -EFAULT;
    int64_t n = take_shown(p, it);
    return n < 0 ? n : n + 1;
}

static int64_t master_read(struct file *f, struct iter *it, uint64_t *pos)
{
    struct pty *p = f->private;
    (void)pos;
    mutex_lock(&p->tty.lock);
    int64_t n = read_locked(p, it);
    if (n > 0)
        tty_flush(&p->tty); /* there is room for what waited */
    mutex_unlock(&p->tty.lock);
    if (n > 0)
        waitq_wake(&p->tty.waitq, TTY_OUT_EVENTS);
    return n;
}

static int64_t master_write(struct file *f, struct iter *it, uint64_t *pos)
{
    struct pty *p = f->private;
    uint8_t data[CHUNK_BYTES];
    int64_t done = 0;
    (void)pos;
    while (it->left > 0) {
        struct iter before = *it;
        size_t size = iter_read(it, data, sizeof(data));
        if (size == 0)
            return done > 0 ? done : -EFAULT;
        size_t n = tty_take_in(&p->tty, data, size);
        done += (int64_t)n;
        if (n < size) {
            *it = before;
            iter_advance(it, n);
            break;
        }
    }
    return done > 0 || it->left == 0 ? done : -EAGAIN;
}

static uint32_t master_poll(struct file *f)
{
    struct pty *p = f->private;
    uint32_t events = 0;
    mutex_lock(&p->tty.lock);
    if (p->head != p->tail)
        events |= TTY_IN_EVENTS;
    if (tty_input_room(&p->tty))
        events |= TTY_OUT_EVENTS;
    if (p->left)
        events |= EPOLLHUP;
    mutex_unlock(&p->tty.lock);
    return events;
}

static struct waitq *master_waitq(struct file *f)
{
    struct pty *p = f->private;
    return &p->waitq;
}

/* ---- the master's requests ---- */

static int64_t answer(uint64_t to, int value)
{
    return copy_to_user((struct uptr){to}, &value, sizeof(value));
}

static int set_locked(struct pty *p, struct uptr from)
{
    int value;
    if (copy_from_user(&value, from, sizeof(value)))
        return -EFAULT;
    spin_lock(&table_lock);
    p->locked = value != 0;
    spin_unlock(&table_lock);
    return 0;
}

static int set_packets(struct pty *p, struct uptr from)
{
    int value;
    if (copy_from_user(&value, from, sizeof(value)))
        return -EFAULT;
    p->packets = value != 0;
    return 0;
}

static int open_peer(const struct pty *p, uint64_t flags)
{
    char path[PATH_BYTES];
    struct file *f;
    format(path, sizeof(path), "/dev/pts/%u", p->number);
    int err = vfs_open(NULL, path, (unsigned)flags & ~(unsigned)O_CLOEXEC, 0, &f);
    return err ? err : fd_install_or_put(f, (flags & O_CLOEXEC) != 0);
}

/* Which: as the master sees it, what it reads and what it wrote. */
static int64_t master_flush(struct pty *p, uint64_t which)
{
    if (which > TCIOFLUSH)
        return -EINVAL;
    mutex_lock(&p->tty.lock);
    if (which != TCOFLUSH)
        p->head = p->tail;
    if (which != TCIFLUSH)
        tty_input_flush(&p->tty);
    tty_flush(&p->tty);
    mutex_unlock(&p->tty.lock);
    waitq_wake(&p->waitq, TTY_ALL_EVENTS);
    waitq_wake(&p->tty.waitq, TTY_ALL_EVENTS);
    return 0;
}

static int64_t master_ioctl(struct file *f, unsigned request, uint64_t value)
{
    struct pty *p = f->private;
    switch (request) {
    case TIOCGPTN:
        return answer(value, (int)p->number);
    case TIOCSPTLCK:
        return set_locked(p, (struct uptr){value});
    case TIOCGPTLCK:
        return answer(value, p->locked);
    case TIOCGPTPEER:
        return open_peer(p, value);
    case TIOCPKT:
        return set_packets(p, (struct uptr){value});
    case TIOCGPKT:
        return answer(value, p->packets);
    case FIONREAD:
        return answer(value, (int)(p->tail - p->head));
    case TIOCOUTQ:
        return answer(value, 0);
    case TCFLSH:
        return master_flush(p, value);
    case TIOCGPGRP:
        return answer(value, p->tty.pgrp);
    case TIOCEXCL:
    case TIOCNXCL:
    case TIOCGEXCL:
        return tty_exclusive(&p->exclusive, request, (struct uptr){value});
    default:
        return tty_request(&p->tty, request, value);
    }
}

static void master_release(struct file *f)
{
    struct pty *p = f->private;
    spin_lock(&table_lock);
    table[p->number] = NULL;
    spin_unlock(&table_lock);
    mutex_lock(&p->tty.lock);
    p->tty.dead = true;
    bool ours = p->tty.session && p->tty.session == the_proc.session;
    p->tty.session = p->tty.pgrp = 0;
    mutex_unlock(&p->tty.lock);
    if (ours) {
        (void)signal_send_process(SIGHUP, NULL);
        (void)signal_send_process(SIGCONT, NULL);
    }
    waitq_wake(&p->tty.waitq, TTY_ALL_EVENTS | EPOLLERR);
    put(p);
}

static const struct file_ops master_ops = {
    .name = "ptmx",
    .read = master_read,
    .write = master_write,
    .poll = master_poll,
    .waitq = master_waitq,
    .ioctl = master_ioctl,
    .release = master_release,
};

/* ---- opening ---- */

static bool enter(struct pty *p)
{
    spin_lock(&table_lock);
    for (p->number = 0; p->number < PTYS_MAX && table[p->number];)
        p->number++;
    bool room = p->number < PTYS_MAX;
    if (room)
        table[p->number] = p;
    spin_unlock(&table_lock);
    return room;
}

int devfs_open_ptmx(struct file *file, uint32_t number)
{
    const struct winsize none = {0};
    (void)number;
    struct pty *p = heap_zalloc_object(sizeof(*p));
    if (!p)
        return -ENOMEM;
    tty_setup(&p->tty, &pty_screen, &none);
    p->tty.termios.c_iflag &= ~(unsigned)IUTF8;
    p->tty.termios.c_cflag &= ~(unsigned)HUPCL;
    waitq_init(&p->waitq);
    p->refs = 1;
    p->mode = SLAVE_MODE;
    p->uid = cred_current()->uid[CRED_FS];
    p->gid = TTY_GROUP;
    p->locked = true;
    if (!enter(p)) {
        heap_free(p);
        return -ENOSPC;
    }
    file->ops = &master_ops;
    file->private = p;
    return 0;
}

void devfs_pts_owner(struct inode *inode, uint32_t number, const struct inode_attr *attr,
                     unsigned what)
{
    spin_lock(&table_lock);
    struct pty *p = number < PTYS_MAX ? table[number] : NULL;
    if (p) {
        p->mode = what & ATTR_MODE ? attr->mode : p->mode;
        p->uid = what & ATTR_UID ? attr->uid : p->uid;
        p->gid = what & ATTR_GID ? attr->gid : p->gid;
        inode->mode = (inode->mode & ~PERMISSIONS) | (p->mode & PERMISSIONS);
        inode->uid = p->uid;
        inode->gid = p->gid;
    }
    spin_unlock(&table_lock);
}

int devfs_open_pts(struct file *file, uint32_t number)
{
    spin_lock(&table_lock);
    struct pty *p = number < PTYS_MAX ? table[number] : NULL;
    int err = !p || p->locked ? -EIO : tty_may_open(&p->tty);
    if (!err) {
        p->refs++;
        p->slaves++;
    }
    spin_unlock(&table_lock);
    if (err)
        return err;
    mutex_lock(&p->tty.lock);
    p->left = false;
    mutex_unlock(&p->tty.lock);
    tty_make_file(&p->tty, file);
    return 0;
}

bool devfs_next_pts(uint32_t *number)
{
    spin_lock(&table_lock);
    while (*number < PTYS_MAX && !table[*number])
        ++*number;
    spin_unlock(&table_lock);
    return *number < PTYS_MAX;
}
