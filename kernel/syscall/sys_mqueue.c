/* POSIX message queues: arguments; the work is in kernel/ipc/mqueue.c. */
#include <linux/fcntl.h>

#include "kernel/fd/fdtable.h"
#include "kernel/ipc/mqueue.h"
#include "kernel/net/netlink.h"
#include "kernel/proc/signal.h"
#include "kernel/syscall/path.h"
#include "kernel/syscall/syscall.h"
#include "kernel/time/timespec.h"

#define NO_DEADLINE INT64_MAX

int64_t sys_mq_open(struct uptr name, unsigned flags, unsigned mode, struct uptr attr)
{
    struct mq_attr wanted;
    struct file *f = NULL;
    struct user_path path;
    if (!uptr_is_null(attr) && copy_from_user(&wanted, attr, sizeof(wanted)))
        return -EFAULT;
    int err = user_path_get(&path, AT_FDCWD, name, 0);
    if (err)
        return err;
    int fd = fd_reserve();
    err =
        fd < 0 ? fd : mqueue_open(path.text, flags, mode, uptr_is_null(attr) ? NULL : &wanted, &f);
    user_path_put(&path);
    return fd < 0 ? fd : fd_settle(fd, err, f, true);
}

int64_t sys_mq_unlink(struct uptr name)
{
    struct user_path path;
    int err = user_path_get(&path, AT_FDCWD, name, 0);
    if (err)
        return err;
    err = mqueue_unlink(path.text);
    user_path_put(&path);
    return err;
}

static int queue_get(int fd, struct file **out)
{
    int err = fd_get(fd, out);
    if (err || mqueue_is(*out))
        return err;
    file_put(*out);
    return -EBADF;
}

static int deadline_get(struct uptr timeout, int64_t *deadline)
{
    *deadline = NO_DEADLINE;
    return uptr_is_null(timeout) ? 0 : timespec_read(timeout, deadline);
}

static int64_t send_to(struct file *f, struct uptr from, size_t size, unsigned priority,
                       int64_t deadline)
{
    struct message *m;
    if (!file_writable(f))
        return -EBADF;
    if (size > mqueue_message_max(f))
        return -EMSGSIZE;
    int err = message_load(priority, from, size, &m);
    if (err)
        return err;
    err = mqueue_send(f, m, deadline);
    if (err)
        message_free(m);
    return err;
}

int64_t sys_mq_timedsend(int fd, struct uptr from, size_t size, unsigned priority,
                         struct uptr timeout)
{
    int64_t deadline;
    struct file *f;
    int err = deadline_get(timeout, &deadline);
    if (!err && priority >= MQ_PRIO_MAX)
        err = -EINVAL;
    err = err ? err : queue_get(fd, &f);
    if (err)
        return err;
    int64_t result = send_to(f, from, size, priority, deadline);
    file_put(f);
    return result;
}

static int64_t receive_from(struct file *f, struct uptr to, size_t size, struct uptr priority,
                            int64_t deadline)
{
    struct message *m;
    if (!file_readable(f))
        return -EBADF;
    int64_t result = mqueue_receive(f, size, deadline, &m);
    if (result)
        return result;
    result = (int64_t)m->size;
    unsigned sent = (unsigned)m->type;
    if ((!uptr_is_null(priority) && copy_to_user(priority, &sent, sizeof(sent))) ||
        message_store(m, to, m->size))
        result = -EFAULT;
    message_free(m);
    return result;
}

int64_t sys_mq_timedreceive(int fd, struct uptr to, size_t size, struct uptr priority,
                            struct uptr timeout)
{
    int64_t deadline;
    struct file *f;
    int err = deadline_get(timeout, &deadline);
    err = err ? err : queue_get(fd, &f);
    if (err)
        return err;
    int64_t result = receive_from(f, to, size, priority, deadline);
    file_put(f);
    return result;
}

/* SIGEV_THREAD: the C library's thread waits at a netlink socket for a cookie of its own. */
static int notice_get(const struct sigevent *event, struct netlink_notice **notice)
{
    char cookie[NOTIFY_COOKIE_LEN];
    struct file *socket;
    struct uptr from = {(uint64_t)event->sigev_value.sival_ptr};
    if (copy_from_user(cookie, from, sizeof(cookie)))
        return -EFAULT;
    int err = fd_get(event->sigev_signo, &socket);
    if (err)
        return err;
    err = netlink_notice_make(socket, cookie, sizeof(cookie), notice);
    file_put(socket);
    return err;
}

static int notify_get(struct uptr from, struct mqueue_notify *notify)
{
    struct sigevent event;
    if (copy_from_user(&event, from, sizeof(event)))
        return -EFAULT;
    *notify = (struct mqueue_notify){
        .how = event.sigev_notify, .signo = event.sigev_signo, .value = event.sigev_value};
    switch (event.sigev_notify) {
    case SIGEV_NONE:
        return 0;
    case SIGEV_SIGNAL:
        return signal_valid(event.sigev_signo) ? 0 : -EINVAL;
    case SIGEV_THREAD:
        return notice_get(&event, &notify->notice);
    default:
        return -EINVAL;
    }
}

int64_t sys_mq_notify(int fd, struct uptr from)
{
    struct mqueue_notify notify = {0};
    struct file *f;
    int err = uptr_is_null(from) ? 0 : notify_get(from, &notify);
    if (err)
        return err;
    err = queue_get(fd, &f);
    if (!err) {
        if (uptr_is_null(from))
            mqueue_notify_clear(f);
        else
            err = mqueue_notify_set(f, &notify);
        file_put(f);
    }
    if (err)
        netlink_notice_drop(notify.notice);
    return err;
}

int64_t sys_mq_getsetattr(int fd, struct uptr new_attr, struct uptr old_attr)
{
    struct mq_attr new, old;
    struct file *f;
    bool sets = !uptr_is_null(new_attr);
    if (sets && copy_from_user(&new, new_attr, sizeof(new)))
        return -EFAULT;
    if (sets && (new.mq_flags & ~(int64_t)O_NONBLOCK))
        return -EINVAL;
    int err = queue_get(fd, &f);
    if (err)
        return err;
    mqueue_get_attr(f, &old);
    if (sets)
        f->flags = (f->flags & ~(uint32_t)O_NONBLOCK) | (uint32_t) new.mq_flags;
    file_put(f);
    return uptr_is_null(old_attr) ? 0 : copy_to_user(old_attr, &old, sizeof(old));
}
