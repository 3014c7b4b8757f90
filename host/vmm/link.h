/*
 * What the machine's network card is connected to instead of QEMU's user network: a tap device of
 * the host, which is there already, or one that is made and becomes a port of a bridge.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "host/base/error.h"

struct network_link {
    char *tap, *bridge;       /* the host's names; one at most. Both NULL: the user network */
    bool has_address, dhcp;   /* dhcp: a server gives it */
    bool has_address6, slaac; /* an IPv6 address, and those that routers advertise */
    uint8_t address6[16];
    uint8_t address[4], netmask[4], gateway[4]; /* the guest's; no gateway: zeros */
    uint8_t hardware[6];                        /* the card's address */
    int fd;                                     /* the tap while it is open, or 0 */
};

/* Takes one thing that a flag or a key says; what: its name, for messages. The key: "tap",
 * "bridge", "ip" (ADDRESS, ADDRESS/PREFIX or "dhcp"; the prefix is 24 by default), "netmask" (after
 * "ip") "gateway", or
 * "ip6" (ADDRESS of a network of 64 bits, or "slaac"). */
bool link_set(struct network_link *link, const char *key, const char *what, const char *value,
              struct error *err);
void link_clear(struct network_link *link);

/* Whether there is one; whether it says which address. */
bool link_is_set(const struct network_link *link);
bool link_is_addressed(const struct network_link *link);

/* Opens the tap. err: what is missing, and how it is made. Nothing to do without a link. */
bool link_open(struct network_link *link, struct error *err);
void link_close(struct network_link *link);
