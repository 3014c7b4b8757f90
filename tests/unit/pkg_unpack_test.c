/* What stays and what goes when packages are unpacked, and what their scripts are read for. */
// UNIT: host/pkg/unpack.c host/pkg/recipe.c host/pkg/ldcache.c host/base/error.c host/base/buf.c host/base/path.c host/base/strlist.c
// LIBS: -larchive -ljansson
#include <stdint.h>

#include <stdlib.h>
#include <string.h>

#include "host/pkg/ldcache.h"
#include "host/pkg/unpack.h"
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

static void check_scripts(void)
{
    struct alternative_list list = {0};
    unpack_read_script("#!/bin/sh\nset -e\n"
                       "update-alternatives --install /usr/lib/libblas.so.3 \\\n"
                       "    libblas.so.3-x /usr/lib/blas/libblas.so.3 10\n"
                       "update-alternatives --install \"/usr/bin/a\" a \"/usr/bin/a.b\" 50 "
                       "--slave /x y /z\n"
                       "update-alternatives --install $LINK name $TARGET 10\n"
                       "update-alternatives --install /usr/bin/a",
                       &list);
    CHECK(list.count == 2);
    CHECK(list.count == 2 && strcmp(list.items[0].link, "/usr/lib/libblas.so.3") == 0);
    CHECK(list.count == 2 && strcmp(list.items[0].target, "/usr/lib/blas/libblas.so.3") == 0);
    CHECK(list.count == 2 && list.items[0].priority == 10);
    CHECK(list.count == 2 && strcmp(list.items[1].target, "/usr/bin/a.b") == 0);
    alternative_list_clear(&list);
}

static uint32_t number_at(const struct buf *buf, size_t offset)
{
    uint32_t number;
    memcpy(&number, buf->data + offset, sizeof(number));
    return number;
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
    check_scripts();
    check_linker_cache();
    return check_done();
}
