/* A line belongs to the name before its first colon. */
#include "host/pkg/users.h"

#include <stdlib.h>
#include <string.h>

#include "host/base/buf.h"
#include "host/base/path.h"
#include "host/pkg/place.h"

#define FIRST_ID 100 /* of those that adduser gives to users of the system */
#define NO_GROUP 65534

static bool lines_have(const struct strlist *lines, const char *name)
{
    size_t length = strlen(name);
    for (size_t i = 0; i < lines->count; i++)
        if (strncmp(lines->items[i], name, length) == 0 && lines->items[i][length] == ':')
            return true;
    return false;
}

static int by_name(const void *a, const void *b)
{
    const struct script_user *const *one = a, *const *two = b;
    return strcmp((*one)->name, (*two)->name);
}

/* Number of the group called name; it gets a line if it has none. */
static size_t group_add(const char *name, const struct recipe_rules *rules, struct strlist *groups)
{
    if (lines_have(&rules->groups, name) || lines_have(groups, name))
        return NO_GROUP;
    size_t number = FIRST_ID + groups->count;
    char *line = mem_printf("%s:x:%zu:", name, number);
    strlist_add(groups, line);
    free(line);
    return number;
}

static void user_add(const struct script_user *user, size_t group, const struct recipe_rules *rules,
                     struct strlist *users)
{
    if (lines_have(&rules->users, user->name) || lines_have(users, user->name))
        return;
    char *line =
        mem_printf("%s:x:%zu:%zu::%s:/usr/sbin/nologin", user->name, FIRST_ID + users->count, group,
                   user->home ? user->home : "/nonexistent");
    strlist_add(users, line);
    free(line);
}

size_t users_add(const struct scripts *scripts, const struct recipe_rules *rules,
                 struct strlist *users, struct strlist *groups)
{
    size_t before = users->count + groups->count;
    const struct script_user **sorted = mem_alloc((scripts->user_count + 1) * sizeof(*sorted));
    for (size_t i = 0; i < scripts->user_count; i++)
        sorted[i] = &scripts->users[i];
    qsort(sorted, scripts->user_count, sizeof(*sorted), by_name);
    for (size_t i = 0; i < scripts->user_count; i++) {
        bool group = sorted[i]->group || sorted[i]->only_group;
        size_t number = group ? group_add(sorted[i]->name, rules, groups) : NO_GROUP;
        if (!sorted[i]->only_group)
            user_add(sorted[i], number, rules, users);
    }
    free(sorted);
    return users->count + groups->count - before;
}

static bool lines_write(const char *tree, const char *guest, const struct strlist *fixed,
                        const struct strlist *lines, struct error *err)
{
    struct buf text = {0};
    for (size_t i = 0; i < fixed->count; i++)
        buf_printf(&text, "%s\n", fixed->items[i]);
    for (size_t i = 0; i < lines->count; i++)
        buf_printf(&text, "%s\n", lines->items[i]);
    bool ok = place_file(tree, guest, text.data ? text.data : "", text.size, err);
    buf_clear(&text);
    return ok;
}

/* The home folder of a line "NAME:x:UID:GID:GECOS:HOME:SHELL". */
static bool home_make(const char *tree, const char *line, struct error *err)
{
    char *copy = mem_string(line), *rest = copy, *home = NULL;
    for (int i = 0; i < 6 && rest; i++)
        home = strsep(&rest, ":");
    char *clean = home && *home == '/' ? path_clean(home) : NULL;
    bool wanted = clean && strcmp(clean, "/") != 0 && strcmp(clean, "/nonexistent") != 0;
    bool ok = !wanted || place_folder(tree, clean, 0755, err);
    free(clean);
    free(copy);
    return ok;
}

bool users_write(const char *tree, const struct recipe_rules *rules, const struct strlist *users,
                 const struct strlist *groups, struct error *err)
{
    bool ok = lines_write(tree, "/etc/passwd", &rules->users, users, err) &&
              lines_write(tree, "/etc/group", &rules->groups, groups, err);
    for (size_t i = 0; ok && i < users->count; i++)
        ok = home_make(tree, users->items[i], err);
    return ok;
}
