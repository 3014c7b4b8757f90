/*
 * printf into a buffer. Every character goes through put_char, which counts all of them and keeps
 * those that fit; nothing else knows the buffer's size.
 */
#include "kernel/base/format.h"

#include <stdbool.h>
#include <stdint.h>

#include "kernel/base/string.h"

#define DIGITS_MAX 24 /* 64 bits in octal, and a prefix */

struct sink {
    char *buf;
    size_t size, length;
};

enum length { LENGTH_CHAR, LENGTH_SHORT, LENGTH_INT, LENGTH_LONG };

/* One conversion: what stands between % and its letter. */
struct spec {
    bool left, zero, space, plus, alternative;
    size_t width;
    bool has_precision;
    size_t precision;
    enum length length;
};

static void put_char(struct sink *s, char c)
{
    if (s->length < s->size)
        s->buf[s->length] = c;
    s->length++;
}

static void put_repeated(struct sink *s, char c, size_t count)
{
    for (; count > 0; count--)
        put_char(s, c);
}

static void put_bytes(struct sink *s, const char *text, size_t length)
{
    size_t room = s->length < s->size ? s->size - s->length : 0;
    if (room > 0)
        memcpy(s->buf + s->length, text, length < room ? length : room);
    s->length += length;
}

/* Padding around text: blanks to its left or right. */
static void put_padded(struct sink *s, const struct spec *spec, const char *text, size_t length)
{
    size_t pad = spec->width > length ? spec->width - length : 0;
    if (!spec->left)
        put_repeated(s, ' ', pad);
    put_bytes(s, text, length);
    if (spec->left)
        put_repeated(s, ' ', pad);
}

static void put_string(struct sink *s, const struct spec *spec, const char *text)
{
    if (!text)
        text = "(null)";
    put_padded(s, spec, text, spec->has_precision ? strnlen(text, spec->precision) : strlen(text));
}

/* prefix: "-", "+", " ", "0x" or "". */
static void put_number(struct sink *s, const struct spec *spec, uint64_t value, unsigned base,
                       const char *prefix, bool upper)
{
    const char *alphabet = upper ? "0123456789ABCDEF" : "0123456789abcdef";
    char digits[DIGITS_MAX];
    size_t count = 0;
    for (; value > 0; value /= base)
        digits[DIGITS_MAX - ++count] = alphabet[value % base];
    size_t wanted = spec->has_precision ? spec->precision : 1;
    size_t zeros = wanted > count ? wanted - count : 0;
    if (base == 8 && spec->alternative && zeros == 0)
        zeros = 1;
    size_t prefix_length = strlen(prefix), length = prefix_length + zeros + count;
    size_t pad = spec->width > length ? spec->width - length : 0;
    if (spec->zero && !spec->left && !spec->has_precision) {
        zeros += pad;
        pad = 0;
    }
    if (!spec->left)
        put_repeated(s, ' ', pad);
    put_bytes(s, prefix, prefix_length);
    put_repeated(s, '0', zeros);
    put_bytes(s, digits + DIGITS_MAX - count, count);
    if (spec->left)
        put_repeated(s, ' ', pad);
}

static void put_signed(struct sink *s, const struct spec *spec, int64_t value)
{
    const char *sign = value < 0 ? "-" : spec->plus ? "+" : spec->space ? " " : "";
    put_number(s, spec, value < 0 ? -(uint64_t)value : (uint64_t)value, 10, sign, false);
}

static void put_unsigned(struct sink *s, const struct spec *spec, uint64_t value, char letter)
{
    if (letter == 'u') {
        put_number(s, spec, value, 10, "", false);
    } else if (letter == 'o') {
        put_number(s, spec, value, 8, "", false);
    } else {
        bool upper = letter == 'X';
        const char *prefix = !spec->alternative || value == 0 ? "" : upper ? "0X" : "0x";
        put_number(s, spec, value, 16, prefix, upper);
    }
}

static bool spec_flag(struct spec *spec, char c)
{
    switch (c) {
    case '-':
        return spec->left = true;
    case '0':
        return spec->zero = true;
    case ' ':
        return spec->space = true;
    case '+':
        return spec->plus = true;
    case '#':
        return spec->alternative = true;
    default:
        return false;
    }
}

static const char *spec_number(const char *p, size_t *value)
{
    for (*value = 0; *p >= '0' && *p <= '9'; p++)
        *value = *value * 10 + (size_t)(*p - '0');
    return p;
}

static const char *spec_length(const char *p, struct spec *spec)
{
    spec->length = LENGTH_INT;
    if (*p == 'z' || *p == 't' || *p == 'j') {
        spec->length = LENGTH_LONG;
        return p + 1;
    }
    for (; *p == 'l'; p++)
        spec->length = LENGTH_LONG;
    for (; *p == 'h'; p++)
        spec->length = spec->length == LENGTH_SHORT ? LENGTH_CHAR : LENGTH_SHORT;
    return p;
}

static int64_t narrow_signed(int64_t value, enum length length)
{
    switch (length) {
    case LENGTH_CHAR:
        return (signed char)value;
    case LENGTH_SHORT:
        return (short)value;
    case LENGTH_INT:
        return (int)value;
    default:
        return value;
    }
}

static uint64_t narrow_unsigned(uint64_t value, enum length length)
{
    switch (length) {
    case LENGTH_CHAR:
        return (unsigned char)value;
    case LENGTH_SHORT:
        return (unsigned short)value;
    case LENGTH_INT:
        return (unsigned)value;
    default:
        return value;
    }
}

/* A va_list cannot be passed on by address where it is an array parameter; in a struct it can. */
struct arguments {
    va_list list;
};

static int64_t next_integer(struct arguments *args, enum length length)
{
    return length == LENGTH_LONG ? va_arg(args->list, int64_t) : va_arg(args->list, int);
}

static const char *spec_width(const char *p, struct spec *spec, struct arguments *args)
{
    if (*p != '*')
        return spec_number(p, &spec->width);
    int width = va_arg(args->list, int);
    if (width < 0)
        spec->left = true;
    spec->width = (size_t)(width < 0 ? -(int64_t)width : width);
    return p + 1;
}

static const char *spec_precision(const char *p, struct spec *spec, struct arguments *args)
{
    if (*p != '.')
        return p;
    if (p[1] != '*') {
        spec->has_precision = true;
        return spec_number(p + 1, &spec->precision);
    }
    int precision = va_arg(args->list, int);
    spec->has_precision = precision >= 0;
    spec->precision = precision < 0 ? 0 : (size_t)precision;
    return p + 2;
}

static void put_conversion(struct sink *s, struct spec *spec, char letter, struct arguments *args)
{
    switch (letter) {
    case 'd':
    case 'i':
        put_signed(s, spec, narrow_signed(next_integer(args, spec->length), spec->length));
        break;
    case 'u':
    case 'o':
    case 'x':
    case 'X': {
        uint64_t value = (uint64_t)next_integer(args, spec->length);
        put_unsigned(s, spec, narrow_unsigned(value, spec->length), letter);
        break;
    }
    case 'p':
        put_number(s, spec, (uintptr_t)va_arg(args->list, void *), 16, "0x", false);
        break;
    case 'c': {
        char c = (char)va_arg(args->list, int);
        put_padded(s, spec, &c, 1);
        break;
    }
    case 's':
        put_string(s, spec, va_arg(args->list, const char *));
        break;
    default: /* a bug of the caller's that the compiler warns about: show the letter */
        put_char(s, letter);
    }
}

static void format_all(struct sink *s, const char *fmt, struct arguments *args)
{
    for (const char *p = fmt; *p;) {
        const char *percent = strchr(p, '%');
        size_t plain = percent ? (size_t)(percent - p) : strlen(p);
        put_bytes(s, p, plain);
        p += plain;
        if (!percent)
            break;
        struct spec spec = {0};
        for (p++; spec_flag(&spec, *p); p++)
            ;
        p = spec_width(p, &spec, args);
        p = spec_precision(p, &spec, args);
        p = spec_length(p, &spec);
        if (!*p)
            break;
        put_conversion(s, &spec, *p++, args);
    }
}

size_t format_va(char *buf, size_t size, const char *fmt, va_list args)
{
    struct sink s = {.buf = buf, .size = size > 0 ? size - 1 : 0};
    struct arguments a;
    va_copy(a.list, args);
    format_all(&s, fmt, &a);
    va_end(a.list);
    if (size > 0)
        buf[s.length < s.size ? s.length : s.size] = 0;
    return s.length;
}

size_t format(char *buf, size_t size, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    size_t length = format_va(buf, size, fmt, args);
    va_end(args);
    return length;
}
