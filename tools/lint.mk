# `make lint`: formatting, what compilers and clang-tidy say, layers, headers, text, dead code.
# Each source is looked at again only when it or a header of it changes.
LINTSRC  := $(filter %.c,$(KSRC) $(HSRC))
LINTED   := $(LINTSRC:%=$(B)/lint/%.ok)
$(B)/lint/%.ok: % .clang-tidy tools/lint-file | $(KGEN)/syscall_names.h $(KGEN)/errno_names.h $(LWIP)/.unpacked
	@mkdir -p $(@D)
	@B=$(B) tools/lint-file $< $(@:.ok=.d) && touch $@

lint-sources: $(LINTED)
kernel-dropped: $(KOBJ) $(LWIPOBJ)
	$(KLINK) -Wl,--print-gc-sections $(KOBJ) $(LWIPOBJ) -o $(B)/kernel/dropped.elf
## lint: format, layers, headers, tests of calls, clang-tidy, dead code
lint:
	@tools/install-deps build lint
	tools/check-format
	tools/check-layers
	tools/check-text
	tools/check-calls
	@$(MAKE) --no-print-directory -s -j$(JOBS) $(KGEN)/syscall_names.h $(KGEN)/errno_names.h $(B)/host/gen/calls.h lwip
	tools/check-headers
	@$(MAKE) --no-print-directory -k -j$(JOBS) lint-sources
	@$(MAKE) --no-print-directory -s -j$(JOBS) B=$(B)/apart LTO= kernel-objects
	tools/check-dead
.PHONY: lint lint-sources kernel-dropped
