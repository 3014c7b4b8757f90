/*
 * `orris record`: runs a command on the host, writes down what it used, and makes an image of that.
 */
#include "host/record/record.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "host/app/app.h"
#include "host/base/buf.h"
#include "host/base/say.h"
#include "host/cmd/cmd.h"

static const char record_help[] =
    "Runs COMMAND once on this host, for real, and watches which files it and what it starts "
    "open,\n"
    "map, execute, look at and look for in vain. The list goes to a lock file, a text to read, "
    "edit\n"
    "and commit; an image of exactly that is made, as `orris build --locked` makes it again.\n"
    "Ctrl-C ends the command and keeps what was seen, which is how a service is recorded. What a\n"
    "former recording in the same file saw stays in it: several recordings make one.\n"
    "\n"
    "  -o, --output FILE    the lock file (default orris.lock)\n"
    "      --keep GLOB      add what has such names, whether the command used it or not; folders\n"
    "                       with all below them; may be repeated\n"
    "      --anew           forget what the lock file holds\n"
    "      --no-image       only write the lock file\n"
    "  -i, --image NAME     the image's name\n"
    "  -v, --verbose        say more\n"
    "  -q, --quiet          say nothing but errors\n"
    "  -h, --help           this text\n"
    "\n"
    "Exit status: the command's own; 125 if it could not be run or recorded.\n";

struct recording {
    const struct verb *verb;
    struct record_request request;
    struct app_request app;
    struct strlist command;
    bool no_image, help;
};

static bool take_switch(struct recording *it, const char *flag)
{
    if (!strcmp(flag, "-h") || !strcmp(flag, "--help"))
        it->help = true;
    else if (!strcmp(flag, "-v") || !strcmp(flag, "--verbose"))
        say_level = SAY_VERBOSE;
    else if (!strcmp(flag, "-q") || !strcmp(flag, "--quiet"))
        say_level = SAY_QUIET;
    else if (!strcmp(flag, "--anew"))
        it->request.anew = true;
    else if (!strcmp(flag, "--no-image"))
        it->no_image = true;
    else
        return false;
    return true;
}

/* -o FILE, -oFILE, --output FILE or --output=FILE. */
static int take_output(struct recording *it, int argc, char **argv, int *index, struct error *err)
{
    const char *flag = argv[*index], *value = flag[1] == 'o' ? flag + 2 : strchr(flag, '=');
    value = value && *value == '=' ? value + 1 : value;
    if ((!value || !*value) && *index + 1 >= argc)
        return error_set(err, "%s needs a value", flag) - 1;
    free(it->app.lock_path);
    it->app.lock_path = mem_string(value && *value ? value : argv[++*index]);
    return 1;
}

static int take_flag(void *context, int argc, char **argv, int *index, struct error *err)
{
    static const char *const known[] = {"--keep", "-i", "--image"};
    struct recording *it = context;
    const char *flag = argv[*index];
    if (take_switch(it, flag))
        return 1;
    if (!strncmp(flag, "-o", 2) || !strcmp(flag, "--output") || !strncmp(flag, "--output=", 9))
        return take_output(it, argc, argv, index, err);
    for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
        if (!strncmp(flag, known[i], strlen(known[i])))
            return app_take_flag(&it->app, argc, argv, index, err);
    return 0;
}

static bool build(struct recording *it, struct error *err)
{
    struct app app;
    struct stat info;
    it->app.locked = it->app.bake = true;
    bool good = app_prepare(&it->app, &app, err);
    if (good && stat(app.image_path, &info) == 0)
        say("image of it: %s (%.1f MB)", app.image_path, (double)info.st_blocks * 512 / 1e6);
    app_clear(&app);
    return good;
}

static int record_all(struct recording *it)
{
    struct error err = {0};
    it->request.shown = &it->command;
    it->request.keep = &it->app.keep;
    it->request.lock_path = it->app.lock_path ? it->app.lock_path : "orris.lock";
    it->request.command = (struct tracer_command){.program = it->command.items[0],
                                                  .argv = &it->command,
                                                  .input = -1,
                                                  .output = -1,
                                                  .errors = -1};
    int status = record_run(&it->request, &err);
    if (status >= 0 && !it->no_image && !build(it, &err)) {
        say_error("no image was made: %s", err.text);
        return status ? status : CMD_FAILURE;
    }
    if (status < 0)
        say_lines(SAY_QUIET, err.text);
    return status < 0 ? CMD_RUN_FAILED : status;
}

static int record_verb(const struct verb *verb, int argc, char **argv)
{
    struct recording it = {.verb = verb};
    int at = 1;
    app_request_init(&it.app);
    int status = cmd_take_flags(verb, take_flag, &it, argc, argv, &at);
    for (int i = at; i < argc; i++)
        strlist_add(&it.command, argv[i]);
    if (status == CMD_OK && it.help)
        status = cmd_help(verb);
    else if (status == CMD_OK && !it.command.count)
        status = cmd_usage(verb, "no command is named");
    else if (status == CMD_OK)
        status = record_all(&it);
    strlist_clear(&it.command);
    app_request_clear(&it.app);
    return status;
}

const struct verb verb_record = {
    .name = "record",
    .usage = "[FLAGS] [--] COMMAND [ARG…]",
    .summary = "Run a command here and make an image of just what it uses.",
    .help = {record_help},
    .run = record_verb,
};
