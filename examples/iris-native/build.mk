# iris-native: one static file. liblinear, BLAS, jansson and libb2 are Debian's static libraries;
# libmicrohttpd is built from its pinned source package, for Debian's own needs GnuTLS.
MHD      := build/third_party/libmicrohttpd
NATIVE   := $(B)/examples/iris-native
NATIVESRC := $(wildcard examples/iris-native/*.c)
NATIVELIB := $(MHD)/src/microhttpd/.libs/libmicrohttpd.a

$(MHD)/.unpacked: third_party/fetch third_party/libmicrohttpd/SHA256SUMS
	third_party/fetch libmicrohttpd $(MHD)
$(NATIVELIB): $(MHD)/.unpacked
	cd $(MHD) && ./configure -q --disable-https --disable-shared --disable-doc --disable-examples \
	    --disable-curl --disable-dauth --disable-bauth --disable-postprocessor \
	    --disable-dependency-tracking CFLAGS=-O2 > configure.log 2>&1 || { cat configure.log; false; }
	$(MAKE) -s -C $(MHD)/src/microhttpd libmicrohttpd.la > $(MHD)/make.log 2>&1 || { cat $(MHD)/make.log; false; }
	touch $@

# --no-warnings: the linker's about getaddrinfo, which here needs no library at run time: glibc has
# its files and DNS built in.
$(NATIVE)/iris-native: $(NATIVESRC) $(wildcard examples/iris-native/*.h) $(NATIVELIB) examples/iris-native/build.mk
	@mkdir -p $(@D)
	$(CC) -std=gnu17 -O2 -D_GNU_SOURCE $(WARN) -isystem $(MHD)/src/include $(NATIVESRC) -o $@ \
	    -s -static -pthread -Wl,--no-warnings $(NATIVELIB) -llinear -lblas -ljansson -lb2 -lstdc++ -lm

## iris-native: build the example examples/iris-native
iris-native: $(NATIVE)/iris-native
.PHONY: iris-native
