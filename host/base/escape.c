/*
 * Escaping, and the formatting that escapes what is put in.
 */
#include "host/base/escape.h"

#include <stdint.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- characters ---- */

/* The character at text of so many bytes. */
static uint32_t utf8_decode(const char *text, size_t length)
{
    static const unsigned char masks[] = {0x7f, 0x7f, 0x1f, 0x0f, 0x07};
    uint32_t value = (unsigned char)text[0] & masks[length];
    for (size_t i = 1; i < length; i++)
        value = value << 6 | ((unsigned char)text[i] & 0x3f);
    return value;
}

size_t utf8_length(const char *text, size_t size)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    unsigned char lead = (unsigned char)*text;
    size_t length = lead < 0x80                   ? 1
                    : lead >= 0xc2 && lead < 0xe0 ? 2
                    : lead >= 0xe0 && lead < 0xf0 ? 3
                    : lead >= 0xf0 && lead < 0xf5 ? 4
                                                  : 0;
    if (!length || length > size)
        return 0;
    for (size_t i = 1; i < length; i++)
        if (((unsigned char)text[i] & 0xc0) != 0x80)
            return 0;
    uint32_t value = utf8_decode(text, length);
    bool surrogate = value >= 0xd800 && value <= 0xdfff;
    return value < least[length] || surrogate || value > 0x10ffff ? 0 : length;
}

/* Whether a terminal, or who reads it, would take the character for something else than itself. */
static bool is_command(uint32_t value)
{
    static const struct {
        uint32_t first, last;
    } ranges[] = {
        {0, 0x1f},        {0x7f, 0x9f},     {0x61c, 0x61c},   {0x200e, 0x200f},   {0x2028, 0x202e},
        {0x2066, 0x2069}, {0xfeff, 0xfeff}, {0xfff9, 0xfffb}, {0xe0000, 0xe007f},
    };
    for (size_t i = 0; i < sizeof(ranges) / sizeof(*ranges); i++)
        if (value >= ranges[i].first && value <= ranges[i].last)
            return true;
    return false;
}

static void add_escaped(struct buf *out, uint32_t value, size_t length)
{
    static const char named[] = "\a\b\t\n\v\f\r", letters[] = "abtnvfr";
    const char *name = length == 1 && value ? strchr(named, (int)value) : NULL;
    if (name)
        buf_printf(out, "\\%c", letters[name - named]);
    else if (length <= 1)
        buf_printf(out, "\\x%02x", value);
    else
        buf_printf(out, value > 0xffff ? "\\U%08x" : "\\u%04x", value);
}

void escape_add(struct buf *out, const char *text, size_t size, bool lines)
{
    size_t kept = 0; /* bytes before at that stay as they are */
    for (size_t at = 0; at < size;) {
        size_t length = utf8_length(text + at, size - at);
        uint32_t value = length ? utf8_decode(text + at, length) : (unsigned char)text[at];
        bool stays = lines && length && (value == '\n' || value == '\t');
        if (!length || (is_command(value) && !stays)) {
            buf_add(out, text + at - kept, kept);
            add_escaped(out, value, length);
            kept = 0;
        } else {
            kept += length;
        }
        at += length ? length : 1;
        if (at >= size)
            buf_add(out, text + at - kept, kept);
    }
}

char *escape(const char *text)
{
    struct buf out = {0};
    buf_string(&out, "");
    escape_add(&out, text, strlen(text), false);
    return out.data;
}

/* ---- JSON ---- */

static void add_json_escape(struct buf *out, uint32_t value)
{
    if (value > 0xffff) {
        value -= 0x10000;
        buf_printf(out, "\\u%04x", 0xd800 + (value >> 10));
        value = 0xdc00 + (value & 0x3ff);
    }
    buf_printf(out, "\\u%04x", value);
}

void escape_json(struct buf *out, const char *text, const char *broken)
{
    buf_string(out, "\"");
    for (size_t size = strlen(text), length; size; text += length, size -= length) {
        length = utf8_length(text, size);
        uint32_t value = length ? utf8_decode(text, length) : 0;
        if (!length)
            buf_printf(out, broken, (unsigned char)*text);
        else if (is_command(value) || strchr("<>&", (int)value))
            add_json_escape(out, value);
        else if (value == '"' || value == '\\')
            buf_printf(out, "\\%c", (char)value);
        else
            buf_add(out, text, length);
        length += !length;
    }
    buf_string(out, "\"");
}

void escape_in_json(struct buf *out, const char *json)
{
    for (size_t size = strlen(json), length; size; json += length, size -= length) {
        length = utf8_length(json, size);
        uint32_t value = length ? utf8_decode(json, length) : 0;
        if (value >= 0x7f && is_command(value))
            add_json_escape(out, value);
        else
            buf_add(out, json, length + !length);
        length += !length;
    }
}

/* ---- formats ---- */

/* One conversion: "%-*.3lx". */
struct spec {
    char flags[8];
    int width, precision; /* precision -1: none */
    char size;            /* 'h' 'H' (hh) 'l' 'L' (ll) 'z' 'j' 't', or 0 */
    char kind;
};

struct args {
    va_list list;
};

static int read_number(const char **at, struct args *args)
{
    int number = 0;
    if (**at == '*') {
        ++*at;
        return va_arg(args->list, int);
    }
    for (; **at >= '0' && **at <= '9'; ++*at)
        number = number * 10 + (**at - '0');
    return number;
}

/* Reads what follows a "%"; the result is where it ends. */
static const char *spec_read(const char *at, struct spec *spec, struct args *args)
{
    size_t count = strspn(at, "-+ #0");
    *spec = (struct spec){.precision = -1};
    memcpy(spec->flags, at, count < sizeof(spec->flags) ? count : sizeof(spec->flags) - 1);
    at += count;
    spec->width = read_number(&at, args);
    if (*at == '.') {
        at++;
        spec->precision = read_number(&at, args);
    }
    for (; *at && strchr("hlzjtL", *at); at++)
        spec->size = spec->size == 'h' ? 'H' : spec->size == 'l' ? 'L' : *at;
    spec->kind = *at;
    return *at ? at + 1 : at;
}

static intmax_t take_signed(char size, struct args *args)
{
    switch (size) {
    case 'l':
    case 'L':
    case 'z':
    case 'j':
    case 't':
        return va_arg(args->list, intmax_t); /* all of 64 bits here */
    case 'h':
        return (short)va_arg(args->list, int);
    case 'H':
        return (signed char)va_arg(args->list, int);
    default:
        return va_arg(args->list, int);
    }
}

static uintmax_t take_unsigned(char size, struct args *args)
{
    switch (size) {
    case 'l':
    case 'L':
    case 'z':
    case 'j':
    case 't':
        return va_arg(args->list, uintmax_t);
    case 'h':
        return (unsigned short)va_arg(args->list, unsigned);
    case 'H':
        return (unsigned char)va_arg(args->list, unsigned);
    default:
        return va_arg(args->list, unsigned);
    }
}
_Static_assert(sizeof(long) == sizeof(intmax_t) && sizeof(size_t) == sizeof(uintmax_t), "LP64");

/* The conversion of one value, as printf does it. */
static void add_value(struct buf *out, const struct spec *spec, struct args *args)
{
    char format[32];
    bool whole = strchr("diouxX", spec->kind);
    snprintf(format, sizeof(format), "%%%s*.*%s%c", spec->flags, whole ? "j" : "", spec->kind);
    int width = spec->width, precision = spec->precision;
    if (spec->kind == 'd' || spec->kind == 'i')
        buf_printf(out, format, width, precision, take_signed(spec->size, args));
    else if (whole)
        buf_printf(out, format, width, precision, take_unsigned(spec->size, args));
    else if (spec->kind == 'p')
        buf_printf(out, format, width, precision, va_arg(args->list, void *));
    else if (spec->size == 'L')
        buf_printf(out, "%Lg", va_arg(args->list, long double));
    else
        buf_printf(out, format, width, precision, va_arg(args->list, double));
}

/* Characters that take up a column, roughly: what padding counts. */
static size_t columns(const char *text)
{
    size_t count = 0;
    for (; *text; text++)
        count += ((unsigned char)*text & 0xc0) != 0x80;
    return count;
}

static void add_text(struct buf *out, const struct spec *spec, const char *text, size_t size)
{
    struct buf shown = {0};
    buf_string(&shown, "");
    escape_add(&shown, text, size, false);
    size_t width = (size_t)(spec->width < 0 ? -spec->width : spec->width);
    size_t have = columns(shown.data), pad = have < width ? width - have : 0;
    bool left = spec->width < 0 || strchr(spec->flags, '-');
    buf_printf(out, "%*s%s%*s", left ? 0 : (int)pad, "", shown.data, left ? (int)pad : 0, "");
    buf_clear(&shown);
}

static void add_spec(struct buf *out, const struct spec *spec, struct args *args)
{
    if (spec->kind == '%') {
        buf_string(out, "%");
    } else if (spec->kind == 's') {
        const char *text = va_arg(args->list, const char *);
        text = text ? text : "(null)";
        bool cut = spec->precision >= 0;
        add_text(out, spec, text, cut ? strnlen(text, (size_t)spec->precision) : strlen(text));
    } else if (spec->kind == 'c') {
        char byte = (char)va_arg(args->list, int);
        add_text(out, spec, &byte, 1);
    } else if (spec->kind) {
        add_value(out, spec, args);
    }
}

void escape_format(struct buf *out, const char *format, va_list list)
{
    struct args args;
    va_copy(args.list, list);
    buf_string(out, "");
    while (*format) {
        size_t plain = strcspn(format, "%");
        buf_add(out, format, plain);
        format += plain;
        if (*format == '%') {
            struct spec spec;
            format = spec_read(format + 1, &spec, &args);
            add_spec(out, &spec, &args);
        }
    }
    va_end(args.list);
}
