/*
 * Frames on their way out. Where the card fills in checksums, lwIP leaves them off, and this says
 * where they belong. Where it cuts large frames up (TCP segmentation offload), segments of one
 * connection that follow one another leave as one: the host's network is told once instead of once
 * a segment. lwIP's own segments stay as they are, so that what is lost is sent again by the
 * segment.
 */
#include "kernel/net/stack_output.h"

#include <lwip/pbuf.h>
#include <lwip/prot/ethernet.h>
#include <lwip/prot/ip.h>
#include <lwip/prot/ip4.h>
#include <lwip/prot/ip6.h>
#include <lwip/prot/tcp.h>
#include <lwip/prot/udp.h>

#include "kernel/base/string.h"
#include "kernel/base/types.h"
#include "kernel/drivers/netdev.h"

#define PARTS_MAX (2 * OUTPUT_HELD_MAX + 1)
#define HEADERS_MAX 128u /* Ethernet, IP without extensions, TCP with all options */

/* Of the frame that is being sent. GUARDED_BY(net_spinlock). */
static struct netdev_part parts[PARTS_MAX];
static uint8_t headers[HEADERS_MAX];

/* ---- checksums ---- */

static uint32_t sum_words(const void *data, unsigned size, uint32_t sum)
{
    const uint8_t *bytes = data;
    for (unsigned i = 0; i + 1 < size; i += 2)
        sum += (uint32_t)bytes[i] << 8 | bytes[i + 1];
    return sum;
}

static uint16_t fold(uint32_t sum)
{
    sum = (sum >> 16) + (sum & 0xffff);
    return (uint16_t)(sum + (sum >> 16));
}

static void put_u16(uint8_t *at, unsigned value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

/* Header of TCP or UDP at offset in a frame's first part, size bytes of it and what follows. Its
 * checksum becomes the sum of the pseudo-header, of which sum has the addresses. */
static struct netdev_offload prepare_checksum(uint8_t *frame, unsigned first_size, unsigned offset,
                                              unsigned protocol, unsigned size, uint32_t sum)
{
    unsigned at = protocol == IP_PROTO_TCP ? offsetof(struct tcp_hdr, chksum)
                                           : offsetof(struct udp_hdr, chksum);
    if ((protocol != IP_PROTO_TCP && protocol != IP_PROTO_UDP) || offset + at + 2 > first_size)
        return (struct netdev_offload){0};
    put_u16(frame + offset + at, fold(sum + protocol + size));
    return (struct netdev_offload){.checksum_start = (uint16_t)offset, .checksum_at = (uint16_t)at};
}

/* Of a frame that lwIP has just made, headers in its first part. Fragments have their checksum. */
static struct netdev_offload find_checksum(uint8_t *frame, unsigned size)
{
    const struct netdev_offload none = {0};
    const struct eth_hdr *ethernet = (const struct eth_hdr *)frame;
    if (size < SIZEOF_ETH_HDR + IP_HLEN)
        return none;
    if (ethernet->type == PP_HTONS(ETHTYPE_IP)) {
        const struct ip_hdr *ip = (const struct ip_hdr *)(frame + SIZEOF_ETH_HDR);
        unsigned header = IPH_HL_BYTES(ip);
        if (IPH_OFFSET(ip) & PP_HTONS(IP_OFFMASK | IP_MF))
            return none;
        return prepare_checksum(frame, size, SIZEOF_ETH_HDR + header, IPH_PROTO(ip),
                                lwip_ntohs(IPH_LEN(ip)) - header, sum_words(&ip->src, 8, 0));
    }
    if (ethernet->type != PP_HTONS(ETHTYPE_IPV6) || size < SIZEOF_ETH_HDR + IP6_HLEN)
        return none;
    const struct ip6_hdr *ip6 = (const struct ip6_hdr *)(frame + SIZEOF_ETH_HDR);
    return prepare_checksum(frame, size, SIZEOF_ETH_HDR + IP6_HLEN, IP6H_NEXTH(ip6), IP6H_PLEN(ip6),
                            sum_words(&ip6->src, 32, 0));
}

/* ---- frames as they are ---- */

static unsigned add_parts(unsigned count, const struct pbuf *p, unsigned skip)
{
    for (const struct pbuf *q = p; q; q = q->next) {
        const unsigned left_out = skip < q->len ? skip : q->len;
        skip -= left_out;
        if (left_out == q->len)
            continue;
        if (count == PARTS_MAX)
            return 0;
        parts[count++] =
            (struct netdev_part){(const uint8_t *)q->payload + left_out, q->len - left_out};
    }
    return count;
}

static err_t send(struct netdev *device, struct pbuf *p)
{
    struct netdev_offload offload = {0};
    if (device->checksums_out)
        offload = find_checksum(p->payload, p->len);
    unsigned count = add_parts(0, p, 0);
    return count && netdev_send(device, parts, count, &offload) ? ERR_OK : ERR_MEM;
}

/* ---- segments that follow one another ---- */

struct segment {
    unsigned ip, tcp, header; /* where the headers of IP and TCP, and the data, begin */
    unsigned size;            /* bytes of data */
    uint32_t number;
    bool v6, pushes;
};

/* Takes the header of IP. False: the frame is no segment of TCP. */
static bool read_ip(const uint8_t *frame, unsigned size, struct segment *out)
{
    const struct eth_hdr *ethernet = (const struct eth_hdr *)frame;
    out->ip = SIZEOF_ETH_HDR;
    if (size < SIZEOF_ETH_HDR + IP_HLEN)
        return false;
    out->v6 = ethernet->type == PP_HTONS(ETHTYPE_IPV6);
    if (out->v6) {
        const struct ip6_hdr *ip6 = (const struct ip6_hdr *)(frame + out->ip);
        out->tcp = out->ip + IP6_HLEN;
        return size >= out->tcp && IP6H_NEXTH(ip6) == IP_PROTO_TCP;
    }
    const struct ip_hdr *ip = (const struct ip_hdr *)(frame + out->ip);
    out->tcp = out->ip + IPH_HL_BYTES(ip);
    return ethernet->type == PP_HTONS(ETHTYPE_IP) && IPH_PROTO(ip) == IP_PROTO_TCP &&
           IPH_HL_BYTES(ip) == IP_HLEN && !(IPH_OFFSET(ip) & PP_HTONS(IP_OFFMASK | IP_MF));
}

/* Whether p is a segment with data and nothing special about it. */
static bool read_segment(const struct netdev *device, const struct pbuf *p, struct segment *out)
{
    const uint8_t *frame = p->payload;
    if (!read_ip(frame, p->len, out) ||
        !(out->v6 ? device->segments6_out : device->segments4_out) ||
        p->len < out->tcp + sizeof(struct tcp_hdr))
        return false;
    const struct tcp_hdr *tcp = (const struct tcp_hdr *)(frame + out->tcp);
    out->header = out->tcp + TCPH_HDRLEN_BYTES(tcp);
    out->number = lwip_ntohl(tcp->seqno);
    out->pushes = (TCPH_FLAGS(tcp) & TCP_PSH) != 0;
    if ((TCPH_FLAGS(tcp) | TCP_PSH) != (TCP_ACK | TCP_PSH) || p->len < out->header ||
        p->tot_len <= out->header || out->header > HEADERS_MAX)
        return false;
    out->size = p->tot_len - out->header;
    return true;
}

/* The headers without what differs from segment to segment. */
static void copy_common(uint8_t *to, const uint8_t *frame, const struct segment *s)
{
    memcpy(to, frame, s->header);
    struct tcp_hdr *tcp = (struct tcp_hdr *)(to + s->tcp);
    tcp->seqno = 0;
    tcp->chksum = 0;
    TCPH_UNSET_FLAG(tcp, TCP_PSH);
    if (s->v6) {
        IP6H_PLEN_SET((struct ip6_hdr *)(to + s->ip), 0);
        return;
    }
    struct ip_hdr *ip = (struct ip_hdr *)(to + s->ip);
    IPH_LEN_SET(ip, 0);
    IPH_ID_SET(ip, 0);
    IPH_CHKSUM_SET(ip, 0);
}

static bool same_headers(const struct pbuf *a, const struct pbuf *b, const struct segment *s)
{
    uint8_t of_a[HEADERS_MAX], of_b[HEADERS_MAX];
    copy_common(of_a, a->payload, s);
    copy_common(of_b, b->payload, s);
    return memcmp(of_a, of_b, s->header) == 0;
}

static bool follows(const struct output *o, const struct pbuf *p, const struct segment *s)
{
    return o->count && !o->complete && o->count < OUTPUT_HELD_MAX && s->number == o->next_number &&
           s->header == o->header && s->size <= o->segment &&
           o->size + s->size <= NETDEV_LARGE_BYTES && same_headers(o->held[0], p, s);
}

static void hold(struct output *o, struct pbuf *p, const struct segment *s)
{
    if (o->count == 0) {
        o->segment = (uint16_t)s->size;
        o->header = (uint16_t)s->header;
        o->size = s->header;
    }
    pbuf_ref(p);
    o->held[o->count++] = p;
    o->size += s->size;
    o->next_number = s->number + s->size;
    o->tcp = (uint16_t)s->tcp;
    o->v6 = s->v6;
    o->pushes = s->pushes;
    o->complete = s->size < o->segment;
}

/* The headers of the large frame that the held segments make. */
static struct netdev_offload make_headers(const struct output *o)
{
    memcpy(headers, o->held[0]->payload, o->header);
    struct tcp_hdr *tcp = (struct tcp_hdr *)(headers + o->tcp);
    if (o->pushes)
        TCPH_SET_FLAG(tcp, TCP_PSH);
    if (o->v6) {
        IP6H_PLEN_SET((struct ip6_hdr *)(headers + SIZEOF_ETH_HDR), (uint16_t)(o->size - o->tcp));
    } else {
        struct ip_hdr *ip = (struct ip_hdr *)(headers + SIZEOF_ETH_HDR);
        IPH_LEN_SET(ip, lwip_htons((uint16_t)(o->size - SIZEOF_ETH_HDR)));
        IPH_CHKSUM_SET(ip, 0);
        IPH_CHKSUM_SET(ip, lwip_htons((uint16_t)~fold(sum_words(ip, IP_HLEN, 0))));
    }
    struct netdev_offload offload = find_checksum(headers, o->header);
    offload.segment = o->segment;
    offload.header = o->header;
    offload.v6 = o->v6;
    return offload;
}

static bool send_large(struct output *o)
{
    struct netdev_offload offload = make_headers(o);
    parts[0] = (struct netdev_part){headers, o->header};
    unsigned count = 1;
    for (unsigned i = 0; count && i < o->count; i++)
        count = add_parts(count, o->held[i], o->header);
    return count && netdev_send(o->device, parts, count, &offload);
}

static void send_held(struct output *o)
{
    bool sent = o->count > 1 && send_large(o);
    for (unsigned i = 0; i < o->count; i++) {
        if (!sent) /* one alone, or no memory for the large frame; what is lost is sent again */
            (void)send(o->device, o->held[i]);
        pbuf_free(o->held[i]);
    }
    o->count = 0;
}

err_t output_frame(struct output *o, struct pbuf *p)
{
    struct segment s;
    if (!o->device->segments4_out && !o->device->segments6_out)
        return send(o->device, p);
    bool holds = read_segment(o->device, p, &s);
    if (!holds || !follows(o, p, &s))
        send_held(o);
    if (!holds)
        return send(o->device, p);
    if (!netdev_has_room(o->device))
        return ERR_MEM;
    hold(o, p, &s);
    return ERR_OK;
}

void output_flush(struct output *o)
{
    send_held(o);
    netdev_flush(o->device);
}
