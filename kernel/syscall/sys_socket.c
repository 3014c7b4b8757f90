/* Making, naming and connecting sockets, and their options. Messages are in sys_message.c. */
#include <linux/eventpoll.h>

#include "kernel/base/string.h"
#include "kernel/net/unix.h"
#include "kernel/syscall/socket_args.h"
#include "kernel/syscall/syscall.h"
#include "kernel/time/clock.h"

int socket_get(int fd, struct file **file, struct socket **out)
{
    int err = fd_get(fd, file);
    if (err)
        return err;
    *out = socket_of(*file);
    if (*out)
        return 0;
    file_put(*file);
    return -ENOTSOCK;
}

int socket_name_read(struct uptr from, int size, struct socket_name *out)
{
    if (size < 0 || (unsigned)size > SOCKET_NAME_MAX)
        return -EINVAL;
    out->size = (uint32_t)size;
    out->family = 0;
    return copy_from_user(out->bytes, from, (size_t)size);
}

int socket_name_write(const struct socket_name *name, struct uptr to, struct uptr size)
{
    int room;
    if (copy_from_user(&room, size, sizeof(room)))
        return -EFAULT;
    if (room < 0)
        return -EINVAL;
    if (copy_to_user(to, name->bytes, min_u64((unsigned)room, name->size)))
        return -EFAULT;
    return copy_to_user(size, &name->size, sizeof(name->size));
}

/* The type without flags, or -EINVAL. */
static int type_of(int type)
{
    unsigned flags = (unsigned)type & ~SOCK_TYPE_MASK;
    if ((flags & ~(SOCK_NONBLOCK | SOCK_CLOEXEC)) ||
        ((unsigned)type & SOCK_TYPE_MASK) >= SOCK_TYPE_MAX)
        return -EINVAL;
    return type & (int)SOCK_TYPE_MASK;
}

static int64_t install(struct socket *s, int flags)
{
    struct file *f = socket_file(s, (unsigned)flags & SOCK_NONBLOCK);
    return fd_install_or_put(f, ((unsigned)flags & SOCK_CLOEXEC) != 0);
}

/* Families: AF_UNIX, AF_INET, AF_INET6. */
int64_t sys_socket(int family, int type, int protocol)
{
    struct socket *s;
    int plain = type_of(type);
    if (plain < 0)
        return plain;
    int err = socket_create(family, plain, protocol, &s);
    return err ? err : install(s, type);
}

static int pair_create(int family, int type, int protocol, struct socket *s[2])
{
    int err = socket_create(family, type, protocol, &s[0]);
    if (err)
        return err;
    err = family == AF_UNIX ? socket_create(family, type, protocol, &s[1]) : -EOPNOTSUPP;
    if (err)
        s[0]->ops->release(s[0]);
    else
        unix_pair(s[0], s[1]);
    return err;
}

int64_t sys_socketpair(int family, int type, int protocol, struct uptr out)
{
    struct socket *s[2];
    int fds[2], plain = type_of(type);
    if (plain < 0)
        return plain;
    int err = pair_create(family, plain, protocol, s);
    if (err)
        return err;
    int64_t fd = install(s[0], type);
    if (fd < 0) {
        s[1]->ops->release(s[1]);
        return fd;
    }
    fds[0] = (int)fd;
    fd = install(s[1], type);
    if (fd < 0) {
        (void)fd_close(fds[0]);
        return fd;
    }
    fds[1] = (int)fd;
    if (!copy_to_user(out, fds, sizeof(fds)))
        return 0;
    (void)fd_close(fds[0]);
    (void)fd_close(fds[1]);
    return -EFAULT;
}

int64_t sys_bind(int fd, struct uptr from, int size)
{
    struct file *f;
    struct socket *s;
    struct socket_name name;
    int err = socket_get(fd, &f, &s);
    if (err)
        return err;
    err = socket_name_read(from, size, &name);
    if (!err)
        err = s->ops->bind(s, &name);
    file_put(f);
    return err;
}

int64_t sys_connect(int fd, struct uptr from, int size)
{
    struct file *f;
    struct socket *s;
    struct socket_name name;
    int err = socket_get(fd, &f, &s);
    if (err && err != -ENOTSOCK)
        return err;
    int unreadable = socket_name_read(from, size, &name);
    if (err)
        return unreadable ? unreadable : err;
    err = unreadable;
    if (!err)
        err = s->ops->connect(s, &name, (f->flags & O_NONBLOCK) != 0);
    file_put(f);
    return err;
}

int64_t sys_listen(int fd, int backlog)
{
    struct file *f;
    struct socket *s;
    int err = socket_get(fd, &f, &s);
    if (err)
        return err;
    err = s->ops->listen(s, backlog);
    file_put(f);
    return err;
}

/* Takes a connection, waiting for one as the file says. */
static int accept_wait(struct file *f, struct socket *s, struct socket **out)
{
    int err = s->ops->accept(s, out);
    if (err != -EAGAIN || (f->flags & O_NONBLOCK))
        return err;
    uint64_t timeout = s->receive_timeout_ns;
    uint64_t deadline = deadline_of_timeout(timeout);
    struct waiter w;
    waiter_init(&w, EPOLLIN | EPOLLRDNORM | EPOLLHUP);
    w.exclusive = true;
    waitq_add(&s->waitq, &w);
    for (;;) {
        waiter_arm(&w);
        err = s->ops->accept(s, out);
        if (err != -EAGAIN)
            break;
        err = waiter_sleep(&w, deadline, true);
        if (err)
            break;
    }
    waitq_remove(&s->waitq, &w);
    if (err == -ETIMEDOUT)
        return -EAGAIN;
    return err == -EINTR && !timeout ? -ERESTARTSYS : err;
}

static int accept_file(struct file *f, struct socket *s, struct uptr to, struct uptr size,
                       unsigned flags, struct file **out)
{
    struct socket *client;
    struct socket_name name;
    int err = accept_wait(f, s, &client);
    if (err)
        return err;
    struct file *fresh = socket_file(client, flags & SOCK_NONBLOCK);
    if (!fresh)
        return -ENOMEM;
    if (!uptr_is_null(to)) {
        err = client->ops->get_name(client, SOCKET_ACCEPTED, &name);
        if (!err)
            err = socket_name_write(&name, to, size);
    }
    if (err)
        file_put(fresh);
    else
        *out = fresh;
    return err;
}

int64_t sys_accept4(int fd, struct uptr to, struct uptr size, unsigned flags)
{
    struct file *f;
    struct socket *s;
    if (flags & ~(SOCK_NONBLOCK | SOCK_CLOEXEC))
        return fd_refuse(fd, -EINVAL);
    struct file *fresh = NULL;
    int err = socket_get(fd, &f, &s);
    if (err)
        return err;
    int new_fd = fd_reserve(); /* first: a connection for which there is none stays in the queue */
    if (new_fd >= 0)
        err = accept_file(f, s, to, size, flags, &fresh);
    file_put(f);
    return new_fd < 0 ? new_fd : fd_settle(new_fd, err, fresh, (flags & SOCK_CLOEXEC) != 0);
}

int64_t sys_accept(int fd, struct uptr to, struct uptr size)
{
    return sys_accept4(fd, to, size, 0);
}

int64_t sys_shutdown(int fd, int how)
{
    struct file *f;
    struct socket *s;
    int err = socket_get(fd, &f, &s);
    if (err)
        return err;
    err = s->ops->shutdown(s, how);
    file_put(f);
    return err;
}

static int64_t put_name(int fd, enum socket_end end, struct uptr to, struct uptr size)
{
    struct file *f;
    struct socket *s;
    struct socket_name name;
    int err = socket_get(fd, &f, &s);
    if (err)
        return err;
    err = s->ops->get_name(s, end, &name);
    if (!err)
        err = socket_name_write(&name, to, size);
    file_put(f);
    return err;
}

int64_t sys_getsockname(int fd, struct uptr to, struct uptr size)
{
    return put_name(fd, SOCKET_SELF, to, size);
}

int64_t sys_getpeername(int fd, struct uptr to, struct uptr size)
{
    return put_name(fd, SOCKET_PEER, to, size);
}

int64_t sys_setsockopt(int fd, int level, int option, struct uptr value, int size)
{
    struct file *f;
    struct socket *s;
    if (size < 0)
        return -EINVAL;
    int err = socket_get(fd, &f, &s);
    if (err)
        return err;
    if (level == SOL_SOCKET)
        err = socket_set_option(s, option, value, (unsigned)size);
    else
        err = s->ops->set_option ? s->ops->set_option(s, level, option, value, (unsigned)size)
                                 : -EOPNOTSUPP;
    file_put(f);
    return err;
}

int64_t sys_getsockopt(int fd, int level, int option, struct uptr value, struct uptr size)
{
    struct file *f;
    struct socket *s;
    int room, err = socket_get(fd, &f, &s);
    if (err)
        return err;
    bool general = level == SOL_SOCKET;
    if (!general && !s->ops->get_option)
        err = -EOPNOTSUPP;
    else if (copy_from_user(&room, size, sizeof(room)))
        err = -EFAULT;
    else if (room < 0)
        err = -EINVAL;
    else
        err = general ? socket_get_option(s, option, value, size)
                      : s->ops->get_option(s, level, option, value, size);
    file_put(f);
    return err;
}
