/* A neighbour that doesn't answer: who sends to it is told after three questions, as on Linux. Only
 * here, where the network is known to have addresses that nobody has. */
#include <time.h>

#include "tests/harness/inet.h"

// clang-format off: it wants struct timespec, which the above brings
#include <linux/errqueue.h>
// clang-format on

#define NOBODY4 "10.0.2.77"
#define LIMIT_MS 10000 /* TCP itself would give up much later */

static const char *nobody6;

static void connecting(int family, const void *to, socklen_t size)
{
    int fd = socket(family, SOCK_STREAM, 0);
    time_t start = time(NULL);
    CHECK_EQ(connect(fd, to, size), -1);
    CHECK_EQ(errno, EHOSTUNREACH);
    CHECK(time(NULL) - start < LIMIT_MS / 1000);
    close(fd);
}

static void connecting4(void)
{
    struct sockaddr_in to = name4(NOBODY4, 9);
    connecting(AF_INET, &to, sizeof(to));
}

static void connecting6(void)
{
    struct sockaddr_in6 to = name6(nobody6, 9);
    connecting(AF_INET6, &to, sizeof(to));
}

static void told(int fd, int level, int option, unsigned origin, unsigned type, unsigned code)
{
    char control[256] __attribute__((aligned(8))), bytes[16];
    struct iovec v = {bytes, sizeof(bytes)};
    struct msghdr m = {
        .msg_iov = &v, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)};
    struct pollfd p = {.fd = fd};
    CHECK_OK(send(fd, "hello", 5, 0));
    CHECK_EQ(poll(&p, 1, LIMIT_MS), 1);
    CHECK_EQ(p.revents, POLLERR);
    CHECK_EQ(recvmsg(fd, &m, MSG_ERRQUEUE), 5);
    struct cmsghdr *c = CMSG_FIRSTHDR(&m);
    CHECK(c && c->cmsg_level == level && c->cmsg_type == option);
    if (!c)
        return;
    const struct sock_extended_err *e = (const void *)CMSG_DATA(c);
    CHECK_EQ(e->ee_errno, EHOSTUNREACH);
    CHECK_EQ(e->ee_origin, origin);
    CHECK_EQ(e->ee_type, type);
    CHECK_EQ(e->ee_code, code);
}

static void queue4(void)
{
    struct sockaddr_in to = name4(NOBODY4, 9);
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    CHECK_OK(set_option(fd, IPPROTO_IP, IP_RECVERR, 1));
    CHECK_OK(connect(fd, (struct sockaddr *)&to, sizeof(to)));
    told(fd, IPPROTO_IP, IP_RECVERR, SO_EE_ORIGIN_ICMP, 3, 1);
    CHECK_OK(send(fd, "again", 5, 0));
    struct pollfd p = {.fd = fd};
    CHECK_EQ(poll(&p, 1, LIMIT_MS), 1);
    CHECK_EQ(send(fd, "third", 5, 0), -1); /* and a send tells of it, too */
    CHECK_EQ(errno, EHOSTUNREACH);
    close(fd);
}

static void queue6(void)
{
    struct sockaddr_in6 to = name6(nobody6, 9);
    int fd = socket(AF_INET6, SOCK_DGRAM, 0);
    CHECK_OK(set_option(fd, IPPROTO_IPV6, IPV6_RECVERR, 1));
    CHECK_OK(connect(fd, (struct sockaddr *)&to, sizeof(to)));
    told(fd, IPPROTO_IPV6, IPV6_RECVERR, SO_EE_ORIGIN_ICMP6, 1, 3);
    close(fd);
}

/* What fills the queue of a neighbour, and the table of them, harms nobody. */
static void many(void)
{
    int fd = socket(AF_INET, SOCK_DGRAM, 0), other = socket(AF_INET, SOCK_DGRAM, 0);
    CHECK_OK(set_option(other, IPPROTO_IP, IP_RECVERR, 1));
    int sent = 0;
    for (int i = 0; i < 5000; i++) {
        char text[32];
        (void)snprintf(text, sizeof(text), "10.0.2.%d", 20 + i % 200);
        struct sockaddr_in to = name4(text, 9);
        sent += sendto(fd, text, sizeof(text), 0, (struct sockaddr *)&to, sizeof(to)) > 0;
    }
    CHECK_EQ(sent, 5000);
    struct pollfd p = {.fd = other};
    CHECK_EQ(poll(&p, 1, 4000), 0);
    int error = -1;
    socklen_t size = sizeof(error);
    CHECK_OK(getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size));
    CHECK_EQ(error, 0); /* without IP_RECVERR this error is not for good */
    close(fd);
    close(other);
}

/* By IPv6 where the card has an address of it: tests/e2e/net_link.sh. */
int main(int argc, char **argv)
{
    nobody6 = argv[1];
    if (argc > 1) {
        RUN(connecting6);
        RUN(queue6);
    } else {
        RUN(connecting4);
        RUN(queue4);
        RUN(many);
    }
    return check_done();
}
