/*
 * Groups of multicast. A socket is a member by itself, of a group on an interface, with the sources
 * it wants (include) or doesn't want; lwIP's interfaces are joined to what any socket is a member
 * of. All under the net lock.
 */
#include <linux/in.h>
#include <linux/in6.h>
#include <lwip/igmp.h>
#include <lwip/ip.h>
#include <lwip/mld6.h>
#include <lwip/netif.h>

#include "kernel/base/errno.h"
#include "kernel/base/string.h"
#include "kernel/mm/heap.h"
#include "kernel/net/inet_priv.h"

#define MEMBERSHIPS_MAX 20u /* igmp_max_memberships: of IPv4, one socket's */
#define SOURCES_MAX4 10u    /* igmp_max_msf */
#define SOURCES_MAX6 64u    /* mld_max_msf */

#define MEMORY_MAX 131072u /* optmem_max: bytes of one socket's memberships */

struct membership {
    struct list_node node; /* of its socket */
    struct list_node all;
    ip_addr_t group;
    unsigned interface;
    bool include;
    unsigned count;
    ip_addr_t *sources; /* room for as many as there may be, or NULL: none yet */
};

/* What an option asks for. */
struct request {
    bool v6;
    int64_t interface; /* 0: none is named */
    uint32_t address;  /* IPv4: of the interface, network order; 0: none */
    ip_addr_t group, source;
};

static struct list_node memberships = LIST_INIT(memberships); /* GUARDED_BY(net_spinlock) */

static bool same_address(const ip_addr_t *a, const ip_addr_t *b)
{
    if (IP_IS_V6(a) != IP_IS_V6(b))
        return false;
    return IP_IS_V6(a) ? ip6_addr_cmp_zoneless(ip_2_ip6(a), ip_2_ip6(b))
                       : ip4_addr_cmp(ip_2_ip4(a), ip_2_ip4(b));
}

/* ---- interfaces ---- */

struct netif *inet_interface(int64_t index)
{
    return index > 0 && index <= UINT8_MAX ? netif_get_by_index((u8_t)index) : NULL;
}

struct netif *group_interface4(uint32_t address)
{
    struct netif *netif;
    const ip4_addr_t wanted = {address};
    NETIF_FOREACH(netif)
    {
        bool loopback = ip4_addr_isloopback(&wanted) && ip4_addr_isloopback(netif_ip4_addr(netif));
        if (loopback || ip4_addr_cmp(netif_ip4_addr(netif), &wanted))
            return netif;
    }
    return NULL;
}

/* The interface that a request means; NULL: there is none. */
static struct netif *interface_of(const struct request *r)
{
    if (r->interface)
        return inet_interface(r->interface);
    if (r->address)
        return group_interface4(r->address);
    return r->v6 ? netif_default : ip4_route(ip_2_ip4(&r->group));
}

/* Whether lwIP has to know: of these two it is a member by itself. */
static bool is_everybody(const ip_addr_t *group)
{
    return IP_IS_V6(group) ? ip6_addr_isallnodes_iflocal(ip_2_ip6(group)) ||
                                 ip6_addr_isallnodes_linklocal(ip_2_ip6(group))
                           : ip_2_ip4(group)->addr == PP_HTONL(0xe0000001);
}

static bool somebody_else(const struct membership *m)
{
    list_for_each(node, &memberships)
    {
        const struct membership *at = list_entry(node, struct membership, all);
        if (at != m && at->interface == m->interface && same_address(&at->group, &m->group))
            return true;
    }
    return false;
}

static void tell_interface(const struct membership *m, bool join)
{
    struct netif *netif = inet_interface(m->interface);
    if (!netif || is_everybody(&m->group) || somebody_else(m))
        return;
    if (IP_IS_V6_VAL(m->group))
        (void)(join ? mld6_joingroup_netif(netif, ip_2_ip6(&m->group))
                    : mld6_leavegroup_netif(netif, ip_2_ip6(&m->group)));
    else
        (void)(join ? igmp_joingroup_netif(netif, ip_2_ip4(&m->group))
                    : igmp_leavegroup_netif(netif, ip_2_ip4(&m->group)));
}

/* ---- members ---- */

static struct membership *find(const struct inet_socket *i, const ip_addr_t *group,
                               unsigned interface)
{
    list_for_each(node, &i->groups)
    {
        struct membership *m = list_entry(node, struct membership, node);
        if (m->interface == interface && same_address(&m->group, group))
            return m;
    }
    return NULL;
}

static int find_source(const struct membership *m, const ip_addr_t *source)
{
    for (unsigned n = 0; n < m->count; n++)
        if (same_address(&m->sources[n], source))
            return (int)n;
    return -1;
}

static unsigned sources_max(const ip_addr_t *group)
{
    return IP_IS_V6(group) ? SOURCES_MAX6 : SOURCES_MAX4;
}

/* What a membership takes of its socket's share. */
static uint32_t memory_of(const struct membership *m)
{
    return (uint32_t)(sizeof(*m) + (m->sources ? sources_max(&m->group) * sizeof(*m->sources) : 0));
}

/* Whether i's memberships may have so many bytes more. */
static bool has_memory(const struct inet_socket *i, size_t more)
{
    size_t taken = more;
    list_for_each(node, &i->groups) taken += memory_of(list_entry(node, struct membership, node));
    return taken <= MEMORY_MAX;
}

static int join(struct inet_socket *i, const struct request *r, bool include)
{
    struct netif *netif = interface_of(r);
    if (!netif)
        return -ENODEV;
    if (find(i, &r->group, netif_get_index(netif)))
        return -EADDRINUSE;
    unsigned count = 0;
    list_for_each(node, &i->groups) count +=
        IP_IS_V6_VAL(list_entry(node, struct membership, node)->group) == r->v6;
    if (count >= MEMBERSHIPS_MAX && !r->v6)
        return -ENOBUFS;
    struct membership *m = has_memory(i, sizeof(*m))
                               ? heap_zalloc_flags(sizeof(*m), ALLOC_OBJECT | ALLOC_LOCKED)
                               : NULL;
    if (!m)
        return r->v6 ? -ENOMEM : -ENOBUFS;
    m->group = r->group;
    m->interface = netif_get_index(netif);
    m->include = include;
    if (r->v6)
        ip6_addr_assign_zone(ip_2_ip6(&m->group), IP6_MULTICAST, netif);
    tell_interface(m, true);
    list_add_tail(&i->groups, &m->node);
    list_add_tail(&memberships, &m->all);
    return 0;
}

static void leave(struct membership *m)
{
    tell_interface(m, false);
    list_remove(&m->node);
    list_remove(&m->all);
    heap_free(m->sources);
    heap_free(m);
}

void group_leave_all(struct inet_socket *i)
{
    while (!list_empty(&i->groups))
        leave(list_entry(i->groups.next, struct membership, node));
}

/* Without a word on the interface it is the first membership of the group that ends. */
static int leave_named(struct inet_socket *i, const struct request *r)
{
    bool any = !r->interface && !r->address;
    const struct netif *netif = any ? NULL : interface_of(r);
    if (!any && !netif)
        return -ENODEV;
    list_for_each(node, &i->groups)
    {
        struct membership *m = list_entry(node, struct membership, node);
        if (!same_address(&m->group, &r->group) || (!any && m->interface != netif_get_index(netif)))
            continue;
        leave(m);
        return 0;
    }
    return -EADDRNOTAVAIL;
}

/* ---- sources ---- */

static int add_source(const struct inet_socket *i, struct membership *m, const ip_addr_t *source)
{
    unsigned most = sources_max(&m->group);
    if (m->count >= most)
        return -ENOBUFS;
    if (!m->sources && has_memory(i, most * sizeof(*m->sources)))
        m->sources = heap_alloc_flags(most * sizeof(*m->sources), ALLOC_OBJECT | ALLOC_LOCKED);
    if (!m->sources)
        return -ENOBUFS;
    m->sources[m->count++] = *source;
    return 0;
}

/* Adds a source to those wanted (include) or not wanted, or takes it from them. */
static int change_source(struct inet_socket *i, const struct request *r, bool include, bool add)
{
    const struct netif *netif = interface_of(r);
    if (!netif)
        return -ENODEV;
    struct membership *m = find(i, &r->group, netif_get_index(netif));
    if (!m || (m->count && m->include != include))
        return -EINVAL;
    m->include = include;
    int at = find_source(m, &r->source);
    if ((at >= 0) == add)
        return -EADDRNOTAVAIL;
    if (add)
        return add_source(i, m, &r->source);
    m->sources[at] = m->sources[--m->count];
    if (include && m->count == 0)
        leave(m);
    return 0;
}

static int join_source(struct inet_socket *i, const struct request *r)
{
    int err = join(i, r, true);
    if (err && err != -EADDRINUSE)
        return err;
    return change_source(i, r, true, true);
}

/* ---- what comes ---- */

static bool takes(const struct membership *m, const ip_addr_t *source)
{
    return (find_source(m, source) >= 0) == m->include;
}

/* Whether the interface would let it in at all. */
static bool interface_takes(const ip_addr_t *group, const ip_addr_t *source, unsigned interface)
{
    if (is_everybody(group))
        return true;
    bool any = false;
    list_for_each(node, &memberships)
    {
        const struct membership *m = list_entry(node, struct membership, all);
        if (m->interface != interface || !same_address(&m->group, group))
            continue;
        if (takes(m, source))
            return true;
        any = true;
    }
    return !any; /* it is lwIP's own */
}

bool group_wanted(const struct inet_socket *i, const ip_addr_t *group, const ip_addr_t *source,
                  unsigned interface)
{
    bool v6 = IP_IS_V6(group);
    list_for_each(node, &i->groups)
    {
        const struct membership *m = list_entry(node, struct membership, node);
        if (same_address(&m->group, group) && (v6 || m->interface == interface))
            return takes(m, source);
    }
    return (v6 ? i->options.group_all6 : i->options.group_all) &&
           interface_takes(group, source, interface);
}

/* ---- options ---- */

static void set4(ip_addr_t *to, uint32_t address)
{
    ip_addr_set_ip4_u32_val(*to, address);
}

static void set6(ip_addr_t *to, const struct in6_addr *address)
{
    memset(to, 0, sizeof(*to));
    IP_SET_TYPE_VAL(*to, IPADDR_TYPE_V6);
    memcpy(ip_2_ip6(to)->addr, address, sizeof(ip_2_ip6(to)->addr));
}

/* An address of MCAST_...: of the level's family, or it is refused. */
static int set_any(const struct request *r, ip_addr_t *to,
                   const struct __kernel_sockaddr_storage *name)
{
    struct sockaddr_in in;
    struct sockaddr_in6 in6;
    if (name->ss_family != (r->v6 ? AF_INET6 : AF_INET))
        return -EADDRNOTAVAIL;
    memcpy(&in, name, sizeof(in));
    memcpy(&in6, name, sizeof(in6));
    if (r->v6)
        set6(to, &in6.sin6_addr);
    else
        set4(to, in.sin_addr.s_addr);
    return 0;
}

static int apply(struct inet_socket *i, int option, const struct request *r)
{
    switch (option) {
    case IP_ADD_MEMBERSHIP:
    case MCAST_JOIN_GROUP:
        return join(i, r, false);
    case IP_DROP_MEMBERSHIP:
    case MCAST_LEAVE_GROUP:
        return leave_named(i, r);
    case IP_ADD_SOURCE_MEMBERSHIP:
    case MCAST_JOIN_SOURCE_GROUP:
        return join_source(i, r);
    case IP_DROP_SOURCE_MEMBERSHIP:
    case MCAST_LEAVE_SOURCE_GROUP:
        return change_source(i, r, true, false);
    case IP_BLOCK_SOURCE:
    case MCAST_BLOCK_SOURCE:
        return change_source(i, r, false, true);
    default:
        return change_source(i, r, false, false);
    }
}

static int apply_locked(struct inet_socket *i, int option, const struct request *r)
{
    if (i->base.type == SOCK_STREAM)
        return -EPROTO;
    bool leaves = option == IP_DROP_MEMBERSHIP || option == MCAST_LEAVE_GROUP;
    if (!ip_addr_ismulticast(&r->group) && !(leaves && !r->v6))
        return -EINVAL;
    net_lock();
    int err = apply(i, option, r);
    net_unlock();
    return err;
}

static int set_plain4(struct inet_socket *i, int option, struct uptr value, unsigned size)
{
    struct ip_mreqn named = {0};
    if (i->base.type == SOCK_STREAM)
        return -EPROTO;
    if (size < sizeof(struct ip_mreq))
        return -EINVAL;
    size = size < sizeof(named) ? sizeof(struct ip_mreq) : sizeof(named);
    if (copy_from_user(&named, value, size))
        return -EFAULT;
    struct request r = {.interface = named.imr_ifindex, .address = named.imr_address.s_addr};
    set4(&r.group, named.imr_multiaddr.s_addr);
    return apply_locked(i, option, &r);
}

static int set_source4(struct inet_socket *i, int option, struct uptr value, unsigned size)
{
    struct ip_mreq_source named;
    if (size != sizeof(named) || i->base.type == SOCK_STREAM)
        return -EINVAL;
    if (copy_from_user(&named, value, sizeof(named)))
        return -EFAULT;
    struct request r = {.address = named.imr_interface};
    set4(&r.group, named.imr_multiaddr);
    set4(&r.source, named.imr_sourceaddr);
    return apply_locked(i, option, &r);
}

static int set_plain6(struct inet_socket *i, int option, struct uptr value, unsigned size)
{
    struct ipv6_mreq named;
    if (size < sizeof(named))
        return -EINVAL;
    if (copy_from_user(&named, value, sizeof(named)))
        return -EFAULT;
    struct request r = {.v6 = true, .interface = named.ipv6mr_ifindex};
    set6(&r.group, &named.ipv6mr_multiaddr);
    return apply_locked(i, option, &r);
}

static int set_group(struct inet_socket *i, bool v6, int option, struct uptr value, unsigned size)
{
    struct group_req named;
    if (size < sizeof(named))
        return -EINVAL;
    if (copy_from_user(&named, value, sizeof(named)))
        return -EFAULT;
    struct request r = {.v6 = v6, .interface = named.gr_interface};
    if (set_any(&r, &r.group, &named.gr_group))
        return v6 ? -EADDRNOTAVAIL : -EINVAL;
    return apply_locked(i, option, &r);
}

static int set_group_source(struct inet_socket *i, bool v6, int option, struct uptr value,
                            unsigned size)
{
    struct group_source_req named;
    if (size < sizeof(named))
        return -EINVAL;
    if (copy_from_user(&named, value, sizeof(named)))
        return -EFAULT;
    struct request r = {.v6 = v6, .interface = named.gsr_interface};
    int err = set_any(&r, &r.group, &named.gsr_group);
    if (!err)
        err = set_any(&r, &r.source, &named.gsr_source);
    return err ? err : apply_locked(i, option, &r);
}

/* ---- whole filters: IP_MSFILTER, MCAST_MSFILTER ---- */

/* The head of either: both are followed by addresses. */
struct filter {
    struct request request;
    uint32_t mode, count;
    unsigned head, each; /* bytes of the head; of an address */
};

static int read_filter(const struct inet_socket *i, int level, int option, struct uptr value,
                       unsigned size, struct filter *f)
{
    struct ip_msfilter plain;
    struct group_filter general;
    bool short_form = option == IP_MSFILTER;
    memset(f, 0, sizeof(*f));
    f->head = short_form ? IP_MSFILTER_SIZE(0) : GROUP_FILTER_SIZE(0);
    f->each = short_form ? sizeof(uint32_t) : sizeof(struct __kernel_sockaddr_storage);
    f->request.v6 = level == IPPROTO_IPV6;
    if (size < f->head)
        return -EINVAL;
    if (copy_from_user(short_form ? (void *)&plain : &general, value, f->head))
        return -EFAULT;
    f->mode = short_form ? plain.imsf_fmode : general.gf_fmode;
    f->count = short_form ? plain.imsf_numsrc : general.gf_numsrc;
    if (short_form) {
        f->request.address = plain.imsf_interface;
        set4(&f->request.group, plain.imsf_multiaddr);
    } else {
        f->request.interface = general.gf_interface;
        if (set_any(&f->request, &f->request.group, &general.gf_group))
            return -EADDRNOTAVAIL;
    }
    return i->base.type == SOCK_STREAM || !ip_addr_ismulticast(&f->request.group) ? -EINVAL : 0;
}

static int read_source(const struct filter *f, struct uptr from, ip_addr_t *to)
{
    struct __kernel_sockaddr_storage name;
    uint32_t address;
    if (f->each == sizeof(address)) {
        if (copy_from_user(&address, from, sizeof(address)))
            return -EFAULT;
        set4(to, address);
        return 0;
    }
    return copy_from_user(&name, from, sizeof(name)) ? -EFAULT : set_any(&f->request, to, &name);
}

/* The membership takes over the sources. */
static int replace_filter(struct inet_socket *i, const struct filter *f, ip_addr_t *sources)
{
    const struct netif *netif = interface_of(&f->request);
    if (!netif)
        return -ENODEV;
    struct membership *m = find(i, &f->request.group, netif_get_index(netif));
    if (!m)
        return f->mode == MCAST_INCLUDE && f->count == 0 ? -EADDRNOTAVAIL : -EINVAL;
    if (f->mode == MCAST_INCLUDE && f->count == 0) {
        leave(m);
        return -ENOENT;
    }
    if (!m->sources && !has_memory(i, sources_max(&m->group) * sizeof(*sources)))
        return -ENOBUFS;
    heap_free(m->sources);
    m->sources = sources;
    m->count = f->count;
    m->include = f->mode == MCAST_INCLUDE;
    return 0;
}

static int set_filter(struct inet_socket *i, int level, int option, struct uptr value,
                      unsigned size)
{
    struct filter f;
    int err = read_filter(i, level, option, value, size, &f);
    unsigned most = sources_max(&f.request.group);
    if (err)
        return err;
    if (f.count > most)
        return -ENOBUFS;
    if (size < f.head + f.count * f.each || f.mode > MCAST_INCLUDE)
        return -EINVAL;
    ip_addr_t *sources = heap_alloc_object(most * sizeof(*sources));
    if (!sources)
        return -ENOBUFS;
    for (unsigned n = 0; n < f.count && !err; n++)
        err = read_source(&f, uptr_add(value, f.head + n * f.each), &sources[n]);
    if (!err) {
        net_lock();
        err = replace_filter(i, &f, sources);
        net_unlock();
    }
    if (err)
        heap_free(sources);
    return err == -ENOENT ? 0 : err;
}

/* Writes the head anew, and returns how many sources were copied, or -errno. */
static int copy_filter(const struct inet_socket *i, struct filter *f, ip_addr_t *out)
{
    const struct netif *netif = interface_of(&f->request);
    const struct membership *m = netif ? find(i, &f->request.group, netif_get_index(netif)) : NULL;
    if (!m)
        return netif ? -EADDRNOTAVAIL : -ENODEV;
    unsigned count = (unsigned)min_u64(f->count, m->count);
    if (count)
        memcpy(out, m->sources, count * sizeof(*out));
    f->mode = m->include;
    f->count = m->count;
    return (int)count;
}

static int write_source(const struct filter *f, struct uptr to, const ip_addr_t *source)
{
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = ip_2_ip4(source)->addr};
    if (f->each == sizeof(uint32_t))
        return copy_to_user(to, &ip_2_ip4(source)->addr, sizeof(uint32_t));
    if (!f->request.v6)
        return copy_to_user(to, &in, sizeof(in));
    memcpy(&in6.sin6_addr, ip_2_ip6(source)->addr, sizeof(in6.sin6_addr));
    return copy_to_user(to, &in6, sizeof(in6));
}

int group_get_option(struct inet_socket *i, int level, int option, struct uptr value,
                     struct uptr size)
{
    struct filter f;
    ip_addr_t sources[SOURCES_MAX6];
    int room;
    bool ours = level == IPPROTO_IPV6
                    ? i->base.family == AF_INET6 && option == MCAST_MSFILTER
                    : level == IPPROTO_IP &&
                          (i->base.type != SOCK_RAW || i->base.family == AF_INET) &&
                          (option == IP_MSFILTER || option == MCAST_MSFILTER);
    if (!ours)
        return -ENOPROTOOPT;
    if (copy_from_user(&room, size, sizeof(room)))
        return -EFAULT;
    int err = read_filter(i, level, option, value, room < 0 ? 0 : (unsigned)room, &f);
    if (err)
        return err;
    net_lock();
    int count = copy_filter(i, &f, sources);
    net_unlock();
    if (count < 0)
        return count;
    room = (int)(f.head + (unsigned)count * f.each);
    uint32_t told[2] = {f.mode, f.count};
    if (copy_to_user(uptr_add(value, f.head - sizeof(told)), told, sizeof(told)))
        return -EFAULT;
    for (int n = 0; n < count; n++)
        if (write_source(&f, uptr_add(value, f.head + (unsigned)n * f.each), &sources[n]))
            return -EFAULT;
    return copy_to_user(size, &room, sizeof(room));
}

int group_set_option(struct inet_socket *i, int level, int option, struct uptr value, unsigned size)
{
    bool v6 = level == IPPROTO_IPV6;
    if (v6 ? i->base.family != AF_INET6 : i->base.type == SOCK_RAW && i->base.family == AF_INET6)
        return -ENOPROTOOPT;
    if (v6 && (option == IPV6_ADD_MEMBERSHIP || option == IPV6_DROP_MEMBERSHIP))
        return set_plain6(i, option == IPV6_ADD_MEMBERSHIP ? IP_ADD_MEMBERSHIP : IP_DROP_MEMBERSHIP,
                          value, size);
    if (!v6 && (option == IP_ADD_MEMBERSHIP || option == IP_DROP_MEMBERSHIP))
        return set_plain4(i, option, value, size);
    if (!v6 && option >= IP_UNBLOCK_SOURCE && option <= IP_DROP_SOURCE_MEMBERSHIP)
        return set_source4(i, option, value, size);
    if (option == MCAST_JOIN_GROUP || option == MCAST_LEAVE_GROUP)
        return set_group(i, v6, option, value, size);
    if (option == MCAST_MSFILTER || (!v6 && option == IP_MSFILTER))
        return set_filter(i, level, option, value, size);
    return option > MCAST_JOIN_GROUP && option < MCAST_MSFILTER
               ? set_group_source(i, v6, option, value, size)
               : -ENOPROTOOPT;
}
