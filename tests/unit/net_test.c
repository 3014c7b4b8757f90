// UNIT: tests/unit/fakes/unnamed.c
// UNIT: kernel/proc/cred.c kernel/net/stack.c kernel/net/inet.c kernel/net/inet_name.c kernel/net/inet_port.c
// UNIT: kernel/net/inet_tcp.c kernel/net/inet_tcp_connect.c kernel/net/inet_tcp_patience.c kernel/net/inet_tcp_data.c kernel/net/inet_tcp_table.c kernel/net/inet_tcp_urgent.c kernel/net/stack_lease.c kernel/net/stack_neighbor.c kernel/net/stack_route.c kernel/net/stack_output.c kernel/net/inet_checksum.c kernel/base/siphash.c
// UNIT: kernel/net/inet_datagram.c kernel/net/inet_datagram_send.c kernel/net/inet_udplite.c kernel/net/inet_control.c kernel/net/inet_option.c
// UNIT: kernel/net/inet_group.c kernel/net/inet_error.c kernel/net/inet_tcp_option.c kernel/net/socket_option.c kernel/net/socket.c
// UNIT: kernel/fd/file.c kernel/fd/iter.c kernel/base/format.c kernel/base/random.c
// UNIT: tests/unit/fakes/heap.c tests/unit/fakes/wait.c $(LWIPUNIT)
// LIBS: -iquote kernel/net/lwip_port -isystem build/third_party/lwip/src/include -fno-sanitize=null -Wl,--wrap=tcp_input,--wrap=udp_input,--wrap=icmp_dest_unreach
/* (lwIP takes addresses of members of NULL at offset 0: a null pointer that is read shows all the
 * same.)
 *
 * The network on the host: a card that the test plays, frames in and out, connections, and frames
 * that nobody should send. Nothing crashes, nothing leaks, and it still answers. */
#include <lwip/dhcp.h>
#include <lwip/netif.h>
#include <lwip/pbuf.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/base/errno.h"
#include "kernel/drivers/netdev.h"
#include "kernel/fd/epoll.h"
#include "kernel/mm/heap.h"
#include "kernel/net/inet_tcp.h"
#include "kernel/net/interface.h"
#include "kernel/net/netlink.h"
#include "kernel/net/stack.h"
#include "kernel/net/stack_output.h"
#include "kernel/net/unix.h"
#include "kernel/platform/run.h"
#include "kernel/sched/thread.h"
#include "kernel/time/timer.h"
#include "tests/harness/check.h"
#include "tests/unit/fakes/fakes.h"

void cond_resched(void) {}

bool cond_resched_due(void)
{
    return false;
}

/* The card. */

static struct netdev card = {.address = {0x52, 0x54, 0, 0x12, 0x34, 0x56},
                             .mtu = 1500,
                             .checksums_out = true,
                             .segments4_out = true,
                             .segments6_out = true};
static void (*card_received)(void *arg);
static void *card_arg;
static struct netdev_buffer *card_queue;
static uint8_t sent[NETDEV_LARGE_BYTES];
static uint32_t sent_size, sent_count, sent_sizes[64];
static struct netdev_offload sent_offload;
static bool card_refuses_large, card_full;
static uint32_t lease_number; /* of the last DHCP message that went out */

unsigned netdev_count(void)
{
    return 1;
}

unsigned sched_cpu_current(void)
{
    return 0;
}

bool interface_find(const char *name, struct interface_info *out)
{
    (void)name, (void)out;
    return false;
}

bool interface_next(unsigned index, struct interface_info *out)
{
    (void)index, (void)out;
    return false;
}

struct netdev *netdev_at(unsigned index)
{
    return index == 0 ? &card : NULL;
}

bool netdev_start(struct netdev *n, void (*received)(void *arg), void *arg)
{
    (void)n;
    card_received = received;
    card_arg = arg;
    return true;
}

bool netdev_has_room(struct netdev *n)
{
    (void)n;
    return !card_full;
}

bool netdev_send(struct netdev *n, const struct netdev_part *parts, unsigned count,
                 const struct netdev_offload *offload)
{
    (void)n;
    if (card_full || (offload->segment && card_refuses_large))
        return false;
    sent_offload = *offload;
    sent_size = 0;
    for (unsigned i = 0; i < count; i++) {
        CHECK(sent_size + parts[i].size <= sizeof(sent));
        memcpy(sent + sent_size, parts[i].data, parts[i].size);
        sent_size += parts[i].size;
    }
    if (sent_size >= 50 && memcmp(sent + 34, "\0\x44\0\x43", 4) == 0)
        memcpy(&lease_number, sent + 46, sizeof(lease_number));
    sent_sizes[sent_count++ % 64] = sent_size;
    return true;
}

void netdev_flush(struct netdev *n)
{
    (void)n;
}

struct netdev_buffer *netdev_receive(struct netdev *n)
{
    (void)n;
    struct netdev_buffer *b = card_queue;
    card_queue = NULL;
    return b;
}

void netdev_refill(struct netdev *n)
{
    (void)n;
}

void netdev_buffer_free(struct netdev_buffer *b)
{
    heap_free(b);
}

/* A frame comes in; parts: in how many buffers. */
static bool card_checked; /* the card says that checksums above IP are right */

static void frame_in(const void *bytes, uint32_t size, uint32_t split)
{
    struct netdev_buffer **last = &card_queue;
    for (uint32_t at = 0; at < size || at == 0; at += split) {
        struct netdev_buffer *b = heap_alloc(sizeof(*b));
        uint32_t part = size - at < split ? size - at : split;
        *b = (struct netdev_buffer){
            .data = b->bytes + 12, .size = part, .device = &card, .checked = card_checked};
        memcpy(b->data, (const char *)bytes + at, part);
        *last = b;
        last = &b->next;
    }
    card_received(card_arg);
}

/* What else the network asks for. */

struct run_config the_run = {
    .interfaces = {{.address = {10, 0, 2, 15},
                    .netmask = {255, 255, 255, 0},
                    .gateway = {10, 0, 2, 2}}},
    .interface_count = 1,
};

static struct timer *set_timer;

void timer_init(struct timer *t, void (*expired)(struct timer *))
{
    t->set = false;
    t->expired = expired;
}

void timer_set(struct timer *t, uint64_t expires_ns)
{
    t->set = true;
    t->expires_ns = expires_ns;
    set_timer = t;
}

/* Lets time pass, with the timers that go off in it. */
static void pass(unsigned ms)
{
    for (unsigned i = 0; i < ms; i += 50) {
        fake_now_ns += 50000000;
        if (set_timer && set_timer->set && set_timer->expires_ns <= fake_now_ns) {
            set_timer->set = false;
            set_timer->expired(set_timer);
        }
    }
}

void log_info(const char *fmt, ...)
{
    (void)fmt;
}

void log_note(const char *fmt, ...)
{
    (void)fmt;
}

size_t platform_entropy(void *buf, size_t len);
size_t platform_entropy(void *buf, size_t len)
{
    memset(buf, 7, len);
    return len;
}

bool control_send(uint32_t type, const void *payload, size_t size, bool can_sleep);
bool control_send(uint32_t type, const void *payload, size_t size, bool can_sleep)
{
    (void)type, (void)payload, (void)size, (void)can_sleep;
    return true;
}

int64_t interface_ioctl(unsigned what, struct uptr arg)
{
    (void)what, (void)arg;
    return -ENOTTY;
}

int netlink_create(int type, int protocol, struct socket **out)
{
    (void)type, (void)protocol, (void)out;
    return -EAFNOSUPPORT;
}

void epoll_file_gone(struct file *f)
{
    (void)f;
}

void dentry_put(struct dentry *d)
{
    (void)d;
}

int unix_create(int type, struct socket **out)
{
    (void)type, (void)out;
    return -EAFNOSUPPORT;
}

/* Frames. */

static const uint8_t gateway[6] = {0x52, 0x55, 10, 0, 2, 2};

struct packet {
    uint8_t bytes[1600];
    uint32_t size;
};

static void put16(uint8_t *at, unsigned value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

static void put32(uint8_t *at, uint32_t value)
{
    put16(at, value >> 16);
    put16(at + 2, value & 0xffff);
}

static uint32_t get32(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static uint32_t sum16(const uint8_t *at, uint32_t size, uint32_t sum)
{
    for (uint32_t i = 0; i < size; i++)
        sum += (uint32_t)at[i] << (i % 2 ? 0 : 8);
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return sum;
}

/* An IPv4 packet from the gateway to us; its body's checksum, if it has one, at checksum_at. */
static struct packet ip4(uint8_t protocol, const void *body, uint32_t size, int checksum_at)
{
    struct packet p = {.size = 34 + size};
    uint8_t *ip = p.bytes + 14, *data = ip + 20;
    memcpy(p.bytes, card.address, 6);
    memcpy(p.bytes + 6, gateway, 6);
    put16(p.bytes + 12, 0x800);
    ip[0] = 0x45;
    put16(ip + 2, 20 + size);
    ip[8] = 64;
    ip[9] = protocol;
    put32(ip + 12, 0x0a000202);
    put32(ip + 16, 0x0a00020f);
    put16(ip + 10, 0xffff ^ sum16(ip, 20, 0));
    memcpy(data, body, size);
    if (checksum_at >= 0) {
        uint32_t pseudo = protocol == 1 ? 0 : sum16(ip + 12, 8, protocol + size);
        put16(data + checksum_at, 0);
        put16(data + checksum_at, 0xffff ^ sum16(data, size, pseudo));
    }
    return p;
}

static struct packet tcp(uint16_t from, uint16_t to, uint32_t seq, uint32_t ack, uint8_t flags,
                         const char *data)
{
    uint8_t body[600] = {0};
    put16(body, from);
    put16(body + 2, to);
    put32(body + 4, seq);
    put32(body + 8, ack);
    body[12] = 5 << 4;
    body[13] = flags;
    put16(body + 14, 60000);
    memcpy(body + 20, data, strlen(data));
    return ip4(6, body, 20 + (uint32_t)strlen(data), 16);
}

static struct packet ping(void)
{
    const uint8_t body[16] = {8, 0, 0, 0, 0, 7, 0, 1, 'p', 'i', 'n', 'g'};
    return ip4(1, body, sizeof(body), 2);
}

static struct packet arp(uint16_t operation)
{
    struct packet p = {.size = 42};
    memset(p.bytes, 0xff, 6);
    memcpy(p.bytes + 6, gateway, 6);
    put16(p.bytes + 12, 0x806);
    put16(p.bytes + 14, 1);
    put16(p.bytes + 16, 0x800);
    p.bytes[18] = 6;
    p.bytes[19] = 4;
    put16(p.bytes + 20, operation);
    memcpy(p.bytes + 22, gateway, 6);
    put32(p.bytes + 28, 0x0a000202);
    put32(p.bytes + 38, 0x0a00020f);
    return p;
}

static void in(struct packet p)
{
    frame_in(p.bytes, p.size, 1500);
}

static bool answers(void)
{
    in(arp(1));
    if (sent_size < 42 || sent[21] != 2)
        return false;
    in(ping());
    return sent_size == 50 && sent[34] == 0 && memcmp(sent + 42, "ping", 4) == 0;
}

/* Sockets. */

static struct socket_name name4(uint16_t port)
{
    struct socket_name name = {.size = 16, .family = AF_INET};
    put16(name.bytes + 2, port);
    return name;
}

static struct socket *listener(uint16_t port)
{
    struct socket *s;
    struct socket_name name = name4(port);
    CHECK_EQ(socket_create(AF_INET, SOCK_STREAM, 0, &s), 0);
    CHECK_EQ(s->ops->bind(s, &name), 0);
    CHECK_EQ(s->ops->listen(s, 5), 0);
    return s;
}

static struct socket *datagrams(uint16_t port, int protocol)
{
    struct socket *s;
    struct socket_name name = name4(port);
    CHECK_EQ(socket_create(AF_INET, SOCK_DGRAM, protocol, &s), 0);
    CHECK_EQ(s->ops->bind(s, &name), 0);
    return s;
}

static void test_arp_and_ping(void)
{
    CHECK_EQ(net_start(), 0);
    CHECK(answers());
    CHECK_EQ(sum16(sent + 34, sent_size - 34, 0), 0xffff);
}

/* Out: segments that follow one another. */

static struct output output_of_card = {.device = &card};

/* A segment of ours with size bytes, from header to header + size of a sequence. */
static void out(uint16_t port, uint32_t seq, uint8_t flags, uint32_t size)
{
    char data[560] = "";
    for (uint32_t i = 0; i < size; i++)
        data[i] = (char)('a' + (seq + i) % 26);
    struct packet frame = tcp(port, 80, seq, 7, flags, data);
    struct pbuf *p = pbuf_alloc(PBUF_RAW, (u16_t)frame.size, PBUF_RAM);
    memcpy(p->payload, frame.bytes, frame.size);
    CHECK_EQ(output_frame(&output_of_card, p), card_full ? ERR_MEM : ERR_OK);
    pbuf_free(p);
}

/* Sends what is held; count frames went out in all since the last time. */
static void check_sent(uint32_t count)
{
    net_lock();
    output_flush(&output_of_card);
    net_unlock();
    CHECK_EQ(sent_count, count);
    sent_count = 0;
}

static void test_segments_leave_as_one(void)
{
    const long before = fake_heap_blocks;
    sent_count = 0;
    for (uint32_t i = 0; i < 5; i++)
        out(1, 100 + i * 500, i == 2 ? 0x18 : 0x10, 500);
    out(1, 2600, 0x18, 77); /* the last may be shorter */
    check_sent(1);
    CHECK_EQ(sent_size, 54 + 5 * 500 + 77);
    CHECK_EQ(sent_offload.segment, 500);
    CHECK_EQ(sent_offload.header, 54);
    CHECK_EQ(sent_offload.checksum_start, 34);
    CHECK_EQ(sent_offload.checksum_at, 16);
    CHECK(!sent_offload.v6);
    CHECK_EQ(sent[16] << 8 | sent[17], (int)sent_size - 14);
    CHECK_EQ(sum16(sent + 14, 20, 0), 0xffff);
    CHECK_EQ(get32(sent + 38), 100);
    CHECK_EQ(sent[47], 0x18);
    CHECK_EQ(sent[50] << 8 | sent[51], (int)sum16(sent + 26, 8, 6 + sent_size - 34));
    for (uint32_t i = 0; i < sent_size - 54; i++)
        if (sent[54 + i] != 'a' + (100 + i) % 26)
            CHECK_EQ(i, UINT32_MAX);
    CHECK_EQ(fake_heap_blocks, before);
}

static void test_segments_that_do_not_belong_together(void)
{
    out(1, 100, 0x10, 500);
    out(2, 600, 0x10, 500); /* of another connection */
    check_sent(2);
    out(1, 100, 0x10, 500);
    out(1, 601, 0x10, 500); /* a hole */
    check_sent(2);
    out(1, 100, 0x10, 400);
    out(1, 500, 0x10, 500); /* larger than the first */
    check_sent(2);
    out(1, 100, 0x10, 500);
    out(1, 600, 0x10, 400);
    out(1, 1000, 0x10, 400); /* behind a shorter one */
    check_sent(2);
    out(1, 100, 0x10, 500);
    out(1, 600, 0x11, 500);  /* FIN */
    out(1, 1100, 0x30, 500); /* URG */
    check_sent(3);
    out(1, 100, 0x10, 500);
    out(1, 600, 0x10, 0); /* only an acknowledgment */
    check_sent(2);
    CHECK_EQ(sent_sizes[1], 54);
    CHECK_EQ(sent_offload.segment, 0);
}

static void test_no_more_than_fits(void)
{
    const uint32_t segments = OUTPUT_HELD_MAX + 5;
    for (uint32_t i = 0; i < segments; i++)
        out(1, 100 + i * 500, 0x10, 500);
    check_sent(2);
    CHECK_EQ(sent_sizes[0], 54 + OUTPUT_HELD_MAX * 500);
    CHECK_EQ(sent_sizes[1], 54 + 5 * 500);
}

static void test_large_frames_refused(void)
{
    card_refuses_large = true;
    for (uint32_t i = 0; i < 4; i++)
        out(1, 100 + i * 500, 0x10, 500);
    check_sent(4);
    CHECK_EQ(sent_sizes[3], 554);
    card_refuses_large = false;
    card_full = true; /* lwIP hears of it, and keeps the segment */
    out(1, 100, 0x10, 500);
    card_full = false;
    check_sent(0);
}

static void test_a_connection_by_hand(void)
{
    struct socket *s = listener(80), *child;
    in(tcp(1000, 80, 5000, 0, 2, ""));
    CHECK_EQ(sent[47], 0x12); /* SYN and ACK */
    uint32_t theirs = get32(sent + 38) + 1;
    CHECK_EQ(get32(sent + 42), 5001);
    CHECK_EQ(s->ops->accept(s, &child), -EAGAIN);
    in(tcp(1000, 80, 5001, theirs, 0x10, ""));
    CHECK_EQ(s->ops->accept(s, &child), 0);
    in(tcp(1000, 80, 5001, theirs, 0x18, "hello"));
    char text[16] = "";
    struct iter it;
    iter_kernel(&it, text, sizeof(text));
    struct socket_message m = {.it = &it};
    CHECK_EQ(child->ops->receive(child, &m), 5);
    CHECK_STR(text, "hello");
    iter_kernel(&it, (void *)(uintptr_t) "answer", 6);
    CHECK_EQ(child->ops->send(child, &m), 6);
    CHECK(memcmp(sent + 54, "answer", 6) == 0);
    in(tcp(1000, 80, 5006, theirs + 6, 0x11, "")); /* FIN */
    iter_kernel(&it, text, sizeof(text));
    CHECK_EQ(child->ops->receive(child, &m), 0);
    child->ops->release(child);
    CHECK_EQ(sent[47] & 1, 1);
    in(tcp(1000, 80, 5007, theirs + 7, 0x10, ""));
    s->ops->release(s);
}

static uint32_t next_random(uint32_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 17;
    return *state ^= *state << 5;
}

/* A message of a DHCP server to whoever asked last, of any type, with options of any kind. */
static struct packet lease_message(uint32_t which)
{
    uint8_t body[320] = {0, 67, 0, 68, 0, 0, 0, 0, 2, 1, 6, 0};
    put16(body + 4, sizeof(body));
    memcpy(body + 12, &lease_number, sizeof(lease_number));
    put32(body + 24, 0x0a000210 + which % 3);
    memcpy(body + 36, card.address, 6);
    memcpy(body + 244, "\x63\x82\x53\x63\x35\1", 6);
    body[250] = (uint8_t)(which % 9);
    uint8_t *option = body + 251;
    static const uint8_t codes[] = {1, 3, 6, 51, 54, 58, 59, 52, 0, 255};
    for (uint32_t n = which >> 4; n > 0 && option < body + 300; n >>= 3) {
        const uint8_t code = codes[n % sizeof(codes)];
        *option++ = code;
        *option++ = (uint8_t)(n % 7 ? 4 : n % 256);
        put32(option, code > 50 && n % 11 ? n % 300 : 0x0a000202); /* seconds, or an address */
        option += 4;
    }
    *option = 255;
    return ip4(17, body, sizeof(body), which % 4 ? 6 : -1);
}

/* Frames that could be, to be spoilt. */
static struct packet template(uint32_t which)
{
    uint8_t body[120] = {0x80, 0, 0, 80, 0, 60};
    switch (which % 10) {
    case 0:
        return arp(1 + which % 2);
    case 1:
        return ping();
    case 2:
        return tcp((uint16_t)(1024 + which % 64), 80, which * 77, 0, 2, "");
    case 3:
        return tcp((uint16_t)(1024 + which % 64), 80, which * 77 + 1, which, 0x18, "some data");
    case 4:
        put16(body, 999);
        put16(body + 2, 53);
        put16(body + 4, sizeof(body));
        return ip4(which & 16 ? 17 : 136, body, sizeof(body), 6);
    case 5: { /* a fragment */
        struct packet p = ip4(which & 16 ? 17 : 136, body, sizeof(body), -1);
        put16(p.bytes + 20, (which % 3 ? 0x2000 : 0) | which % 40);
        put16(p.bytes + 24, 0);
        put16(p.bytes + 24, 0xffff ^ sum16(p.bytes + 14, 20, 0));
        return p;
    }
    case 6: { /* unreachable, with a packet of ours in it */
        struct packet ours = ip4(6, body, 40, -1);
        memcpy(body + 8, ours.bytes + 14, 60);
        body[0] = 3;
        body[1] = (uint8_t)(which % 16);
        return ip4(1, body, 68, 2);
    }
    case 7: { /* IPv6: neighbours, routers, pings, extension headers */
        struct packet p = {.size = 14 + 40 + 64};
        static const uint8_t types[] = {128, 129, 133, 134, 135, 136, 137, 1, 130};
        static const uint8_t headers[] = {58, 0, 44, 60, 43, 17, 6, 136};
        memcpy(p.bytes, "\x33\x33\0\0\0\1", 6);
        memcpy(p.bytes + 6, gateway, 6);
        put16(p.bytes + 12, 0x86dd);
        p.bytes[14] = 0x60;
        put16(p.bytes + 18, 64);
        p.bytes[20] = headers[which / 9 % sizeof(headers)];
        p.bytes[21] = 255;
        memcpy(p.bytes + 22, "\xfe\x80\0\0\0\0\0\0\0\0\0\0\0\0\0\2", 16);
        memcpy(p.bytes + 38, "\xff\2\0\0\0\0\0\0\0\0\0\0\0\0\0\1", 16);
        p.bytes[54] = types[which % sizeof(types)];
        uint32_t sum = sum16(p.bytes + 22, 32, 58 + 64);
        put16(p.bytes + 56, 0xffff ^ sum16(p.bytes + 54, 64, sum));
        return p;
    }
    case 8:
        return lease_message(which / 9);
    default: { /* an answer of a name server */
        static const char name[] = "\3www\7example\0\0\1\0\1\300\14\0\1\0\1\0\0\0\1\0\4";
        put16(body, 53);
        put16(body + 2, 53);
        put16(body + 4, sizeof(body));
        put16(body + 8, which % 65536);
        memcpy(body + 10, "\x81\x80\0\1\0\1", 6);
        memcpy(body + 20, name, sizeof(name));
        return ip4(17, body, sizeof(body), 6);
    }
    }
}

static void spoil(struct packet *p, uint32_t *state)
{
    for (uint32_t n = next_random(state) % 6; n > 0; n--)
        p->bytes[next_random(state) % p->size] = (uint8_t)next_random(state);
    if (next_random(state) % 4 == 0)
        p->size = next_random(state) % (p->size + 1);
    if (next_random(state) % 8 == 0)
        p->size += next_random(state) % 400;
    /* Half of them keep a right IP checksum, so that they get further. */
    if (p->size >= 34 && p->bytes[12] == 8 && next_random(state) % 2) {
        put16(p->bytes + 24, 0);
        put16(p->bytes + 24, 0xffff ^ sum16(p->bytes + 14, 20, 0));
    }
}

static void end_lease(void)
{
    const struct orris_interface *own = &the_run.interfaces[0];
    ip4_addr_t address, netmask, router;
    memcpy(&address, own->address, sizeof(address));
    memcpy(&netmask, own->netmask, sizeof(netmask));
    memcpy(&router, own->gateway, sizeof(router));
    net_lock();
    dhcp_release_and_stop(netif_default);
    dhcp_cleanup(netif_default);
    netif_set_addr(netif_default, &address, &netmask, &router);
    net_unlock();
}

/* With a lease client that runs: its answers come with what it asked by. */
static void fuzz(bool leased)
{
    const char *rounds = getenv("NET_FUZZ_FRAMES"), *seed = getenv("NET_FUZZ_SEED");
    uint32_t count = rounds ? (uint32_t)strtoul(rounds, NULL, 10) : 30000;
    uint32_t state = seed ? (uint32_t)strtoul(seed, NULL, 10) * 2654435761u + 1 : 12345;
    struct socket *s = listener(80), *dns = datagrams(53, 17), *lite = datagrams(53, 136), *child;
    net_lock();
    tcp_of(s)->narrow = leased; /* SO_RCVBUF */
    s->receive_room = leased ? 4608 : s->receive_room;
    CHECK(!leased || dhcp_start(netif_default) == ERR_OK);
    net_unlock();
    for (uint32_t i = 0; i < count; i++) {
        uint32_t which = next_random(&state);
        struct packet p = leased && i % 2 ? lease_message(which) : template(which);
        spoil(&p, &state);
        card_checked = next_random(&state) % 2; /* so that TCP and ICMPv6 see what is spoilt */
        frame_in(p.bytes, p.size, 1 + next_random(&state) % 1500);
        if (i % 64 == 0)
            pass(next_random(&state) % (leased ? 8000 : 1000));
        if (s->ops->accept(s, &child) == 0)
            child->ops->release(child);
    }
    card_checked = false;
    if (leased)
        end_lease();
    CHECK(answers());
    s->ops->release(s);
    dns->ops->release(dns);
    lite->ops->release(lite);
}

static void test_frames_that_nobody_should_send(void)
{
    fuzz(false);
}

static void test_frames_for_a_lease_that_nobody_should_send(void)
{
    fuzz(true);
}

static void test_nothing_is_left(void)
{
    pass(400000); /* every time-out of TCP, ARP and IP is over */
    long before = fake_heap_blocks;
    struct socket *s = listener(80), *dns = datagrams(53, 17), *child;
    for (uint32_t i = 0; i < 200; i++) {
        in(tcp((uint16_t)(2000 + i), 80, 100, 0, 2, ""));
        uint32_t theirs = get32(sent + 38) + 1;
        in(tcp((uint16_t)(2000 + i), 80, 101, theirs, 0x18, "bytes"));
        if (i % 2 && s->ops->accept(s, &child) == 0)
            child->ops->release(child);
    }
    s->ops->release(s);
    dns->ops->release(dns);
    pass(400000);
    CHECK_EQ(fake_heap_blocks, before);
}

static void test_short_of_memory(void)
{
    struct socket *s = listener(80), *child;
    for (long left = 0; left < 60; left++) {
        struct packet syn = tcp((uint16_t)(3000 + left), 80, 100, 0, 2, "");
        struct netdev_buffer *b = heap_alloc(sizeof(*b));
        *b = (struct netdev_buffer){.data = b->bytes, .size = syn.size, .device = &card};
        memcpy(b->data, syn.bytes, syn.size);
        card_queue = b;
        fake_heap_left = left % 12;
        card_received(card_arg);
        fake_heap_left = -1;
        if (s->ops->accept(s, &child) == 0)
            child->ops->release(child);
    }
    s->ops->release(s);
    CHECK(answers());
}

int main(void)
{
    RUN(test_arp_and_ping);
    RUN(test_segments_leave_as_one);
    RUN(test_segments_that_do_not_belong_together);
    RUN(test_no_more_than_fits);
    RUN(test_large_frames_refused);
    RUN(test_a_connection_by_hand);
    RUN(test_frames_that_nobody_should_send);
    RUN(test_frames_for_a_lease_that_nobody_should_send);
    RUN(test_nothing_is_left);
    RUN(test_short_of_memory);
    return check_done();
}
