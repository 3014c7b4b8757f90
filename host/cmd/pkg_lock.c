/*
 * `orris pkg lock`: the versions of a package's parts, written into the lock file.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/app/app.h"
#include "host/base/path.h"
#include "host/base/say.h"
#include "host/cmd/cmd.h"
#include "host/config/config.h"
#include "host/pkg/pin.h"
#include "host/pkg/pkg.h"
#include "host/record/lock.h"

/* Replaces the section of the file, or begins a file with it. */
static bool write_section(const char *path, struct strlist *lines, struct error *err)
{
    struct lock lock = {0};
    bool there = access(path, F_OK) == 0;
    bool good = !there || lock_load(path, &lock, err);
    if (good && !there) {
        char *whole = path_absolute(path);
        lock.folder = path_parent(whole);
        free(whole);
    }
    if (good) {
        struct lock_section *section = lock_section(&lock, PIN_SECTION);
        strlist_clear(&section->lines);
        section->lines = *lines;
        *lines = (struct strlist){0};
        good = lock_save(path, &lock, err);
    }
    lock_clear(&lock);
    return good;
}

static bool lock_packages(const struct app_request *request, struct error *err)
{
    struct config config = {0};
    struct strlist names = {0}, lines = {0};
    const char *path = request->lock_path ? request->lock_path : "orris.lock";
    bool good = !request->config_path || config_load(request->config_path, &config, err);
    for (size_t i = 0; good && i < config.packages.count; i++)
        strlist_add(&names, config.packages.items[i]);
    for (size_t i = 0; i < request->packages.count; i++)
        strlist_add(&names, request->packages.items[i]);
    if (good && !request->package && !names.count)
        good = error_set(err, "no package is named, and %s adds none",
                         request->config_path ? request->config_path : "no configuration");
    good = good && package_pins(request->package, &names, &lines, err);
    size_t count = lines.count;
    good = good && write_section(path, &lines, err);
    if (good)
        say("%s: versions of %zu Debian packages", path, count);
    strlist_clear(&lines);
    strlist_clear(&names);
    if (config.path)
        config_clear(&config);
    return good;
}

/* Flags and the one package. Returns CMD_OK or CMD_USAGE. */
static int take_words(const struct verb *verb, struct app_request *request, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        struct error err = {0};
        const char *word = argv[i];
        static const char *const flags[] = {"--lock", "--pkg", "-c", "--config"};
        bool known = false;
        for (size_t k = 0; k < sizeof(flags) / sizeof(*flags); k++)
            known |= strncmp(word, flags[k], strlen(flags[k])) == 0;
        if (word[0] != '-' && request->package)
            return cmd_usage(verb, "one package at a time, please");
        if (word[0] != '-')
            request->package = mem_string(word);
        else if (strcmp(word, "-q") == 0 || strcmp(word, "--quiet") == 0)
            say_level = SAY_QUIET;
        else if (!known)
            return cmd_unknown_flag(verb, word);
        else if (app_take_flag(request, argc, argv, &i, &err) <= 0)
            return cmd_usage(verb, "%s", err.text);
    }
    return CMD_OK;
}

static int lock_run(const struct verb *verb, int argc, char **argv)
{
    struct error err = {0};
    struct app_request request;
    app_request_init(&request);
    int status = take_words(verb, &request, argc, argv);
    if (status == CMD_OK && !lock_packages(&request, &err)) {
        say_lines(SAY_QUIET, err.text);
        status = CMD_FAILURE;
    }
    app_request_clear(&request);
    return status;
}

const struct verb verb_pkg_lock = {
    .name = "pkg lock",
    .usage = "[--lock FILE] [-c CONFIG] [--pkg NAME]… [PACKAGE]",
    .summary = "Write down the versions that a package is made of.",
    .help = {"Writes the versions and hashes of all Debian packages of PACKAGE, and of those that\n"
             "CONFIG and --pkg add, into the section [packages] of orris.lock. With --locked,\n"
             "`orris pkg load`, `run` and `build` use exactly these, or say what is different.\n"
             "\n"
             "      --lock FILE      another lock file\n"
             "  -c, --config FILE    the configuration whose Packages count\n"
             "      --pkg NAME       a further addition; may be repeated\n"
             "  -q, --quiet          say nothing but errors\n"},
    .run = lock_run,
};
