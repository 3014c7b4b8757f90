// UNIT: host/image/ignore.c host/base/buf.c host/base/error.c host/base/fresh.c host/base/io.c
// UNIT: host/base/path.c host/base/strlist.c host/base/escape.c
/*
 * Patterns of what is kept out of an image, as in gitignore(5).
 */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/base/buf.h"
#include "host/base/io.h"
#include "host/base/path.h"
#include "host/image/ignore.h"
#include "tests/harness/check.h"

static struct error err;

static void a_pattern_and_a_path(void)
{
    static const struct {
        const char *pattern, *path;
        bool is_folder, out;
    } cases[] = {
        {"tests", "/p/a/tests", true, true},
        {"tests", "/p/a/tests", false, true},
        {"tests", "/other/tests", true, false}, /* below /p only */
        {"tests", "/p/a/tests2", true, false},
        {"tests/", "/p/tests", false, false},
        {"tests/", "/p/tests", true, true},
        {"*.log", "/p/a/b/x.log", false, true},
        {"/data", "/p/data", true, true},
        {"/data", "/p/a/data", true, false},
        {"a/data", "/p/a/data", true, true},
        {"a/data", "/p/b/a/data", true, false},
        {"a/*.txt", "/p/a/x.txt", false, true},
        {"a/*.txt", "/p/a/b/x.txt", false, false},
        {"a/**/x.txt", "/p/a/x.txt", false, true},
        {"a/**/x.txt", "/p/a/b/c/x.txt", false, true},
        {"**/x/y", "/p/a/b/x/y", false, true},
        {"**/x/y", "/p/x/y", false, true},
        {"**/x/y", "/p/x/z/y", false, false},
        {"a/**", "/p/a/b/c", false, true},
        {"a/**", "/p/a", true, false},
        {"\\!odd", "/p/!odd", false, true},
        {"[ab].py", "/p/a.py", false, true},
        {"[ab].py", "/p/c.py", false, false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct ignore ignore = {0};
        ignore_add(&ignore, cases[i].pattern, "/p", true, "test");
        bool out = ignore_match(&ignore, cases[i].path, cases[i].is_folder) != NULL;
        if (!CHECK_EQ(out, cases[i].out))
            printf("# %s, %s\n", cases[i].pattern, cases[i].path);
        ignore_clear(&ignore);
    }
}

static void the_last_pattern_decides(void)
{
    struct ignore ignore = {0};
    ignore_add_default(&ignore);
    CHECK(ignore_match(&ignore, "/x/.git", true) != NULL);
    CHECK(ignore_match(&ignore, "/x/.env", false) != NULL);
    CHECK(ignore_match(&ignore, "/x/.env.local", false) != NULL);
    CHECK(ignore_match(&ignore, "/x/.environment", false) == NULL);
    ignore_add(&ignore, "!.env", "/x", false, "test");
    CHECK(ignore_match(&ignore, "/x/.env", false) == NULL);
    ignore_add(&ignore, ".e*", "/x", false, "test");
    CHECK(ignore_match(&ignore, "/x/.env", false) != NULL);
    ignore_clear(&ignore);
}

static void lines_of_a_file(void)
{
    char folder[] = "/tmp/orris-ignore.XXXXXX";
    CHECK(mkdtemp(folder) != NULL);
    char *path = path_join(folder, ".orrisignore"), *name = path_join(folder, "a/b.tmp");
    static const char text[] = "# a comment\n\n*.tmp  \r\n!keep.tmp\n\\#odd\n";
    struct ignore ignore = {0};
    CHECK(ignore_add_file(&ignore, folder, &err)); /* there is none yet */
    CHECK(io_write_file(path, text, sizeof(text) - 1, 0644, &err));
    CHECK(ignore_add_file(&ignore, folder, &err));
    CHECK_EQ(ignore.count, 3);
    CHECK(ignore_match(&ignore, name, false) != NULL);
    CHECK(ignore_match(&ignore, "/elsewhere/b.tmp", false) == NULL);
    CHECK(io_write_file(path, "a\0b", 3, 0644, &err));
    CHECK(!ignore_add_file(&ignore, folder, &err));
    ignore_clear(&ignore);
    unlink(path);
    rmdir(folder);
    free(path);
    free(name);
}

static void unused_environments(void)
{
    char folder[] = "/tmp/orris-venv.XXXXXX";
    CHECK(mkdtemp(folder) != NULL);
    char *path = path_join(folder, "pyvenv.cfg");
    struct ignore ignore = {0};
    CHECK(ignore_match(&ignore, folder, true) == NULL);
    CHECK(io_write_file(path, "", 0, 0644, &err));
    CHECK(ignore_match(&ignore, folder, true) != NULL);
    ignore.environment = mem_string(folder);
    CHECK(ignore_match(&ignore, folder, true) == NULL);
    ignore_clear(&ignore);
    unlink(path);
    rmdir(folder);
    free(path);
}

int main(void)
{
    RUN(a_pattern_and_a_path);
    RUN(the_last_pattern_decides);
    RUN(lines_of_a_file);
    RUN(unused_environments);
    return check_done();
}
