/*
 * Reading recipes: JSON files in the first of $ORRIS_PACKAGES, ../share/orris/packages beside the
 * installed tool and packages/ of the source tree.
 */
#include "host/pkg/recipe.h"

#include <ctype.h>
#include <dirent.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/base/buf.h"
#include "host/base/path.h"

#define RULES_FILE "debian.rules.json"

static char *recipe_folder(struct error *err)
{
    const char *chosen = getenv("ORRIS_PACKAGES");
    if (chosen && *chosen)
        return path_absolute(chosen);
    static const char *const places[] = {"../share/orris/packages", "../../packages"};
    char *tool = path_read_link("/proc/self/exe");
    char *folder = tool ? path_parent(tool) : NULL;
    char *found = NULL;
    for (size_t i = 0; folder && !found && i < sizeof(places) / sizeof(*places); i++) {
        char *joined = path_join(folder, places[i]), *rules = path_join(joined, RULES_FILE);
        if (access(rules, R_OK) == 0)
            found = path_clean(joined);
        free(rules);
        free(joined);
    }
    free(tool);
    free(folder);
    if (!found)
        error_set(err, "the recipes for packages are not beside the tool: set ORRIS_PACKAGES");
    return found;
}

static json_t *recipe_load(const char *folder, const char *file, struct error *err)
{
    char *path = path_join(folder, file);
    json_error_t problem;
    json_t *root = json_load_file(path, JSON_REJECT_DUPLICATES, &problem);
    if (!root)
        error_set(err, "%s:%d:%d: %s", path, problem.line, problem.column, problem.text);
    else if (!json_is_object(root)) {
        error_set(err, "%s: not a JSON object", path);
        json_decref(root);
        root = NULL;
    }
    free(path);
    return root;
}

static char *text_of(const json_t *root, const char *key)
{
    return mem_string(json_string_value(json_object_get(root, key)));
}

static void list_of(const json_t *root, const char *key, struct strlist *out)
{
    size_t i;
    json_t *item;
    json_array_foreach(json_object_get(root, key), i, item)
    {
        if (json_is_string(item))
            strlist_add(out, json_string_value(item));
    }
}

static bool list_has(const struct strlist *list, const char *string)
{
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->items[i], string) == 0)
            return true;
    return false;
}

static void recipe_fill(const json_t *root, struct recipe *out)
{
    out->name = text_of(root, "Name");
    list_of(root, "Aliases", &out->aliases);
    out->summary = text_of(root, "Summary");
    out->version = text_of(root, "Version");
    out->debian = text_of(root, "Debian");
    list_of(root, "Also", &out->also);
    out->program = text_of(root, "Program");
    list_of(root, "Args", &out->args);
    list_of(root, "DefaultArgs", &out->default_args);
    list_of(root, "Env", &out->env);
    list_of(root, "Executables", &out->executables);
    const char *path;
    json_t *target;
    json_object_foreach(json_object_get(root, "Links"), path, target)
    {
        strlist_add(&out->link_paths, path);
        strlist_add(&out->link_targets, json_is_string(target) ? json_string_value(target) : "");
    }
}

static int file_is_recipe(const struct dirent *entry)
{
    const char *dot = strrchr(entry->d_name, '.');
    return entry->d_name[0] != '.' && dot && strcmp(dot, ".json") == 0 &&
           strcmp(entry->d_name, RULES_FILE) != 0;
}

/* Calls take with every recipe until it returns true; it owns what it is given. */
static bool recipe_each(bool (*take)(struct recipe *, void *), void *context, struct error *err)
{
    char *folder = recipe_folder(err);
    if (!folder)
        return false;
    struct dirent **files = NULL;
    int count = scandir(folder, &files, file_is_recipe, alphasort);
    bool ok = count >= 0 || error_errno(err, "can't read %s", folder), done = false;
    for (int i = 0; i < count; i++) {
        json_t *root = ok && !done ? recipe_load(folder, files[i]->d_name, err) : NULL;
        ok = ok && (done || root);
        if (root) {
            struct recipe recipe = {0};
            recipe_fill(root, &recipe);
            ok = (recipe.name && recipe.debian) ||
                 error_set(err, "%s/%s: no \"Name\" or no \"Debian\"", folder, files[i]->d_name);
            if (ok)
                done = take(&recipe, context);
            else
                recipe_clear(&recipe);
            json_decref(root);
        }
        free(files[i]);
    }
    free(files);
    free(folder);
    return ok;
}

struct search {
    const char *name;
    struct recipe *out;
    bool found;
};

static bool search_take(struct recipe *recipe, void *context)
{
    struct search *search = context;
    search->found =
        strcmp(recipe->name, search->name) == 0 || list_has(&recipe->aliases, search->name);
    if (search->found)
        *search->out = *recipe;
    else
        recipe_clear(recipe);
    return search->found;
}

bool recipe_find(const char *name, struct recipe *out, struct error *err)
{
    *out = (struct recipe){0};
    struct search search = {.name = name, .out = out};
    if (!recipe_each(search_take, &search, err))
        return false;
    if (!search.found) {
        out->name = mem_string(name);
        out->debian = mem_string(name);
    }
    return true;
}

static bool names_take(struct recipe *recipe, void *context)
{
    strlist_add(context, recipe->name);
    recipe_clear(recipe);
    return false;
}

bool recipe_names(struct strlist *out, struct error *err)
{
    return recipe_each(names_take, out, err);
}

void recipe_clear(struct recipe *recipe)
{
    free(recipe->name);
    strlist_clear(&recipe->aliases);
    free(recipe->summary);
    free(recipe->version);
    free(recipe->debian);
    strlist_clear(&recipe->also);
    free(recipe->program);
    strlist_clear(&recipe->args);
    strlist_clear(&recipe->default_args);
    strlist_clear(&recipe->env);
    strlist_clear(&recipe->executables);
    strlist_clear(&recipe->link_paths);
    strlist_clear(&recipe->link_targets);
    *recipe = (struct recipe){0};
}

bool recipe_rules_read(struct recipe_rules *out, struct error *err)
{
    *out = (struct recipe_rules){0};
    char *folder = recipe_folder(err);
    json_t *root = folder ? recipe_load(folder, RULES_FILE, err) : NULL;
    free(folder);
    if (!root)
        return false;
    list_of(root, "Also", &out->also);
    list_of(root, "LeaveOutPackages", &out->packages);
    list_of(root, "LeaveOutPaths", &out->paths);
    list_of(root, "ExecutableFolders", &out->executable_folders);
    list_of(root, "Users", &out->users);
    list_of(root, "Groups", &out->groups);
    json_decref(root);
    return true;
}

void recipe_rules_clear(struct recipe_rules *rules)
{
    strlist_clear(&rules->also);
    strlist_clear(&rules->packages);
    strlist_clear(&rules->paths);
    strlist_clear(&rules->executable_folders);
    strlist_clear(&rules->users);
    strlist_clear(&rules->groups);
}

bool recipe_split(const char *reference, char **name, char **version, struct error *err)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789+-.";
    size_t length = strcspn(reference, "_:");
    const char *begin = reference[length] ? reference + length + 1 : NULL;
    bool ok = length > 0 && strspn(reference, allowed) >= length &&
              isalnum((unsigned char)reference[0]) && (!begin || *begin) &&
              (!begin || !strpbrk(begin, "/ \t\n"));
    if (!ok)
        return error_set(err,
                         "\"%s\" can't be a package: a name, and perhaps a version after \"_\", as "
                         "in python_3.11.2",
                         reference);
    *name = mem_printf("%.*s", (int)length, reference);
    *version = begin && strcmp(begin, "latest") != 0 ? mem_string(begin) : NULL;
    return true;
}

bool recipe_version_matches(const char *wanted, const char *have)
{
    if (!wanted)
        return true;
    size_t length = strlen(wanted);
    /* "_": of a name like my_tool_1.0 the version is what follows "my" */
    return strncmp(wanted, have, length) == 0 && strchr("._", have[length]);
}
