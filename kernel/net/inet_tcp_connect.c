/* TCP: binding, connecting, listening, accepting. */
#include <linux/eventpoll.h>
#include <lwip/ip.h>
#include <lwip/priv/tcp_priv.h>
#include <lwip/prot/ip4.h>
#include <lwip/prot/ip6.h>

#include "kernel/base/errno.h"
#include "kernel/base/hash.h"
#include "kernel/base/random.h"
#include "kernel/base/siphash.h"
#include "kernel/base/string.h"
#include "kernel/mm/heap.h"
#include "kernel/net/inet_tcp.h"
#include "kernel/net/lwip_port/hooks.h"
#include "kernel/net/stack_route.h"
#include "kernel/platform/run.h"
#include "kernel/sched/thread.h"
#include "kernel/time/clock.h"

#define BACKLOG_MAX 4096
#define DEFER_STEPS_MAX 255u
#define DEFER_STEP_MAX 120 /* seconds */

int tcp_socket_bind(struct socket *base, const struct socket_name *name)
{
    int err = net_start();
    return err ? err : inet_bind_to(inet_of(base), name);
}

/* Whether the host lets somebody in by this port. */
static bool is_forwarded(uint16_t port)
{
    for (unsigned n = 0; n < the_run.forward_count; n++) {
        const struct orris_forward *f = &the_run.forwards[n];
        if (f->protocol == IP_PROTO_TCP && port >= f->first && port <= f->last)
            return true;
    }
    return false;
}

/* Gives s a pcb with its address and port. A listener on loopback whose port is forwarded is
 * reached by that, too: the host has said who may. */
static int make_pcb(struct tcp_socket *s, bool listening)
{
    struct inet_socket *i = &s->inet;
    int err = inet_bind_any(i);
    if (err || s->pcb)
        return err;
    struct tcp_pcb *pcb = tcp_new_ip_type(inet_ip_type(i));
    if (!pcb)
        return -ENOMEM;
    if (!endpoint_is_any(&i->local))
        ip_addr_set(&pcb->local_ip, &i->local.address);
    if (listening && ip_addr_isloopback(&i->local.address) && is_forwarded(i->local.port))
        ip_addr_set_any_val(IP_IS_V6_VAL(i->local.address), pcb->local_ip);
    pcb->local_port = i->local.port; /* ours to give: tcp_bind would look through all */
    TCP_REG(&tcp_bound_pcbs, pcb);
    tcp_set_timeout(pcb);
    tcp_attach(s, pcb);
    return 0;
}

/* Connecting. */

/* TCP_MAXSEG counts for what is sent, too. */
static void limit_segment(const struct tcp_socket *s)
{
    if (s->segment_most && s->segment_most < s->pcb->mss)
        s->pcb->mss = s->segment_most;
}

static err_t connected(void *arg, struct tcp_pcb *pcb, err_t err)
{
    struct tcp_socket *s = arg;
    (void)err;
    ip_addr_copy(s->inet.local.address, pcb->local_ip);
    s->state = TCP_CONNECTED;
    limit_segment(s);
    s->inet.base.cpu = (int)sched_cpu_current();
    s->withheld = tcp_narrow_window(s, pcb);
    waitq_wake(&s->inet.base.waitq, INET_WRITABLE);
    return ERR_OK;
}

static int connect_check(const struct tcp_socket *s)
{
    switch (s->state) {
    case TCP_CONNECTED:
    case TCP_LISTENING:
    case TCP_ENDED:
        return -EISCONN;
    case TCP_CONNECTING:
        return -EALREADY;
    default:
        return 0;
    }
}

/* Back to a socket that may connect again. */
static void disconnect(struct tcp_socket *s)
{
    struct tcp_pcb *pcb = s->pcb;
    tcp_detach(s);
    if (pcb)
        tcp_abort(pcb);
    tcp_drop_queue(s);
    s->inet.has_peer = s->peer_closed = s->inet.shut_read = s->inet.shut_write = false;
    s->state = TCP_IDLE;
    s->connect_told = false;
    inet_unbind(&s->inet);
}

/* What became of an attempt that failed; the next one begins anew. */
static int attempt_over(struct tcp_socket *s)
{
    int err = socket_take_error(&s->inet.base);
    net_lock();
    disconnect(s);
    net_unlock();
    return err ? err : -ECONNABORTED;
}

static int connect_begin(struct tcp_socket *s, const struct endpoint *peer)
{
    int err = connect_check(s);
    if (!err)
        err = make_pcb(s, false);
    if (err)
        return err;
    if (IP_IS_ANY_TYPE_VAL(s->pcb->local_ip))
        ip_addr_set_any_val(IP_IS_V6_VAL(peer->address), s->pcb->local_ip);
    if (!route_leads(&s->pcb->local_ip, &peer->address))
        return -ENETUNREACH;
    err = inet_error(tcp_connect(s->pcb, &peer->address, peer->port, connected));
    if (err)
        return err;
    if (!tcp_table_add(s->pcb)) {
        disconnect(s);
        return -ENOMEM;
    }
    s->inet.peer = *peer;
    s->inet.has_peer = true;
    ip_addr_copy(s->inet.local.address, s->pcb->local_ip);
    s->inet.base.error = 0;
    s->state = TCP_CONNECTING;
    return 0;
}

static int connect_wait(struct tcp_socket *s)
{
    struct socket *base = &s->inet.base;
    uint64_t timeout = base->send_timeout_ns;
    uint64_t deadline = deadline_of_timeout(timeout);
    int err = 0;
    struct waiter w;
    waiter_init(&w, INET_ALL);
    waitq_add(&base->waitq, &w);
    for (;;) {
        waiter_arm(&w);
        if (__atomic_load_n(&s->state, __ATOMIC_ACQUIRE) != TCP_CONNECTING)
            break;
        err = waiter_sleep(&w, deadline, true);
        if (err)
            break;
    }
    waitq_remove(&base->waitq, &w);
    if (err == -ETIMEDOUT)
        return -EINPROGRESS;
    if (err)
        return timeout ? -EINTR : -ERESTARTSYS;
    if (s->state != TCP_CONNECTED)
        return attempt_over(s);
    s->connect_told = true;
    return socket_take_error(base);
}

int tcp_socket_connect(struct socket *base, const struct socket_name *name, bool nonblocking)
{
    struct tcp_socket *s = tcp_of(base);
    struct endpoint peer;
    int err = net_start();
    if (err)
        return err;
    if (name->size >= sizeof(name->family) && name->family == AF_UNSPEC) {
        net_lock();
        disconnect(s);
        net_unlock();
        return 0;
    }
    if (s->state == TCP_LISTENING || (s->connect_told && s->state != TCP_IDLE))
        return -EISCONN;
    err = endpoint_parse(&s->inet, name, &peer);
    if (err)
        return err == -ENODEV ? -ENETUNREACH : err;
    endpoint_resolve_any(&s->inet, &peer);
    if (s->state == TCP_ENDED && !s->connect_told)
        return attempt_over(s); /* the one before */
    if (s->state == TCP_CONNECTED && !s->connect_told) {
        s->connect_told = true;
        return 0;
    }
    net_lock();
    err = connect_begin(s, &peer);
    net_unlock();
    if (err == -EALREADY && !nonblocking)
        err = 0; /* a signal came while it waited */
    if (err)
        return err;
    return nonblocking ? -EINPROGRESS : connect_wait(s);
}

/* Listening. */

static bool same_group(const struct tcp_socket *a, const struct tcp_socket *b)
{
    return a->inet.base.family == b->inet.base.family &&
           a->inet.options.only6 == b->inet.options.only6 &&
           ip_addr_cmp(&a->inet.local.address, &b->inet.local.address);
}

/* A group of listeners that s may join. */
static struct tcp_group *find_group(const struct tcp_socket *s)
{
    const struct inet_socket *i = &s->inet;
    if (!(i->base.switches >> SO_REUSEPORT & 1))
        return NULL;
    for (struct inet_socket *at = NULL; (at = port_next(i->ports, i->local.port, at));) {
        struct tcp_socket *other = tcp_of(&at->base);
        if (other != s && other->group && same_group(s, other))
            return other->group;
    }
    return NULL;
}

static bool is_listener(const struct inet_socket *i)
{
    return container_of(i, struct tcp_socket, inet)->state == TCP_LISTENING;
}

static struct tcp_socket *member_for(struct tcp_group *group, const struct tcp_pcb *pcb)
{
    uint64_t key = (uint64_t)pcb->remote_port << 32 ^ ip_addr_get_ip4_u32(&pcb->remote_ip);
    unsigned skip = hash_u64(key) % group->count;
    struct list_node *node = group->members.next;
    while (skip--)
        node = node->next;
    return list_entry(node, struct tcp_socket, group_node);
}

/* The socket of a connection that came: as its listener is. */
static struct tcp_socket *make_child(struct tcp_socket *listener, struct tcp_pcb *pcb)
{
    struct tcp_socket *s = tcp_socket_alloc(listener->inet.base.family);
    if (!s)
        return NULL;
    struct socket *base = &s->inet.base;
    base->switches = listener->inet.base.switches;
    base->linger = listener->inet.base.linger;
    base->linger_seconds = listener->inet.base.linger_seconds;
    base->send_room = listener->inet.base.send_room;
    base->receive_room = listener->inet.base.receive_room;
    base->receive_low = listener->inet.base.receive_low;
    base->stamp = listener->inet.base.stamp;
    base->stamps = listener->inet.base.stamps;
    base->interface = listener->inet.base.interface;
    base->priority = listener->inet.base.priority;
    base->mark = listener->inet.base.mark;
    s->inet.options = listener->inet.options;
    s->no_delay = listener->no_delay;
    s->cork = listener->cork;
    s->narrow = listener->narrow;
    s->keep_idle = listener->keep_idle;
    s->keep_interval = listener->keep_interval;
    s->keep_count = listener->keep_count;
    s->syn_count = listener->syn_count;
    s->user_timeout_ms = listener->user_timeout_ms;
    s->unsent_low = listener->unsent_low;
    if (listener->window_clamp < base->receive_room / 2)
        s->window_clamp = listener->window_clamp;
    s->acks_at_once = listener->acks_at_once;
    s->tell_queued = listener->tell_queued;
    s->inet.local = (struct endpoint){pcb->local_ip, pcb->local_port};
    s->inet.peer = (struct endpoint){pcb->remote_ip, pcb->remote_port};
    s->inet.has_peer = true;
    s->connect_told = true;
    s->withheld = TCP_WND_MAX(pcb) - pcb->rcv_wnd;
    s->state = TCP_CONNECTED;
    s->segment_most = listener->segment_most;
    s->fin_wait = listener->fin_wait;
    base->cpu = (int)sched_cpu_current();
    port_share(&s->inet);
    tcp_attach(s, pcb);
    limit_segment(s);
    return s;
}

void tcp_begin_child(const struct tcp_pcb_listen *listener, struct tcp_pcb *pcb)
{
    struct tcp_group *group = listener->callback_arg;
    if (group)
        (void)tcp_narrow_window(member_for(group, pcb), pcb);
}

static void let_accept(struct tcp_socket *listener, struct tcp_socket *child)
{
    list_add_tail(&listener->accept_queue, &child->accept_node);
    listener->accept_count++;
    waitq_wake(&listener->inet.base.waitq, INET_READABLE);
}

void tcp_defer_end(struct tcp_socket *s)
{
    struct tcp_socket *listener = s->deferred_to;
    s->deferred_to = NULL;
    list_remove(&s->accept_node);
    let_accept(listener, s);
}

int tcp_defer_seconds(int seconds)
{
    int whole = 0, step = 1;
    for (unsigned n = 0; n < DEFER_STEPS_MAX && (n == 0 || whole < seconds); n++) {
        whole += step;
        step = step * 2 < DEFER_STEP_MAX ? step * 2 : DEFER_STEP_MAX;
    }
    return seconds > 0 ? whole : 0;
}

static err_t accepted(void *arg, struct tcp_pcb *pcb, err_t err)
{
    struct tcp_group *group = arg;
    if (err != ERR_OK || !pcb || !group)
        return ERR_VAL;
    struct tcp_socket *listener = member_for(group, pcb);
    struct tcp_socket *child = make_child(listener, pcb);
    if (!child)
        return ERR_MEM;
    if (listener->defer_seconds) {
        child->deferred_to = listener;
        child->deferred_until_ns =
            ns_add(clock_monotonic_ns(), ns_mul(NS_PER_SECOND, listener->defer_seconds));
        list_add_tail(&listener->deferred, &child->accept_node);
        return ERR_OK;
    }
    let_accept(listener, child);
    return ERR_OK;
}

/* IP_MINTTL, IPV6_MINHOPCOUNT. */
static bool came_near_enough(const struct tcp_socket *s)
{
    const struct inet_options *o = &s->inet.options;
    if (!(o->ttl_least | o->hops_least))
        return true;
    return ip_current_is_v6() ? IP6H_HOPLIM(ip6_current_header()) >= o->hops_least
                              : IPH_TTL(ip4_current_header()) >= o->ttl_least;
}

/* Before each look whether to give a connection up that is being made: TCP_SYNCNT. Each time-out is
 * twice the one before (RFC 6298, 5.5), which lwIP leaves out here, and the last one counts, too.
 */
unsigned inet_hook_syn_count(struct tcp_pcb *pcb)
{
    const struct tcp_socket *s = pcb->callback_arg;
    unsigned most = s ? s->syn_count : TCP_SYNMAXRTX, doubled = pcb->nrtx < 7 ? pcb->nrtx : 7;
    pcb->rto = (s16_t)min_u64(TCP_FIRST_TIMEOUT_TICKS << doubled, TIMEOUT_MAX_TICKS);
    return pcb->rtime + 1 < pcb->rto ? pcb->nrtx + 1u : most;
}

unsigned short inet_hook_segment(const struct tcp_pcb *pcb)
{
    const struct tcp_socket *s = pcb->state == SYN_RCVD ? NULL : pcb->callback_arg;
    if (pcb->state == SYN_RCVD && pcb->listener && pcb->listener->callback_arg)
        s = member_for(pcb->listener->callback_arg, pcb);
    return s && s->segment_most && s->segment_most < TCP_MSS ? s->segment_most : TCP_MSS;
}

/* A listener whose queue is full takes no more: the other side tries again. Connections that were
 * under way before may still exceed it, for what accepted() refuses would be reset. */
err_t inet_hook_tcp_in(struct tcp_pcb *pcb, const struct tcp_hdr *header)
{
    if (!pcb->callback_arg || pcb->state == SYN_RCVD) /* which has its listener's */
        return ERR_OK;
    if (pcb->state != LISTEN)
        return came_near_enough(pcb->callback_arg) ? ERR_OK : ERR_VAL;
    if (!(TCPH_FLAGS(header) & TCP_SYN))
        return ERR_OK;
    const struct tcp_group *group = pcb->callback_arg;
    list_for_each(node, &group->members)
    {
        const struct tcp_socket *s = list_entry(node, struct tcp_socket, group_node);
        if (s->accept_count <= s->backlog && came_near_enough(s))
            return ERR_OK;
    }
    return ERR_MEM;
}

static int start_group(struct tcp_socket *s)
{
    struct tcp_group *group = heap_zalloc_flags(sizeof(*group), ALLOC_OBJECT | ALLOC_LOCKED);
    if (!group)
        return -ENOMEM;
    int err = make_pcb(s, true);
    struct tcp_pcb *pcb = s->pcb, *listening = NULL;
    if (!err) {
        tcp_detach(s);
        ip_reset_option(pcb, SOF_REUSEADDR); /* who may have the port was decided above */
        listening = tcp_listen(pcb);
        err = listening ? 0 : -ENOMEM;
        if (!listening)
            (void)tcp_close(pcb);
    }
    if (err) {
        heap_free(group);
        return err;
    }
    list_init(&group->members);
    group->pcb = listening;
    tcp_arg(listening, group);
    tcp_accept(listening, accepted);
    tcp_table_listen(listening);
    s->group = group;
    return 0;
}

static int listen_begin(struct tcp_socket *s)
{
    int err = inet_bind_any(&s->inet);
    if (err)
        return err;
    if (!port_may_listen(&s->inet, is_listener))
        return -EADDRINUSE;
    if (s->pcb) { /* of an attempt to connect */
        struct tcp_pcb *pcb = s->pcb;
        tcp_detach(s);
        tcp_abort(pcb);
    }
    s->group = find_group(s);
    err = s->group ? 0 : start_group(s);
    if (err)
        return err;
    list_add_tail(&s->group->members, &s->group_node);
    s->group->count++;
    s->state = TCP_LISTENING;
    return 0;
}

void tcp_leave_group(struct tcp_socket *s)
{
    struct tcp_group *group = s->group;
    s->group = NULL;
    list_remove(&s->group_node);
    if (--group->count > 0)
        return;
    tcp_arg(group->pcb, NULL);
    (void)tcp_close(group->pcb);
    heap_free(group);
}

int tcp_socket_listen(struct socket *base, int backlog)
{
    struct tcp_socket *s = tcp_of(base);
    int err = net_start();
    if (err)
        return err;
    net_lock();
    if (s->state == TCP_IDLE || (s->state == TCP_ENDED && !s->connect_told))
        err = listen_begin(s);
    else if (s->state != TCP_LISTENING)
        err = -EINVAL;
    if (!err)
        s->backlog = (unsigned)(backlog < 0 || backlog > BACKLOG_MAX ? BACKLOG_MAX : backlog);
    net_unlock();
    if (!err)
        inet_told_listening(&s->inet);
    return err;
}

int tcp_socket_accept(struct socket *base, struct socket **out)
{
    struct tcp_socket *s = tcp_of(base), *child = NULL;
    int err = 0;
    net_lock();
    if (s->state != TCP_LISTENING) {
        err = -EINVAL;
    } else if (list_empty(&s->accept_queue)) {
        err = -EAGAIN;
    } else {
        child = list_entry(s->accept_queue.next, struct tcp_socket, accept_node);
        list_remove(&child->accept_node);
        s->accept_count--;
    }
    net_unlock();
    if (child)
        *out = &child->inet.base;
    return err;
}

/* A connection's first sequence number: RFC 6528. */
uint32_t inet_hook_tcp_first(const ip_addr_t *local, uint16_t local_port, const ip_addr_t *remote,
                             uint16_t remote_port)
{
    static uint64_t key[2];
    struct {
        ip_addr_t local, remote;
        uint32_t ports;
    } ends;
    if (!key[0])
        random_bytes(key, sizeof(key));
    memset(&ends, 0, sizeof(ends));
    ends.local = *local;
    ends.remote = *remote;
    ends.ports = (uint32_t)local_port << 16 | remote_port;
    uint32_t step = (uint32_t)(clock_monotonic_ns() >> 12); /* about 4 us */
    return (uint32_t)siphash(key, &ends, sizeof(ends)) + step;
}
