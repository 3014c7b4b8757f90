// UNIT: host/image/ignore.c
// UNIT: host/image/spec.c host/image/tree.c host/base/buf.c host/base/error.c host/base/fresh.c
// UNIT: host/base/io.c host/base/path.c host/base/say.c host/base/stamp.c host/base/strlist.c
// UNIT: host/base/watch.c host/base/escape.c
/*
 * What an image is to hold: folders merge, links are followed, nothing of a package is replaced by
 * a folder; and what the result depends on is watched.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include "host/base/io.h"
#include "host/base/path.h"
#include "host/base/say.h"
#include "host/image/spec.h"
#include "tests/harness/check.h"

static char folder[] = "/tmp/orris-spec.XXXXXX";
static struct error err;

static void put(const char *name, const char *text)
{
    path_make_dirs(name, false, 0755);
    CHECK(io_write_file(name, text, strlen(text), 0644, &err));
}

/* Where path leads in the image, and "d", "f" or "l" for what is there; "" if nothing is. */
static const char *at(struct image_spec *spec, const char *path, bool follow)
{
    static char text[4096];
    struct spec_found found;
    if (!spec_find(spec, path, follow, &found))
        return "";
    snprintf(text, sizeof(text), "%s %s",
             found.kind == ENTRY_DIR    ? "d"
             : found.kind == ENTRY_LINK ? "l"
                                        : "f",
             found.guest);
    free(found.guest);
    return text;
}

static void test_folders_merge_through_links(void)
{
    struct image_spec spec;
    spec_init(&spec);
    put("listing", "d 755 0 5 /\nd 755 0 5 /usr\nd 700 0 5 /usr/lib\nl 777 7 5 /lib -> usr/lib\n"
                   "f 644 3 5 /usr/lib/a b\nl 777 1 5 /abs -> /usr/lib\n");
    CHECK(spec_add_layer(&spec, "layer.erofs", "listing", &err));
    CHECK_STR(at(&spec, "/lib/a b", false), "f /usr/lib/a b");
    CHECK_STR(at(&spec, "/lib", false), "l /lib");
    CHECK_STR(at(&spec, "/lib", true), "d /usr/lib");
    put("t/lib/x.so", "x");
    CHECK(spec_add_tree(&spec, "/", "t", "Dirs", &err));
    CHECK_STR(at(&spec, "/usr/lib/x.so", false), "f /usr/lib/x.so");
    CHECK_STR(at(&spec, "/lib", false), "l /lib");
    CHECK(spec_add_data(&spec, "/abs/deep/y", "y", 1, 0600, "test", &err));
    CHECK_STR(at(&spec, "/lib/deep/y", false), "f /usr/lib/deep/y");
    CHECK(spec_add_link(&spec, "/usr", "elsewhere", "test", &err));
    CHECK_STR(at(&spec, "/usr", false), "d /usr");
    CHECK(!spec_add_data(&spec, "/usr/lib", "", 0, 0600, "test", &err));
    CHECK(!spec_add_data(&spec, "/usr/lib/a b/c", "", 0, 0600, "test", &err));
    CHECK(strstr(err.text, "a part of this path is a file") != NULL);
    spec_clear(&spec);
}

static void test_a_later_entry_replaces(void)
{
    struct image_spec spec;
    spec_init(&spec);
    CHECK(spec_add_data(&spec, "/f", "old", 3, 0600, "test", &err));
    CHECK(spec_add_data(&spec, "/f", "newer", 5, 0644, "test", &err));
    CHECK_EQ(spec.entry_count, 1);
    CHECK_STR(spec.entries[0].source, "newer");
    CHECK(spec_add_link(&spec, "/f", "g", "test", &err));
    CHECK_STR(at(&spec, "/f", false), "l /f");
    CHECK_STR(at(&spec, "/f", true), "");
    spec_clear(&spec);
}

static void test_links_that_turn_in_circles(void)
{
    struct image_spec spec;
    spec_init(&spec);
    CHECK(spec_add_link(&spec, "/a", "b", "test", &err));
    CHECK(spec_add_link(&spec, "/b", "a", "test", &err));
    CHECK_STR(at(&spec, "/a/x", true), "");
    CHECK(!spec_add_data(&spec, "/a/x", "", 0, 0600, "test", &err));
    CHECK(spec_add_link(&spec, "/up", "../../..", "test", &err));
    CHECK(spec_add_data(&spec, "/up/top", "", 0, 0600, "test", &err));
    CHECK_STR(at(&spec, "/top", false), "f /top");
    spec_clear(&spec);
}

static void test_trees_keep_links_and_leave_out_the_rest(void)
{
    struct image_spec spec;
    spec_init(&spec);
    put("tree/file", "1");
    CHECK_OK(symlink("file", "tree/link"));
    CHECK_OK(symlink("nowhere", "tree/dangling"));
    CHECK_OK(mkfifo("tree/pipe", 0600));
    CHECK_OK(mkdir("tree/empty", 0700));
    CHECK(spec_add_tree(&spec, "/t", "tree", "Dirs", &err));
    CHECK_STR(at(&spec, "/t/link", true), "f /t/file");
    CHECK_STR(at(&spec, "/t/dangling", false), "l /t/dangling");
    CHECK_STR(at(&spec, "/t/pipe", false), "");
    CHECK_STR(at(&spec, "/t/empty", false), "d /t/empty");
    put("etc/shadow", "secret");
    CHECK(spec_add_tree(&spec, "/etc", "etc", "Dirs", &err));
    CHECK_STR(at(&spec, "/etc/shadow", false), "");
    spec_clear(&spec);
}

static void test_bad_listings(void)
{
    static const char *const bad[] = {"x\n", "d 755 0 5 relative\n", "l 777 0 5 /l\n",
                                      "f 644 3 5 /f -> x\nf 6\n"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        struct image_spec spec;
        spec_init(&spec);
        put("listing", bad[i]);
        CHECK(!spec_add_layer(&spec, "l", "listing", &err));
        spec_clear(&spec);
    }
}

/* What a saved list says about the host now. */
static unsigned check(struct image_spec *spec)
{
    struct buf saved = {0};
    watch_save(&spec->watch, &saved);
    unsigned changed = watch_check(saved.data, saved.size);
    buf_clear(&saved);
    return changed;
}

static void test_changes_are_seen(void)
{
    struct image_spec spec;
    struct stat info;
    spec_init(&spec);
    put("w/file", "one");
    CHECK_OK(symlink("w", "wl"));
    spec.tier = TIER_APP;
    char *missing = path_absolute("w/missing");
    watch_absent(&spec.watch, missing);
    CHECK(spec_add_tree(&spec, "/w", "wl", "test", &err));
    spec_watch_entries(&spec);
    watch_settle(spec.watch.newest_ctime_ns);
    CHECK_EQ(check(&spec), 0);
    /* The same size and modification time. */
    CHECK_OK(stat("w/file", &info));
    int fd = open("w/file", O_WRONLY);
    CHECK_EQ(write(fd, "two", 3), 3);
    close(fd);
    struct timespec times[2] = {info.st_atim, info.st_mtim};
    CHECK_OK(utimensat(AT_FDCWD, "w/file", times, 0));
    CHECK_EQ(check(&spec), 1u << TIER_APP);
    struct buf saved = {0};
    int64_t newest = 0;
    watch_save(&spec.watch, &saved);
    CHECK(watch_refresh(saved.data, saved.size, 1u << TIER_APP, &newest));
    CHECK_EQ(watch_check(saved.data, saved.size), 0);
    put("w/missing", "");
    CHECK_EQ(watch_check(saved.data, saved.size), WATCH_CHANGED);
    CHECK_OK(unlink("w/file"));
    CHECK(!watch_refresh(saved.data, saved.size, 1u << TIER_APP, &newest));
    for (size_t size = 0; size < saved.size; size++)
        watch_check(saved.data, size); /* a list cut short is survived */
    buf_clear(&saved);
    free(missing);
    spec_clear(&spec);
}

static void test_modules(void)
{
    CHECK(watch_is_module("a.py", false) && watch_is_module("a.cpython-311.so", false));
    CHECK(!watch_is_module(".py", false) && !watch_is_module("a.txt", false));
    CHECK(watch_is_module("pkg_1", true) && !watch_is_module("1pkg", true));
    CHECK(!watch_is_module("a-b", true) && !watch_is_module(".git", true));
    struct watch watch = {0};
    struct buf saved = {0};
    put("mod/a.py", "");
    watch_modules(&watch, "mod");
    watch_save(&watch, &saved);
    put("mod/notes.txt", "");
    CHECK_EQ(watch_check(saved.data, saved.size), 0);
    put("mod/b.py", "");
    CHECK_EQ(watch_check(saved.data, saved.size), WATCH_CHANGED);
    buf_clear(&saved);
    watch_clear(&watch);
}

static void check_path(char *got, const char *want)
{
    CHECK_STR(got, want);
    free(got);
}

static void test_paths(void)
{
    check_path(path_clean("/a/./b//../c/"), "/a/c");
    check_path(path_clean("../../x"), "/x");
    check_path(path_clean(""), "/");
    check_path(path_join("/a", "b"), "/a/b");
    check_path(path_join("/", "b"), "/b");
    check_path(path_join("/a", "/b"), "/b");
    check_path(path_parent("/a"), "/");
    check_path(path_parent("a"), ".");
    CHECK(path_under("/a/b", "/a") && path_under("/a", "/a") && path_under("/a", "/"));
    CHECK(!path_under("/ab", "/a"));
}

int main(void)
{
    say_level = SAY_QUIET;
    if (!mkdtemp(folder) || chdir(folder))
        return 1;
    RUN(test_folders_merge_through_links);
    RUN(test_a_later_entry_replaces);
    RUN(test_links_that_turn_in_circles);
    RUN(test_trees_keep_links_and_leave_out_the_rest);
    RUN(test_bad_listings);
    RUN(test_changes_are_seen);
    RUN(test_modules);
    RUN(test_paths);
    char *command = mem_printf("rm -rf %s", folder);
    CHECK_EQ(system(command), 0);
    free(command);
    return check_done();
}
