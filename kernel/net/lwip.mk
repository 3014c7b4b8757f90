# lwIP, fetched as the pinned Debian source package (third_party/fetch), unpatched. Only the
# files kernel/net/stack*.c and inet*.c see its headers, and those of lwip_port/ it is built with.
LWIP      := build/third_party/lwip
LWIPSRC   := $(addprefix core/,def inet_chksum init ip mem memp netif pbuf raw stats tcp tcp_in tcp_out \
                 udp) \
             $(addprefix core/ipv4/,dhcp etharp icmp igmp ip4 ip4_addr ip4_frag) \
             $(addprefix core/ipv6/,ethip6 icmp6 inet6 ip6 ip6_addr ip6_frag mld6 nd6) netif/ethernet
LWIPOBJ   := $(LWIPSRC:%=$(B)/lwip/%.o)
LWIPFLAGS := -Ikernel/net/lwip_port -isystem $(LWIP)/src/include
LWIPUSER  := $(patsubst %,$(B)/%.o,$(wildcard kernel/net/stack*.c kernel/net/inet*.c))

$(LWIP)/.unpacked: third_party/fetch third_party/lwip/SHA256SUMS
	third_party/fetch lwip $(LWIP)
lwip: $(LWIP)/.unpacked
.PHONY: lwip

$(LWIPUSER): KFLAGS += $(LWIPFLAGS)
# As the linker's --wrap does it, which doesn't reach into what is optimized as a whole: IP calls
# __wrap_tcp_input(), and that calls lwIP's by the name __real_tcp_input().
WRAPPED   := tcp_input udp_input
$(LWIPUSER): KFLAGS += $(foreach f,$(WRAPPED),-D__real_$f=$f)
$(addprefix $(B)/lwip/core/,ipv4/ip4.o ipv6/ip6.o): LWIPFLAGS += $(foreach f,$(WRAPPED),-D$f=__wrap_$f)
# Likewise, so that what can't be delivered is quoted whole: inet_error.c.
$(addprefix $(B)/lwip/core/,udp.o ipv4/ip4.o): LWIPFLAGS += -Dicmp_dest_unreach=__wrap_icmp_dest_unreach
$(B)/kernel/net/stack_neighbor.c.o: KFLAGS += -Dicmp_dest_unreach=__wrap_icmp_dest_unreach
$(B)/lwip/core/ipv4/etharp.o: LWIPFLAGS += -include kernel/net/lwip_port/arp_lost.h
$(B)/lwip/core/ipv4/ip4.o: LWIPFLAGS += -Dinet_chksum=inet_hook_ip4_checksum
$(addprefix $(B)/lwip/core/,tcp.o tcp_in.o): LWIPFLAGS += '-DTCP_SYNMAXRTX=inet_hook_syn_count(pcb)'
$(B)/lwip/core/tcp_out.o: LWIPFLAGS += '-DTCP_MSS=inet_hook_segment(pcb)'
$(B)/lwip/core/tcp.o: LWIPFLAGS += '-DTCP_MAXRTX=inet_hook_retries(pcb)' -include kernel/net/lwip_port/fin_wait.h
$(LWIPUSER): | $(LWIP)/.unpacked
$(LWIPOBJ): $(B)/lwip/%.o: $(LWIP)/.unpacked | $(KGEN)/errno_names.h
	@mkdir -p $(@D)
	$(CC) $(filter-out $(WARN),$(KFLAGS)) $(LWIPFLAGS) -c $(LWIP)/src/$*.c -o $@
# A system header to gcc, as all that lwIP includes: no .d file names these.
$(LWIPOBJ) $(LWIPUSER): $(wildcard kernel/net/lwip_port/*.h kernel/net/lwip_port/arch/*.h) kernel/net/lwip.mk
