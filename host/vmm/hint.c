/* The note about what the image lacks. */
#include "host/vmm/hint.h"

#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/app/hostcache.h"
#include "host/base/io.h"
#include "host/base/path.h"
#include "host/base/say.h"
#include "host/pkg/command.h"

/* A file of the same absolute path counts if it was looked for so late. */
#define ABSOLUTE_LATEST 8
#define LINES_READ 12 /* of what was said last */

/* ---- files ---- */

static bool lies_on_host(const char *path)
{
    struct stat stat_path;
    return stat(path, &stat_path) == 0 &&
           (S_ISREG(stat_path.st_mode) || S_ISDIR(stat_path.st_mode));
}

/* What guest is relative to workdir, or NULL. */
static const char *relative_to(const char *guest, const char *workdir)
{
    size_t size = strlen(workdir);
    while (size > 0 && workdir[size - 1] == '/')
        size--;
    if (strncmp(guest, workdir, size) != 0 || guest[size] != '/' || !guest[size + 1])
        return NULL;
    return guest + size + 1;
}

/* Paths of the machine's own, and those that every program tries in vain. */
static bool is_system_path(const char *path)
{
    static const char *const folders[] = {
        "/proc", "/sys", "/dev", "/run", "/tmp", "/usr/lib", "/lib64", "/lib", "/usr/share/locale"};
    static const char *const beginnings[] = {
        "/etc/ld.so",     "/etc/inputrc",     "/etc/terminfo",      "/etc/ssl/",   "/etc/gai.conf",
        "/etc/host.conf", "/etc/resolv.conf", "/etc/nsswitch.conf", "/etc/python3"};
    for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
        if (path_under(path, folders[i]))
            return true;
    for (size_t i = 0; i < sizeof(beginnings) / sizeof(beginnings[0]); i++)
        if (strncmp(path, beginnings[i], strlen(beginnings[i])) == 0)
            return true;
    return false;
}

char *hint_find_file(const struct strlist *missing, const char *workdir, const char **guest)
{
    for (size_t i = missing->count; i-- > 0;) {
        const char *relative = relative_to(missing->items[i], workdir ? workdir : "/");
        *guest = missing->items[i];
        if (relative && lies_on_host(relative))
            return mem_string(relative);
    }
    for (size_t i = missing->count; i-- > 0 && missing->count - i <= ABSOLUTE_LATEST;) {
        *guest = missing->items[i];
        if (!is_system_path(*guest) && lies_on_host(*guest))
            return mem_string(*guest);
    }
    return NULL;
}

/* ---- what was said ---- */

/* The text between before and the first byte of ends, owned by the caller; NULL if before isn't in
 * line, or nothing follows it. */
static char *text_between(const char *line, const char *before, const char *ends)
{
    const char *at = strstr(line, before);
    size_t length = at ? strcspn(at + strlen(before), ends) : 0;
    return length ? mem_printf("%.*s", (int)length, at + strlen(before)) : NULL;
}

/* The word that ends where end begins in line. */
static char *word_before(const char *line, const char *end)
{
    const char *stop = strstr(line, end);
    if (!stop)
        return NULL;
    const char *start = stop;
    while (start > line && !strchr(" '\"", start[-1]))
        start--;
    return start < stop ? mem_printf("%.*s", (int)(stop - start), start) : NULL;
}

static struct lacking read_line(const char *line)
{
    char *name = text_between(line, "ModuleNotFoundError: No module named '", "'\n");
    if (name)
        return (struct lacking){LACK_MODULE, name};
    name = word_before(line, ": cannot open shared object file: No such file");
    return (struct lacking){name ? LACK_LIBRARY : LACK_NOTHING, name};
}

struct lacking hint_read(const char *text)
{
    struct lacking found = {0};
    size_t end = strlen(text);
    for (int i = 0; i < LINES_READ && end && !found.kind; i++) {
        end -= text[end - 1] == '\n';
        size_t start = end;
        while (start && text[start - 1] != '\n')
            start--;
        char *line = mem_printf("%.*s", (int)(end - start), text + start);
        found = read_line(line);
        free(line);
        end = start;
    }
    return found;
}

/* ---- where the host has it ---- */

static const char *config_of(const struct run_options *options)
{
    return options->config_path ? options->config_path : "config.json (with -c)";
}

/* What puts a path of the host where it belongs. Owned by the caller, as all that follow. */
static char *add_path(const char *path, const struct run_options *options)
{
    struct stat info;
    if (options->locked)
        return mem_printf("`orris record --keep '%s' …`, or a recording that uses it, adds it",
                          path);
    bool folder = stat(path, &info) == 0 && S_ISDIR(info.st_mode);
    return mem_printf("\"%s\": [\"%s\"] in %s adds it", folder ? "Dirs" : "Files", path,
                      config_of(options));
}

/* A folder of modules that the program itself adds to its search path. */
static char *add_folder(const char *path, const struct run_options *options)
{
    char *folder = path_parent(path);
    char *line = add_path(folder, options);
    free(folder);
    return line;
}

static char *add_python_path(const char *path, const struct run_options *options)
{
    (void)path;
    (void)options;
    return mem_string("-e PYTHONPATH takes it along");
}

static char *add_environment(const char *path, const struct run_options *options)
{
    (void)path;
    (void)options;
    return mem_printf("%s/bin/python as the program takes it along", getenv("VIRTUAL_ENV"));
}

static char *add_own(const char *path, const struct run_options *options)
{
    (void)path;
    return mem_printf("\"MapDirs\": {\"$HOME/.local/*\": \"/.local\"} in %s adds it",
                      config_of(options));
}

/* The Debian package that a file belongs to. */
static char *add_package(const char *path, const struct run_options *options)
{
    const char *argv[] = {"dpkg-query", "-S", path, NULL};
    struct buf out = {0};
    struct error err;
    struct command command = {.argv = argv, .out = &out};
    bool good = command_run(&command, &err) == 0 && out.data;
    size_t length = good ? strcspn(out.data, ":,\n") : 0;
    char *line = length ? mem_printf("\"Packages\": [\"%.*s\"] in %s adds it", (int)length,
                                     out.data, config_of(options))
                        : add_path(path, options);
    buf_clear(&out);
    return line;
}

/* The first match of a pattern, or NULL. */
static char *glob_first(const char *pattern)
{
    glob_t found = {0};
    char *first = glob(pattern, 0, NULL, &found) == 0 ? mem_string(found.gl_pathv[0]) : NULL;
    globfree(&found);
    return first;
}

/* What a module's name (with slashes) means in a folder: its file, or its package's folder. */
static char *module_in(const char *folder, const char *name)
{
    static const char *const forms[] = {".py", ".*.so", ".so", "/__init__.py", "/*.py"};
    const char *before = strcmp(folder, ".") ? folder : "", *slash = *before ? "/" : "";
    char *path = NULL;
    for (size_t i = 0; i < sizeof(forms) / sizeof(*forms) && !path; i++) {
        char *pattern = mem_printf("%s%s%s%s", before, slash, name, forms[i]);
        path = glob_first(pattern);
        free(pattern);
        if (path && *forms[i] == '/')
            *strrchr(path, '/') = 0;
    }
    return path;
}

/* Where modules lie, and what adds those that lie there. */
struct place {
    const char *variable; /* the folder is this variable's value; lists have colons. Or NULL */
    const char *below;    /* a pattern, after the variable's value */
    char *(*remedy)(const char *path, const struct run_options *options);
};

static const struct place places[] = {
    {NULL, ".", add_path},
    {"PYTHONPATH", "", add_python_path},
    {NULL, "*", add_folder},
    {"VIRTUAL_ENV", "/lib/python3*/site-packages", add_environment},
    {"HOME", "/.local/lib/python3*/site-packages", add_own},
    {NULL, "/usr/local/lib/python3*/dist-packages", add_path},
    {NULL, "/usr/lib/python3/dist-packages", add_package},
    {NULL, "/usr/lib/python3*", add_package},
};

/* The module in one of the folders that a pattern matches. */
static char *module_below(const char *pattern, const char *name)
{
    glob_t found = {0};
    char *path = NULL;
    if (glob(pattern, 0, NULL, &found) == 0)
        for (size_t i = 0; i < found.gl_pathc && !path; i++)
            path = module_in(found.gl_pathv[i], name);
    globfree(&found);
    return path;
}

static char *module_at(const struct place *place, const char *name)
{
    const char *list = place->variable ? getenv(place->variable) : "";
    char *path = NULL;
    while (list && !path) {
        size_t length = strcspn(list, ":");
        char *pattern = mem_printf("%.*s%s", (int)length, list, place->below);
        path = *pattern ? module_below(pattern, name) : NULL;
        free(pattern);
        list = list[length] ? list + length + 1 : NULL;
    }
    return path;
}

static bool say_module(const char *module, const struct run_options *options)
{
    char *name = mem_string(module), *path = NULL;
    for (char *at = name; *at; at++)
        *at = *at == '.' ? '/' : *at;
    for (size_t i = 0; i < sizeof(places) / sizeof(*places) && !path; i++) {
        path = module_at(&places[i], name);
        if (!path)
            continue;
        char *line = options->locked ? add_path(path, options) : places[i].remedy(path, options);
        say("the image lacks the module %s; %s lies on the host: %s", module, path, line);
        free(line);
    }
    bool said = path != NULL;
    free(path);
    free(name);
    return said;
}

/* The library that ld.so would take for name, or the file itself. */
static char *library_path(const char *name)
{
    struct hostcache cache = {0};
    struct buf text = {0};
    if (strchr(name, '/'))
        return access(name, R_OK) == 0 ? mem_string(name) : NULL;
    const char *listed = getenv("LD_LIBRARY_PATH");
    char *beside = listed ? mem_printf("%.*s/%s", (int)strcspn(listed, ":"), listed, name) : NULL;
    if (beside && access(beside, R_OK) == 0)
        return beside;
    free(beside);
    const struct hostcache_entry *entry = NULL;
    if (io_read_file("/etc/ld.so.cache", &text, NULL) && hostcache_parse(&cache, &text))
        entry = hostcache_find(&cache, name);
    char *path = entry ? mem_string(entry->path) : NULL;
    hostcache_clear(&cache);
    buf_clear(&text);
    return path;
}

static bool say_library(const char *name, const struct run_options *options)
{
    char *path = library_path(name);
    if (path) {
        char *line = add_path(path, options);
        say("the image lacks the library %s; %s lies on the host: %s", name, path, line);
        free(line);
    }
    bool said = path != NULL;
    free(path);
    return said;
}

static void say_file(const struct relay_result *result, const struct run_options *options)
{
    const char *guest;
    char *host = hint_find_file(&result->missing, options->workdir, &guest);
    if (!host)
        return;
    char *line = add_path(host, options);
    say("%s was not found in the image, but %s lies on the host: %s", guest,
        strcmp(guest, host) == 0 ? "it" : host, line);
    free(line);
    free(host);
}

static bool say_lacking(const struct buf *text, const struct run_options *options)
{
    struct lacking lacking = hint_read(text->data ? text->data : "");
    bool said = (lacking.kind == LACK_MODULE && say_module(lacking.name, options)) ||
                (lacking.kind == LACK_LIBRARY && say_library(lacking.name, options));
    free(lacking.name);
    return said;
}

void hint_say(const struct relay_result *result, const struct run_options *options, int status)
{
    if (status == 0 && say_level < SAY_VERBOSE)
        return;
    if (!say_lacking(&result->said[1], options) && !say_lacking(&result->said[0], options))
        say_file(result, options);
}
