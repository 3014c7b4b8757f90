/*
 * Options of sockets that Linux has and this kernel has not: each is refused, when set and when
 * read, on every kind of socket, with the error that a Linux without it gives. Only here, for
 * Linux has them.
 */
#include "tests/guest/inet_left_out.h"
#include "tests/harness/inet.h"

#define ANY 4 /* bytes */

static const struct kind {
    int family, type, protocol;
} kinds[] = {
    {AF_INET, SOCK_STREAM, 0},
    {AF_INET6, SOCK_STREAM, 0},
    {AF_INET, SOCK_DGRAM, 0},
    {AF_INET6, SOCK_DGRAM, 0},
    {AF_INET, SOCK_DGRAM, 136 /* UDP-Lite */},
    {AF_INET, SOCK_RAW, IPPROTO_ICMP},
    {AF_INET6, SOCK_RAW, IPPROTO_ICMPV6},
    {AF_UNIX, SOCK_STREAM, 0},
    {AF_UNIX, SOCK_DGRAM, 0},
    {AF_UNIX, SOCK_SEQPACKET, 0},
    {AF_NETLINK, SOCK_RAW, 0},
};

/* Some answer without doing anything, as they do on a Linux that lacks what they are about: there
 * are no filter and no IP options (setting none is no change), and a path's size can be read. */
static bool can_be_read(int level, int option)
{
    return (level == SOL_SOCKET && option == SO_GET_FILTER) ||
           (level == IPPROTO_IP && option == IP_OPTIONS) ||
           (level == IPPROTO_IPV6 && option == IPV6_MTU);
}

/* A level that a kind of socket doesn't have. */
static bool is_refusal(int error)
{
    return error == ENOPROTOOPT || error == EOPNOTSUPP;
}

static unsigned wrong;

static void expect_refusal(const char *what, const struct kind *k, int level, int option, int error)
{
    bool own = level == SOL_SOCKET ||
               (level == IPPROTO_TCP && k->type == SOCK_STREAM && k->family != AF_UNIX);
    if (own ? error == ENOPROTOOPT : is_refusal(error))
        return;
    printf("# family %d, type %d, level %d, option %d, %s: errno %d\n", k->family, k->type, level,
           option, what, error);
    wrong++;
}

static void ask(const struct kind *k, int level, int option)
{
    char value[128] = {1};
    socklen_t size = sizeof(value);
    int fd = socket(k->family, k->type, k->protocol);
    int error = setsockopt(fd, level, option, value, ANY) ? errno : 0;
    expect_refusal("set", k, level, option, error);
    error = setsockopt(fd, level, option, value, sizeof(value)) ? errno : 0;
    if (!(level == IPPROTO_IP && option == IP_OPTIONS)) /* more than there may be: EINVAL */
        expect_refusal("set at length", k, level, option, error);
    error = getsockopt(fd, level, option, value, &size) ? errno : 0;
    if (!can_be_read(level, option))
        expect_refusal("get", k, level, option, error);
    close(fd);
}

static void each_is_refused(void)
{
    for (unsigned k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++)
        for (unsigned l = 0; l < sizeof(left_out) / sizeof(left_out[0]); l++)
            for (unsigned n = 0; n < 40 && left_out[l].options[n]; n++)
                ask(&kinds[k], left_out[l].level, left_out[l].options[n]);
    CHECK_EQ(wrong, 0);
}

/* Flags and control messages that belong to them. */
static void so_are_flags(void)
{
    struct sockaddr_in name = name4("127.0.0.1", 9);
    int fd = socket(AF_INET, SOCK_STREAM, 0), s[2];
    CHECK_ERR(sendto(fd, "x", 1, MSG_FASTOPEN, (struct sockaddr *)&name, sizeof(name)), EOPNOTSUPP);
    close(fd);
    CHECK_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
    CHECK_ERR(send(s[0], "x", 1, MSG_OOB), EOPNOTSUPP);
    CHECK_ERR(recv(s[0], &name, 1, MSG_OOB), EOPNOTSUPP);
    close(s[0]);
    close(s[1]);
}

int main(void)
{
    RUN(each_is_refused);
    RUN(so_are_flags);
    return check_done();
}
