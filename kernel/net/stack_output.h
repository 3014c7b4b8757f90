/* A card's frames on their way out. */
#pragma once

#include <stdint.h>

#include <lwip/err.h>

struct netdev;
struct pbuf;

#define OUTPUT_HELD_MAX 44u

/* Segments of one connection that follow one another, and may leave as one large frame. */
struct output {
    struct netdev *device;
    struct pbuf *held[OUTPUT_HELD_MAX];
    unsigned count;
    uint32_t next_number;     /* the sequence number behind the last */
    uint16_t segment, header; /* bytes that each but the last carries; bytes before them */
    uint32_t size;            /* of the frame that they make, bytes */
    uint16_t tcp;             /* where the header of TCP begins */
    bool v6, pushes;          /* of IPv6; with PSH, for the last has it */
    bool complete;            /* nothing may follow the last */
};

/* lwIP's linkoutput: sends the frame, or holds it until another one follows, or output_flush().
 * Requires: the network's lock. */
err_t output_frame(struct output *o, struct pbuf *p);
/* Sends what is held, and makes the device look. Requires: the network's lock. */
void output_flush(struct output *o);
