// UNIT: host/config/config.c host/config/apply.c host/config/expand.c host/config/locate.c
// UNIT: host/image/userid.c host/image/spec.c host/image/ignore.c
// UNIT: host/image/tree.c host/base/buf.c host/base/error.c host/base/fresh.c host/base/io.c
// UNIT: host/base/nearest.c host/base/path.c host/base/say.c host/base/stamp.c
// UNIT: host/base/strlist.c host/base/watch.c host/base/escape.c
// LIBS: -ljansson
/*
 * config.json: every key arrives, every mistake is an error that names line and column.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/base/io.h"
#include "host/base/path.h"
#include "host/base/say.h"
#include "host/config/config.h"
#include "host/config/locate.h"
#include "tests/harness/check.h"

static char folder[] = "/tmp/orris-config.XXXXXX";

static void put(const char *name, const char *text)
{
    char *path = path_join(folder, name);
    struct error err;
    path_make_dirs(path, false, 0755);
    CHECK(io_write_file(path, text, strlen(text), 0644, &err));
    free(path);
}

/* The error that a configuration of this text gives, without the folder; "" if none. */
static const char *mistake(const char *text)
{
    static struct error err;
    static char shown[sizeof(err.text)];
    struct config config;
    struct image_spec spec;
    put("config.json", text);
    err.text[0] = 0;
    spec_init(&spec);
    if (config_load("config.json", &config, &err))
        config_apply(&config, &spec, &err);
    config_clear(&config);
    spec_clear(&spec);
    size_t length = 0;
    for (const char *at = err.text; *at;) {
        if (!strncmp(at, folder, strlen(folder)))
            at += strlen(folder);
        else
            shown[length++] = *at++;
    }
    shown[length] = 0;
    return shown;
}

static void test_every_key(void)
{
    put("config.json",
        "{\"Program\": \"p\", \"Args\": [\"a\", \"b c\"], \"Env\": {\"K\": \"V=1\"},\n"
        "\"Workdir\": \"/w\", \"Files\": [], \"Dirs\": [], \"MapDirs\": {},\n"
        "\"Packages\": [\"x\"], \"RunConfig\": {\"Memory\": \"512M\", \"CPUs\": 3}}");
    struct config config;
    struct error err = {0};
    CHECK(config_load("config.json", &config, &err));
    CHECK_STR(config.program, "p");
    CHECK_EQ(config.args.count, 2);
    CHECK_STR(config.args.items[1], "b c");
    CHECK_STR(config.env.names.items[0], "K");
    CHECK_STR(config.env.values.items[0], "V=1");
    CHECK_STR(config.workdir, "/w");
    CHECK_STR(config.packages.items[0], "x");
    CHECK_EQ(config.memory_bytes, 512u << 20);
    CHECK_EQ(config.cpus, 3);
    CHECK_STR(config.folder, folder);
    config_clear(&config);
}

static void test_users(void)
{
    static const char *const users[][2] = {{"0", "0"},
                                           {"1000", "1000"},
                                           {"4294967294", "4294967294"},
                                           {"\"1000:1000\"", "1000:1000"},
                                           {"\"alice:staff\"", "alice:staff"}};
    for (size_t i = 0; i < sizeof(users) / sizeof(*users); i++) {
        struct config config;
        struct error err = {0};
        char text[100];
        snprintf(text, sizeof(text), "{\"User\": %s}", users[i][0]);
        put("config.json", text);
        CHECK(config_load("config.json", &config, &err));
        CHECK_STR(config.user, users[i][1]);
        CHECK(config_sets(&config, "User"));
        config_clear(&config);
    }
}

static void test_mistakes_name_their_place(void)
{
    CHECK_STR(mistake("{\n  \"Files\": [],\n  \"Agrs\": []\n}"),
              "config.json:3:3: unknown key \"Agrs\" (did you mean \"Args\"?)");
    CHECK_STR(mistake("{\"RunConfig\": {\"Memroy\": \"1G\"}}"),
              "config.json:1:16: unknown key \"Memroy\" (did you mean \"Memory\"?)");
    CHECK_STR(mistake("{\"Memory\": \"1G\"}"),
              "config.json:1:2: unknown key \"Memory\" (it belongs into \"RunConfig\")");
    CHECK_STR(mistake("{\"Zebra\": 1}"),
              "config.json:1:2: unknown key \"Zebra\" (`orris help config` lists them)");
    CHECK_STR(mistake("{\"Args\": \"x\"}"), "config.json:1:2: \"Args\" must be a list of strings");
    CHECK_STR(mistake("{\"Args\": [\"x\",\n 5]}"),
              "config.json:2:2: every value of \"Args\" must be a string");
    CHECK(strstr(mistake("{\"Args\": [\"a\\u0000b\"]}"), "config.json:1:20: ") != NULL);
    CHECK_STR(
        mistake("{\"RunConfig\": {\"Memory\": \"0\"}}"),
        "config.json:1:16: RunConfig's \"Memory\" must be a string such as \"512M\" or \"2G\"");
    CHECK_STR(mistake("{\"RunConfig\": {\"CPUs\": 0}}"),
              "config.json:1:16: RunConfig's \"CPUs\" must be a number from 1 to 32");
    CHECK_STR(mistake("{\"RunConfig\": {\"CPUs\": 33}}"),
              "config.json:1:16: RunConfig's \"CPUs\" must be a number from 1 to 32");
    CHECK_STR(mistake("{\"User\": true}"),
              "config.json:1:2: \"User\" must be a string or a number");
    CHECK_STR(mistake("{\"User\": 1.5}"), "config.json:1:2: \"User\" must be a string or a number");
    CHECK_STR(mistake("{\"User\": -1}"), "config.json:1:2: \"User\" must not be negative");
    CHECK_STR(mistake("{\n\"User\": \"\"}"),
              "config.json:2:1: \"User\": \"\": must be UID[:GID], each a number or a name");
    CHECK_STR(mistake("{\"User\": 4294967295}"),
              "config.json:1:2: \"User\": \"4294967295\" is too large: ids go to 4294967294");
    CHECK_STR(mistake("[]"), "config.json:1:1: must be an object: {…}");
    CHECK(strstr(mistake("{\"Args\": [}"), "config.json:1:11: ") != NULL);
    CHECK(strstr(mistake("{\"Args\": [], \"Args\": []}"), "duplicate object key") != NULL);
    CHECK(strstr(mistake(""), "config.json:1:0: ") != NULL);
}

static void test_what_is_named_must_be_there(void)
{
    put("data/a.txt", "a");
    CHECK_STR(mistake("{\"Files\": [\"data/a.txt\"]}"), "");
    CHECK_STR(mistake("{\"Files\": [\"data/a.txt\",\n\"gone\"]}"),
              "config.json:2:1: /gone (Files): No such file or directory");
    CHECK_STR(mistake("{\"Files\": [\"data\"]}"),
              "config.json:1:12: /data (Files): is a folder: name it in Dirs");
    CHECK_STR(mistake("{\"Dirs\": [\"gone\"]}"),
              "config.json:1:11: /gone (Dirs): No such file or directory");
    CHECK_STR(mistake("{\"Dirs\": [\"data/a.txt\"]}"),
              "config.json:1:11: /data/a.txt (Dirs): is not a folder");
    CHECK_STR(mistake("{\"MapDirs\": {\"data/*.png\": \"/x\"}}"),
              "config.json:1:14: no file below /data matches \"*.png\" (MapDirs)");
    CHECK_STR(mistake("{\"MapDirs\": {\"gone/*\": \"/x\"}}"),
              "config.json:1:14: /gone (MapDirs): No such file or directory");
    unsetenv("ORRIS_NOT_SET");
    CHECK_STR(mistake("{\"MapDirs\": {\"$ORRIS_NOT_SET/*\": \"/x\"}}"),
              "config.json:1:14: the variable $ORRIS_NOT_SET is not set (\"$$\" is a dollar)");
}

static void test_keys_of_the_other_tool(void)
{
    CHECK_STR(mistake("{\"RunConfig\": {\"gpus\": 1}}"),
              "config.json:1:16: \"gpus\" can't be used: the kernel drives no graphics cards; run "
              "what needs one on the host");
    CHECK(strstr(mistake("{\"KLIBS\": []}"), "the kernel has no modules") != NULL);
    CHECK(strstr(mistake("{\"RunConfig\": {\"Mounts\": {}}}"), "belongs beside") != NULL);
    CHECK_STR(mistake("{\"RunConfig\": {\"Accel\": 1}}"),
              "config.json:1:16: RunConfig's \"Accel\" must be true or false");
    CHECK_STR(mistake("{\"Description\": \"x\", \"ProgramPath\": \"a\", \"Program\": \"b\"}"), "");
}

static void test_keys_with_slashes_are_comments(void)
{
    CHECK_STR(mistake("{\"// Args\": \"text\", \"//\": [1], \"RunConfig\": {\"//x\": {}}}"), "");
    CHECK(*mistake("{\"/Args\": []}"));
}

static void test_paths_may_be_relative_to_another_folder(void)
{
    put("data/inner.txt", "");
    CHECK_STR(mistake("{\"LocalFilesParentDirectory\": \"data\", \"Files\": [\"inner.txt\"]}"), "");
}

static void test_defaults(void)
{
    struct config config;
    struct error err = {0};
    put("rc", "{\"Env\": {\"A\": \"rc\"}, \"Packages\": [\"p\"],\n"
              "\"RunConfig\": {\"Memory\": \"1G\", \"CPUs\": 2, \"Accel\": false}}");
    put("config.json", "{\"Env\": {\"B\": \"mine\"}, \"RunConfig\": {\"Memory\": \"64M\"}}");
    setenv("ORRIS_DEFAULT_CONFIG", "rc", 1);
    CHECK(config_load("config.json", &config, &err) && config_add_defaults(&config, &err));
    CHECK_EQ(config.memory_bytes, 64u << 20);
    CHECK_EQ(config.cpus, 2);
    CHECK_EQ(config.accel, SWITCH_OFF);
    CHECK_EQ(config.env.names.count, 1);
    CHECK_STR(config.env.names.items[0], "B");
    CHECK_STR(config.packages.items[0], "p");
    config_clear(&config);
    put("rc", "{\n\"Args\": [\"x\"]}");
    config = (struct config){0};
    CHECK(!config_add_defaults(&config, &err));
    CHECK_STR(err.text,
              "rc:2:1: \"Args\" belongs into a program's config.json, not into the defaults");
    config_clear(&config);
    setenv("ORRIS_DEFAULT_CONFIG", "none", 1);
    CHECK(config_add_defaults(&config, &err));
    unsetenv("ORRIS_DEFAULT_CONFIG");
}

/* As large and as deep as somebody may make them. */
static void test_monsters(void)
{
    static char text[10u << 20];
    struct config config;
    struct error err = {0};
    memset(text, '[', 10000);
    memcpy(text, "{\"Args\":", 8);
    text[10000] = 0;
    CHECK(strstr(mistake(text), "config.json:1:") != NULL);
    memset(text, ' ', sizeof(text) - 1);
    size_t at = (size_t)sprintf(text, "{\"Args\": [\"x\"");
    while (at + 8 < sizeof(text))
        at += (size_t)sprintf(text + at, ",\n\"yz\"");
    strcpy(text + at, "]}");
    put("config.json", text);
    CHECK(config_load("config.json", &config, &err));
    CHECK(config.args.count > 1000000);
    config_clear(&config);
    memset(text, '"', sizeof(text) - 1);
    CHECK(*mistake(text));
    memset(text, 'x', sizeof(text) - 1);
    memcpy(text, "{\"Args\": [\"", 11);
    CHECK(*mistake(text));
}

static void test_variables_are_replaced_everywhere(void)
{
    put("config.json",
        "{\"Args\": [\"$ORRIS_M-${ORRIS_M}x\", \"5$$\"], \"Workdir\": \"/$ORRIS_M\",\n"
        "\"Env\": {\"A\": \"=$ORRIS_M\"}, \"Mounts\": {\"$ORRIS_M\": \"/m:ro\"}}");
    setenv("ORRIS_M", "value", 1);
    struct config config;
    struct error err = {0};
    CHECK(config_load("config.json", &config, &err));
    CHECK_STR(config.args.items[0], "value-valuex");
    CHECK_STR(config.args.items[1], "5$");
    CHECK_STR(config.workdir, "/value");
    CHECK_STR(config.env.values.items[0], "=value");
    CHECK_STR(config.mounts.names.items[0], "value");
    CHECK_STR(config.mounts.values.items[0], "/m:ro");
    CHECK_STR(config.variables.items[0], "ORRIS_M");
    config_clear(&config);
    CHECK(strstr(mistake("{\"Args\": [\"a\",\n\"$\"]}"), "config.json:2:1: a name must follow"));
    CHECK(strstr(mistake("{\"Args\": [\"${A\"]}"), "config.json:1:11: a name must follow"));
    CHECK(strstr(mistake("{\"Workdir\": \"$5\"}"), "config.json:1:2: a name must follow"));
}

static bool has(struct image_spec *spec, const char *path)
{
    struct spec_found found;
    if (!spec_find(spec, path, false, &found))
        return false;
    free(found.guest);
    return true;
}

static void test_globs_match_names_at_any_depth(void)
{
    put("m/one.py", "");
    put("m/sub/two.py", "");
    put("m/sub/three.txt", "");
    put("m/empty/four.txt", "");
    put("config.json", "{\"MapDirs\": {\"${ORRIS_M}/*.py\": \"/to\", \"m/sub\": \"/plain\"}}");
    setenv("ORRIS_M", "m", 1);
    struct config config;
    struct image_spec spec;
    struct error err = {0};
    spec_init(&spec);
    CHECK(config_load("config.json", &config, &err) && config_apply(&config, &spec, &err));
    CHECK(has(&spec, "/to/one.py") && has(&spec, "/to/sub/two.py"));
    CHECK(!has(&spec, "/to/sub/three.txt") && !has(&spec, "/to/empty"));
    CHECK(has(&spec, "/plain/three.txt"));
    config_clear(&config);
    spec_clear(&spec);
}

static void test_sizes(void)
{
    uint64_t size = 0;
    CHECK(config_parse_size("2G", &size) && size == 2ull << 30);
    CHECK(config_parse_size("512m", &size) && size == 512u << 20);
    CHECK(config_parse_size("1GiB", &size) && size == 1u << 30);
    CHECK(config_parse_size("4096", &size) && size == 4096);
    CHECK(!config_parse_size("", &size) && !config_parse_size("G", &size));
    CHECK(!config_parse_size("-1", &size) && !config_parse_size("1X", &size));
    CHECK(!config_parse_size("99999999999999999999", &size));
    CHECK(!config_parse_size("99999999999T", &size));
}

static void test_places_behind_nested_values(void)
{
    struct json_place place;
    const char *text =
        "{ \"a\": {\"b\": [1, {\"c\": \"]}\\\"\"}], \"d\": 2},\n  \"e\": [ [1,2], \"x\"]}";
    struct json_step d[] = {{.name = "a"}, {.name = "d"}}, e[] = {{.name = "e"}, {.index = 1}};
    CHECK(json_locate(text, d, 2, &place) && place.line == 1 && place.column == 34);
    CHECK(json_locate(text, e, 2, &place) && place.line == 2 && place.column == 17);
    struct json_step none[] = {{.name = "a"}, {.name = "z"}};
    CHECK(!json_locate(text, none, 2, &place));
}

/* docs/config.md is read before the test leaves for its own folder. */
static struct buf page;

static void test_the_page_has_the_table(void)
{
    char *table = NULL;
    size_t size;
    FILE *out = open_memstream(&table, &size);
    config_print_keys(out, true);
    fclose(out);
    CHECK(page.data && strstr(page.data, table) != NULL);
    free(table);
    buf_clear(&page);
}

int main(void)
{
    io_read_file("docs/config.md", &page, NULL);
    say_level = SAY_QUIET;
    if (!mkdtemp(folder) || chdir(folder))
        return 1;
    RUN(test_every_key);
    RUN(test_users);
    RUN(test_mistakes_name_their_place);
    RUN(test_what_is_named_must_be_there);
    RUN(test_keys_of_the_other_tool);
    RUN(test_keys_with_slashes_are_comments);
    RUN(test_paths_may_be_relative_to_another_folder);
    RUN(test_defaults);
    RUN(test_monsters);
    RUN(test_variables_are_replaced_everywhere);
    RUN(test_globs_match_names_at_any_depth);
    RUN(test_sizes);
    RUN(test_places_behind_nested_values);
    RUN(test_the_page_has_the_table);
    char *command = mem_printf("rm -rf %s", folder);
    CHECK_EQ(system(command), 0);
    free(command);
    return check_done();
}
