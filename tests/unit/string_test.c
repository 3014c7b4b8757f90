/* The kernel's own memory functions, under other names, against libc's. Overlap, size and alignment
 * are what goes wrong in them, so every small combination is tried. */
#include <stddef.h>
#include <stdint.h>

#include <stdlib.h>

#include "tests/harness/check.h"

#define memcpy ours_memcpy
#define memmove ours_memmove
#define memset ours_memset
#define memcmp ours_memcmp
#define memchr ours_memchr
#define strlen ours_strlen
#define strnlen ours_strnlen
#define strcmp ours_strcmp
#define strncmp ours_strncmp
#define strchr ours_strchr
#define strrchr ours_strrchr
/* The one test that includes a .c file: its functions cannot be linked beside libc's. */
#include "kernel/base/string.c"
#undef memcpy
#undef memmove
#undef memset
#undef memcmp
#undef memchr
#undef strlen
#undef strnlen
#undef strcmp
#undef strncmp
#undef strchr
#undef strrchr

#define SIZE 160

static uint8_t ours[SIZE], theirs[SIZE];

static void scramble(void)
{
    for (unsigned i = 0; i < SIZE; i++)
        ours[i] = theirs[i] = (uint8_t)rand();
}

static void copies_like_libc(void)
{
    bool good = true;
    for (size_t len = 0; len <= 70; len++) {
        for (size_t offset = 0; offset < 9; offset++) {
            scramble();
            good &= ours_memcpy(ours + offset, ours + 80, len) == ours + offset;
            memcpy(theirs + offset, theirs + 80, len);
            good &= memcmp(ours, theirs, SIZE) == 0;
        }
    }
    CHECK(good);
}

static void moves_like_libc(void)
{
    bool good = true;
    for (size_t len = 0; len <= 70; len++) {
        for (size_t from = 0; from < 80; from += 3) {
            for (size_t to = from > 20 ? from - 20 : 0; to < from + 20 && to < 80; to++) {
                scramble();
                good &= ours_memmove(ours + to, ours + from, len) == ours + to;
                memmove(theirs + to, theirs + from, len);
                good &= memcmp(ours, theirs, SIZE) == 0;
            }
        }
    }
    CHECK(good);
}

static void sets_like_libc(void)
{
    bool good = true;
    for (size_t len = 0; len <= 70; len++) {
        for (size_t at = 0; at < 9; at++) {
            scramble();
            good &= ours_memset(ours + at, (int)len - 300, len) == ours + at;
            memset(theirs + at, (int)len - 300, len);
            good &= memcmp(ours, theirs, SIZE) == 0;
        }
    }
    CHECK(good);
}

static int sign(int value)
{
    return (value > 0) - (value < 0);
}

static void compares_like_libc(void)
{
    bool good = true;
    for (size_t len = 0; len <= 40; len++) {
        for (size_t at = 0; at < 42; at++) {
            scramble();
            ours[at] ^= 0x80;
            good &= sign(ours_memcmp(ours, theirs, len)) == sign(memcmp(ours, theirs, len));
        }
    }
    CHECK(good);
}

static void searches_like_libc(void)
{
    bool good = true;
    for (size_t at = 0; at < 40; at++) {
        for (size_t start = 0; start < 10; start++) {
            memset(ours, 'x', SIZE);
            ours[start + at] = 0;
            ours[start + at + 1] = 'y';
            const char *s = (const char *)ours + start;
            good &= ours_strlen(s) == at;
            good &= ours_strnlen(s, 20) == (at < 20 ? at : 20);
            good &= ours_memchr(s, 0, at) == NULL && ours_memchr(s, 0, at + 1) == s + at;
            good &= ours_memchr(s, 'y', SIZE - start) == s + at + 1;
            good &= ours_strchr(s, 'y') == NULL && ours_strchr(s, 0) == s + at;
            good &= ours_strrchr(s, 'x') == (at ? s + at - 1 : NULL);
        }
    }
    CHECK(good);
}

static void orders_strings(void)
{
    CHECK(ours_strcmp("abc", "abc") == 0 && ours_strcmp("abc", "abd") < 0);
    CHECK(ours_strcmp("abc", "ab") > 0 && ours_strcmp("", "a") < 0);
    CHECK(ours_strcmp("a\x80", "a\x7f") > 0);
    CHECK(ours_strncmp("abc", "abd", 2) == 0 && ours_strncmp("abc", "abd", 3) < 0);
    CHECK(ours_strncmp("ab", "ab", 10) == 0 && ours_strncmp("x", "y", 0) == 0);
}

int main(void)
{
    RUN(copies_like_libc);
    RUN(moves_like_libc);
    RUN(sets_like_libc);
    RUN(compares_like_libc);
    RUN(searches_like_libc);
    RUN(orders_strings);
    return check_done();
}
