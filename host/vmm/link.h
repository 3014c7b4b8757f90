/*
 * The machine's network cards, and what each is connected to: QEMU's user network, a tap device of
 * the host, which is there already, or one that is made and becomes a port of a bridge.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi/record.h"
#include "host/base/error.h"

struct network_link {
    char *tap, *bridge;       /* the host's names; one at most. Both NULL: the user network */
    bool has_address, dhcp;   /* dhcp: a server gives it */
    bool has_address6, slaac; /* an IPv6 address, and those that routers advertise */
    uint8_t address6[16], gateway6[16];         /* no gateway: zeros */
    uint8_t address[4], netmask[4], gateway[4]; /* the guest's; no gateway: zeros */
    uint8_t hardware[6];                        /* the card's address */
    int fd;                                     /* the tap while it is open, or 0 */
};

/* The cards, in the order in which the program sees them: eth0, eth1, … None: one card on the user
 * network. */
struct link_list {
    struct network_link items[ORRIS_INTERFACES_MAX];
    size_t count;
};

/* Takes one thing that a flag or a key says; what: its name, for messages. The key: "tap",
 * "bridge", "ip" (ADDRESS, ADDRESS/PREFIX or "dhcp"; the prefix is 24 by default), "netmask" (after
 * "ip"), "gateway", "ip6" (ADDRESS of a network of 64 bits, or "slaac") or "gateway6". */
bool link_set(struct network_link *link, const char *key, const char *what, const char *value,
              struct error *err);
void link_clear(struct network_link *link);

/* Whether it is another than the user network; whether it says which address. */
bool link_is_set(const struct network_link *link);
bool link_is_addressed(const struct network_link *link);

/* Adds a card: "user", or what link_set() takes as KEY=VALUE with commas between them. */
bool link_list_add(struct link_list *list, const char *what, const char *text, struct error *err);
/* Moves link to the first place. False with err set: there are too many then. */
bool link_list_put_first(struct link_list *list, struct network_link *link, struct error *err);
void link_list_clear(struct link_list *list);
/* Whether a card is on the user network, the only one through which -p leads. */
bool link_list_has_user(const struct link_list *list);

/* Opens the taps. err: what is missing, and how it is made. */
bool link_list_open(struct link_list *list, struct error *err);
void link_list_close(struct link_list *list);
