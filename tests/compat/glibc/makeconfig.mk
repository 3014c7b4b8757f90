# Stands in for glibc's Makeconfig, the same way: what its Makefiles want to know before they name tests.
run-built-tests := yes
build-shared := yes
have-thread-library := yes
multi-arch := yes
shared-thread-library :=
libpthread-routines-var := routines
librt-routines-var := routines
objpfx = $(out)/$(subdir)/
common-objpfx = $(out)/
..  := $(src)/
