/*
 * The tool's entry: finds the verb and hands over. A new verb is one line in VERBS.
 */
#include <stdbool.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "host/base/buf.h"
#include "host/base/nearest.h"
#include "host/base/say.h"
#include "host/cmd/cmd.h"
#include "host/cmd/describe.h"
#include "host/config/config.h"
#include "host/vmm/inherited.h"
#include "host/vmm/streams.h"

/* In the order of `orris --help`. Each is a `const struct verb verb_NAME` in a file of its own. */
#define VERBS(VERB)                                                                                \
    VERB(run)                                                                                      \
    VERB(build)                                                                                    \
    VERB(boot)                                                                                     \
    VERB(record)                                                                                   \
    VERB(why)                                                                                      \
    VERB(size)                                                                                     \
    VERB(pkg_load)                                                                                 \
    VERB(pkg_get)                                                                                  \
    VERB(pkg_list)                                                                                 \
    VERB(pkg_search)                                                                               \
    VERB(pkg_describe)                                                                             \
    VERB(pkg_contents)                                                                             \
    VERB(pkg_add)                                                                                  \
    VERB(pkg_from_run)                                                                             \
    VERB(pkg_lock)                                                                                 \
    VERB(pkg_delete)                                                                               \
    VERB(image_create)                                                                             \
    VERB(image_list)                                                                               \
    VERB(image_delete)                                                                             \
    VERB(image_ls)                                                                                 \
    VERB(image_tree)                                                                               \
    VERB(image_size)                                                                               \
    VERB(image_inspect)                                                                            \
    VERB(image_verify)                                                                             \
    VERB(image_cat)                                                                                \
    VERB(image_cp)                                                                                 \
    VERB(image_prune)                                                                              \
    VERB(instance_create)                                                                          \
    VERB(instance_list)                                                                            \
    VERB(instance_logs)                                                                            \
    VERB(instance_stats)                                                                           \
    VERB(instance_stop)                                                                            \
    VERB(instance_delete)                                                                          \
    VERB(prune)                                                                                    \
    VERB(init)                                                                                     \
    VERB(profile)                                                                                  \
    VERB(completion)                                                                               \
    VERB(doctor)                                                                                   \
    VERB(version)

#define VERB_DECLARE(name) extern const struct verb verb_##name;
#define VERB_ENTRY(name) &verb_##name,
VERBS(VERB_DECLARE)

const struct verb *const all_verbs[] = {VERBS(VERB_ENTRY) NULL};

#define VERB_COUNT (sizeof(all_verbs) / sizeof(all_verbs[0]) - 1)

static const char main_help[] =
    "orris turns a program and what it needs into a machine image with nothing else in it, and\n"
    "runs it: `orris run X` behaves as running X does, in a machine of its own.\n"
    "\n"
    "usage: orris VERB [FLAGS] …\n"
    "\n";

static const char main_help_end[] =
    "\n"
    "`orris VERB -h` explains a verb and its flags; `man orris` has it all.\n"
    "\n"
    "A machine has 2 GiB of memory unless -m or the configuration says otherwise.\n"
    "\n"
    "Exit status: of `run` and `pkg load` the program's own, 0 to 255; 128+N after signal N;\n"
    "  125 if the tool could not run it; 124 if orris's own kernel failed; 2 after wrong usage. "
    "Of\n"
    "  all other verbs 0, 1 after a failure, 2 after wrong usage.\n"
    "\n"
    "Files: ~/.orris (or $ORRIS_HOME) holds images, packages and what was measured of this host.\n";

static int main_print_help(void)
{
    fputs(main_help, stdout);
    for (size_t i = 0; i < VERB_COUNT; i++)
        print("  %-14s %s\n", all_verbs[i]->name, all_verbs[i]->summary);
    fputs(main_help_end, stdout);
    return CMD_OK;
}

/* `orris help config` */
static int main_help_config(const char *how)
{
    if (how && strcmp(how, "--markdown") == 0) { /* as docs/config.md has it */
        config_print_keys(stdout, true);
        return CMD_OK;
    }
    puts("config.json (-c FILE) is a JSON object. Paths in it are relative to its own folder.\n");
    config_print_keys(stdout, false);
    return CMD_OK;
}

/* For the makefile: `orris help --verbs`, `orris help --man [VERB…]`. */
static int main_describe(int argc, char **argv)
{
    char *name = mem_string(argc > 3 ? argv[3] : "");
    if (argc == 3 && strcmp(argv[2], "--man") == 0)
        describe_man_all();
    if (argc > 4) {
        free(name);
        name = mem_printf("%s %s", argv[3], argv[4]);
    }
    for (size_t i = 0; i < VERB_COUNT; i++) {
        if (strcmp(argv[2], "--verbs") == 0)
            puts(all_verbs[i]->name);
        else if (strcmp(all_verbs[i]->name, name) == 0)
            describe_man(all_verbs[i]);
    }
    free(name);
    return fflush(stdout) ? CMD_FAILURE : CMD_OK;
}

/* How many words of argv[1…] are name's, or 0. */
static int verb_words(const char *name, int argc, char **argv)
{
    int words = 0;
    while (*name && words + 1 < argc) {
        const char *word = argv[words + 1];
        size_t size = strlen(word);
        if (strncmp(name, word, size) != 0 || (name[size] != ' ' && name[size] != 0))
            return 0;
        name += size + (name[size] == ' ');
        words++;
    }
    return *name ? 0 : words;
}

/* Whether name's first word is word and more follow. */
static bool verb_in_group(const char *name, const char *word)
{
    size_t size = strlen(word);
    return strncmp(name, word, size) == 0 && name[size] == ' ';
}

static bool is_help(const char *word)
{
    return strcmp(word, "-h") == 0 || strcmp(word, "--help") == 0 || strcmp(word, "help") == 0;
}

/* `orris pkg`: what there is under it. */
static int main_group(const char *word, int argc, char **argv)
{
    if (argc > 2 && !is_help(argv[2])) {
        const char *names[VERB_COUNT + 1] = {0};
        size_t count = 0;
        for (size_t i = 0; i < VERB_COUNT; i++)
            if (verb_in_group(all_verbs[i]->name, word))
                names[count++] = all_verbs[i]->name + strlen(word) + 1;
        const char *near = nearest(argv[2], names);
        if (near)
            say_error("unknown verb \"%s %s\" (did you mean \"%s %s\"?)", word, argv[2], word,
                      near);
        else
            say_error("unknown verb \"%s %s\"; see `orris %s -h`", word, argv[2], word);
        return CMD_USAGE;
    }
    FILE *out = argc > 2 ? stdout : stderr;
    fprintf(out, "usage:\n");
    for (size_t i = 0; i < VERB_COUNT; i++)
        if (verb_in_group(all_verbs[i]->name, word))
            fprintf(out, "  orris %-12s %s\n", all_verbs[i]->name, all_verbs[i]->summary);
    return argc > 2 ? CMD_OK : CMD_USAGE;
}

/* Verbs of the article's tool that make no sense on one machine, or have another name here. */
static const struct {
    const char *name, *instead;
} other_verbs[] = {
    {"deploy",
     "orris speaks to no cloud; `orris build` makes an image, `orris instance create` runs "
     "one in the background"},
    {"network", "QEMU gives a machine its network; there is nothing to set up"},
    {"volume", "there are no volumes; `orris run --mount DIR:/path` puts a folder of the host in"},
    {"compose",
     "each machine is one of its own; start them one by one with `orris instance create`"},
    {"cron", "cron on this host can start `orris run`"},
    {"env", "what runs on this host runs; no machine is needed to build for it"},
    {"update", "update it as it was installed: by apt, or with git pull && make install"},
};

static bool main_refuse(const char *word)
{
    for (size_t i = 0; i < sizeof(other_verbs) / sizeof(*other_verbs); i++)
        if (strcmp(other_verbs[i].name, word) == 0) {
            say_error("there is no verb %s: %s", word, other_verbs[i].instead);
            return true;
        }
    return false;
}

static int main_unknown(const char *word)
{
    if (main_refuse(word))
        return CMD_USAGE;
    const char *names[VERB_COUNT + 1] = {0};
    for (size_t i = 0; i < VERB_COUNT; i++)
        names[i] = all_verbs[i]->name;
    const char *near = nearest(word, names);
    const char *what = word[0] == '-' ? "flag" : "verb";
    if (near)
        say_error("unknown %s \"%s\" (did you mean \"%s\"?)", what, word, near);
    else
        say_error("unknown %s \"%s\"; see `orris --help`", what, word);
    return CMD_USAGE;
}

static bool host_supported(void)
{
    struct utsname name;
    if (uname(&name) != 0)
        return true;
    if (strcmp(name.sysname, "Linux") == 0 && strcmp(name.machine, "x86_64") == 0)
        return true;
    say_error("this is %s on %s; orris runs on Linux on x86-64 only", name.sysname, name.machine);
    return false;
}

static int verb_start(const struct verb *verb, int argc, char **argv)
{
    if (argc > 1 && (strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "--help") == 0))
        return cmd_help(verb);
    return verb->run(verb, argc, argv);
}

int main(int argc, char **argv)
{
    streams_guard();
    inherited_look();
    if (argc < 2) {
        say_error("what is to be done? see `orris --help`");
        return CMD_USAGE;
    }
    if (is_help(argv[1]) && argc == 2)
        return main_print_help();
    if (strcmp(argv[1], "help") == 0 && strcmp(argv[2], "config") == 0)
        return main_help_config(argv[3]);
    if (strcmp(argv[1], "help") == 0 &&
        (strcmp(argv[2], "--verbs") == 0 || strcmp(argv[2], "--man") == 0))
        return main_describe(argc, argv);
    if (strcmp(argv[1], "help") == 0) { /* `orris help run` = `orris run -h` */
        argc--;
        argv++;
        for (size_t i = 0; i < VERB_COUNT; i++)
            if (verb_words(all_verbs[i]->name, argc, argv))
                return cmd_help(all_verbs[i]);
    }
    if (strcmp(argv[1], "--version") == 0)
        argv[1] = (char *)"version";
    if (!host_supported())
        return CMD_RUN_FAILED;
    for (size_t i = 0; i < VERB_COUNT; i++) {
        int words = verb_words(all_verbs[i]->name, argc, argv);
        if (words)
            return verb_start(all_verbs[i], argc - words, argv + words);
    }
    for (size_t i = 0; i < VERB_COUNT; i++)
        if (verb_in_group(all_verbs[i]->name, argv[1]))
            return main_group(argv[1], argc, argv);
    return main_unknown(argv[1]);
}
