# `make fuzz`: random system calls in the guest with SEEDS seeds from FIRST on; `make test` runs one.
SEEDS    ?= 30
FIRST    ?= 1
## fuzz: random system calls in the guest, with many seeds (some minutes)
fuzz: all guest-tests
	@failed=0; for seed in $$(seq $(FIRST) $$(($(FIRST) + $(SEEDS) - 1))); do \
	    timeout 300 $(B)/bin/orris run -q --accel tcg $(B)/tests/guest/only/fuzz_calls $$seed \
	        > $(B)/tests/fuzz.log 2>&1 || { failed=$$((failed + 1)); echo "seed $$seed:"; \
	        grep -v '^ok ' $(B)/tests/fuzz.log | tail -n 20; }; \
	done; echo "$$(($(SEEDS) - failed)) passed, $$failed failed"; [ $$failed = 0 ]
.PHONY: fuzz
