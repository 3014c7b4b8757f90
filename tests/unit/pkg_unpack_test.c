/* What stays and what goes when packages are unpacked, and what their scripts are read for. */
// UNIT: host/pkg/unpack.c host/pkg/script.c host/pkg/users.c host/pkg/place.c host/base/io.c host/base/fresh.c host/pkg/recipe.c host/pkg/ldcache.c host/base/error.c host/base/buf.c host/base/path.c host/base/strlist.c
// UNIT: host/base/escape.c host/base/inroot.c host/pkg/untar.c
// LIBS: -larchive -ljansson
#include <stdint.h>

#include <archive.h>
#include <archive_entry.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/base/buf.h"
#include "host/pkg/ldcache.h"
#include "host/pkg/unpack.h"
#include "host/pkg/users.h"
#include "tests/harness/check.h"

static bool path_gives(const char *member, const char *want)
{
    char *guest = unpack_guest_path(member);
    bool same = want ? guest && strcmp(guest, want) == 0 : !guest;
    free(guest);
    return same;
}

static void check_paths(void)
{
    CHECK(path_gives("./usr/bin/x", "/usr/bin/x"));
    CHECK(path_gives("./bin/x", "/usr/bin/x"));
    CHECK(path_gives("./lib/x86_64-linux-gnu/libc.so.6", "/usr/lib/x86_64-linux-gnu/libc.so.6"));
    CHECK(path_gives("./lib64/ld-linux-x86-64.so.2", "/usr/lib64/ld-linux-x86-64.so.2"));
    CHECK(path_gives("./library/x", "/library/x"));
    CHECK(path_gives("./", "/"));
    CHECK(path_gives("../x", NULL));
    CHECK(path_gives("./a/../../x", NULL));
}

static void check_rules(void)
{
    struct recipe_rules rules = {0};
    strlist_add(&rules.paths, "/usr/share/doc");
    strlist_add(&rules.paths, "/usr/lib/*.a");
    CHECK(unpack_left_out(&rules, "/usr/share/doc"));
    CHECK(unpack_left_out(&rules, "/usr/share/doc/x/copyright"));
    CHECK(!unpack_left_out(&rules, "/usr/share/docs"));
    CHECK(unpack_left_out(&rules, "/usr/lib/libx.a"));
    CHECK(!unpack_left_out(&rules, "/usr/lib/python3/x.a"));
    recipe_rules_clear(&rules);
}

static void check_alternatives(void)
{
    struct scripts list = {0};
    scripts_read("#!/bin/sh\nset -e\n"
                 "update-alternatives --install /usr/lib/libblas.so.3 \\\n"
                 "    libblas.so.3-x /usr/lib/blas/libblas.so.3 10\n"
                 "case $1 in configure) update-alternatives --quiet --install \"/usr/bin/a\" a "
                 "\"/usr/bin/a.b\" 50 --slave /x y /z;;\n"
                 "update-alternatives --install $LINK name $TARGET 10\n"
                 "update-alternatives --install /usr/bin/a",
                 &list);
    if (CHECK(list.alternative_count == 2)) {
        CHECK_STR(list.alternatives[0].link, "/usr/lib/libblas.so.3");
        CHECK_STR(list.alternatives[0].target, "/usr/lib/blas/libblas.so.3");
        CHECK(list.alternatives[0].priority == 10);
        CHECK_STR(list.alternatives[1].target, "/usr/bin/a.b");
    }
    scripts_clear(&list);
}

static const char users_script[] =
    "USER=\"redis\"\nHOME_OF=/var/lib/${USER}\nOTHER=`id`\n"
    "if ! getent passwd x > /dev/null || true; then\n"
    "\tadduser \\\n\t\t--system \\\n\t\t--home /var/lib/redis --quiet --group ${USER} || true\n"
    "fi\n"
    "# adduser --system comment\n"
    "adduser redis ssl-cert\n"
    "addgroup --system --quiet render\n"
    "useradd -r -M -d /srv -c 'a b c' -s /bin/false daemon2\n"
    "adduser --system $OTHER\n"
    "adduser --system --home /var/www www-data\n"
    "adduser --system --home \"/x/$UNSET\" zed\n";

static void check_users(void)
{
    struct scripts made = {0};
    struct recipe_rules rules = {0};
    struct strlist users = {0}, groups = {0};
    strlist_add(&rules.users, "www-data:x:33:33:www-data:/var/www:/usr/sbin/nologin");
    strlist_add(&users, "below:x:100:100::/nonexistent:/usr/sbin/nologin");
    strlist_add(&groups, "below:x:100:");
    scripts_read(users_script, &made);
    CHECK_EQ(users_add(&made, &rules, &users, &groups), 5);
    if (CHECK_EQ(users.count, 4)) {
        CHECK_STR(users.items[1], "daemon2:x:101:65534::/nonexistent:/usr/sbin/nologin");
        CHECK_STR(users.items[2], "redis:x:102:101::/var/lib/redis:/usr/sbin/nologin");
        CHECK_STR(users.items[3], "zed:x:103:65534::/nonexistent:/usr/sbin/nologin");
    }
    if (CHECK_EQ(groups.count, 3))
        CHECK_STR(groups.items[2], "render:x:102:");
    CHECK_EQ(users_add(&made, &rules, &users, &groups), 0);
    strlist_clear(&users);
    strlist_clear(&groups);
    scripts_clear(&made);
    recipe_rules_clear(&rules);
}

static uint32_t number_at(const struct buf *buf, size_t offset)
{
    uint32_t number;
    memcpy(&number, buf->data + offset, sizeof(number));
    return number;
}

/* One member of an archive: a file with data, or a hard link to target. */
static void member_add(struct archive *to, const char *name, const char *target, const void *data,
                       size_t size)
{
    struct archive_entry *entry = archive_entry_new();
    archive_entry_set_pathname(entry, name);
    archive_entry_set_filetype(entry, AE_IFREG);
    archive_entry_set_perm(entry, 0644);
    archive_entry_set_size(entry, (la_int64_t)size);
    if (target)
        archive_entry_set_hardlink(entry, target);
    CHECK_EQ(archive_write_header(to, entry), ARCHIVE_OK);
    CHECK_EQ(archive_write_data(to, data, size), (la_ssize_t)size);
    archive_entry_free(entry);
}

/* A package with a file and a hard link to target, unpacked into folder. */
static bool link_unpacks(const char *folder, const char *target, struct error *err)
{
    static char data[65536], deb[131072];
    struct archive *tar = archive_write_new(), *ar = archive_write_new();
    struct recipe_rules rules = {0};
    struct scripts scripts = {0};
    struct deb_facts facts = {0};
    size_t data_size, deb_size;
    archive_write_set_format_ustar(tar);
    archive_write_open_memory(tar, data, sizeof(data), &data_size);
    member_add(tar, "./usr/file", NULL, "x", 1);
    member_add(tar, "./usr/link", target, "", 0);
    archive_write_free(tar);
    archive_write_set_format_ar_svr4(ar);
    archive_write_open_memory(ar, deb, sizeof(deb), &deb_size);
    member_add(ar, "debian-binary", NULL, "2.0\n", 4);
    member_add(ar, "data.tar", NULL, data, data_size);
    archive_write_free(ar);
    char *path = mem_printf("%s/x.deb", folder);
    FILE *file = fopen(path, "we");
    CHECK(file && fwrite(deb, 1, deb_size, file) == deb_size && fclose(file) == 0);
    bool ok = unpack_deb(path, folder, &rules, &scripts, &facts, err);
    deb_facts_clear(&facts);
    scripts_clear(&scripts);
    free(path);
    return ok;
}

static void check_hard_links(void)
{
    char folder[] = "/tmp/orris-unpack.XXXXXX", command[64];
    struct error err = {0};
    CHECK(mkdtemp(folder) != NULL);
    CHECK(link_unpacks(folder, "./usr/file", &err));
    CHECK(!link_unpacks(folder, "../../../../etc/hostname", &err));
    CHECK(strstr(err.text, "leads out of it: ../../../../etc/hostname") != NULL);
    snprintf(command, sizeof(command), "rm -rf %s", folder);
    CHECK_EQ(system(command), 0);
}

static void check_linker_cache(void)
{
    CHECK(ldcache_compare("libz.so.1", "libz.so.1") == 0);
    CHECK(ldcache_compare("libz.so.9", "libz.so.10") < 0);
    CHECK(ldcache_compare("liba.so", "libb.so") < 0);
    CHECK(ldcache_compare("lib1", "liba") > 0);
    struct strlist paths = {0};
    struct buf cache = {0};
    strlist_add(&paths, "/usr/lib/x86_64-linux-gnu/liba.so.1");
    strlist_add(&paths, "/usr/lib/x86_64-linux-gnu/libz.so.1");
    strlist_add(&paths, "/usr/lib/x86_64-linux-gnu/blas/libblas.so.3");
    strlist_add(&paths, "/usr/lib/x86_64-linux-gnu/liba.so.1");
    strlist_add(&paths, "/usr/bin/x");
    ldcache_build(&paths, &cache);
    CHECK(memcmp(cache.data, "glibc-ld.so.cache1.1", 20) == 0);
    CHECK(number_at(&cache, 20) == 2);
    CHECK(strcmp(cache.data + number_at(&cache, 48 + 4), "libz.so.1") == 0);
    CHECK(strcmp(cache.data + number_at(&cache, 48 + 24 + 8), "/lib/x86_64-linux-gnu/liba.so.1") ==
          0);
    CHECK(cache.size == 48 + 2 * 24 + number_at(&cache, 24));
    buf_clear(&cache);
    strlist_clear(&paths);
}

int main(void)
{
    check_paths();
    check_rules();
    check_alternatives();
    check_users();
    check_hard_links();
    check_linker_cache();
    return check_done();
}
