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
#include "host/base/path.h"
#include "host/base/say.h"
#include "host/pkg/command.h"

/* Only modules that are there already: nothing is imported from the current folder. */
static const char question[] =
    "import sys\n"
    "s = sys.modules.get('site')\n"
    "u = s and s.ENABLE_USER_SITE\n"
    "out = [sys.prefix, sys.exec_prefix, getattr(sys, 'base_prefix', sys.prefix),\n"
    "       (s.getuserbase() if u else ''), (s.getusersitepackages() if u else '')]\n"
    "out += sys.path\n"
    "sys.stdout.write('\\n'.join(out) + '\\n')\n";

enum {
    ANSWER_PREFIX,
    ANSWER_EXEC_PREFIX,
    ANSWER_BASE,
    ANSWER_USER_BASE,
    ANSWER_USER_SITE,
    ANSWER_PATHS
};

/* Runs path -c code and splits what it prints into lines. */
static bool ask(const char *path, const char *argv0, const char *code,
                const struct strlist *variables, struct strlist *lines, struct error *err)
{
    /* command_run() takes the file from argv[0]; a name of its own only matters to Python when it
     * has no slash and lies in PATH, and then the path says the same. */
    (void)argv0;
    const char *argv[] = {path, "-c", code, NULL};
    struct buf out = {0};
    struct command command = {.argv = argv, .out = &out};
    command.env = variables ? (const char *const *)variables->items : NULL;
    bool done = command_must(&command, err);
    char *rest = out.data;
    for (char *line; done && rest && (line = strsep(&rest, "\n"));)
        if (rest) /* the last line is empty */
            strlist_add(lines, line);
    buf_clear(&out);
    return done;
}

/* pyenv's choice of a version depends on these, whichever exist. */
static void watch_shim(struct image_spec *spec, const char *path)
{
    static const char *const names[] = {"PYENV_VERSION", "PYENV_ROOT", "PYENV_DIR", "ASDF_DIR"};
    struct stat info;
    watch_use(&spec->watch, path, &info);
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
        strlist_add(&spec->variables, names[i]);
    char *shims = path_parent(path), *root = path_parent(shims);
    char *version = path_join(root, "version");
    watch_use(&spec->watch, version, &info);
    free(version);
    free(root);
    free(shims);
    char *folder = path_absolute(".");
    while (strcmp(folder, "/")) {
        char *local = path_join(folder, ".python-version");
        watch_look(&spec->watch, local, &info);
        free(local);
        char *parent = path_parent(folder);
        free(folder);
        folder = parent;
    }
    free(folder);
}

char *python_follow(struct image_spec *spec, const char *path, struct error *err)
{
    struct strlist lines = {0};
    watch_shim(spec, path);
    char *real = NULL;
    if (ask(path, path, "import sys; print(sys.executable)", NULL, &lines, err) && lines.count)
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

/* pyenv's own program, for a file ROOT/shims/NAME. */
static char *pyenv_of(const char *path)
{
    char *shims = path_parent(path), *root = path_parent(shims);
    char *pyenv = path_join(root, "libexec/pyenv");
    bool is = !strcmp(path_base(shims), "shims") && access(pyenv, X_OK) == 0;
    free(shims);
    free(root);
    if (is)
        return pyenv;
    free(pyenv);
    return NULL;
}

bool pyenv_is_shim(const char *path)
{
    char *pyenv = pyenv_of(path);
    free(pyenv);
    return pyenv != NULL;
}

char *pyenv_follow(struct image_spec *spec, const char *path, struct error *err)
{
    char *pyenv = pyenv_of(path);
    const char *argv[] = {pyenv, "which", path_base(path), NULL};
    struct buf out = {0};
    struct command command = {.argv = argv, .out = &out};
    watch_shim(spec, path);
    bool done = pyenv && command_must(&command, err);
    free(pyenv);
    if (!done || !out.data || *out.data != '/') {
        buf_clear(&out);
        error_prefix(err, "%s doesn't say what it starts", path);
        return NULL;
    }
    out.data[strcspn(out.data, "\n")] = 0;
    return out.data;
}

/* Everything but what only linkers read. */
static bool library_take(const struct spec_filter *filter, const char *path, bool is_folder,
                         size_t depth)
{
    (void)filter;
    (void)depth;
    size_t length = strlen(path);
    return is_folder || length < 2 ||
           (strcmp(path + length - 2, ".a") && strcmp(path + length - 2, ".o"));
}

/* Whether a folder may go into an image only because Python has it in its path. */
static bool too_wide(const char *path)
{
    const char *home = getenv("HOME");
    return !strcmp(path, "/") || (home && path_under(home, path));
}

static bool add_library(struct closure *closure, const char *path, struct error *err)
{
    struct image_spec *spec = closure->spec;
    static const struct spec_filter filter = {.take = library_take};
    struct spec_found found;
    struct stat info;
    char *real = NULL;
    if (!watch_follow(&spec->watch, path, &info, &real))
        return true;
    bool is_there = spec_find(spec, real, true, &found);
    if (is_there)
        free(found.guest);
    bool done = true;
    if (S_ISREG(info.st_mode)) {
        done = closure_add_path(closure, path, "in Python's path", err);
    } else if (too_wide(real)) {
        say("%s is in Python's path, but too wide a folder to be put in", real);
    } else if (!is_there || !found.entry) {
        done = spec_add_filtered(spec, real, real, &filter, "Python's library", err);
    }
    if (done && strcmp(real, path))
        done = closure_add_folder_links(closure, path, "in Python's path", err);
    free(real);
    return done;
}

/* Puts what a link among the library's files leads to into the image, if it is not there yet:
 * Debian's own configuration, data shared between packages. */
static bool add_link_target(struct closure *closure, const char *path, struct error *err)
{
    struct spec_found found;
    struct stat info;
    if (stat(path, &info))
        return true; /* leads nowhere on the host, either */
    if (spec_find(closure->spec, path, true, &found)) {
        free(found.guest);
        return true;
    }
    if (S_ISREG(info.st_mode))
        return closure_add_path(closure, path, "a link in Python's library", err);
    return !S_ISDIR(info.st_mode) || add_library(closure, path, err);
}

static bool add_link_targets(struct closure *closure, size_t first, struct error *err)
{
    bool good = true;
    for (size_t i = first; good && i < closure->spec->entry_count; i++) {
        if (closure->spec->entries[i].kind != ENTRY_LINK)
            continue;
        char *path = mem_string(closure->spec->entries[i].guest);
        good = add_link_target(closure, path, err);
        free(path);
    }
    return good;
}

/* The clocks of all zones, which the module zoneinfo reads. */
static bool add_zones(struct closure *closure, struct error *err)
{
    struct stat info;
    static const char path[] = "/usr/share/zoneinfo";
    return stat(path, &info) || add_library(closure, path, err);
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

/* The environment that Python is asked in. */
static void ask_environment(const struct closure *closure, struct strlist *out)
{
    for (size_t i = 0; i < closure->env.count; i++)
        strlist_add(out, closure->env.items[i]);
    const char *home = getenv("HOME");
    char *assignment = mem_printf("HOME=%s", home ? home : "/");
    guestenv_set(out, assignment);
    free(assignment);
    guestenv_add_default(out);
    guestenv_add_host(out);
    strlist_add(out, "PYTHONDONTWRITEBYTECODE=1");
}

/* Puts all that the answer names into the image. */
static bool add_answer(struct closure *closure, const struct strlist *answer, struct error *err)
{
    size_t first = closure->spec->entry_count;
    bool good = add_venv(closure, answer, err) && add_user_site(closure, answer);
    for (size_t i = ANSWER_PATHS; good && i < answer->count; i++) {
        const char *path = answer->items[i];
        bool own = !path_under(path, answer->items[ANSWER_BASE]);
        closure->spec->tier = own ? TIER_FOLDERS : TIER_SYSTEM;
        good = *path != '/' || add_library(closure, path, err);
    }
    closure->spec->tier = TIER_SYSTEM;
    return good && add_link_targets(closure, first, err) && add_zones(closure, err);
}

bool python_add(struct closure *closure, const char *interpreter, const char *argv0,
                struct error *err)
{
    struct strlist variables = {0}, answer = {0};
    ask_environment(closure, &variables);
    bool good = ask(interpreter, argv0, question, &variables, &answer, err);
    if (good)
        good = answer.items && answer.count > ANSWER_PATHS
                   ? add_answer(closure, &answer, err)
                   : error_set(err, "%s doesn't tell its paths", interpreter);
    strlist_clear(&variables);
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
