/*
 * Extension modules of Python: the file's name says which Python it was built for, as in
 * fast.cpython-311-x86_64-linux-gnu.so. Another Python passes over it.
 */
#include <stdlib.h>
#include <string.h>

#include "host/app/launch.h"
#include "host/base/path.h"

#define NAMED 3u

/* The tag in an extension module's file name, "cpython-311-…", or NULL. */
static const char *tag_of(const char *name)
{
    size_t length = strlen(name);
    const char *dot = strchr(name, '.');
    bool tagged = dot && length > 3 && !strcmp(name + length - 3, ".so") &&
                  (!strncmp(dot, ".cpython-", 9) || !strncmp(dot, ".pypy", 5));
    return tagged ? dot + 1 : NULL;
}

static bool is_foreign(const char *name, const char *tag)
{
    const char *own = tag_of(name);
    size_t length = strlen(tag);
    return own && (strncmp(own, tag, length) != 0 || own[length] != '-');
}

/* Whether the module is there in another form that this Python takes. */
static bool has_other(struct image_spec *spec, const char *path, const char *tag)
{
    const char *ends[] = {".abi3.so", ".so", ".py", "/__init__.py"};
    size_t length = strcspn(path_base(path), ".") + (size_t)(path_base(path) - path);
    bool found = false;
    for (size_t i = 0; i <= sizeof(ends) / sizeof(*ends) && !found; i++) {
        char *other = i ? mem_printf("%.*s%s", (int)length, path, ends[i - 1])
                        : mem_printf("%.*s.%s-x86_64-linux-gnu.so", (int)length, path, tag);
        struct spec_found at;
        found = spec_find(spec, other, true, &at);
        if (found)
            free(at.guest);
        free(other);
    }
    return found;
}

/* "cpython-312" as people write it. */
static char *version_of(const char *tag)
{
    size_t digits = strcspn(tag, "0123456789"), count = strspn(tag + digits, "0123456789");
    if (strncmp(tag, "cpython-", 8) != 0 || count < 2)
        return mem_printf("%.*s", (int)strcspn(tag, "."), tag);
    return mem_printf("Python %c.%.*s", tag[digits], (int)count - 1, tag + digits + 1);
}

void python_check_extensions(struct image_spec *spec, const char *tag, struct strlist *notes)
{
    size_t count = 0;
    for (size_t i = 0; tag && *tag && i < spec->entry_count; i++) {
        const struct spec_entry *entry = &spec->entries[i];
        const char *name = path_base(entry->guest);
        if (entry->kind != ENTRY_FILE || !is_foreign(name, tag) ||
            has_other(spec, entry->guest, tag) || count++ >= NAMED)
            continue;
        char *built_for = version_of(tag_of(name)), *ours = version_of(tag);
        char *note = mem_printf("%s was built for %s; %s can't import it: install it for that one",
                                entry->source, built_for, ours);
        strlist_add(notes, note);
        free(note);
        free(built_for);
        free(ours);
    }
    if (count > NAMED) {
        char *note = mem_printf("and so are %zu more extension modules", count - NAMED);
        strlist_add(notes, note);
        free(note);
    }
}
