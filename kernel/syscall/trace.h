/*
 * Tracing: one line for each system call, as strace prints it, sent to the tool.
 *
 * The filter is a list "a,b,…" of names and classes (file, desc, memory, process, signal, network,
 * all); a "!" before it selects all but those. "failed" keeps only calls that fail.
 */
#pragma once

#include "kernel/base/types.h"

struct user_regs;

enum trace_mode { TRACE_OFF, TRACE_ON, TRACE_ASK /* the first call decides */ };
extern enum trace_mode trace_mode;

/* Runs the call and traces it if the filter selects it. */
int64_t trace_syscall(struct user_regs *regs);
/* Runs the call: dispatch.c. */
int64_t syscall_dispatch(const struct user_regs *regs);
/* By number, or NULL. */
const char *syscall_name(uint64_t nr);

/* The text of a call in two parts, for trace_syscall and its unit test: what can be told before
 * it runs, and what only after. */
struct trace_line {
    size_t length;
    char text[1200];
};
void trace_begin_line(struct trace_line *line, uint64_t nr, const uint64_t args[6]);
void trace_end_line(struct trace_line *line, uint64_t nr, const uint64_t args[6], int64_t result);
/* Whether filter (a text as above) selects call nr. */
bool trace_filter_selects(const char *filter, uint64_t nr);
