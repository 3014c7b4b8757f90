# Tests. unit/: portable code on the host under sanitizers; guest/: plain Linux programs, run on
# Linux first and then in the guest (guest/only/: in the guest alone, each says why); e2e/: the tool
# as a user types it.
UFLAGS   := -std=gnu17 -g -O1 -fsanitize=address,undefined -fno-sanitize-recover=all \
            -fno-omit-frame-pointer -Wall -Wextra -Werror -I. -D_GNU_SOURCE -MMD -MP
GFLAGS   := -std=gnu17 -g -O1 -pthread -Wall -Wextra -Werror -I. -D_GNU_SOURCE -MMD -MP
UNIT     := $(patsubst %.c,$(B)/%,$(wildcard tests/unit/*_test.c))
GUEST    := $(patsubst %.c,$(B)/%,$(wildcard tests/guest/*.c))
ONLY     := $(patsubst %.c,$(B)/%,$(wildcard tests/guest/only/*.c))

# A unit test names what it tests on one line: "// UNIT: kernel/a.c kernel/b.c", and libraries on
# another: "// LIBS: -ljansson".
units_of  = $(subst $$(LWIPUNIT),$(LWIPUNIT),$(shell sed -n 's|^// UNIT: ||p' $(1)))
libs_of   = $(shell sed -n 's|^// LIBS: ||p' $(1))
# lwIP's files, as a UNIT line names them: $(LWIPUNIT).
LWIPUNIT := $(LWIPSRC:%=$(LWIP)/src/%.c)
$(LWIPUNIT): $(LWIP)/.unpacked ;
.SECONDEXPANSION:
$(B)/tests/unit/%_test: tests/unit/%_test.c $$(call units_of,tests/unit/$$*_test.c)
	@mkdir -p $(@D)
	$(CC) $(UFLAGS) $(filter %.c,$^) -o $@ $(call libs_of,$<)

# A guest test may name how it is linked, "// CFLAGS: -static", and its compiler, "// CC: musl-gcc";
# the default is a static PIE: one file, quick to start.
gflags_of = $(or $(shell sed -n 's|^// CFLAGS: ||p' $(1)),-static-pie)
gcc_of    = $(or $(shell sed -n 's|^// CC: ||p' $(1)),$(CC))
$(B)/tests/guest/%: tests/guest/%.c tests/build.mk
	@mkdir -p $(@D)
	$(call gcc_of,$<) $(GFLAGS) $< -o $@ $(call gflags_of,$<)

unit-tests: $(UNIT)
guest-tests: $(GUEST) $(ONLY)
.PHONY: unit-tests guest-tests

# `make test`: everything; its last line is "N passed, N failed". A test that does not compile is
# reported as failed by the run, not by make. What can't be installed here leaves out the tests that need it.
JOBS     ?= 2
## test: install what is missing, build, run every test (SUITES="unit e2e": some)
test:
	@tools/install-deps test || tools/install-deps -n demo
	@mkdir -p $(B)/tests
	@echo "Building orris and its tests ..."
	@$(MAKE) --no-print-directory -k -j$(JOBS) all unit-tests guest-tests $$([ ! -e /usr/include/linear.h ] || echo iris-native) $(BENCH)/count.so > $(B)/tests/build.log 2>&1 \
	    || grep -E 'error|Error|\*\*\*' $(B)/tests/build.log
	@$(MAKE) --no-print-directory -k -j$(JOBS) DEBUG=1 kernel >> $(B)/tests/build.log 2>&1 \
	    || grep -E 'error|Error|\*\*\*' $(B)/tests/build.log
	@JOBS=$(JOBS) tests/all $(SUITES)
.PHONY: test

## fresh-test: make demo and make test in bare Debian trees, with less and less there (root; hours): VARIANTS="bare user+blank …"
fresh-test:
	@tools/install-deps fresh
	@tools/fresh-test $(VARIANTS)
.PHONY: fresh-test

## compat: other people's tests in the guest and on the host, compared (hours; goes on where it was)
compat:
	@tools/install-deps compat
	@$(MAKE) --no-print-directory -k -j1 compat-python compat-glibc compat-judges
compat-ready:
	@tools/install-deps compat
	@$(MAKE) --no-print-directory -j$(JOBS) all
## compat-python: that part of it: the tests of CPython, NumPy, SciPy, scikit-learn
compat-python: compat-ready
	@tests/compat/run
## compat-glibc: glibc's own tests (half an hour)
compat-glibc: compat-ready
	@tests/compat/glibc/run
## compat-judges: programs that measure and stress systems
compat-judges: compat-ready
	@tests/compat/judges/run
.PHONY: compat compat-ready compat-python compat-glibc compat-judges

# `make bench`: the figures of docs/bench.md.
BENCH    := $(B)/tests/bench
$(BENCH)/count.so: tests/bench/count.c
	@mkdir -p $(@D)
	$(CC) -shared -fPIC -fvisibility=hidden -O2 -Wall -Wextra $< -o $@
$(BENCH)/floor.elf: tests/bench/floor.S
	@mkdir -p $(@D)
	$(CC) -nostdlib -static -no-pie -Wl,-Ttext=0x100000,-e,floor_start,--build-id=none $< -o $@
$(BENCH)/%: tests/bench/%.c
	@mkdir -p $(@D)
	$(CC) -static -O2 -pthread -Wall -Wextra -D_GNU_SOURCE $< -o $@

bench-tools: $(addprefix $(BENCH)/,count.so floor.elf linux-init stamp hello micro answer)
## bench: measure the figures of docs/bench.md and print them as a table (half an hour)
bench:
	@tools/install-deps bench
	@$(MAKE) --no-print-directory -j$(JOBS) all bench-tools
	@tests/bench/bench
.PHONY: bench bench-tools
