/* Panics: what is said when the kernel finds a bug of its own. */
#include "kernel/base/panic.h"

#include <stdarg.h>

#include "abi/control.h"
#include "kernel/arch/cpu.h"
#include "kernel/arch/smp.h"
#include "kernel/base/format.h"
#include "kernel/base/string.h"
#include "kernel/base/symbols.h"
#include "kernel/platform/platform.h"
#include "kernel/platform/streams.h"
#include "kernel/sync/check.h"

#define FRAMES_MAX 24
#define REPORT_BYTES 3072

static bool in_panic;

static size_t add_backtrace(char *buf, size_t size)
{
    uint64_t frames[FRAMES_MAX];
    unsigned count = arch_backtrace(frames, FRAMES_MAX);
    size_t at = 0;
    for (unsigned i = 0; i < count && at + 128 < size; i++) {
        uint64_t offset = 0, link = arch_link_address(frames[i]);
        const char *name = symbol_name(link, &offset);
        at += format(buf + at, size - at, "\n  %#lx %s+%#lx", link, name ? name : "?", offset);
    }
    return at;
}

void panic(const char *fmt, ...)
{
    static char report[REPORT_BYTES];
    if (in_panic) {
        arch_halt();
    }
    in_panic = true;
    arch_cpus_stop();
    lock_checks_on = false;
    size_t at = format(report, sizeof(report), "kernel panic: ");
    va_list args;
    va_start(args, fmt);
    at += format_va(report + at, sizeof(report) - at, fmt, args);
    va_end(args);
    at = min_u64(at, sizeof(report) - 1);
    at += add_backtrace(report + at, sizeof(report) - at);
    platform_console_write("\norris: ", 8);
    platform_console_write(report, at);
    platform_console_write("\n", 1);
    (void)control_send(ORRIS_MSG_REPORT, report, at, false);
    struct orris_exit end = {.kind = ORRIS_EXIT_PANIC};
    (void)control_send(ORRIS_MSG_EXIT, &end, sizeof(end), false);
    platform_power_off(124);
}

NORETURN void __stack_chk_fail(void);
void __stack_chk_fail(void)
{
    panic("a kernel stack was overwritten");
}
