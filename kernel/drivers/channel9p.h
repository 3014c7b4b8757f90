/*
 * Channels to file servers that speak 9P: one virtio-9p device each, found by the tag that the host
 * gave it.
 */
#pragma once

#include "kernel/base/types.h"

struct channel9p;

/* A piece of a message, in the direct map. */
struct channel9p_part {
    void *data;
    uint32_t size;
};

#define CHANNEL9P_PARTS_MAX 40u

/* The channel with this tag, or NULL. */
struct channel9p *channel9p_find(const char *tag);

/* Sends a request of out parts; the answer is written to the in parts that follow. Sleeps until it
 * is there. Returns its bytes, as the device says but never more than there is room for. */
uint64_t channel9p_call(struct channel9p *channel, const struct channel9p_part *parts, unsigned out,
                        unsigned in);
