# The kernel: build/kernel/orris.elf from every .c and .S file under kernel/.
# Linux's own interface headers (linux-libc-dev) define what we speak: <linux/…>, <asm/…>.
KFLAGS   := -std=gnu17 -g -O2 -ffreestanding -fpie -fvisibility=hidden -mno-red-zone \
            -mgeneral-regs-only -fno-omit-frame-pointer -fstack-protector-strong \
            -mstack-protector-guard=global -fno-asynchronous-unwind-tables \
            -fcf-protection=none -ffunction-sections -fdata-sections \
            -Wframe-larger-than=2048 $(WARN) -nostdinc \
            -isystem $(shell $(CC) -print-file-name=include) \
            -isystem /usr/include -isystem /usr/include/x86_64-linux-gnu -I. -MMD -MP \
            -DORRIS_VERSION='"$(VERSION)"'
KSRC     := $(sort $(shell find kernel -name '*.c' -o -name '*.S'))
KOBJ     := $(KSRC:%=$(B)/%.o)

$(B)/kernel/%.c.o: kernel/%.c
	@mkdir -p $(@D)
	$(CC) $(KFLAGS) -c $< -o $@
$(B)/kernel/%.S.o: kernel/%.S
	@mkdir -p $(@D)
	$(CC) $(KFLAGS) -c $< -o $@

$(B)/kernel/orris.elf: $(KOBJ) kernel/kernel.lds
	@mkdir -p $(@D)
	$(CC) -nostdlib -static-pie -Wl,-T,kernel/kernel.lds -Wl,--gc-sections -Wl,-z,noexecstack \
	    -Wl,--no-dynamic-linker -Wl,-z,max-page-size=4096 -Wl,--build-id=none $(KOBJ) -o $@

kernel: $(B)/kernel/orris.elf
kernel-objects: $(KOBJ)
.PHONY: kernel kernel-objects
