/*
 * Where things stand in a JSON text. The text is known to be well-formed, so the scanner only has
 * to tell strings from the rest and count brackets.
 */
#include "host/config/locate.h"

#include <string.h>

static const char *skip_blanks(const char *at)
{
    return at + strspn(at, " \t\r\n");
}

/* at: a quotation mark. Returns what follows the closing one. */
static const char *skip_string(const char *at)
{
    for (at++; *at && *at != '"'; at++)
        if (*at == '\\' && at[1])
            at++;
    return *at ? at + 1 : at;
}

static const char *skip_value(const char *at)
{
    size_t depth = 0;
    for (at = skip_blanks(at); *at; at = skip_blanks(at)) {
        if (*at == '"')
            at = skip_string(at);
        else if (*at == '{' || *at == '[')
            depth++, at++;
        else if (*at == '}' || *at == ']')
            depth--, at++;
        else if (*at == ',' || *at == ':')
            at++;
        else
            at += strcspn(at, " \t\r\n,:[]{}\"");
        if (!depth)
            return at;
    }
    return at;
}

static bool string_is(const char *at, const char *name)
{
    size_t length = strlen(name);
    return !strncmp(at + 1, name, length) && at[length + 1] == '"';
}

/* The member's name inside the object at. */
static const char *find_member(const char *at, const char *name)
{
    if (*at != '{')
        return NULL;
    at = skip_blanks(at + 1);
    while (*at == '"') {
        if (string_is(at, name))
            return at;
        at = skip_blanks(skip_string(at));
        at = skip_blanks(skip_value(*at == ':' ? at + 1 : at));
        at = skip_blanks(*at == ',' ? at + 1 : at);
    }
    return NULL;
}

static const char *find_element(const char *at, size_t index)
{
    if (*at != '[')
        return NULL;
    at = skip_blanks(at + 1);
    for (; index && *at && *at != ']'; index--) {
        at = skip_blanks(skip_value(at));
        at = skip_blanks(*at == ',' ? at + 1 : at);
    }
    return *at && *at != ']' ? at : NULL;
}

static struct json_place place_of(const char *text, const char *at)
{
    struct json_place place = {1, 1};
    for (; text < at; text++) {
        place.column++;
        if (*text == '\n') {
            place.line++;
            place.column = 1;
        }
    }
    return place;
}

bool json_locate(const char *text, const struct json_step *steps, size_t count,
                 struct json_place *place)
{
    const char *at = skip_blanks(text);
    for (size_t i = 0; i < count && at; i++) {
        at = steps[i].name ? find_member(at, steps[i].name) : find_element(at, steps[i].index);
        if (at && steps[i].name && i + 1 < count) {
            at = skip_blanks(skip_string(at));
            at = skip_blanks(*at == ':' ? at + 1 : at);
        }
    }
    if (at)
        *place = place_of(text, at);
    return at != NULL;
}
