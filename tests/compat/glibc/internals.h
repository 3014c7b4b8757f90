// Before those of glibc's tests that don't build without: what its internal headers, which stay
// outside, would say.
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>
#define _PTHREADP_H
#define _DESCR_H
#define _SHLIB_COMPAT_H
#define IS_IN(library) 0
#define TEST_COMPAT(library, from, until) 0
#define INTERNAL_SYSCALL_CALL(name, ...) syscall(SYS_##name, __VA_ARGS__)
#define __set_errno(error) (errno = (error))
#define __fstatat64 fstatat64
#define SIGCANCEL __SIGRTMIN
#define SIGSETXID (__SIGRTMIN + 1)
#define TZDEFRULES "posixrules"
