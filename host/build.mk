# The tool: build/bin/orris from every .c file under host/.
HFLAGS  := -std=gnu17 -g -O2 -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fPIE $(WARN) -I. \
           -D_GNU_SOURCE -DORRIS_VERSION='"$(VERSION)"' -MMD -MP
HLIBS   := -ljansson -larchive
HSRC    := $(sort $(shell find host -name '*.c'))
HOBJ    := $(HSRC:%=$(B)/%.o)

$(B)/host/%.c.o: host/%.c
	@mkdir -p $(@D)
	$(CC) $(HFLAGS) -c $< -o $@

$(B)/bin/orris: $(HOBJ)
	@mkdir -p $(@D)
	$(CC) -pie $(HOBJ) -o $@ $(HLIBS)

host: $(B)/bin/orris
.PHONY: host
