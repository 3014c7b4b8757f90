/* TCP over loopback: connecting, accepting, bytes both ways, names, the end of each direction,
 * resets, errors. */
#include <sys/sendfile.h>

#include "tests/harness/inet.h"

static void bytes_both_ways(void)
{
    int s[2], waiting = 0;
    char text[32] = "";
    tcp_pair(s);
    CHECK_EQ(write(s[0], "hello", 5), 5);
    CHECK_EQ(read(s[1], text, sizeof(text)), 5);
    CHECK_STR(text, "hello");
    CHECK_EQ(send(s[1], "back again", 10, 0), 10);
    CHECK_EQ(events_of(s[0], POLLIN, SOON_MS), POLLIN);
    CHECK_OK(ioctl(s[0], FIONREAD, &waiting));
    CHECK_EQ(waiting, 10);
    CHECK_EQ(recv(s[0], text, 4, MSG_PEEK), 4);
    CHECK_EQ(recv(s[0], text, 4, 0), 4);
    CHECK_EQ(recv(s[0], text + 4, 20, 0), 6);
    CHECK(memcmp(text, "back again", 10) == 0);
    CHECK_ERR(recv(s[0], text, 1, MSG_DONTWAIT), EAGAIN);
    CHECK_EQ(send(s[0], "", 0, 0), 0);
    close(s[0]);
    close(s[1]);
}

static void names_of_both_ends(void)
{
    int port, server = tcp_server(&port), fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in name = {0};
    socklen_t size = sizeof(name);
    CHECK_OK(getsockname(fd, (struct sockaddr *)&name, &size));
    CHECK_EQ(name.sin_family, AF_INET);
    CHECK_EQ(name.sin_port, 0);
    CHECK_ERR(getpeername(fd, (struct sockaddr *)&name, &size), ENOTCONN);
    CHECK_OK(connect4(fd, "127.0.0.1", port));
    size = sizeof(name);
    memset(&name, 0, sizeof(name));
    int other = accept(server, (struct sockaddr *)&name, &size);
    CHECK(other >= 0);
    CHECK_EQ(size, sizeof(name));
    CHECK_EQ(ntohl(name.sin_addr.s_addr), INADDR_LOOPBACK);
    CHECK_EQ(ntohs(name.sin_port), port_of(fd, false));
    CHECK_EQ(port_of(other, true), port_of(fd, false));
    CHECK_EQ(port_of(fd, true), port);
    CHECK_EQ(port_of(other, false), port);
    size = 6; /* room for a part */
    CHECK_OK(getpeername(fd, (struct sockaddr *)&name, &size));
    CHECK_EQ(size, sizeof(name));
    close(fd);
    close(other);
    close(server);
}

static void address_of(int fd, bool peer, char text[INET_ADDRSTRLEN])
{
    struct sockaddr_in name = {0};
    socklen_t size = sizeof(name);
    CHECK_OK((peer ? getpeername : getsockname)(fd, (struct sockaddr *)&name, &size));
    inet_ntop(AF_INET, &name.sin_addr, text, INET_ADDRSTRLEN);
}

/* A connection from one address of loopback to another. */
static void over_loopback(const char *from, const char *server_address, const char *to)
{
    char text[INET_ADDRSTRLEN];
    int server = socket(AF_INET, SOCK_STREAM, 0), fd = socket(AF_INET, SOCK_STREAM, 0);
    CHECK_OK(bind4(server, server_address, 0));
    CHECK_OK(listen(server, 1));
    if (*from)
        CHECK_OK(bind4(fd, from, 0));
    CHECK_OK(connect4(fd, to, port_of(server, false)));
    int other = accept(server, NULL, NULL);
    CHECK(other >= 0);
    address_of(fd, false, text);
    CHECK_STR(text, *from ? from : "127.0.0.1");
    address_of(other, true, text);
    CHECK_STR(text, *from ? from : "127.0.0.1");
    address_of(other, false, text);
    CHECK_STR(text, to);
    CHECK_EQ(write(fd, "there", 5), 5);
    CHECK_EQ(recv(other, text, 5, MSG_WAITALL), 5);
    CHECK_EQ(write(other, "back", 4), 4);
    CHECK_EQ(recv(fd, text, 4, MSG_WAITALL), 4);
    close(fd);
    close(other);
    close(server);
}

static void all_of_127_is_here(void)
{
    over_loopback("", "127.0.0.2", "127.0.0.2");
    over_loopback("127.1.2.3", "127.0.0.1", "127.0.0.1");
    over_loopback("127.1.2.3", "127.200.0.77", "127.200.0.77");
    over_loopback("", "0.0.0.0", "127.9.9.9");
    int server = socket(AF_INET, SOCK_STREAM, 0), fd = socket(AF_INET, SOCK_STREAM, 0);
    CHECK_OK(bind4(server, "127.0.0.2", 0));
    CHECK_OK(listen(server, 1));
    CHECK_ERR(connect4(fd, "127.0.0.3", port_of(server, false)), ECONNREFUSED);
    close(fd);
    close(server);
}

static void half_closed(void)
{
    int s[2];
    char text[16] = "";
    tcp_pair(s);
    CHECK_EQ(write(s[0], "last", 4), 4);
    CHECK_OK(shutdown(s[0], SHUT_WR));
    CHECK_EQ(read(s[1], text, sizeof(text)), 4);
    CHECK_EQ(read(s[1], text, sizeof(text)), 0);
    CHECK_EQ(read(s[1], text, sizeof(text)), 0);
    CHECK_EQ(events_of(s[1], POLLIN | POLLOUT | POLLRDHUP, SOON_MS), POLLIN | POLLOUT | POLLRDHUP);
    CHECK_EQ(write(s[1], "answer", 6), 6); /* the other direction is open */
    CHECK_EQ(read(s[0], text, sizeof(text)), 6);
    signal(SIGPIPE, SIG_IGN);
    CHECK_ERR(write(s[0], "x", 1), EPIPE);
    CHECK_OK(shutdown(s[1], SHUT_WR));
    CHECK_EQ(read(s[0], text, sizeof(text)), 0);
    CHECK_EQ(events_of(s[0], POLLIN | POLLOUT, SOON_MS) & POLLHUP, POLLHUP);
    close(s[0]);
    close(s[1]);
}

static void reading_is_shut(void)
{
    int s[2];
    char text[16];
    tcp_pair(s);
    CHECK_OK(shutdown(s[0], SHUT_RD));
    CHECK_EQ(read(s[0], text, sizeof(text)), 0);
    CHECK_EQ(events_of(s[0], POLLIN | POLLRDHUP, 0), POLLIN | POLLRDHUP);
    CHECK_EQ(write(s[0], "still", 5), 5);
    CHECK_EQ(read(s[1], text, sizeof(text)), 5);
    CHECK_ERR(shutdown(s[0], 3), EINVAL);
    close(s[0]);
    close(s[1]);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    CHECK_ERR(shutdown(fd, SHUT_RDWR), ENOTCONN);
    close(fd);
}

static volatile int pipe_signals;

static void count_pipe(int sig)
{
    (void)sig;
    pipe_signals++;
}

static void resets(void)
{
    int s[2];
    char text[16];
    tcp_pair(s);
    CHECK_EQ(write(s[0], "unread", 6), 6);
    CHECK_EQ(events_of(s[1], POLLIN, SOON_MS), POLLIN);
    close(s[1]); /* with unread data: a reset */
    CHECK_EQ(events_of(s[0], POLLIN, SOON_MS) & (POLLERR | POLLHUP), POLLERR | POLLHUP);
    CHECK_ERR(read(s[0], text, sizeof(text)), ECONNRESET);
    CHECK_EQ(read(s[0], text, sizeof(text)), 0); /* told once */
    pipe_signals = 0;
    signal(SIGPIPE, count_pipe);
    CHECK_ERR(write(s[0], "x", 1), EPIPE);
    CHECK_EQ(pipe_signals, 1);
    CHECK_ERR(send(s[0], "x", 1, MSG_NOSIGNAL), EPIPE);
    CHECK_EQ(pipe_signals, 1);
    signal(SIGPIPE, SIG_IGN);
    close(s[0]);
}

static void linger_of_zero_resets(void)
{
    int s[2];
    char text[16];
    struct linger linger = {1, 0};
    tcp_pair(s);
    CHECK_OK(setsockopt(s[0], SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)));
    close(s[0]);
    CHECK_EQ(events_of(s[1], POLLIN, SOON_MS) & POLLERR, POLLERR);
    CHECK_EQ(option_of(s[1], SOL_SOCKET, SO_ERROR), ECONNRESET);
    CHECK_EQ(option_of(s[1], SOL_SOCKET, SO_ERROR), 0);
    CHECK_EQ(read(s[1], text, sizeof(text)), 0);
    close(s[1]);
    tcp_pair(s);
    linger.l_linger = 10; /* waits until the other side has it: at once */
    CHECK_OK(setsockopt(s[0], SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)));
    CHECK_EQ(write(s[0], "bytes", 5), 5);
    int64_t start = now_ns(CLOCK_MONOTONIC);
    close(s[0]);
    CHECK(now_ns(CLOCK_MONOTONIC) - start < 9000 * NS_PER_MS);
    CHECK_EQ(read(s[1], text, sizeof(text)), 5);
    CHECK_EQ(read(s[1], text, sizeof(text)), 0);
    close(s[1]);
}

static void refused(void)
{
    int port, server = tcp_server(&port);
    close(server);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    CHECK_ERR(connect4(fd, "127.0.0.1", port), ECONNREFUSED);
    CHECK_EQ(option_of(fd, SOL_SOCKET, SO_ERROR), 0);
    server = socket(AF_INET, SOCK_STREAM, 0);
    CHECK_OK(set_option(server, SOL_SOCKET, SO_REUSEADDR, 1));
    CHECK_OK(bind4(server, "127.0.0.1", port));
    CHECK_OK(listen(server, 5));
    CHECK_OK(connect4(fd, "127.0.0.1", port)); /* the same socket may try again */
    close(fd);
    close(server);
}

static void connecting_without_waiting(void)
{
    int port, server = tcp_server(&port), fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    CHECK_EQ(events_of(fd, POLLIN | POLLOUT, 0), POLLOUT | POLLHUP);
    CHECK_ERR(connect4(fd, "127.0.0.1", port), EINPROGRESS);
    CHECK_EQ(events_of(fd, POLLOUT, SOON_MS), POLLOUT);
    CHECK_EQ(option_of(fd, SOL_SOCKET, SO_ERROR), 0);
    /* The first call after it has connected succeeds; then it is connected. */
    int again = connect4(fd, "127.0.0.1", port);
    CHECK(again == 0 || errno == EISCONN);
    CHECK_ERR(connect4(fd, "127.0.0.1", port), EISCONN);
    close(fd);
    close(server);
    fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    CHECK_ERR(connect4(fd, "127.0.0.1", port), EINPROGRESS);
    CHECK_EQ(events_of(fd, POLLOUT, SOON_MS), POLLOUT | POLLERR | POLLHUP);
    CHECK_EQ(option_of(fd, SOL_SOCKET, SO_ERROR), ECONNREFUSED);
    close(fd);
}

static void accepting_without_waiting(void)
{
    int port, server = tcp_server(&port);
    CHECK_OK(fcntl(server, F_SETFL, O_NONBLOCK));
    CHECK_ERR(accept(server, NULL, NULL), EAGAIN);
    CHECK_EQ(events_of(server, POLLIN | POLLOUT, 0), 0);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    CHECK_OK(connect4(fd, "127.0.0.1", port));
    CHECK_EQ(events_of(server, POLLIN, SOON_MS), POLLIN);
    int other = accept4(server, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    CHECK(other >= 0);
    CHECK_EQ(fcntl(other, F_GETFL) & O_NONBLOCK, O_NONBLOCK);
    CHECK_EQ(fcntl(other, F_GETFD), FD_CLOEXEC);
    CHECK_EQ(option_of(server, SOL_SOCKET, SO_ACCEPTCONN), 1);
    CHECK_EQ(option_of(other, SOL_SOCKET, SO_ACCEPTCONN), 0);
    CHECK_ERR(accept4(server, NULL, NULL, 0x7), EINVAL);
    CHECK_ERR(accept(other, NULL, NULL), EINVAL);
    CHECK_ERR(listen(other, 1), EINVAL);
    CHECK_ERR(connect4(server, "127.0.0.1", port), EISCONN);
    close(fd);
    close(other);
    close(server);
}

static void ports_in_use(void)
{
    int port, server = tcp_server(&port), fd = socket(AF_INET, SOCK_STREAM, 0);
    CHECK_ERR(bind4(fd, "127.0.0.1", port), EADDRINUSE);
    CHECK_ERR(bind4(fd, "0.0.0.0", port), EADDRINUSE);
    CHECK_OK(set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1));
    CHECK_ERR(bind4(fd, "127.0.0.1", port), EADDRINUSE); /* somebody listens */
    CHECK_ERR(bind4(fd, "192.0.2.1", 0), EADDRNOTAVAIL);
    CHECK_OK(bind4(fd, "127.0.0.1", 0));
    CHECK_ERR(bind4(fd, "127.0.0.1", 0), EINVAL); /* it has one already */
    close(fd);
    close(server);
    /* Connections of a server that has ended keep its port, unless SO_REUSEADDR says so. */
    int s[2];
    server = socket(AF_INET, SOCK_STREAM, 0);
    CHECK_OK(set_option(server, SOL_SOCKET, SO_REUSEADDR, 1));
    CHECK_OK(bind4(server, "127.0.0.1", 0));
    CHECK_OK(listen(server, 2));
    port = port_of(server, false);
    s[0] = socket(AF_INET, SOCK_STREAM, 0);
    CHECK_OK(connect4(s[0], "127.0.0.1", port));
    s[1] = accept(server, NULL, NULL);
    close(s[1]);
    close(s[0]);
    close(server);
    server = socket(AF_INET, SOCK_STREAM, 0);
    CHECK_ERR(bind4(server, "127.0.0.1", port), EADDRINUSE);
    CHECK_OK(set_option(server, SOL_SOCKET, SO_REUSEADDR, 1));
    CHECK_OK(bind4(server, "127.0.0.1", port));
    CHECK_OK(listen(server, 2));
    close(server);
}

static void shared_ports(void)
{
    int a = socket(AF_INET, SOCK_STREAM, 0), b = socket(AF_INET, SOCK_STREAM, 0);
    int counts[2] = {0, 0};
    CHECK_OK(set_option(a, SOL_SOCKET, SO_REUSEPORT, 1));
    CHECK_OK(set_option(b, SOL_SOCKET, SO_REUSEPORT, 1));
    CHECK_OK(bind4(a, "127.0.0.1", 0));
    int port = port_of(a, false);
    CHECK_OK(bind4(b, "127.0.0.1", port));
    CHECK_OK(listen(a, 64));
    CHECK_OK(listen(b, 64));
    for (int i = 0; i < 40; i++) {
        int fd = socket(AF_INET, SOCK_STREAM, 0);
        CHECK_OK(connect4(fd, "127.0.0.1", port));
        struct pollfd both[2] = {{.fd = a, .events = POLLIN}, {.fd = b, .events = POLLIN}};
        CHECK_EQ(poll(both, 2, SOON_MS), 1);
        int which = both[1].revents ? 1 : 0;
        int other = accept(which ? b : a, NULL, NULL);
        CHECK(other >= 0);
        counts[which]++;
        close(other);
        close(fd);
    }
    CHECK(counts[0] > 0 && counts[1] > 0);
    close(a);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    CHECK_OK(connect4(fd, "127.0.0.1", port)); /* the other one has them all now */
    CHECK_EQ(events_of(b, POLLIN, SOON_MS), POLLIN);
    close(fd);
    close(b);
}

struct transfer {
    int fd;
    size_t bytes;
    uint32_t sum;
};

static uint32_t pattern(size_t at)
{
    return (uint32_t)(at * 2654435761u >> 13);
}

static void *send_pattern(void *arg)
{
    struct transfer *t = arg;
    static char buf[100003];
    for (size_t at = 0; at < t->bytes;) {
        size_t part = t->bytes - at < sizeof(buf) ? t->bytes - at : sizeof(buf);
        for (size_t i = 0; i < part; i++)
            buf[i] = (char)pattern(at + i);
        ssize_t n = write(t->fd, buf, part);
        if (n <= 0)
            break;
        at += (size_t)n;
    }
    shutdown(t->fd, SHUT_WR);
    return NULL;
}

static void many_bytes(void)
{
    int s[2];
    struct transfer t = {.bytes = 5000000};
    pthread_t thread;
    char buf[4096];
    size_t at = 0, wrong = 0;
    tcp_pair(s);
    t.fd = s[0];
    CHECK_EQ(pthread_create(&thread, NULL, send_pattern, &t), 0);
    for (;;) {
        ssize_t n = read(s[1], buf, at % 3 ? sizeof(buf) : 777);
        if (n <= 0)
            break;
        for (ssize_t i = 0; i < n; i++, at++)
            wrong += buf[i] != (char)pattern(at);
    }
    pthread_join(thread, NULL);
    CHECK_EQ(at, t.bytes);
    CHECK_EQ(wrong, 0);
    close(s[0]);
    close(s[1]);
}

/* Writes until there is no room, also when nothing is under way any more. Returns how much. */
static size_t fill(int fd)
{
    static char data[65536];
    size_t sent = 0;
    for (int quiet = 0; quiet < 3; quiet++, usleep(100000)) {
        ssize_t n;
        while ((n = write(fd, data, sizeof(data))) > 0) {
            sent += (size_t)n;
            quiet = 0;
        }
        CHECK_EQ(errno, EAGAIN);
    }
    return sent;
}

static void full_buffers(void)
{
    int s[2];
    static char data[65536];
    size_t sent = 0, received = 0;
    tcp_pair(s);
    CHECK_OK(fcntl(s[0], F_SETFL, O_NONBLOCK));
    ssize_t n;
    sent = fill(s[0]);
    CHECK(sent > 65536);
    CHECK_EQ(events_of(s[0], POLLOUT, 0), 0);
    while (received < sent && (n = read(s[1], data, sizeof(data))) > 0)
        received += (size_t)n;
    CHECK_EQ(received, sent);
    CHECK_EQ(events_of(s[0], POLLOUT, SOON_MS), POLLOUT);
    close(s[0]);
    close(s[1]);
}

/* Who has little room gets little, and in the end all. */
static void little_room(void)
{
    int port, fd[3], server = tcp_server(&port);
    struct transfer t = {.bytes = 300000};
    pthread_t thread;
    char buf[1000];
    CHECK_OK(set_option(server, SOL_SOCKET, SO_RCVBUF, 4096));
    for (int n = 0; n < 2; n++) { /* the room of a listener's connections, then that of a client */
        fd[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (n == 1) {
            CHECK_OK(set_option(fd[0], SOL_SOCKET, SO_RCVBUF, 4096));
            CHECK_OK(set_option(server, SOL_SOCKET, SO_RCVBUF, 200000));
        }
        CHECK_OK(connect4(fd[0], "127.0.0.1", port));
        fd[1] = accept4(server, NULL, NULL, SOCK_CLOEXEC);
        int from = fd[n], to = fd[1 - n];
        CHECK_OK(set_option(from, SOL_SOCKET, SO_SNDBUF, 4096));
        CHECK_OK(fcntl(from, F_SETFL, O_NONBLOCK));
        size_t sent = fill(from), at = 0, wrong = 0;
        CHECK(sent >= 4096 && sent < 60000);
        for (ssize_t got; at < sent && (got = read(to, buf, sizeof(buf))) > 0;)
            at += (size_t)got;
        CHECK_EQ(at, sent);
        CHECK_OK(fcntl(from, F_SETFL, 0));
        t.fd = from;
        CHECK_EQ(pthread_create(&thread, NULL, send_pattern, &t), 0);
        at = 0;
        for (ssize_t got; (got = read(to, buf, sizeof(buf))) > 0;)
            for (ssize_t i = 0; i < got; i++, at++)
                wrong += buf[i] != (char)pattern(at);
        pthread_join(thread, NULL);
        CHECK_EQ(at, t.bytes);
        CHECK_EQ(wrong, 0);
        close(to); /* all was read: an end in order, no reset */
        CHECK_EQ(read(from, buf, sizeof(buf)), 0);
        close(from);
    }
    close(server);
}

/* More room, less room, while bytes are under way. */
static void room_changes(void)
{
    int s[2];
    char buf[5000];
    tcp_pair(s);
    CHECK_OK(fcntl(s[0], F_SETFL, O_NONBLOCK));
    size_t sent = 0, received = 0;
    CHECK_OK(set_option(s[0], SOL_SOCKET, SO_SNDBUF, 8192));
    static const int rooms[] = {4096, 100000, 2000, 300000};
    for (size_t n = 0; n < 4; n++) {
        CHECK_OK(set_option(s[1], SOL_SOCKET, SO_RCVBUF, rooms[n]));
        sent += fill(s[0]);
        while (received < sent) {
            ssize_t got = read(s[1], buf, sizeof(buf));
            if (got <= 0)
                break;
            received += (size_t)got;
        }
        CHECK_EQ(received, sent);
    }
    CHECK_OK(set_option(s[1], SOL_SOCKET, SO_RCVBUF, 4096));
    sent += fill(s[0]); /* the large window was promised */
    ssize_t got;
    while (received < sent && (got = read(s[1], buf, 1000)) > 0)
        received += (size_t)got;
    sent += fill(s[0]);
    CHECK_OK(shutdown(s[0], SHUT_WR));
    while ((got = read(s[1], buf, sizeof(buf))) > 0)
        received += (size_t)got;
    CHECK_EQ(received, sent);
    close(s[0]);
    close(s[1]);
}

static void message_flags(void)
{
    int s[2];
    char a[4] = "", b[8] = "";
    struct iovec parts[2] = {{a, 3}, {b, 5}};
    struct msghdr m = {.msg_iov = parts, .msg_iovlen = 2};
    tcp_pair(s);
    CHECK_EQ(send(s[0], "abc", 3, MSG_MORE), 3);
    CHECK_EQ(send(s[0], "defgh", 5, 0), 5);
    CHECK_EQ(recvmsg(s[1], &m, MSG_WAITALL), 8);
    CHECK_STR(a, "abc");
    CHECK_STR(b, "defgh");
    CHECK_EQ(m.msg_flags, 0);
    CHECK_EQ(m.msg_namelen, 0);
    CHECK_EQ(write(s[0], "123456", 6), 6);
    CHECK_EQ(events_of(s[1], POLLIN, SOON_MS), POLLIN);
    CHECK_EQ(recv(s[1], NULL, 2, MSG_TRUNC), 2); /* thrown away */
    CHECK_EQ(recv(s[1], b, 8, 0), 4);
    CHECK(memcmp(b, "3456", 4) == 0);
    m.msg_iov[0].iov_base = (void *)"out";
    m.msg_iov[1] = (struct iovec){(void *)"ward", 4};
    CHECK_EQ(sendmsg(s[0], &m, MSG_NOSIGNAL), 7);
    CHECK_EQ(recv(s[1], b, 7, MSG_WAITALL), 7);
    CHECK(memcmp(b, "outward", 7) == 0);
    close(s[0]);
    close(s[1]);
}

static void files_are_sent(void)
{
    int s[2], file = open("sent", O_RDWR | O_CREAT | O_TRUNC, 0600);
    static char text[70000], back[70000];
    off_t offset = 5;
    memset(text, 'x', sizeof(text));
    memcpy(text, "0123456789", 10);
    CHECK_EQ(write(file, text, sizeof(text)), sizeof(text));
    tcp_pair(s);
    CHECK_EQ(sendfile(s[0], file, &offset, sizeof(text) - 5), (ssize_t)sizeof(text) - 5);
    CHECK_EQ(offset, sizeof(text));
    CHECK_EQ(recv(s[1], back, sizeof(text) - 5, MSG_WAITALL), (ssize_t)sizeof(text) - 5);
    CHECK(memcmp(back, text + 5, sizeof(text) - 5) == 0);
    close(file);
    unlink("sent");
    close(s[0]);
    close(s[1]);
}

static void *close_later(void *arg)
{
    sleep_ms(50);
    shutdown(*(int *)arg, SHUT_RDWR);
    return NULL;
}

static void time_outs_and_ends_while_waiting(void)
{
    int s[2];
    char text[8];
    struct timeval tenth = {0, 100000};
    pthread_t thread;
    tcp_pair(s);
    CHECK_OK(setsockopt(s[0], SOL_SOCKET, SO_RCVTIMEO, &tenth, sizeof(tenth)));
    int64_t start = now_ns(CLOCK_MONOTONIC);
    CHECK_ERR(read(s[0], text, 8), EAGAIN);
    CHECK(now_ns(CLOCK_MONOTONIC) - start >= 95 * NS_PER_MS);
    CHECK_EQ(pthread_create(&thread, NULL, close_later, &s[1]), 0);
    CHECK_EQ(read(s[1], text, 8), 0); /* ended by another thread */
    pthread_join(thread, NULL);
    close(s[0]);
    close(s[1]);
    int port, server = tcp_server(&port);
    CHECK_OK(setsockopt(server, SOL_SOCKET, SO_RCVTIMEO, &tenth, sizeof(tenth)));
    CHECK_ERR(accept(server, NULL, NULL), EAGAIN);
    CHECK_EQ(pthread_create(&thread, NULL, close_later, &server), 0);
    struct timeval none = {0, 0};
    CHECK_OK(setsockopt(server, SOL_SOCKET, SO_RCVTIMEO, &none, sizeof(none)));
    CHECK_ERR(accept(server, NULL, NULL), EINVAL);
    pthread_join(thread, NULL);
    close(server);
}

static void both_versions(void)
{
    int server = socket(AF_INET6, SOCK_STREAM, 0), fd = socket(AF_INET6, SOCK_STREAM, 0);
    struct sockaddr_in6 name;
    socklen_t size = sizeof(name);
    char text[64];
    CHECK_EQ(option_of(server, IPPROTO_IPV6, IPV6_V6ONLY), 0);
    CHECK_OK(bind6(server, "::", 0));
    CHECK_OK(listen(server, 5));
    int port = port_of(server, false);
    CHECK_OK(connect6(fd, "::1", port));
    int other = accept(server, (struct sockaddr *)&name, &size);
    CHECK_EQ(size, sizeof(name));
    CHECK(IN6_IS_ADDR_LOOPBACK(&name.sin6_addr));
    CHECK_EQ(write(fd, "six", 3), 3);
    CHECK_EQ(read(other, text, 8), 3);
    close(fd);
    close(other);
    fd = socket(AF_INET, SOCK_STREAM, 0);
    CHECK_OK(connect4(fd, "127.0.0.1", port));
    size = sizeof(name);
    other = accept(server, (struct sockaddr *)&name, &size);
    CHECK_STR(inet_ntop(AF_INET6, &name.sin6_addr, text, sizeof(text)), "::ffff:127.0.0.1");
    close(fd);
    close(other);
    fd = socket(AF_INET6, SOCK_STREAM, 0);
    CHECK_OK(connect6(fd, "::ffff:127.0.0.1", port));
    other = accept(server, NULL, NULL);
    CHECK(other >= 0);
    close(fd);
    close(other);
    close(server);
    server = socket(AF_INET6, SOCK_STREAM, 0);
    CHECK_OK(set_option(server, IPPROTO_IPV6, IPV6_V6ONLY, 1));
    CHECK_OK(bind6(server, "::", port));
    CHECK_OK(listen(server, 5));
    fd = socket(AF_INET, SOCK_STREAM, 0);
    CHECK_ERR(connect4(fd, "127.0.0.1", port), ECONNREFUSED);
    CHECK_OK(bind4(fd, "0.0.0.0", port)); /* the other version's */
    close(fd);
    close(server);
}

static void bad_requests(void)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in name = name4("127.0.0.1", 1);
    char text[8];
    CHECK_ERR(socket(AF_INET, SOCK_STREAM, IPPROTO_UDP), EPROTONOSUPPORT);
    CHECK_ERR(socket(AF_INET, SOCK_SEQPACKET, 0), ESOCKTNOSUPPORT);
    int none[2];
    CHECK_ERR(socketpair(AF_INET, SOCK_STREAM, 0, none), EOPNOTSUPP);
    CHECK_ERR(socketpair(AF_INET6, SOCK_DGRAM, 0, none), EOPNOTSUPP);
    CHECK_ERR(connect(fd, (struct sockaddr *)&name, 4), EINVAL);
    name.sin_family = AF_UNIX;
    CHECK_ERR(connect(fd, (struct sockaddr *)&name, sizeof(name)), EAFNOSUPPORT);
    CHECK_ERR(bind(fd, (struct sockaddr *)&name, sizeof(name)), EAFNOSUPPORT);
    CHECK_ERR(connect(fd, KERNEL_ADDRESS, sizeof(name)), EFAULT);
    CHECK_ERR(read(fd, text, 8), ENOTCONN);
    signal(SIGPIPE, SIG_IGN);
    CHECK_ERR(write(fd, text, 8), EPIPE);
    CHECK_ERR(accept(fd, NULL, NULL), EINVAL);
    CHECK_ERR(setsockopt(fd, IPPROTO_TCP, 9999, text, 4), ENOPROTOOPT);
    CHECK_ERR(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, text, 1), EINVAL);
    CHECK_ERR(syscall(SYS_setsockopt, fd, IPPROTO_TCP, TCP_NODELAY, KERNEL_ADDRESS, 4), EFAULT);
    close(fd);
    int s[2];
    tcp_pair(s);
    CHECK_ERR(syscall(SYS_write, s[0], KERNEL_ADDRESS, 10), EFAULT);
    CHECK_EQ(write(s[0], "bytes", 5), 5);
    CHECK_EQ(events_of(s[1], POLLIN, SOON_MS), POLLIN);
    CHECK_ERR(syscall(SYS_read, s[1], NULL_PAGE_ADDRESS, 5), EFAULT);
    CHECK_EQ(read(s[1], text, 8), 5); /* they are still there */
    CHECK_ERR(lseek(s[0], 0, SEEK_SET), ESPIPE);
    CHECK_ERR(pread(s[0], text, 1, 0), ESPIPE);
    close(s[0]);
    close(s[1]);
}

/* More come at once than the queue of a listener holds: they wait, and none is reset. */
static void more_than_the_backlog(void)
{
    enum { CLIENTS = 6 };
    int port, server = tcp_server(&port), clients[CLIENTS], done = 0;
    CHECK_OK(listen(server, 2));
    for (int i = 0; i < CLIENTS; i++) {
        clients[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        if (connect4(clients[i], "127.0.0.1", port) != 0)
            CHECK_EQ(errno, EINPROGRESS);
    }
    for (; done < CLIENTS && events_of(server, POLLIN, SOON_MS) == POLLIN; done++) {
        int other = accept(server, NULL, NULL);
        CHECK_EQ(write(other, "x", 1), 1);
        close(other);
    }
    CHECK_EQ(done, CLIENTS);
    for (int i = 0; i < CLIENTS; i++) {
        char byte = 0;
        CHECK_EQ(events_of(clients[i], POLLIN, SOON_MS) & (POLLIN | POLLERR), POLLIN);
        CHECK_EQ(read(clients[i], &byte, 1), 1);
        close(clients[i]);
    }
    close(server);
}

static void a_hundred_connections(void)
{
    enum { COUNT = 100 };
    int port, server = tcp_server(&port), clients[COUNT], others[COUNT], wrong = 0;
    for (int i = 0; i < COUNT; i++) {
        clients[i] = socket(AF_INET, SOCK_STREAM, 0);
        CHECK_OK(connect4(clients[i], "127.0.0.1", port));
        others[i] = accept(server, NULL, NULL);
    }
    for (int i = 0; i < COUNT; i++)
        wrong += write(clients[i], &i, sizeof(i)) != sizeof(i);
    for (int i = COUNT - 1; i >= 0; i--) {
        int value = -1;
        wrong += read(others[i], &value, sizeof(value)) != sizeof(value) || value != i;
        close(clients[i]);
        wrong += read(others[i], &value, sizeof(value)) != 0;
        close(others[i]);
    }
    CHECK_EQ(wrong, 0);
    for (int i = 0; i < 2000; i++) { /* one after another */
        int fd = socket(AF_INET, SOCK_STREAM, 0);
        wrong += connect4(fd, "127.0.0.1", port) != 0;
        int other = accept(server, NULL, NULL);
        wrong += write(other, "x", 1) != 1;
        char byte;
        wrong += read(fd, &byte, 1) != 1;
        close(fd);
        close(other);
    }
    CHECK_EQ(wrong, 0);
    close(server);
}

int main(void)
{
    scratch_enter();
    RUN(bytes_both_ways);
    RUN(names_of_both_ends);
    RUN(all_of_127_is_here);
    RUN(half_closed);
    RUN(reading_is_shut);
    RUN(resets);
    RUN(linger_of_zero_resets);
    RUN(refused);
    RUN(connecting_without_waiting);
    RUN(accepting_without_waiting);
    RUN(ports_in_use);
    RUN(shared_ports);
    RUN(many_bytes);
    RUN(full_buffers);
    RUN(little_room);
    RUN(room_changes);
    RUN(message_flags);
    RUN(files_are_sent);
    RUN(time_outs_and_ends_while_waiting);
    RUN(both_versions);
    RUN(bad_requests);
    RUN(more_than_the_backlog);
    RUN(a_hundred_connections);
    CHECK(scratch_leave());
    return check_done();
}
