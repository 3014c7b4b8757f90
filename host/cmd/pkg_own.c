/*
 * `orris pkg add` and `orris pkg from-run`: packages that don't come from Debian.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/app/app.h"
#include "host/base/buf.h"
#include "host/base/path.h"
#include "host/base/say.h"
#include "host/cmd/cmd.h"
#include "host/pkg/own.h"

static int finish(bool ok, char *id, const struct error *err)
{
    if (ok)
        print("%s\n", id);
    else
        say_lines(SAY_QUIET, err->text);
    free(id);
    return ok ? CMD_OK : CMD_FAILURE;
}

/* Whether word is one of the flags about the tool's own talk, which it then obeys. */
static bool take_talk(const char *word)
{
    if (strcmp(word, "-q") == 0 || strcmp(word, "--quiet") == 0)
        say_level = SAY_QUIET;
    else if (strcmp(word, "-v") == 0 || strcmp(word, "--verbose") == 0)
        say_level = SAY_VERBOSE;
    else
        return false;
    return true;
}

static int add_run(const struct verb *verb, int argc, char **argv)
{
    struct error err = {0};
    const char *source = NULL, *name = NULL;
    for (int i = 1; i < argc; i++) {
        const char *word = argv[i];
        if (take_talk(word))
            continue;
        if (strcmp(word, "--name") == 0 && i + 1 < argc)
            name = argv[++i];
        else if (strncmp(word, "--name=", 7) == 0)
            name = word + 7;
        else if (word[0] == '-')
            return cmd_unknown_flag(verb, word);
        else if (source)
            return cmd_usage(verb, "one package at a time, please");
        else
            source = word;
    }
    if (!source)
        return cmd_usage(verb, "no folder or archive is named");
    char *id;
    bool ok = own_add(source, name, &id, &err);
    return finish(ok, id, &err);
}

/* Takes the flags and NAME; *at becomes the index of PROGRAM. Returns CMD_OK or CMD_USAGE. */
static int from_run_flags(const struct verb *verb, struct app_request *request, int argc,
                          char **argv, const char **name, int *at)
{
    struct error err = {0};
    int i = 1;
    for (; i < argc && !(*name && argv[i][0] != '-'); i++) {
        const char *word = argv[i];
        if (strcmp(word, "--") == 0) {
            i++;
            break;
        }
        if (take_talk(word))
            continue;
        int taken = word[0] != '-' ? 0
                    : strncmp(word, "--keep", 6) == 0 || strncmp(word, "-e", 2) == 0
                        ? app_take_flag(request, argc, argv, &i, &err)
                        : 0;
        if (taken < 0)
            return cmd_usage(verb, "%s", err.text);
        if (!taken && word[0] == '-')
            return cmd_unknown_flag(verb, word);
        if (!taken)
            *name = word;
    }
    *at = i;
    return CMD_OK;
}

/* Records the program and makes an image, which is there for the package only. */
static bool from_run_make(struct app_request *request, const char *name, char **id,
                          struct error *err)
{
    struct app app = {0};
    const char *tmp = getenv("TMPDIR");
    char *folder = mem_printf("%s/orris.XXXXXX", tmp && *tmp ? tmp : "/tmp");
    if (!mkdtemp(folder)) {
        free(folder);
        return error_errno(err, "can't make a folder for the recording");
    }
    request->lock_path = path_join(folder, "orris.lock");
    request->image_name = mem_printf("from-run-%ld", (long)getpid());
    request->trim = request->locked = request->bake = true;
    bool ok = app_prepare(request, &app, err);
    ok = ok && own_add_image(app.image_path, name, id, err);
    if (app.image_path)
        unlink(app.image_path);
    app_clear(&app);
    unlink(request->lock_path);
    rmdir(folder);
    free(folder);
    return ok;
}

static int from_run_with(const struct verb *verb, struct app_request *request, int argc,
                         char **argv)
{
    struct error err = {0};
    const char *name = NULL;
    int at = argc;
    int status = from_run_flags(verb, request, argc, argv, &name, &at);
    if (status != CMD_OK)
        return status;
    if (!name)
        return cmd_usage(verb, "no name for the package is given");
    if (at >= argc)
        return cmd_usage(verb, "no program is named");
    request->program = mem_string(argv[at]);
    for (int i = at + 1; i < argc; i++)
        strlist_add(&request->program_args, argv[i]);
    char *id = NULL;
    bool ok = from_run_make(request, name, &id, &err);
    return finish(ok, id, &err);
}

static int from_run_run(const struct verb *verb, int argc, char **argv)
{
    struct app_request request;
    app_request_init(&request);
    int status = from_run_with(verb, &request, argc, argv);
    app_request_clear(&request);
    return status;
}

const struct verb verb_pkg_add = {
    .name = "pkg add",
    .usage = "[--name NAME[_VERSION]] DIR|TAR",
    .summary = "Put a package of your own into the store.",
    .help =
        {"DIR, or what an archive (.tar, also compressed) holds, has a package.manifest, a JSON\n"
         "object, and a folder sysroot, which becomes the root of the image:\n"
         "\n"
         "  {\"Program\": \"lua_5.2.4/lua\", \"Args\": [\"lua\"], \"Version\": \"5.2.4\"}\n"
         "\n"
         "A Program that begins with a slash is in sysroot; of any other the last part is a file\n"
         "beside it and goes to /. Args come before the user's, argv[0] first; variables of Env\n"
         "can be overridden. README.md is what `orris pkg describe` shows.\n"
         "Prints NAME_VERSION; without --name they are DIR's.\n"},
    .run = add_run,
};

const struct verb verb_pkg_from_run = {
    .name = "pkg from-run",
    .usage = "[--keep GLOB] [-e K=V] NAME[_VERSION] [--] PROGRAM [ARG…]",
    .summary = "Make a package of what a run of a program needed.",
    .help =
        {"Runs PROGRAM on this host once, for real, and puts just the files that it used into a\n"
         "package; its output goes to standard error. `orris pkg load NAME` then runs it with the\n"
         "same arguments in a machine, and what follows NAME comes after them. Prints\n"
         "NAME_VERSION.\n"
         "\n"
         "      --keep GLOB      add what has such names, whether the run used it or not\n"
         "  -e, --env K=V        a variable for the program, here and later\n"},
    .run = from_run_run,
};
