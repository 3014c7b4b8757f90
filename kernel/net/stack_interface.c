/* Network interfaces for who asks: ioctl, netlink, /proc. */
#include <asm/ioctls.h>
#include <linux/in.h>
#include <linux/sockios.h>
#include <lwip/etharp.h>
#include <lwip/netif.h>
#include <lwip/priv/nd6_priv.h>

#include "kernel/arch/uaccess.h"
#include "kernel/base/errno.h"
#include "kernel/base/format.h"
#include "kernel/base/string.h"
#include "kernel/net/abi.h"
#include "kernel/net/interface.h"
#include "kernel/net/socket.h"
#include "kernel/net/stack.h"
#include "kernel/net/stack_route.h"

/* As in <linux/if.h>, which can't be included here: it brings libc's headers along. */
#define IFF_UP 0x1
#define IFF_BROADCAST 0x2
#define IFF_LOOPBACK 0x8
#define IFF_RUNNING 0x40
#define IFF_MULTICAST 0x1000
#define ARPHRD_ETHER 1
#define ARPHRD_LOOPBACK 772

struct ifreq_kernel {
    char name[INTERFACE_NAME_BYTES];
    union {
        struct sockaddr_in address;
        int16_t flags;
        int32_t number;
        uint8_t hardware[2 + 6]; /* family, address */
        uint8_t room[24];
    };
};
_Static_assert(sizeof(struct ifreq_kernel) == 40, "struct ifreq");

struct ifconf_kernel {
    int32_t size, pad;
    uint64_t buffer;
};

#define ETHERNET_QUEUE 1000
#define ETHTOOL_GET_LINK 0xau
#define ADDRESS_BYTES 6u
#define METRIC_NETWORK 256u /* IPv6's, as on Linux */
#define METRIC_ROUTER 1024u

static bool is_loopback(const struct netif *netif)
{
    return netif->name[0] == 'l';
}

static void describe_addresses6(const struct netif *netif, struct interface_info *out)
{
    for (int i = 0; i < LWIP_IPV6_NUM_ADDRESSES; i++) {
        if (!ip6_addr_isvalid(netif_ip6_addr_state(netif, i)) ||
            out->address6_count == INTERFACE_ADDRESSES)
            continue;
        unsigned at = out->address6_count++;
        memcpy(out->address6[at].address, netif_ip6_addr(netif, i)->addr,
               sizeof(out->address6[at].address));
        out->address6[at].prefix = is_loopback(netif) ? 128 : 64;
    }
    const ip6_addr_t *gateway = route_gateway6(netif);
    if (gateway)
        memcpy(out->gateway6, gateway->addr, sizeof(out->gateway6));
}

static void count_loopback(const struct netif *netif, struct interface_info *out)
{
    const struct stats_mib2_netif_ctrs *c = &netif->mib2_counters;
    out->received_bytes = c->ifinoctets;
    out->received_packets = c->ifinucastpkts;
    out->sent_bytes = c->ifoutoctets;
    out->sent_packets = c->ifoutucastpkts;
}

static void describe(const struct netif *netif, struct interface_info *out)
{
    *out = (struct interface_info){.index = netif_get_index(netif),
                                   .loopback = is_loopback(netif),
                                   .up = netif_is_up(netif) != 0,
                                   .mtu = is_loopback(netif) ? 65536 : netif->mtu,
                                   .address = netif_ip4_addr(netif)->addr,
                                   .netmask = netif_ip4_netmask(netif)->addr,
                                   .gateway = is_loopback(netif) ? 0 : netif_ip4_gw(netif)->addr};
    if (out->loopback)
        format(out->name, sizeof(out->name), "lo");
    else
        format(out->name, sizeof(out->name), "eth%u", out->index - 2);
    out->broadcast = out->loopback ? 0 : out->address | ~out->netmask;
    memcpy(out->hardware_address, netif->hwaddr, sizeof(out->hardware_address));
    describe_addresses6(netif, out);
    if (out->loopback)
        count_loopback(netif, out);
    else
        interface_counts(netif->state, out);
}

bool interface_next(unsigned index, struct interface_info *out)
{
    const struct netif *netif, *best = NULL;
    if (net_start())
        return false;
    net_lock();
    NETIF_FOREACH(netif)
    {
        unsigned at = netif_get_index(netif);
        if (at >= index && (!best || at < netif_get_index(best)))
            best = netif;
    }
    if (best)
        describe(best, out);
    net_unlock();
    return best != NULL;
}

bool interface_find(const char *name, struct interface_info *out)
{
    for (unsigned index = 1; interface_next(index, out); index = out->index + 1)
        if (strcmp(name, out->name) == 0)
            return true;
    return false;
}

unsigned interface_routes6(const struct interface_info *i, struct interface_route6 *out)
{
    const uint8_t none[16] = {0};
    unsigned count = 0;
    for (unsigned n = 0; n < i->address6_count && !i->loopback; n++) {
        struct interface_route6 route = {.prefix = i->address6[n].prefix, .metric = METRIC_NETWORK};
        unsigned known = 0;
        memcpy(route.to, i->address6[n].address, route.prefix / 8);
        while (known < count && memcmp(out[known].to, route.to, sizeof(route.to)) != 0)
            known++;
        if (known == count)
            out[count++] = route;
    }
    if (memcmp(i->gateway6, none, sizeof(none)) != 0) {
        out[count] = (struct interface_route6){.metric = METRIC_ROUTER};
        memcpy(out[count++].gateway, i->gateway6, sizeof(i->gateway6));
    }
    return count;
}

/* ---- neighbours ---- */

static bool neighbor4(unsigned at, struct interface_neighbor *out)
{
    ip4_addr_t *address;
    struct netif *netif;
    struct eth_addr *hardware;
    if (!etharp_get_entry(at, &address, &netif, &hardware))
        return false;
    *out = (struct interface_neighbor){.index = netif_get_index(netif)};
    memcpy(out->address, address, sizeof(address->addr));
    memcpy(out->hardware, hardware, ADDRESS_BYTES);
    return true;
}

static bool neighbor6(unsigned at, struct interface_neighbor *out)
{
    const struct nd6_neighbor_cache_entry *e = &neighbor_cache[at];
    if (e->state < ND6_REACHABLE || !e->netif)
        return false;
    *out = (struct interface_neighbor){.v6 = true, .index = netif_get_index(e->netif)};
    memcpy(out->address, e->next_hop_address.addr, sizeof(out->address));
    memcpy(out->hardware, e->lladdr, ADDRESS_BYTES);
    return true;
}

bool interface_neighbor(unsigned *at, struct interface_neighbor *out)
{
    bool found = false;
    if (net_start())
        return false;
    net_lock();
    for (; !found && *at < ARP_TABLE_SIZE + LWIP_ND6_NUM_NEIGHBORS; ++*at)
        found = *at < ARP_TABLE_SIZE ? neighbor4(*at, out) : neighbor6(*at - ARP_TABLE_SIZE, out);
    net_unlock();
    return found;
}

/* ioctl: struct ifreq_kernel is a name and what is asked for. */

static void put_address(struct ifreq_kernel *request, uint32_t address)
{
    request->address = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = address};
}

static int16_t flags_of(const struct interface_info *i)
{
    int16_t flags = i->loopback ? IFF_LOOPBACK : IFF_BROADCAST | IFF_MULTICAST;
    return (int16_t)(flags | (i->up ? IFF_UP | IFF_RUNNING : 0));
}

static void put_hardware(struct ifreq_kernel *request, const struct interface_info *i)
{
    uint16_t family = i->loopback ? ARPHRD_LOOPBACK : ARPHRD_ETHER;
    memcpy(request->hardware, &family, sizeof(family));
    memcpy(request->hardware + sizeof(family), i->hardware_address, ADDRESS_BYTES);
}

/* Interfaces are what the run record says: nobody changes them. */
static bool is_change(unsigned what)
{
    return what == SIOCSIFFLAGS || what == SIOCSIFADDR || what == SIOCSIFDSTADDR ||
           what == SIOCSIFBRDADDR || what == SIOCSIFNETMASK || what == SIOCSIFMETRIC ||
           what == SIOCSIFMTU || what == SIOCSIFNAME || what == SIOCSIFHWADDR ||
           what == SIOCSIFTXQLEN || what == SIOCADDRT || what == SIOCDELRT;
}

/* SIOCETHTOOL: whether there is a link; nothing else is known of a card. */
static int tell_card(const struct ifreq_kernel *request, const struct interface_info *i)
{
    uint32_t command;
    struct uptr at = {0};
    memcpy(&at, request->room, sizeof(at));
    if (copy_from_user(&command, at, sizeof(command)))
        return -EFAULT;
    const uint32_t link[2] = {command, i->up};
    return command == ETHTOOL_GET_LINK ? copy_to_user(at, link, sizeof(link)) : -EOPNOTSUPP;
}

static int answer(unsigned what, struct ifreq_kernel *request, const struct interface_info *i)
{
    switch (what) {
    case SIOCGIFADDR:
        put_address(request, i->address);
        return i->address ? 0 : -EADDRNOTAVAIL;
    case SIOCGIFNETMASK:
        put_address(request, i->netmask);
        return i->address ? 0 : -EADDRNOTAVAIL;
    case SIOCGIFBRDADDR:
        put_address(request, i->broadcast);
        return i->address ? 0 : -EADDRNOTAVAIL;
    case SIOCGIFFLAGS:
        request->flags = flags_of(i);
        return 0;
    case SIOCGIFMTU:
        request->number = (int)i->mtu;
        return 0;
    case SIOCGIFINDEX:
        request->number = (int)i->index;
        return 0;
    case SIOCGIFHWADDR:
        put_hardware(request, i);
        return 0;
    case SIOCGIFTXQLEN:
        request->number = ETHERNET_QUEUE;
        return 0;
    case SIOCGIFMETRIC:
        request->number = 0;
        return 0;
    case SIOCGIFDSTADDR:
        put_address(request, i->loopback ? i->address : 0);
        return i->address ? 0 : -EADDRNOTAVAIL;
    case SIOCGIFMAP:
        memset(request->room, 0, sizeof(request->room));
        return 0;
    default:
        return is_change(what) ? -EPERM : -EINVAL;
    }
}

static int64_t get_name(struct uptr arg)
{
    struct ifreq_kernel request;
    struct interface_info i;
    if (copy_from_user(&request, arg, sizeof(request)))
        return -EFAULT;
    int index = request.number;
    if (index < 1 || !interface_next((unsigned)index, &i) || i.index != (unsigned)index)
        return -ENODEV;
    memcpy(request.name, i.name, sizeof(i.name));
    return copy_to_user(arg, &request, sizeof(request));
}

/* All interfaces with their IPv4 address. */
static int64_t get_list(struct uptr arg)
{
    struct ifconf_kernel list;
    struct interface_info i;
    int done = 0;
    if (copy_from_user(&list, arg, sizeof(list)))
        return -EFAULT;
    struct uptr to = {list.buffer};
    for (unsigned index = 1; interface_next(index, &i); index = i.index + 1) {
        struct ifreq_kernel request = {0};
        if (!i.address)
            continue;
        memcpy(request.name, i.name, sizeof(i.name));
        put_address(&request, i.address);
        if (!uptr_is_null(to)) {
            if (list.size - done < (int)sizeof(request))
                break;
            if (copy_to_user(uptr_add(to, (uint64_t)done), &request, sizeof(request)))
                return -EFAULT;
        }
        done += (int)sizeof(request);
    }
    list.size = done;
    return copy_to_user(arg, &list, sizeof(list));
}

int64_t interface_ioctl(unsigned what, struct uptr arg)
{
    struct ifreq_kernel request;
    struct interface_info i;
    if (what == SIOCGIFCONF)
        return get_list(arg);
    if (what == SIOCGIFNAME)
        return get_name(arg);
    if (what == SIOCADDRT || what == SIOCDELRT)
        return -EPERM;
    if ((what < SIOCGIFFLAGS || what > SIOCGIFTXQLEN) && what != SIOCETHTOOL &&
        what != SIOCSIFTXQLEN && what != SIOCGIFMAP)
        return -ENOTTY;
    if (copy_from_user(&request, arg, sizeof(request)))
        return -EFAULT;
    request.name[INTERFACE_NAME_BYTES - 1] = '\0';
    if (!interface_find(request.name, &i))
        return -ENODEV;
    if (what == SIOCETHTOOL)
        return tell_card(&request, &i);
    int err = answer(what, &request, &i);
    return err ? err : copy_to_user(arg, &request, sizeof(request));
}
