/* AF_UNIX: pairs, streams, datagrams, packets, names, descriptors as messages, shutdown, options.
 */
#include <stddef.h>

#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>

#include "tests/harness/guest.h"

static struct sockaddr_un name_of(const char *path)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    snprintf(name.sun_path, sizeof(name.sun_path), "%s", path);
    return name;
}

static int bind_to(int fd, const char *path)
{
    struct sockaddr_un name = name_of(path);
    return bind(fd, (struct sockaddr *)&name, sizeof(name));
}

static int connect_to(int fd, const char *path)
{
    struct sockaddr_un name = name_of(path);
    return connect(fd, (struct sockaddr *)&name, sizeof(name));
}

static void pairs(void)
{
    int s[2], type = 0;
    socklen_t size = sizeof(type);
    char text[32] = "";
    CHECK_OK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, s));
    CHECK_EQ(fcntl(s[0], F_GETFD), FD_CLOEXEC);
    CHECK_EQ(write(s[0], "hello", 5), 5);
    CHECK_EQ(send(s[0], " you", 4, 0), 4);
    CHECK_EQ(read(s[1], text, 3), 3);
    CHECK_EQ(recv(s[1], text + 3, 20, MSG_PEEK), 6);
    CHECK_EQ(recv(s[1], text + 3, 20, 0), 6);
    CHECK_STR(text, "hello you");
    CHECK_ERR(recv(s[1], text, 1, MSG_DONTWAIT), EAGAIN);
    CHECK_EQ(write(s[1], "back", 4), 4); /* both ways */
    int waiting = 0;
    CHECK_OK(ioctl(s[0], FIONREAD, &waiting));
    CHECK_EQ(waiting, 4);
    CHECK_EQ(read(s[0], text, 20), 4);
    CHECK_OK(getsockopt(s[0], SOL_SOCKET, SO_TYPE, &type, &size));
    CHECK_EQ(type, SOCK_STREAM);
    CHECK_OK(getsockopt(s[0], SOL_SOCKET, SO_DOMAIN, &type, &size));
    CHECK_EQ(type, AF_UNIX);
    CHECK_OK(getsockopt(s[0], SOL_SOCKET, SO_ERROR, &type, &size));
    CHECK_EQ(type, 0);
    CHECK_OK(getsockopt(s[0], SOL_SOCKET, SO_SNDBUF, &type, &size));
    CHECK(type > 0);
    struct ucred cred;
    size = sizeof(cred);
    CHECK_OK(getsockopt(s[0], SOL_SOCKET, SO_PEERCRED, &cred, &size));
    CHECK_EQ(cred.pid, getpid());
    CHECK_EQ(cred.uid + cred.gid, 0);
    CHECK_ERR(lseek(s[0], 0, SEEK_SET), ESPIPE);
    struct stat st;
    CHECK_OK(fstat(s[0], &st));
    CHECK(S_ISSOCK(st.st_mode));
    close(s[1]);
    CHECK_EQ(read(s[0], text, 1), 0);
    signal(SIGPIPE, SIG_IGN);
    CHECK_ERR(write(s[0], "x", 1), EPIPE);
    CHECK_ERR(send(s[0], "x", 1, MSG_NOSIGNAL), EPIPE);
    close(s[0]);
    CHECK_ERR(socketpair(AF_UNIX, SOCK_RDM, 0, s), ESOCKTNOSUPPORT);
    CHECK_ERR(socketpair(AF_UNIX, SOCK_STREAM, 77, s), EPROTONOSUPPORT);
    CHECK_ERR(syscall(SYS_socketpair, AF_UNIX, SOCK_STREAM, 0, KERNEL_ADDRESS), EFAULT);
    CHECK_ERR(socket(12345, SOCK_STREAM, 0), EAFNOSUPPORT);
}

static void *serve(void *arg)
{
    char text[16];
    int client = accept4((int)(long)arg, NULL, NULL, SOCK_CLOEXEC);
    ssize_t n = read(client, text, sizeof(text));
    if (n > 0 && write(client, text, (size_t)n) != n)
        n = -1;
    close(client);
    return (void *)n;
}

static void streams_by_name(void)
{
    char text[16] = "";
    struct sockaddr_un name;
    socklen_t size = sizeof(name);
    int listener = socket(AF_UNIX, SOCK_STREAM, 0), client = socket(AF_UNIX, SOCK_STREAM, 0);
    CHECK(listener >= 0 && client >= 0);
    CHECK_ERR(connect_to(client, "sock"), ENOENT);
    CHECK_ERR(accept(listener, NULL, NULL), EINVAL);
    CHECK_OK(bind_to(listener, "sock"));
    struct stat st;
    CHECK_OK(stat("sock", &st));
    CHECK(S_ISSOCK(st.st_mode));
    CHECK_ERR(open("sock", O_RDWR), ENXIO);
    CHECK_ERR(connect_to(client, "sock"), ECONNREFUSED); /* nobody listens yet */
    CHECK_OK(listen(listener, 5));
    CHECK_ERR(bind_to(client, "sock"), EADDRINUSE);
    pthread_t thread = thread_start(serve, (void *)(long)listener);
    CHECK_OK(connect_to(client, "sock"));
    CHECK_ERR(connect_to(client, "sock"), EISCONN);
    CHECK_EQ(write(client, "echo", 4), 4);
    CHECK_EQ(read(client, text, 16), 4);
    CHECK_STR(text, "echo");
    CHECK_EQ(read(client, text, 16), 0);
    thread_join(thread);
    CHECK_OK(getpeername(client, (struct sockaddr *)&name, &size));
    CHECK_STR(name.sun_path, "sock");
    CHECK_EQ(size, offsetof(struct sockaddr_un, sun_path) + 5);
    size = sizeof(name);
    CHECK_OK(getsockname(client, (struct sockaddr *)&name, &size));
    CHECK_EQ(size, sizeof(sa_family_t)); /* a client has no name */
    close(client);
    CHECK_OK(fcntl(listener, F_SETFL, O_NONBLOCK));
    CHECK_ERR(accept(listener, NULL, NULL), EAGAIN);
    close(listener);
    client = socket(AF_UNIX, SOCK_STREAM, 0);
    CHECK_ERR(connect_to(client, "sock"), ECONNREFUSED);
    CHECK_ERR(read(client, text, 1), EINVAL);
    CHECK_ERR(write(client, text, 1), ENOTCONN);
    close(client);
    CHECK_OK(unlink("sock"));
}

static void abstract_names(void)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    socklen_t size = offsetof(struct sockaddr_un, sun_path) + 8;
    memcpy(name.sun_path, "\0orris-", 8);
    int a = socket(AF_UNIX, SOCK_STREAM, 0), b = socket(AF_UNIX, SOCK_STREAM, 0);
    CHECK_OK(bind(a, (struct sockaddr *)&name, size));
    CHECK_ERR(bind(b, (struct sockaddr *)&name, size), EADDRINUSE);
    CHECK_OK(listen(a, 1));
    CHECK_OK(connect(b, (struct sockaddr *)&name, size));
    int c = accept(a, NULL, NULL);
    CHECK(c >= 0);
    close(a);
    close(b);
    close(c);
    a = socket(AF_UNIX, SOCK_DGRAM, 0);
    name.sun_path[0] = 0;
    CHECK_OK(bind(a, (struct sockaddr *)&name, sizeof(sa_family_t))); /* autobind */
    size = sizeof(name);
    CHECK_OK(getsockname(a, (struct sockaddr *)&name, &size));
    CHECK_EQ(size, offsetof(struct sockaddr_un, sun_path) + 6);
    close(a);
}

static void datagrams(void)
{
    char text[16] = "";
    int a = socket(AF_UNIX, SOCK_DGRAM, 0), b = socket(AF_UNIX, SOCK_DGRAM, 0);
    struct sockaddr_un to = name_of("dgram-a"), from;
    socklen_t size = sizeof(from);
    CHECK_OK(bind_to(a, "dgram-a"));
    CHECK_OK(bind_to(b, "dgram-b"));
    CHECK_EQ(sendto(b, "one", 3, 0, (struct sockaddr *)&to, sizeof(to)), 3);
    CHECK_EQ(sendto(b, "second", 6, 0, (struct sockaddr *)&to, sizeof(to)), 6);
    CHECK_EQ(sendto(b, "", 0, 0, (struct sockaddr *)&to, sizeof(to)), 0);
    CHECK_EQ(recvfrom(a, text, 16, 0, (struct sockaddr *)&from, &size), 3);
    CHECK_STR(from.sun_path, "dgram-b");
    CHECK_EQ(recv(a, text, 2, MSG_TRUNC), 6); /* the message's own length */
    CHECK_EQ(recv(a, text, 16, 0), 0);
    CHECK_ERR(recv(a, text, 16, MSG_DONTWAIT), EAGAIN);
    CHECK_ERR(send(b, "x", 1, 0), ENOTCONN);
    CHECK_OK(connect_to(b, "dgram-a"));
    CHECK_EQ(send(b, "direct", 6, 0), 6);
    CHECK_EQ(recv(a, text, 16, 0), 6);
    close(a);
    CHECK_ERR(send(b, "x", 1, 0), ECONNREFUSED);
    close(b);
    CHECK_OK(unlink("dgram-a"));
    CHECK_OK(unlink("dgram-b"));
}

static void packets_keep_their_bounds(void)
{
    char text[16] = "";
    int s[2];
    CHECK_OK(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, s));
    CHECK_EQ(send(s[0], "first", 5, 0), 5);
    CHECK_EQ(send(s[0], "2nd", 3, 0), 3);
    CHECK_EQ(read(s[1], text, 16), 5);
    struct iovec v = {text, 2};
    struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1};
    CHECK_EQ(recvmsg(s[1], &m, 0), 2);
    CHECK_EQ(m.msg_flags & MSG_TRUNC, MSG_TRUNC);
    close(s[0]);
    CHECK_EQ(read(s[1], text, 16), 0);
    close(s[1]);
}

/* Sends count descriptors with one byte; the message goes through s. */
static ssize_t send_fds(int s, const int *fds, size_t count)
{
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof(int) * 4)];
    } control;
    struct iovec v = {"f", 1};
    struct msghdr m = {.msg_iov = &v,
                       .msg_iovlen = 1,
                       .msg_control = control.bytes,
                       .msg_controllen = CMSG_SPACE(sizeof(int) * count)};
    memset(&control, 0, sizeof(control));
    struct cmsghdr *c = CMSG_FIRSTHDR(&m);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(sizeof(int) * count);
    memcpy(CMSG_DATA(c), fds, sizeof(int) * count);
    return sendmsg(s, &m, 0);
}

static ssize_t receive_fds(int s, int *fds, size_t room, int flags, int *message_flags)
{
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof(int) * 4)];
    } control;
    char byte;
    struct iovec v = {&byte, 1};
    struct msghdr m = {.msg_iov = &v,
                       .msg_iovlen = 1,
                       .msg_control = control.bytes,
                       .msg_controllen = room ? CMSG_LEN(sizeof(int) * room) : 0};
    ssize_t n = recvmsg(s, &m, flags);
    *message_flags = m.msg_flags;
    struct cmsghdr *c = n >= 0 ? CMSG_FIRSTHDR(&m) : NULL;
    if (!c)
        return n < 0 ? n : 0;
    size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    memcpy(fds, CMSG_DATA(c), count * sizeof(int));
    return (ssize_t)count;
}

static void descriptors_travel(void)
{
    int s[2], p[2], got[4] = {-1, -1, -1, -1}, flags;
    char text[8] = "";
    CHECK_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
    CHECK_OK(pipe(p));
    CHECK_EQ(send_fds(s[0], p, 2), 1);
    close(p[0]); /* in flight they stay open */
    CHECK_EQ(receive_fds(s[1], got, 4, MSG_CMSG_CLOEXEC, &flags), 2);
    CHECK_EQ(fcntl(got[0], F_GETFD), FD_CLOEXEC);
    CHECK_EQ(write(got[1], "via", 3), 3);
    CHECK_EQ(read(got[0], text, 8), 3);
    CHECK_STR(text, "via");
    close(got[0]);
    close(got[1]);
    CHECK_EQ(send_fds(s[0], (int[]){p[1], p[1]}, 2), 1);
    CHECK_EQ(receive_fds(s[1], got, 1, 0, &flags), 1); /* room for one: the other is dropped */
    CHECK_EQ(flags & MSG_CTRUNC, MSG_CTRUNC);
    close(got[0]);
    CHECK_ERR(send_fds(s[0], (int[]){9999}, 1), EBADF);
    CHECK_EQ(send_fds(s[0], s, 2), 1); /* a socket inside itself: closed with both ends */
    close(s[0]);
    close(s[1]);
    close(p[1]);
}

static void credentials_travel(void)
{
    int s[2], on = 1;
    CHECK_OK(socketpair(AF_UNIX, SOCK_DGRAM, 0, s));
    CHECK_OK(setsockopt(s[1], SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)));
    CHECK_EQ(send(s[0], "x", 1, 0), 1);
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof(struct ucred))];
    } control;
    char byte;
    struct iovec v = {&byte, 1};
    struct msghdr m = {.msg_iov = &v,
                       .msg_iovlen = 1,
                       .msg_control = control.bytes,
                       .msg_controllen = sizeof(control)};
    CHECK_EQ(recvmsg(s[1], &m, 0), 1);
    struct cmsghdr *c = CMSG_FIRSTHDR(&m);
    CHECK(c && c->cmsg_type == SCM_CREDENTIALS);
    if (c) {
        struct ucred cred;
        memcpy(&cred, CMSG_DATA(c), sizeof(cred));
        CHECK_EQ(cred.pid, getpid());
    }
    close(s[0]);
    close(s[1]);
}

static void shutting_down(void)
{
    int s[2];
    char c;
    signal(SIGPIPE, SIG_IGN);
    CHECK_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
    CHECK_EQ(write(s[0], "x", 1), 1);
    CHECK_OK(shutdown(s[0], SHUT_WR));
    CHECK_EQ(read(s[1], &c, 1), 1);
    CHECK_EQ(read(s[1], &c, 1), 0);
    CHECK_ERR(write(s[0], "y", 1), EPIPE);
    CHECK_EQ(write(s[1], "z", 1), 1); /* the other way goes on */
    CHECK_EQ(read(s[0], &c, 1), 1);
    struct pollfd p = {.fd = s[1], .events = POLLIN | POLLRDHUP};
    CHECK_EQ(poll(&p, 1, 0), 1);
    CHECK_EQ(p.revents & POLLRDHUP, POLLRDHUP);
    CHECK_OK(shutdown(s[1], SHUT_RDWR));
    CHECK_EQ(poll(&p, 1, 0), 1);
    CHECK_EQ(p.revents & POLLHUP, POLLHUP);
    CHECK_ERR(shutdown(s[0], 99), EINVAL);
    close(s[0]);
    close(s[1]);
    int lonely = socket(AF_UNIX, SOCK_STREAM, 0);
    CHECK_OK(shutdown(lonely, SHUT_RD)); /* AF_UNIX does not mind */
    close(lonely);
}

static void time_outs_and_full_buffers(void)
{
    int s[2];
    char block[4096] = {0};
    struct timeval tv = {0, 20000};
    CHECK_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
    CHECK_OK(setsockopt(s[0], SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)));
    int64_t before = now_ns(CLOCK_MONOTONIC);
    CHECK_ERR(read(s[0], block, 1), EAGAIN);
    CHECK(now_ns(CLOCK_MONOTONIC) - before >= 19 * NS_PER_MS);
    long total = 0, n;
    while ((n = send(s[0], block, sizeof(block), MSG_DONTWAIT)) > 0)
        total += n;
    CHECK_EQ(errno, EAGAIN);
    CHECK(total >= 16384);
    struct pollfd p = {.fd = s[0], .events = POLLOUT};
    CHECK_EQ(poll(&p, 1, 0), 0);
    while (total > 0 && (n = read(s[1], block, sizeof(block))) > 0)
        total -= n;
    CHECK_EQ(total, 0);
    CHECK_EQ(poll(&p, 1, 0), 1);
    close(s[0]);
    close(s[1]);
}

static void many_messages(void)
{
    int s[2];
    char a[4] = "abc", b[4] = "de";
    CHECK_OK(socketpair(AF_UNIX, SOCK_DGRAM, 0, s));
    struct iovec v[2] = {{a, 3}, {b, 2}};
    struct mmsghdr m[2] = {{.msg_hdr = {.msg_iov = &v[0], .msg_iovlen = 1}},
                           {.msg_hdr = {.msg_iov = &v[1], .msg_iovlen = 1}}};
    CHECK_EQ(sendmmsg(s[0], m, 2, 0), 2);
    CHECK_EQ(m[0].msg_len, 3);
    v[0].iov_len = v[1].iov_len = 4;
    CHECK_EQ(recvmmsg(s[1], m, 2, MSG_DONTWAIT, NULL), 2);
    CHECK_EQ(m[0].msg_len + m[1].msg_len, 5);
    close(s[0]);
    close(s[1]);
}

/* A pair whose other end was closed with a byte unread. */
static int reset_end(int type, bool unread_here)
{
    int s[2];
    CHECK_OK(socketpair(AF_UNIX, type | SOCK_NONBLOCK, 0, s));
    if (unread_here)
        CHECK_EQ(write(s[1], "a", 1), 1);
    CHECK_EQ(write(s[0], "b", 1), 1);
    close(s[1]);
    return s[0];
}

/* Streams: sending looks at the end first, and reading at what came first. Packets: at the error.
 */
static void closed_with_unread_data(void)
{
    char c;
    signal(SIGPIPE, SIG_IGN);
    int fd = reset_end(SOCK_STREAM, false);
    CHECK_ERR(write(fd, "x", 1), EPIPE);
    CHECK_ERR(write(fd, "x", 0), EPIPE);
    CHECK_ERR(write(fd, "x", 1), EPIPE);
    CHECK_ERR(read(fd, &c, 1), ECONNRESET); /* still to be told */
    CHECK_EQ(read(fd, &c, 1), 0);
    close(fd);
    fd = reset_end(SOCK_STREAM, true);
    CHECK_EQ(read(fd, &c, 1), 1);
    CHECK_ERR(read(fd, &c, 1), ECONNRESET);
    CHECK_ERR(write(fd, "x", 1), EPIPE);
    close(fd);
    fd = reset_end(SOCK_SEQPACKET, true);
    CHECK_ERR(read(fd, &c, 1), ECONNRESET);
    CHECK_EQ(read(fd, &c, 1), 1);
    CHECK_EQ(read(fd, &c, 1), 0);
    close(fd);
    fd = reset_end(SOCK_SEQPACKET, false);
    CHECK_ERR(write(fd, "x", 1), ECONNRESET);
    CHECK_ERR(write(fd, "x", 1), EPIPE);
    close(fd);
    fd = reset_end(SOCK_DGRAM, true);
    CHECK_ERR(write(fd, "x", 1), ECONNREFUSED); /* and what waits goes with the peer */
    CHECK_ERR(write(fd, "x", 1), ENOTCONN);
    CHECK_ERR(read(fd, &c, 1), EAGAIN);
    close(fd);
}

static void datagrams_of_an_old_peer(void)
{
    struct sockaddr none = {.sa_family = AF_UNSPEC};
    int s[2];
    char c;
    CHECK_OK(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, s));
    CHECK_EQ(write(s[1], "a", 1), 1);
    CHECK_OK(connect(s[0], &none, sizeof(none)));
    CHECK_ERR(read(s[0], &c, 1), EAGAIN); /* dropped */
    CHECK_ERR(write(s[1], "b", 1), ECONNRESET);
    CHECK_EQ(write(s[1], "b", 1), 1);
    CHECK_EQ(read(s[0], &c, 1), 1);
    close(s[0]);
    close(s[1]);
    CHECK_OK(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, s));
    CHECK_OK(connect(s[0], &none, sizeof(none))); /* nothing waited: nothing is told */
    CHECK_EQ(write(s[1], "b", 1), 1);
    close(s[0]);
    close(s[1]);
}

static void bad_requests(void)
{
    struct sockaddr_un name = name_of("x");
    int fd = socket(AF_UNIX, SOCK_STREAM, 0), value;
    socklen_t size = sizeof(value);
    CHECK_ERR(syscall(SYS_bind, fd, KERNEL_ADDRESS, 10), EFAULT);
    CHECK_ERR(bind(fd, (struct sockaddr *)&name, 1), EINVAL);
    CHECK_ERR(bind(fd, (struct sockaddr *)&name, 500), EINVAL);
    name.sun_family = AF_INET;
    CHECK_ERR(bind(fd, (struct sockaddr *)&name, sizeof(name)), EINVAL);
    CHECK_ERR(bind_to(fd, "no/where"), ENOENT);
    CHECK_ERR(bind_to(9999, "x"), EBADF);
    CHECK_ERR(bind_to(0, "x"), ENOTSOCK);
    CHECK_ERR(listen(0, 1), ENOTSOCK);
    CHECK_ERR(getpeername(fd, (struct sockaddr *)&name, &size), ENOTCONN);
    CHECK_ERR(getsockopt(fd, SOL_SOCKET, 9999, &value, &size), ENOPROTOOPT);
    CHECK_ERR(setsockopt(fd, SOL_SOCKET, 9999, &value, size), ENOPROTOOPT);
    CHECK_ERR(syscall(SYS_getsockopt, fd, SOL_SOCKET, SO_TYPE, KERNEL_ADDRESS, &size), EFAULT);
    CHECK_ERR(syscall(SYS_recvmsg, fd, KERNEL_ADDRESS, 0), EFAULT);
    CHECK_ERR(syscall(SYS_sendmsg, fd, NULL_PAGE_ADDRESS, 0), EFAULT);
    CHECK_ERR(syscall(SYS_accept4, fd, 0, 0, 0x7), EINVAL);
    close(fd);
}

/* A datagram socket that loses its peer loses what came from it; the old peer, if there, is told.
 */
static void messages_of_an_old_peer_are_lost(void)
{
    int s[2], other = socket(AF_UNIX, SOCK_DGRAM, 0);
    char text[8];
    CHECK_OK(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, s));
    CHECK_EQ(write(s[1], "lost", 4), 4);
    close(s[1]);
    CHECK_ERR(write(s[0], "x", 1), ECONNREFUSED);
    CHECK_ERR(read(s[0], text, 8), EAGAIN);
    CHECK_ERR(write(s[0], "x", 1), ENOTCONN);
    close(s[0]);
    CHECK_OK(bind_to(other, "other"));
    CHECK_OK(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, s));
    CHECK_EQ(write(s[0], "kept", 4), 4);
    CHECK_EQ(write(s[1], "lost", 4), 4);
    CHECK_OK(connect_to(s[0], "other"));
    CHECK_ERR(read(s[0], text, 8), EAGAIN);
    CHECK_ERR(read(s[1], text, 8), ECONNRESET); /* before what is there */
    CHECK_EQ(read(s[1], text, 8), 4);
    CHECK_ERR(write(s[1], "x", 1), EPERM);
    close(s[0]);
    close(s[1]);
    close(other);
    unlink("other");
}

static void packets_come_after_an_error(void)
{
    int s[2], waiting = 0;
    char text[8];
    CHECK_OK(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, s));
    CHECK_EQ(write(s[0], "unread", 6), 6);
    CHECK_EQ(write(s[1], "first", 5), 5);
    CHECK_EQ(write(s[1], "second", 6), 6);
    CHECK_OK(ioctl(s[0], FIONREAD, &waiting));
    CHECK_EQ(waiting, 11);
    close(s[1]);
    CHECK_ERR(read(s[0], text, 8), ECONNRESET);
    CHECK_EQ(read(s[0], text, 8), 5);
    CHECK_EQ(read(s[0], text, 8), 6);
    CHECK_EQ(read(s[0], text, 8), 0);
    close(s[0]);
}

/* A part whose memory can't be read is not sent. */
static void parts_are_sent_whole(void)
{
    int s[2], waiting = 0;
    char *p = pages(2);
    CHECK_OK(munmap(p + 4096, 4096));
    struct iovec v[2] = {{p, 100}, {p + 4000, 1 << 20}};
    CHECK_OK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, s));
    CHECK_ERR(writev(s[0], v, 2), EFAULT);
    CHECK_OK(ioctl(s[1], FIONREAD, &waiting));
    CHECK_EQ(waiting, 0);
    CHECK_OK(munmap(p, 4096));
    close(s[0]);
    close(s[1]);
}

/* What is wrong with the path is told before that the socket has a name; no name is left behind. */
static void bound_once(void)
{
    int s = socket(AF_UNIX, SOCK_STREAM, 0);
    struct stat st;
    CHECK_OK(bind_to(s, "once"));
    CHECK_ERR(bind_to(s, "none/twice"), ENOENT);
    CHECK_ERR(bind_to(s, "once"), EADDRINUSE);
    CHECK_ERR(bind_to(s, "twice"), EINVAL);
    CHECK_ERR(stat("twice", &st), ENOENT);
    close(s);
    unlink("once");
}

/* SO_SNDBUF says how much a stream takes that nobody reads, and how large a packet may be. */
static void room_for_what_is_sent(void)
{
    static const struct {
        int asked, stream, packet;
    } rooms[] = {{1, 4480, 4576},         {3000, 5872, 5968},     {10000, 19872, 19968},
                 {20000, 39872, 39968},   {50000, 109632, 99968}, {100000, 219264, 199968},
                 {200000, 401984, 399968}};
    static char data[500000];
    for (size_t i = 0; i < sizeof(rooms) / sizeof(*rooms); i++) {
        int s[2];
        CHECK_OK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, s));
        CHECK_OK(setsockopt(s[0], SOL_SOCKET, SO_SNDBUF, &rooms[i].asked, sizeof(int)));
        CHECK_EQ(write(s[0], data, sizeof(data)), rooms[i].stream);
        CHECK_ERR(write(s[0], data, 1), EAGAIN);
        CHECK_EQ(read(s[1], data, sizeof(data)), rooms[i].stream);
        CHECK_EQ(write(s[0], data, 1), 1);
        close(s[0]);
        close(s[1]);
        CHECK_OK(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, s));
        CHECK_OK(setsockopt(s[0], SOL_SOCKET, SO_SNDBUF, &rooms[i].asked, sizeof(int)));
        CHECK_ERR(write(s[0], data, (size_t)rooms[i].packet + 1), EMSGSIZE);
        CHECK_EQ(write(s[0], data, (size_t)rooms[i].packet), rooms[i].packet);
        close(s[0]);
        close(s[1]);
    }
}

/* The line of a descriptor's socket, without the inode's number before its name; or "". */
static const char *line_of(const char *list, int fd)
{
    struct stat st;
    char ino[32];
    CHECK_OK(fstat(fd, &st));
    snprintf(ino, sizeof(ino), " %5lu", (unsigned long)st.st_ino);
    for (const char *at = list; (at = strstr(at, ino)); at++)
        if (at[strlen(ino)] == ' ' || at[strlen(ino)] == '\n')
            return at + strlen(ino);
    return "";
}

/* However many there are. */
static void all_are_listed(void)
{
    static int pairs[500][2];
    static char list[1 << 20];
    int named = socket(AF_UNIX, SOCK_STREAM, 0), hidden = socket(AF_UNIX, SOCK_DGRAM, 0);
    struct sockaddr_un name = {.sun_family = AF_UNIX, .sun_path = "\0list\0ed"};
    size_t length = 0, missing = 0;
    CHECK_OK(bind_to(named, "listed"));
    CHECK_OK(listen(named, 1));
    CHECK_OK(bind(hidden, (struct sockaddr *)&name, sizeof(sa_family_t) + 8));
    for (int i = 0; i < 500; i++)
        CHECK_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, pairs[i]));
    int fd = open("/proc/net/unix", O_RDONLY);
    for (ssize_t n; (n = read(fd, list + length, sizeof(list) - 1 - length)) > 0;)
        length += (size_t)n;
    close(fd);
    for (int i = 0; i < 500; i++)
        missing += *line_of(list, pairs[i][0]) != '\n' || *line_of(list, pairs[i][1]) != '\n';
    CHECK_EQ(missing, 0);
    CHECK(strncmp(line_of(list, named), " listed\n", 8) == 0);
    CHECK(strncmp(line_of(list, hidden), " @list@ed\n", 10) == 0);
    CHECK(strstr(list, ": 00000002 00000000 00010000 0001 01 "));
    CHECK(strstr(list, ": 00000003 00000000 00000000 0001 03 "));
    for (int i = 0; i < 500; i++) {
        close(pairs[i][0]);
        close(pairs[i][1]);
    }
    close(named);
    close(hidden);
    unlink("listed");
}

int main(void)
{
    scratch_enter();
    RUN(all_are_listed);
    RUN(pairs);
    RUN(streams_by_name);
    RUN(abstract_names);
    RUN(datagrams);
    RUN(packets_keep_their_bounds);
    RUN(descriptors_travel);
    RUN(credentials_travel);
    RUN(shutting_down);
    RUN(time_outs_and_full_buffers);
    RUN(many_messages);
    RUN(closed_with_unread_data);
    RUN(datagrams_of_an_old_peer);
    RUN(bad_requests);
    RUN(messages_of_an_old_peer_are_lost);
    RUN(packets_come_after_an_error);
    RUN(parts_are_sent_whole);
    RUN(bound_once);
    RUN(room_for_what_is_sent);
    CHECK(scratch_leave());
    return check_done();
}
