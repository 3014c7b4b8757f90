/* A layer's bill of materials: as text and back, behind a layer, and what is checked. */
// UNIT: host/image/bill.c host/image/erofs.c host/base/progress.c host/base/say.c host/image/erofs_read.c host/base/buf.c host/base/error.c host/base/io.c host/base/fresh.c host/base/path.c host/base/crc32c.c host/base/digest.c
// UNIT: host/base/escape.c
// UNIT: host/image/attributes.c
// LIBS: -lnettle -lb2
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/image/bill.h"
#include "host/image/erofs.h"
#include "tests/harness/check.h"

static size_t owner(const struct bill_origin *origin, const char *path)
{
    (void)origin;
    return strcmp(path, "/a\tb\\n\nc") == 0;
}

static struct bill_package package = {.name = "tool", .version = "1:2.3", .licence = "MIT AND ISC"};

/* A layer of two files, with its bill. */
static int layer(void)
{
    struct bill_origin origin = {&package, 1, owner, NULL};
    struct error err;
    uint8_t digest[DIGEST_SIZE];
    int fd = memfd_create("layer", 0);
    struct erofs_node *root = erofs_create(0755, 5000000000);
    struct erofs_node *one = erofs_add(root, "a\tb\\n\nc", S_IFREG | 0644, 7000000000);
    one->data = "abc";
    one->size = 3;
    struct erofs_node *dir = erofs_add(root, "dir", S_IFDIR | 0755, 9000000000);
    struct erofs_node *two = erofs_add(dir, "empty", S_IFREG | 0644, 8000000000);
    two->data = "";
    erofs_add(dir, "link", S_IFLNK | 0777, 0)->source = "../x";
    CHECK(erofs_write(root, fd, digest, &err) && bill_append(fd, &origin, &err));
    erofs_destroy(root);
    return fd;
}

static uint64_t size_of(int fd)
{
    struct stat info;
    return fstat(fd, &info) ? 0 : (uint64_t)info.st_size;
}

static void check_layer(void)
{
    struct bill bill;
    struct error err;
    uint64_t size = 0;
    char text[SHA256_TEXT_SIZE];
    int fd = layer();
    if (!CHECK(bill_read(fd, 0, size_of(fd), &bill, &size, &err)))
        return;
    CHECK_EQ(bill.file_count, 2);
    CHECK_EQ(bill.package_count, 1);
    CHECK_EQ(bill.newest, 8);
    CHECK_EQ(size % 4096, 0);
    CHECK_STR(bill.files[0].path, "/a\tb\\n\nc");
    CHECK_EQ(bill.files[0].package, 1);
    CHECK_STR(bill.files[1].path, "/dir/empty");
    CHECK_EQ(bill.files[1].package, 0);
    CHECK_STR(bill.packages[0].licence, "MIT AND ISC");
    CHECK(!bill.packages[0].sha256);
    for (int i = 0; i < SHA256_SIZE; i++)
        sprintf(text + 2 * i, "%02x", bill.files[0].sha256[i]);
    CHECK_STR(text, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    CHECK(bill_check(fd, 0, size, &bill, &err));
    CHECK(erofs_verify(fd, 0, size, &err));
    bill.files[1].sha256[0] ^= 1;
    CHECK(!bill_check(fd, 0, size, &bill, &err) && strstr(err.text, "/dir/empty"));
    bill_clear(&bill);
    char byte;
    CHECK(pread(fd, &byte, 1, (off_t)size - 4096) == 1);
    byte ^= 1;
    CHECK(pwrite(fd, &byte, 1, (off_t)size - 4096) == 1);
    CHECK(!erofs_verify(fd, 0, size, &err));
    CHECK(!bill_read(fd, 0, size, &bill, &size, &err));
    close(fd);
}

static bool parses(const char *text)
{
    struct bill bill;
    bool good = bill_parse(text, strlen(text), &bill);
    if (good)
        bill_clear(&bill);
    return good;
}

#define HASHES                                                                                     \
    "a9993e364706816aba3e25717850c26c9cd0d89d\tba7816bf8f01cfea414140de5dae2223b00361a396177a9c"   \
    "b410ff61f20015ad"

static void check_text(void)
{
    CHECK(parses("orris bill 1\n"));
    CHECK(parses("orris bill 1\nnewest\t5\nfile\t0\t" HASHES "\t/x\n"));
    CHECK(!parses(""));
    CHECK(!parses("orris bill 2\n"));
    CHECK(!parses("orris bill 1\nfile\t1\t" HASHES "\t/x\n"));
    CHECK(!parses("orris bill 1\nfile\t0\t" HASHES "\tx\n"));
    CHECK(!parses("orris bill 1\nfile\t0\t" HASHES "\n"));
    CHECK(!parses("orris bill 1\nfile\t0\tzz\tyy\t/x\n"));
    CHECK(!parses("orris bill 1\npackage\tx\n"));
    CHECK(!parses("orris bill 1\nother\n"));
    CHECK(!parses("orris bill 1\nnewest\t5"));
}

int main(void)
{
    check_layer();
    check_text();
    return check_done();
}
