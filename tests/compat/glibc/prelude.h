// Before each of glibc's tests: what its own build defines for them on the command line and in
// headers that aren't installed.
#define libc_hidden_proto(name)
#define attribute_hidden
#define __timespec64 timespec
#define __timeval64 timeval
#define OBJPFX ORRIS_OBJPFX
