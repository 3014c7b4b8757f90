/* Sending and receiving: send, recv and their forms, with what goes along with the bytes. */
#include "kernel/base/string.h"
#include "kernel/mm/heap.h"
#include "kernel/net/inet_control.h"
#include "kernel/proc/task.h"
#include "kernel/sched/thread.h"
#include "kernel/syscall/iovec.h"
#include "kernel/syscall/socket_args.h"
#include "kernel/syscall/syscall.h"
#include "kernel/time/clock.h"
#include "kernel/time/timespec.h"

#define CONTROL_MAX 20480u
#define MESSAGES_MAX 1024u
#define CMSG_HEAD sizeof(struct cmsghdr_kernel)

struct mmsghdr_kernel {
    struct msghdr_kernel head;
    uint32_t length, pad;
};

/* Plain bytes, with an address. */

int64_t sys_sendto(int fd, struct uptr buf, size_t size, unsigned flags, struct uptr to,
                   int to_size)
{
    struct file *f;
    struct socket *s;
    struct iter it;
    struct socket_name name = {0};
    size = min_u64(size, TRANSFER_MAX);
    int64_t n = user_range_ok(buf, size) ? socket_get(fd, &f, &s) : -EFAULT;
    if (n)
        return n;
    iter_user(&it, buf, size);
    struct socket_message m = {.it = &it, .flags = flags};
    if (!uptr_is_null(to)) {
        n = socket_name_read(to, to_size, &name);
        m.name = &name;
    }
    if (!n)
        n = socket_send(f, &m);
    file_put(f);
    return n;
}

int64_t sys_recvfrom(int fd, struct uptr buf, size_t size, unsigned flags, struct uptr from,
                     struct uptr from_size)
{
    struct file *f;
    struct socket *s;
    struct iter it;
    struct socket_name name = {0};
    size = min_u64(size, TRANSFER_MAX);
    int64_t n = user_range_ok(buf, size) ? socket_get(fd, &f, &s) : -EFAULT;
    if (n)
        return n;
    iter_user(&it, buf, size);
    struct socket_message m = {
        .it = &it, .flags = flags, .name = uptr_is_null(from) ? NULL : &name};
    n = socket_receive(f, &m);
    if (m.files)
        passed_files_drop(m.files);
    if (n >= 0 && m.name && socket_name_write(&name, from, from_size))
        n = -EFAULT;
    file_put(f);
    return n;
}

/* Control messages in. */

/* Looks the descriptors of one SCM_RIGHTS up and adds them to m->files. */
static int add_files(struct socket_message *m, const char *data, size_t size)
{
    unsigned count = (unsigned)(size / sizeof(int)), have = m->files ? m->files->count : 0;
    if (have + count > SCM_FILES_MAX)
        return -EINVAL;
    if (count == 0)
        return 0;
    struct passed_files *p = heap_alloc_object(sizeof(*p) + (have + count) * sizeof(struct file *));
    if (!p)
        return -ENOMEM;
    if (have)
        memcpy(p->files, m->files->files, have * sizeof(struct file *));
    heap_free(m->files);
    m->files = p;
    p->count = have;
    for (unsigned i = 0; i < count; i++) {
        int fd;
        memcpy(&fd, data + i * sizeof(int), sizeof(fd));
        int err = fd_get_path(fd, &p->files[p->count]);
        if (err)
            return err;
        p->count++;
    }
    return 0;
}

/* Others' ids take the capability to become them. */
static bool may_claim(const struct credentials *c)
{
    const struct cred *cred = cred_current();
    bool user = c->uid == cred->uid[CRED_REAL] || c->uid == cred->uid[CRED_EFFECTIVE] ||
                c->uid == cred->uid[CRED_SAVED];
    bool group = c->gid == cred->gid[CRED_REAL] || c->gid == cred->gid[CRED_EFFECTIVE] ||
                 c->gid == cred->gid[CRED_SAVED];
    return (c->pid == PROC_PID || capable(CAP_SYS_ADMIN)) && (user || capable(CAP_SETUID)) &&
           (group || capable(CAP_SETGID));
}

static int add_control(struct socket_message *m, const struct cmsghdr_kernel *head,
                       const char *data)
{
    size_t size = head->size - CMSG_HEAD;
    if (head->level != SOL_SOCKET)
        return inet_control_take(m, head->level, head->type, data, size);
    if (head->type == SCM_RIGHTS)
        return add_files(m, data, size);
    if (head->type != SCM_CREDENTIALS || size != sizeof(m->credentials))
        return -EINVAL;
    memcpy(&m->credentials, data, size);
    if (!may_claim(&m->credentials))
        return -EPERM;
    m->has_credentials = true;
    return 0;
}

static int parse_control(struct socket_message *m, const char *data, size_t size)
{
    struct cmsghdr_kernel head;
    while (size >= CMSG_HEAD) {
        memcpy(&head, data, CMSG_HEAD);
        if (head.size < CMSG_HEAD || head.size > size)
            return -EINVAL;
        int err = add_control(m, &head, data + CMSG_HEAD);
        if (err)
            return err;
        size_t step = min_u64(align_up(head.size, CMSG_ALIGN_BYTES), size);
        data += step;
        size -= step;
    }
    return 0;
}

static int read_control(struct socket_message *m, const struct msghdr_kernel *head)
{
    if (head->control_size == 0)
        return 0;
    if (head->control_size > CONTROL_MAX)
        return -ENOBUFS;
    char *data = heap_alloc(head->control_size);
    if (!data)
        return -ENOMEM;
    int err = copy_from_user(data, (struct uptr){head->control}, head->control_size);
    if (!err)
        err = parse_control(m, data, head->control_size);
    heap_free(data);
    return err;
}

static int64_t send_head(struct file *f, const struct msghdr_kernel *head, unsigned flags)
{
    struct user_iovec v;
    struct socket_name name;
    struct socket_message m = {.it = &v.it, .flags = flags};
    if (head->name && head->name_size) {
        int err = socket_name_read((struct uptr){head->name}, head->name_size, &name);
        if (err)
            return err;
        m.name = &name;
    }
    if (head->range_count > IOVEC_COUNT_MAX)
        return -EMSGSIZE;
    int64_t n = user_iovec_get(&v, (struct uptr){head->ranges}, head->range_count);
    if (n)
        return n;
    n = read_control(&m, head);
    if (!n)
        n = socket_send(f, &m);
    if (m.files)
        passed_files_drop(m.files);
    user_iovec_put(&v);
    return n;
}

int64_t sys_sendmsg(int fd, struct uptr from, unsigned flags)
{
    struct file *f;
    struct socket *s;
    struct msghdr_kernel head;
    int64_t n = socket_get(fd, &f, &s);
    if (n)
        return n;
    n = copy_from_user(&head, from, sizeof(head));
    if (!n)
        n = send_head(f, &head, flags);
    file_put(f);
    return n;
}

int64_t sys_sendmmsg(int fd, struct uptr array, unsigned count, unsigned flags)
{
    struct file *f;
    struct socket *s;
    int64_t n = socket_get(fd, &f, &s);
    if (n)
        return n;
    unsigned done = 0;
    for (; done < min_u64(count, MESSAGES_MAX); done++) {
        struct mmsghdr_kernel head;
        struct uptr at = uptr_add(array, done * sizeof(head));
        n = copy_from_user(&head, at, sizeof(head));
        if (!n)
            n = send_head(f, &head.head, flags);
        if (n < 0)
            break;
        head.length = (uint32_t)n;
        n = copy_to_user(uptr_add(at, offsetof(struct mmsghdr_kernel, length)), &head.length,
                         sizeof(head.length));
        if (n)
            break;
        cond_resched();
    }
    file_put(f);
    return done > 0 ? done : n;
}

/* Control messages out. */

struct control_out {
    struct uptr at;
    uint64_t room, used;
    unsigned flags; /* MSG_CTRUNC */
};

/* Writes one control message, cut to the room there is. */
static int put_control(struct control_out *out, int level, int type, const void *data, size_t size)
{
    struct cmsghdr_kernel head = {CMSG_HEAD + size, level, type};
    if (out->room < CMSG_HEAD) {
        out->flags |= MSG_CTRUNC;
        return 0;
    }
    if (out->room < head.size) {
        out->flags |= MSG_CTRUNC;
        head.size = out->room;
    }
    if (copy_to_user(out->at, &head, CMSG_HEAD) ||
        copy_to_user(uptr_add(out->at, CMSG_HEAD), data, head.size - CMSG_HEAD))
        return -EFAULT;
    uint64_t step = min_u64(align_up(head.size, CMSG_ALIGN_BYTES), out->room);
    out->at = uptr_add(out->at, step);
    out->room -= step;
    out->used += step;
    return 0;
}

/* Installs as many files as there is room for. */
static int put_files(struct control_out *out, const struct passed_files *p, bool cloexec)
{
    int fds[SCM_FILES_MAX];
    uint64_t fits = out->room > CMSG_HEAD ? (out->room - CMSG_HEAD) / sizeof(int) : 0;
    unsigned count = 0;
    while (count < p->count && count < fits) {
        int fd = fd_install_or_put(file_get(p->files[count]), cloexec);
        if (fd < 0)
            break;
        fds[count++] = fd;
    }
    if (count < p->count)
        out->flags |= MSG_CTRUNC;
    return count > 0 ? put_control(out, SOL_SOCKET, SCM_RIGHTS, fds, count * sizeof(int)) : 0;
}

static int write_extras(struct socket_message *m, struct msghdr_kernel *head)
{
    struct control_out out = {{head->control}, head->control ? head->control_size : 0, 0, 0};
    int err = 0;
    if (m->has_credentials)
        err =
            put_control(&out, SOL_SOCKET, SCM_CREDENTIALS, &m->credentials, sizeof(m->credentials));
    if (!err && m->files)
        err = put_files(&out, m->files, (m->flags & MSG_CMSG_CLOEXEC) != 0);
    for (unsigned i = 0; i < m->control_count && !err; i++) {
        const struct socket_control *c = &m->controls[i];
        err = put_control(&out, c->level, c->type, c->data, c->size);
    }
    if (!err && m->name)
        err = copy_to_user((struct uptr){head->name}, m->name->bytes,
                           min_u64(m->name->size, (unsigned)head->name_size));
    head->name_size = m->name ? (int)m->name->size : 0;
    head->control_size = out.used;
    head->flags = m->result_flags | out.flags | (m->flags & MSG_CMSG_CLOEXEC);
    return err;
}

static int64_t receive_head(struct file *f, struct msghdr_kernel *head, unsigned flags)
{
    struct user_iovec v;
    struct socket_name name = {0};
    struct socket_control controls[SOCKET_CONTROLS_MAX];
    struct socket_message m = {
        .it = &v.it, .flags = flags, .name = head->name ? &name : NULL, .controls = controls};
    if (head->name_size < 0)
        return -EINVAL;
    if (head->range_count > IOVEC_COUNT_MAX)
        return -EMSGSIZE;
    int64_t n = user_iovec_get(&v, (struct uptr){head->ranges}, head->range_count);
    if (n)
        return n;
    n = socket_receive(f, &m);
    if (n >= 0) {
        int err = write_extras(&m, head);
        if (err)
            n = err;
    }
    if (m.files)
        passed_files_drop(m.files);
    user_iovec_put(&v);
    return n;
}

int64_t sys_recvmsg(int fd, struct uptr from, unsigned flags)
{
    struct file *f;
    struct socket *s;
    struct msghdr_kernel head;
    int64_t n = socket_get(fd, &f, &s);
    if (n)
        return n;
    n = copy_from_user(&head, from, sizeof(head));
    if (!n)
        n = receive_head(f, &head, flags);
    if (n >= 0 && copy_to_user(from, &head, sizeof(head)))
        n = -EFAULT;
    file_put(f);
    return n;
}

static int64_t receive_many(struct file *f, struct uptr array, unsigned count, unsigned flags,
                            uint64_t deadline)
{
    int64_t n = 0;
    int64_t done = 0;
    while (done < count) {
        struct mmsghdr_kernel head;
        struct uptr at = uptr_add(array, (uint64_t)done * sizeof(head));
        if (copy_from_user(&head, at, sizeof(head)))
            return done > 0 ? done : -EFAULT;
        n = receive_head(f, &head.head, flags & ~MSG_WAITFORONE);
        if (n < 0)
            break;
        head.length = (uint32_t)n;
        if (copy_to_user(at, &head, sizeof(head)))
            return done > 0 ? done : -EFAULT;
        done++;
        if (flags & MSG_WAITFORONE)
            flags |= MSG_DONTWAIT;
        if (clock_monotonic_ns() >= deadline)
            break;
        cond_resched();
    }
    return done > 0 ? done : n;
}

/* The time-out is looked at between messages only, as Linux does. */
int64_t sys_recvmmsg(int fd, struct uptr array, unsigned count, unsigned flags, struct uptr timeout)
{
    struct file *f;
    struct socket *s;
    uint64_t deadline = DEADLINE_NONE;
    if (!uptr_is_null(timeout)) {
        int64_t length;
        int err = timespec_read(timeout, &length);
        if (err)
            return err;
        deadline = deadline_after(clock_monotonic_ns(), length);
    }
    int64_t n = socket_get(fd, &f, &s);
    if (n)
        return n;
    n = receive_many(f, array, (unsigned)min_u64(count, MESSAGES_MAX), flags, deadline);
    file_put(f);
    return n;
}
