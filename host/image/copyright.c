/*
 * The machine-readable format has "License: NAME" for each group of files; other files are prose
 * that refers to /usr/share/common-licenses/NAME, or quotes a well-known text. Debian's short names
 * are turned into SPDX's.
 */
#include "host/image/copyright.h"

#include <stdbool.h>

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "host/base/buf.h"
#include "host/image/spec.h"

#define COMMON "/usr/share/common-licenses/"
#define WORDS_MAX 8 /* of a name; what is longer is prose */

/* What well-known licences say. */
static const struct {
    const char *says, *spdx;
} texts[] = {
    {"PSF LICENSE AGREEMENT FOR PYTHON", "PSF-2.0"},
    {"Permission is hereby granted, free of charge", "MIT"},
    {"Neither the name", "BSD-3-Clause"},
};

/* Names that differ in more than Debian's "+" for "or later". */
static const struct {
    const char *debian, *spdx;
} names[] = {
    {"Expat", "MIT"},
    {"MIT", "MIT"},
    {"MIT/X11", "MIT"},
    {"X11", "X11"},
    {"ISC", "ISC"},
    {"Zlib", "Zlib"},
    {"Apache", "Apache-2.0"},
    {"Apache-2", "Apache-2.0"},
    {"Apache-2.0", "Apache-2.0"},
    {"BSD-2-clause", "BSD-2-Clause"},
    {"BSD-3-clause", "BSD-3-Clause"},
    {"BSD-4-clause", "BSD-4-Clause"},
    {"BSD", "BSD-3-Clause"},
    {"0BSD", "0BSD"},
    {"Artistic", "Artistic-1.0-Perl"},
    {"Artistic-2.0", "Artistic-2.0"},
    {"Perl", "Artistic-1.0-Perl OR GPL-1.0-or-later"},
    {"MPL-1.1", "MPL-1.1"},
    {"MPL-2.0", "MPL-2.0"},
    {"CC0-1.0", "CC0-1.0"},
    {"CC0", "CC0-1.0"},
    {"CC-BY-3.0", "CC-BY-3.0"},
    {"CC-BY-4.0", "CC-BY-4.0"},
    {"CC-BY-SA-3.0", "CC-BY-SA-3.0"},
    {"CC-BY-SA-4.0", "CC-BY-SA-4.0"},
    {"PSF-2", "PSF-2.0"},
    {"PSF-2.0", "PSF-2.0"},
    {"Python-2.0", "Python-2.0"},
    {"BSL-1.0", "BSL-1.0"},
    {"Boost-1.0", "BSL-1.0"},
    {"OpenSSL", "OpenSSL"},
    {"Unlicense", "Unlicense"},
    {"GPL", "GPL-1.0-or-later"},
    {"LGPL", "LGPL-2.0-or-later"},
    {"WTFPL", "WTFPL"},
    {"PHP-3.01", "PHP-3.01"},
    {"Ruby", "Ruby"},
    {"W3C", "W3C"},
};

static const char *plain_name(const char *name)
{
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
        if (strcasecmp(names[i].debian, name) == 0)
            return names[i].spdx;
    return NULL;
}

/* "LGPL-2.1-or-later" for "LGPL-2.1+"; NULL if it isn't one of GNU's. */
static char *gnu_name(const char *name)
{
    static const char *const kinds[] = {"GPL", "LGPL", "AGPL", "GFDL"};
    size_t kind = strcspn(name, "-");
    bool known = false;
    for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
        known |= strlen(kinds[i]) == kind && strncasecmp(kinds[i], name, kind) == 0;
    const char *number = name + kind + (name[kind] == '-');
    size_t length = strspn(number, "0123456789.");
    const char *end = number + length;
    if (!known || !length || (strcmp(end, "+") != 0 && *end))
        return NULL;
    return mem_printf("%.*s-%.*s%s-%s", (int)kind, name, (int)length, number,
                      memchr(number, '.', length) ? "" : ".0", *end ? "or-later" : "only");
}

/* An SPDX name for one of Debian's; owned by the caller. */
static char *licence_name(const char *name)
{
    const char *plain = plain_name(name);
    char *gnu = plain ? NULL : gnu_name(name);
    if (plain || gnu)
        return plain ? mem_string(plain) : gnu;
    struct buf reference = {0};
    buf_string(&reference, "LicenseRef");
    for (const char *at = name; *at;) {
        size_t length = 0;
        while (isalnum((unsigned char)at[length]) || at[length] == '.')
            length++;
        if (length)
            buf_printf(&reference, "-%.*s", (int)length, at);
        at += length + (at[length] != 0);
    }
    return reference.data;
}

/* Whether value is names joined by "and" and "or", nothing else: "GPL-2+ or Expat, and ISC". */
static bool is_joined(const char *value)
{
    char *copy = mem_string(value), *rest = copy;
    bool name_next = true, good = true;
    for (char *word; good && (word = strsep(&rest, " ,\t"));) {
        if (!*word)
            continue;
        bool joint = strcmp(word, "and") == 0 || strcmp(word, "or") == 0;
        good = joint != name_next;
        name_next = joint;
    }
    free(copy);
    return good && !name_next;
}

/* The expression of one "License:" value, in parentheses if it leaves a choice. */
static char *expression_of(const char *value)
{
    if (!is_joined(value))
        return licence_name(value);
    struct buf out = {0};
    char *copy = mem_string(value), *rest = copy;
    for (char *word; (word = strsep(&rest, " ,\t"));) {
        bool and = strcmp(word, "and") == 0, or = strcmp(word, "or") == 0;
        char *name = *word && !and&&! or ? licence_name(word) : NULL;
        if (name || and || or)
            buf_printf(&out, "%s%s", out.size ? " " : "", name ? name : and? "AND" : "OR");
        free(name);
    }
    free(copy);
    if (!out.data || !strstr(out.data, " OR "))
        return out.data;
    char *grouped = mem_printf("(%s)", out.data);
    buf_clear(&out);
    return grouped;
}

static void set_add(struct strlist *set, char *expression)
{
    bool there = false;
    for (size_t i = 0; i < set->count; i++)
        there |= strcmp(set->items[i], expression) == 0;
    if (!there)
        strlist_add(set, expression);
    free(expression);
}

static size_t count_words(const char *text)
{
    size_t count = 0;
    for (; *text; text += strspn(text, " \t")) {
        count++;
        text += strcspn(text, " \t");
    }
    return count;
}

/* Whether text is in the machine-readable format, whose first paragraph names it. */
static bool is_structured(const char *text)
{
    return strncasecmp(text, "Format:", 7) == 0 || strcasestr(text, "\nFormat:") ||
           strcasestr(text, "Format-Specification:");
}

/* The values of all lines "License: VALUE". */
static void take_fields(const char *text, struct strlist *set)
{
    static const char key[] = "License:";
    for (const char *line = text; line; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncasecmp(line, key, strlen(key)) != 0)
            continue;
        const char *value = line + strlen(key);
        value += strspn(value, " \t");
        size_t length = strcspn(value, "\n");
        while (length && isspace((unsigned char)value[length - 1]))
            length--;
        char *copy = mem_printf("%.*s", (int)length, value);
        if (*copy && count_words(copy) <= WORDS_MAX)
            set_add(set, expression_of(copy));
        free(copy);
    }
}

static void take_references(const char *text, struct strlist *set)
{
    for (const char *at = text; (at = strstr(at, COMMON));) {
        at += strlen(COMMON);
        size_t length =
            strspn(at, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-");
        while (length && at[length - 1] == '.')
            length--;
        char *name = mem_printf("%.*s", (int)length, at);
        if (*name)
            set_add(set, licence_name(name));
        free(name);
    }
}

static void take_texts(const char *text, struct strlist *set)
{
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
        if (strstr(text, texts[i].says))
            set_add(set, mem_string(texts[i].spdx));
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

char *copyright_licences(const char *text)
{
    struct strlist set = {0};
    struct buf out = {0};
    if (is_structured(text))
        take_fields(text, &set);
    else
        take_texts(text, &set);
    if (!set.count || !is_structured(text))
        take_references(text, &set);
    if (set.count)
        qsort(set.items, set.count, sizeof(*set.items), by_name);
    for (size_t i = 0; i < set.count; i++)
        buf_printf(&out, "%s%s", i ? " AND " : "", set.items[i]);
    strlist_clear(&set);
    return out.data;
}
