// UNIT: tests/unit/fakes/unnamed.c
// UNIT: kernel/vfs/permission.c kernel/proc/cred.c
// UNIT: kernel/net/socket.c kernel/net/unix.c kernel/net/unix_link.c kernel/net/unix_list.c kernel/net/unix_name.c kernel/base/text.c kernel/fd/file.c kernel/fd/iter.c kernel/fd/eventfd.c kernel/base/format.c tests/unit/fakes/heap.c tests/unit/fakes/wait.c
/* AF_UNIX sockets: order and bounds of what is sent, ends of connections, passed files, short
 * memory; nothing leaks. */
#include <asm/fcntl.h>
#include <linux/eventpoll.h>
#include <stdlib.h>

#include "kernel/base/errno.h"
#include "kernel/fd/epoll.h"
#include "kernel/fd/eventfd.h"
#include "kernel/mm/heap.h"
#include "kernel/net/inet.h"
#include "kernel/net/interface.h"
#include "kernel/net/netlink.h"
#include "kernel/net/unix.h"
#include "kernel/sched/thread.h"
#include "tests/harness/check.h"
#include "tests/unit/fakes/fakes.h"

void cond_resched(void) {}

int64_t interface_ioctl(unsigned what, struct uptr arg)
{
    (void)what, (void)arg;
    return -ENOTTY;
}

int netlink_create(int type, int protocol, struct socket **out)
{
    (void)type, (void)protocol, (void)out;
    return -EAFNOSUPPORT;
}

int inet_create(int family, int type, int protocol, struct socket **out)
{
    (void)family, (void)type, (void)protocol, (void)out;
    return -EAFNOSUPPORT;
}

/* One path can be bound: it names this inode once it is made. */
static struct inode only_inode;
static struct dentry only_name;

void dentry_put(struct dentry *d)
{
    d->refs--;
}

struct inode *inode_get(struct inode *inode)
{
    inode->refs++;
    return inode;
}

void inode_put(struct inode *inode)
{
    inode->refs--;
}

int vfs_make(struct dentry *base, const char *path, uint32_t mode, uint64_t rdev,
             const char *target, struct dentry **out)
{
    (void)base, (void)path, (void)rdev, (void)target;
    if (only_name.inode)
        return -EEXIST;
    only_inode.mode = mode;
    only_name.inode = &only_inode;
    only_name.refs++;
    *out = &only_name;
    return 0;
}

int vfs_unlink(struct dentry *base, const char *path, bool directory)
{
    (void)base, (void)path, (void)directory;
    only_name.inode = NULL;
    return 0;
}

int vfs_lookup(struct dentry *base, const char *path, unsigned flags, struct dentry **out,
               struct name *last)
{
    (void)base, (void)flags, (void)last;
    if (strcmp(path, "path") != 0 || !only_name.inode)
        return -ENOENT;
    only_name.refs++;
    *out = &only_name;
    return 0;
}

uint64_t random_u64(void)
{
    return 7;
}

void epoll_file_gone(struct file *f)
{
    (void)f;
}

static char sent[300000], got[300000];

static struct file *fresh(int type)
{
    struct socket *s;
    return socket_create(AF_UNIX, type, 0, &s) ? NULL : socket_file(s, 0);
}

static void pair(int type, struct file *f[2])
{
    f[0] = fresh(type);
    f[1] = fresh(type);
    unix_pair(socket_of(f[0]), socket_of(f[1]));
}

static int64_t put(struct file *f, const void *data, size_t size, unsigned flags,
                   struct passed_files *files)
{
    struct iter it;
    iter_kernel(&it, (void *)(uintptr_t)data, size);
    struct socket_message m = {.it = &it, .flags = flags | MSG_DONTWAIT, .files = files};
    int64_t n = socket_send(f, &m);
    if (m.files)
        passed_files_drop(m.files);
    return n;
}

static int64_t take(struct file *f, size_t size, unsigned flags, struct passed_files **files)
{
    struct iter it;
    iter_kernel(&it, got, size);
    struct socket_message m = {.it = &it, .flags = flags | MSG_DONTWAIT};
    int64_t n = socket_receive(f, &m);
    if (files)
        *files = m.files;
    else if (m.files)
        passed_files_drop(m.files);
    return n;
}

static struct passed_files *pass(struct file *f)
{
    struct passed_files *p = heap_alloc(sizeof(*p) + sizeof(f));
    p->count = 1;
    p->files[0] = file_get(f);
    return p;
}

static struct socket_name name_of(const char *text, size_t size)
{
    struct socket_name name = {.size = (uint32_t)(UNIX_NAME_HEAD + size), .family = AF_UNIX};
    memcpy(name.bytes + UNIX_NAME_HEAD, text, size);
    return name;
}

static void streams_keep_order(void)
{
    struct file *f[2];
    size_t in = 0, out = 0;
    int wrong = 0;
    pair(SOCK_STREAM, f);
    for (size_t i = 0; i < sizeof(sent); i++)
        sent[i] = (char)(i * 7 >> 2);
    srand(2);
    while (out < sizeof(sent)) {
        size_t part = (size_t)rand() % (rand() % 4 ? 700 : 60000);
        part = part < sizeof(sent) - in ? part : sizeof(sent) - in;
        int64_t n = put(f[0], sent + in, part, 0, NULL);
        in += n > 0 ? (size_t)n : 0;
        n = take(f[1], 1 + (size_t)rand() % 50000, 0, NULL);
        if (n > 0) {
            wrong += memcmp(got, sent + out, (size_t)n) != 0;
            out += (size_t)n;
        }
    }
    CHECK_EQ(wrong, 0);
    CHECK_EQ(take(f[1], 1, 0, NULL), -EAGAIN);
    CHECK_EQ(unix_of(socket_of(f[0]))->sent, 0);
    file_put(f[0]);
    CHECK_EQ(take(f[1], 1, 0, NULL), 0);
    CHECK_EQ(put(f[1], "x", 1, 0, NULL), -EPIPE);
    file_put(f[1]);
    CHECK_EQ(fake_heap_blocks, 0);
}

static void full_buffers(void)
{
    struct file *f[2];
    int64_t n, total = 0;
    pair(SOCK_STREAM, f);
    while ((n = put(f[0], sent, 5000, 0, NULL)) > 0)
        total += n;
    CHECK_EQ(n, -EAGAIN);
    CHECK(total >= 200000);
    CHECK_EQ(file_poll(f[0]) & EPOLLOUT, 0);
    while ((n = take(f[1], 9999, 0, NULL)) > 0)
        total -= n;
    CHECK_EQ(total, 0);
    CHECK_EQ(file_poll(f[0]) & EPOLLOUT, EPOLLOUT);
    put(f[0], sent, 5000, 0, NULL);
    file_put(f[1]); /* with unread bytes */
    CHECK_EQ(take(f[0], 1, 0, NULL), -ECONNRESET);
    CHECK_EQ(take(f[0], 1, 0, NULL), 0);
    file_put(f[0]);
    CHECK_EQ(fake_heap_blocks, 0);
}

static void messages_keep_their_bounds(void)
{
    struct file *f[2];
    pair(SOCK_SEQPACKET, f);
    CHECK_EQ(put(f[0], "first", 5, 0, NULL), 5);
    CHECK_EQ(put(f[0], "", 0, 0, NULL), 0);
    CHECK_EQ(put(f[0], "2nd", 3, 0, NULL), 3);
    CHECK_EQ(put(f[0], sent, 290000, 0, NULL), -EMSGSIZE);
    CHECK_EQ(take(f[1], 9, MSG_PEEK, NULL), 5);
    CHECK_EQ(take(f[1], 2, MSG_TRUNC, NULL), 5);
    CHECK_EQ(take(f[1], 9, 0, NULL), 0);
    CHECK_EQ(take(f[1], 9, 0, NULL), 3);
    CHECK_EQ(take(f[1], 9, 0, NULL), -EAGAIN);
    put(f[0], "unread", 6, 0, NULL);
    file_put(f[0]);
    file_put(f[1]);
    CHECK_EQ(fake_heap_blocks, 0);
}

static void files_travel(void)
{
    struct file *f[2], *e = eventfd_create(5, false, 0);
    struct passed_files *p;
    pair(SOCK_STREAM, f);
    put(f[0], "a", 1, 0, NULL);
    put(f[0], "b", 1, 0, pass(e));
    put(f[0], "c", 1, 0, NULL);
    file_put(e);
    CHECK_EQ(take(f[1], 9, 0, &p), 1); /* files are a bound in a stream */
    CHECK(p == NULL);
    CHECK_EQ(take(f[1], 9, MSG_PEEK, &p), 1);
    CHECK(p && p->count == 1 && p->files[0] == e);
    passed_files_drop(p);
    CHECK_EQ(take(f[1], 9, 0, &p), 1);
    CHECK(p && p->files[0] == e && e->refs == 1);
    passed_files_drop(p);
    CHECK_EQ(take(f[1], 9, 0, &p), 1);
    file_put(f[0]);
    file_put(f[1]);
    CHECK_EQ(fake_heap_blocks, 0);
}

/* Sockets in sockets in sockets: closing the outermost ends all, on a small stack. */
static void a_long_chain_of_sockets(void)
{
    struct file *inner = eventfd_create(0, false, 0);
    for (int i = 0; i < 20000; i++) {
        struct file *f[2];
        pair(SOCK_STREAM, f);
        if (put(f[0], "x", 1, 0, pass(inner)) != 1)
            CHECK(!"sent");
        file_put(inner);
        file_put(f[0]);
        inner = f[1];
    }
    file_put(inner);
    CHECK_EQ(fake_heap_blocks, 0);
}

static int connect_to(struct file *f, const struct socket_name *name)
{
    return socket_of(f)->ops->connect(socket_of(f), name, true);
}

static struct file *accept_from(struct file *f)
{
    struct socket *s;
    return socket_of(f)->ops->accept(socket_of(f), &s) ? NULL : socket_file(s, 0);
}

static void connections(const struct socket_name *name)
{
    struct file *l = fresh(SOCK_STREAM), *c[4], *a;
    struct socket *s = socket_of(l);
    CHECK_EQ(s->ops->bind(s, name), 0);
    c[0] = fresh(SOCK_STREAM);
    CHECK_EQ(connect_to(c[0], name), -ECONNREFUSED);
    CHECK_EQ(s->ops->listen(s, 1), 0);
    CHECK_EQ(file_poll(l) & EPOLLIN, 0);
    CHECK_EQ(connect_to(c[0], name), 0);
    CHECK_EQ(connect_to(c[0], name), -EISCONN);
    CHECK_EQ(put(c[0], "early", 5, 0, NULL), 5);
    CHECK_EQ(file_poll(l) & EPOLLIN, EPOLLIN);
    c[1] = fresh(SOCK_STREAM);
    c[2] = fresh(SOCK_STREAM);
    CHECK_EQ(connect_to(c[1], name), 0);
    CHECK_EQ(connect_to(c[2], name), -EAGAIN); /* the backlog is full */
    CHECK_EQ(put(c[2], "x", 1, 0, NULL), -ENOTCONN);
    a = accept_from(l);
    CHECK_EQ(take(a, 9, 0, NULL), 5);
    CHECK_EQ(connect_to(c[2], name), 0);
    c[3] = fresh(SOCK_DGRAM);
    CHECK_EQ(connect_to(c[3], name), -EPROTOTYPE);
    file_put(l); /* c[1] and c[2] were never accepted */
    CHECK(file_poll(c[1]) & EPOLLHUP);
    CHECK_EQ(put(c[0], "late", 4, 0, NULL), 4);
    for (int i = 0; i < 4; i++)
        file_put(c[i]);
    CHECK_EQ(take(a, 9, 0, NULL), 4);
    file_put(a);
    CHECK_EQ(fake_heap_blocks, 0);
}

static void by_path(void)
{
    struct socket_name name = name_of("path", 5), other = name_of("nowhere", 8);
    connections(&name);
    struct file *f = fresh(SOCK_STREAM);
    CHECK_EQ(connect_to(f, &name), -ECONNREFUSED); /* the name stays, the socket is gone */
    CHECK_EQ(connect_to(f, &other), -ENOENT);
    CHECK_EQ(socket_of(f)->ops->bind(socket_of(f), &name), -EADDRINUSE);
    file_put(f);
    CHECK_EQ(only_inode.refs, 0);
    CHECK_EQ(only_name.refs, 0);
}

static void by_abstract_name(void)
{
    struct socket_name name = name_of("\0abstract", 9);
    connections(&name);
    connections(&name); /* it is free again */
}

static void datagrams(void)
{
    struct socket_name name = name_of("\0d", 2), bare = name_of("", 0), mine;
    struct file *a = fresh(SOCK_DGRAM), *b = fresh(SOCK_DGRAM), *c = fresh(SOCK_DGRAM);
    CHECK_EQ(socket_of(a)->ops->bind(socket_of(a), &name), 0);
    CHECK_EQ(socket_of(b)->ops->bind(socket_of(b), &bare), 0);
    CHECK_EQ(socket_of(b)->ops->get_name(socket_of(b), false, &mine), 0);
    CHECK_EQ(mine.size, 8);
    CHECK_EQ(put(b, "x", 1, 0, NULL), -ENOTCONN);
    CHECK_EQ(connect_to(b, &name), 0);
    CHECK_EQ(connect_to(c, &name), 0);
    CHECK_EQ(connect_to(a, &mine), 0);
    CHECK_EQ(put(b, "b", 1, 0, NULL), 1);
    CHECK_EQ(put(c, "c", 1, 0, NULL), -EPERM); /* a listens to b alone */
    CHECK_EQ(take(a, 9, 0, NULL), 1);
    file_put(a);
    CHECK_EQ(put(b, "b", 1, 0, NULL), -ECONNREFUSED);
    file_put(b);
    file_put(c);
    CHECK_EQ(fake_heap_blocks, 0);
}

static struct file *step_file;

static void step_send(void)
{
    put(step_file, "later", 5, 0, NULL);
}

static void waiting(void)
{
    struct file *f[2];
    struct iter it;
    pair(SOCK_STREAM, f);
    step_file = f[0];
    fake_next_step = step_send;
    iter_kernel(&it, got, 9);
    struct socket_message m = {.it = &it};
    CHECK_EQ(socket_receive(f[1], &m), 5);
    CHECK_EQ(socket_receive(f[1], &m), -ERESTARTSYS);
    socket_of(f[1])->receive_timeout_ns = 5;
    CHECK_EQ(socket_receive(f[1], &m), -EINTR);
    fake_sleep_error = -ETIMEDOUT;
    CHECK_EQ(socket_receive(f[1], &m), -EAGAIN);
    fake_sleep_error = -EINTR;
    file_put(f[0]);
    file_put(f[1]);
    CHECK_EQ(fake_heap_blocks, 0);
}

static void short_memory(void)
{
    struct file *f[2], *e = eventfd_create(0, false, 0);
    struct socket_name name = name_of("\0m", 2);
    pair(SOCK_STREAM, f);
    struct file *l = fresh(SOCK_STREAM), *c = fresh(SOCK_STREAM);
    socket_of(l)->ops->bind(socket_of(l), &name);
    socket_of(l)->ops->listen(socket_of(l), 5);
    struct passed_files *p = pass(e);
    fake_heap_left = 0;
    CHECK_EQ(put(f[0], "small", 5, 0, NULL), -ENOMEM);
    CHECK_EQ(put(f[0], sent, 5000, 0, NULL), -ENOMEM);
    CHECK_EQ(put(f[0], "f", 1, 0, p), -ENOMEM);
    CHECK_EQ(connect_to(c, &name), -ENOMEM);
    CHECK(fresh(SOCK_STREAM) == NULL);
    fake_heap_left = -1;
    CHECK_EQ(connect_to(c, &name), 0);
    CHECK_EQ(e->refs, 1);
    CHECK_EQ(put(f[0], "ok", 2, 0, NULL), 2);
    file_put(l);
    file_put(c);
    file_put(f[0]);
    file_put(f[1]);
    file_put(e);
    CHECK_EQ(fake_heap_blocks, 0);
}

int main(void)
{
    RUN(streams_keep_order);
    RUN(full_buffers);
    RUN(messages_keep_their_bounds);
    RUN(files_travel);
    RUN(a_long_chain_of_sockets);
    RUN(by_path);
    RUN(by_abstract_name);
    RUN(datagrams);
    RUN(waiting);
    RUN(short_memory);
    return check_done();
}
