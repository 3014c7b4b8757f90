# `make soak`: the services under load for SECONDS each, while their models are swapped, and with a store that fails (tests/e2e
# has the short versions); the
# stress tests for SECONDS each, on 1, 2 and 4 processors, with the usual kernel and with the one that checks its locks.
SECONDS  ?= 60
STRESS   := $(patsubst %.c,$(B)/%,$(wildcard tests/guest/stress_*.c))
## soak: the example services under load, races in the kernel: a minute each (most of an hour)
soak: all iris-native soak-stress soak-wire soak-abuse
	@failed=0; export ORRIS="$(CURDIR)/$(B)/bin/orris"; for what in service\ host native\ host service\ guest native\ guest; do \
	    echo "# iris-$$what"; folder=$$(mktemp -d) && (cd "$$folder" && \
	        /usr/bin/python3 -B "$(CURDIR)/tests/e2e/appliance/soak.py" $$what $(SECONDS)) || failed=1; \
	    rm -rf "$$folder"; \
	done; [ $$failed = 0 ]
soak-stress: all guest-tests
	@$(MAKE) --no-print-directory DEBUG=1 kernel
	@tests/soak $(SECONDS) $(STRESS)
# 1 GiB at 1 % loss and 16 MiB at 10 %, each way, and a million frames that nobody should send.
soak-wire: all
	@WIRE_LIMIT=3600 WIRE_BYTES=1073741824 WIRE_BAD_BYTES=16777216 WIRE_FRAMES=1000000 tests/e2e/net_wire.sh
# 10,000 connections open at once, 50,000 one after another, clients nobody wants, and restarts: a server of ours, nginx, iris-native.
soak-abuse: all
	@ABUSE_LIMIT=3600 ABUSE_MANY=10000 ABUSE_SHORT=50000 ABUSE_SLOW=1000 ABUSE_PACE=1 ABUSE_RESET=10000 ABUSE_UNREAD=200 \
	    ABUSE_RESTART=1000 ABUSE_STARTS=20 \
	    tests/e2e/net_abuse.sh
.PHONY: soak soak-stress soak-wire soak-abuse
