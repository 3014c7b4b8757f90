/*
 * An entry is Debian's own if it is said to be signed with Debian's keyring, or names no keyring
 * and has a suite and a component that only Debian's archive has. Whatever is taken here is
 * checked against Debian's keyring alone, so a wrong guess is refused by apt, never trusted.
 */
#include "host/pkg/sources.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "host/base/io.h"
#include "host/base/path.h"

#define KEYRING "/usr/share/keyrings/debian-archive-keyring.gpg"
#define BLANKS " \t\n"

static bool word_in(const char *words, const char *word)
{
    size_t length = strlen(word);
    for (const char *at = words; (at = strstr(at, word)); at += length) {
        bool begins = at == words || isspace((unsigned char)at[-1]);
        if (begins && (at[length] == 0 || isspace((unsigned char)at[length])))
            return true;
    }
    return false;
}

/* "bookworm", "bookworm-updates", "stable-security", "bookworm/updates", … */
static bool suite_is_debian(const char *suite)
{
    static const char *const names[] = {"bullseye", "bookworm", "trixie", "forky",   "oldstable",
                                        "stable",   "testing",  "sid",    "unstable"};
    static const char *const rests[] = {"", "-updates", "-security", "/updates", "-backports"};
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        size_t length = strlen(names[i]);
        if (strncmp(suite, names[i], length) != 0)
            continue;
        for (size_t j = 0; j < sizeof(rests) / sizeof(*rests); j++)
            if (strcmp(suite + length, rests[j]) == 0)
                return true;
    }
    return false;
}

static bool suites_are_debian(const char *suites)
{
    char *copy = mem_string(suites), *rest = copy, *suite;
    bool all = true, any = false;
    while (all && (suite = strsep(&rest, BLANKS)))
        if (*suite) {
            any = true;
            all = suite_is_debian(suite);
        }
    free(copy);
    return all && any;
}

static bool entry_take(const char *uris, const char *suites, const char *components,
                       const char *signed_by, struct buf *out)
{
    bool named = signed_by && strstr(signed_by, "debian-archive-");
    bool guessed = !signed_by && suites_are_debian(suites) && word_in(components, "main");
    if (!named && !guessed)
        return false;
    buf_printf(out, "Types: deb\nURIs: %s\nSuites: %s\nComponents: %s\nSigned-By: " KEYRING "\n\n",
               uris, suites, components);
    return true;
}

/* The value of "key=" in the options "[a=b c=d]" of a line, or NULL. */
static char *option_value(const char *options, const char *key)
{
    char *found = options ? strcasestr(options, key) : NULL;
    if (!found)
        return NULL;
    found += strlen(key);
    return mem_printf("%.*s", (int)strcspn(found, " ]"), found);
}

bool sources_take_line(const char *line, struct buf *out)
{
    char *copy = mem_string(line), *rest = copy, *options = NULL;
    copy[strcspn(copy, "#")] = 0;
    bool taken = false;
    rest += strspn(rest, BLANKS);
    if (strncmp(rest, "deb", 3) == 0 && strchr(BLANKS, rest[3]) && rest[3]) {
        rest += 3 + strspn(rest + 3, BLANKS);
        if (*rest == '[' && strchr(rest, ']')) {
            options = rest + 1;
            rest = strchr(rest, ']');
            *rest++ = 0;
            rest += strspn(rest, BLANKS);
        }
        char *uri = strsep(&rest, BLANKS);
        if (rest)
            rest += strspn(rest, BLANKS);
        char *suite = rest ? strsep(&rest, BLANKS) : NULL;
        if (rest)
            rest[strcspn(rest, "\n")] = 0;
        char *signed_by = option_value(options, "signed-by=");
        taken = uri && suite && rest && *rest && entry_take(uri, suite, rest, signed_by, out);
        free(signed_by);
    }
    free(copy);
    return taken;
}

/* The value of a field, its continuation lines joined by blanks; NULL if it isn't there. */
static char *field_value(const char *stanza, const char *key)
{
    size_t length = strlen(key);
    for (const char *line = stanza; line && *line; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncasecmp(line, key, length) != 0 || line[length] != ':')
            continue;
        struct buf value = {0};
        const char *at = line + length + 1;
        do {
            at += strspn(at, " \t");
            size_t end = strcspn(at, "\n");
            if (*at != '#')
                buf_printf(&value, "%s%.*s", value.size ? " " : "", (int)end, at);
            at += end + (at[end] == '\n');
        } while (*at == ' ' || *at == '\t' || *at == '#');
        return value.data;
    }
    return NULL;
}

bool sources_take_stanza(const char *stanza, struct buf *out)
{
    char *types = field_value(stanza, "Types"), *uris = field_value(stanza, "URIs");
    char *suites = field_value(stanza, "Suites"), *components = field_value(stanza, "Components");
    char *signed_by = field_value(stanza, "Signed-By"), *enabled = field_value(stanza, "Enabled");
    bool on = !enabled || (strcasecmp(enabled, "no") != 0 && strcasecmp(enabled, "false") != 0);
    bool taken = on && types && word_in(types, "deb") && uris && suites && components &&
                 entry_take(uris, suites, components, signed_by, out);
    free(types);
    free(uris);
    free(suites);
    free(components);
    free(signed_by);
    free(enabled);
    return taken;
}

static int take_lines(char *text, struct buf *out)
{
    int taken = 0;
    for (char *line; (line = strsep(&text, "\n"));)
        taken += sources_take_line(line, out);
    return taken;
}

static int take_stanzas(char *text, struct buf *out)
{
    int taken = 0;
    while (text) {
        char *end = strstr(text, "\n\n");
        if (end)
            *end = 0;
        taken += sources_take_stanza(text, out);
        text = end ? end + 2 : NULL;
    }
    return taken;
}

static int take_file(const char *path, struct buf *out)
{
    struct buf text = {0};
    const char *dot = strrchr(path, '.');
    int taken = 0;
    if (io_read_file(path, &text, NULL) && text.data)
        taken = dot && strcmp(dot, ".sources") == 0 ? take_stanzas(text.data, out)
                                                    : take_lines(text.data, out);
    buf_clear(&text);
    return taken;
}

static int file_is_source(const struct dirent *entry)
{
    const char *dot = strrchr(entry->d_name, '.');
    return dot && (strcmp(dot, ".list") == 0 || strcmp(dot, ".sources") == 0);
}

bool sources_collect(const char *etc_apt, struct buf *out, struct error *err)
{
    char *list = path_join(etc_apt, "sources.list"), *parts = path_join(etc_apt, "sources.list.d");
    struct dirent **files = NULL;
    int taken = take_file(list, out), count = scandir(parts, &files, file_is_source, alphasort);
    for (int i = 0; i < count; i++) {
        char *path = path_join(parts, files[i]->d_name);
        taken += take_file(path, out);
        free(path);
        free(files[i]);
    }
    free(files);
    free(parts);
    free(list);
    if (taken > 0)
        return true;
    return error_set(
        err,
        "apt on this machine knows no source of Debian's own packages (%s/sources.list, "
        "sources.list.d): packages can only be fetched where it does",
        etc_apt);
}
