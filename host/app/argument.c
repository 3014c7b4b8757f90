/*
 * Arguments that name files of the host: they go where the program, started in its folder, will
 * look for them, so that `orris run x.py data.csv` finds data.csv.
 */
#include "host/app/argument.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "host/base/path.h"
#include "host/base/say.h"

static char *host_of(const char *folder, const char *argument)
{
    char *joined = path_join(folder, argument);
    char *clean = path_clean(joined);
    free(joined);
    return clean;
}

bool argument_names_file(const char *argument, const char *folder)
{
    struct stat info;
    if (!*argument || *argument == '-')
        return false;
    char *host = host_of(folder, argument);
    bool is = stat(host, &info) == 0;
    free(host);
    return is;
}

/* Folders that the machine has its own of. */
static bool is_special(const char *path)
{
    return path_under(path, "/dev") || path_under(path, "/proc") || path_under(path, "/sys");
}

/* Folders that programs are told to write to: what lies there belongs to others. */
static bool is_scratch(const char *path)
{
    return !strcmp(path, "/tmp") || !strcmp(path, "/var/tmp") || !strcmp(path, "/run") ||
           !strcmp(path, "/var/run");
}

/* Why a path is not put into an image, or NULL. */
static const char *refusal(const char *host, const struct stat *info)
{
    const char *home = getenv("HOME");
    if (!strcmp(host, "/"))
        return "it is the whole host";
    if (home && path_under(home, host))
        return strcmp(home, host) ? "your home folder is in it" : "it is your home folder";
    if (is_scratch(host))
        return "it is a folder for temporary files, and the machine has its own";
    if (S_ISSOCK(info->st_mode))
        return "it is a socket";
    if (S_ISCHR(info->st_mode) || S_ISBLK(info->st_mode) || S_ISFIFO(info->st_mode))
        return "it is a device or pipe";
    return NULL;
}

static void note(struct strlist *notes, const char *argument, const char *guest, int64_t size)
{
    static const char *const units[] = {"bytes", "KB", "MB", "GB", "TB"};
    double value = (double)size;
    size_t unit = 0;
    for (; value >= 1000 && unit + 1 < sizeof(units) / sizeof(*units); unit++)
        value /= 1000;
    char *text = mem_printf("the argument %s is put into the image at %s (%.*f %s)", argument,
                            guest, unit && value < 10 ? 1 : 0, value, units[unit]);
    strlist_add(notes, text);
    free(text);
}

static int64_t size_since(const struct image_spec *spec, size_t first)
{
    int64_t size = 0;
    for (size_t i = first; i < spec->entry_count; i++)
        if (spec->entries[i].kind == ENTRY_FILE)
            size += spec->entries[i].stamp.size;
    return size;
}

bool argument_put_passed(struct launch *launch, const char *argument, const char *folder,
                         struct error *err)
{
    struct image_spec *spec = launch->closure->spec;
    bool good = true;
    for (const char *at = strstr(argument, "/.."); good && at; at = strstr(at + 1, "/..")) {
        if (at == argument || (at[3] && at[3] != '/'))
            continue;
        char *passed = mem_printf("%.*s", (int)(at - argument), argument);
        char *guest = launch_guest_path(launch, passed), *host = host_of(folder, passed);
        struct spec_found found;
        if (spec_find(spec, guest, true, &found)) {
            free(found.guest);
        } else if (strcmp(guest, "/") != 0) {
            spec->tier = TIER_APP;
            good = spec_add_dir(spec, guest, host, "on an argument's way", err);
        }
        free(host);
        free(guest);
        free(passed);
    }
    return good;
}

static bool put(struct launch *launch, const char *argument, const char *host, bool is_folder,
                struct strlist *notes, struct error *err)
{
    struct image_spec *spec = launch->closure->spec;
    char *guest = launch_guest_path(launch, argument);
    struct spec_found found;
    size_t before = spec->entry_count;
    bool good = true;
    bool is_there = spec_find(spec, guest, true, &found);
    if (is_there)
        free(found.guest);
    if (is_folder && launch->lock)
        good = is_there || spec_add_dir(spec, guest, host, "argument", err);
    else if (!is_there || (is_folder && !found.entry)) {
        spec->tier = is_folder ? TIER_FOLDERS : TIER_APP;
        good = is_folder ? spec_add_tree(spec, guest, host, "argument", err)
                         : spec_add_file(spec, guest, host, "argument", err);
        if (good)
            note(notes, argument, guest, size_since(spec, before));
    }
    free(guest);
    return good;
}

static bool put_argument(struct launch *launch, const char *argument, const char *folder,
                         struct strlist *notes, struct error *err)
{
    struct stat info;
    bool good = true;
    char *host = host_of(folder, argument);
    if (stat(host, &info) == 0 && !is_special(host)) {
        const char *why = refusal(host, &info);
        if (why) {
            char *text = mem_printf("the argument %s is not put into the image: %s", argument, why);
            strlist_add(notes, text);
            free(text);
        } else {
            good = argument_put_passed(launch, argument, folder, err) &&
                   put(launch, argument, host, S_ISDIR(info.st_mode), notes, err);
        }
    }
    free(host);
    return good;
}

/* "a.jar:lib/b.jar", a list of files as many programs take it; a word that isn't all files is none.
 */
static bool take_list(const char *argument, const char *folder, struct strlist *parts)
{
    char *copy = mem_string(argument), *state = NULL;
    bool all = strchr(argument, ':') != NULL;
    for (char *part = strtok_r(copy, ":", &state); all && part;
         part = strtok_r(NULL, ":", &state)) {
        all = argument_names_file(part, folder);
        strlist_add(parts, part);
    }
    free(copy);
    return all;
}

bool arguments_put(struct launch *launch, const struct strlist *args, const char *folder,
                   struct strlist *notes, struct error *err)
{
    bool good = true;
    for (size_t i = 0; good && i < args->count; i++) {
        struct strlist parts = {0};
        if (argument_names_file(args->items[i], folder))
            strlist_add(&parts, args->items[i]);
        else if (!take_list(args->items[i], folder, &parts))
            strlist_clear(&parts);
        for (size_t k = 0; good && k < parts.count; k++)
            good = put_argument(launch, parts.items[k], folder, notes, err);
        strlist_clear(&parts);
    }
    return good;
}

/* The index of the script among an interpreter's arguments; count if it runs none. *module: it runs
 * one by name (python -m). */
static size_t script_index(const struct argument *args, size_t count, bool *module)
{
    for (size_t i = 0; i < count; i++) {
        const char *arg = args[i].text;
        if (*arg != '-')
            return i;
        *module = !strncmp(arg, "-m", 2);
        if (*module || !strncmp(arg, "-c", 2) || !strcmp(arg, "-"))
            return count;
        if (!strcmp(arg, "-W") || !strcmp(arg, "-X"))
            i++;
    }
    return count;
}

static bool put_beside(struct launch *launch, const char *host, const char *guest,
                       struct error *err)
{
    struct image_spec *spec = launch->closure->spec;
    spec->tier = TIER_APP;
    if (launch->runtime == RUNTIME_NODE)
        return node_add_beside(spec, host, guest, err);
    return python_add_beside(spec, host, guest, err);
}

static bool put_script(struct launch *launch, const struct argument *arg, struct error *err)
{
    struct stat info;
    char *host = host_of(arg->folder, arg->text);
    if (stat(host, &info) || !S_ISREG(info.st_mode)) {
        free(host);
        return true; /* the interpreter will say so */
    }
    launch->script = host;
    launch->script_guest = launch_guest_path(launch, arg->text);
    launch->closure->spec->tier = TIER_APP;
    return argument_put_passed(launch, arg->text, arg->folder, err) &&
           spec_add_file(launch->closure->spec, launch->script_guest, host, "the script", err);
}

bool arguments_put_script(struct launch *launch, const struct argument *args, size_t count,
                          struct error *err)
{
    bool module = false;
    if (launch->runtime != RUNTIME_PYTHON && launch->runtime != RUNTIME_NODE)
        return true;
    size_t i = launch->script ? count : script_index(args, count, &module);
    if (i < count && !put_script(launch, &args[i], err))
        return false;
    char *host = NULL, *guest = NULL;
    if (launch->script) {
        host = path_parent(launch->script);
        guest = path_parent(launch->script_guest);
    } else if (module && !refusal(launch->folder, &(struct stat){0})) {
        host = mem_string(launch->folder);
        guest = launch_guest_path(launch, ".");
    }
    bool good = !host || launch->lock || put_beside(launch, host, guest, err);
    free(host);
    free(guest);
    return good;
}
