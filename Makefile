# Orris: one entry for everything. `make help` lists the targets.
# Every .c and .S file under kernel/ and host/ is built, every test found by its folder:
# adding, moving or deleting a file needs no edit here.
# DEBUG=1: a kernel that checks its lock order, in a folder of its own.
B        := build$(if $(DEBUG),/debug)
CC       := gcc
WARN     := -Wall -Wextra -Werror -Wshadow -Wconversion -Wstrict-prototypes \
            -Wmissing-prototypes -Wvla -Wundef -Wimplicit-fallthrough
VERSION  := $(shell cat VERSION)

.DEFAULT_GOAL := all
include kernel/build.mk
include host/build.mk
include examples/iris-native/build.mk
include tests/build.mk
include tests/fuzz.mk
include tests/soak.mk
-include tools/targets.mk
include tools/lint.mk

all: kernel host

-include $(shell find $(addprefix $(B)/,kernel lwip host tests/unit tests/guest) -name '*.d' -type f 2>/dev/null)
.PHONY: all
