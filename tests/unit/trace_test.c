/* The text of traced calls and the trace filter. */
// UNIT: kernel/syscall/trace_text.c kernel/base/format.c
#include <stdlib.h>
#include <sys/syscall.h>

#include "kernel/arch/uaccess.h"
#include "kernel/base/names.h"
#include "kernel/syscall/trace.h"
#include "tests/harness/check.h"

#define UNMAPPED 0x1000ul

size_t copy_from_user_partial(void *dst, struct uptr src, size_t len)
{
    if (src.addr == UNMAPPED)
        return len;
    memcpy(dst, (const void *)src.addr, len);
    return 0;
}

int copy_from_user(void *dst, struct uptr src, size_t len)
{
    return copy_from_user_partial(dst, src, len) ? -EFAULT : 0;
}

const char *errno_name(unsigned long number)
{
    return number == ENOENT ? "ENOENT" : NULL;
}

const char *signal_name(int signo)
{
    return signo == 11 ? "SIGSEGV" : NULL;
}

const char *syscall_name(uint64_t nr)
{
    switch (nr) {
    case SYS_read:
        return "read";
    case SYS_write:
        return "write";
    case SYS_openat:
        return "openat";
    case SYS_mmap:
        return "mmap";
    case SYS_tgkill:
        return "tgkill";
    case SYS_mprotect:
        return "mprotect";
    default:
        return NULL;
    }
}

static struct trace_line line;

static const char *text(uint64_t nr, int64_t result, const uint64_t args[6])
{
    trace_begin_line(&line, nr, args);
    trace_end_line(&line, nr, args, result);
    return line.text;
}

#define ARGS(...) ((const uint64_t[6]){__VA_ARGS__})

static char page[256] = "/etc/passwd";

static void test_lines(void)
{
    CHECK_STR(text(SYS_openat, 3, ARGS((uint64_t)-100, (uint64_t)page, 0x80000, 0)),
              "openat(AT_FDCWD, \"/etc/passwd\", 0x80000, 00) = 3");
    CHECK_STR(text(SYS_openat, -ENOENT, ARGS((uint64_t)-100, (uint64_t)page, 0, 0)),
              "openat(AT_FDCWD, \"/etc/passwd\", 0, 00) = -1 ENOENT");
    CHECK_STR(text(SYS_openat, -14, ARGS(4, UNMAPPED, 0, 0)), "openat(4, 0x1000, 0, 00) = -14");
    CHECK_STR(text(SYS_tgkill, 0, ARGS(2, 3, 11)), "tgkill(2, 3, SIGSEGV) = 0");
    CHECK_STR(text(SYS_mprotect, 0, ARGS(0x7f0000001000, 4096, 1)),
              "mprotect(0x7f0000001000, 4096, 0x1) = 0");
    CHECK_STR(text(400, -38, ARGS(1, 2, 3, 4, 5, 0)),
              "syscall_400(0x1, 0x2, 0x3, 0x4, 0x5, NULL) = -38");
}

static void test_what_comes_out_is_shown_up_to_the_result(void)
{
    static char data[] = "ab\n\"\x01zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz";
    CHECK_STR(text(SYS_read, 5, ARGS(0, (uint64_t)data, 4096)),
              "read(0, \"ab\\n\\\"\\1\", 4096) = 5");
    CHECK_STR(text(SYS_read, 0, ARGS(0, (uint64_t)data, 4096)), "read(0, \"\", 4096) = 0");
    CHECK_STR(text(SYS_read, -ENOENT, ARGS(0, UNMAPPED, 10)), "read(0, 0x1000, 10) = -1 ENOENT");
}

static void test_what_goes_in_is_cut(void)
{
    static char data[] = "0123456789012345678901234567890123456789";
    CHECK_STR(text(SYS_write, 40, ARGS(1, (uint64_t)data, 40)),
              "write(1, \"01234567890123456789012345678901\"..., 40) = 40");
}

static void test_a_long_line_stays_in_its_buffer(void)
{
    static char path[4096];
    memset(path, 1, sizeof(path) - 1);
    text(SYS_openat, 3, ARGS(0, (uint64_t)path, 0, 0));
    CHECK(line.length < sizeof(line.text));
    CHECK_EQ(strlen(line.text), line.length);
}

static void test_filters(void)
{
    CHECK(trace_filter_selects("", SYS_read));
    CHECK(trace_filter_selects("all", SYS_read));
    CHECK(trace_filter_selects("open,read", SYS_read));
    CHECK(!trace_filter_selects("open,read", SYS_write));
    CHECK(!trace_filter_selects("!read", SYS_read));
    CHECK(trace_filter_selects("!read", SYS_write));
    CHECK(trace_filter_selects("file", SYS_openat));
    CHECK(!trace_filter_selects("file", SYS_read));
    CHECK(trace_filter_selects("desc", SYS_read));
    CHECK(trace_filter_selects("memory", SYS_mmap));
    CHECK(!trace_filter_selects("memory", SYS_read));
    CHECK(trace_filter_selects("signal,memory", SYS_tgkill));
    CHECK(trace_filter_selects("failed", SYS_read));
    CHECK(!trace_filter_selects("failed,file", SYS_read));
    CHECK(!trace_filter_selects("rea", SYS_read));
}

int main(void)
{
    RUN(test_lines);
    RUN(test_what_comes_out_is_shown_up_to_the_result);
    RUN(test_what_goes_in_is_cut);
    RUN(test_a_long_line_stays_in_its_buffer);
    RUN(test_filters);
    return check_done();
}
