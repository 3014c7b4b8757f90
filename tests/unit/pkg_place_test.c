// A tree whose links lead out of it: nothing outside is read, written or removed.
// UNIT: host/pkg/place.c host/base/inroot.c host/base/io.c host/base/fresh.c host/base/path.c
// UNIT: host/base/error.c host/base/escape.c host/base/buf.c
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/base/io.h"
#include "host/base/path.h"
#include "host/pkg/place.h"
#include "tests/harness/check.h"

static char above[] = "/tmp/place-XXXXXX";
static char *tree, *outside;
static struct error err;

static void make_tree(void)
{
    CHECK(mkdtemp(above) != NULL);
    tree = mem_printf("%s/tree", above);
    outside = mem_printf("%s/outside", above);
    char *file = mem_printf("%s/file", outside), *etc = mem_printf("%s/etc", tree);
    char *up = mem_printf("%s/up", tree), *to_file = mem_printf("%s/to-file", tree);
    CHECK_OK(mkdir(tree, 0755));
    CHECK_OK(mkdir(outside, 0755));
    CHECK(io_write_file(file, "outside", 7, 0600, &err));
    CHECK_OK(symlink(outside, etc));
    CHECK_OK(symlink("../outside", up));
    CHECK_OK(symlink(file, to_file));
    free(file);
    free(etc);
    free(up);
    free(to_file);
}

/* What there is outside is as it was. */
static bool untouched(void)
{
    struct buf text = {0};
    struct stat info;
    char *file = mem_printf("%s/file", outside);
    char *command = mem_printf("test \"$(ls -A %s)\" = file", outside);
    bool same = system(command) == 0 && io_read_file(file, &text, NULL) &&
                strcmp(text.data, "outside") == 0 && stat(file, &info) == 0 &&
                (info.st_mode & 0777) == 0600 && stat(outside, &info) == 0 &&
                (info.st_mode & 0777) == 0755;
    buf_clear(&text);
    free(command);
    free(file);
    return same;
}

static void nothing_outside_is_seen(void)
{
    struct stat info;
    struct buf text = {0};
    struct dirent **files = NULL;
    static const char *const ways[] = {"/etc/file", "/up/file", "/to-file", "/../outside/file"};
    for (size_t i = 0; i < sizeof(ways) / sizeof(*ways); i++) {
        CHECK(!place_exists(tree, ways[i]));
        CHECK(!place_read(tree, ways[i], &text, &err));
        CHECK(strstr(err.text, ways[i]) != NULL);
    }
    CHECK_EQ(text.size, 0);
    CHECK(place_stat(tree, "/to-file", false, &info) && S_ISLNK(info.st_mode));
    CHECK_EQ(place_scan(tree, "/etc", &files, NULL), 0);
    char *target = place_read_link(tree, "/up");
    CHECK_STR(target, "../outside");
    free(target);
    CHECK(place_read_link(tree, "/etc/file") == NULL);
}

static void nothing_outside_is_written(void)
{
    CHECK(place_remove(tree, "/up/file", &err));
    CHECK(place_remove(tree, "/etc/file", &err));
    CHECK(place_file(tree, "/etc/passwd", "x", 1, &err));
    CHECK(place_file(tree, "/up/file", "x", 1, &err));
    CHECK(place_link(tree, "/etc/link", "target", &err));
    CHECK(place_link(tree, "/../outside/link", "target", &err));
    CHECK(place_folder(tree, "/up/folder", 0700, &err));
    CHECK(place_folder(tree, "/etc", 0711, &err));
    CHECK(untouched());
}

static void what_was_written_lies_in_the_tree(void)
{
    struct buf text = {0};
    char *way = mem_printf("%s/passwd", outside);
    CHECK(place_read(tree, "/etc/passwd", &text, &err));
    CHECK(place_read(tree, way, &text, &err));
    CHECK_STR(text.data, "xx");
    buf_clear(&text);
    free(way);
    CHECK(place_file(tree, "/to-file", "mine", 4, &err)); /* in place of the link */
    CHECK(place_read(tree, "/to-file", &text, &err));
    CHECK_STR(text.data, "mine");
    buf_clear(&text);
    CHECK(!place_file(tree, "/", "x", 1, &err));
    CHECK(!place_file(tree, "/a/..", "x", 1, &err));
    CHECK(untouched());
}

int main(void)
{
    make_tree();
    RUN(nothing_outside_is_seen);
    RUN(nothing_outside_is_written);
    RUN(what_was_written_lies_in_the_tree);
    char *remove = mem_printf("rm -rf %s", above);
    CHECK_EQ(system(remove), 0);
    free(remove);
    free(tree);
    free(outside);
    return check_done();
}
