/*
 * Network cards: virtio-net (virtio 1.1, 5.1). Probing only remembers the device; queues and
 * buffers are made when it is started, so a program without sockets pays nothing for it.
 *
 * A buffer begins with the device's header for the frame. With VIRTIO_NET_F_MRG_RXBUF a frame may
 * span several buffers. What is sent is copied into the driver's own buffers, which are taken back
 * when more is sent: no interrupt tells of frames that are out.
 */
#include "kernel/arch/direct_map.h"
#include "kernel/base/string.h"
#include "kernel/drivers/netdev.h"
#include "kernel/drivers/virtio.h"
#include "kernel/mm/heap.h"

#define F_CSUM (1ul << 0)
#define F_GUEST_CSUM (1ul << 1)
#define F_MTU (1ul << 3)
#define F_MAC (1ul << 5)
#define F_GUEST_TSO4 (1ul << 7)
#define F_GUEST_TSO6 (1ul << 8)
#define F_HOST_TSO4 (1ul << 11)
#define F_HOST_TSO6 (1ul << 12)
#define F_MRG_RXBUF (1ul << 15)

#define CONFIG_MAC 0
#define CONFIG_MTU 10

#define HEADER_NEEDS_CSUM 1u
#define HEADER_DATA_VALID 2u
#define SEGMENTS_TCP4 1u
#define SEGMENTS_TCP6 4u

#define QUEUE_RECEIVE 0
#define QUEUE_SEND 1
#define MTU_DEFAULT 1500u
#define ETHERNET_HEADER 14u
#define DEVICES_MAX 8u
#define PARTS_MAX 64u /* of one frame; a device that says more is not believed */
#define ACKNOWLEDGMENT_BYTES 128u
#define FRAME_MAX 65535u
#define LARGE_SPARES_MAX 4u

struct net_header {
    uint8_t flags, gso_type;
    uint16_t header_length, gso_size, checksum_start, checksum_offset;
    uint16_t buffers;
};

struct send_buffer {
    struct send_buffer *next;
    uint32_t room; /* bytes of frame */
    struct net_header header;
    uint8_t frame[];
};

/* Buffers that aren't with the device, of one size. */
struct spares {
    struct send_buffer *first;
    unsigned count, most; /* more than most are freed */
    uint32_t room;
};

struct card {
    struct netdev base;
    struct virtio_device *device;
    bool merges;
    unsigned sends_waiting; /* frames the device was not told of */
    struct virtq in, out;
    struct spares small, large;
    void (*received)(void *arg);
    void *arg;
};

static struct card *cards[DEVICES_MAX];
static unsigned card_count;

bool virtio_net_probe(struct virtio_device *d);

bool virtio_net_probe(struct virtio_device *d)
{
    struct card *c = card_count < DEVICES_MAX ? heap_zalloc(sizeof(*c)) : NULL;
    if (!c)
        return false;
    c->device = d;
    c->small = (struct spares){.room = MTU_DEFAULT + ETHERNET_HEADER, .most = VIRTQ_MAX};
    c->large = (struct spares){.room = NETDEV_LARGE_BYTES, .most = LARGE_SPARES_MAX};
    d->driver = c;
    cards[card_count++] = c;
    return true;
}

unsigned netdev_count(void)
{
    return card_count;
}

struct netdev *netdev_at(unsigned index)
{
    return index < card_count ? &cards[index]->base : NULL;
}

static struct card *card_of(struct netdev *n)
{
    return container_of(n, struct card, base);
}

static void interrupt(struct virtio_device *d)
{
    struct card *c = d->driver;
    c->received(c->arg);
}

static void read_config(struct card *c, uint64_t features)
{
    uint16_t mtu = MTU_DEFAULT;
    if (features & F_MAC)
        c->device->transport->config(c->device, CONFIG_MAC, c->base.address,
                                     sizeof(c->base.address));
    if (features & F_MTU)
        c->device->transport->config(c->device, CONFIG_MTU, &mtu, sizeof(mtu));
    c->base.mtu = (uint16_t)min_u64(mtu, MTU_DEFAULT);
    c->merges = (features & F_MRG_RXBUF) != 0;
    c->base.checksums_out = (features & F_CSUM) != 0;
    c->base.segments4_out = c->base.checksums_out && features & F_HOST_TSO4;
    c->base.segments6_out = c->base.checksums_out && features & F_HOST_TSO6;
}

bool netdev_start(struct netdev *n, void (*received)(void *arg), void *arg)
{
    struct card *c = card_of(n);
    struct virtio_device *d = c->device;
    uint64_t wanted =
        F_CSUM | F_GUEST_CSUM | F_MTU | F_MAC | F_MRG_RXBUF | F_HOST_TSO4 | F_HOST_TSO6;
    if (d->transport->device_features(d) & F_MRG_RXBUF) /* a large frame spans buffers */
        wanted |= F_GUEST_TSO4 | F_GUEST_TSO6;
    uint64_t features = virtio_begin(d, wanted);
    if (!features)
        return false;
    read_config(c, features);
    if (!virtio_queue(d, QUEUE_RECEIVE, VIRTQ_MAX, &c->in) ||
        !virtio_queue(d, QUEUE_SEND, VIRTQ_MAX, &c->out))
        return false;
    virtq_interrupts(&c->out, false);
    c->received = received;
    c->arg = arg;
    d->interrupt = interrupt;
    virtio_ready(d);
    netdev_refill(n);
    return c->in.free_count < c->in.size;
}

/* Receiving. */

void netdev_refill(struct netdev *n)
{
    struct card *c = card_of(n);
    bool any = false;
    while (c->in.free_count > 0) {
        struct netdev_buffer *b = heap_alloc_flags(sizeof(*b), ALLOC_LOCKED);
        if (!b)
            break;
        struct virtq_segment segment = {direct_map_phys(b->bytes), sizeof(b->bytes)};
        (void)virtq_add(&c->in, &segment, 0, 1, b); /* there is room */
        any = true;
    }
    if (any)
        virtq_kick(&c->in);
}

void netdev_buffer_free(struct netdev_buffer *b)
{
    heap_free(b);
}

static void free_all(struct netdev_buffer *b)
{
    while (b) {
        struct netdev_buffer *next = b->next;
        heap_free(b);
        b = next;
    }
}

static struct netdev_buffer *take_buffer(struct card *c)
{
    uint32_t length;
    struct netdev_buffer *b = virtq_take(&c->in, &length);
    if (!b)
        return NULL;
    b->next = NULL;
    b->device = &c->base;
    b->data = b->bytes;
    b->size = (uint32_t)min_u64(length, sizeof(b->bytes));
    return b;
}

/* Adds the other count - 1 parts of a frame. False: they are not there, or are too much. */
static bool take_rest(struct card *c, struct netdev_buffer *first, unsigned count)
{
    struct netdev_buffer *last = first;
    uint32_t size = first->size;
    for (unsigned i = 1; i < count; i++) {
        last->next = take_buffer(c);
        if (!last->next)
            return false;
        last = last->next;
        size += last->size;
    }
    return size <= FRAME_MAX;
}

/* Takes the header off. False: the frame is not whole. */
static bool take_header(struct card *c, struct netdev_buffer *b)
{
    struct net_header header;
    if (b->size < sizeof(header))
        return false;
    memcpy(&header, b->data, sizeof(header));
    b->data += sizeof(header);
    b->size -= (uint32_t)sizeof(header);
    b->checked = (header.flags & (HEADER_NEEDS_CSUM | HEADER_DATA_VALID)) != 0;
    unsigned parts = c->merges ? header.buffers : 1;
    return parts >= 1 && parts <= PARTS_MAX && take_rest(c, b, parts);
}

/* Whether memory may hold a frame until somebody reads it. Acknowledgments free memory: they come
 * in for longer. */
static bool room_for(const struct netdev_buffer *b)
{
    return page_room(b->size > ACKNOWLEDGMENT_BYTES ? ALLOC_OBJECT : ALLOC_USER);
}

struct netdev_buffer *netdev_receive(struct netdev *n)
{
    struct card *c = card_of(n);
    for (;;) {
        struct netdev_buffer *b = take_buffer(c);
        if (!b)
            return NULL;
        if (take_header(c, b) && room_for(b)) {
            n->counts.received_frames++;
            return b;
        }
        n->counts.received_lost++;
        free_all(b);
    }
}

/* Sending. */

static void put_spare(struct card *c, struct send_buffer *b)
{
    struct spares *spares = b->room > c->small.room ? &c->large : &c->small;
    if (spares->count == spares->most) {
        heap_free(b);
        return;
    }
    spares->count++;
    b->next = spares->first;
    spares->first = b;
}

static void take_back(struct card *c)
{
    uint32_t length;
    struct send_buffer *b;
    while ((b = virtq_take(&c->out, &length)))
        put_spare(c, b);
}

static struct send_buffer *take_spare(struct spares *spares)
{
    struct send_buffer *b = spares->first;
    if (b) {
        spares->first = b->next;
        spares->count--;
        return b;
    }
    b = heap_alloc_flags(sizeof(*b) + spares->room, ALLOC_LOCKED);
    if (b)
        b->room = spares->room;
    return b;
}

/* Copies the parts. Returns the frame's size, or 0: it is too large. */
static uint32_t gather(struct send_buffer *b, const struct netdev_part *parts, unsigned count)
{
    uint32_t size = 0;
    for (unsigned i = 0; i < count; i++) {
        if (parts[i].size > b->room - size)
            return 0;
        memcpy(b->frame + size, parts[i].data, parts[i].size);
        size += parts[i].size;
    }
    return size;
}

/* Hands the buffer over. */
static bool post(struct card *c, struct send_buffer *b, uint32_t size)
{
    struct virtq_segment segment = {direct_map_phys(&b->header),
                                    (uint32_t)sizeof(b->header) + size};
    if (!size || !virtq_add(&c->out, &segment, 1, 0, b))
        return false;
    c->base.counts.sent_frames++;
    c->base.counts.sent_bytes += size;
    c->sends_waiting++;
    return true;
}

bool netdev_has_room(struct netdev *n)
{
    struct card *c = card_of(n);
    if (c->out.free_count == 0)
        take_back(c);
    return c->out.free_count > 0;
}

static struct net_header header_for(const struct netdev_offload *offload)
{
    struct net_header header = {
        .flags = offload->checksum_start ? HEADER_NEEDS_CSUM : 0,
        .checksum_start = offload->checksum_start,
        .checksum_offset = offload->checksum_at,
    };
    if (offload->segment) {
        header.gso_type = offload->v6 ? SEGMENTS_TCP6 : SEGMENTS_TCP4;
        header.gso_size = offload->segment;
        header.header_length = offload->header;
    }
    return header;
}

bool netdev_send(struct netdev *n, const struct netdev_part *parts, unsigned count,
                 const struct netdev_offload *offload)
{
    struct card *c = card_of(n);
    take_back(c);
    struct send_buffer *b = NULL;
    if (c->out.free_count > 0)
        b = take_spare(offload->segment ? &c->large : &c->small);
    if (b) {
        b->header = header_for(offload);
        if (post(c, b, gather(b, parts, count)))
            return true;
        put_spare(c, b);
    }
    n->counts.sent_lost++;
    return false;
}

void netdev_flush(struct netdev *n)
{
    struct card *c = card_of(n);
    if (!c->sends_waiting)
        return;
    c->sends_waiting = 0;
    virtq_kick(&c->out);
}
