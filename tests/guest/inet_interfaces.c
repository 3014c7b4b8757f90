/* What a program learns about the network: getifaddrs, if_nameindex, ioctl, netlink. Loopback is
 * there everywhere. */
#include <ifaddrs.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>

#include "tests/harness/inet.h"

static void addresses(void)
{
    struct ifaddrs *list = NULL;
    bool loopback4 = false, loopback6 = false, link = false;
    CHECK_OK(getifaddrs(&list));
    for (struct ifaddrs *i = list; i; i = i->ifa_next) {
        CHECK(i->ifa_name && *i->ifa_name);
        if (strcmp(i->ifa_name, "lo") || !i->ifa_addr)
            continue;
        CHECK_EQ(i->ifa_flags & (IFF_UP | IFF_LOOPBACK), IFF_UP | IFF_LOOPBACK);
        const struct sockaddr_in *in = (const struct sockaddr_in *)(const void *)i->ifa_addr;
        const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)(const void *)i->ifa_addr;
        if (in->sin_family == AF_INET && in->sin_addr.s_addr == htonl(INADDR_LOOPBACK)) {
            const struct sockaddr_in *mask =
                (const struct sockaddr_in *)(const void *)i->ifa_netmask;
            loopback4 = mask->sin_addr.s_addr == htonl(0xff000000);
        }
        loopback6 |= in6->sin6_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&in6->sin6_addr);
        link |= in->sin_family == AF_PACKET;
    }
    CHECK(loopback4);
    CHECK(loopback6);
    CHECK(link);
    freeifaddrs(list);
}

static void names_and_numbers(void)
{
    char name[IF_NAMESIZE] = "";
    CHECK_EQ(if_nametoindex("lo"), 1);
    CHECK_STR(if_indextoname(1, name), "lo");
    CHECK_EQ(if_nametoindex("nothing"), 0);
    CHECK_EQ(errno, ENODEV);
    struct if_nameindex *list = if_nameindex();
    CHECK(list && list[0].if_index == 1);
    if_freenameindex(list);
}

static void requests(void)
{
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    struct ifreq request = {.ifr_name = "lo"};
    CHECK_OK(ioctl(fd, SIOCGIFADDR, &request));
    const struct sockaddr_in *in = (const struct sockaddr_in *)(const void *)&request.ifr_addr;
    CHECK_EQ(ntohl(in->sin_addr.s_addr), INADDR_LOOPBACK);
    CHECK_OK(ioctl(fd, SIOCGIFFLAGS, &request));
    CHECK_EQ(request.ifr_flags & (IFF_UP | IFF_LOOPBACK), IFF_UP | IFF_LOOPBACK);
    CHECK_OK(ioctl(fd, SIOCGIFMTU, &request));
    CHECK_EQ(request.ifr_mtu, 65536);
    CHECK_OK(ioctl(fd, SIOCGIFINDEX, &request));
    CHECK_EQ(request.ifr_ifindex, 1);
    struct ifreq list[16];
    struct ifconf all = {.ifc_len = sizeof(list), .ifc_req = list};
    CHECK_OK(ioctl(fd, SIOCGIFCONF, &all));
    CHECK(all.ifc_len >= (int)sizeof(list[0]));
    CHECK_STR(list[0].ifr_name, "lo");
    strcpy(request.ifr_name, "nothing");
    CHECK_ERR(ioctl(fd, SIOCGIFADDR, &request), ENODEV);
    CHECK_ERR(syscall(SYS_ioctl, fd, SIOCGIFADDR, KERNEL_ADDRESS), EFAULT);
    close(fd);
}

/* An address that lasts for ever. */
static bool lasts(const struct nlmsghdr *m)
{
    size_t size = m->nlmsg_len - NLMSG_LENGTH(sizeof(struct ifaddrmsg));
    for (const struct rtattr *a = IFA_RTA(NLMSG_DATA(m)); RTA_OK(a, size); a = RTA_NEXT(a, size)) {
        const struct ifa_cacheinfo *info = RTA_DATA(a);
        if (a->rta_type == IFA_CACHEINFO)
            return info->ifa_valid == UINT32_MAX;
    }
    return false;
}

static void all_systems_are_a_group_of_loopback(void)
{
    char line[128] = "";
    int fd = socket(AF_INET, SOCK_DGRAM, 0); /* the network is there */
    CHECK_OK(bind4(fd, "127.0.0.1", 0));
    FILE *f = fopen("/proc/net/igmp", "r");
    while (f && fgets(line, sizeof(line), f) && !strstr(line, "lo  "))
        ;
    CHECK(f && fgets(line, sizeof(line), f) && strstr(line, "010000E0"));
    fclose(f);
    close(fd);
}

static void asking_the_kernel(void)
{
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
    struct sockaddr_nl name = {.nl_family = AF_NETLINK};
    socklen_t size = sizeof(name);
    struct {
        struct nlmsghdr head;
        struct rtgenmsg body;
    } request = {.head = {.nlmsg_len = sizeof(request),
                          .nlmsg_type = RTM_GETADDR,
                          .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP,
                          .nlmsg_seq = 77},
                 .body = {.rtgen_family = AF_INET}};
    static char answer[32768];
    CHECK_ERR(recv(fd, answer, sizeof(answer), MSG_DONTWAIT), EAGAIN);
    CHECK_OK(bind(fd, (struct sockaddr *)&name, sizeof(name)));
    CHECK_OK(getsockname(fd, (struct sockaddr *)&name, &size));
    CHECK_EQ(size, sizeof(name));
    CHECK(name.nl_pid != 0);
    CHECK_EQ(send(fd, &request, sizeof(request), 0), sizeof(request));
    bool done = false, any = false;
    while (!done) {
        ssize_t n = recv(fd, answer, sizeof(answer), 0);
        CHECK(n > 0);
        if (n <= 0)
            break;
        for (struct nlmsghdr *m = (struct nlmsghdr *)(void *)answer; NLMSG_OK(m, n);
             m = NLMSG_NEXT(m, n)) {
            CHECK_EQ(m->nlmsg_seq, 77);
            done |= m->nlmsg_type == NLMSG_DONE;
            any |= m->nlmsg_type == RTM_NEWADDR && lasts(m);
        }
    }
    CHECK(any);
    request.head.nlmsg_type = RTM_NEWADDR; /* without what it needs */
    request.head.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
    CHECK_EQ(send(fd, &request, sizeof(request), 0), sizeof(request));
    CHECK(recv(fd, answer, sizeof(answer), 0) > 0);
    CHECK_EQ(((struct nlmsghdr *)(void *)answer)->nlmsg_type, NLMSG_ERROR);
    close(fd);
    CHECK_ERR(socket(AF_NETLINK, SOCK_STREAM, NETLINK_ROUTE), ESOCKTNOSUPPORT);
}

/* Whether a line of a file of /proc/net has this in it. */
static bool listed(const char *path, const char *what)
{
    static char line[512];
    bool found = false;
    FILE *f = fopen(path, "r");
    while (f && fgets(line, sizeof(line), f))
        found |= strstr(line, what) != NULL;
    if (f)
        fclose(f);
    return found;
}

static void tables_of_proc(void)
{
    int port, server = tcp_server(&port), udp_port, udp = udp_socket("127.0.0.1", &udp_port);
    char text[64];
    snprintf(text, sizeof(text), " 0100007F:%04X 00000000:0000 0A ", port);
    CHECK(listed("/proc/net/tcp", text));
    snprintf(text, sizeof(text), " 0100007F:%04X 00000000:0000 07 ", udp_port);
    CHECK(listed("/proc/net/udp", text));
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    CHECK_OK(connect4(fd, "127.0.0.1", port));
    snprintf(text, sizeof(text), " 0100007F:%04X 0100007F:%04X 01 ", port_of(fd, false), port);
    CHECK(listed("/proc/net/tcp", text));
    int six = socket(AF_INET6, SOCK_STREAM, 0);
    CHECK_OK(bind6(six, "::1", 0));
    CHECK_OK(listen(six, 1));
    snprintf(text, sizeof(text), " 00000000000000000000000001000000:%04X ", port_of(six, false));
    CHECK(listed("/proc/net/tcp6", text));
    CHECK(listed("/proc/net/dev", "lo:"));
    CHECK(listed("/proc/net/if_inet6", "00000000000000000000000000000001 01 80 10 80"));
    CHECK(listed("/proc/net/route", "Iface"));
    close(six);
    close(fd);
    close(udp);
    close(server);
}

int main(void)
{
    RUN(addresses);
    RUN(names_and_numbers);
    RUN(requests);
    RUN(asking_the_kernel);
    RUN(all_systems_are_a_group_of_loopback);
    RUN(tables_of_proc);
    return check_done();
}
