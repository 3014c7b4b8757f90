/*
 * Network devices: Ethernet frames in and out. A device does nothing until it is started; what it
 * receives lies in buffers of its own, which go to whoever takes the frame and come back one by
 * one.
 */
#pragma once

#include "kernel/base/types.h"

#define NETDEV_ADDRESS_BYTES 6u
#define NETDEV_ROOM_BYTES 64u
#define NETDEV_DATA_BYTES 1920u
#define NETDEV_LARGE_BYTES 65024u /* of a frame that the device cuts up */

struct netdev;

/* A received frame, or a part of one. */
struct netdev_buffer {
    struct netdev_buffer *next; /* the frame's next part, or NULL */
    struct netdev *device;
    uint8_t *data;
    uint32_t size;
    bool checked; /* first part: the device vouches for the checksums above IP */
    uint64_t room[NETDEV_ROOM_BYTES / sizeof(uint64_t)]; /* for whoever has taken it */
    uint8_t bytes[NETDEV_DATA_BYTES];
};

/* A part of a frame to send. */
struct netdev_part {
    const void *data;
    uint32_t size;
};

/* What the device does to a frame that is sent. */
struct netdev_offload {
    uint16_t checksum_start; /* fills in a checksum that begins to sum here; 0: none */
    uint16_t checksum_at;    /* bytes from there to its place, which has the pseudo-header's sum */
    uint16_t segment;        /* cuts TCP's data into segments of so many bytes; 0: doesn't */
    uint16_t header;         /* bytes before the data, of Ethernet, IP and TCP */
    bool v6;                 /* cutting: the frame is one of IPv6 */
};

/* Counts since the start. */
struct netdev_counts {
    uint64_t received_bytes, received_frames, received_lost;
    uint64_t sent_bytes, sent_frames, sent_lost;
};

struct netdev {
    uint8_t address[NETDEV_ADDRESS_BYTES];
    uint16_t mtu;
    bool checksums_out;                /* fills in checksums */
    bool segments4_out, segments6_out; /* cuts up TCP's segments of either version of IP */
    struct netdev_counts counts;       /* GUARDED_BY(whoever calls send and receive) */
};

/* Devices that were found at boot. */
unsigned netdev_count(void);
struct netdev *netdev_at(unsigned index);

/* Sets the device up. From then on received(arg) is called from interrupts, under no lock, when
 * frames may wait. False: the device fails, or there is no memory. */
bool netdev_start(struct netdev *n, void (*received)(void *arg), void *arg);

/*
 * The caller serializes these. netdev_send copies the frame. False: no room now, or no memory.
 * netdev_flush makes the device look.
 */
bool netdev_send(struct netdev *n, const struct netdev_part *parts, unsigned count,
                 const struct netdev_offload *offload);
/* Whether there is room for another frame. */
bool netdev_has_room(struct netdev *n);
void netdev_flush(struct netdev *n);
/* The next frame, or NULL. */
struct netdev_buffer *netdev_receive(struct netdev *n);
/* Gives the device room for more. */
void netdev_refill(struct netdev *n);
/* Frees one part. */
void netdev_buffer_free(struct netdev_buffer *b);
