/* /sys/class/net: the network interfaces. */
#include "kernel/fs/sysfs_net.h"

#include "kernel/net/interface.h"

#define LOOPBACK_INDEX 1u
#define CARD_INDEX 2u /* eth0's */

static void put(struct text *out, unsigned index,
                void (*format)(struct text *out, const struct interface_info *i))
{
    struct interface_info i;
    if (interface_next(index, &i) && i.index == index)
        format(out, &i);
}

/* A file of one interface: of loopback, and of the card whose number the key is. */
#define ATTRIBUTE(name, ...)                                                                       \
    static void name##_put(struct text *out, const struct interface_info *i)                       \
    {                                                                                              \
        (void)i;                                                                                   \
        text_format(out, __VA_ARGS__);                                                             \
    }                                                                                              \
    static void name##_lo(struct text *out, pseudo_key_t key)                                      \
    {                                                                                              \
        (void)key;                                                                                 \
        put(out, LOOPBACK_INDEX, name##_put);                                                      \
    }                                                                                              \
    static void name##_eth(struct text *out, pseudo_key_t key)                                     \
    {                                                                                              \
        put(out, pseudo_number(key) + CARD_INDEX, name##_put);                                     \
    }

ATTRIBUTE(address, "%02x:%02x:%02x:%02x:%02x:%02x\n", i->hardware_address[0],
          i->hardware_address[1], i->hardware_address[2], i->hardware_address[3],
          i->hardware_address[4], i->hardware_address[5])
ATTRIBUTE(broadcast, "%s\n", i->loopback ? "00:00:00:00:00:00" : "ff:ff:ff:ff:ff:ff")
ATTRIBUTE(carrier, "%u\n", i->up)
ATTRIBUTE(flags, "%#x\n", (i->loopback ? 0x8u : 0x1002u) | i->up)
ATTRIBUTE(ifindex, "%u\n", i->index)
ATTRIBUTE(mtu, "%u\n", i->mtu)
ATTRIBUTE(operstate, "%s\n", i->loopback ? "unknown" : i->up ? "up" : "down")
ATTRIBUTE(type, "%u\n", i->loopback ? 772u : 1u)
ATTRIBUTE(uevent, "INTERFACE=%s\nIFINDEX=%u\n", i->name, i->index)
ATTRIBUTE(rx_bytes, "%lu\n", i->received_bytes)
ATTRIBUTE(rx_packets, "%lu\n", i->received_packets)
ATTRIBUTE(rx_dropped, "%lu\n", i->received_lost)
ATTRIBUTE(tx_bytes, "%lu\n", i->sent_bytes)
ATTRIBUTE(tx_packets, "%lu\n", i->sent_packets)
ATTRIBUTE(tx_dropped, "%lu\n", i->sent_lost)

#define ZERO(name) PSEUDO_FIXED(name, "0\n")
#define STATISTICS(which)                                                                          \
    {                                                                                              \
        ZERO("collisions"), ZERO("multicast"), PSEUDO_FILE("rx_bytes", rx_bytes_##which),          \
            ZERO("rx_compressed"), ZERO("rx_crc_errors"),                                          \
            PSEUDO_FILE("rx_dropped", rx_dropped_##which), ZERO("rx_errors"),                      \
            ZERO("rx_fifo_errors"), ZERO("rx_frame_errors"), ZERO("rx_length_errors"),             \
            ZERO("rx_missed_errors"), ZERO("rx_over_errors"),                                      \
            PSEUDO_FILE("rx_packets", rx_packets_##which), ZERO("tx_aborted_errors"),              \
            PSEUDO_FILE("tx_bytes", tx_bytes_##which), ZERO("tx_carrier_errors"),                  \
            ZERO("tx_compressed"), PSEUDO_FILE("tx_dropped", tx_dropped_##which),                  \
            ZERO("tx_errors"), ZERO("tx_fifo_errors"), ZERO("tx_heartbeat_errors"),                \
            PSEUDO_FILE("tx_packets", tx_packets_##which), ZERO("tx_window_errors"), PSEUDO_END    \
    }

#define COMMON(which)                                                                              \
    PSEUDO_FIXED("addr_assign_type", "0\n"), PSEUDO_FIXED("addr_len", "6\n"),                      \
        PSEUDO_FILE("address", address_##which), PSEUDO_FILE("broadcast", broadcast_##which),      \
        PSEUDO_FILE("carrier", carrier_##which), PSEUDO_FIXED("dev_id", "0x0\n"),                  \
        PSEUDO_FIXED("dormant", "0\n"), PSEUDO_FILE("flags", flags_##which),                       \
        PSEUDO_FIXED("ifalias", ""), PSEUDO_FILE("ifindex", ifindex_##which),                      \
        PSEUDO_FILE("iflink", ifindex_##which), PSEUDO_FIXED("link_mode", "0\n"),                  \
        PSEUDO_FILE("mtu", mtu_##which), PSEUDO_FILE("operstate", operstate_##which),              \
        PSEUDO_DIR("statistics", &which##_statistics), PSEUDO_FIXED("tx_queue_len", "1000\n"),     \
        PSEUDO_FILE("type", type_##which), PSEUDO_FILE("uevent", uevent_##which)

static const struct pseudo_entry lo_statistics_entries[] = STATISTICS(lo);
static const struct pseudo_dir lo_statistics = {.entries = lo_statistics_entries};
static const struct pseudo_entry eth_statistics_entries[] = STATISTICS(eth);
static const struct pseudo_dir eth_statistics = {.entries = eth_statistics_entries};

static const struct pseudo_entry lo_entries[] = {COMMON(lo), PSEUDO_END};
static const struct pseudo_dir lo_dir = {.entries = lo_entries};
static const struct pseudo_entry eth_entries[] = {COMMON(eth), PSEUDO_FIXED("duplex", "unknown\n"),
                                                  PSEUDO_FIXED("speed", "-1\n"), PSEUDO_END};
static const struct pseudo_dir eth_dir = {.entries = eth_entries};
static const struct pseudo_entry eth_entry = PSEUDO_DIR(NULL, &eth_dir);

static bool next_card(pseudo_key_t key, uint32_t *number)
{
    struct interface_info i;
    (void)key;
    if (!interface_next(*number + CARD_INDEX, &i))
        return false;
    *number = i.index - CARD_INDEX;
    return true;
}

static const struct pseudo_entry net_entries[] = {PSEUDO_DIR("lo", &lo_dir), PSEUDO_END};
const struct pseudo_dir sysfs_net_dir = {
    .entries = net_entries, .child = &eth_entry, .prefix = "eth", .next = next_card};
