// UNIT: host/vmm/mount.c host/base/path.c host/base/error.c host/base/buf.c host/base/escape.c
/* What --mount and Mounts say, and what they may not. */
#include <string.h>

#include "host/vmm/mount.h"
#include "tests/harness/check.h"

static struct mount_list list;
static struct error err;

static bool add(const char *text)
{
    err.text[0] = 0;
    return mount_list_add(&list, text, "/here", &err);
}

static void folders_and_places_are_told_apart(void)
{
    CHECK(add("data:/data"));
    CHECK_STR(list.items[0].host, "/here/data");
    CHECK_STR(list.items[0].guest, "/data");
    CHECK(!list.items[0].read_only);
    CHECK(add("/a:/b:/c/../d/:ro"));
    CHECK_STR(list.items[1].host, "/a:/b");
    CHECK_STR(list.items[1].guest, "/d");
    CHECK(list.items[1].read_only);
    CHECK(add("x:/y:rw"));
    CHECK(!list.items[2].read_only);
    CHECK(mount_list_has(&list, 3, "/y:ro"));
    CHECK(!mount_list_has(&list, 2, "/y"));
    mount_list_clear(&list);
}

static void mistakes_are_named(void)
{
    static const char *const wrong[] = {"",        "data",     ":/data",      "data:data",
                                        "data:/",  "d:/proc/", "d:/x/../dev", "d:/a:rox",
                                        "d:/sys/x"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
        CHECK(!add(wrong[i]));
        CHECK(strstr(err.text, "--mount") != NULL);
    }
    CHECK(add("a:/a") && !add("b:/a:ro"));
    CHECK(strstr(err.text, "two folders are to be mounted at /a") != NULL);
    CHECK(add("a:/b") && add("a:/c") && add("a:/d") && !add("a:/e"));
    mount_list_clear(&list);
}

static void folders_that_are_not_there(void)
{
    CHECK(add("/nowhere/at/all:/data"));
    CHECK(!mount_list_begin(&list, &err));
    CHECK_STR(err.text, "can't mount /nowhere/at/all at /data: No such file or directory");
    mount_list_clear(&list);
    CHECK(add("/dev/null:/data"));
    CHECK(!mount_list_begin(&list, &err));
    mount_list_clear(&list);
}

int main(void)
{
    RUN(folders_and_places_are_told_apart);
    RUN(mistakes_are_named);
    RUN(folders_that_are_not_there);
    return check_done();
}
