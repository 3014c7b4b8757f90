/*
 * From a request to a filled image_spec. The order matters: packages first, as what is there
 * already isn't taken from the host; then the program and its libraries; then what the user names;
 * last the libraries that those files need.
 */
#include "host/app/resolve.h"

#include <limits.h>

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/app/argument.h"
#include "host/app/guestenv.h"
#include "host/base/path.h"
#include "host/base/store.h"
#include "host/image/user.h"
#include "host/pkg/pin.h"
#include "host/pkg/pkg.h"
#include "host/record/lock.h"

struct resolving {
    const struct app_request *request;
    struct config config;
    struct resolved *out;
    struct closure closure;
    struct launch launch;
    char *folder; /* the current one */
    struct lock lock;
    struct strlist pins; /* the versions of packages that the lock file has */
    char *package_user;  /* of the package's manifest, or NULL */
    struct error *err;
};

void resolved_clear(struct resolved *resolved)
{
    spec_clear(&resolved->spec);
    strlist_clear(&resolved->more_args);
    strlist_clear(&resolved->notes);
    strlist_clear(&resolved->mounts);
    strlist_clear(&resolved->ports);
    strlist_clear(&resolved->network);
    free(resolved->script);
}

static void copy_list(const struct strlist *from, struct strlist *to)
{
    for (size_t i = 0; i < from->count; i++)
        strlist_add(to, from->items[i]);
}

/* Whether the lock file says what files go in; of a package's it says the versions only. */
static bool files_locked(const struct app_request *request)
{
    return request->locked && !request->package;
}

static bool load_config(struct resolving *it)
{
    const char *path = it->request->config_path;
    struct stat info;
    char *whole = path ? path_absolute(path) : NULL, *defaults = config_defaults_path();
    if (whole)
        watch_use(&it->out->spec.watch, whole, &info);
    if (defaults)
        watch_use(&it->out->spec.watch, defaults, &info);
    free(whole);
    free(defaults);
    bool good = !path || config_load(path, &it->config, it->err);
    good = good && config_add_defaults(&it->config, it->err);
    copy_list(&it->config.variables, &it->out->spec.variables);
    return good;
}

/* .orrisignore of the configuration's folder, and of the current one if that is another. */
static bool load_ignore(struct resolving *it)
{
    struct image_spec *spec = &it->out->spec;
    const char *folders[] = {it->folder, it->config.folder};
    ignore_add_default(&spec->ignore);
    for (size_t i = 0; i < 2; i++) {
        struct stat info;
        if (!folders[i] || (i > 0 && folders[0] && !strcmp(folders[0], folders[1])))
            continue;
        char *path = path_join(folders[i], ".orrisignore");
        watch_use(&spec->watch, path, &info);
        free(path);
        if (!ignore_add_file(&spec->ignore, folders[i], it->err))
            return false;
    }
    for (size_t i = 0; i < it->config.exclude.count; i++) {
        const char *pattern = it->config.exclude.items[i];
        bool absolute = pattern[*pattern == '!'] == '/';
        ignore_add(&spec->ignore, pattern, absolute ? "/" : it->config.folder, false, "Exclude");
    }
    return true;
}

static void watch_layer(struct image_spec *spec, const struct package *package)
{
    struct stat info;
    watch_use(&spec->watch, package->layer.path, &info);
    watch_use(&spec->watch, package->layer.listing, &info);
}

static bool apply_package(struct resolving *it, struct package *package)
{
    watch_layer(&it->out->spec, package);
    return package_apply(package, &it->out->spec, it->err);
}

/* What the package's program is given when the user gives it nothing. */
static void default_arguments(struct resolving *it, const struct package *package)
{
    bool given = it->request->args.count || it->request->program_args.count ||
                 it->config.args.count || it->request->program || it->config.program;
    if (!given)
        copy_list(&package->default_args, &it->out->spec.args);
}

/* A newer version may come, which a reference without a version then means. */
static bool watch_shelf(struct resolving *it)
{
    struct stat info;
    char *shelf = store_path("packages", true, it->err);
    if (shelf && stat(shelf, &info) == 0)
        watch_folder(&it->out->spec.watch, shelf, &info);
    bool done = shelf != NULL;
    free(shelf);
    return done;
}

static bool apply_packages(struct resolving *it)
{
    struct package base = {0}, additions = {0};
    struct strlist names = {0};
    const char *reference = it->request->package;
    const struct strlist *pins = it->pins.count ? &it->pins : NULL;
    copy_list(&it->config.packages, &names);
    copy_list(&it->request->packages, &names);
    bool good = true;
    if (reference)
        good = package_get(reference, pins, &base, it->err) && apply_package(it, &base);
    if (good && reference) {
        default_arguments(it, &base);
        it->package_user = base.user ? mem_string(base.user) : NULL;
    }
    if (good && names.count)
        good = package_get_additions(&names, reference ? &base : NULL, pins, &additions, it->err) &&
               apply_package(it, &additions);
    if (good && (reference || names.count))
        good = watch_shelf(it);
    strlist_clear(&names);
    package_clear(&base);
    package_clear(&additions);
    return good;
}

/* The environment: base goes with the image, all is what the program will have. */
static bool set_env(struct resolving *it, struct strlist *all)
{
    struct image_spec *spec = &it->out->spec;
    static const struct strlist none;
    if (!guestenv_add(&spec->env, &it->config.env, &none, it->err))
        return false;
    copy_list(&spec->env, all);
    return guestenv_add(all, &(struct pairs){0}, &it->request->env, it->err);
}

/* A program named together with a package is the package's if it has such a file. */
static bool program_of_package(struct resolving *it, const char *program)
{
    struct image_spec *spec = &it->out->spec;
    struct spec_found found;
    if (!spec->layer_count || *program != '/' || !spec_find(spec, program, true, &found))
        return false;
    bool is_file = found.kind == ENTRY_FILE;
    free(found.guest);
    if (!is_file)
        return false;
    free(spec->program);
    spec->program = mem_string(program);
    strlist_clear(&spec->args);
    strlist_add(&spec->args, program);
    return true;
}

static const char *program_of(struct resolving *it)
{
    const char *program = it->request->program ? it->request->program : it->config.program;
    if (!it->request->program && program)
        it->launch.folder = it->config.folder;
    return program || !it->lock.command.count ? program : it->lock.command.items[0];
}

/* Without a program of its own, a request means the one that was recorded. */
static void add_recorded_arguments(struct resolving *it)
{
    if (it->request->program || it->config.program)
        return;
    for (size_t i = 1; i < it->lock.command.count; i++)
        strlist_add(&it->out->spec.args, it->lock.command.items[i]);
}

static bool find_program(struct resolving *it)
{
    struct image_spec *spec = &it->out->spec;
    const char *program = program_of(it);
    if (program && !program_of_package(it, program)) {
        free(spec->program);
        spec->program = NULL;
        strlist_clear(&spec->args);
        if (!launch_program(&it->launch, program, it->err))
            return false;
        add_recorded_arguments(it);
    }
    if (!spec->program)
        return error_set(it->err, "no program: name one, or set \"Program\" in the configuration");
    if (it->launch.runtime == RUNTIME_NONE)
        it->launch.runtime = runtime_of(spec->program);
    return true;
}

static void add_arguments(struct argument *out, size_t *count, const struct strlist *args,
                          size_t from, const char *folder)
{
    for (size_t i = from; i < args->count; i++)
        out[(*count)++] = (struct argument){args->items[i], folder};
}

/* Puts the interpreter's script and what the arguments name into the image. The configuration's are
 * relative to its folder. */
static bool put_arguments(struct resolving *it)
{
    const struct app_request *request = it->request;
    const struct strlist *first = &it->out->spec.args, *config = &it->config.args;
    struct strlist *notes = &it->out->notes;
    size_t count = 0,
           all = first->count + config->count + request->args.count + request->program_args.count;
    struct argument *args = mem_alloc((all + 1) * sizeof(*args));
    add_arguments(args, &count, first, 1, it->folder);
    add_arguments(args, &count, &request->program_args, 0, it->folder);
    add_arguments(args, &count, config, 0, it->config.folder);
    add_arguments(args, &count, &request->args, 0, it->folder);
    bool good = arguments_put_script(&it->launch, args, count, it->err);
    free(args);
    if (it->config.no_args_copy == SWITCH_ON)
        return good;
    return good && arguments_put(&it->launch, config, it->config.folder, notes, it->err) &&
           arguments_put(&it->launch, &request->args, it->folder, notes, it->err) &&
           arguments_put(&it->launch, &request->program_args, it->folder, notes, it->err);
}

/* Letters, digits and a few signs; anything else would make paths hard to type. */
static char *clean_name(const char *path)
{
    char *name = mem_string(path_base(path));
    char *dot = strrchr(name, '.');
    if (dot && dot != name && (!strcmp(dot, ".py") || !strcmp(dot, ".js") || !strcmp(dot, ".sh")))
        *dot = 0;
    for (char *at = name; *at; at++)
        if (!isalnum((unsigned char)*at) && !strchr("._+-", *at))
            *at = '_';
    if (*name == '.')
        *name = '_';
    if (strlen(name) > NAME_MAX / 2)
        name[NAME_MAX / 2] = 0;
    return name;
}

static bool set_name(struct resolving *it)
{
    struct image_spec *spec = &it->out->spec;
    const struct app_request *request = it->request;
    const char *chosen = request->image_name ? request->image_name : it->config.image_name;
    if (chosen) {
        spec->name = mem_string(chosen);
        size_t length = strlen(spec->name);
        if (length > 4 && !strcmp(spec->name + length - 4, ".img"))
            spec->name[length - 4] = 0;
        const char *strange = spec->name;
        while (*strange && *strange != '/' && !iscntrl((unsigned char)*strange))
            strange++;
        return (*spec->name && *spec->name != '.' && !*strange) ||
               error_set(it->err,
                         "-i %s: an image's name is a plain word: without slashes and control "
                         "characters, and no dot first",
                         chosen);
    }
    const char *after = it->launch.script;
    const struct strlist *args = it->config.args.count ? &it->config.args : &request->args;
    if (!after && request->package && !request->program && args->count && *args->items[0] != '-')
        after = args->items[0];
    if (!after)
        after = request->program || it->config.program || files_locked(request) ? spec->program
                                                                                : request->package;
    spec->name = clean_name(after);
    if (files_locked(request)) { /* beside the image of all that is found */
        char *name = mem_printf("%s.trim", spec->name);
        free(spec->name);
        spec->name = name;
    }
    return true;
}

static bool watch_kernel(struct resolving *it)
{
    struct stat info;
    char *kernel = store_kernel_path(it->err);
    if (!kernel)
        return false;
    watch_use(&it->out->spec.watch, kernel, &info);
    free(kernel);
    return true;
}

const char *resolve_lock_path(const struct app_request *request)
{
    return request->lock_path ? request->lock_path : "orris.lock";
}

static bool load_lock(struct resolving *it)
{
    const struct app_request *request = it->request;
    const char *path = resolve_lock_path(request);
    struct stat info;
    if (!request->locked)
        return true;
    char *whole = path_absolute(path);
    watch_use(&it->out->spec.watch, whole, &info);
    free(whole);
    if (access(path, F_OK))
        return error_errno(it->err, "%s (%s makes one)", path,
                           request->package ? "`orris pkg lock`"
                                            : "`orris record -- COMMAND` or --trim");
    if (!lock_load(path, &it->lock, it->err))
        return false;
    copy_list(&lock_section(&it->lock, PIN_SECTION)->lines, &it->pins);
    if (!request->package)
        return true;
    lock_clear(&it->lock); /* its command and files are those of a program of this host */
    return it->pins.count ||
           error_set(it->err, "%s names no packages (`orris pkg lock %s` adds them)", path,
                     request->package);
}

static bool add_locked(struct resolving *it)
{
    return !files_locked(it->request) ||
           locked_add(&it->launch, resolve_lock_path(it->request), &it->out->notes, it->err);
}

static bool check(struct resolving *it)
{
    python_check_extensions(&it->out->spec, it->launch.python_tag, &it->out->notes);
    return true;
}

static bool fill(struct resolving *it)
{
    struct image_spec *spec = &it->out->spec;
    struct error *err = it->err;
    spec->tier = TIER_SYSTEM;
    return (spec->layer_count || basics_add_links(spec, err)) && basics_add_folders(spec, err) &&
           find_program(it) && config_apply(&it->config, spec, err) && put_arguments(it) &&
           add_locked(it) && basics_add(&it->closure, err) &&
           closure_add_entries(&it->closure, err) &&
           locale_add(&it->closure, !it->launch.lock, err) &&
           (it->launch.lock || glibc_add(&it->closure, err)) &&
           closure_add_entries(&it->closure, err) && closure_add_cache(&it->closure, err) &&
           check(it);
}

/* Relative to the image's root. */
static char *workdir_of(const struct resolving *it)
{
    const char *chosen = it->request->workdir ? it->request->workdir : it->config.workdir;
    return chosen ? path_clean(chosen) : NULL;
}

/* Pairs of an absolute folder and where it goes. */
static void add_mounts(const struct config *config, struct strlist *mounts)
{
    for (size_t i = 0; i < config->mounts.names.count; i++) {
        char *host = path_join(config->folder, config->mounts.names.items[i]);
        strlist_add(mounts, host);
        strlist_add(mounts, config->mounts.values.items[i]);
        free(host);
    }
}

/* What the network card is connected to. */
static void add_network(const struct config *config, struct strlist *out)
{
    const char *bridge = config->bridge;
    if (!bridge && !config->tap && config->bridged == SWITCH_ON)
        bridge = "br0";
    const char *const words[] = {"tap",      config->tap,     "bridge",  bridge,
                                 "ip",       config->address, "netmask", config->netmask,
                                 "gateway",  config->gateway, "ip6",     config->address6,
                                 "gateway6", config->gateway6};
    for (size_t i = 0; i < sizeof(words) / sizeof(*words); i += 2) {
        if (words[i + 1]) {
            strlist_add(out, words[i]);
            strlist_add(out, words[i + 1]);
        }
    }
    for (size_t i = 0; i < config->nics.count; i++) {
        strlist_add(out, "nic");
        strlist_add(out, config->nics.items[i]);
    }
}

/* Puts who named the user before an error. */
static void prefix_user(struct resolving *it)
{
    bool here = config_sets(&it->config, "User");
    char *place = here ? config_where(&it->config, "User", NULL, 0) : NULL;
    if (it->request->user)
        error_prefix(it->err, "--user");
    else if (it->config.user)
        error_prefix(it->err, "%s%s\"User\"", here ? place : "", here ? ": " : "");
    else
        error_prefix(it->err, "the package %s: \"User\"", it->request->package);
    free(place);
}

/* Whom the program runs as, and that user's variables. */
static bool apply_user(struct resolving *it)
{
    struct image_spec *spec = &it->out->spec;
    const char *text = it->request->user ? it->request->user
                       : it->config.user ? it->config.user
                                         : it->package_user;
    struct user user;
    if (!text)
        return true;
    bool good = user_of_spec(text, spec, &user, it->err);
    if (!good)
        prefix_user(it);
    spec->user = user.ids;
    guestenv_add_user(&spec->env, user.name, user.home);
    user_clear(&user);
    return good;
}

static void finish(struct resolving *it)
{
    struct resolved *out = it->out;
    const struct app_request *request = it->request;
    out->memory_bytes = it->config.memory_bytes;
    out->cpus = (unsigned)it->config.cpus;
    out->emulate = it->config.accel == SWITCH_OFF;
    add_mounts(&it->config, &out->mounts);
    add_network(&it->config, &out->network);
    copy_list(&it->config.ports, &out->ports);
    for (size_t i = 0; i < it->config.udp_ports.count; i++) {
        char *port = mem_printf("%s/udp", it->config.udp_ports.items[i]);
        strlist_add(&out->ports, port);
        free(port);
    }
    out->runtime = it->launch.runtime;
    if (it->launch.script && it->launch.script_by_line)
        out->script = mem_string(it->launch.script);
    if (!request->bake) {
        copy_list(&it->config.args, &out->more_args);
        return;
    }
    copy_list(&request->program_args, &out->spec.args);
    copy_list(&it->config.args, &out->spec.args);
    copy_list(&request->args, &out->spec.args);
    for (size_t i = 0; i < it->closure.env.count; i++)
        guestenv_set(&out->spec.env, it->closure.env.items[i]);
    guestenv_add_default(&out->spec.env);
}

bool resolve(const struct app_request *request, struct resolved *out, struct error *err)
{
    *out = (struct resolved){0};
    spec_init(&out->spec);
    struct resolving it = {.request = request, .out = out, .err = err};
    it.folder = path_absolute(".");
    struct strlist env = {0};
    bool good = load_config(&it) && load_ignore(&it) && load_lock(&it) && watch_kernel(&it) &&
                apply_packages(&it) && set_env(&it, &env);
    if (good) {
        out->spec.workdir = workdir_of(&it);
        closure_init(&it.closure, &out->spec, &env);
        it.launch = (struct launch){
            .closure = &it.closure, .folder = it.folder, .workdir = out->spec.workdir};
        it.launch.lock = files_locked(request) ? &it.lock : NULL;
        good = fill(&it) && set_name(&it);
        if (good && out->spec.workdir)
            good = spec_add_empty_dir(&out->spec, out->spec.workdir, 0755, "Workdir", err);
        good = good && apply_user(&it);
        if (good)
            finish(&it);
        launch_clear(&it.launch);
        closure_clear(&it.closure);
    }
    strlist_clear(&env);
    config_clear(&it.config);
    lock_clear(&it.lock);
    strlist_clear(&it.pins);
    free(it.package_user);
    free(it.folder);
    return good;
}

/* The environment of this process with the configuration's and the flags' variables. */
static bool command_env(struct resolving *it, struct strlist *env)
{
    for (char **item = environ; *item; item++)
        strlist_add(env, *item);
    return guestenv_add(env, &it->config.env, &it->request->env, it->err);
}

bool resolve_command(const struct app_request *request, char **path, struct strlist *argv,
                     struct strlist *env, struct error *err)
{
    struct resolved out = {0};
    struct strlist none = {0};
    struct resolving it = {.request = request, .out = &out, .err = err};
    spec_init(&out.spec);
    it.folder = path_absolute(".");
    closure_init(&it.closure, &out.spec, &none);
    it.launch = (struct launch){.closure = &it.closure, .folder = it.folder};
    bool good = load_config(&it);
    const char *program = good ? program_of(&it) : NULL;
    good = good && (program || error_set(err, "no program is named")) &&
           launch_command(&it.launch, program, path, argv, err) && command_env(&it, env);
    copy_list(&request->program_args, argv);
    copy_list(&it.config.args, argv);
    copy_list(&request->args, argv);
    launch_clear(&it.launch);
    closure_clear(&it.closure);
    config_clear(&it.config);
    resolved_clear(&out);
    free(it.folder);
    return good;
}
