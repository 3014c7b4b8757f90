/* signalfd: takes pending signals of the thread that reads, or of the process. */
#include "kernel/fd/signalfd.h"

#include <asm/fcntl.h>
#include <linux/eventpoll.h>
#include <linux/signalfd.h>

#include "kernel/base/errno.h"
#include "kernel/fd/anonymous.h"
#include "kernel/mm/heap.h"
#include "kernel/proc/signal.h"

struct signalfd {
    uint64_t mask;
};

/* Which fields of a siginfo are filled depends on where the signal came from. */
static void fill_source(struct signalfd_siginfo *out, const siginfo_t *info)
{
    int code = info->si_code;
    if (code == SI_TIMER) {
        out->ssi_tid = (uint32_t)info->si_tid;
        out->ssi_overrun = (uint32_t)info->si_overrun;
        out->ssi_ptr = (uint64_t)info->si_ptr;
        out->ssi_int = info->si_int;
    } else if (code > 0 && code != SI_KERNEL) {
        out->ssi_addr = (uint64_t)info->si_addr;
    } else {
        out->ssi_pid = (uint32_t)info->si_pid;
        out->ssi_uid = info->si_uid;
        out->ssi_ptr = (uint64_t)info->si_ptr;
        out->ssi_int = info->si_int;
    }
}

static int64_t signalfd_read(struct file *f, struct iter *it, uint64_t *pos)
{
    const struct signalfd *s = f->private;
    int64_t done = 0;
    (void)pos;
    if (it->left < sizeof(struct signalfd_siginfo))
        return -EINVAL;
    while (it->left >= sizeof(struct signalfd_siginfo)) {
        siginfo_t info;
        int signo = signal_take(s->mask, &info);
        if (!signo)
            return done > 0 ? done : -EAGAIN;
        struct signalfd_siginfo out = {
            .ssi_signo = (uint32_t)signo, .ssi_errno = info.si_errno, .ssi_code = info.si_code};
        fill_source(&out, &info);
        if (iter_write(it, &out, sizeof(out)) < sizeof(out))
            return done > 0 ? done : -EFAULT;
        done += (int64_t)sizeof(out);
    }
    return done;
}

static uint32_t signalfd_poll(struct file *f)
{
    const struct signalfd *s = f->private;
    return signal_pending_set() & s->mask ? EPOLLIN | EPOLLRDNORM : 0;
}

static struct waitq *signalfd_waitq(struct file *f)
{
    (void)f;
    return &the_proc.signalfd_waitq;
}

static size_t signalfd_fdinfo(struct file *f, char *buf, size_t size)
{
    const struct signalfd *s = f->private;
    return format(buf, size, "sigmask:\t%016lx\n", s->mask);
}

static void signalfd_release(struct file *f)
{
    heap_free(f->private);
}

static const struct file_ops signalfd_ops = {
    .name = "signalfd",
    .no_splice = true,
    .read = signalfd_read,
    .poll = signalfd_poll,
    .waitq = signalfd_waitq,
    .getattr = anonymous_getattr,
    .describe = anonymous_describe,
    .fdinfo = signalfd_fdinfo,
    .release = signalfd_release,
};

struct file *signalfd_create(uint64_t mask, unsigned flags)
{
    struct signalfd *s = heap_zalloc_object(sizeof(*s));
    if (!s)
        return NULL;
    s->mask = mask & ~SIGMASK_FORCED;
    struct file *f = file_alloc(&signalfd_ops, O_RDWR | flags, NULL, s);
    if (!f)
        heap_free(s);
    return f;
}

bool signalfd_set(struct file *f, uint64_t mask)
{
    struct signalfd *s = f->private;
    if (f->ops != &signalfd_ops)
        return false;
    __atomic_store_n(&s->mask, mask & ~SIGMASK_FORCED, __ATOMIC_RELEASE);
    waitq_wake(&the_proc.signalfd_waitq, EPOLLIN);
    return true;
}
