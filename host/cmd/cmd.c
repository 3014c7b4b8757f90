/*
 * Help and usage errors, the same for every verb.
 */
#include "host/cmd/cmd.h"

#include <stdarg.h>
#include <stddef.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/base/buf.h"
#include "host/base/nearest.h"
#include "host/base/say.h"

int cmd_help(const struct verb *verb)
{
    print("usage: orris %s%s%s\n\n%s\n", verb->name, *verb->usage ? " " : "", verb->usage,
          verb->summary);
    if (verb->help[0])
        putchar('\n');
    for (size_t i = 0; verb->help[i]; i++)
        fputs(verb->help[i], stdout);
    return CMD_OK;
}

int cmd_usage(const struct verb *verb, const char *format, ...)
{
    char *text = NULL;
    va_list args;
    va_start(args, format);
    if (vasprintf(&text, format, args) < 0)
        text = mem_string(format);
    va_end(args);
    say_error("%s: %s; see `orris %s -h`", verb->name, text, verb->name);
    free(text);
    return CMD_USAGE;
}

struct flag_names {
    char **items; /* items[count] is NULL */
    size_t count;
};

/* Adds the flags that help names: every word of it that begins with "--". */
static void flags_of_help(struct flag_names *names, const char *help)
{
    for (const char *at = help; (at = strstr(at, "--"));) {
        size_t size = 2 + strspn(at + 2, "abcdefghijklmnopqrstuvwxyz0123456789-");
        names->items = mem_resize(names->items, (names->count + 2) * sizeof(*names->items));
        names->items[names->count++] = mem_printf("%.*s", (int)size, at);
        names->items[names->count] = NULL;
        at += size;
    }
}

int cmd_unknown_flag(const struct verb *verb, const char *flag)
{
    char *name = mem_printf("%.*s", (int)strcspn(flag, "="), flag);
    struct flag_names names = {0};
    for (size_t i = 0; verb->help[i]; i++)
        flags_of_help(&names, verb->help[i]);
    const char *near = NULL;
    if (names.count && strncmp(name, "--", 2) == 0)
        near = nearest(name, (const char *const *)names.items);
    if (near)
        cmd_usage(verb, "unknown flag %s (did you mean %s?)", name, near);
    else
        cmd_usage(verb, "unknown flag %s", name);
    for (size_t i = 0; i < names.count; i++)
        free(names.items[i]);
    free(names.items);
    free(name);
    return CMD_USAGE;
}

int cmd_take_flags(const struct verb *verb, cmd_flag_taker_t *take, void *context, int argc,
                   char **argv, int *at)
{
    for (; *at < argc && argv[*at][0] == '-' && argv[*at][1]; ++*at) {
        struct error err = {0};
        const char *flag = argv[*at];
        if (strcmp(flag, "--") == 0) {
            ++*at;
            break;
        }
        int taken = take(context, argc, argv, at, &err);
        if (taken == CMD_FLAG_FAILED) {
            say_lines(SAY_QUIET, err.text);
            return CMD_RUN_FAILED;
        }
        if (taken < 0)
            return cmd_usage(verb, "%s", err.text); /* of one line */
        if (taken == 0)
            return cmd_unknown_flag(verb, flag);
    }
    return CMD_OK;
}
