/* Network interfaces, for who asks about them. */
#pragma once

#include "kernel/arch/uaccess.h"
#include "kernel/base/types.h"

#define INTERFACE_NAME_BYTES 16u
#define INTERFACE_ADDRESSES 4u

struct interface_info {
    unsigned index; /* from 1; 1 is loopback */
    char name[INTERFACE_NAME_BYTES];
    bool loopback, up;
    uint8_t hardware_address[6];
    uint32_t mtu;
    /* In network order; 0: none. */
    uint32_t address, netmask, broadcast, gateway;
    unsigned address6_count;
    struct {
        uint8_t address[16];
        uint8_t prefix;
    } address6[INTERFACE_ADDRESSES];
    uint8_t gateway6[16]; /* all zero: none */
    uint64_t received_bytes, received_packets, received_lost, sent_bytes, sent_packets, sent_lost;
};

/* The interface of the lowest index that is at least index. False: there is none. Starts the
 * network. */
bool interface_next(unsigned index, struct interface_info *out);
bool interface_find(const char *name, struct interface_info *out);

/* Fills in out's counts; state: the stack's own record of the interface. */
void interface_counts(const void *state, struct interface_info *out);

/* ioctl requests about interfaces (SIOCGIF...). Returns 0, -ENOTTY, -ENODEV, -EADDRNOTAVAIL,
 * -EFAULT. */
int64_t interface_ioctl(unsigned what, struct uptr arg);

/* A way of IPv6: to a network of the interface's, or (prefix 0) by its router to the rest. */
struct interface_route6 {
    uint8_t to[16], gateway[16]; /* gateway all zero: none */
    uint8_t prefix;
    uint32_t metric;
};
/* The ways of i, at most INTERFACE_ADDRESSES + 1; returns how many. */
unsigned interface_routes6(const struct interface_info *i, struct interface_route6 *out);

/* A machine on one of our networks, whose hardware address is known. */
struct interface_neighbor {
    unsigned index; /* of the interface */
    bool v6;
    uint8_t address[16], hardware[6];
};
/* The next one from *at (0: the first), which is moved behind it. False: there is none. */
bool interface_neighbor(unsigned *at, struct interface_neighbor *out);
