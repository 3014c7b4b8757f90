/*
 * The machine's network: QEMU's user network (no privileges needed; the guest reaches what the host
 * reaches, the host as 10.0.2.2), and ports of the host that lead into the machine (-p).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi/control.h"
#include "abi/record.h"
#include "host/base/buf.h"
#include "host/base/error.h"
#include "host/vmm/link.h"

#define NETWORK_ADDRESS "10.0.2.15" /* the guest's */

/* Ports first to last of the host lead to as many of the guest. */
struct port_forward {
    char host_address[16]; /* IPv4, "127.0.0.1" */
    uint16_t host_first, guest_first;
    uint16_t count;
    bool udp;
    bool told;        /* that the guest listens */
    const char *what; /* the flag or key that says it, for messages */
};

struct port_list {
    struct port_forward *items;
    size_t count;
    bool told_address, widened; /* where it can be reached, or that it can't */
};

/* Adds what -p says: [ADDRESS:][HOST:]GUEST[/tcp|/udp], where HOST and GUEST are ports or ranges
 * FIRST-LAST. what: the flag or key, for messages (not copied). What is there already is not added
 * again; a port of the host that leads elsewhere already is an error. */
bool port_list_add(struct port_list *list, const char *what, const char *text, struct error *err);
void port_list_clear(struct port_list *list);

/* Whether all of the host's ports can be had. err: which one not, why, and what to do. */
bool port_list_check(const struct port_list *list, struct error *err);

/* The value of QEMU's -netdev for the user network, if that is the index-th card's. Appends to
 * out. */
void network_netdev(const struct port_list *list, size_t index, struct buf *out);
/* The run record's records about the network. Each may be NULL. */
void network_records(const struct port_list *list, const struct link_list *links, struct buf *out);

/* Says where the program can be reached, or that it can't, now that it listens. links: the cards,
 * or NULL; monitor: a pidfd of QEMU, or -1. */
void network_listening(struct port_list *list, const struct link_list *links, int monitor,
                       const struct orris_listening *at);
