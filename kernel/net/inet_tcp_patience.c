/*
 * TCP: how long a connection is kept that doesn't answer, as long as on Linux. lwIP counts what it
 * sends anew, and never waits longer than 128 times the first time-out.
 */
#include <lwip/priv/tcp_priv.h>

#include "kernel/base/types.h"
#include "kernel/net/inet_tcp.h"
#include "kernel/net/lwip_port/hooks.h"

#define RETRIES_DEFAULT 15u
#define RETRIES_CLOSED 8u /* of a connection that has no socket any more */
#define RETRIES_BEGIN 5u  /* of the answer to a connection's first segment */
#define DOUBLED_MOST 9u   /* 200 ms, doubled so often, are nearly 120 s */
#define LEAST_TICKS (200u / TCP_SLOW_INTERVAL)

uint8_t inet_tcp_retries = RETRIES_DEFAULT;

/* So many time-outs, after the first, each twice the one before, from 200 ms on to 120 s. */
static unsigned patience_ticks(unsigned retries)
{
    unsigned doubled = (unsigned)min_u64(retries, DOUBLED_MOST);
    return LEAST_TICKS * ((2u << doubled) - 1) + (retries - doubled) * TIMEOUT_MAX_TICKS;
}

/* The time-out after a segment was sent anew count times. */
static unsigned timeout_ticks(const struct tcp_pcb *pcb, unsigned count)
{
    int first = (pcb->sa >> 3) + pcb->sv;
    uint64_t ticks = (uint64_t)(first > 0 ? first : 1) << min_u64(count, 16);
    return (unsigned)min_u64(ticks, TIMEOUT_MAX_TICKS);
}

/* Since a segment was sent anew for the first time, up to the time-out that ends now. */
static unsigned waited_ticks(const struct tcp_pcb *pcb)
{
    unsigned sum = 0;
    for (unsigned n = 1; n <= pcb->nrtx; n++)
        sum += timeout_ticks(pcb, n);
    return sum;
}

/* How many probes of a closed window lwIP sends in that time. */
static unsigned probes(unsigned ticks)
{
    static const uint8_t waits[] = {3, 6, 12, 24, 48, 96, 120};
    unsigned count = 0;
    for (unsigned sum = 0; sum < ticks && count < UINT8_MAX; count++)
        sum += waits[min_u64(count, ARRAY_SIZE(waits) - 1)];
    return count;
}

/* More than there were: it goes on. TCP_USER_TIMEOUT and TCP_SYNCNT have their own ways. */
unsigned inet_hook_retries(struct tcp_pcb *pcb)
{
    const struct tcp_socket *s = pcb->state == SYN_RCVD ? NULL : pcb->callback_arg;
    unsigned going_on = pcb->nrtx + 1u;
    unsigned retries = s ? inet_tcp_retries : RETRIES_CLOSED;
    if (pcb->state == SYN_SENT || (s && s->user_timeout_ms))
        return UINT8_MAX + 1u;
    if (pcb->persist_backoff > 0)
        return probes(patience_ticks(retries));
    if (!pcb->nrtx)
        return going_on;
    pcb->rto = (s16_t)timeout_ticks(pcb, pcb->nrtx);
    if (pcb->rtime + 1 < pcb->rto)
        return going_on;
    if (pcb->state == SYN_RCVD)
        return pcb->nrtx < RETRIES_BEGIN ? going_on : 0;
    return waited_ticks(pcb) < patience_ticks(retries) ? going_on : 0;
}
