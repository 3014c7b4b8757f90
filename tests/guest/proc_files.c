/* The files under /proc, /sys and /dev that programs read, and what is expected to be in them. */
#include <dirent.h>
#include <sys/ioctl.h>
#include <sys/sysinfo.h>
#include <sys/sysmacros.h>

#include "tests/harness/guest.h"

static bool has_line(const char *path, const char *start)
{
    const char *text = file_get(path);
    size_t n = strlen(start);
    for (; text; text = strchr(text, '\n'), text = text ? text + 1 : NULL)
        if (strncmp(text, start, n) == 0)
            return true;
    printf("# %s lacks a line \"%s\"\n", path, start);
    return false;
}

static void cpuinfo(void)
{
    CHECK(has_line("/proc/cpuinfo", "processor\t: 0"));
    CHECK(has_line("/proc/cpuinfo", "vendor_id\t: "));
    CHECK(has_line("/proc/cpuinfo", "model name\t: "));
    CHECK(has_line("/proc/cpuinfo", "flags\t\t: "));
    CHECK(has_line("/proc/cpuinfo", "cpu MHz\t\t: "));
    CHECK(strstr(file_get("/proc/cpuinfo"), " sse2 ") != NULL);
    int count = 0;
    for (const char *p = file_get("/proc/cpuinfo"); (p = strstr(p, "processor\t:")); p++)
        count++;
    CHECK_EQ(count, sysconf(_SC_NPROCESSORS_ONLN));
}

static void meminfo_agrees_with_sysinfo(void)
{
    struct sysinfo info;
    long total = 0, available = 0;
    CHECK_OK(sysinfo(&info));
    CHECK(info.uptime >= 0 && info.procs >= 1 && info.mem_unit >= 1);
    CHECK(info.totalram >= info.freeram && info.freeram > 0);
    CHECK_EQ(sscanf(file_get("/proc/meminfo"), "MemTotal: %ld kB", &total), 1);
    CHECK_EQ((unsigned long)total * 1024, info.totalram * info.mem_unit);
    const char *line = strstr(file_get("/proc/meminfo"), "MemAvailable:");
    CHECK(line && sscanf(line, "MemAvailable: %ld kB", &available) == 1);
    CHECK(available > 0 && available <= total);
    CHECK(has_line("/proc/meminfo", "MemFree:"));
    CHECK(has_line("/proc/meminfo", "Cached:"));
    CHECK(has_line("/proc/meminfo", "SwapTotal:"));
    CHECK_EQ(sysconf(_SC_PHYS_PAGES), total / 4);
    CHECK_ERR(syscall(SYS_sysinfo, KERNEL_ADDRESS), EFAULT);
}

static void self_stat(void)
{
    int pid = 0;
    char name[32] = "", state = 0;
    CHECK_EQ(sscanf(file_get("/proc/self/stat"), "%d (%31[^)]) %c", &pid, name, &state), 3);
    CHECK_EQ(pid, getpid());
    CHECK_STR(name, "proc_files");
    CHECK_EQ(state, 'R');
    int fields = 0;
    for (const char *p = strrchr(file_get("/proc/self/stat"), ')'); p && (p = strchr(p, ' ')); p++)
        fields++;
    CHECK_EQ(fields, 50);
    CHECK(has_line("/proc/self/status", "Name:\tproc_files"));
    CHECK(has_line("/proc/self/status", "Uid:\t0\t0\t0\t0"));
    CHECK(has_line("/proc/self/status", "Threads:\t1"));
    CHECK(has_line("/proc/self/status", "SigCgt:"));
    CHECK(has_line("/proc/self/status", "Cpus_allowed:"));
    char path[64];
    snprintf(path, sizeof(path), "/proc/%d/status", getpid());
    CHECK(has_line(path, "Name:\tproc_files"));
    CHECK(readlink("/proc/self", path, sizeof(path)) > 0);
    CHECK_EQ(atoi(path), getpid());
    snprintf(path, sizeof(path), "/proc/self/task/%d/stat", gettid());
    CHECK(file_get(path)[0] != 0);
    CHECK(readlink("/proc/self/root", path, sizeof(path)) == 1 && path[0] == '/');
    CHECK(has_line("/proc/self/limits", "Max open files"));
    CHECK(file_get("/proc/self/environ") != NULL);
    CHECK(has_line("/proc/self/cgroup", "0::") || file_get("/proc/self/cgroup")[0]);
    struct statx root;
    CHECK_OK(statx(AT_FDCWD, "/", 0, STATX_BASIC_STATS, &root));
    bool in_chroot = STATX_ATTR_MOUNT_ROOT & root.stx_attributes_mask & ~root.stx_attributes;
    CHECK(in_chroot || strstr(file_get("/proc/self/mountinfo"), " / rw"));
    CHECK(strstr(file_get("/proc/self/mounts"), "/proc proc ") != NULL);
    CHECK(in_chroot || strstr(file_get("/proc/mounts"), " / "));
    CHECK_ERR(open("/proc/999999/stat", O_RDONLY), ENOENT);
    CHECK_ERR(open("/proc/nothing", O_RDONLY), ENOENT);
}

static void self_fd_lists_what_is_open(void)
{
    char path[64], link[64] = "";
    int fd = open("/dev/null", O_RDONLY), found = 0;
    DIR *dir = opendir("/proc/self/fd");
    CHECK(dir != NULL);
    for (struct dirent *e; dir && (e = readdir(dir));)
        found += atoi(e->d_name) == fd && e->d_name[0] != '.';
    CHECK_EQ(found, 1);
    if (dir)
        closedir(dir);
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    CHECK(readlink(path, link, sizeof(link) - 1) > 0);
    CHECK_STR(link, "/dev/null");
    snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
    CHECK(has_line(path, "pos:\t0"));
    CHECK(has_line(path, "flags:\t"));
    close(fd);
    CHECK_ERR(open(path, O_RDONLY), ENOENT);
    int threads = 0;
    dir = opendir("/proc/self/task");
    for (struct dirent *e; dir && (e = readdir(dir));)
        threads += atoi(e->d_name) == getpid();
    CHECK_EQ(threads, 1);
    if (dir)
        closedir(dir);
}

static void system_wide_files(void)
{
    double up = 0, idle = -1;
    CHECK(has_line("/proc/stat", "cpu "));
    CHECK(has_line("/proc/stat", "cpu0 "));
    CHECK(has_line("/proc/stat", "btime "));
    CHECK(has_line("/proc/stat", "ctxt "));
    CHECK_EQ(sscanf(file_get("/proc/uptime"), "%lf %lf", &up, &idle), 2);
    CHECK(up > 0 && idle >= 0);
    CHECK_EQ(sscanf(file_get("/proc/loadavg"), "%lf", &up), 1);
    CHECK(strncmp(file_get("/proc/version"), "Linux version ", 14) == 0);
    CHECK(has_line("/proc/filesystems", "nodev\ttmpfs"));
    CHECK(atoi(file_get("/proc/sys/vm/overcommit_memory")) >= 0);
    CHECK(atoi(file_get("/proc/sys/kernel/pid_max")) > 0);
    CHECK(atoi(file_get("/proc/sys/fs/pipe-max-size")) == 1048576);
    CHECK(strlen(file_get("/proc/sys/kernel/hostname")) > 1);
    CHECK(strlen(file_get("/proc/sys/kernel/osrelease")) > 1);
    CHECK_EQ(strlen(file_get("/proc/sys/kernel/random/boot_id")), 37);
    CHECK_EQ(strlen(file_get("/proc/sys/kernel/random/uuid")), 37);
    char first[64];
    snprintf(first, sizeof(first), "%s", file_get("/proc/sys/kernel/random/uuid"));
    CHECK(strcmp(first, file_get("/proc/sys/kernel/random/uuid")) != 0);
}

static void processors_in_sys(void)
{
    long count = sysconf(_SC_NPROCESSORS_CONF);
    char want[32];
    snprintf(want, sizeof(want), count == 1 ? "0\n" : "0-%ld\n", count - 1);
    CHECK_STR(file_get("/sys/devices/system/cpu/online"), want);
    CHECK_STR(file_get("/sys/devices/system/cpu/possible"), want);
    CHECK_STR(file_get("/sys/devices/system/cpu/present"), want);
    CHECK_OK(access("/sys/devices/system/cpu/cpu0", F_OK));
}

static void devices(void)
{
    struct stat st;
    char block[64];
    int fd = open("/dev/null", O_RDWR);
    CHECK_EQ(read(fd, block, 64), 0);
    CHECK_EQ(write(fd, block, 64), 64);
    close(fd);
    fd = open("/dev/zero", O_RDWR);
    memset(block, 1, sizeof(block));
    CHECK_EQ(read(fd, block, 64), 64);
    CHECK_EQ(block[0] + block[63], 0);
    CHECK_EQ(write(fd, block, 64), 64);
    close(fd);
    fd = open("/dev/full", O_RDWR);
    CHECK_ERR(write(fd, block, 1), ENOSPC);
    CHECK_EQ(read(fd, block, 1), 1);
    close(fd);
    CHECK_OK(lstat("/dev/stdin", &st));
    CHECK(S_ISLNK(st.st_mode));
    CHECK_OK(lstat("/dev/fd", &st));
    CHECK_OK(stat("/dev/tty", &st));
    CHECK_EQ(st.st_rdev, makedev(5, 0));
    CHECK_OK(stat("/dev/shm", &st));
    CHECK_EQ(st.st_mode & 07777, 01777);
    CHECK_OK(stat("/tmp", &st));
    CHECK_EQ(st.st_mode & 07777, 01777);
}

static void shared_memory_folder(void)
{
    int fd = shm_open("/orris-test", O_CREAT | O_EXCL | O_RDWR, 0600);
    CHECK(fd >= 0);
    CHECK_OK(ftruncate(fd, 4096));
    char *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    CHECK(p != MAP_FAILED);
    p[0] = 's';
    CHECK_EQ(file_get("/dev/shm/orris-test")[0], 's');
    CHECK_OK(link("/dev/shm/orris-test", "/dev/shm/orris-link")); /* what joblib does */
    CHECK_OK(shm_unlink("/orris-test"));
    CHECK_OK(unlink("/dev/shm/orris-link"));
    munmap(p, 4096);
    close(fd);
}

static void read_in_small_pieces(void)
{
    char whole[4096], pieces[4096];
    int fd = open("/proc/self/limits", O_RDONLY);
    ssize_t n = read(fd, whole, sizeof(whole)), m = 0, k;
    CHECK(n > 200);
    CHECK_EQ(lseek(fd, 0, SEEK_SET), 0);
    while ((k = read(fd, pieces + m, 7)) > 0)
        m += k;
    CHECK_EQ(m, n);
    CHECK(memcmp(whole, pieces, (size_t)n) == 0);
    close(fd);
    fd = open("/proc/self/stat", O_WRONLY);
    CHECK(fd == -1 || write(fd, "x", 1) == -1);
    if (fd >= 0)
        close(fd);
    struct stat st;
    CHECK_OK(stat("/proc/self/stat", &st));
    CHECK(S_ISREG(st.st_mode) && st.st_size == 0);
}

int main(void)
{
    RUN(cpuinfo);
    RUN(meminfo_agrees_with_sysinfo);
    RUN(self_stat);
    RUN(self_fd_lists_what_is_open);
    RUN(system_wide_files);
    RUN(processors_in_sys);
    RUN(devices);
    RUN(shared_memory_folder);
    RUN(read_in_small_pieces);
    return check_done();
}
