/* /proc/sys/net: what the network does. Nothing of it but tcp_retries2 is changed while it runs:
 * who writes here is refused, so that nobody believes it was. */
#include "kernel/base/errno.h"
#include "kernel/fs/procfs.h"
#include "kernel/net/inet.h"
#include "kernel/net/interface.h"

#define READ_ONLY(file_name, value) PSEUDO_FIXED(file_name, value)

static const struct pseudo_entry core_entries[] = {READ_ONLY("optmem_max", "131072\n"),
                                                   READ_ONLY("rmem_default", "212992\n"),
                                                   READ_ONLY("rmem_max", "425984\n"),
                                                   READ_ONLY("somaxconn", "4096\n"),
                                                   READ_ONLY("wmem_default", "212992\n"),
                                                   READ_ONLY("wmem_max", "425984\n"),
                                                   PSEUDO_END};
static const struct pseudo_dir core_dir = {.entries = core_entries};

/* ---- settings of interfaces: all alike ---- */

static bool next_card(pseudo_key_t key, uint32_t *number)
{
    struct interface_info i;
    (void)key;
    if (!interface_next(*number + 2, &i))
        return false;
    *number = i.index - 2;
    return true;
}

static const struct pseudo_entry conf4_entries[] = {READ_ONLY("accept_local", "0\n"),
                                                    READ_ONLY("accept_redirects", "0\n"),
                                                    READ_ONLY("accept_source_route", "0\n"),
                                                    READ_ONLY("arp_accept", "0\n"),
                                                    READ_ONLY("arp_announce", "0\n"),
                                                    READ_ONLY("arp_filter", "0\n"),
                                                    READ_ONLY("arp_ignore", "0\n"),
                                                    READ_ONLY("force_igmp_version", "2\n"),
                                                    READ_ONLY("forwarding", "0\n"),
                                                    READ_ONLY("log_martians", "0\n"),
                                                    READ_ONLY("mc_forwarding", "0\n"),
                                                    READ_ONLY("proxy_arp", "0\n"),
                                                    READ_ONLY("route_localnet", "0\n"),
                                                    READ_ONLY("rp_filter", "0\n"),
                                                    READ_ONLY("secure_redirects", "0\n"),
                                                    READ_ONLY("send_redirects", "0\n"),
                                                    PSEUDO_END};
static const struct pseudo_dir conf4_dir = {.entries = conf4_entries};
static const struct pseudo_entry card4_entry = PSEUDO_DIR(NULL, &conf4_dir);
static const struct pseudo_entry confs4_entries[] = {PSEUDO_DIR("all", &conf4_dir),
                                                     PSEUDO_DIR("default", &conf4_dir),
                                                     PSEUDO_DIR("lo", &conf4_dir), PSEUDO_END};
static const struct pseudo_dir confs4_dir = {
    .entries = confs4_entries, .child = &card4_entry, .prefix = "eth", .next = next_card};

static const struct pseudo_entry conf6_entries[] = {READ_ONLY("accept_ra", "1\n"),
                                                    READ_ONLY("accept_redirects", "0\n"),
                                                    READ_ONLY("accept_source_route", "0\n"),
                                                    READ_ONLY("addr_gen_mode", "0\n"),
                                                    READ_ONLY("autoconf", "1\n"),
                                                    READ_ONLY("dad_transmits", "1\n"),
                                                    READ_ONLY("disable_ipv6", "0\n"),
                                                    READ_ONLY("forwarding", "0\n"),
                                                    READ_ONLY("hop_limit", "64\n"),
                                                    READ_ONLY("max_addresses", "4\n"),
                                                    READ_ONLY("use_tempaddr", "0\n"),
                                                    PSEUDO_END};
static const struct pseudo_dir conf6_dir = {.entries = conf6_entries};
static const struct pseudo_entry card6_entry = PSEUDO_DIR(NULL, &conf6_dir);
static const struct pseudo_entry confs6_entries[] = {PSEUDO_DIR("all", &conf6_dir),
                                                     PSEUDO_DIR("default", &conf6_dir),
                                                     PSEUDO_DIR("lo", &conf6_dir), PSEUDO_END};
static const struct pseudo_dir confs6_dir = {
    .entries = confs6_entries, .child = &card6_entry, .prefix = "eth", .next = next_card};

/* ---- protocols ---- */

static void retries_text(struct text *out, pseudo_key_t key)
{
    (void)key;
    text_format(out, "%u\n", inet_tcp_retries);
}

static int write_retries(pseudo_key_t key, const char *bytes, size_t length)
{
    uint64_t number;
    (void)key;
    int err = proc_read_number(bytes, length, &number);
    if (err || number > UINT8_MAX)
        return -EINVAL;
    inet_tcp_retries = (uint8_t)number;
    return 0;
}

static const struct pseudo_entry ipv4_entries[] = {
    PSEUDO_DIR("conf", &confs4_dir),
    READ_ONLY("icmp_echo_ignore_all", "0\n"),
    READ_ONLY("icmp_echo_ignore_broadcasts", "1\n"),
    READ_ONLY("igmp_max_memberships", "20\n"),
    READ_ONLY("igmp_max_msf", "10\n"),
    READ_ONLY("ip_default_ttl", "64\n"),
    READ_ONLY("ip_dynaddr", "0\n"),
    READ_ONLY("ip_forward", "0\n"),
    READ_ONLY("ip_local_port_range", "32768\t60999\n"),
    READ_ONLY("ip_local_reserved_ports", "\n"),
    READ_ONLY("ip_no_pmtu_disc", "0\n"),
    READ_ONLY("ip_nonlocal_bind", "0\n"),
    READ_ONLY("ip_unprivileged_port_start", "0\n"),
    READ_ONLY("ping_group_range", "0\t2147483647\n"),
    READ_ONLY("tcp_abort_on_overflow", "0\n"),
    READ_ONLY("tcp_allowed_congestion_control", "reno\n"),
    READ_ONLY("tcp_available_congestion_control", "reno\n"),
    READ_ONLY("tcp_congestion_control", "reno\n"),
    READ_ONLY("tcp_dsack", "0\n"),
    READ_ONLY("tcp_ecn", "0\n"),
    READ_ONLY("tcp_fastopen", "0\n"),
    READ_ONLY("tcp_fin_timeout", "60\n"),
    READ_ONLY("tcp_keepalive_intvl", "75\n"),
    READ_ONLY("tcp_keepalive_probes", "9\n"),
    READ_ONLY("tcp_keepalive_time", "7200\n"),
    READ_ONLY("tcp_max_syn_backlog", "4096\n"),
    READ_ONLY("tcp_max_tw_buckets", "4096\n"),
    READ_ONLY("tcp_moderate_rcvbuf", "0\n"),
    READ_ONLY("tcp_mtu_probing", "0\n"),
    READ_ONLY("tcp_notsent_lowat", "4294967295\n"),
    PSEUDO_FILE_MODE("tcp_retries2", 0644, retries_text, write_retries),
    READ_ONLY("tcp_rmem", "2304\t131072\t425984\n"),
    READ_ONLY("tcp_sack", "1\n"),
    READ_ONLY("tcp_syn_retries", "6\n"),
    READ_ONLY("tcp_syncookies", "0\n"),
    READ_ONLY("tcp_timestamps", "0\n"),
    READ_ONLY("tcp_tw_reuse", "1\n"),
    READ_ONLY("tcp_window_scaling", "1\n"),
    READ_ONLY("tcp_wmem", "4608\t262144\t425984\n"),
    READ_ONLY("udp_rmem_min", "2304\n"),
    READ_ONLY("udp_wmem_min", "4608\n"),
    PSEUDO_END};
static const struct pseudo_dir ipv4_dir = {.entries = ipv4_entries};

static const struct pseudo_entry ipv6_entries[] = {
    READ_ONLY("bindv6only", "0\n"), PSEUDO_DIR("conf", &confs6_dir),
    READ_ONLY("ip_nonlocal_bind", "0\n"), READ_ONLY("mld_max_msf", "64\n"), PSEUDO_END};
static const struct pseudo_dir ipv6_dir = {.entries = ipv6_entries};

static const struct pseudo_entry unix_entries[] = {READ_ONLY("max_dgram_qlen", "512\n"),
                                                   PSEUDO_END};
static const struct pseudo_dir unix_dir = {.entries = unix_entries};

static const struct pseudo_entry net_entries[] = {
    PSEUDO_DIR("core", &core_dir), PSEUDO_DIR("ipv4", &ipv4_dir), PSEUDO_DIR("ipv6", &ipv6_dir),
    PSEUDO_DIR("unix", &unix_dir), PSEUDO_END};
const struct pseudo_dir proc_sys_net_dir = {.entries = net_entries};
