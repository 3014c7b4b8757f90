// UNIT: host/image/user.c host/image/userid.c host/image/erofs_read.c host/image/spec.c host/image/tree.c
// UNIT: host/image/ignore.c host/base/buf.c host/base/error.c host/base/escape.c host/base/fresh.c
// UNIT: host/base/io.c host/base/path.c host/base/say.c host/base/stamp.c host/base/strlist.c
// UNIT: host/base/watch.c
/* Whom the program runs as: numbers and names of the image's /etc/passwd and /etc/group. */
#include <string.h>

#include "host/image/user.h"
#include "tests/harness/check.h"

static const char passwd[] = "root:x:0:0:root:/root:/bin/bash\n"
                             "\n"
                             "broken\n"
                             "postgres:x:101:104:db:/var/lib/postgresql:/bin/bash\n"
                             "huge:x:4294967295:1:::\n"
                             "word:x:one:1:::\n"
                             "nohome:x:7:8::\n"
                             "last:x:1000:1000::/home/last:/bin/sh";
static const char group[] = "root:x:0:\nssl-cert:x:105:postgres\nstaff:x:50:last,postgres\n"
                            "other:x:60:postgresql,xpostgres\npostgres:x:104:";

static bool parse(const char *text, struct user *user, struct error *err)
{
    const struct buf p = {.data = (char *)passwd, .size = sizeof(passwd) - 1};
    const struct buf g = {.data = (char *)group, .size = sizeof(group) - 1};
    return user_parse(text, &p, &g, user, err);
}

static void check(const char *text, uint32_t uid, uint32_t gid, unsigned groups, const char *home)
{
    struct user user;
    struct error err;
    CHECK(parse(text, &user, &err));
    CHECK_EQ(user.ids.uid, uid);
    CHECK_EQ(user.ids.gid, gid);
    CHECK_EQ(user.ids.group_count, groups);
    CHECK_STR(user.home ? user.home : "", home);
    user_clear(&user);
}

static void users_and_groups(void)
{
    check("0", 0, 0, 0, "/root");
    check("postgres", 101, 104, 2, "/var/lib/postgresql");
    check("101", 101, 104, 2, "/var/lib/postgresql");
    check("postgres:staff", 101, 50, 0, "/var/lib/postgresql");
    check("postgres:0", 101, 0, 0, "/var/lib/postgresql");
    check("1000", 1000, 1000, 1, "/home/last");
    check("4711", 4711, 0, 0, "");
    check("4711:4712", 4711, 4712, 0, "");
    check("4711:postgres", 4711, 104, 0, "");
    check("nohome", 7, 8, 0, "");
    check("4294967294", 4294967294u, 0, 0, "");
}

static void what_is_refused(void)
{
    static const char *const wrong[] = {
        "",           ":",      ":5", "5:",          "none",         "5:no",  "huge", "word",
        "4294967295", "broken", "-1", "99999999999", "5:4294967295", "5:6:7", " 5"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
        struct user user;
        struct error err = {0};
        CHECK(!parse(wrong[i], &user, &err));
        CHECK(err.text[0]);
        user_clear(&user);
    }
    struct user user;
    struct error err = {0};
    CHECK(!parse("4294967295", &user, &err) && strstr(err.text, "too large"));
    CHECK(!parse("5:6:7", &user, &err) && strstr(err.text, "must be UID[:GID]"));
    CHECK(!parse("5:no", &user, &err) && strstr(err.text, "no group"));
}

int main(void)
{
    RUN(users_and_groups);
    RUN(what_is_refused);
    return check_done();
}
