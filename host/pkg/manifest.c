/* The keys are those of the article's tool; what only its machines know is named and not used. */
#include "host/pkg/manifest.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "host/base/buf.h"
#include "host/base/say.h"
#include "host/image/userid.h"

struct reading {
    const char *called; /* the file, for errors */
    struct package *package;
    struct error *err;
};

static bool manifest_text(struct reading *it, const json_t *value, const char *key, char **out)
{
    if (!json_is_string(value))
        return error_set(it->err, "%s: \"%s\" is not a string", it->called, key);
    free(*out);
    *out = mem_string(json_string_value(value));
    return true;
}

static bool manifest_user(struct reading *it, const json_t *value)
{
    char **out = &it->package->user;
    bool number = json_is_integer(value) && json_integer_value(value) >= 0;
    if (!number && !json_is_string(value))
        return error_set(it->err, "%s: \"User\" is neither a string nor an id", it->called);
    free(*out);
    *out = number ? mem_printf("%" JSON_INTEGER_FORMAT, json_integer_value(value))
                  : mem_string(json_string_value(value));
    return user_check(*out, it->err) || error_prefix(it->err, "%s: \"User\"", it->called);
}

static bool manifest_args(struct reading *it, const json_t *value)
{
    size_t i;
    json_t *item;
    bool ok = json_is_array(value);
    json_array_foreach(value, i, item)
    {
        ok = ok && json_is_string(item);
        if (ok)
            strlist_add(&it->package->args, json_string_value(item));
    }
    return ok || error_set(it->err, "%s: \"Args\" is not a list of strings", it->called);
}

static bool manifest_env(struct reading *it, const json_t *value)
{
    const char *name;
    json_t *item;
    bool ok = json_is_object(value);
    json_object_foreach((json_t *)(uintptr_t)value, name, item)
    {
        if (!*name || strchr(name, '='))
            return error_set(it->err, "%s: \"Env\": \"%s\" can't be the name of a variable",
                             it->called, name);
        char *line =
            ok && json_is_string(item) ? mem_printf("%s=%s", name, json_string_value(item)) : NULL;
        ok = line != NULL;
        if (ok)
            strlist_add(&it->package->env, line);
        free(line);
    }
    return ok ||
           error_set(it->err, "%s: \"Env\" is not an object whose values are strings", it->called);
}

/* Whether key is one of the article's tool's that mean nothing, or nothing here. */
static bool is_idle(const char *key)
{
    static const char *const keys[] = {
        "Language",  "BaseVolumeSz",   "NameServers",         "TargetRoot",   "Klibs",
        "RunConfig", "Debugflags",     "ManifestPassthrough", "CloudConfig",  "Kernel",
        "KlibDir",   "Boot",           "NanosVersion",        "NightlyBuild", "RebootOnExit",
        "NoTrace",   "DisableArgsCopy"};
    for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
        if (strcasecmp(keys[i], key) == 0)
            return true;
    return false;
}

static bool manifest_key(struct reading *it, const char *key, const json_t *value)
{
    struct package *package = it->package;
    if (strcasecmp(key, "Program") == 0)
        return manifest_text(it, value, key, &package->program);
    if (strcasecmp(key, "Version") == 0)
        return manifest_text(it, value, key, &package->version);
    if (strcasecmp(key, "Description") == 0)
        return manifest_text(it, value, key, &package->summary);
    if (strcasecmp(key, "User") == 0)
        return manifest_user(it, value);
    if (strcasecmp(key, "Args") == 0)
        return manifest_args(it, value);
    if (strcasecmp(key, "Env") == 0)
        return manifest_env(it, value);
    if (strcasecmp(key, "Files") == 0 || strcasecmp(key, "Dirs") == 0 ||
        strcasecmp(key, "MapDirs") == 0)
        return json_object_size(value) + json_array_size(value) == 0 ||
               error_set(it->err,
                         "%s: \"%s\" names files outside the package: put them into "
                         "its sysroot",
                         it->called, key);
    if (!is_idle(key))
        return error_set(it->err, "%s: unknown key \"%s\"", it->called, key);
    if (strcasecmp(key, "Language") != 0)
        say("%s in " MANIFEST " is not used", key);
    return true;
}

bool manifest_read(const char *text, size_t size, const char *called, struct package *package,
                   struct error *err)
{
    struct reading it = {called, package, err};
    json_error_t problem;
    json_t *root = json_loadb(text, size, JSON_REJECT_DUPLICATES, &problem), *value;
    bool ok =
        json_is_object(root) || error_set(err, "%s:%d:%d: %s", called, problem.line, problem.column,
                                          root ? "not a JSON object" : problem.text);
    const char *key;
    json_object_foreach(root, key, value) ok = ok && manifest_key(&it, key, value);
    if (ok && (!package->program || !*package->program))
        ok = error_set(err, "%s: no \"Program\"", called);
    json_decref(root);
    return ok;
}
