// UNIT: host/image/image.c host/image/annex.c host/image/layer.c host/image/bill.c host/image/dpkg.c host/image/copyright.c host/image/erofs.c host/base/progress.c host/image/kernel.c
// UNIT: host/image/erofs_read.c host/image/view.c host/image/record.c host/image/spec.c
// UNIT: host/image/ignore.c
// UNIT: host/image/tree.c host/base/digest.c
// LIBS: -lb2 -lnettle
// UNIT: host/base/buf.c host/base/crc32c.c host/base/error.c host/base/fresh.c host/base/io.c
// UNIT: host/base/path.c host/base/say.c host/base/stamp.c host/base/store.c host/base/strlist.c
// UNIT: host/base/watch.c host/base/escape.c
// UNIT: host/image/attributes.c
/*
 * Layers and images: made once, changed in place where possible, whole at every moment.
 */
#include <elf.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "host/base/crc32c.h"
#include "host/base/io.h"
#include "host/base/path.h"
#include "host/base/say.h"
#include "host/image/attributes.h"
#include "host/image/erofs.h"
#include "host/image/image.h"
#include "host/image/layer.h"
#include "host/image/view.h"
#include "tests/harness/check.h"

static char folder[] = "/tmp/orris-image.XXXXXX";
static struct error err;

static void make_kernel(const char *path)
{
    char file[8192] = {0};
    Elf64_Ehdr head = {.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
                       .e_machine = EM_X86_64,
                       .e_phoff = sizeof(head),
                       .e_phentsize = sizeof(Elf64_Phdr),
                       .e_phnum = 1,
                       .e_shoff = 6000,
                       .e_shnum = 3};
    Elf64_Phdr part = {.p_type = PT_LOAD, .p_filesz = 4096};
    memcpy(file, &head, sizeof(head));
    memcpy(file + sizeof(head), &part, sizeof(part));
    CHECK(io_write_file(path, file, sizeof(file), 0644, &err));
}

/* An image of a large file that stays and a script. */
static void spec_make(struct image_spec *spec, const char *script)
{
    static char large[100000];
    spec_init(spec);
    spec->name = mem_string("x");
    spec->program = mem_string("/bin/x");
    strlist_add(&spec->args, "x");
    spec->tier = TIER_SYSTEM;
    CHECK(spec_add_data(spec, "/bin/x", large, sizeof(large), 0755, "test", &err));
    spec->tier = TIER_APP;
    CHECK(spec_add_data(spec, "/script", script, strlen(script), 0644, "test", &err));
}

static bool build(const char *script, char **path, int *fd, bool *fresh)
{
    struct image_spec spec;
    spec_make(&spec, script);
    *fresh = false;
    bool done = CHECK(image_build(&spec, path, fd, fresh, &err));
    if (!done)
        printf("# %s\n", err.text);
    spec_clear(&spec);
    return done;
}

/* Checks all that the header says; returns the inode. */
static ino_t check_image(int fd, const char *path)
{
    struct image_info info;
    struct stat file;
    CHECK_OK(fstat(fd, &file));
    if (!CHECK(image_read(fd, path, &info, &err)))
        return 0;
    CHECK_EQ(info.header.image_size, file.st_size);
    CHECK_EQ(info.header.kernel_size, 4096);
    CHECK_EQ(info.layer_count, 2);
    for (unsigned i = 0; i < info.layer_count; i++) {
        char super[EROFS_SUPERBLOCK_SIZE];
        uint64_t at = info.layers[i].offset + EROFS_SUPERBLOCK_OFFSET;
        CHECK_EQ(info.layers[i].offset % ORRIS_IMAGE_LAYER_ALIGN, 0);
        CHECK_EQ(io_pread(fd, super, sizeof(super), (off_t)at), sizeof(super));
        CHECK_EQ(crc32c(0, super, sizeof(super)), info.layers[i].superblock_crc);
    }
    image_info_clear(&info);
    return file.st_ino;
}

static void test_a_changed_script_changes_the_image_in_place(void)
{
    char *path, *again;
    int fd, second;
    bool fresh;
    if (!build("one", &path, &fd, &fresh))
        return;
    CHECK(fresh);
    ino_t inode = check_image(fd, path);
    CHECK(build("one", &again, &second, &fresh) && !fresh);
    CHECK_STR(again, path);
    free(again);
    close(second);
    close(fd);
    CHECK(build("two", &again, &fd, &fresh) && fresh);
    CHECK_EQ(check_image(fd, path), inode);
    free(again);
    close(fd);
    CHECK(build("one", &again, &fd, &fresh) && fresh);
    CHECK_EQ(check_image(fd, path), inode);
    struct stat info;
    fstat(fd, &info);
    CHECK(info.st_size <= 8 << 20);
    free(again);
    free(path);
    close(fd);
}

static void test_a_running_machines_image_is_left_alone(void)
{
    char *path, *again;
    int fd, second;
    bool fresh;
    if (!build("three", &path, &fd, &fresh))
        return;
    ino_t inode = check_image(fd, path);
    CHECK(build("four", &again, &second, &fresh) && fresh);
    CHECK(check_image(second, again) != inode);
    CHECK_EQ(check_image(fd, path), inode);
    close(second);
    close(fd);
    free(again);
    free(path);
}

static void test_a_damaged_image_is_told_and_made_again(void)
{
    char *path;
    int fd;
    bool fresh;
    if (!build("five", &path, &fd, &fresh))
        return;
    close(fd);
    struct image_info info;
    fd = open(path, O_RDWR);
    CHECK(io_pwrite(fd, "?", 1, ORRIS_IMAGE_HEADER_OFFSET + 30));
    CHECK(!image_read(fd, path, &info, &err) && strstr(err.text, "is damaged"));
    CHECK(io_pwrite(fd, "?", 1, ORRIS_IMAGE_HEADER_OFFSET));
    CHECK(!image_read(fd, path, &info, &err) && strstr(err.text, "is not an image"));
    close(fd);
    free(path);
    CHECK(build("five", &path, &fd, &fresh) && fresh);
    check_image(fd, path);
    close(fd);
    free(path);
}

static void test_layers_are_named_by_content(void)
{
    struct image_spec a, b;
    char *first, *second;
    bool fresh = false;
    spec_make(&a, "same");
    spec_make(&b, "same");
    CHECK(layer_get(&a, TIER_APP, &first, &fresh, &err) && fresh);
    fresh = false;
    CHECK(layer_get(&b, TIER_APP, &second, &fresh, &err) && !fresh);
    CHECK_STR(first, second);
    struct buf recipe = {0};
    bool stale;
    char *third;
    layer_recipe(&b, TIER_APP, &recipe);
    CHECK(layer_remake(recipe.data, recipe.size, &third, &stale, &err));
    CHECK_STR(third, first);
    free(third);
    CHECK(!layer_remake(recipe.data, recipe.size - 1, &third, &stale, &err) && stale);
    CHECK(layer_get(&b, TIER_FOLDERS, &third, &fresh, &err) && !third);
    buf_clear(&recipe);
    free(first);
    free(second);
    spec_clear(&a);
    spec_clear(&b);
}

static void test_a_source_that_changes_is_an_error(void)
{
    struct image_spec spec;
    char *path, *layer;
    bool fresh = false;
    CHECK(io_write_file("growing", "12345", 5, 0644, &err));
    path = path_absolute("growing");
    spec_init(&spec);
    CHECK(spec_add_file(&spec, "/g", path, "test", &err));
    CHECK(io_write_file("growing", "123", 3, 0644, &err));
    CHECK(!layer_get(&spec, TIER_SYSTEM, &layer, &fresh, &err));
    CHECK(strstr(err.text, "changed while it was read") != NULL);
    free(path);
    spec_clear(&spec);
}

static void test_kernels(void)
{
    char *path;
    int fd;
    bool fresh;
    struct image_spec spec;
    spec_make(&spec, "x");
    setenv("ORRIS_KERNEL", "/nonexistent", 1);
    CHECK(!image_build(&spec, &path, &fd, &fresh, &err));
    CHECK(io_write_file("not-a-kernel", "?", 1, 0644, &err));
    setenv("ORRIS_KERNEL", "not-a-kernel", 1);
    CHECK(!image_build(&spec, &path, &fd, &fresh, &err) && strstr(err.text, "is not a kernel"));
    spec_clear(&spec);
}

/* All kinds of nodes, and folders whose names fill a block to its last byte. */
static void test_erofs_of_many_names(void)
{
    struct erofs_node *root = erofs_create(0755, -1);
    char names[900][16];
    for (int i = 0; i < 900; i++) {
        snprintf(names[i], sizeof(names[i]), "%0*d", 4 + i % 9, i);
        struct erofs_node *node = erofs_add(root, names[i], S_IFREG | 0644, i * 1000000007ll);
        node->data = names[i];
        node->size = i % 3 ? strlen(names[i]) : 0;
    }
    erofs_add(root, "link", S_IFLNK | 0777, 0)->source = "target";
    erofs_add(erofs_add(root, "dir", S_IFDIR | 0700, 0), "below", S_IFREG, 0);
    int fd = open("many.erofs", O_RDWR | O_CREAT | O_TRUNC, 0644);
    uint8_t digest[DIGEST_SIZE], other[DIGEST_SIZE];
    CHECK(erofs_write(root, fd, digest, &err));
    close(fd);
    fd = open("again.erofs", O_RDWR | O_CREAT | O_TRUNC, 0644);
    CHECK(erofs_write(root, fd, other, &err));
    CHECK(!memcmp(digest, other, sizeof(digest)));
    close(fd);
    erofs_destroy(root);
    if (system("command -v fsck.erofs > fsck.log") == 0)
        CHECK_EQ(system("fsck.erofs --extract=x many.erofs >> fsck.log 2>&1"), 0);
    else
        printf("# no fsck.erofs here\n");
}

/* Attributes behind the inodes: few, many, long, of folders, with a folder's own bytes after them.
 */
static void test_erofs_with_attributes(void)
{
    char *big = mem_alloc(60000);
    memset(big, 'b', 60000);
    CHECK(mkdir("attr", 0755) == 0 && io_write_file("attr/f", "x", 1, 0644, &err));
    if (setxattr("attr/f", "user.one", "1", 1, 0)) {
        printf("# no attributes of users in /tmp here\n");
        free(big);
        return;
    }
    CHECK_EQ(setxattr("attr", "user.folder", "of a folder", 11, 0), 0);
    CHECK_EQ(setxattr("attr/f", "user.empty", "", 0, 0), 0);
    bool fits = setxattr("attr/f", "user.big", big, 3500, 0) == 0; /* nearly a block */
    struct buf bytes = {0};
    CHECK(attributes_read("attr", &bytes, &err));
    CHECK_EQ(bytes.size, 12 + 4 + 6 + 11 + 3);
    CHECK(!memcmp(bytes.data + 12, "\6\1\13\0folderof a folder\0\0\0", 24));
    bytes.size = 0;
    CHECK(attributes_read("attr/f", &bytes, &err));
    CHECK_EQ(bytes.size, 12u + (fits ? 4 + 3 + 3500 + 1 : 0) + 4 + 5 + 3 + 4 + 3 + 1);
    bytes.size = 0;
    CHECK(io_write_file("attr/plain", "x", 1, 0644, &err));
    CHECK(attributes_read("attr/plain", &bytes, &err) && bytes.size == 0);
    CHECK(!attributes_read("attr/none", &bytes, &err) && strstr(err.text, "attr/none"));
    buf_clear(&bytes);
    struct erofs_node *root = erofs_create(0755, 0);
    root->origin = "attr";
    char names[300][16];
    for (int i = 0; i < 300; i++) {
        snprintf(names[i], sizeof(names[i]), "%04d", i);
        struct erofs_node *dir = erofs_add(root, names[i], S_IFDIR | 0755, 0);
        dir->origin = i % 3 ? "attr" : "attr/f";
        struct erofs_node *node = erofs_add(dir, "file", S_IFREG | 04755, 0);
        node->source = "attr/f";
        node->origin = i % 2 ? "attr/f" : "attr/plain";
        node->size = 1;
        erofs_add(dir, "link", S_IFLNK | 0777, 0)->source = names[i];
    }
    int fd = open("attr.erofs", O_RDWR | O_CREAT | O_TRUNC, 0644);
    uint8_t digest[DIGEST_SIZE];
    CHECK(erofs_write(root, fd, digest, &err));
    erofs_destroy(root);
    struct erofs_volume volume;
    struct erofs_file file;
    struct stat info;
    fstat(fd, &info);
    CHECK(erofs_open(&volume, fd, 0, (uint64_t)info.st_size, &err));
    CHECK(erofs_stat(&volume, volume.root, &file) && S_ISDIR(file.mode));
    close(fd);
    if (system("command -v fsck.erofs > fsck.log") == 0)
        CHECK_EQ(
            system("fsck.erofs --extract=y attr.erofs >> fsck.log 2>&1 && "
                   "test \"$(cat y/0123/file)\" = x && test \"$(readlink y/0299/link)\" = 0299"),
            0);
    else
        printf("# no fsck.erofs here\n");
    free(big);
}

static void test_blake2b_against_known_digests(void)
{
    struct digest hash;
    uint8_t digest[DIGEST_SIZE];
    char name[41];
    digest_init(&hash);
    digest_update(&hash, "abc", 3);
    digest_final(&hash, digest);
    digest_name(digest, name);
    CHECK_STR(name, "bddd813c634239723171ef3fee98579b94964e3b");
    static char zeros[1000];
    digest_init(&hash);
    for (size_t i = 0; i < 1000; i += 125) /* in pieces that fit no block */
        digest_update(&hash, zeros + i, 125);
    digest_final(&hash, digest);
    uint8_t whole[DIGEST_SIZE];
    digest_init(&hash);
    digest_update(&hash, zeros, 1000);
    digest_final(&hash, whole);
    CHECK(!memcmp(digest, whole, sizeof(whole)));
}

/* Bytes that a damaged image holds, one after another, in all the places that say where things are.
 */
static void test_damaged_layers_are_survived(void)
{
    static const unsigned char values[] = {0, 1, 0x7f, 0xff};
    char *path;
    int fd;
    bool fresh;
    if (!build("six", &path, &fd, &fresh))
        return;
    close(fd);
    fd = open(path, O_RDWR);
    uint64_t base = ORRIS_IMAGE_LAYER_ALIGN;
    size_t read = 0;
    for (uint64_t at = 1024; at < 1024 + 128 + 1024; at++)
        for (size_t i = 0; i < sizeof(values); i++) {
            unsigned char old;
            struct view view;
            io_pread(fd, &old, 1, (off_t)(base + at));
            io_pwrite(fd, &values[i], 1, (off_t)(base + at));
            read += view_open(&view, path, &err);
            view_close(&view);
            io_pwrite(fd, &old, 1, (off_t)(base + at));
        }
    CHECK(read > 0);
    struct view view;
    CHECK(view_open(&view, path, &err));
    const struct node *node = tree_find(view.tree, "/script", true);
    char text[8] = "";
    CHECK(node && view_read(&view, node, text, sizeof(text), 0) == 3);
    CHECK_STR(text, "six");
    view_close(&view);
    close(fd);
    free(path);
}

int main(void)
{
    say_level = SAY_QUIET;
    if (!mkdtemp(folder) || chdir(folder))
        return 1;
    make_kernel("kernel.elf");
    char *home = path_absolute("store"), *kernel = path_absolute("kernel.elf");
    setenv("ORRIS_HOME", home, 1);
    setenv("ORRIS_KERNEL", kernel, 1);
    RUN(test_blake2b_against_known_digests);
    RUN(test_erofs_of_many_names);
    RUN(test_erofs_with_attributes);
    RUN(test_a_changed_script_changes_the_image_in_place);
    RUN(test_a_running_machines_image_is_left_alone);
    RUN(test_a_damaged_image_is_told_and_made_again);
    RUN(test_layers_are_named_by_content);
    RUN(test_a_source_that_changes_is_an_error);
    RUN(test_damaged_layers_are_survived);
    RUN(test_kernels);
    char *command = mem_printf("rm -rf %s", folder);
    CHECK_EQ(system(command), 0);
    free(command);
    free(home);
    free(kernel);
    return check_done();
}
