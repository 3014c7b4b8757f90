# `make soak`: the services under load for SECONDS each, while their models are swapped; tests/e2e has the short version.
SECONDS  ?= 60
## soak: the example services under load, for a minute each
soak: all iris-native
	@failed=0; for kind in service native; do \
	    folder=$$(mktemp -d) && (cd "$$folder" && \
	        /usr/bin/python3 -B $(CURDIR)/tests/e2e/appliance/soak.py $$kind host $(SECONDS)) || failed=1; \
	    rm -rf "$$folder"; \
	done; [ $$failed = 0 ]
.PHONY: soak
