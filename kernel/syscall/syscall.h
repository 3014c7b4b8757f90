/*
 * Prototypes of all system calls, generated from table.def.
 *
 * A handler checks everything, copies in, acts, copies out, and returns a count or -errno.
 */
#pragma once

#include "kernel/arch/uaccess.h"
#include "kernel/base/errno.h"
#include "kernel/base/types.h"

struct user_regs;

/* Argument kinds: the C type each one has in a handler; the trace prints by kind. */
typedef int kind_FD;         /* a descriptor, or AT_FDCWD */
typedef int kind_INT;        /* decimal */
typedef unsigned kind_UINT;  /* decimal */
typedef unsigned kind_FLAGS; /* hexadecimal */
typedef unsigned kind_MODE;  /* octal */
typedef int64_t kind_LONG;   /* signed 64 bit: offsets */
typedef uint64_t kind_ULONG; /* decimal 64 bit */
typedef uint64_t kind_HEX;   /* 64 bit, hexadecimal: addresses not to be touched */
typedef size_t kind_SIZE;
typedef int kind_SIGNAL;         /* SIGxxx */
typedef struct uptr kind_PTR;    /* any memory of the program's */
typedef struct uptr kind_PATH;   /* a NUL-terminated path in */
typedef struct uptr kind_STRING; /* a NUL-terminated string in */
typedef struct uptr kind_INBUF;  /* bytes in; the next SIZE argument is their number */
typedef struct uptr kind_OUTBUF; /* bytes out; shown up to the result */

#define SYS0(nr, name, cov) int64_t sys_##name(void);
#define SYS1(nr, name, k1, cov) int64_t sys_##name(kind_##k1);
#define SYS2(nr, name, k1, k2, cov) int64_t sys_##name(kind_##k1, kind_##k2);
#define SYS3(nr, name, k1, k2, k3, cov) int64_t sys_##name(kind_##k1, kind_##k2, kind_##k3);
#define SYS4(nr, name, k1, k2, k3, k4, cov)                                                        \
    int64_t sys_##name(kind_##k1, kind_##k2, kind_##k3, kind_##k4);
#define SYS5(nr, name, k1, k2, k3, k4, k5, cov)                                                    \
    int64_t sys_##name(kind_##k1, kind_##k2, kind_##k3, kind_##k4, kind_##k5);
#define SYS6(nr, name, k1, k2, k3, k4, k5, k6, cov)                                                \
    int64_t sys_##name(kind_##k1, kind_##k2, kind_##k3, kind_##k4, kind_##k5, kind_##k6);
#include "kernel/syscall/table.def"
#undef SYS0
#undef SYS1
#undef SYS2
#undef SYS3
#undef SYS4
#undef SYS5
#undef SYS6

/* Runs the system call in regs and stores its result there. The entry code calls syscall_entry,
 * which takes the kernel lock first. */
void syscall_entry(struct user_regs *regs);
void syscall_run(struct user_regs *regs);
