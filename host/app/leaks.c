/*
 * What looks like a secret. Files by their names and, where a name alone proves nothing
 * (certificates are .pem, too), by what stands in them; variables by their names and values. No
 * note shows a value.
 */
#include "host/app/leaks.h"

#include <ctype.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/base/buf.h"
#include "host/base/io.h"
#include "host/base/path.h"
#include "host/base/say.h"

#define LOOKED_AT 8192u /* bytes at the start of a file */

/* Whether a private key stands in the file. */
static bool holds_key(const char *path)
{
    char text[LOOKED_AT];
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    ssize_t size = fd < 0 ? -1 : io_pread(fd, text, sizeof(text), 0);
    if (fd >= 0)
        close(fd);
    return size > 0 && memmem(text, (size_t)size, "PRIVATE KEY-----", 16);
}

static bool is_secret_file(const struct spec_entry *entry)
{
    const char *name = path_base(entry->guest);
    if (entry->kind != ENTRY_FILE)
        return false;
    if (strcmp(name, ".env") == 0 || (strncmp(name, ".env.", 5) == 0 && !strstr(name, "example")))
        return true;
    bool may = fnmatch("id_*", name, 0) == 0 || fnmatch("*.pem", name, 0) == 0 ||
               fnmatch("*.key", name, 0) == 0;
    return may && fnmatch("*.pub", name, 0) != 0 && holds_key(entry->source);
}

/* Whether name holds one of the words that secrets are called by. */
static bool is_secret_name(const char *name, size_t length)
{
    static const char *const words[] = {"SECRET",     "TOKEN",       "PASSWORD",   "PASSWD",
                                        "PASSPHRASE", "API_KEY",     "APIKEY",     "ACCESS_KEY",
                                        "ACCESSKEY",  "PRIVATE_KEY", "CREDENTIAL", "AUTH_KEY"};
    char *upper = mem_printf("%.*s", (int)length, name);
    bool found = false;
    for (char *at = upper; *at; at++)
        *at = (char)toupper((unsigned char)*at);
    for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
        found |= strstr(upper, words[i]) != NULL;
    free(upper);
    return found;
}

static bool is_secret_value(const char *value)
{
    static const char *const patterns[] = {"AKIA????????????????*",
                                           "ghp_*",
                                           "gho_*",
                                           "github_pat_*",
                                           "glpat-*",
                                           "sk-????????*",
                                           "xox[bp]-*",
                                           "-----BEGIN*PRIVATE KEY*",
                                           "*://*:?*@*",
                                           "eyJ*.eyJ*.*"};
    for (size_t i = 0; i < sizeof(patterns) / sizeof(*patterns); i++)
        if (fnmatch(patterns[i], value, 0) == 0)
            return true;
    return false;
}

static bool is_secret_variable(const char *assignment)
{
    size_t length = strcspn(assignment, "=");
    const char *value = assignment[length] ? assignment + length + 1 : "";
    return *value && (is_secret_name(assignment, length) || is_secret_value(value));
}

/* What an interpreter has in its own library (its tests' keys) is no secret of the user's. */
void leaks_note(const struct image_spec *spec)
{
    for (size_t i = 0; i < spec->entry_count; i++)
        if (spec->entries[i].tier != TIER_SYSTEM && is_secret_file(&spec->entries[i]))
            say("%s looks like a secret and goes into the image; --secret NAME=FILE gives a file "
                "to one run only",
                spec->entries[i].source);
    for (size_t i = 0; i < spec->env.count; i++)
        if (is_secret_variable(spec->env.items[i]))
            say("the variable %.*s looks like a secret and goes into the image; -e NAME and "
                "--env-file give it to one run only",
                (int)strcspn(spec->env.items[i], "="), spec->env.items[i]);
}
