# Stands in for glibc's Rules when one of its Makefiles is only asked for its tests: prints them,
#     NAME|kind|CFLAGS|LDFLAGS|ARGS|ENV, a line each
include $(wildcard $(sysdeps:%=$(src)/sysdeps/%/Makefile))
tell = $(info test|$1|$2|$(CFLAGS-$1.c)|$(LDFLAGS-$1)|$($1-ARGS)|$($1-ENV))
$(foreach t,$(sort $(filter-out $(tests-static) $(tests-internal) $(tests-container) $(tests-special),$(tests))),$(call tell,$t,shared))
$(foreach t,$(sort $(filter-out $(tests-internal),$(tests-static))),$(call tell,$t,static))
$(foreach t,$(sort $(tests-internal)),$(call tell,$t,internal))
$(foreach t,$(sort $(xtests)),$(call tell,$t,long))
told: ;
