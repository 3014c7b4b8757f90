/*
 * virtio-console with several ports: the program's streams and the control channel.
 *
 * The device's own control queue for input is left out: ports are known by number, and opening one
 * needs no answer. Buffers for input are offered when a port is first asked for input, so that
 * bytes nobody wants stay with the host.
 */
#include "kernel/drivers/virtio_console.h"

#include <linux/eventpoll.h>

#include "abi/control.h"
#include "kernel/base/log.h"
#include "kernel/base/panic.h"
#include "kernel/base/string.h"
#include "kernel/drivers/virtio.h"
#include "kernel/mm/heap.h"
#include "kernel/mm/page.h"

#define F_MULTIPORT 2ul
#define QUEUE_CONTROL_OUT 3u
#define QUEUE_SIZE 64u
#define OUT_PAGES_MAX 16u /* of a port, with the host */
#define IN_PAGES 8u       /* offered to the host by a port */

#define MESSAGE_DEVICE_READY 0
#define MESSAGE_PORT_READY 3
#define MESSAGE_PORT_OPEN 6
struct port_message {
    uint32_t port;
    uint16_t event, value;
};

struct port {
    struct spinlock lock;
    struct virtq in, out;            /* GUARDED_BY(lock) */
    bool offered;                    /* input buffers are with the host */
    unsigned out_pages;              /* with the host */
    struct page *received[IN_PAGES]; /* ring, oldest at in_first */
    uint32_t lengths[IN_PAGES];
    unsigned in_first, in_count;
    uint32_t in_offset; /* bytes taken of the oldest */
    uint64_t bytes_out;
    struct page *spare; /* goes out, or is offered, when there is no memory */
    struct waitq waitq;
};

static struct port *ports[PORT_COUNT];
static struct virtq control_out;

bool virtio_console_probe(struct virtio_device *d);

bool port_exists(unsigned port)
{
    return ports[port] != NULL;
}

/* Takes back what the host has read. */
static void reclaim_out(struct port *p)
{
    uint32_t length;
    struct page *page;
    while ((page = virtq_take(&p->out, &length))) {
        if (p->spare) {
            page_put(page);
        } else {
            p->spare = page;
        }
        p->out_pages--;
    }
}

/* A page to fill, be memory ever so short: without one here, some are with the host, and an
 * interrupt will tell when it is done with them (NULL). */
static struct page *page_to_fill(struct port *p)
{
    struct page *page = page_alloc(0, ALLOC_NORECLAIM);
    if (page) {
        return page;
    }
    if (!p->spare && p->out.size) {
        virtq_interrupts(&p->out, true);
        reclaim_out(p); /* the host may have been faster */
    }
    page = p->spare;
    p->spare = NULL;
    return page;
}

static void offer(struct port *p, struct page *page)
{
    struct virtq_segment segment = {page_phys(page), PAGE_SIZE};
    bool added = virtq_add(&p->in, &segment, 0, 1, page);
    ASSERT(added);
}

static void offer_first(struct port *p)
{
    p->offered = true;
    for (unsigned i = 0; i < IN_PAGES; i++) {
        /* A port that also sends keeps its spare page for that. */
        struct page *page = p->out.size ? page_alloc(0, ALLOC_NORECLAIM) : page_to_fill(p);
        if (page) {
            offer(p, page);
        }
    }
    virtq_kick(&p->in);
}

static void collect_in(struct port *p)
{
    uint32_t length;
    struct page *page;
    while (p->in_count < IN_PAGES && (page = virtq_take(&p->in, &length))) {
        unsigned at = (p->in_first + p->in_count++) % IN_PAGES;
        p->received[at] = page;
        p->lengths[at] = length < PAGE_SIZE ? length : (uint32_t)PAGE_SIZE;
    }
}

static void interrupt(struct virtio_device *d)
{
    (void)d;
    for (unsigned i = 1; i < PORT_COUNT; i++) {
        struct port *p = ports[i];
        spin_lock(&p->lock);
        uint32_t events = 0;
        if (p->in.size && virtq_pending(&p->in)) {
            collect_in(p);
            events |= EPOLLIN;
        }
        if (p->out.size && virtq_pending(&p->out)) {
            reclaim_out(p);
            virtq_interrupts(&p->out, false);
            events |= EPOLLOUT;
        }
        spin_unlock(&p->lock);
        if (events) {
            waitq_wake(&p->waitq, events);
        }
    }
}

size_t port_read(unsigned port, void *buf, size_t size)
{
    struct port *p = ports[port];
    spin_lock(&p->lock);
    if (!p->offered) {
        offer_first(p);
    }
    collect_in(p);
    size_t done = 0;
    bool kick = false;
    while (done < size && p->in_count) {
        struct page *page = p->received[p->in_first];
        size_t part = min_u64(size - done, p->lengths[p->in_first] - p->in_offset);
        memcpy((char *)buf + done, (char *)page_virt(page) + p->in_offset, part);
        done += part;
        p->in_offset += (uint32_t)part;
        if (p->in_offset == p->lengths[p->in_first]) {
            p->in_first = (p->in_first + 1) % IN_PAGES;
            p->in_count--;
            p->in_offset = 0;
            offer(p, page);
            kick = true;
        }
    }
    if (kick) {
        virtq_kick(&p->in);
    }
    spin_unlock(&p->lock);
    return done;
}

size_t port_readable(unsigned port)
{
    struct port *p = ports[port];
    spin_lock(&p->lock);
    if (!p->offered) {
        offer_first(p);
    }
    collect_in(p);
    size_t total = 0;
    for (unsigned i = 0; i < p->in_count; i++) {
        total += p->lengths[(p->in_first + i) % IN_PAGES];
    }
    total -= p->in_offset;
    spin_unlock(&p->lock);
    return total;
}

/* Room now; when there is none, an interrupt will tell. */
static unsigned pages_free(struct port *p)
{
    if (virtq_pending(&p->out)) {
        reclaim_out(p);
    }
    if (p->out_pages == OUT_PAGES_MAX) {
        virtq_interrupts(&p->out, true);
        reclaim_out(p); /* the host may have been faster */
    }
    return OUT_PAGES_MAX - p->out_pages;
}

size_t port_room(unsigned port)
{
    struct port *p = ports[port];
    spin_lock(&p->lock);
    size_t room = pages_free(p) * PAGE_SIZE;
    spin_unlock(&p->lock);
    return room;
}

size_t port_write(unsigned port, const void *buf, size_t size)
{
    struct port *p = ports[port];
    spin_lock(&p->lock);
    unsigned free = pages_free(p);
    size_t done = 0;
    while (done < size && free--) {
        struct page *page = page_to_fill(p);
        if (!page) {
            break;
        }
        uint32_t part = (uint32_t)min_u64(size - done, PAGE_SIZE);
        memcpy(page_virt(page), (const char *)buf + done, part);
        struct virtq_segment segment = {page_phys(page), part};
        bool added = virtq_add(&p->out, &segment, 1, 0, page);
        ASSERT(added);
        p->out_pages++;
        done += part;
    }
    if (done) {
        p->bytes_out += done;
        virtq_kick(&p->out);
    }
    spin_unlock(&p->lock);
    return done;
}

struct waitq *port_waitq(unsigned port)
{
    return &ports[port]->waitq;
}

uint64_t port_bytes_out(unsigned port)
{
    return ports[port]->bytes_out;
}

static bool port_init(struct virtio_device *d, unsigned number)
{
    struct port *p = heap_zalloc(sizeof(*p));
    if (!p) {
        return false;
    }
    spin_init(&p->lock, RANK_DEVICE);
    waitq_init(&p->waitq);
    bool input = number == ORRIS_PORT_CONTROL || number == ORRIS_PORT_STDIN;
    if (input && (!virtio_queue(d, 2 * (number + 1), 16, &p->in) || p->in.size < IN_PAGES)) {
        return false;
    }
    if (!input) {
        p->offered = true;
    }
    if (number != ORRIS_PORT_STDIN && !virtio_queue(d, 2 * (number + 1) + 1, QUEUE_SIZE, &p->out)) {
        return false;
    }
    if (p->out.size) {
        if (p->out.size < OUT_PAGES_MAX) {
            return false;
        }
        virtq_interrupts(&p->out, false);
    }
    p->spare = page_alloc(0, 0);
    ports[number] = p;
    return p->spare != NULL;
}

static void send_port_message(unsigned char *buffer, unsigned slot, struct port_message m)
{
    struct port_message *at = (struct port_message *)buffer + slot;
    *at = m;
    struct virtq_segment segment = {page_phys(page_of_virt(buffer)) + slot * sizeof(m), sizeof(m)};
    (void)virtq_add(&control_out, &segment, 1, 0, at); /* fewer messages than descriptors */
}

static void open_ports(void)
{
    struct page *page = page_alloc(0, 0);
    if (!page) {
        panic("no memory for the console");
    }
    unsigned char *buffer = page_virt(page); /* stays with the device */
    unsigned slot = 0;
    send_port_message(buffer, slot++, (struct port_message){0, MESSAGE_DEVICE_READY, 1});
    for (unsigned i = 1; i < PORT_COUNT; i++) {
        send_port_message(buffer, slot++, (struct port_message){i, MESSAGE_PORT_READY, 1});
        send_port_message(buffer, slot++, (struct port_message){i, MESSAGE_PORT_OPEN, 1});
    }
    virtq_interrupts(&control_out, false);
    virtq_kick(&control_out);
}

bool virtio_console_probe(struct virtio_device *d)
{
    if (ports[1] || !(virtio_begin(d, F_MULTIPORT) & F_MULTIPORT)) {
        return false;
    }
    if (!virtio_queue(d, QUEUE_CONTROL_OUT, 16, &control_out)) {
        return false;
    }
    for (unsigned i = 1; i < PORT_COUNT; i++) {
        if (!port_init(d, i)) {
            return false;
        }
    }
    d->interrupt = interrupt;
    virtio_ready(d);
    open_ports();
    return true;
}
