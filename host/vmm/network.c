/*
 * The machine's network.
 */
#include "host/vmm/network.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "host/base/say.h"
#include "host/image/image.h"
#include "host/image/spec.h"

#define LOCALHOST "127.0.0.1"
#define EVERYWHERE "0.0.0.0"
#define MONITOR_FDS 256 /* more than QEMU has open */
#define BACKLOG 4096
#define EPHEMERAL_FIRST 32768 /* ports from here on are nobody's choice */

/* ---- what -p says ---- */

struct range {
    uint16_t first, count;
};

/* A port; *text moves behind it. 0: there is none. */
static uint16_t parse_port(const char **text)
{
    char *end;
    if (!isdigit((unsigned char)**text))
        return 0;
    unsigned long port = strtoul(*text, &end, 10);
    *text = end;
    return port <= UINT16_MAX ? (uint16_t)port : 0;
}

/* A port or FIRST-LAST; *text moves behind it. */
static bool parse_range(const char **text, struct range *out)
{
    uint16_t first = parse_port(text), last = first;
    if (**text == '-') {
        ++*text;
        last = parse_port(text);
    }
    *out = (struct range){first, (uint16_t)(last - first + 1)};
    return first && last >= first;
}

/* "ADDRESS:" at the start, if there is one. False: it is no IPv4 address. */
static bool parse_address(const char **text, struct port_forward *out)
{
    const char *colon = strchr(*text, ':');
    size_t size = colon ? (size_t)(colon - *text) : 0;
    struct in_addr address;
    strcpy(out->host_address, LOCALHOST);
    if (!memchr(*text, '.', size) && (!colon || isdigit((unsigned char)**text)))
        return true;
    if (size >= sizeof(out->host_address))
        return false;
    memcpy(out->host_address, *text, size);
    out->host_address[size] = 0;
    *text = colon + 1;
    return inet_pton(AF_INET, out->host_address, &address) == 1;
}

static bool parse_forward(const char *text, struct port_forward *out)
{
    struct range host, guest;
    if (!parse_address(&text, out) || !parse_range(&text, &host))
        return false;
    guest = host;
    if (*text == ':') {
        text++;
        if (!parse_range(&text, &guest))
            return false;
    }
    out->udp = strcmp(text, "/udp") == 0;
    if (*text && !out->udp && strcmp(text, "/tcp") != 0)
        return false;
    out->host_first = host.first;
    out->guest_first = guest.first;
    out->count = host.count;
    return host.count == guest.count;
}

/* What the host's port leads to already, also where one of the addresses is all of them; or NULL.
 */
static struct port_forward *find_taken(const struct port_list *list,
                                       const struct port_forward *wanted, unsigned port)
{
    for (size_t n = 0; n < list->count; n++) {
        struct port_forward *it = &list->items[n];
        bool same = strcmp(it->host_address, wanted->host_address) == 0 ||
                    strcmp(it->host_address, EVERYWHERE) == 0 ||
                    strcmp(wanted->host_address, EVERYWHERE) == 0;
        if (same && it->udp == wanted->udp && port >= it->host_first &&
            port - it->host_first < it->count)
            return it;
    }
    return NULL;
}

/* Whether the old one does all that the new one would do for this port. */
static bool covers(const struct port_forward *old, const struct port_forward *new, unsigned port)
{
    return port - old->host_first + old->guest_first == port - new->host_first + new->guest_first &&
           (strcmp(old->host_address, new->host_address) == 0 ||
            strcmp(old->host_address, EVERYWHERE) == 0);
}

static bool refuse_twice(const struct port_forward *old, const struct port_forward *new,
                         unsigned port, struct error *err)
{
    return error_set(
        err,
        "port %u%s of the host is given twice: %s has %s:%u:%u, %s has %s:%u:%u; leave "
        "one out, or choose another port of the host",
        port, new->udp ? "/udp" : "", old->what, old->host_address, port,
        port - old->host_first + old->guest_first, new->what, new->host_address, port,
        port - new->host_first + new->guest_first);
}

/* Adds the ports from to end of forward, counted from its first. */
static void add_part(struct port_list *list, const struct port_forward *forward, unsigned from,
                     unsigned end)
{
    if (from == end)
        return;
    struct port_forward part = *forward;
    part.host_first = (uint16_t)(part.host_first + from);
    part.guest_first = (uint16_t)(part.guest_first + from);
    part.count = (uint16_t)(end - from);
    list->items = mem_resize(list->items, (list->count + 1) * sizeof(*list->items));
    list->items[list->count++] = part;
}

/* Takes one port out of old, which is in list. */
static void drop_port(struct port_list *list, struct port_forward *old, unsigned port)
{
    struct port_forward whole = *old;
    unsigned at = port - whole.host_first;
    *old = list->items[--list->count];
    add_part(list, &whole, 0, at);
    add_part(list, &whole, at + 1, whole.count);
}

bool port_list_add(struct port_list *list, const char *what, const char *text, struct error *err)
{
    struct port_forward forward = {.what = what};
    if (!parse_forward(text, &forward))
        return error_set(err,
                         "%s %s: must be [ADDRESS:][HOST:]GUEST[/udp] with ports from 1 to 65535 "
                         "or ranges of the same length, as in 8080, 80:8080, 8000-8010, "
                         "0.0.0.0:80:8080, 53:5353/udp",
                         what, text);
    unsigned from = 0;
    for (unsigned i = 0; i < forward.count; i++) {
        unsigned port = forward.host_first + i;
        struct port_forward *old = find_taken(list, &forward, port);
        if (old && covers(&forward, old, port) && !covers(old, &forward, port)) {
            drop_port(list, old, port);
            i--; /* another address may have it, too */
            continue;
        }
        if (!old)
            continue;
        if (!covers(old, &forward, port))
            return refuse_twice(old, &forward, port, err);
        add_part(list, &forward, from, i);
        from = i + 1;
    }
    add_part(list, &forward, from, forward.count);
    return true;
}

void port_list_clear(struct port_list *list)
{
    free(list->items);
    *list = (struct port_list){0};
}

/* ---- whether they can be had ---- */

/* Tries to take the port as QEMU will. 0 or errno. */
static int try_port(const struct port_forward *forward, uint16_t port)
{
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_port = htons(port)};
    inet_pton(AF_INET, forward->host_address, &name.sin_addr);
    int fd = socket(AF_INET, (forward->udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC, 0);
    int on = 1, error = 0;
    if (fd < 0)
        return errno;
    if (!forward->udp)
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (bind(fd, (struct sockaddr *)&name, sizeof(name)) || (!forward->udp && listen(fd, 1)))
        error = errno;
    close(fd);
    return error;
}

static bool refuse_port(const struct port_forward *forward, unsigned i, int error,
                        struct error *err)
{
    unsigned host = forward->host_first + i, guest = forward->guest_first + i;
    const char *kind = forward->udp ? "/udp" : "";
    if (error == EADDRINUSE)
        return error_set(err,
                         "port %u%s of %s is taken by another program; end it, or choose another "
                         "port of the host: -p %u:%u%s",
                         host, kind, forward->host_address,
                         host < 64512 ? host + 1024 : host - 1024, guest, kind);
    if (error == EACCES)
        return error_set(err, "port %u%s needs root; choose one from 1024 on: -p %u:%u%s", host,
                         kind, host + 8000, guest, kind);
    if (error == EADDRNOTAVAIL)
        return error_set(err, "%s is no address of this host", forward->host_address);
    return error_set(err, "port %u%s of %s: %s", host, kind, forward->host_address,
                     strerror(error));
}

bool port_list_check(const struct port_list *list, struct error *err)
{
    for (size_t n = 0; n < list->count; n++) {
        const struct port_forward *forward = &list->items[n];
        for (unsigned i = 0; i < forward->count; i++) {
            int error = try_port(forward, (uint16_t)(forward->host_first + i));
            if (error)
                return refuse_port(forward, i, error, err);
        }
    }
    return true;
}

/* ---- for QEMU and for the kernel ---- */

void network_netdev(const struct port_list *list, size_t index, struct buf *out)
{
    buf_printf(out, "user,id=net%zu,ipv6=off", index);
    for (size_t n = 0; list && n < list->count; n++) {
        const struct port_forward *forward = &list->items[n];
        for (unsigned i = 0; i < forward->count; i++)
            buf_printf(out, ",hostfwd=%s:%s:%u-%s:%u", forward->udp ? "udp" : "tcp",
                       forward->host_address, forward->host_first + i, NETWORK_ADDRESS,
                       forward->guest_first + i);
    }
}

static void interface_record(const struct network_link *link, struct buf *out)
{
    struct orris_interface interface = {
        .address = {10, 0, 2, 15}, .netmask = {255, 255, 255, 0}, .gateway = {10, 0, 2, 2}};
    if (link_is_set(link)) {
        interface.flags = link->dhcp ? ORRIS_INTERFACE_DHCP : 0;
        memcpy(interface.address, link->address, sizeof(interface.address));
        memcpy(interface.netmask, link->netmask, sizeof(interface.netmask));
        memcpy(interface.gateway, link->gateway, sizeof(interface.gateway));
        interface.flags |= link->slaac ? ORRIS_INTERFACE_SLAAC : 0;
        memcpy(interface.address6, link->address6, sizeof(interface.address6));
        memcpy(interface.gateway6, link->gateway6, sizeof(interface.gateway6));
        interface.prefix6 = link->has_address6 ? 64 : 0;
    }
    record_add(out, ORRIS_RECORD_INTERFACE, &interface, sizeof(interface));
}

void network_records(const struct port_list *list, const struct link_list *links, struct buf *out)
{
    static const struct network_link user;
    for (size_t i = 0; links && i < links->count; i++)
        interface_record(&links->items[i], out);
    if (!links || !links->count)
        interface_record(&user, out);
    for (size_t n = 0; list && n < list->count; n++) {
        const struct port_forward *from = &list->items[n];
        struct orris_forward forward = {
            .first = from->guest_first,
            .last = (uint16_t)(from->guest_first + from->count - 1),
            .protocol = from->udp ? IPPROTO_UDP : IPPROTO_TCP,
        };
        record_add(out, ORRIS_RECORD_FORWARD, &forward, sizeof(forward));
    }
}

/* ---- while it runs ---- */

static struct port_forward *find_forward(struct port_list *list, const struct orris_listening *at)
{
    for (size_t n = 0; n < list->count; n++) {
        struct port_forward *forward = &list->items[n];
        bool udp = at->protocol == IPPROTO_UDP;
        if (forward->udp == udp && at->port >= forward->guest_first &&
            at->port - forward->guest_first < forward->count)
            return forward;
    }
    return NULL;
}

/* "http://", "https://", or "" for ports that by convention speak something else. */
static const char *scheme_of(uint16_t port)
{
    static const uint16_t others[] = {
        20,   21,   22,   23,   25,   37,   42,   43,   53,   79,   88,   110,   111,   113,  119,
        123,  135,  139,  143,  161,  179,  194,  389,  445,  465,  512,  513,   514,   515,  543,
        544,  548,  554,  587,  636,  853,  873,  989,  990,  992,  993,  995,   1080,  1433, 1521,
        1883, 1935, 2049, 3306, 3389, 4222, 5060, 5061, 5222, 5269, 5432, 5433,  5671,  5672, 5900,
        6000, 6379, 6380, 6432, 6667, 6697, 7687, 8883, 9042, 9092, 9418, 11211, 26379, 27017};
    if (port == 443 || port == 8443)
        return "https://";
    for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
        if (port == others[i])
            return "";
    return "http://";
}

static void say_reached(const struct port_forward *forward, uint16_t port)
{
    unsigned host = (unsigned)(forward->host_first + (port - forward->guest_first));
    if (forward->udp)
        say("%s:%u/udp -> guest %u", forward->host_address, host, port);
    else
        say("%s%s:%u -> guest %u", scheme_of(port), forward->host_address, host, port);
}

static bool listens(int fd)
{
    int family = 0, on = 0;
    socklen_t size = sizeof(int);
    return getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &family, &size) == 0 && family == AF_INET &&
           getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &on, &size) == 0 && on;
}

/* QEMU lets one connection wait at a time, and the host resets others that come together. Its
 * sockets are ours, too, if we ask for them; where that isn't allowed, it stays so. */
static void widen(int monitor)
{
    for (int i = 0; i < MONITOR_FDS; i++) {
        int fd = (int)syscall(SYS_pidfd_getfd, monitor, i, 0);
        if (fd < 0 && errno != EBADF)
            return;
        if (fd >= 0 && listens(fd))
            (void)listen(fd, BACKLOG);
        if (fd >= 0)
            close(fd);
    }
}

static bool is_outside(const struct orris_listening *at)
{
    return at->protocol == IPPROTO_TCP && !at->loopback && at->port < EPHEMERAL_FIRST;
}

/* On networks of its own the program is reached at its addresses. Whether there is any. */
static bool say_addresses(const struct link_list *links, unsigned port, bool quietly)
{
    bool any = false;
    for (size_t i = 0; links && i < links->count; i++) {
        const struct network_link *link = &links->items[i];
        const uint8_t *a = link->address;
        any |= link_is_set(link);
        if (!quietly && link_is_set(link) && link->has_address && !link->dhcp)
            say("%s%u.%u.%u.%u:%u", scheme_of((uint16_t)port), a[0], a[1], a[2], a[3], port);
    }
    return any;
}

void network_listening(struct port_list *list, const struct link_list *links, int monitor,
                       const struct orris_listening *at)
{
    struct port_forward *forward = find_forward(list, at);
    bool told = list->told_address || !is_outside(at);
    bool addressed = say_addresses(links, at->port, told);
    list->told_address |= !told && addressed;
    if (forward && !forward->udp && !list->widened && monitor >= 0) {
        list->widened = true;
        widen(monitor);
    }
    if (forward) {
        if (!forward->told || forward->count > 1)
            say_reached(forward, at->port);
        forward->told = true;
        return;
    }
    if (told || addressed)
        return;
    list->told_address = true;
    say("the program listens on port %u, which nothing outside the machine can reach; -p %u lets "
        "this host in",
        at->port, at->port);
}
