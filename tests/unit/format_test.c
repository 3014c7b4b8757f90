// UNIT: kernel/base/format.c
#include <limits.h>
#include <stdint.h>

#include "kernel/base/format.h"
#include "tests/harness/check.h"

/* What libc's snprintf makes of the same is what we want. */
#define SAME(...)                                                                                  \
    do {                                                                                           \
        char ours[128], theirs[128];                                                               \
        size_t length = format(ours, sizeof(ours), __VA_ARGS__);                                   \
        CHECK_EQ(length, snprintf(theirs, sizeof(theirs), __VA_ARGS__));                           \
        CHECK_STR(ours, theirs);                                                                   \
    } while (0)

static void integers(void)
{
    SAME("%d %i %u", -5, 7, 9u);
    SAME("%d %d", INT_MIN, INT_MAX);
    SAME("%ld %lu %llu", LONG_MIN, ULONG_MAX, ULLONG_MAX);
    SAME("%zu %zd %td", (size_t)77, (ssize_t)-77, (ptrdiff_t)-3);
    SAME("%hhd %hhu %hd %hu", -3, 253, -300, 65000);
    SAME("%x %X %o %#x %#X %#o %#x %#o", 0xbeefu, 0xBEEFu, 0755u, 0xbeefu, 0xbeefu, 0755u, 0u, 0u);
    SAME("%lx", 0xffffffff80000000ul);
}

static void widths(void)
{
    SAME("[%5d] [%-5d] [%05d] [%+d] [% d] [%+5d]", 42, 42, -42, 42, 42, 42);
    SAME("[%8.3d] [%-8.3d] [%.0d]", 5, 5, 0);
    SAME("[%#10x] [%#010x] [%-#10x]", 255u, 255u, 255u);
    SAME("[%*d] [%-*d] [%*d]", 6, 1, 6, 1, -6, 1);
    SAME("[%.*s] [%.*s]", 2, "abc", -1, "abc");
    SAME("%08lx-%08lx", 0x400000ul, 0x7ffff7fc1000ul);
}

static void strings(void)
{
    SAME("[%s] [%10s] [%-10s] [%.2s] [%10.2s]", "text", "text", "text", "text", "text");
    SAME("[%c] [%3c] [%-3c] 100%%", 'x', 'y', 'z');
    SAME("%p", (void *)0x1234);
    SAME("%s", "");
    char buf[16];
    char *volatile none = NULL;
    format(buf, sizeof(buf), "%s", none);
    CHECK_STR(buf, "(null)");
    const char unterminated[3] = {'a', 'b', 'c'};
    format(buf, sizeof(buf), "%.3s", unterminated);
    CHECK_STR(buf, "abc");
}

static void truncation(void)
{
    char buf[8] = "xxxxxxx";
    CHECK_EQ(format(buf, 4, "%s", "abcdef"), 6);
    CHECK_STR(buf, "abc");
    CHECK_EQ(format(buf, 1, "%d", 12345), 5);
    CHECK_STR(buf, "");
    CHECK_EQ(format(buf, 8, "%07d", 1), 7);
    CHECK_STR(buf, "0000001");
    CHECK_EQ(format(NULL, 0, "%s-%d", "abc", 5), 5);
}

int main(void)
{
    RUN(integers);
    RUN(widths);
    RUN(strings);
    RUN(truncation);
    return check_done();
}
