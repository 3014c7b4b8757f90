/* UDP and ping over loopback: datagrams with their names, connected sockets, truncation, errors. */
#include <netinet/ip_icmp.h>

#include "tests/harness/inet.h"

static void datagrams_with_names(void)
{
    int a_port, b_port, a = udp_socket("127.0.0.1", &a_port), b = udp_socket("127.0.0.1", &b_port);
    struct sockaddr_in name = name4("127.0.0.1", b_port);
    socklen_t size = sizeof(name);
    char text[32] = "";
    CHECK_EQ(sendto(a, "one", 3, 0, (struct sockaddr *)&name, sizeof(name)), 3);
    CHECK_EQ(sendto(a, "three", 5, 0, (struct sockaddr *)&name, sizeof(name)), 5);
    CHECK_EQ(sendto(a, "", 0, 0, (struct sockaddr *)&name, sizeof(name)), 0);
    memset(&name, 0, sizeof(name));
    CHECK_EQ(recvfrom(b, text, sizeof(text), 0, (struct sockaddr *)&name, &size), 3);
    CHECK_EQ(size, sizeof(name));
    CHECK_EQ(ntohs(name.sin_port), a_port);
    CHECK_EQ(ntohl(name.sin_addr.s_addr), INADDR_LOOPBACK);
    int waiting = 0;
    CHECK_OK(ioctl(b, FIONREAD, &waiting));
    CHECK_EQ(waiting, 5);
    CHECK_EQ(recv(b, text, sizeof(text), MSG_PEEK), 5);
    CHECK_EQ(recv(b, text, 2, 0), 2); /* the rest is lost */
    CHECK_EQ(recv(b, text, sizeof(text), 0), 0);
    CHECK_ERR(recv(b, text, sizeof(text), MSG_DONTWAIT), EAGAIN);
    close(a);
    close(b);
}

static void all_of_127_is_here(void)
{
    int a_port, b_port, a = udp_socket("127.0.0.5", &a_port), b = udp_socket("127.20.0.6", &b_port);
    struct sockaddr_in name = name4("127.20.0.6", b_port);
    socklen_t size = sizeof(name);
    char text[INET_ADDRSTRLEN] = "";
    CHECK_EQ(sendto(a, "there", 5, 0, (struct sockaddr *)&name, sizeof(name)), 5);
    memset(&name, 0, sizeof(name));
    CHECK_EQ(recvfrom(b, text, sizeof(text), 0, (struct sockaddr *)&name, &size), 5);
    inet_ntop(AF_INET, &name.sin_addr, text, sizeof(text));
    CHECK_STR(text, "127.0.0.5");
    CHECK_EQ(sendto(b, "back", 4, 0, (struct sockaddr *)&name, sizeof(name)), 4);
    CHECK_EQ(recv(a, text, sizeof(text), 0), 4);
    int c = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    CHECK_OK(connect4(c, "127.20.0.7", b_port)); /* bound to its address, it doesn't get that */
    CHECK_EQ(send(c, "nobody", 6, 0), 6);
    CHECK_ERR(recv(c, text, sizeof(text), 0), ECONNREFUSED);
    CHECK_ERR(recv(b, text, sizeof(text), MSG_DONTWAIT), EAGAIN);
    close(a);
    close(b);
    close(c);
}

static void cut_off(void)
{
    int a_port, b_port, a = udp_socket("127.0.0.1", &a_port), b = udp_socket("127.0.0.1", &b_port);
    char text[4];
    struct iovec part = {text, sizeof(text)};
    struct msghdr m = {.msg_iov = &part, .msg_iovlen = 1};
    CHECK_OK(connect4(a, "127.0.0.1", b_port));
    CHECK_EQ(send(a, "0123456789", 10, 0), 10);
    CHECK_EQ(recvmsg(b, &m, 0), 4);
    CHECK_EQ(m.msg_flags & MSG_TRUNC, MSG_TRUNC);
    CHECK_EQ(send(a, "0123456789", 10, 0), 10);
    CHECK_EQ(recv(b, text, sizeof(text), MSG_TRUNC), 10);
    close(a);
    close(b);
}

static void connected(void)
{
    int a_port, b_port, c_port, a = udp_socket("127.0.0.1", &a_port);
    int b = udp_socket("127.0.0.1", &b_port), c = udp_socket("127.0.0.1", &c_port);
    char text[8];
    CHECK_ERR(send(a, "x", 1, 0), EDESTADDRREQ);
    CHECK_ERR(getpeername(a, NULL, NULL), ENOTCONN);
    CHECK_OK(connect4(a, "127.0.0.1", b_port));
    CHECK_EQ(port_of(a, true), b_port);
    CHECK_EQ(send(a, "to b", 4, 0), 4);
    CHECK_EQ(recv(b, text, 8, 0), 4);
    struct sockaddr_in name = name4("127.0.0.1", a_port);
    CHECK_EQ(sendto(c, "from c", 6, 0, (struct sockaddr *)&name, sizeof(name)), 6);
    CHECK_EQ(sendto(b, "from b", 6, 0, (struct sockaddr *)&name, sizeof(name)), 6);
    CHECK_EQ(recv(a, text, 8, 0), 6); /* its peer's alone */
    CHECK(memcmp(text, "from b", 6) == 0);
    name.sin_family = AF_UNSPEC;
    CHECK_OK(connect(a, (struct sockaddr *)&name, sizeof(name)));
    CHECK_ERR(getpeername(a, (struct sockaddr *)&name, &(socklen_t){sizeof(name)}), ENOTCONN);
    CHECK_EQ(port_of(a, false), 0); /* bind had not chosen it */
    close(a);
    close(b);
    close(c);
}

static void nobody_there(void)
{
    int a_port, b_port, a = udp_socket("127.0.0.1", &a_port), b = udp_socket("127.0.0.1", &b_port);
    char text[8];
    CHECK_OK(connect4(a, "127.0.0.1", b_port));
    close(b);
    CHECK_EQ(send(a, "x", 1, 0), 1);
    CHECK_EQ(events_of(a, POLLIN, SOON_MS) & POLLERR, POLLERR);
    CHECK_ERR(recv(a, text, 8, 0), ECONNREFUSED);
    CHECK_ERR(recv(a, text, 8, MSG_DONTWAIT), EAGAIN); /* told once */
    close(a);
}

static void large_ones(void)
{
    int a_port, b_port, a = udp_socket("127.0.0.1", &a_port), b = udp_socket("127.0.0.1", &b_port);
    static char data[65508], back[65508];
    for (size_t i = 0; i < sizeof(data); i++)
        data[i] = (char)(i * 7);
    CHECK_OK(connect4(a, "127.0.0.1", b_port));
    CHECK_EQ(send(a, data, 65507, 0), 65507);
    CHECK_EQ(recv(b, back, sizeof(back), 0), 65507);
    CHECK(memcmp(data, back, 65507) == 0);
    CHECK_ERR(send(a, data, 65508, 0), EMSGSIZE);
    close(a);
    close(b);
}

static void many_at_once(void)
{
    int a_port, b_port, a = udp_socket("127.0.0.1", &a_port), b = udp_socket("127.0.0.1", &b_port);
    struct mmsghdr out[3] = {0}, in[4] = {0};
    char texts[3][4] = {"aa", "bbb", "c"}, rooms[4][8];
    struct iovec parts[3], holes[4];
    struct sockaddr_in names[4];
    CHECK_OK(connect4(a, "127.0.0.1", b_port));
    for (int i = 0; i < 3; i++) {
        parts[i] = (struct iovec){texts[i], strlen(texts[i])};
        out[i].msg_hdr = (struct msghdr){.msg_iov = &parts[i], .msg_iovlen = 1};
    }
    CHECK_EQ(sendmmsg(a, out, 3, 0), 3);
    CHECK_EQ(out[1].msg_len, 3);
    for (int i = 0; i < 4; i++) {
        holes[i] = (struct iovec){rooms[i], sizeof(rooms[i])};
        in[i].msg_hdr = (struct msghdr){.msg_iov = &holes[i],
                                        .msg_iovlen = 1,
                                        .msg_name = &names[i],
                                        .msg_namelen = sizeof(names[i])};
    }
    CHECK_EQ(recvmmsg(b, in, 4, MSG_WAITFORONE, NULL), 3);
    CHECK_EQ(in[0].msg_len, 2);
    CHECK_EQ(in[2].msg_len, 1);
    CHECK_EQ(rooms[2][0], 'c');
    CHECK_EQ(ntohs(names[1].sin_port), a_port);
    close(a);
    close(b);
}

static void both_versions(void)
{
    int a = socket(AF_INET6, SOCK_DGRAM, 0), b = socket(AF_INET, SOCK_DGRAM, 0);
    struct sockaddr_in6 name;
    socklen_t size = sizeof(name);
    char text[64];
    CHECK_OK(bind6(a, "::", 0));
    CHECK_OK(connect4(b, "127.0.0.1", port_of(a, false)));
    CHECK_EQ(send(b, "four", 4, 0), 4);
    CHECK_EQ(recvfrom(a, text, 8, 0, (struct sockaddr *)&name, &size), 4);
    CHECK_EQ(size, sizeof(name));
    CHECK_STR(inet_ntop(AF_INET6, &name.sin6_addr, text, sizeof(text)), "::ffff:127.0.0.1");
    CHECK_EQ(sendto(a, "back", 4, 0, (struct sockaddr *)&name, size), 4);
    CHECK_EQ(recv(b, text, 8, 0), 4);
    close(b);
    b = socket(AF_INET6, SOCK_DGRAM, 0);
    CHECK_OK(connect6(b, "::1", port_of(a, false)));
    CHECK_EQ(send(b, "six", 3, 0), 3);
    CHECK_EQ(recvfrom(a, text, 8, 0, (struct sockaddr *)&name, &size), 3);
    CHECK(IN6_IS_ADDR_LOOPBACK(&name.sin6_addr));
    close(a);
    close(b);
}

static void shut_and_time_outs(void)
{
    int port, a = udp_socket("127.0.0.1", &port);
    char text[8];
    struct timeval tenth = {0, 100000};
    CHECK_OK(setsockopt(a, SOL_SOCKET, SO_RCVTIMEO, &tenth, sizeof(tenth)));
    CHECK_ERR(recv(a, text, 8, 0), EAGAIN);
    CHECK_EQ(events_of(a, POLLIN | POLLOUT, 0), POLLOUT);
    CHECK_ERR(shutdown(a, SHUT_RD), ENOTCONN);
    CHECK_ERR(listen(a, 1), EOPNOTSUPP);
    CHECK_ERR(accept(a, NULL, NULL), EOPNOTSUPP);
    CHECK_ERR(sendto(a, "x", 1, 0, NULL, 0), EDESTADDRREQ);
    struct sockaddr_in name = name4("127.0.0.1", 0);
    CHECK_ERR(sendto(a, "x", 1, 0, (struct sockaddr *)&name, sizeof(name)), EINVAL);
    CHECK_ERR(sendto(a, "x", 1, 0, (struct sockaddr *)&name, 5), EINVAL);
    name = name4("255.255.255.255", 9);
    CHECK_ERR(sendto(a, "x", 1, 0, (struct sockaddr *)&name, sizeof(name)), EACCES);
    CHECK_ERR(syscall(SYS_sendto, a, KERNEL_ADDRESS, 4, 0, &name, sizeof(name)), EFAULT);
    close(a);
}

static void shared_ports(void)
{
    int port, a = udp_socket("127.0.0.1", &port), b = socket(AF_INET, SOCK_DGRAM, 0);
    CHECK_ERR(bind4(b, "127.0.0.1", port), EADDRINUSE);
    CHECK_ERR(bind4(b, "0.0.0.0", port), EADDRINUSE);
    CHECK_OK(set_option(b, SOL_SOCKET, SO_REUSEADDR, 1));
    CHECK_ERR(bind4(b, "127.0.0.1", port), EADDRINUSE);
    CHECK_OK(set_option(a, SOL_SOCKET, SO_REUSEADDR, 1));
    CHECK_OK(bind4(b, "127.0.0.1", port));
    close(a);
    close(b);
}

static void ping(void)
{
    int fd = socket(AF_INET, SOCK_RAW, IPPROTO_ICMP);
    struct sockaddr_in name = name4("127.0.0.1", 0);
    struct {
        struct icmphdr head;
        char data[8];
    } out = {.head = {.type = ICMP_ECHO, .un.echo = {.id = htons(77), .sequence = htons(1)}},
             .data = "pinging"};
    uint32_t sum = 0;
    for (size_t i = 0; i < sizeof(out) / 2; i++)
        sum += ((const uint16_t *)(const void *)&out)[i];
    sum = (sum >> 16) + (sum & 0xffff);
    out.head.checksum = (uint16_t) ~(sum + (sum >> 16));
    CHECK(fd >= 0);
    CHECK_EQ(sendto(fd, &out, sizeof(out), 0, (struct sockaddr *)&name, sizeof(name)), sizeof(out));
    unsigned char in[128];
    bool answered = false;
    for (int i = 0; i < 4 && !answered; i++) { /* loopback shows the request, too */
        CHECK_EQ(events_of(fd, POLLIN, SOON_MS), POLLIN);
        ssize_t n = recv(fd, in, sizeof(in), 0);
        CHECK_EQ(n, 20 + (ssize_t)sizeof(out));
        CHECK_EQ(in[0] >> 4, 4); /* with its IP header */
        const struct icmphdr *head = (const struct icmphdr *)(const void *)(in + 20);
        answered = head->type == ICMP_ECHOREPLY && head->un.echo.id == htons(77) &&
                   memcmp(in + 28, "pinging", 8) == 0;
    }
    CHECK(answered);
    close(fd);
}

int main(void)
{
    RUN(datagrams_with_names);
    RUN(all_of_127_is_here);
    RUN(cut_off);
    RUN(connected);
    RUN(nobody_there);
    RUN(large_ones);
    RUN(many_at_once);
    RUN(both_versions);
    RUN(shut_and_time_outs);
    RUN(shared_ports);
    RUN(ping);
    return check_done();
}
