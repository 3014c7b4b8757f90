/* The flags about what goes into an image, shared by run, build and pkg load. */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "abi/record.h"
#include "host/app/app.h"
#include "host/app/envfile.h"
#include "host/base/io.h"
#include "host/config/config.h"
#include "host/image/userid.h"

const char app_flags_help[] =
    "  -c, --config FILE    config.json: files and folders to put in, arguments, environment\n"
    "                       (`orris help config` lists its keys)\n"
    "  -a, --args ARG       an argument for the program; may be repeated\n"
    "  -e, --env K=V        a variable for the program; K alone takes the host's value. Without\n"
    "                       -e the program has PATH, HOME=/, and the host's LANG, LC_*, TZ, TERM\n"
    "      --env-file FILE  variables for the program, NAME=VALUE lines; -e overrides\n"
    "      --workdir DIR    the folder in the image to start in (default /)\n"
    "      --user UID:GID   whom the program runs as: numbers, or names of the image's\n"
    "                       /etc/passwd and /etc/group (default root); :GID may be left out\n"
    "      --pkg NAME       add a Debian package, with what it needs; may be repeated\n"
    "  -i, --image NAME     the image's name (default: the program's)\n"
    "  -m, --memory SIZE    the machine's memory, such as 512M or 2G (default 2G)\n"
    "      --cpus N         the machine's processors, 1 to 32; also as --smp (default: what the\n"
    "                       host has, at most 4; 1 with --profile)\n"
    "      --trim           run the program on this host first and put in only what it used there\n"
    "                       (`orris record -h`), recorded in orris.lock\n"
    "      --keep GLOB      with --trim: put in what has such names, too; may be repeated\n"
    "      --locked         put in what orris.lock names, and say what has changed since\n"
    "      --lock FILE      another lock file than ./orris.lock\n";

enum flag_id {
    FLAG_CONFIG,
    FLAG_ARG,
    FLAG_ENV,
    FLAG_ENV_FILE,
    FLAG_WORKDIR,
    FLAG_USER,
    FLAG_PKG,
    FLAG_IMAGE,
    FLAG_MEMORY,
    FLAG_CPUS,
    FLAG_KEEP,
    FLAG_LOCK,
    FLAG_COUNT
};

static const struct {
    char letter;
    const char *name, *other; /* long forms */
} flags[FLAG_COUNT] = {
    [FLAG_CONFIG] = {'c', "--config", NULL},
    [FLAG_ARG] = {'a', "--args", "--arg"},
    [FLAG_ENV] = {'e', "--env", "--envs"},
    [FLAG_WORKDIR] = {0, "--workdir", NULL},
    [FLAG_USER] = {0, "--user", NULL},
    [FLAG_PKG] = {0, "--pkg", "--package"},
    [FLAG_IMAGE] = {'i', "--image", "--imagename"},
    [FLAG_MEMORY] = {'m', "--memory", NULL},
    [FLAG_CPUS] = {0, "--cpus", "--smp"},
    [FLAG_ENV_FILE] = {0, "--env-file", NULL},
    [FLAG_KEEP] = {0, "--keep", NULL},
    [FLAG_LOCK] = {0, "--lock", NULL},
};

void app_request_init(struct app_request *request)
{
    *request = (struct app_request){0};
}

void app_request_clear(struct app_request *request)
{
    free(request->package);
    free(request->config_path);
    free(request->program);
    free(request->workdir);
    free(request->user);
    free(request->image_name);
    free(request->lock_path);
    strlist_clear(&request->keep);
    strlist_clear(&request->packages);
    strlist_clear(&request->program_args);
    strlist_clear(&request->args);
    strlist_clear(&request->env);
    *request = (struct app_request){0};
}

/* Whether arg is flag name, and its value: what follows "=", or NULL for the next argument. */
static bool long_matches(const char *arg, const char *name, const char **value)
{
    size_t length = name ? strlen(name) : 0;
    if (!length || strncmp(arg, name, length) || (arg[length] && arg[length] != '='))
        return false;
    *value = arg[length] ? arg + length + 1 : NULL;
    return true;
}

static int flag_find(const char *arg, const char **value)
{
    for (int i = 0; i < FLAG_COUNT; i++) {
        if (long_matches(arg, flags[i].name, value) || long_matches(arg, flags[i].other, value))
            return i;
        if (flags[i].letter && arg[0] == '-' && arg[1] == flags[i].letter) {
            *value = arg[2] ? arg + 2 : NULL;
            return i;
        }
    }
    return -1;
}

static void set_text(char **field, const char *value)
{
    free(*field);
    *field = mem_string(value);
}

static bool set_cpus(struct app_request *request, const char *value, struct error *err)
{
    char *end;
    errno = 0;
    unsigned long count = strtoul(value, &end, 10);
    if (!isdigit((unsigned char)*value) || *end || errno || !count || count > ORRIS_CPUS_MAX)
        return error_set(err, "--cpus %s: must be a number from 1 to %u", value, ORRIS_CPUS_MAX);
    request->cpus = (unsigned)count;
    return true;
}

/* What a file says comes before every -e, which so overrides it, and after earlier files. */
static bool add_env_file(struct app_request *request, const char *path, struct error *err)
{
    struct strlist all = {0};
    size_t i = 0;
    for (; i < request->env_from_files; i++)
        strlist_add(&all, request->env.items[i]);
    bool good = envfile_read(path, &all, err);
    request->env_from_files = all.count;
    for (; i < request->env.count; i++)
        strlist_add(&all, request->env.items[i]);
    strlist_clear(&request->env);
    request->env = all;
    return good;
}

static bool flag_store(struct app_request *request, enum flag_id id, const char *value,
                       struct error *err)
{
    switch (id) {
    case FLAG_CONFIG:
        set_text(&request->config_path, value);
        return true;
    case FLAG_ARG:
        strlist_add(&request->args, value);
        return true;
    case FLAG_ENV:
        strlist_add(&request->env, value);
        return (*value && *value != '=') ||
               error_set(err, "-e %s: must be NAME=VALUE or NAME", value);
    case FLAG_ENV_FILE:
        return add_env_file(request, value, err);
    case FLAG_WORKDIR:
        set_text(&request->workdir, value);
        return true;
    case FLAG_USER:
        set_text(&request->user, value);
        return user_check(value, err) || error_prefix(err, "--user");
    case FLAG_PKG:
        strlist_add(&request->packages, value);
        return true;
    case FLAG_IMAGE:
        set_text(&request->image_name, value);
        return true;
    case FLAG_MEMORY:
        return (config_parse_size(value, &request->memory_bytes) && request->memory_bytes) ||
               error_set(err, "-m %s: must be a size such as 512M or 2G", value);
    case FLAG_CPUS:
        return set_cpus(request, value, err);
    case FLAG_KEEP:
        strlist_add(&request->keep, value);
        return true;
    case FLAG_LOCK:
        set_text(&request->lock_path, value);
        return true;
    default:
        return false;
    }
}

/* Whether a flag's value may be empty: an argument; and what says itself why it can't be. */
static bool may_be_empty(enum flag_id id)
{
    return id == FLAG_ARG || id == FLAG_ENV || id == FLAG_USER || id == FLAG_MEMORY ||
           id == FLAG_CPUS;
}

/* --trim and --locked, which have no value. */
static bool take_switch(struct app_request *request, const char *flag)
{
    bool trim = !strcmp(flag, "--trim"), locked = !strcmp(flag, "--locked");
    request->trim |= trim;
    request->locked |= trim || locked;
    return trim || locked;
}

int app_take_flag(struct app_request *request, int argc, char **argv, int *index, struct error *err)
{
    const char *value;
    if (take_switch(request, argv[*index]))
        return 1;
    int id = flag_find(argv[*index], &value);
    if (id < 0)
        return 0;
    const char *flag = argv[*index];
    if (!value)
        value = *index + 1 < argc ? argv[++*index] : NULL;
    if (!value || (!*value && !may_be_empty((enum flag_id)id)))
        return error_set(err, "%.*s needs a value", (int)strcspn(flag, "="), flag) - 1;
    if (flag_store(request, (enum flag_id)id, value, err))
        return 1;
    return id == FLAG_ENV_FILE && !io_can_read(value) ? APP_FLAG_FAILED : -1;
}
