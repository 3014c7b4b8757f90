// UNIT: host/pkg/untar.c host/pkg/unpack.c host/pkg/script.c host/base/buf.c host/base/error.c
// UNIT: host/base/io.c host/base/path.c host/base/strlist.c host/base/fresh.c host/base/escape.c
// LIBS: -larchive
/*
 * Whatever an archive holds, it is unpacked into its folder or refused, and nothing is made outside
 * it. Archives of our own packages and Debian's, each as what it begins like.
 */
#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/base/io.h"
#include "host/pkg/unpack.h"
#include "host/pkg/untar.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static char top[] = "/dev/shm/orris-fuzz.XXXXXX", inside[64];
static int here, outside;

static int remove_one(const char *path, const struct stat *info, int type, struct FTW *place)
{
    (void)info, (void)type, (void)place;
    return remove(path);
}

static void remove_tree(const char *path)
{
    nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void at_end(void)
{
    remove_tree(top);
}

/* The current folder is empty, its parent holds it and the archive's. */
static unsigned count(const char *folder)
{
    unsigned n = 0;
    DIR *dir = opendir(folder);
    while (readdir(dir))
        n++;
    closedir(dir);
    return n - 2;
}

static void begin(void)
{
    if (!mkdtemp(top))
        abort();
    atexit(at_end);
    snprintf(inside, sizeof(inside), "%s/outside", top);
    if (mkdir(inside, 0700) != 0)
        abort();
    here = open(".", O_RDONLY | O_DIRECTORY);
    outside = open(inside, O_RDONLY | O_DIRECTORY);
    if (here < 0 || outside < 0)
        abort();
    snprintf(inside, sizeof(inside), "%s/inside", top);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    char path[64];
    struct recipe_rules rules = {0};
    struct scripts scripts = {0};
    struct deb_facts facts = {0};
    struct error err = {0};
    if (!*inside)
        begin();
    int fd = memfd_create("archive", 0);
    if (fd < 0 || !io_write(fd, data, size) || mkdir(inside, 0700) != 0 || fchdir(outside) != 0)
        abort();
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    bool deb = size > 7 && memcmp(data, "!<arch>", 7) == 0;
    bool ok =
        deb ? unpack_deb(path, inside, &rules, &scripts, &facts, &err) : untar(path, inside, &err);
    if (!ok && !*err.text)
        abort();
    if (count(".") != 0 || count(top) != 2 || fchdir(here) != 0)
        abort();
    deb_facts_clear(&facts);
    scripts_clear(&scripts);
    remove_tree(inside);
    close(fd);
    return 0;
}
