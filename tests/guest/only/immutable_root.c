/*
 * In the guest alone: the files of the image cannot be changed, not even by root through a shared
 * mapping; what is written to them goes to the layer in memory. On Linux root would damage the
 * host.
 */
#include <sys/mount.h>

#include "tests/harness/guest.h"

static char exe[PATH_MAX];

static void the_program_cannot_be_written(void)
{
    CHECK(readlink("/proc/self/exe", exe, sizeof(exe) - 1) > 0);
    CHECK_ERR(open(exe, O_WRONLY), ETXTBSY);
    int fd = open(exe, O_RDONLY);
    CHECK(fd >= 0);
    CHECK_ERR(mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), EACCES);
    char *p = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0);
    CHECK(p != MAP_FAILED);
    CHECK_ERR(mprotect(p, PAGE, PROT_READ | PROT_WRITE), EACCES);
    CHECK(!writable(p));
    CHECK_ERR(ftruncate(fd, 0), EINVAL);
    munmap(p, PAGE);
    close(fd);
}

/* A file of the image that is opened for writing is a copy from then on. */
static void changes_stay_in_memory(void)
{
    CHECK(file_get("/etc/passwd")[0] != 0);
    int before = open("/etc/passwd", O_RDONLY);
    char old[8] = "", now[8] = "";
    CHECK(pread(before, old, 4, 0) == 4);
    int fd = open("/etc/passwd", O_RDWR);
    CHECK(fd >= 0);
    CHECK_EQ(pwrite(fd, "XXXX", 4, 0), 4);
    CHECK_EQ(pread(fd, now, 4, 0), 4);
    CHECK_STR(now, "XXXX");
    CHECK(strncmp(file_get("/etc/passwd"), "XXXX", 4) == 0);
    close(fd);
    close(before);
}

static void device_nodes_and_mounts_are_refused(void)
{
    CHECK(mknod("/tmp/kmem", S_IFCHR | 0600, 0x0102) == -1 || open("/tmp/kmem", O_RDWR) == -1);
    unlink("/tmp/kmem");
    CHECK(mount("none", "/tmp", "tmpfs", 0, NULL) == -1);
    CHECK(umount("/proc") == -1);
    CHECK(syscall(SYS_pivot_root, "/tmp", "/tmp") == -1);
    CHECK(syscall(SYS_init_module, exe, 4, "") == -1);
    CHECK(syscall(SYS_kexec_load, 0, 0, NULL, 0) == -1);
    CHECK(syscall(SYS_iopl, 3) == -1);
    CHECK(syscall(SYS_ioperm, 0x80, 1, 1) == -1);
    CHECK(syscall(SYS_ptrace, 0, 0, 0, 0) == -1);
    CHECK(syscall(SYS_bpf, 0, exe, 10) == -1);
    CHECK_ERR(open("/dev/mem", O_RDWR), ENOENT);
    CHECK_ERR(open("/dev/kmem", O_RDWR), ENOENT);
    CHECK_ERR(open("/dev/port", O_RDWR), ENOENT);
    CHECK_ERR(open("/proc/kcore", O_RDONLY), ENOENT);
}

/* For all but root, who may map it as on Linux and has to ask for it. */
static void *null_page_of_another_user(void *unused)
{
    (void)unused;
    CHECK_OK(syscall(SYS_setresuid, 65534, 65534, 65534)); /* of this thread alone */
    for (uintptr_t a = 0; a < 0x10000; a += PAGE) {
        void *p = mmap((void *)a, PAGE, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
        if (p != MAP_FAILED)
            CHECK(!"MAP_FIXED in the first 64 KiB");
    }
    CHECK(!writable(NULL));
    char *q = pages(1);
    CHECK(mremap(q, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, NULL) == MAP_FAILED);
    munmap(q, PAGE);
    return NULL;
}

static void the_null_page_stays_unmapped(void)
{
    pthread_t thread;
    CHECK(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != NULL);
    CHECK(!writable(NULL));
    CHECK_EQ(pthread_create(&thread, NULL, null_page_of_another_user, NULL), 0);
    pthread_join(thread, NULL);
}

static void system_files_have_no_secrets(void)
{
    CHECK_ERR(open("/etc/shadow", O_RDONLY), ENOENT);
    CHECK_ERR(open("/root/.ssh", O_RDONLY), ENOENT);
    CHECK_ERR(open("/bin/sh", O_RDONLY), ENOENT);
    CHECK_ERR(open("/usr/bin/env", O_RDONLY), ENOENT);
}

int main(void)
{
    RUN(the_program_cannot_be_written);
    RUN(changes_stay_in_memory);
    RUN(device_nodes_and_mounts_are_refused);
    RUN(the_null_page_stays_unmapped);
    RUN(system_files_have_no_secrets);
    return check_done();
}
