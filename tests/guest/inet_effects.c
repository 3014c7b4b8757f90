/* What options of sockets do to the packets: hop limits, raw sockets' filters and headers, TCP's
 * limits. */
#include <linux/icmp.h>
#include <linux/sockios.h>
#include <netinet/ip.h>

#include "tests/harness/inet.h"

/* Who is too far away is not heard, and TCP_USER_TIMEOUT ends what waits for it. */
static void too_far_away(void)
{
    int s[2];
    char byte;
    tcp_pair(s);
    CHECK_OK(set_option(s[0], IPPROTO_IP, IP_TTL, 5));
    CHECK_OK(set_option(s[1], IPPROTO_IP, 21 /* IP_MINTTL */, 6));
    CHECK_EQ(send(s[0], "x", 1, 0), 1);
    CHECK_EQ(events_of(s[1], POLLIN, 300), 0);
    CHECK_OK(set_option(s[1], IPPROTO_IP, 21, 5));
    CHECK_EQ(events_of(s[1], POLLIN, SOON_MS), POLLIN);
    CHECK_EQ(recv(s[1], &byte, 1, 0), 1);
    CHECK_OK(set_option(s[1], IPPROTO_IP, 21, 6));
    CHECK_OK(set_option(s[0], IPPROTO_TCP, TCP_USER_TIMEOUT, 1500));
    int64_t start = now_ns(CLOCK_MONOTONIC);
    CHECK_EQ(send(s[0], "y", 1, 0), 1);
    CHECK(events_of(s[0], POLLERR, 60000) & POLLERR);
    CHECK(now_ns(CLOCK_MONOTONIC) - start >= 1400000000);
    CHECK_EQ(option_of(s[0], SOL_SOCKET, SO_ERROR), ETIMEDOUT);
    close(s[0]);
    close(s[1]);
}

static void too_far_away6(void)
{
    int server = socket(AF_INET6, SOCK_STREAM, 0), fd = socket(AF_INET6, SOCK_STREAM, 0);
    CHECK_OK(bind6(server, "::1", 0));
    CHECK_OK(listen(server, 1));
    CHECK_OK(connect6(fd, "::1", port_of(server, false)));
    int other = accept(server, NULL, NULL);
    CHECK_OK(set_option(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, 5));
    CHECK_OK(set_option(fd, IPPROTO_IP, IP_TTL, 64)); /* is no matter of IPv6 */
    CHECK_OK(set_option(other, IPPROTO_IPV6, 73 /* IPV6_MINHOPCOUNT */, 6));
    CHECK_EQ(send(fd, "x", 1, 0), 1);
    CHECK_EQ(events_of(other, POLLIN, 300), 0);
    CHECK_OK(set_option(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, 6));
    CHECK_EQ(events_of(other, POLLIN, SOON_MS), POLLIN);
    close(other);
    close(fd);
    close(server);
}

/* The header with which a datagram is seen by a raw socket. */
static struct iphdr seen_header(int discover, int ttl)
{
    char packet[256] = "";
    int port, to = udp_socket("127.0.0.1", &port), from = socket(AF_INET, SOCK_DGRAM, 0);
    int raw = socket(AF_INET, SOCK_RAW, IPPROTO_UDP);
    CHECK_OK(bind4(raw, "127.0.0.1", 0));
    CHECK_OK(set_option(from, IPPROTO_IP, IP_MTU_DISCOVER, discover));
    CHECK_OK(set_option(from, IPPROTO_IP, IP_TTL, ttl));
    CHECK_OK(connect4(from, "127.0.0.1", port));
    CHECK_EQ(send(from, "abc", 3, 0), 3);
    CHECK_EQ(recv(raw, packet, sizeof(packet), 0), 20 + 8 + 3);
    close(raw);
    close(from);
    close(to);
    return *(struct iphdr *)packet;
}

static void seen_headers(void)
{
    struct iphdr h = seen_header(IP_PMTUDISC_DO, 9);
    CHECK_EQ(h.ttl, 9);
    CHECK_EQ(ntohs(h.frag_off), 0x4000);
    CHECK(h.check != 0);
    h = seen_header(IP_PMTUDISC_DONT, 64);
    CHECK_EQ(h.ttl, 64);
    CHECK_EQ(ntohs(h.frag_off), 0);
    CHECK_EQ(ntohs(seen_header(IP_PMTUDISC_PROBE, 64).frag_off), 0x4000);
}

static void own_header(void)
{
    int raw = socket(AF_INET, SOCK_RAW, 253), all = socket(AF_INET, SOCK_RAW, 253);
    CHECK_OK(set_option(raw, IPPROTO_IP, IP_HDRINCL, 1));
    struct {
        struct iphdr h;
        char text[4];
    } p = {{.version = 4, .ihl = 5, .ttl = 33, .protocol = 253, .tos = 8}, "abc"}, got;
    p.h.saddr = htonl(0x7f000005);
    p.h.daddr = htonl(0x7f000001);
    struct sockaddr_in name = name4("127.0.0.1", 0);
    CHECK_EQ(sendto(raw, &p, sizeof(p), 0, (struct sockaddr *)&name, sizeof(name)), sizeof(p));
    CHECK_EQ(recv(all, &got, sizeof(got), 0), sizeof(got));
    CHECK_EQ(got.h.saddr, p.h.saddr);
    CHECK_EQ(got.h.ttl, 33);
    CHECK_EQ(got.h.tos, 8);
    CHECK_EQ(ntohs(got.h.tot_len), sizeof(p)); /* filled in */
    CHECK(got.h.check != 0);
    CHECK_STR(got.text, "abc");
    close(raw);
    close(all);
}

static void filtered(void)
{
    char packet[256];
    int fd = socket(AF_INET, SOCK_RAW, IPPROTO_ICMP),
        quiet = socket(AF_INET, SOCK_RAW, IPPROTO_ICMP);
    CHECK_OK(set_option(quiet, SOL_RAW, ICMP_FILTER, 1 << ICMP_ECHO));
    struct icmphdr echo = {.type = ICMP_ECHO, .checksum = (uint16_t)~ICMP_ECHO};
    struct sockaddr_in name = name4("127.0.0.1", 0);
    CHECK_EQ(sendto(fd, &echo, sizeof(echo), 0, (struct sockaddr *)&name, sizeof(name)), 8);
    CHECK_EQ(recv(fd, packet, sizeof(packet), 0), 28);
    CHECK_EQ(packet[20], ICMP_ECHO);
    CHECK_EQ(recv(quiet, packet, sizeof(packet), 0), 28);
    CHECK_EQ(packet[20], ICMP_ECHOREPLY);
    CHECK_ERR(recv(quiet, packet, sizeof(packet), MSG_DONTWAIT), EAGAIN);
    close(fd);
    close(quiet);
}

/* TCP_NOTSENT_LOWAT: little that can't be sent yet is enough. */
static void unsent(void)
{
    static char bytes[4096];
    int s[2], waiting = 0;
    tcp_pair(s);
    CHECK_OK(set_option(s[0], IPPROTO_TCP, TCP_NOTSENT_LOWAT, 1));
    while (send(s[0], bytes, sizeof(bytes), MSG_DONTWAIT) > 0)
        waiting++;
    CHECK(waiting > 0);
    CHECK_OK(ioctl(s[0], SIOCOUTQNSD, &waiting));
    CHECK(waiting >= 1);
    CHECK_EQ(events_of(s[0], POLLOUT, 0), 0);
    CHECK_OK(set_option(s[0], IPPROTO_TCP, TCP_NOTSENT_LOWAT, 1 << 30));
    CHECK_EQ(events_of(s[0], POLLOUT, SOON_MS), POLLOUT);
    close(s[0]);
    close(s[1]);
}

#define RETRIES "/proc/sys/net/ipv4/tcp_retries2"

/* A peer that answers nothing any more, for the hop limit it wants nobody has. */
static int silent_peer(int *client)
{
    int port, listener = tcp_server(&port);
    *client = socket(AF_INET, SOCK_STREAM, 0);
    CHECK_OK(connect4(*client, "127.0.0.1", port));
    int server = accept(listener, NULL, NULL);
    CHECK_OK(set_option(server, IPPROTO_IP, IP_MINTTL, 255));
    close(listener);
    return server;
}

/* tcp_retries2: 2 is 1.4 seconds after something was sent anew for the first time. */
static void a_silent_peer_is_given_up(void)
{
    char before[16], c;
    int client, fd = open(RETRIES, O_RDWR), server = silent_peer(&client);
    ssize_t length = fd < 0 ? -1 : pread(fd, before, sizeof(before), 0);
    if (length < 0 || pwrite(fd, "2\n", 2, 0) != 2) {
        printf("# tcp_retries2 can't be written\n");
        return;
    }
    int64_t start = now_ns(CLOCK_MONOTONIC);
    CHECK_EQ(send(client, "x", 1, 0), 1);
    CHECK_ERR(recv(client, &c, 1, 0), ETIMEDOUT);
    int64_t took = now_ns(CLOCK_MONOTONIC) - start;
    CHECK_EQ(pwrite(fd, before, (size_t)length, 0), length);
    CHECK(took >= 1400 * NS_PER_MS && took < 60000 * NS_PER_MS);
    CHECK_ERR(send(client, "x", 1, MSG_NOSIGNAL), EPIPE);
    CHECK_ERR(pwrite(fd, "256\n", 4, 0), EINVAL);
    close(fd);
    close(client);
    close(server);
}

int main(void)
{
    RUN(too_far_away);
    RUN(too_far_away6);
    RUN(seen_headers);
    RUN(own_header);
    RUN(filtered);
    RUN(unsent);
    RUN(a_silent_peer_is_given_up);
    return check_done();
}
