/*
 * UDP-Lite (RFC 3828): UDP whose checksum may cover the first bytes only. lwIP speaks it, but keeps
 * all its sockets in one list: those of UDP-Lite are in it only while something is done with them,
 * so that the two protocols have ports of their own.
 */
#include "kernel/net/inet_udplite.h"

#include <linux/udp.h>
#include <lwip/ip.h>
#include <lwip/prot/ip4.h>
#include <lwip/prot/ip6.h>
#include <lwip/prot/udp.h>

#include "kernel/base/errno.h"
#include "kernel/base/string.h"

#define SEND_COVERAGE 10 /* UDPLITE_SEND_CSCOV */
#define RECEIVE_COVERAGE 11
#define COVERAGE_MAX 65535

struct port_table udplite_ports;

static struct udp_pcb *others; /* those that are not in lwIP's list */

void udplite_swap(void)
{
    struct udp_pcb *before = udp_pcbs;
    udp_pcbs = others;
    others = before;
}

/* lwIP's, and what lwIP calls in its place: kernel/net/lwip.mk. */
// NOLINTBEGIN(readability-identifier-naming)
void __real_udp_input(struct pbuf *p, struct netif *netif);
void __wrap_udp_input(struct pbuf *p, struct netif *netif);
// NOLINTEND(readability-identifier-naming)

/* A datagram in one piece, its IP header in front; NULL: no memory. */
static struct pbuf *join(struct pbuf *p)
{
    u16_t header = ip_current_header_tot_len();
    pbuf_header_force(p, (s16_t)header);
    struct pbuf *whole = pbuf_clone(PBUF_RAW, PBUF_RAM, p);
    pbuf_remove_header(p, header);
    if (whole)
        pbuf_remove_header(whole, header);
    return whole;
}

/* lwIP asserts what it should check: that no more is covered than is there, and little beyond the
 * first piece. */
static void input(struct pbuf *p, struct netif *netif)
{
    struct udp_hdr header;
    if (pbuf_copy_partial(p, &header, UDP_HLEN, 0) < UDP_HLEN ||
        lwip_ntohs(header.len) > p->tot_len)
        return;
    struct pbuf *whole = join(p);
    if (!whole)
        return;
    udplite_swap();
    __real_udp_input(whole, netif);
    udplite_swap();
}

void __wrap_udp_input(struct pbuf *p, struct netif *netif)
{
    if (ip_current_header_proto() != IP_PROTO_UDPLITE) {
        __real_udp_input(p, netif);
        return;
    }
    input(p, netif);
    pbuf_free(p); /* it has the header that lwIP looks at meanwhile */
}

bool udplite_wanted(const struct udplite *u, const struct pbuf *p)
{
    struct udp_hdr header;
    memcpy(&header, (const uint8_t *)p->payload - UDP_HLEN, sizeof(header));
    const uint32_t whole = p->tot_len + UDP_HLEN, covered = lwip_ntohs(header.len);
    if (covered == 0 || covered == whole)
        return true;
    return covered >= UDP_HLEN && (!u->minimum_set || (u->minimum && covered >= u->minimum));
}

int udplite_set_option(struct udplite *u, int option, int value)
{
    if (value != 0)
        value = value < (int)UDP_HLEN ? (int)UDP_HLEN : value > COVERAGE_MAX ? COVERAGE_MAX : value;
    if (option != SEND_COVERAGE && option != RECEIVE_COVERAGE)
        return -ENOPROTOOPT;
    if (option == SEND_COVERAGE) {
        u->coverage = (uint16_t)value;
    } else {
        u->minimum = (uint16_t)value;
        u->minimum_set = true;
    }
    return 0;
}

int udplite_get_option(const struct udplite *u, int option, int *value)
{
    if (option != SEND_COVERAGE && option != RECEIVE_COVERAGE)
        return -ENOPROTOOPT;
    *value = option == SEND_COVERAGE ? u->coverage : u->minimum;
    return 0;
}
