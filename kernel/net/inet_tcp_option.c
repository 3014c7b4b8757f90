/* Options of IPPROTO_TCP. */
#include <linux/tcp.h>
#include <lwip/ip.h>
#include <lwip/priv/tcp_priv.h>

#include "kernel/base/errno.h"
#include "kernel/base/string.h"
#include "kernel/net/inet_tcp.h"

#define KEEP_SECONDS_MAX 32767
#define KEEP_COUNT_MAX 127
#define SYN_COUNT_MAX 127
#define WINDOW_MIN 1152 /* half of the least SO_RCVBUF */
#define SEGMENT_DEFAULT 536
#define SEGMENT_LEAST 88
#define SEGMENT_MOST 32767
#define FIN_WAIT_SECONDS_MAX 120
#define LINUX_LISTEN 10
#define US_PER_MS 1000u
#define NAME_BYTES 16u

#define FIELD(number, field_, low_, high_)                                                         \
    {                                                                                              \
        .option = (number), .width = sizeof(((struct tcp_socket *)0)->field_),                     \
        .field = offsetof(struct tcp_socket, field_), .low = (low_), .high = (high_)               \
    }
#define SWITCH(number, field_) FIELD(number, field_, INET_SWITCH_LOW, 0)

static const struct inet_number numbers[] = {
    SWITCH(TCP_NODELAY, no_delay),
    SWITCH(TCP_CORK, cork),
    SWITCH(TCP_QUICKACK, quick_ack),
    FIELD(TCP_INQ, tell_queued, 0, 1),
    FIELD(TCP_KEEPIDLE, keep_idle, 1, KEEP_SECONDS_MAX),
    FIELD(TCP_KEEPINTVL, keep_interval, 1, KEEP_SECONDS_MAX),
    FIELD(TCP_KEEPCNT, keep_count, 1, KEEP_COUNT_MAX),
    FIELD(TCP_SYNCNT, syn_count, 1, SYN_COUNT_MAX),
    FIELD(TCP_USER_TIMEOUT, user_timeout_ms, 0, INT32_MAX),
    FIELD(TCP_NOTSENT_LOWAT, unsent_low, INET_ANY_LOW, INT32_MAX),
    FIELD(TCP_WINDOW_CLAMP, window_clamp, INET_ANY_LOW, INT32_MAX),
    FIELD(TCP_LINGER2, fin_wait, -1, FIN_WAIT_SECONDS_MAX),
    FIELD(TCP_DEFER_ACCEPT, defer_seconds, INET_ANY_LOW, INT32_MAX),
};

/* What a number becomes: some are made to fit. */
static int fit(int option, int value)
{
    switch (option) {
    case TCP_WINDOW_CLAMP:
        return value && value < WINDOW_MIN ? WINDOW_MIN : value;
    case TCP_LINGER2:
        return value < 0 ? -1 : value > FIN_WAIT_SECONDS_MAX ? FIN_WAIT_SECONDS_MAX : value;
    case TCP_DEFER_ACCEPT:
        return tcp_defer_seconds(value);
    default:
        return value;
    }
}

/* What changes at once: out goes what was held back, or an acknowledgment. */
static void apply(struct tcp_socket *s, int option)
{
    net_lock();
    tcp_apply_options(s);
    if (option == TCP_WINDOW_CLAMP)
        tcp_open_window(s, 0);
    s->acks_at_once = option == TCP_QUICKACK ? s->quick_ack : s->acks_at_once;
    if (s->pcb && s->state == TCP_CONNECTED) {
        if (option == TCP_QUICKACK && s->quick_ack && (s->pcb->flags & TF_ACK_DELAY))
            tcp_ack_now(s->pcb);
        if (s->no_delay || !s->cork || option == TCP_QUICKACK)
            (void)tcp_output(s->pcb);
    }
    net_unlock();
}

static int set_congestion(struct uptr value, unsigned size)
{
    static const char known[] = "reno";
    char name[NAME_BYTES] = {0};
    if (size == 0)
        return -EINVAL;
    if (copy_from_user(name, value, min_u64(size, sizeof(name) - 1)))
        return -EFAULT;
    return strcmp(name, known) == 0 ? 0 : -ENOENT;
}

/* The most that a segment has: told the other side when a connection begins. */
static int set_segment(struct tcp_socket *s, int number)
{
    if (number && (number < SEGMENT_LEAST || number > SEGMENT_MOST))
        return -EINVAL;
    s->segment_most = (uint16_t)number;
    return 0;
}

int tcp_set_option(struct inet_socket *i, int option, struct uptr value, unsigned size)
{
    struct tcp_socket *s = tcp_of(&i->base);
    int number;
    if (option == TCP_CONGESTION)
        return set_congestion(value, size);
    int err = socket_option_number(value, size, &number);
    if (!err && option == TCP_MAXSEG)
        return set_segment(s, number);
    if (!err && option == TCP_WINDOW_CLAMP && !number && s->state != TCP_IDLE)
        err = -EINVAL;
    if (!err)
        err = inet_number_set(numbers, ARRAY_SIZE(numbers), s, option, fit(option, number));
    if (!err)
        apply(s, option);
    return err;
}

static int segment_size(const struct tcp_socket *s)
{
    net_lock();
    int size = s->pcb && s->state == TCP_CONNECTED ? s->pcb->mss
               : s->segment_most                   ? s->segment_most
                                                   : SEGMENT_DEFAULT;
    net_unlock();
    return size;
}

static int put_info(struct tcp_socket *s, struct uptr value, struct uptr size)
{
    struct tcp_info info = {0};
    net_lock();
    info.tcpi_state = tcp_linux_state(s);
    if (s->pcb && s->state == TCP_CONNECTED) {
        info.tcpi_snd_mss = info.tcpi_rcv_mss = info.tcpi_advmss = s->pcb->mss;
        info.tcpi_retransmits = s->pcb->nrtx;
        info.tcpi_snd_cwnd = s->pcb->cwnd / s->pcb->mss;
        info.tcpi_rcv_space = s->pcb->rcv_wnd;
        info.tcpi_snd_ssthresh = s->pcb->ssthresh / s->pcb->mss;
        info.tcpi_notsent_bytes = s->pcb->snd_lbb - s->pcb->snd_nxt;
        info.tcpi_rto = (uint32_t)s->pcb->rto * TCP_SLOW_INTERVAL * US_PER_MS;
        for (const struct tcp_seg *segment = s->pcb->unacked; segment; segment = segment->next)
            info.tcpi_unacked++;
        const struct netif *netif = ip_route(&s->pcb->local_ip, &s->pcb->remote_ip);
        info.tcpi_pmtu = netif ? netif->mtu : 0;
    }
    net_unlock();
    return socket_option_put(&info, sizeof(info), value, size);
}

int tcp_get_option(struct inet_socket *i, int option, struct uptr value, struct uptr size)
{
    static const char congestion[NAME_BYTES] = "reno";
    struct tcp_socket *s = tcp_of(&i->base);
    int number = 0, err = 0;
    if (option == TCP_INFO)
        return put_info(s, value, size);
    if (option == TCP_CONGESTION)
        return socket_option_put(congestion, sizeof(congestion), value, size);
    if (option == TCP_MAXSEG)
        number = segment_size(s);
    else
        err = inet_number_get(numbers, ARRAY_SIZE(numbers), s, option, &number);
    if (option == TCP_LINGER2 && !number)
        number = TCP_FIN_WAIT_SECONDS;
    if (option == TCP_WINDOW_CLAMP && !number && s->state == TCP_CONNECTED) /* as it begins */
        number = (int)(i->base.receive_room / 2);
    return err ? err : socket_option_put(&number, sizeof(number), value, size);
}

uint8_t tcp_linux_state_of(const struct tcp_pcb *pcb)
{
    enum {
        ESTABLISHED_1 = 1,
        SYN_SENT_2,
        SYN_RECV_3,
        FIN_WAIT1_4,
        FIN_WAIT2_5,
        TIME_WAIT_6,
        CLOSE_7,
        CLOSE_WAIT_8,
        LAST_ACK_9,
        LISTEN_10,
        CLOSING_11
    };
    static const uint8_t states[] = {
        [CLOSED] = CLOSE_7,         [LISTEN] = LISTEN_10,          [SYN_SENT] = SYN_SENT_2,
        [SYN_RCVD] = SYN_RECV_3,    [ESTABLISHED] = ESTABLISHED_1, [FIN_WAIT_1] = FIN_WAIT1_4,
        [FIN_WAIT_2] = FIN_WAIT2_5, [CLOSE_WAIT] = CLOSE_WAIT_8,   [CLOSING] = CLOSING_11,
        [LAST_ACK] = LAST_ACK_9,    [TIME_WAIT] = TIME_WAIT_6,
    };
    return pcb ? states[pcb->state] : CLOSE_7;
}

uint8_t tcp_linux_state(const struct tcp_socket *s)
{
    return s->state == TCP_LISTENING ? LINUX_LISTEN : tcp_linux_state_of(s->pcb);
}
