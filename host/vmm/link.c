/*
 * Taps and bridges: see tuntap(4) of the kernel's documentation, and bridge ioctls in
 * <linux/sockios.h>.
 */
#include "host/vmm/link.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <unistd.h>

#include "host/base/buf.h"
#include "host/base/digest.h"
#include "host/base/io.h"

#define TUN "/dev/net/tun"
#define DEFAULT_PREFIX 24

/* ---- what flags and keys say ---- */

static bool parse_address(const char *text, uint8_t out[4])
{
    return inet_pton(AF_INET, text, out) == 1;
}

static void prefix_to_mask(unsigned prefix, uint8_t mask[4])
{
    for (unsigned bit = 0; bit < 32; bit++)
        if (bit < prefix)
            mask[bit / 8] |= (uint8_t)(0x80 >> bit % 8);
}

static bool parse_ip(struct network_link *link, const char *text)
{
    char *address = mem_string(text), *slash = strchr(address, '/'), *end = "";
    unsigned long prefix = DEFAULT_PREFIX;
    if (slash) {
        *slash = 0;
        prefix = slash[1] >= '0' && slash[1] <= '9' ? strtoul(slash + 1, &end, 10) : 0;
    }
    bool good = parse_address(address, link->address) && !*end && prefix >= 1 && prefix <= 32;
    memset(link->netmask, 0, sizeof(link->netmask));
    link->dhcp = false;
    if (good)
        prefix_to_mask((unsigned)prefix, link->netmask);
    link->has_address |= good;
    free(address);
    return good;
}

static bool parse_gateway6(struct network_link *link, const char *text)
{
    return inet_pton(AF_INET6, text, link->gateway6) == 1;
}

static bool parse_ip6(struct network_link *link, const char *text)
{
    link->slaac = strcasecmp(text, "slaac") == 0;
    link->has_address6 = !link->slaac && inet_pton(AF_INET6, text, link->address6) == 1;
    return link->slaac || link->has_address6;
}

static bool set_name(char **name, const char *what, const char *value, struct error *err)
{
    if (!*value || strlen(value) >= IFNAMSIZ || strpbrk(value, "/% \t"))
        return error_set(err, "%s %s: must be a network device's name", what, value);
    free(*name);
    *name = mem_string(value);
    return true;
}

bool link_set(struct network_link *link, const char *key, const char *what, const char *value,
              struct error *err)
{
    if (strcmp(key, "tap") == 0)
        return set_name(&link->tap, what, value, err);
    if (strcmp(key, "bridge") == 0)
        return set_name(&link->bridge, what, value, err);
    if (strcmp(key, "ip") == 0 && strcasecmp(value, "dhcp") == 0)
        return link->has_address = link->dhcp = true;
    if (strcmp(key, "ip") == 0)
        return parse_ip(link, value) ||
               error_set(err, "%s %s: must be ADDRESS/PREFIX, as in 192.168.1.5/24, or dhcp", what,
                         value);
    if (strcmp(key, "ip6") == 0)
        return parse_ip6(link, value) ||
               error_set(err, "%s %s: must be an IPv6 address, as in 2001:db8::5, or slaac", what,
                         value);
    if (strcmp(key, "gateway6") == 0)
        return parse_gateway6(link, value) ||
               error_set(err, "%s %s: must be an IPv6 address, as in fe80::1", what, value);
    uint8_t *to = strcmp(key, "netmask") == 0 ? link->netmask : link->gateway;
    return parse_address(value, to) ||
           error_set(err, "%s %s: must be an IPv4 address, as in 192.168.1.1", what, value);
}

void link_clear(struct network_link *link)
{
    free(link->tap);
    free(link->bridge);
    *link = (struct network_link){0};
}

bool link_is_set(const struct network_link *link)
{
    return link->tap || link->bridge;
}

bool link_is_addressed(const struct network_link *link)
{
    return link->has_address || link->has_address6 || link->slaac;
}

bool link_list_has_user(const struct link_list *list)
{
    bool user = list->count == 0;
    for (size_t i = 0; i < list->count; i++)
        user |= !link_is_set(&list->items[i]);
    return user;
}

/* One KEY=VALUE of a card. */
static bool set_part(struct network_link *link, const char *what, char *part, struct error *err)
{
    static const char *const keys[] = {"tap",     "bridge", "ip",      "netmask",
                                       "gateway", "ip6",    "gateway6"};
    char *value = strchr(part, '=');
    if (!value && strcmp(part, "user") == 0)
        return true;
    if (value)
        *value++ = 0;
    for (size_t i = 0; value && *value && i < sizeof(keys) / sizeof(*keys); i++)
        if (strcmp(part, keys[i]) == 0)
            return link_set(link, part, what, value, err);
    return error_set(err,
                     "%s: \"%s\" is not of tap=NAME, bridge=NAME, ip=ADDRESS/PREFIX, "
                     "gateway=ADDRESS, ip6=ADDRESS, gateway6=ADDRESS, or user alone",
                     what, part);
}

static bool check_count(const struct link_list *list, struct error *err)
{
    return list->count < ORRIS_INTERFACES_MAX ||
           error_set(err, "a machine has %u network cards at most", ORRIS_INTERFACES_MAX);
}

bool link_list_add(struct link_list *list, const char *what, const char *text, struct error *err)
{
    if (!check_count(list, err))
        return false;
    char *parts = mem_string(text), *rest = parts;
    struct network_link *link = &list->items[list->count++];
    bool good = true;
    for (char *part; good && (part = strsep(&rest, ","));)
        good = set_part(link, what, part, err);
    free(parts);
    return good;
}

bool link_list_put_first(struct link_list *list, struct network_link *link, struct error *err)
{
    if (!check_count(list, err))
        return false;
    memmove(list->items + 1, list->items, list->count * sizeof(*list->items));
    list->items[0] = *link;
    list->count++;
    *link = (struct network_link){0};
    return true;
}

void link_list_clear(struct link_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        link_clear(&list->items[i]);
    list->count = 0;
}

/* ---- the device ---- */

static bool check(const struct network_link *link, struct error *err)
{
    if (link->tap && link->bridge)
        return error_set(err,
                         "a tap (%s) and a bridge (%s) are two ways to connect a card: one of them",
                         link->tap, link->bridge);
    if (!link_is_set(link))
        return !link_is_addressed(link) ||
               error_set(err,
                         "an address goes with a tap or a bridge (--tap, --bridge): QEMU's user "
                         "network gives the program 10.0.2.15");
    return link_is_addressed(link) ||
           error_set(err,
                     "the card on %s needs an address: --ip ADDRESS/PREFIX, or --ip dhcp (in "
                     "config.json IPAddress, in --nic ip=)",
                     link->tap ? link->tap : link->bridge);
}

static bool must_exist(const char *kind, const char *name, const char *how, struct error *err)
{
    return if_nametoindex(name) != 0 ||
           error_set(err, "there is no %s %s; this makes it: %s", kind, name, how);
}

/* A tap's descriptor; request's name becomes the device's. */
static int open_tap(struct ifreq *request, struct error *err)
{
    request->ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR;
    int fd = open(TUN, O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return error_errno(err, "can't open " TUN " (`modprobe tun` makes it)") - 1;
    if (ioctl(fd, TUNSETIFF, request) == 0)
        return fd;
    if (errno == EPERM)
        error_set(err,
                  "%s: only root may use it, or whom it belongs to (ip tuntap add dev NAME "
                  "mode tap user %s)",
                  *request->ifr_name ? request->ifr_name : "a tap",
                  getenv("USER") ? "$USER" : "NAME");
    else if (errno == EBUSY)
        error_set(err, "%s is in use by another program", request->ifr_name);
    else if (errno == EINVAL)
        error_set(err, "%s is no tap device", request->ifr_name);
    else
        error_errno(err, "can't use %s", request->ifr_name);
    close(fd);
    return -1;
}

/* Switches the device on, as far as we may: a tap that belongs to the user may be on already. */
static void switch_on(int control, struct ifreq *request)
{
    if (ioctl(control, SIOCGIFFLAGS, request) == 0 && !(request->ifr_flags & IFF_UP)) {
        request->ifr_flags |= IFF_UP;
        (void)ioctl(control, SIOCSIFFLAGS, request);
    }
}

static bool join_bridge(int control, const char *bridge, const struct ifreq *tap, struct error *err)
{
    struct ifreq request = {.ifr_ifindex = (int)if_nametoindex(tap->ifr_name)};
    strcpy(request.ifr_name, bridge);
    if (ioctl(control, SIOCBRADDIF, &request) == 0)
        return true;
    if (errno == EOPNOTSUPP || errno == EINVAL)
        return error_set(err, "%s is no bridge", bridge);
    if (errno == EPERM)
        return error_set(err, "only root may add to the bridge %s", bridge);
    return error_errno(err, "can't add to the bridge %s", bridge);
}

/* An address of the range for private use: the same for the same tap, so that who remembers it is
 * right the next time. */
static void make_hardware(const char *tap, uint8_t out[6])
{
    uint8_t digest[DIGEST_SIZE];
    struct digest state;
    char host[256] = "";
    (void)gethostname(host, sizeof(host) - 1);
    digest_init(&state);
    digest_update(&state, host, strlen(host) + 1);
    digest_update(&state, tap, strlen(tap));
    digest_final(&state, digest);
    const uint8_t vendor[3] = {0x52, 0x54, 0x00}; /* as QEMU's own */
    memcpy(out, vendor, sizeof(vendor));
    memcpy(out + sizeof(vendor), digest, 3);
}

static void link_close(struct network_link *link)
{
    if (link->fd > 0)
        close(link->fd);
    link->fd = 0;
}

static bool link_open(struct network_link *link, struct error *err)
{
    struct ifreq request = {0};
    if (!check(link, err))
        return false;
    if (!link_is_set(link))
        return true;
    if (link->tap && !must_exist("tap", link->tap, "ip tuntap add dev NAME mode tap", err))
        return false;
    if (link->bridge && !must_exist("bridge", link->bridge, "ip link add NAME type bridge", err))
        return false;
    strcpy(request.ifr_name, link->tap ? link->tap : "orris%d");
    link->fd = open_tap(&request, err);
    int control = link->fd < 0 ? -1 : socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    bool good =
        control >= 0 && (!link->bridge || join_bridge(control, link->bridge, &request, err));
    if (good)
        switch_on(control, &request);
    if (control >= 0)
        close(control);
    make_hardware(request.ifr_name, link->hardware);
    if (!good)
        link_close(link);
    return good;
}

/* Only one: ports lead into it, and its addresses are always the same. */
static bool check_user(const struct link_list *list, struct error *err)
{
    size_t count = 0;
    for (size_t i = 0; i < list->count; i++)
        count += !link_is_set(&list->items[i]);
    return count <= 1 || error_set(err, "only one network card can be on the user network");
}

bool link_list_open(struct link_list *list, struct error *err)
{
    bool good = check_user(list, err);
    for (size_t i = 0; good && i < list->count; i++)
        good = link_open(&list->items[i], err);
    return good;
}

void link_list_close(struct link_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        link_close(&list->items[i]);
}
