/*
 * `orris pkg …`: programs from Debian's archive.
 */
#include "host/pkg/pkg.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "host/base/buf.h"
#include "host/base/io.h"
#include "host/base/say.h"
#include "host/base/store.h"
#include "host/cmd/cmd.h"
#include "host/cmd/start.h"
#include "host/cmd/table.h"
#include "host/pkg/recipe.h"
#include "host/pkg/shelf.h"

static const char load_help[] =
    "PACKAGE is a name with or without a version: python, python_3.11, python_3.11.2. Without a\n"
    "recipe of ours (see `orris pkg list`) it is a Debian package of that name. The first time it "
    "is\n"
    "fetched from Debian's archive, its signatures checked; later it is in the store.\n"
    "ARG… go to the program as those of -a do: `orris pkg load python hello.py` is the same as\n"
    "`orris pkg load python -a hello.py`. Flags stand before the first ARG. Without any, the "
    "program\n"
    "gets no arguments: Python then shows its prompt, or runs the script on its standard input.\n"
    "\n";

static const char load_help_end[] =
    "\n"
    "Exit status: the program's own, 0 to 255; 128+N when signal N ended it; 125 if the tool "
    "could\n"
    "not run it; 124 if orris's own kernel failed; 2 after wrong usage.\n"
    "Default memory: 2 GiB (-m, or RunConfig.Memory).\n";

static int fail(const struct error *err)
{
    say_lines(SAY_QUIET, err->text);
    return CMD_FAILURE;
}

static int load_with(const struct verb *verb, struct start_flags *flags, int argc, char **argv)
{
    struct app_request *request = flags->request;
    int at = 1;
    int status = cmd_take_flags(verb, start_take_any, flags, argc, argv, &at);
    if (status == CMD_OK && at < argc) {
        request->package = mem_string(argv[at++]);
        status = cmd_take_flags(verb, start_take_any, flags, argc, argv, &at);
    }
    if (status != CMD_OK)
        return status;
    if (flags->help)
        return cmd_help(verb);
    if (!request->package)
        return cmd_usage(verb, "no package is named (`orris pkg list` lists some)");
    for (int i = at; i < argc; i++)
        strlist_add(&request->args, argv[i]);
    return start_app(flags);
}

static int load_run(const struct verb *verb, int argc, char **argv)
{
    struct app_request request;
    struct start_flags flags = {.request = &request};
    app_request_init(&request);
    int status = load_with(verb, &flags, argc, argv);
    app_request_clear(&request);
    start_flags_clear(&flags);
    return status;
}

/* Takes the flags -q, -v and, if update isn't NULL, --update; the one other argument is the result.
 * NULL after wrong usage, which has been said. */
static const char *one_package(const struct verb *verb, int argc, char **argv, bool *update)
{
    const char *name = NULL;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "-q") == 0 || strcmp(argv[i], "--quiet") == 0) {
            say_level = SAY_QUIET;
        } else if (strcmp(argv[i], "-v") == 0 || strcmp(argv[i], "--verbose") == 0) {
            say_level = SAY_VERBOSE;
        } else if (update && strcmp(argv[i], "--update") == 0) {
            *update = true;
        } else if (argv[i][0] == '-') {
            cmd_unknown_flag(verb, argv[i]);
            return NULL;
        } else if (name) {
            cmd_usage(verb, "one package at a time, please");
            return NULL;
        } else {
            name = argv[i];
        }
    }
    if (!name)
        cmd_usage(verb, "no package is named");
    return name;
}

static int get_run(const struct verb *verb, int argc, char **argv)
{
    struct error err;
    struct package package;
    bool update = false;
    const char *name = one_package(verb, argc, argv, &update);
    if (!name)
        return CMD_USAGE;
    if (!(update ? package_update(name, &package, &err) : package_get(name, NULL, &package, &err)))
        return fail(&err);
    print("%s_%s\n", package.name, package.version);
    package_clear(&package);
    return CMD_OK;
}

/* "61.2 MB"; owned by the caller. */
static char *megabytes(uint64_t bytes)
{
    return mem_printf("%.1f MB", (double)bytes / 1e6);
}

/* One line for each package in the store; their names are added to seen. */
static bool list_shelf(struct table *table, struct strlist *seen, struct error *err)
{
    struct strlist ids = {0};
    bool ok = shelf_list(false, &ids, err);
    for (size_t i = 0; ok && i < ids.count; i++) {
        struct shelf_item item;
        int found = shelf_open(ids.items[i], &item, err);
        ok = found >= 0;
        if (found <= 0)
            continue;
        table_text(table, ids.items[i]);
        table_number(table, (int64_t)item.layer_size);
        table_text(table, item.package.summary);
        strlist_add(seen, item.package.name);
        shelf_item_clear(&item);
    }
    strlist_clear(&ids);
    return ok;
}

static bool list_recipes(struct table *table, const struct strlist *seen, struct error *err)
{
    struct strlist names = {0};
    bool ok = recipe_names(&names, err);
    for (size_t i = 0; ok && i < names.count; i++) {
        struct recipe recipe;
        bool known = false;
        for (size_t j = 0; j < seen->count; j++)
            known |= strcmp(seen->items[j], names.items[i]) == 0;
        if (known)
            continue;
        ok = recipe_find(names.items[i], &recipe, err);
        char *id = recipe.version ? mem_printf("%s_%s", recipe.name, recipe.version)
                                  : mem_string(recipe.name);
        if (ok) {
            table_text(table, id);
            table_number(table, -1);
            table_text(table, recipe.summary);
        }
        free(id);
        recipe_clear(&recipe);
    }
    strlist_clear(&names);
    return ok;
}

static int list_run(const struct verb *verb, int argc, char **argv)
{
    static const struct column columns[] = {{"PACKAGE", COLUMN_TEXT},
                                            {"SIZE", COLUMN_BYTES},
                                            {"WHAT", COLUMN_TEXT},
                                            {NULL, COLUMN_TEXT}};
    struct table table = {.columns = columns, .none = "not here"};
    struct error err;
    struct strlist seen = {0};
    bool json = false;
    if (!table_flags(&argc, argv, &json))
        return cmd_unknown_flag(verb, argv[1]);
    if (argc > 1)
        return cmd_usage(verb, "unexpected argument %s", argv[1]);
    bool ok = list_shelf(&table, &seen, &err) && list_recipes(&table, &seen, &err);
    strlist_clear(&seen);
    bool printed = table_print(&table, json);
    return !ok ? fail(&err) : printed ? CMD_OK : CMD_FAILURE;
}

/* Lines "NAME - SUMMARY" as objects. */
static bool print_found(char *text)
{
    static const struct column columns[] = {
        {"NAME", COLUMN_TEXT}, {"SUMMARY", COLUMN_TEXT}, {NULL, COLUMN_TEXT}};
    struct table table = {.columns = columns};
    for (char *line; (line = strsep(&text, "\n"));) {
        char *split = strstr(line, " - ");
        if (!split)
            continue;
        *split = 0;
        table_text(&table, line);
        table_text(&table, split + 3);
    }
    return table_print(&table, true);
}

static int search_run(const struct verb *verb, int argc, char **argv)
{
    struct error err = {0};
    struct buf found = {0};
    bool json = false;
    if (!table_flags(&argc, argv, &json))
        return cmd_unknown_flag(verb, argv[1]);
    const char *pattern = one_package(verb, argc, argv, NULL);
    if (!pattern)
        return CMD_USAGE;
    bool ok = package_search(pattern, &found, &err);
    if (ok && found.data && json)
        print_found(found.data);
    else if (ok && found.data)
        print_lines(found.data);
    if (ok && !found.size)
        error_set(&err, "no package's name holds \"%s\"", pattern);
    bool any = found.size > 0;
    buf_clear(&found);
    return any ? CMD_OK : fail(&err);
}

/* The package in the store that name means. Returns as shelf_find(). */
static int find_item(const char *reference, struct shelf_item *item, struct error *err)
{
    char *name = NULL, *version = NULL;
    struct recipe recipe = {0};
    bool ok = recipe_split(reference, &name, &version, err) && recipe_find(name, &recipe, err);
    int found = ok ? shelf_find(recipe.name, version, item, err) : -1;
    recipe_clear(&recipe);
    free(name);
    free(version);
    return found;
}

/* The same; says what is wrong if there is none. */
static bool open_item(const char *reference, struct shelf_item *item)
{
    struct error err = {0};
    int found = find_item(reference, item, &err);
    if (found == 0)
        error_set(&err, "%s is not in the store (`orris pkg get %s` fetches it)", reference,
                  reference);
    if (found <= 0)
        say_lines(SAY_QUIET, err.text);
    return found > 0;
}

static void print_list(const char *title, const struct strlist *list)
{
    print("%-10s", title);
    for (size_t i = 0; i < list->count; i++)
        print(" %s", list->items[i]);
    print("\n");
}

static void print_debs(const struct deb_list *debs)
{
    for (size_t i = 0; i < debs->count; i++) {
        const struct deb *deb = &debs->items[i];
        print("%-10s %s %s%s%s\n", i ? "" : "made of", deb->name, deb->version,
              deb->licence ? ", " : "", deb->licence ? deb->licence : "");
    }
}

/* A text of several lines, after an empty one. Indented, so that none of them reads like a line of
 * the facts above. */
static void describe_text(const char *text)
{
    print("\n");
    for (size_t length; *text; text += length + (text[length] != 0)) {
        length = strcspn(text, "\n");
        print("%s%.*s\n", length ? "    " : "", (int)length, text);
    }
}

static void describe_item(const struct shelf_item *item)
{
    char *size = megabytes(item->layer_size), made[32] = "";
    time_t when = (time_t)item->made;
    struct tm parts;
    if (localtime_r(&when, &parts))
        strftime(made, sizeof(made), "%Y-%m-%d %H:%M", &parts);
    print("%-10s %s_%s\n%-10s %s\n%-10s %s\n", "package", item->package.name, item->package.version,
          "what", item->package.summary, "program", item->package.program);
    print_list("args", &item->package.args);
    if (item->package.env.count)
        print_list("env", &item->package.env);
    print("%-10s %s, made %s\n%-10s %s\n", "layer", size, made, "file", item->package.layer.path);
    if (item->requested.count)
        print_list("asked for", &item->requested);
    if (item->origin)
        print("%-10s %s\n", "from", item->origin);
    print_debs(&item->debs);
    if (item->description && *item->description)
        describe_text(item->description);
    free(size);
}

/* A package that isn't in the store, as the archive's lists have it. */
static bool describe_offer(const char *reference, struct error *err)
{
    struct recipe recipe = {0};
    struct deb_list debs = {0};
    bool ok = package_offer(reference, &recipe, &debs, err);
    if (ok) {
        char *size = megabytes(deb_list_bytes(&debs));
        print("%-10s %s_%s\n%-10s %s\n", "package", recipe.name, recipe.version, "what",
              recipe.summary);
        if (recipe.program)
            print("%-10s %s\n", "program", recipe.program);
        print("%-10s not in the store: %s to fetch (`orris pkg get %s`)\n", "layer", size,
              reference);
        print_debs(&debs);
        free(size);
    }
    deb_list_clear(&debs);
    recipe_clear(&recipe);
    return ok;
}

static int describe_run(const struct verb *verb, int argc, char **argv)
{
    struct error err = {0};
    struct shelf_item item;
    const char *name = one_package(verb, argc, argv, NULL);
    if (!name)
        return CMD_USAGE;
    int found = find_item(name, &item, &err);
    if (found == 0)
        return describe_offer(name, &err) ? CMD_OK : fail(&err);
    if (found < 0)
        return fail(&err);
    describe_item(&item);
    shelf_item_clear(&item);
    return CMD_OK;
}

/* A line of the listing, "TYPE MODE SIZE MTIME PATH": the path, a folder's with a slash. */
static void print_content(const char *line)
{
    const char *path = strchr(line, '/');
    if (path)
        print("%s%s\n", path, line[0] == 'd' ? "/" : "");
}

static int contents_run(const struct verb *verb, int argc, char **argv)
{
    struct error err;
    struct shelf_item item;
    struct buf text = {0};
    const char *name = one_package(verb, argc, argv, NULL);
    if (!name)
        return CMD_USAGE;
    if (!open_item(name, &item))
        return CMD_FAILURE;
    bool ok = io_read_file(item.package.layer.listing, &text, &err);
    char *rest = ok ? text.data : NULL;
    for (char *line; (line = strsep(&rest, "\n"));)
        print_content(line);
    buf_clear(&text);
    shelf_item_clear(&item);
    return ok ? CMD_OK : fail(&err);
}

static int delete_run(const struct verb *verb, int argc, char **argv)
{
    struct error err;
    struct shelf_item item;
    const char *name = one_package(verb, argc, argv, NULL);
    if (!name)
        return CMD_USAGE;
    int lock = store_lock("packages", &err);
    if (lock < 0)
        return fail(&err);
    if (!open_item(name, &item)) {
        close(lock);
        return CMD_FAILURE;
    }
    char *id = mem_printf("%s_%s", item.package.name, item.package.version);
    bool ok = shelf_delete(id, &err);
    if (ok)
        say("removed %s", id);
    free(id);
    close(lock);
    shelf_item_clear(&item);
    return ok ? CMD_OK : fail(&err);
}

const struct verb verb_pkg_load = {
    .name = "pkg load",
    .usage = "[FLAGS] PACKAGE [ARG…]",
    .summary = "Run a package's program in a machine of its own.",
    .help = {load_help, app_flags_help, start_flags_help, load_help_end},
    .run = load_run,
};

const struct verb verb_pkg_get = {
    .name = "pkg get",
    .usage = "[-q] [-v] [--update] PACKAGE",
    .summary = "Fetch a package into the store.",
    .help =
        {"Prints NAME_VERSION. A package that is there stays as it is; with --update it is made\n"
         "anew when Debian's archive has newer parts (security updates).\n"},
    .run = get_run,
};

const struct verb verb_pkg_list = {
    .name = "pkg list",
    .usage = "[--json]",
    .summary = "List the packages in the store, and those with a recipe.",
    .help = {"      --json           an array of objects\n"},
    .run = list_run,
};

const struct verb verb_pkg_search = {
    .name = "pkg search",
    .usage = "[--json] PATTERN",
    .summary = "Search the names of Debian's packages.",
    .help = {"PATTERN is part of a name, or a regular expression.\n"
             "\n"
             "      --json           an array of objects\n"},
    .run = search_run,
};

const struct verb verb_pkg_describe = {
    .name = "pkg describe",
    .usage = "PACKAGE",
    .summary = "Show what a package is, what it is made of, and the licences.",
    .run = describe_run,
};

const struct verb verb_pkg_contents = {
    .name = "pkg contents",
    .usage = "PACKAGE",
    .summary = "List the files of a package.",
    .help =
        {"One path a line; a folder's ends with a slash, \"->\" stands before a link's target.\n"},
    .run = contents_run,
};

const struct verb verb_pkg_delete = {
    .name = "pkg delete",
    .usage = "PACKAGE",
    .summary = "Remove a package from the store.",
    .run = delete_run,
};
