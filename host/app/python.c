/*
 * What a Python interpreter uses. Python itself is asked for its paths: only it knows what
 * pyvenv.cfg, *.pth files and the way it was built make of them. It is asked in the environment
 * that the program will have, except for HOME, which decides where the user's own packages lie.
 */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/app/guestenv.h"
#include "host/app/launch.h"
#include "host/app/runtime.h"
#include "host/base/path.h"
#include "host/base/say.h"

/* Only modules that are there already: nothing is imported from the current folder. */
static const char question[] =
    "import sys\n"
    "s = sys.modules.get('site')\n"
    "u = s and s.ENABLE_USER_SITE\n"
    "out = [sys.prefix, sys.exec_prefix, getattr(sys, 'base_prefix', sys.prefix),\n"
    "       (s.getuserbase() if u else ''), (s.getusersitepackages() if u else ''),\n"
    "       getattr(getattr(sys, 'implementation', s), 'cache_tag', '') or '']\n"
    "out += sys.path\n"
    "sys.stdout.write('\\n'.join(out) + '\\n')\n";

enum {
    ANSWER_PREFIX,
    ANSWER_EXEC_PREFIX,
    ANSWER_BASE,
    ANSWER_USER_BASE,
    ANSWER_USER_SITE,
    ANSWER_TAG,
    ANSWER_PATHS
};

char *python_follow(struct image_spec *spec, const char *path, struct error *err)
{
    struct strlist lines = {0};
    pyenv_watch(spec, path);
    char *real = NULL;
    if (runtime_ask(path, "-c", "import sys; print(sys.executable)", NULL, &lines, err) &&
        lines.count)
        real = mem_string(lines.items[0]);
    else
        error_prefix(err, "%s doesn't say which Python it starts", path);
    if (real && (*real != '/' || !strcmp(real, path))) {
        error_set(err, "%s doesn't say which Python it starts", path);
        free(real);
        real = NULL;
    }
    strlist_clear(&lines);
    return real;
}

/* The clocks of all zones, which the module zoneinfo reads. */
static bool add_zones(struct closure *closure, struct error *err)
{
    struct stat info;
    static const char path[] = "/usr/share/zoneinfo";
    return stat(path, &info) || runtime_add(closure, path, err);
}

static bool add_user_site(struct closure *closure, const struct strlist *answer)
{
    struct stat info;
    const char *site = answer->items[ANSWER_USER_SITE], *base = answer->items[ANSWER_USER_BASE];
    if (!*site || stat(site, &info) || guestenv_get(&closure->env, "PYTHONUSERBASE"))
        return true;
    say("your own packages in %s are put in", site);
    char *assignment = mem_printf("PYTHONUSERBASE=%s", base);
    guestenv_set(&closure->spec->env, assignment);
    guestenv_set(&closure->env, assignment);
    free(assignment);
    return true;
}

static bool add_venv(struct closure *closure, const struct strlist *answer, struct error *err)
{
    struct stat info;
    char *config = path_join(answer->items[ANSWER_PREFIX], "pyvenv.cfg");
    bool done = !watch_use(&closure->spec->watch, config, &info) ||
                closure_add_path(closure, config, "the virtual environment", err);
    free(config);
    return done;
}

/* Puts all that the answer names into the image. */
static bool add_answer(struct closure *closure, const struct strlist *answer, struct error *err)
{
    size_t first = closure->spec->entry_count;
    free(closure->spec->ignore.environment);
    closure->spec->ignore.environment = realpath(answer->items[ANSWER_PREFIX], NULL);
    bool good = add_venv(closure, answer, err) && add_user_site(closure, answer);
    for (size_t i = ANSWER_PATHS; good && i < answer->count; i++) {
        const char *path = answer->items[i];
        bool own = !path_under(path, answer->items[ANSWER_BASE]);
        closure->spec->tier = own ? TIER_FOLDERS : TIER_SYSTEM;
        good = *path != '/' || runtime_add(closure, path, err);
    }
    closure->spec->tier = TIER_SYSTEM;
    return good && runtime_add_link_targets(closure, first, err) && add_zones(closure, err);
}

/* answer.count > ANSWER_PATHS if this succeeds. */
static bool ask(struct launch *launch, const char *interpreter, struct strlist *answer,
                struct error *err)
{
    struct strlist variables = {0};
    runtime_environment(launch->closure, &variables);
    strlist_add(&variables, "PYTHONDONTWRITEBYTECODE=1");
    bool good = runtime_ask(interpreter, "-c", question, &variables, answer, err) &&
                ((answer->items && answer->count > ANSWER_PATHS) ||
                 error_set(err, "%s doesn't tell its paths", interpreter));
    strlist_clear(&variables);
    if (good && answer->items && !launch->python_tag)
        launch->python_tag = mem_string(answer->items[ANSWER_TAG]);
    return good;
}

bool python_add(struct launch *launch, const char *interpreter, struct error *err)
{
    struct strlist answer = {0};
    bool good = ask(launch, interpreter, &answer, err) && add_answer(launch->closure, &answer, err);
    strlist_clear(&answer);
    return good;
}

bool python_roots(struct launch *launch, const char *interpreter, struct error *err)
{
    struct strlist answer = {0};
    bool good = ask(launch, interpreter, &answer, err);
    for (size_t i = ANSWER_PREFIX; good && i < answer.count; i++)
        if (*answer.items[i] == '/')
            strlist_add(&launch->roots, answer.items[i]);
    strlist_clear(&answer);
    return good;
}

static bool folder_holds(const char *folder, const char *name)
{
    char *path = path_join(folder, name);
    bool is_there = access(path, F_OK) == 0;
    free(path);
    return is_there;
}

/* Whether a folder beside the script looks like a package: it holds a module itself. */
static bool looks_like_package(const char *folder)
{
    if (!strcmp(path_base(folder), "__pycache__"))
        return true;
    if (!watch_is_module(path_base(folder), true) || folder_holds(folder, "pyvenv.cfg"))
        return false;
    DIR *dir = opendir(folder);
    bool any = false;
    for (struct dirent *item; dir && !any && (item = readdir(dir));)
        any = watch_is_module(item->d_name, false);
    if (dir)
        closedir(dir);
    return any;
}

/* Whether a folder between the script's (depth folders up) and path is a package with __init__.py:
 * then all in it may be its data. */
static bool in_package(const char *path, size_t depth)
{
    char *at = path_parent(path);
    bool is = false;
    for (; depth > 1 && !is; depth--) {
        is = folder_holds(at, "__init__.py");
        char *parent = path_parent(at);
        free(at);
        at = parent;
    }
    free(at);
    return is;
}

static bool beside_take(const struct spec_filter *filter, const char *path, bool is_folder,
                        size_t depth)
{
    (void)filter;
    const char *name = path_base(path);
    if (*name == '.' || (is_folder && folder_holds(path, "pyvenv.cfg")))
        return false;
    if (in_package(path, depth))
        return true;
    return is_folder ? looks_like_package(path) : watch_is_module(name, false);
}

bool python_add_beside(struct image_spec *spec, const char *host, const char *guest,
                       struct error *err)
{
    static const struct spec_filter filter = {.take = beside_take, .modules = true};
    struct spec_found found;
    if (spec_find(spec, guest, true, &found)) {
        bool is_there = found.entry && !strcmp(found.entry->source, host);
        free(found.guest);
        if (is_there)
            return true;
    }
    return spec_add_filtered(spec, guest, host, &filter, "beside the script", err);
}
