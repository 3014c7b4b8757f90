// What strangers wrote, fit for a terminal.
// UNIT: host/base/escape.c host/base/buf.c host/base/error.c host/base/say.c host/base/json.c
// LIBS: -ljansson
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/base/error.h"
#include "host/base/escape.h"
#include "host/base/json.h"
#include "host/base/say.h"
#include "tests/harness/check.h"

static void is(const char *text, const char *want)
{
    char *got = escape(text);
    CHECK_STR(got, want);
    free(got);
}

/* Whether a terminal gets nothing of text but characters, and lines if they may be there. */
static bool is_harmless(const char *text, bool lines)
{
    for (size_t length; *text; text += length) {
        length = utf8_length(text, strlen(text));
        unsigned char a = (unsigned char)text[0], b = (unsigned char)text[1];
        if (!length || (a < ' ' && !(lines && (a == '\n' || a == '\t'))) || a == 0x7f ||
            (length == 2 && a == 0xc2 && b < 0xa0))
            return false;
    }
    return true;
}

static void what_is_harmless_stays(void)
{
    is("", "");
    is("/usr/lib/x.so", "/usr/lib/x.so");
    is("a\\nb", "a\\nb"); /* escaping twice is escaping once */
    is("Grüße, 世界 \xf0\x9f\x90\xb3", "Grüße, 世界 \xf0\x9f\x90\xb3");
    is("\xc2\xa0", "\xc2\xa0");
}

static void every_byte(void)
{
    for (int byte = 1; byte < 256; byte++) {
        char text[] = {'a', (char)byte, 'z', 0};
        char *got = escape(text), *twice = escape(got);
        CHECK(is_harmless(got, false));
        CHECK_STR(twice, got);
        CHECK((strcmp(got, text) == 0) == (byte >= ' ' && byte < 0x7f));
        free(got);
        free(twice);
    }
    is("\x1b]0;x\a\n\r\t\x7f", "\\x1b]0;x\\a\\n\\r\\t\\x7f");
    struct buf out = {0};
    escape_add(&out, "a\0b", 3, false);
    CHECK_STR(out.data, "a\\x00b");
    buf_clear(&out);
}

static void characters_that_command(void)
{
    is("\xc2\x80\xc2\x9b\xc2\x9f", "\\u0080\\u009b\\u009f"); /* C1 */
    is("\x9b", "\\x9b");                                     /* and as a byte alone */
    is("\xe2\x80\xaa\xe2\x80\xae", "\\u202a\\u202e");
    is("\xe2\x81\xa6\xe2\x81\xa9", "\\u2066\\u2069");
    is("\xe2\x80\x8e\xe2\x80\x8f\xd8\x9c", "\\u200e\\u200f\\u061c");
    is("\xe2\x80\xa8\xe2\x80\xa9", "\\u2028\\u2029");
    is("\xf3\xa0\x80\x81", "\\U000e0001");
}

static void what_is_no_utf8(void)
{
    is("\xc0\xaf", "\\xc0\\xaf"); /* too long a form */
    is("\xe0\x80\xaf", "\\xe0\\x80\\xaf");
    is("\xed\xa0\x80", "\\xed\\xa0\\x80"); /* half of a pair */
    is("\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80");
    is("\xe2\x80", "\\xe2\\x80"); /* cut off */
    is("\xe2\x80z\xff", "\\xe2\\x80z\\xff");
}

static void random_bytes(void)
{
    uint32_t state = 1;
    for (int round = 0; round < 20000; round++) {
        char text[24] = {0};
        for (size_t i = 0; i < sizeof(text) - 1; i++) {
            state = state * 1664525 + 1013904223;
            text[i] = (char)(state >> 24 ? state >> 24 : 1);
        }
        char *got = escape(text);
        struct buf json = {0};
        escape_json(&json, text, "%%%02X");
        json_error_t problem;
        json_t *value = json_loads(json.data, JSON_DECODE_ANY, &problem);
        if (!is_harmless(got, false) || !is_harmless(json.data, false) || !value)
            CHECK_STR(got, json.data);
        json_decref(value);
        buf_clear(&json);
        free(got);
    }
    CHECK(true);
}

__attribute__((format(printf, 2, 3))) static void formats(const char *want, const char *format, ...)
{
    struct buf out = {0};
    va_list args;
    va_start(args, format);
    escape_format(&out, format, args);
    va_end(args);
    CHECK_STR(out.data, want);
    buf_clear(&out);
}

static void formats_as_printf(void)
{
    char want[512];
#define SAME(...) (snprintf(want, sizeof(want), __VA_ARGS__), formats(want, __VA_ARGS__))
    SAME("plain");
    SAME("100 %% of %s", "it");
    SAME("%d %5d|%-5d|%05d|%+d|% d", 1, -2, 3, 4, 5, 6);
    SAME("%*d|%-*d|%*d", 4, 1, 4, 2, -4, 3);
    SAME("%u %x %#x %X %o %lu %llu %zu %04o", 1u, 255u, 255u, 255u, 8u, 1ul << 40, ~0ull,
         sizeof(want), 0755u);
    SAME("%ld %lld %zd %hhd %hd", -1l, -(1ll << 62), (ssize_t)-5, (char)-1, (short)-2);
    SAME("%.2f %9.2f %5.1f %g %.0f %e", 1.005, 2.5, 99.9, 1e9, 0.5, 12345.678);
    SAME("[%s] [%10s] [%-10s] [%.2s] [%.*s] [%5.1s]", "ab", "ab", "ab", "abc", 1, "xyz", "qrs");
    SAME("%c%c", 'a', 'b');
    SAME("%p", (void *)want);
    SAME("%*s|", 0, "");
#undef SAME
}

static void formats_escape_what_is_put_in(void)
{
    formats("a\nb: x\\ny", "a\nb: %s", "x\ny");
    formats("\\x1b[2J \\n", "%s %c", "\x1b[2J", '\n');
    formats("ab\\n|", "%.*s|", 3, "ab\ncd");
    formats("ü   |", "%-4s|", "ü"); /* a column for a character */
    formats("\\n  |", "%-4s|", "\n");
}

static void errors_keep_only_their_own_lines(void)
{
    struct error err;
    error_set(&err, "first\nsecond %s", "a\nb");
    CHECK_STR(err.text, "first\nsecond a\\nb");
    error_prefix(&err, "%s", "p\x1b");
    CHECK_STR(err.text, "p\\x1b: first\nsecond a\\nb");
    error_set(&err, "it failed:");
    error_add_lines(&err, "orris: forged\r\n\n\x1b[31mred\n");
    CHECK_STR(err.text, "it failed:\n    orris: forged\n    \\x1b[31mred");
    errno = ENOENT;
    error_errno(&err, "%s", "x\x9by");
    CHECK_STR(err.text, "x\\x9by: No such file or directory");
    char *big = mem_alloc(10001);
    memset(big, '\n', 10000);
    error_set(&err, "%s", big);
    CHECK_EQ(strlen(err.text), sizeof(err.text) - 1);
    error_add(&err, "%s", big);
    error_add_lines(&err, "more");
    CHECK_EQ(strlen(err.text), sizeof(err.text) - 1);
    free(big);
}

/* What say() and the like write, as one string. */
static size_t said(void (*what)(void), char *out, size_t size)
{
    int pipe_ends[2], kept = dup(2);
    CHECK_OK(pipe(pipe_ends));
    dup2(pipe_ends[1], 2);
    close(pipe_ends[1]);
    what();
    dup2(kept, 2);
    close(kept);
    ssize_t n = read(pipe_ends[0], out, size - 1);
    close(pipe_ends[0]);
    out[n > 0 ? n : 0] = 0;
    return n > 0 ? (size_t)n : 0;
}

static void say_things(void)
{
    say("a name: %s", "x\norris: forged\x1b[2J");
    say_lines(SAY_NORMAL, "two\nlines\x07");
}

static void what_is_said(void)
{
    char text[512];
    said(say_things, text, sizeof(text));
    CHECK_STR(text, "orris: a name: x\\norris: forged\\x1b[2J\norris: two\norris: lines\\a\n");
}

static void json(void)
{
    struct buf out = {0};
    escape_json(&out, "a\"\\</\n\x7f\xc2\x9b\xe2\x80\xae\xf3\xa0\x80\x81\xff", "%%%02X");
    CHECK_STR(out.data, "\"a\\\"\\\\\\u003c/\\u000a\\u007f\\u009b\\u202e\\udb40\\udc01%FF\"");
    buf_clear(&out);
    escape_in_json(&out, "{\n  \"ü\x7f\": \"\xe2\x80\xae\"\n}");
    CHECK_STR(out.data, "{\n  \"ü\\u007f\": \"\\u202e\"\n}");
    buf_clear(&out);
    json_t *value = json_foreign("a\xff");
    CHECK_STR(json_string_value(value), "a\\xff");
    json_decref(value);
}

int main(void)
{
    RUN(what_is_harmless_stays);
    RUN(every_byte);
    RUN(characters_that_command);
    RUN(what_is_no_utf8);
    RUN(random_bytes);
    RUN(formats_as_printf);
    RUN(formats_escape_what_is_put_in);
    RUN(errors_keep_only_their_own_lines);
    RUN(what_is_said);
    RUN(json);
    return check_done();
}
