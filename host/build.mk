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

$(B)/host/cmd/treemap.S.o: host/cmd/treemap.html
$(B)/host/vmm/gdb_script.S.o: host/vmm/gdb.py

$(B)/bin/orris: $(HOBJ)
	@mkdir -p $(@D)
	$(CC) -pie $(HOBJ) -o $@ $(HLIBS)

host: $(B)/bin/orris
.PHONY: host
