/* /proc/net: the tables' headings, and the loopback device. There is no network yet. */
#include "kernel/fs/procfs.h"

#define SOCKET_HEADING                                                                             \
    "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  "          \
    "timeout inode"

static const char dev_text[] =
    "Inter-|   Receive                                                |  Transmit\n"
    " face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop "
    "fifo colls carrier compressed\n"
    "    lo:       0       0    0    0    0     0          0         0        0       0    0    0 "
    "   0     0       0          0\n";

static const struct pseudo_entry net_entries[] = {
    PSEUDO_FIXED("arp", "IP address       HW type     Flags       HW address            Mask     "
                        "Device\n"),
    PSEUDO_FIXED("dev", dev_text),
    PSEUDO_FIXED("if_inet6", ""),
    PSEUDO_FIXED("route", "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\t"
                          "Window\tIRTT\n"),
    PSEUDO_FIXED("tcp", SOCKET_HEADING "\n"),
    PSEUDO_FIXED("tcp6", SOCKET_HEADING "\n"),
    PSEUDO_FIXED("udp", SOCKET_HEADING " ref pointer drops\n"),
    PSEUDO_FIXED("udp6", SOCKET_HEADING " ref pointer drops\n"),
    PSEUDO_FIXED("unix", "Num       RefCount Protocol Flags    Type St Inode Path\n"),
    PSEUDO_END};
const struct pseudo_dir proc_net_dir = {.entries = net_entries};
