# `make fuzz`: random system calls in the guest with SEEDS seeds from FIRST on (`make test` runs one),
# then frames that nobody should send to the network on the host, under sanitizers, for SECONDS, then each reader of files (tests/fuzz/fuzz_*.c) for SECONDS by libFuzzer, from tests/fuzz/corpus/ on.
# What it comes upon goes to build/tests/fuzz/found/; worth keeping is what -merge=1 leaves of it.
SEEDS    ?= 30
FIRST    ?= 1
SECONDS  ?= 60
FUZZED   := $(patsubst tests/fuzz/fuzz_%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
FUZZFLAGS := -std=gnu17 -g -O1 -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=undefined \
             -I. -D_GNU_SOURCE

.SECONDEXPANSION:
$(B)/tests/fuzz/fuzz_%: tests/fuzz/fuzz_%.c $$(call units_of,tests/fuzz/fuzz_$$*.c)
	@mkdir -p $(@D)
	clang-14 $(FUZZFLAGS) $(filter %.c,$^) -o $@ $(call libs_of,$<)

fuzz-deps:
	@tools/install-deps fuzz
fuzz-tools: fuzz-deps $(FUZZED:%=$(B)/tests/fuzz/fuzz_%)

## fuzz: random system calls in the guest, random operations on files and on memory there and on Linux, spoilt frames, random files for the readers (some minutes)
fuzz: fuzz-calls fuzz-diff fuzz-files fuzz-maps fuzz-frames fuzz-readers

# Random system calls: one thread's, on Linux and in the guest, compared; those of four that race, in the guest, on 1, 2 and 4 processors.
fuzz-diff: all
	@for cpus in 1 2 4; do echo "processors: $$cpus"; \
	    ORRIS_FLAGS="--cpus $$cpus" tests/differ/calls.sh $(FIRST) $(SEEDS) 10000 100000 || [ $$? = 77 ] || exit 1; done

# Random operations on mappings, on Linux and in the guest, compared.
fuzz-maps: all
	@tests/differ/maps.sh $(FIRST) 100 5000

fuzz-frames: $(B)/tests/unit/net_test
	@end=$$(($$(date +%s) + $(SECONDS))); seed=$(FIRST); frames=0; while [ $$(date +%s) -lt $$end ]; do \
	    NET_FUZZ_SEED=$$seed NET_FUZZ_FRAMES=2000000 $(B)/tests/unit/net_test > $(B)/tests/fuzz.log 2>&1 || { \
	        echo "seed $$seed:"; grep -v '^ok ' $(B)/tests/fuzz.log | tail -n 20; exit 1; }; \
	    seed=$$((seed + 1)); frames=$$((frames + 4000000)); \
	done; echo "frames: $$frames with seeds $(FIRST) to $$((seed - 1))"

fuzz-calls: all guest-tests
	@failed=0; for seed in $$(seq $(FIRST) $$(($(FIRST) + $(SEEDS) - 1))); do \
	    timeout 300 $(B)/bin/orris run -q --accel tcg $(B)/tests/guest/only/fuzz_calls $$seed \
	        > $(B)/tests/fuzz.log 2>&1 || { failed=$$((failed + 1)); echo "seed $$seed:"; \
	        grep -v '^ok ' $(B)/tests/fuzz.log | tail -n 20; }; \
	done; echo "$$(($(SEEDS) - failed)) passed, $$failed failed"; [ $$failed = 0 ]

# 100 seeds unless SEEDS says otherwise; 77 is "not on this machine".
fuzz-files: all
	@tests/differ/files.sh $(FIRST) $(if $(filter command line environment,$(origin SEEDS)),$(SEEDS),100) 5000 || [ $$? = 77 ]

fuzz-readers: fuzz-tools
	@failed=; found=$(B)/tests/fuzz/found; for name in $(FUZZED); do \
	    mkdir -p $$found/$$name tests/fuzz/corpus/$$name; \
	    [ $$name != elf ] || cp /bin/true $$found/elf/; \
	    $(B)/tests/fuzz/fuzz_$$name -max_total_time=$(SECONDS) -max_len=65536 -timeout=10 \
	        -artifact_prefix=$(B)/tests/fuzz/$$name- $$found/$$name tests/fuzz/corpus/$$name \
	        > $(B)/tests/fuzz/$$name.log 2>&1 || failed="$$failed $$name"; \
	    rmdir tests/fuzz/corpus/$$name 2> /dev/null; \
	    sed -n "s/^Done \([0-9]*\) runs in \([0-9]*\) second.*/$$name: \1 files in \2 s/p" \
	        $(B)/tests/fuzz/$$name.log; \
	done; [ -z "$$failed" ] || { echo "failed:$$failed (see $(B)/tests/fuzz/)"; exit 1; }
.PHONY: fuzz fuzz-deps fuzz-calls fuzz-diff fuzz-files fuzz-maps fuzz-frames fuzz-readers fuzz-tools
