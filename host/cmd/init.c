/*
 * `orris init`: a config.json for what a folder holds. JSON has no comments, so every key explains
 * itself beside it: a key that begins with "//" is a comment, here and in every configuration.
 */
#include <dirent.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/base/buf.h"
#include "host/base/fresh.h"
#include "host/base/io.h"
#include "host/base/path.h"
#include "host/base/say.h"
#include "host/cmd/cmd.h"

/* Names that a program's first file has, the likeliest first. */
static const char *const first_files[] = {
    "main.py",  "app.py",    "__main__.py", "server.py", "run.py", "main.js",
    "index.js", "server.js", "app.js",      "main.rb",   "app.rb", "main.pl",
    "main.php", "index.php", "main.lua",    "a.out",     "main",   "run.sh",
};

/* Folders that such programs read. */
static const char *const data_folders[] = {"data",   "templates", "static", "assets",
                                           "models", "public",    "views",  "config"};

struct kind {
    const char *ending, *interpreter;
};

static const struct kind kinds[] = {
    {".py", "python3"}, {".js", "node"}, {".rb", "ruby"},
    {".pl", "perl"},    {".php", "php"}, {".lua", "lua5.4"},
};

static const struct kind *kind_of(const char *name)
{
    const char *dot = strrchr(name, '.');
    for (size_t i = 0; dot && i < sizeof(kinds) / sizeof(*kinds); i++)
        if (strcmp(dot, kinds[i].ending) == 0)
            return &kinds[i];
    return NULL;
}

static bool is_elf(const char *path)
{
    char magic[4] = "";
    FILE *file = fopen(path, "re");
    bool elf = file && fread(magic, 1, 4, file) == 4 && memcmp(magic, "\177ELF", 4) == 0;
    if (file)
        fclose(file);
    return elf && access(path, X_OK) == 0;
}

static int is_program(const struct dirent *entry)
{
    return entry->d_name[0] != '.' && (kind_of(entry->d_name) || is_elf(entry->d_name));
}

/* The file that the program begins with: a likely name, else the only one. Owned by the caller, or
 * NULL. */
static char *find_program(void)
{
    struct dirent **entries = NULL;
    char *found = NULL;
    for (size_t i = 0; !found && i < sizeof(first_files) / sizeof(*first_files); i++)
        if (access(first_files[i], R_OK) == 0 &&
            (kind_of(first_files[i]) || access(first_files[i], X_OK) == 0))
            found = mem_string(first_files[i]);
    int count = found ? 0 : scandir(".", &entries, is_program, alphasort);
    if (count == 1)
        found = mem_string(entries[0]->d_name);
    for (int i = 0; i < count; i++)
        free(entries[i]);
    free(entries);
    return found;
}

static void comment(json_t *config, const char *key, const char *text)
{
    char *name = mem_printf("// %s", key);
    json_object_set_new(config, name, json_string(text));
    free(name);
}

/* The interpreter: the folder's own environment's, if it has one. */
static char *interpreter_of(const struct kind *kind)
{
    struct stat info;
    if (strcmp(kind->ending, ".py") == 0 && stat(".venv/bin/python", &info) == 0)
        return mem_string(".venv/bin/python");
    return mem_string(kind->interpreter);
}

static void add_program(json_t *config, const char *program)
{
    const struct kind *kind = kind_of(program);
    char *name = kind ? interpreter_of(kind) : mem_printf("./%s", program);
    json_t *args = json_array();
    if (kind)
        json_array_append_new(args, json_string(program));
    comment(config, "Program",
            "what runs: found on this host, with the libraries and modules it "
            "needs");
    json_object_set_new(config, "Program", json_string(name));
    comment(config, "Args", "its arguments; -a adds to them. A file that is named here goes in");
    json_object_set_new(config, "Args", args);
    free(name);
}

static void add_folders(json_t *config)
{
    json_t *dirs = json_array();
    struct stat info;
    for (size_t i = 0; i < sizeof(data_folders) / sizeof(*data_folders); i++)
        if (stat(data_folders[i], &info) == 0 && S_ISDIR(info.st_mode))
            json_array_append_new(dirs, json_string(data_folders[i]));
    comment(config, "Dirs",
            "folders that it reads, each at the same path below /; Files does so "
            "with single files");
    json_object_set_new(config, "Dirs", dirs);
}

static json_t *make_config(const char *program)
{
    json_t *config = json_object(), *run = json_object();
    comment(config, "",
            "made by `orris init`; run it with: orris run -c config.json. Keys that "
            "begin with // are comments; `orris help config` lists all others");
    add_program(config, program);
    add_folders(config);
    comment(config, "Env",
            "its variables; -e overrides them. $NAME takes the host's value, $$ is a "
            "dollar. Secrets don't belong here: --secret and --env-file");
    json_object_set_new(config, "Env", json_object());
    comment(config, "Mounts",
            "folders of the host while it runs: {\"output\": \"/output\"}; what it "
            "writes anywhere else is lost at the end");
    json_object_set_new(config, "Mounts", json_object());
    comment(run, "Memory", "of the machine; it is taken only as it is used");
    json_object_set_new(run, "Memory", json_string("2G"));
    json_object_set_new(config, "RunConfig", run);
    return config;
}

static bool write_config(const char *path, const char *program, struct error *err)
{
    json_t *config = make_config(program);
    char *text = json_dumps(config, JSON_INDENT(4)), *whole = mem_printf("%s\n", text);
    bool good = io_write_file(path, whole, strlen(whole), 0666, err);
    json_decref(config);
    free(text);
    free(whole);
    return good;
}

static int init_run(const struct verb *verb, int argc, char **argv)
{
    static const char path[] = "config.json";
    struct error err;
    bool force = argc > 1 && (strcmp(argv[1], "-f") == 0 || strcmp(argv[1], "--force") == 0);
    if (argc > 1 + force && argv[1 + force][0] == '-')
        return cmd_unknown_flag(verb, argv[1 + force]);
    if (argc > 2 + force)
        return cmd_usage(verb, "one program is enough");
    if (!force && access(path, F_OK) == 0) {
        say_error("%s is there already; --force replaces it", path);
        return CMD_FAILURE;
    }
    char *program = argc > 1 + force ? mem_string(argv[1 + force]) : find_program();
    if (!program)
        say_error("which program is it? None here has a usual name (main.py, app.py, index.js …): "
                  "`orris init FILE` names it");
    else if (access(program, R_OK) != 0)
        say_error("%s: no such file", program);
    bool good = program && access(program, R_OK) == 0;
    if (good && !write_config(path, program, &err)) {
        say_lines(SAY_QUIET, err.text);
        good = false;
    }
    if (good)
        say("wrote %s for %s; try: orris run -c %s", path, program, path);
    free(program);
    return good ? CMD_OK : CMD_FAILURE;
}

const struct verb verb_init = {
    .name = "init",
    .usage = "[--force] [FILE]",
    .summary = "Write a commented config.json for what this folder holds.",
    .help =
        {"FILE is what the program begins with; without it a usual name is looked for (main.py,\n"
         "app.py, index.js …), or the only program here.\n"
         "\n"
         "  -f, --force          replace a config.json\n"},
    .run = init_run,
};
