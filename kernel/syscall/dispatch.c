/*
 * Turns a system call's number and six registers into a typed call.
 *
 * This is the path every call takes, and instructions on it are counted: one load from the table,
 * one indirect call, one tail call. Tracing takes another path (trace.c).
 */
#include "kernel/arch/regs.h"
#include "kernel/arch/smp.h"
#include "kernel/base/bitmap.h"
#include "kernel/base/log.h"
#include "kernel/base/names.h"
#include "kernel/syscall/syscall.h"
#include "kernel/syscall/trace.h"

#define SYSCALL_MAX 512

typedef int64_t (*syscall_fn_t)(const struct user_regs *regs);

/* From a register to an argument of each kind. */
#define arg_FD(v) ((int)(v))
#define arg_INT(v) ((int)(v))
#define arg_UINT(v) ((unsigned)(v))
#define arg_FLAGS(v) ((unsigned)(v))
#define arg_MODE(v) ((unsigned)(v))
#define arg_LONG(v) ((int64_t)(v))
#define arg_ULONG(v) (v)
#define arg_HEX(v) (v)
#define arg_SIZE(v) ((size_t)(v))
#define arg_SIGNAL(v) ((int)(v))
#define arg_PTR(v) ((struct uptr){(v)})
#define arg_PATH(v) ((struct uptr){(v)})
#define arg_STRING(v) ((struct uptr){(v)})
#define arg_INBUF(v) ((struct uptr){(v)})
#define arg_OUTBUF(v) ((struct uptr){(v)})
#define ARG(kind, i) arg_##kind(regs_syscall_arg(r, i))

#define CALL(name, ...)                                                                            \
    static int64_t call_##name(const struct user_regs *r)                                          \
    {                                                                                              \
        (void)r;                                                                                   \
        return sys_##name(__VA_ARGS__);                                                            \
    }
#define SYS0(nr, name, cov) CALL(name)
#define SYS1(nr, name, k1, cov) CALL(name, ARG(k1, 0))
#define SYS2(nr, name, k1, k2, cov) CALL(name, ARG(k1, 0), ARG(k2, 1))
#define SYS3(nr, name, k1, k2, k3, cov) CALL(name, ARG(k1, 0), ARG(k2, 1), ARG(k3, 2))
#define SYS4(nr, name, k1, k2, k3, k4, cov)                                                        \
    CALL(name, ARG(k1, 0), ARG(k2, 1), ARG(k3, 2), ARG(k4, 3))
#define SYS5(nr, name, k1, k2, k3, k4, k5, cov)                                                    \
    CALL(name, ARG(k1, 0), ARG(k2, 1), ARG(k3, 2), ARG(k4, 3), ARG(k5, 4))
#define SYS6(nr, name, k1, k2, k3, k4, k5, k6, cov)                                                \
    CALL(name, ARG(k1, 0), ARG(k2, 1), ARG(k3, 2), ARG(k4, 3), ARG(k5, 4), ARG(k6, 5))
#include "kernel/syscall/table.def"
#undef SYS0
#undef SYS1
#undef SYS2
#undef SYS3
#undef SYS4
#undef SYS5
#undef SYS6

static const syscall_fn_t handlers[SYSCALL_MAX] = {
#define SYS0(nr, name, ...) [nr] = call_##name,
#define SYS1 SYS0
#define SYS2 SYS0
#define SYS3 SYS0
#define SYS4 SYS0
#define SYS5 SYS0
#define SYS6 SYS0
#include "kernel/syscall/table.def"
#undef SYS0
#undef SYS1
#undef SYS2
#undef SYS3
#undef SYS4
#undef SYS5
#undef SYS6
};

static const char names[] =
#include "kernel/gen/syscall_names.h"
    ;

const char *syscall_name(uint64_t nr)
{
    return names_get(names, sizeof(names), nr);
}

static int64_t unknown(uint64_t nr)
{
    static uint64_t logged[BITMAP_WORDS(SYSCALL_MAX)];
    if (nr >= SYSCALL_MAX || bitmap_test(logged, nr))
        return -ENOSYS;
    bitmap_set(logged, nr);
    const char *name = syscall_name(nr);
    log_info("system call %u (%s) is not implemented", (unsigned)nr, name ? name : "no name");
    return -ENOSYS;
}

static inline int64_t dispatch(const struct user_regs *regs)
{
    uint64_t nr = regs_syscall_nr(regs);
    if (UNLIKELY(nr >= SYSCALL_MAX || !handlers[nr]))
        return unknown(nr);
    return handlers[nr](regs);
}

int64_t syscall_dispatch(const struct user_regs *regs)
{
    return dispatch(regs);
}

void syscall_run(struct user_regs *regs)
{
    if (UNLIKELY(trace_mode != TRACE_OFF))
        regs->rax = (uint64_t)trace_syscall(regs);
    else
        regs->rax = (uint64_t)dispatch(regs);
}

void syscall_entry(struct user_regs *regs)
{
    kernel_enter();
    syscall_run(regs);
}
