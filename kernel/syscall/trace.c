/* Traces system calls: decides which, and sends their lines to the tool. */
#include "kernel/syscall/trace.h"

#include <asm/unistd_64.h>

#include "abi/control.h"
#include "kernel/arch/regs.h"
#include "kernel/arch/stages.h"
#include "kernel/base/bitmap.h"
#include "kernel/base/format.h"
#include "kernel/base/string.h"
#include "kernel/mm/heap.h"
#include "kernel/platform/run.h"
#include "kernel/platform/streams.h"
#include "kernel/proc/task.h"

#define TRACE_SYSCALLS 512
#define ERROR_LOWEST (-4095)

enum trace_mode trace_mode = TRACE_ASK;

static uint64_t selected[BITMAP_WORDS(TRACE_SYSCALLS)];
static bool only_failed;

static bool has_word(const char *list, const char *word)
{
    size_t length = strlen(word);
    for (const char *p = list; p; p = strchr(p, ',')) {
        p += *p == ',';
        if (strncmp(p, word, length) == 0 && (p[length] == ',' || p[length] == '\0'))
            return true;
    }
    return false;
}

static void decide(void)
{
    uint32_t flags = the_run.options.flags;
    stage_reached(ORRIS_STAGE_CALL);
    if (!(flags & ORRIS_OPTION_TRACE)) {
        trace_mode = TRACE_OFF;
        return;
    }
    const char *filter = the_run.trace_filter ? the_run.trace_filter : "";
    only_failed = (flags & ORRIS_OPTION_TRACE_FAILED) || has_word(filter, "failed");
    for (uint64_t nr = 0; nr < TRACE_SYSCALLS; nr++) {
        if (trace_filter_selects(filter, nr))
            bitmap_set(selected, nr);
    }
    trace_mode = TRACE_ON;
}

static void send_line(const struct trace_line *line)
{
    int tid = task_current()->tid;
    char text[sizeof(line->text) + 16];
    size_t length = 0;
    if (tid != PROC_PID)
        length = format(text, sizeof(text), "[%d] ", tid);
    memcpy(text + length, line->text, line->length);
    control_send(ORRIS_MSG_TRACE, text, length + line->length, true);
}

static void send_unfinished(struct trace_line *line)
{
    static const char end[] = ") = ?";
    size_t room = sizeof(line->text) - line->length;
    line->length += min_u64(format(line->text + line->length, room, "%s", end), room - 1);
    send_line(line);
}

static int64_t trace_selected(const struct user_regs *regs)
{
    struct trace_line *line = heap_alloc(sizeof(*line));
    if (!line)
        return syscall_dispatch(regs);
    uint64_t nr = regs_syscall_nr(regs), args[6];
    for (int i = 0; i < 6; i++)
        args[i] = regs_syscall_arg(regs, i);
    trace_begin_line(line, nr, args);
    if (!only_failed && (nr == __NR_exit || nr == __NR_exit_group))
        send_unfinished(line); /* it won't return */
    int64_t result = syscall_dispatch(regs);
    bool failed = result < 0 && result >= ERROR_LOWEST;
    if (failed || !only_failed) {
        trace_end_line(line, nr, args, result);
        send_line(line);
    }
    heap_free(line);
    return result;
}

int64_t trace_syscall(struct user_regs *regs)
{
    if (trace_mode == TRACE_ASK)
        decide();
    uint64_t nr = regs_syscall_nr(regs);
    bool wanted = trace_mode == TRACE_ON && (nr >= TRACE_SYSCALLS || bitmap_test(selected, nr));
    return wanted ? trace_selected(regs) : syscall_dispatch(regs);
}
