# The tool: build/bin/orris from every .c and .S file under host/.
HFLAGS  := -std=gnu17 -g -O2 -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fPIE $(WARN) -I. \
           -D_GNU_SOURCE -DORRIS_VERSION='"$(VERSION)"' -MMD -MP
HLIBS   := -ljansson -larchive -lb2 -lnettle -ldw -liberty
HSRC    := $(sort $(shell find host -name '*.c' -o -name '*.S'))
HOBJ    := $(HSRC:%=$(B)/%.o)

$(B)/host/%.c.o: host/%.c
	@mkdir -p $(@D)
	$(CC) $(HFLAGS) -c $< -o $@
$(B)/host/%.S.o: host/%.S
	@mkdir -p $(@D)
	$(CC) $(HFLAGS) -c $< -o $@

# The calls' names, for the words of --trace.
$(B)/host/gen/calls.h: kernel/syscall/table.def
	@mkdir -p $(@D)
	sed -n 's/^SYS[0-6]([0-9]*, *\([a-z0-9_]*\),.*/"\1",/p' $< > $@
$(B)/host/cmd/trace.c.o: $(B)/host/gen/calls.h
$(B)/host/cmd/trace.c.o: HFLAGS += -I$(B)

$(B)/host/cmd/treemap.S.o: host/cmd/treemap.html
$(B)/host/vmm/gdb_script.S.o: host/vmm/gdb.py

$(B)/bin/orris: $(HOBJ)
	@mkdir -p $(@D)
	$(CC) -pie $(HOBJ) -o $@ $(HLIBS)

host: $(B)/bin/orris
.PHONY: host
