/*
 * From PROGRAM to an executable: what a shell and the kernel would start for it. A script becomes
 * its interpreter with the script as an argument, as often as needed.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/app/argument.h"
#include "host/app/elf.h"
#include "host/app/guestenv.h"
#include "host/app/launch.h"
#include "host/base/io.h"
#include "host/base/path.h"
#include "host/base/say.h"

#define LINE_MAX_SIZE 256 /* as much of a "#!" line as Linux reads */
#define NESTING_MAX 5     /* interpreters that are scripts; Linux's limit */

enum runtime runtime_of(const char *path)
{
    const char *name = path_base(path);
    if (!strncmp(name, "python", 6) && name[6 + strspn(name + 6, "0123456789.")] == 0)
        return RUNTIME_PYTHON;
    if (!strncmp(name, "pypy", 4))
        return RUNTIME_PYTHON;
    if (!strncmp(name, "perl", 4) && name[4 + strspn(name + 4, "0123456789.")] == 0)
        return RUNTIME_PERL;
    if (!strcmp(name, "node") || !strcmp(name, "nodejs"))
        return RUNTIME_NODE;
    if (!strcmp(name, "java"))
        return RUNTIME_JAVA;
    return RUNTIME_NONE;
}

void launch_clear(struct launch *launch)
{
    free(launch->script);
    free(launch->script_guest);
    free(launch->python_tag);
    strlist_clear(&launch->roots);
}

char *launch_guest_path(const struct launch *launch, const char *path)
{
    char *joined = path_join(launch->workdir ? launch->workdir : "/", path);
    char *clean = path_clean(joined);
    free(joined);
    return clean;
}

static bool has_ending(const char *name, const char *const *endings)
{
    const char *dot = strrchr(path_base(name), '.');
    for (; dot && *endings; endings++)
        if (!strcmp(dot, *endings))
            return true;
    return false;
}

/* The interpreter for a file with this ending, or NULL. */
static const char *ending_interpreter(const char *name)
{
    static const char *const python[] = {".py", ".pyc", ".pyz", NULL};
    static const char *const node[] = {".js", ".mjs", ".cjs", NULL};
    return has_ending(name, python) ? "python3" : has_ending(name, node) ? "node" : NULL;
}

/* The first executable file called name in PATH, as execvp() finds it. */
static char *search_path(struct image_spec *spec, const char *name)
{
    const char *list = getenv("PATH");
    list = list ? list : guestenv_path;
    for (;;) {
        size_t length = strcspn(list, ":");
        char *path = length ? mem_printf("%.*s/%s", (int)length, list, name) : mem_string(name);
        char *whole = path_absolute(path);
        free(path);
        struct stat info;
        if (watch_use(&spec->watch, whole, &info) && S_ISREG(info.st_mode) &&
            access(whole, X_OK) == 0)
            return whole;
        free(whole);
        if (!list[length])
            return NULL;
        list += length + 1;
    }
}

char *program_find(struct image_spec *spec, const char *folder, const char *name, struct error *err)
{
    char *joined = path_join(folder, name);
    char *here = path_clean(joined);
    free(joined);
    struct stat info;
    bool by_path = strchr(name, '/') || ending_interpreter(name) || *name == '.';
    if (by_path && watch_follow(&spec->watch, here, &info, NULL))
        return here;
    char *found = strchr(name, '/') ? NULL : search_path(spec, name);
    if (found) {
        free(here);
        return found;
    }
    if (!by_path && watch_follow(&spec->watch, here, &info, NULL) && S_ISREG(info.st_mode))
        return here;
    if (strchr(name, '/'))
        error_set(err, "%s: no such file", name);
    else
        error_set(err, "%s: not found, neither in PATH nor in this folder", name);
    free(here);
    return NULL;
}

/* The words of a "#!" line, as Linux takes them: the interpreter and at most one argument. */
struct hash_bang {
    char *interpreter, *argument; /* NULL: none */
};

static bool read_hash_bang(const char *path, struct hash_bang *line)
{
    char text[LINE_MAX_SIZE + 1];
    *line = (struct hash_bang){0};
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t size = fd < 0 ? -1 : io_pread(fd, text, LINE_MAX_SIZE, 0);
    if (fd >= 0)
        close(fd);
    if (size < 2 || text[0] != '#' || text[1] != '!')
        return false;
    text[size] = 0;
    text[strcspn(text, "\n")] = 0;
    char *at = text + 2 + strspn(text + 2, " \t");
    size_t length = strcspn(at, " \t");
    char *rest = at + length + strspn(at + length, " \t");
    for (size_t end = strlen(rest); end && isspace((unsigned char)rest[end - 1]); end--)
        rest[end - 1] = 0;
    at[length] = 0;
    line->interpreter = mem_string(at);
    line->argument = *rest ? mem_string(rest) : NULL;
    return length > 0;
}

static void hash_bang_clear(struct hash_bang *line)
{
    free(line->interpreter);
    free(line->argument);
}

static void env_assign(struct closure *closure, const char *assignment)
{
    guestenv_set(&closure->spec->env, assignment);
    guestenv_set(&closure->env, assignment);
}

/* Adds the command that `env ARGUMENT` starts to args. Only what stands in "#!" lines is
 * understood: -S, NAME=VALUE, a program. */
static bool env_command(struct closure *closure, const char *argument, struct strlist *args,
                        const char *script, struct error *err)
{
    char *words = mem_string(argument);
    char *rest = words;
    if (!strncmp(rest, "-S", 2))
        rest += 2;
    else if (!strncmp(rest, "--split-string=", 15))
        rest += 15;
    for (char *word; (word = strsep(&rest, " \t"));) {
        if (!*word)
            continue;
        if (!args->count && strchr(word, '=') && *word != '=')
            env_assign(closure, word);
        else if (!args->count && *word == '-' && strcmp(word, "--"))
            say("%s: env's flag %s counts for nothing here", script, word);
        else if (args->count || strcmp(word, "--"))
            strlist_add(args, word);
    }
    free(words);
    return args->count || error_set(err, "%s: its first line names no program after env", script);
}

/* A program on its way to be found: its host path, argv so far (argv[0] first), and what it was
 * called. */
struct found {
    char *path;
    struct strlist args;
    bool searched; /* found in PATH by its bare name */
};

static void found_clear(struct found *found)
{
    free(found->path);
    strlist_clear(&found->args);
}

/* Replaces found's program by the one called name, with its further arguments before the script. */
static bool found_interpreter(struct launch *launch, struct found *found, struct strlist *command,
                              const char *script, struct error *err)
{
    struct image_spec *spec = launch->closure->spec;
    const char *name = command->count ? command->items[0] : "";
    char *path = program_find(spec, "/", name, err);
    if (!path)
        return error_prefix(err, "the interpreter of %s", script);
    const char *called = found->searched ? found->path : found->args.items[0];
    if (!launch->script) {
        launch->script = mem_string(found->path);
        launch->script_guest = launch_guest_path(launch, called);
    }
    struct strlist args = {0};
    for (size_t i = 0; i < command->count; i++)
        strlist_add(&args, command->items[i]);
    for (size_t i = 0; i < found->args.count; i++)
        strlist_add(&args, i ? found->args.items[i] : called);
    bool searched = !strchr(name, '/');
    found_clear(found);
    *found = (struct found){.path = path, .args = args, .searched = searched};
    return true;
}

static bool found_by_line(struct launch *launch, struct found *found, const struct hash_bang *line,
                          struct error *err)
{
    struct strlist command = {0};
    char *script = mem_string(found->path);
    bool good = true;
    if (!strcmp(path_base(line->interpreter), "env") && line->argument) {
        good = env_command(launch->closure, line->argument, &command, script, err);
    } else {
        strlist_add(&command, line->interpreter);
        if (line->argument)
            strlist_add(&command, line->argument);
    }
    if (!launch->script)
        launch->script_by_line = true;
    good = good && found_interpreter(launch, found, &command, script, err);
    free(script);
    strlist_clear(&command);
    return good;
}

static bool found_by_ending(struct launch *launch, struct found *found, const char *interpreter,
                            struct error *err)
{
    struct strlist command = {0};
    char *script = mem_string(found->path);
    strlist_add(&command, interpreter);
    bool good = found_interpreter(launch, found, &command, script, err);
    free(script);
    strlist_clear(&command);
    return good;
}

/* One step: what the file at found->path is. *done if it is an ELF file that can be started. */
static bool found_step(struct launch *launch, struct found *found, bool *done, struct error *err)
{
    struct stat info;
    struct elf elf;
    const char *path = found->path;
    if (stat(path, &info))
        return error_errno(err, "%s", path);
    if (S_ISDIR(info.st_mode))
        return error_set(err, "%s is a folder, not a program", path);
    if (!S_ISREG(info.st_mode))
        return error_set(err, "%s is neither a program nor a script", path);
    enum elf_kind kind = elf_read(path, &elf, err);
    bool executable = elf.executable;
    elf_clear(&elf);
    bool may_run = (info.st_mode & 0111) != 0;
    if (kind == ELF_FOREIGN || kind == ELF_BROKEN)
        return false;
    if (kind == ELF_GOOD) {
        *done = true;
        return (executable || error_set(err, "%s is a library, not a program", path)) &&
               (may_run || error_set(err, "%s may not be executed: `chmod +x %s`", path, path));
    }
    bool is_python = runtime_of(path) == RUNTIME_PYTHON;
    if (is_python || pyenv_is_shim(path)) {
        struct image_spec *spec = launch->closure->spec;
        char *real = is_python ? python_follow(spec, path, err) : pyenv_follow(spec, path, err);
        if (!real)
            return false;
        free(found->path);
        free(found->args.items[0]);
        found->path = real;
        found->args.items[0] = mem_string(real); /* as the shim starts it */
        found->searched = false;
        return true;
    }
    struct hash_bang line;
    const char *interpreter = ending_interpreter(path);
    bool has_line = read_hash_bang(path, &line);
    bool good = has_line && (may_run || interpreter) ? found_by_line(launch, found, &line, err)
                : has_line    ? error_set(err, "%s may not be executed: `chmod +x %s`", path, path)
                : interpreter ? found_by_ending(launch, found, interpreter, err)
                              : error_set(err,
                                          "%s is neither an ELF file (a Linux program) nor a "
                                          "script with a \"#!\" line or a known ending (.py, .js)",
                                          path);
    hash_bang_clear(&line);
    return good;
}

static bool in_guest_path(const char *path)
{
    char *folder = path_parent(path);
    char *mark = mem_printf(":%s:", folder), *list = mem_printf(":%s:", guestenv_path);
    bool is_in = strstr(list, mark) != NULL;
    free(folder);
    free(mark);
    free(list);
    return is_in;
}

static bool put_script(struct launch *launch, const char *typed, struct error *err)
{
    if (!launch->script)
        return true;
    launch->closure->spec->tier = TIER_APP;
    return argument_put_passed(launch, typed, launch->folder, err) &&
           spec_add_file(launch->closure->spec, launch->script_guest, launch->script, "the script",
                         err);
}

/* Puts the executable into the image, and the modules of an interpreter. */
static bool put_program(struct launch *launch, struct found *found, const char *typed,
                        struct error *err)
{
    struct image_spec *spec = launch->closure->spec;
    spec->tier = TIER_SYSTEM;
    launch->runtime = runtime_of(found->path);
    bool is_direct = !launch->script && strchr(typed, '/') && *typed != '/';
    bool moves = is_direct && launch->runtime == RUNTIME_NONE;
    char *guest = moves ? launch_guest_path(launch, typed) : NULL;
    if (moves)
        spec->tier = TIER_APP;
    bool good = closure_add_program(launch->closure, found->path, guest, err);
    spec->tier = TIER_SYSTEM;
    spec->program = mem_string(guest ? guest : found->path);
    free(guest);
    bool keep_name = found->searched ? in_guest_path(found->path)
                     : is_direct     ? moves
                                     : *found->args.items[0] == '/';
    for (size_t i = 0; i < found->args.count; i++)
        strlist_add(&spec->args, i == 0 && !keep_name ? found->path : found->args.items[i]);
    if (good && launch->runtime == RUNTIME_PYTHON)
        good = launch->lock ? python_roots(launch, found->path, err)
                            : python_add(launch, found->path, err);
    if (good && launch->runtime == RUNTIME_PERL && !launch->lock)
        good = perl_add(launch->closure, found->path, err);
    if (good && launch->runtime == RUNTIME_JAVA && !launch->lock)
        good = java_add(launch->closure, found->path, err);
    return good && put_script(launch, typed, err);
}

/* Finds what PROGRAM starts. */
static bool find_all(struct launch *launch, const char *program, struct found *found,
                     struct error *err)
{
    *found =
        (struct found){.path = program_find(launch->closure->spec, launch->folder, program, err)};
    if (!found->path)
        return false;
    strlist_add(&found->args, program);
    found->searched = !strchr(program, '/') && !ending_interpreter(program);
    bool done = false, good = true;
    for (int i = 0; i < NESTING_MAX && good && !done; i++)
        good = found_step(launch, found, &done, err);
    return good &&
           (done || error_set(err, "%s: interpreters that are scripts nest too deeply", program));
}

bool launch_program(struct launch *launch, const char *program, struct error *err)
{
    struct found found;
    bool good = find_all(launch, program, &found, err) && put_program(launch, &found, program, err);
    found_clear(&found);
    return good;
}

bool launch_command(struct launch *launch, const char *program, char **path, struct strlist *argv,
                    struct error *err)
{
    struct found found;
    bool good = find_all(launch, program, &found, err);
    if (good) {
        *path = mem_string(found.path);
        for (size_t i = 0; i < found.args.count; i++)
            strlist_add(argv, found.args.items[i]);
    }
    found_clear(&found);
    return good;
}
