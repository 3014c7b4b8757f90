# The kernel: build/kernel/orris.elf from every .c and .S file under kernel/.
# Linux's own interface headers (linux-libc-dev) define what we speak: <linux/…>, <asm/…>.
# Optimized as a whole: a call and a return cost most under emulation. What isn't aligned pays for
# the room that inlining takes.
LTO      := -flto=2
OPTIMIZE := -O2 $(LTO) -fno-align-functions -fno-align-jumps -fno-align-loops
KFLAGS   := -std=gnu17 -g $(OPTIMIZE) -ffreestanding -fbuiltin -fpie -fvisibility=hidden \
            -mno-red-zone -mgeneral-regs-only -fno-omit-frame-pointer -fstack-protector-strong \
            -mstack-protector-guard=global -fno-asynchronous-unwind-tables \
            -fcf-protection=none -ffunction-sections -fdata-sections \
            -Wframe-larger-than=2048 $(WARN) -nostdinc \
            -isystem $(shell $(CC) -print-file-name=include 2>/dev/null) \
            -isystem /usr/include -isystem /usr/include/x86_64-linux-gnu -I. -I$(B) \
            -MMD -MP -DORRIS_VERSION='"$(VERSION)"' $(if $(DEBUG),-DORRIS_DEBUG)
# kernel/proc/vdso/ is a link of its own, which runs in the program.
KSRC     := $(sort $(filter-out kernel/proc/vdso/%,$(shell find kernel -name '*.c' -o -name '*.S')))
KOBJ     := $(KSRC:%=$(B)/%.o)
KGEN     := $(B)/kernel/gen
include kernel/net/lwip.mk
ASMHDR   := /usr/include/x86_64-linux-gnu/asm
$(KOBJ): | $(KGEN)/syscall_names.h $(KGEN)/errno_names.h

$(KGEN)/syscall_names.h: tools/gen-names
	@mkdir -p $(@D)
	tools/gen-names __NR_ $(ASMHDR)/unistd_64.h >$@.tmp && mv $@.tmp $@
$(KGEN)/errno_names.h: tools/gen-names
	@mkdir -p $(@D)
	tools/gen-names E /usr/include/asm-generic/errno-base.h /usr/include/asm-generic/errno.h \
	    >$@.tmp && mv $@.tmp $@

# The vDSO: position-independent code without data that reads the page before it.
VDSOFLAGS := -std=gnu17 -O2 -fPIC -fvisibility=hidden -ffreestanding -fomit-frame-pointer \
             -fno-stack-protector -fno-jump-tables -fcf-protection=none -fasynchronous-unwind-tables \
             -mgeneral-regs-only $(WARN) -I. -MMD -MP
$(KGEN)/vdso.so: kernel/proc/vdso/vdso.c kernel/proc/vdso/vdso.lds
	@mkdir -p $(@D)
	$(CC) $(VDSOFLAGS) -MT $@ -c $< -o $(KGEN)/vdso.o
	$(CC) -nostdlib -shared -Wl,-T,kernel/proc/vdso/vdso.lds -Wl,-soname,linux-vdso.so.1 \
	    -Wl,--hash-style=both -Wl,--build-id=none -Wl,-Bsymbolic -Wl,-z,max-page-size=4096 \
	    -Wl,--eh-frame-hdr $(KGEN)/vdso.o -o $@.tmp && strip --strip-debug -R .comment $@.tmp && mv $@.tmp $@
$(B)/kernel/proc/vdso_image.S.o: $(KGEN)/vdso.so
# What it calls keeps its name, for debuggers and in reports: the system calls.
$(B)/kernel/syscall/dispatch.c.o: KFLAGS := $(filter-out -flto%,$(KFLAGS))

$(B)/kernel/%.c.o: kernel/%.c
	@mkdir -p $(@D)
	$(CC) $(KFLAGS) -c $< -o $@
$(B)/kernel/%.S.o: kernel/%.S
	@mkdir -p $(@D)
	$(CC) $(KFLAGS) -c $< -o $@

# The objects become one, and that is linked twice: the second time with the table of the
# functions' names, which lies behind the code and so moves none of them.
KLINK := $(CC) -nostdlib -static-pie -Wl,-T,kernel/kernel.lds -Wl,--gc-sections \
         -Wl,-z,pack-relative-relocs -Wl,-n,-z,noexecstack -Wl,--no-dynamic-linker \
         -Wl,-z,max-page-size=4096 -Wl,--build-id=none
$(B)/kernel/orris.elf: tools/gen-symbols $(KOBJ) $(LWIPOBJ) kernel/kernel.lds
	@mkdir -p $(@D)
	$(CC) $(filter-out -std=% -isystem /usr/%,$(KFLAGS)) -nostdlib -r -flinker-output=nolto-rel \
	    $(KOBJ) $(LWIPOBJ) -o $@.o
	$(KLINK) $@.o -o $@.pass1
	tools/gen-symbols $@.pass1 >$(KGEN)/symbols.S
	$(CC) -c $(KGEN)/symbols.S -o $(KGEN)/symbols.o
	$(KLINK) $@.o $(KGEN)/symbols.o -o $@.tmp
	objcopy -w -N '*.c.????????' $@.tmp # names that optimizing adds for files
	mv $@.tmp $@

# What no fast path goes through is made small.
SMALL    := $(addprefix $(B)/kernel/,$(addsuffix .c.o,\
                drivers/pci drivers/virtio_pci drivers/virtio_mmio drivers/virtio_rng platform/machine platform/pvh \
                fs/copyout fs/devfs fs/image fs/inotify fs/p9_mount fs/procfs fs/rootfs fs/secrets fs/sysfs fs/sysfs_net \
                $(patsubst kernel/%.c,%,$(wildcard kernel/fs/procfs_*.c kernel/ipc/*.c)) \
                net/inet_control net/inet_counts net/inet_error net/inet_group net/inet_list net/inet_name net/inet_option \
                net/inet_tcp_option net/inet_tcp_table net/inet_tcp_urgent net/inet_udplite net/netlink net/socket_option \
                net/stack_interface net/stack_lease net/stack_route net/unix_list net/unix_name \
                syscall/sys_aio syscall/sys_attr syscall/sys_cred syscall/sys_cwd syscall/sys_ids syscall/sys_inotify \
                syscall/sys_limits syscall/sys_mempolicy syscall/sys_mount syscall/sys_mqueue syscall/sys_msg syscall/sys_prctl \
                syscall/sys_process_vm syscall/sys_sched syscall/sys_sem syscall/sys_shm syscall/sys_system syscall/sys_xattr \
                syscall/sys_link syscall/sys_pidfd syscall/sys_sendfile syscall/sys_timer syscall/sys_timerfd syscall/trace_text \
                proc/altstack proc/cpu_limit proc/cred proc/elf proc/exec proc/futex_pi proc/posix_timer proc/report proc/script \
                proc/symbols proc/uts proc/vdso vm/advise vm/info vm/remap vfs/flock vfs/missing vfs/namespace vfs/seals \
                fd/aio fd/aio_ring fd/aio_worker fd/control fd/hostfile fd/pidfd fd/pty fd/signalfd fd/timerfd fd/tty_console \
                fd/tty_line fs/p9_call fs/p9_file fs/p9_inode fs/xattrs net/inet_tcp_connect drivers/virtio_9p \
                platform/panic platform/run base/log main \
                $(patsubst kernel/%.c,%,$(wildcard $(addprefix kernel/arch/x86_64/,cpuinfo.c early.c report.c smp.c))))) \
            $(addprefix $(B)/lwip/core/,init.o ipv4/dhcp.o ipv4/igmp.o ipv4/icmp.o ipv4/ip4_frag.o ipv6/icmp6.o ipv6/ip6_frag.o \
                ipv6/mld6.o ipv6/nd6.o)
$(SMALL): KFLAGS += -Os
$(KOBJ) $(LWIPOBJ): kernel/build.mk

docs/syscalls.md: kernel/syscall/table.def tools/gen-syscalls-doc
	tools/gen-syscalls-doc >$@.tmp && mv $@.tmp $@
docs: docs/syscalls.md
.PHONY: docs

kernel: $(B)/kernel/orris.elf
kernel-objects: $(KOBJ) $(LWIPOBJ)
.PHONY: kernel kernel-objects
