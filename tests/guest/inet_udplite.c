/* UDP-Lite: datagrams whose checksum covers the first bytes only, on ports of their own. */
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <stdio.h>
#include <unistd.h>

#include "tests/harness/inet.h"

#define SEND_COVERAGE 10 /* UDPLITE_SEND_CSCOV */
#define RECEIVE_COVERAGE 11

static int lite_socket(int *port)
{
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, IPPROTO_UDPLITE);
    CHECK_OK(bind4(fd, "127.0.0.1", 0));
    *port = port_of(fd, false);
    return fd;
}

static int sent_to(int fd, int port, const char *text)
{
    struct sockaddr_in name = name4("127.0.0.1", port);
    return (int)sendto(fd, text, strlen(text), 0, (struct sockaddr *)&name, sizeof(name));
}

static void kinds(void)
{
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, IPPROTO_UDPLITE);
    CHECK_EQ(option_of(fd, SOL_SOCKET, SO_PROTOCOL), IPPROTO_UDPLITE);
    CHECK_EQ(option_of(fd, SOL_SOCKET, SO_TYPE), SOCK_DGRAM);
    CHECK_ERR(socket(AF_INET, SOCK_STREAM, IPPROTO_UDPLITE), EPROTONOSUPPORT);
    CHECK_ERR(socket(AF_INET, SOCK_DGRAM, IPPROTO_TCP), EPROTONOSUPPORT);
    close(fd);
}

static void datagrams_with_names(void)
{
    int a_port, b_port, a = lite_socket(&a_port), b = lite_socket(&b_port);
    struct sockaddr_in name = {0};
    socklen_t size = sizeof(name);
    char text[32] = "";
    CHECK_EQ(sent_to(a, b_port, "one"), 3);
    CHECK_EQ(sent_to(a, b_port, ""), 0);
    CHECK_EQ(recvfrom(b, text, sizeof(text), 0, (struct sockaddr *)&name, &size), 3);
    CHECK_STR(text, "one");
    CHECK_EQ(ntohs(name.sin_port), a_port);
    CHECK_EQ(recv(b, text, sizeof(text), 0), 0);
    CHECK_OK(connect4(a, "127.0.0.1", b_port));
    CHECK_OK(connect4(b, "127.0.0.1", a_port));
    CHECK_EQ(send(b, "back", 4, 0), 4);
    CHECK_EQ(recv(a, text, sizeof(text), 0), 4);
    close(a);
    close(b);
}

static void over_ipv6(void)
{
    int a = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, IPPROTO_UDPLITE);
    int b = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, IPPROTO_UDPLITE);
    static char text[40000];
    CHECK_OK(bind6(b, "::1", 0));
    CHECK_OK(connect6(a, "::1", port_of(b, false)));
    CHECK_OK(set_option(a, IPPROTO_UDPLITE, SEND_COVERAGE, 20));
    CHECK_EQ(send(a, text, sizeof(text), 0), sizeof(text)); /* in pieces, if the way is narrow */
    CHECK_EQ(recv(b, text, sizeof(text), 0), sizeof(text));
    close(b);
    CHECK_EQ(send(a, "nobody", 6, 0), 6);
    CHECK_ERR(recv(a, text, sizeof(text), 0), ECONNREFUSED);
    close(a);
}

static void ports_of_their_own(void)
{
    int port, lite = lite_socket(&port), udp = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    char text[32] = "";
    CHECK_OK(bind4(udp, "127.0.0.1", port));
    CHECK_EQ(sent_to(udp, port, "udp"), 3); /* to itself */
    CHECK_EQ(sent_to(lite, port, "lite"), 4);
    CHECK_EQ(recv(udp, text, sizeof(text), 0), 3);
    CHECK_EQ(recv(lite, text, sizeof(text), 0), 4);
    CHECK_STR(text, "lite");
    CHECK_ERR(recv(udp, text, sizeof(text), MSG_DONTWAIT), EAGAIN);
    CHECK_ERR(recv(lite, text, sizeof(text), MSG_DONTWAIT), EAGAIN);
    int second = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, IPPROTO_UDPLITE);
    CHECK_ERR(bind4(second, "127.0.0.1", port), EADDRINUSE);
    close(lite);
    CHECK_OK(bind4(second, "127.0.0.1", port));
    close(second);
    close(udp);
}

static void nobody_there(void)
{
    int port, gone = lite_socket(&port);
    int udp = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, IPPROTO_UDPLITE);
    char text[8];
    close(gone);
    CHECK_OK(bind4(udp, "127.0.0.1", port)); /* not for UDP-Lite */
    CHECK_OK(connect4(fd, "127.0.0.1", port));
    CHECK_EQ(send(fd, "x", 1, 0), 1);
    CHECK_ERR(recv(fd, text, sizeof(text), 0), ECONNREFUSED);
    close(fd);
    close(udp);
}

static void coverage_is_set(void)
{
    static const struct {
        int value, kept;
    } settings[] = {{0, 0}, {20, 20}, {3, 8}, {-5, 8}, {8, 8}, {70000, 65535}};
    int port, fd = lite_socket(&port), udp = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    for (size_t n = 0; n < sizeof(settings) / sizeof(*settings); n++) {
        CHECK_OK(set_option(fd, IPPROTO_UDPLITE, SEND_COVERAGE, settings[n].value));
        CHECK_EQ(option_of(fd, IPPROTO_UDPLITE, SEND_COVERAGE), settings[n].kept);
        CHECK_OK(set_option(fd, IPPROTO_UDPLITE, RECEIVE_COVERAGE, settings[n].value));
        CHECK_EQ(option_of(fd, IPPROTO_UDPLITE, RECEIVE_COVERAGE), settings[n].kept);
    }
    CHECK_ERR(set_option(fd, IPPROTO_UDPLITE, 77, 1), ENOPROTOOPT);
    CHECK_EQ(option_of(fd, IPPROTO_UDPLITE, 77), -ENOPROTOOPT);
    CHECK_ERR(setsockopt(fd, IPPROTO_UDPLITE, SEND_COVERAGE, &port, 2), EINVAL);
    CHECK_ERR(set_option(udp, IPPROTO_UDPLITE, SEND_COVERAGE, 8), ENOPROTOOPT);
    close(fd);
    close(udp);
}

/* What the header of the next packet on its way says. */
static int coverage_seen(int raw, int whole)
{
    struct {
        struct iphdr ip;
        struct udphdr udp;
        char bytes[64];
    } packet;
    ssize_t n = recv(raw, &packet, sizeof(packet), 0);
    CHECK(n >= (ssize_t)(sizeof(packet.ip) + sizeof(packet.udp)));
    CHECK_EQ(packet.ip.protocol, IPPROTO_UDPLITE);
    int covered = ntohs(packet.udp.len);
    return covered ? covered : whole; /* all can be told in two ways */
}

static void coverage_is_sent(void)
{
    int a_port, b_port, a = lite_socket(&a_port), b = lite_socket(&b_port);
    int raw = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_UDPLITE);
    char text[32];
    CHECK(raw >= 0);
    CHECK_EQ(sent_to(a, b_port, "0123456789"), 10);
    CHECK_EQ(coverage_seen(raw, 18), 18);
    CHECK_OK(set_option(a, IPPROTO_UDPLITE, SEND_COVERAGE, 12));
    CHECK_EQ(sent_to(a, b_port, "0123456789"), 10);
    CHECK_EQ(coverage_seen(raw, 18), 12);
    CHECK_EQ(sent_to(a, b_port, "01"), 2); /* it has less than that */
    CHECK_EQ(coverage_seen(raw, 10), 10);
    for (int n = 0; n < 3; n++)
        CHECK(recv(b, text, sizeof(text), 0) > 0); /* who has set nothing takes all */
    close(a);
    close(b);
    close(raw);
}

static void little_coverage_is_refused(void)
{
    int a_port, b_port, a = lite_socket(&a_port), b = lite_socket(&b_port);
    char text[32] = "";
    CHECK_OK(set_option(b, IPPROTO_UDPLITE, RECEIVE_COVERAGE, 12));
    CHECK_OK(set_option(a, IPPROTO_UDPLITE, SEND_COVERAGE, 11));
    CHECK_EQ(sent_to(a, b_port, "too little"), 10);
    CHECK_OK(set_option(a, IPPROTO_UDPLITE, SEND_COVERAGE, 12));
    CHECK_EQ(sent_to(a, b_port, "enough"), 6);
    CHECK_EQ(recv(b, text, sizeof(text), 0), 6);
    CHECK_OK(set_option(b, IPPROTO_UDPLITE, RECEIVE_COVERAGE, 0)); /* all has to be covered */
    CHECK_EQ(sent_to(a, b_port, "a part"), 6);
    CHECK_OK(set_option(a, IPPROTO_UDPLITE, SEND_COVERAGE, 0));
    CHECK_EQ(sent_to(a, b_port, "all of it"), 9);
    CHECK_EQ(recv(b, text, sizeof(text), 0), 9);
    CHECK_ERR(recv(b, text, sizeof(text), MSG_DONTWAIT), EAGAIN);
    close(a);
    close(b);
}

static void headers_that_lie(void)
{
    static const struct {
        uint16_t covered;
        bool good;
    } lies[] = {{1, false}, {7, false}, {15, false}, {14, true}};
    int port, fd = lite_socket(&port);
    int raw = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_UDPLITE);
    char packet[14] = {0}, text[32];
    for (size_t n = 0; n < sizeof(lies) / sizeof(*lies); n++) {
        struct udphdr h = {.source = htons(9), .dest = htons((uint16_t)port)};
        h.len = htons(lies[n].covered);
        /* The pseudo-header and our words, to which the checksum is the complement. */
        uint32_t sum = 0x7f00 + 1 + 0x7f00 + 1 + IPPROTO_UDPLITE + sizeof(packet);
        sum += 9u + (unsigned)port + lies[n].covered;
        while (sum >> 16)
            sum = (sum & 0xffff) + (sum >> 16);
        h.check = htons((uint16_t)~sum);
        memcpy(packet, &h, sizeof(h));
        struct sockaddr_in name = name4("127.0.0.1", 0);
        CHECK_EQ(sendto(raw, packet, sizeof(packet), 0, (struct sockaddr *)&name, sizeof(name)),
                 sizeof(packet));
        if (lies[n].good) {
            CHECK_EQ(recv(fd, text, sizeof(text), 0), sizeof(packet) - sizeof(h));
        } else {
            CHECK_ERR(recv(fd, text, sizeof(text), MSG_DONTWAIT), EAGAIN);
        }
    }
    close(fd);
    close(raw);
}

static void listed(void)
{
    int port, fd = lite_socket(&port);
    char line[256], wanted[64];
    bool found = false;
    snprintf(wanted, sizeof(wanted), " 0100007F:%04X 00000000:0000 07 ", (unsigned)port);
    FILE *f = fopen("/proc/net/udplite", "re");
    while (f && fgets(line, sizeof(line), f))
        found = found || strstr(line, wanted);
    CHECK(found);
    if (f)
        fclose(f);
    f = fopen("/proc/net/udplite6", "re");
    CHECK(f && fgets(line, sizeof(line), f) && strstr(line, "remote_address"));
    if (f)
        fclose(f);
    close(fd);
}

int main(void)
{
    RUN(kinds);
    RUN(datagrams_with_names);
    RUN(over_ipv6);
    RUN(ports_of_their_own);
    RUN(nobody_there);
    RUN(coverage_is_set);
    RUN(coverage_is_sent);
    RUN(little_coverage_is_refused);
    RUN(headers_that_lie);
    RUN(listed);
    return check_done();
}
