/* What programs take for granted in the tree: the folders that Debian has, with their modes; disks,
 * interrupts, pressure and caches in /proc and /sys. */
#include <dirent.h>
#include <linux/capability.h>
#include <sys/stat.h>
#include <sys/utsname.h>

#include "tests/harness/guest.h"

static void folders(void)
{
    static const struct {
        const char *path;
        mode_t mode;
    } wanted[] = {
        {"/boot", 0755},      {"/dev", 0755},       {"/etc", 0755},       {"/home", 0755},
        {"/media", 0755},     {"/mnt", 0755},       {"/opt", 0755},       {"/root", 0700},
        {"/run", 0755},       {"/run/lock", 01777}, {"/srv", 0755},       {"/tmp", 01777},
        {"/usr/local", 0755}, {"/var", 0755},       {"/var/cache", 0755}, {"/var/lib", 0755},
        {"/var/tmp", 01777},  {"/var/opt", 0755},   {"/var/spool", 0755}, {"/var/lock", 01777},
        {"/var/run", 0755},
    };
    for (size_t i = 0; i < sizeof(wanted) / sizeof(*wanted); i++) {
        struct stat st = {0};
        if (!CHECK_OK(stat(wanted[i].path, &st)) || !CHECK_EQ(st.st_mode, S_IFDIR | wanted[i].mode))
            printf("# %s\n", wanted[i].path);
    }
    struct stat st;
    CHECK(stat("/var/log", &st) == 0 &&
          S_ISDIR(st.st_mode)); /* some systems let a group write there */
    CHECK(stat("/var/mail", &st) == 0 && S_ISDIR(st.st_mode) && (st.st_mode & S_ISGID));
}

static void mtab(void)
{
    char target[64] = "";
    CHECK(readlink("/etc/mtab", target, sizeof(target) - 1) > 0);
    CHECK(strstr(target, "proc/") && strstr(target, "mounts"));
    CHECK(strstr(file_get("/etc/mtab"), "/proc proc ") != NULL);
}

/* Whether this is the machine, which lacks nothing that a Linux may lack. */
static bool in_guest(void)
{
    struct utsname name;
    return uname(&name) == 0 && strstr(name.release, "orris");
}

static void one_disk(const char *name, unsigned major, unsigned minor)
{
    char path[64], with[64];
    unsigned a = 0, b = 0;
    unsigned long v[3];
    snprintf(path, sizeof(path), "/sys/class/block/%s/dev", name);
    CHECK(sscanf(file_get(path), "%u:%u", &a, &b) == 2 && a == major && b == minor);
    snprintf(path, sizeof(path), "/sys/class/block/%s/stat", name);
    CHECK_EQ(sscanf(file_get(path), "%lu %lu %lu", &v[0], &v[1], &v[2]), 3);
    snprintf(path, sizeof(path), "/sys/class/block/%s/size", name);
    unsigned long sectors = strtoul(file_get(path), NULL, 10);
    snprintf(with, sizeof(with), "%4u  %7u %10lu %s\n", major, minor, sectors / 2, name);
    CHECK(sectors == 0 || strstr(file_get("/proc/partitions"), with));
}

/* What psutil asks for. */
static void of_monitors(void)
{
    CHECK(strstr(file_get("/proc/vmstat"), "\npswpin "));
    CHECK(strstr(file_get("/proc/vmstat"), "\npswpout "));
    if (in_guest())
        CHECK_OK(access("/sys/class/power_supply", R_OK)); /* empty: there is no battery */
}

static void diskstats(void)
{
    char name[64][32];
    unsigned major[64], minor[64];
    unsigned long v[14], reads = 0;
    int disks = 0, used;
    for (const char *at = file_get("/proc/diskstats"); *at && disks < 64;
         at = strchr(at, '\n') + 1, disks++) {
        CHECK_EQ(sscanf(at, "%u %u %31s %lu %lu %lu%n", &major[disks], &minor[disks], name[disks],
                        &v[0], &v[1], &v[2], &used),
                 6);
        const char *rest = at + used;
        for (int i = 0; i < 14; i++)
            v[i] = strtoul(rest, (char **)&rest, 10);
        CHECK_EQ(*rest, '\n'); /* 20 fields in all */
        reads += strtoul(strstr(at, name[disks]) + strlen(name[disks]), NULL, 10);
    }
    CHECK(reads > 0 || !in_guest());
    for (int i = 0; i < disks; i++)
        one_disk(name[i], major[i], minor[i]);
}

/* Of all CPUs. */
static unsigned long local_timers(int *cpus)
{
    unsigned long sum = 0;
    const char *text = file_get("/proc/interrupts"), *at = strstr(text, "LOC:");
    *cpus = 0;
    for (const char *cpu = text; (cpu = strstr(cpu, "CPU")) && cpu < strchr(text, '\n'); cpu++)
        ++*cpus;
    at = at ? at + 4 : "";
    for (int i = 0; i < *cpus; i++)
        sum += strtoul(at, (char **)&at, 10);
    return sum;
}

static unsigned long all_interrupts(void)
{
    const char *at = strstr(file_get("/proc/stat"), "\nintr ");
    return at ? strtoul(at + 6, NULL, 10) : 0;
}

static void interrupts(void)
{
    int cpus;
    unsigned long before = local_timers(&cpus), all = all_interrupts();
    CHECK_EQ(cpus, sysconf(_SC_NPROCESSORS_ONLN));
    CHECK(before > 0 || cpus > 0);
    for (int i = 0; i < 10; i++)
        sleep_ms(5);
    CHECK(local_timers(&cpus) > before);
    CHECK(all_interrupts() > all);
    CHECK(strstr(file_get("/proc/interrupts"), "Local timer interrupts") != NULL);
}

static unsigned long pressure(const char *what, const char *line)
{
    char path[64];
    double a, b, c;
    unsigned long total = 0;
    snprintf(path, sizeof(path), "/proc/pressure/%s", what);
    const char *at = strstr(file_get(path), line);
    int n = at ? sscanf(at + strlen(line), " avg10=%lf avg60=%lf avg300=%lf total=%lu", &a, &b, &c,
                        &total)
               : 0;
    CHECK_EQ(n, 4);
    CHECK(n == 4 && a >= 0 && a <= 100 && b >= 0 && b <= 100 && c >= 0 && c <= 100);
    return total;
}

static volatile bool stop;

static void *spin(void *unused)
{
    while (!stop)
        ;
    return unused;
}

static void pressures(void)
{
    if (!in_guest() && !file_get("/proc/pressure/cpu")[0])
        return; /* switched off */
    (void)pressure("io", "some");
    (void)pressure("io", "full");
    (void)pressure("memory", "some");
    (void)pressure("memory", "full");
    (void)pressure("cpu", "full");
    unsigned long before = pressure("cpu", "some"), now = before;
    /* More threads than CPUs: some of them wait. */
    pthread_t threads[256];
    long count = sysconf(_SC_NPROCESSORS_ONLN) + 1;
    for (long i = 0; i < count; i++)
        threads[i] = thread_start(spin, NULL);
    for (int i = 0; i < 1000 && now < before + 20000; i++) {
        sleep_ms(10);
        now = pressure("cpu", "some");
    }
    stop = true;
    for (long i = 0; i < count; i++)
        thread_join(threads[i]);
    CHECK(now >= before + 20000); /* microseconds */
}

static void caches(void)
{
    char path[128];
    int found = 0;
    for (int i = 0; i < 8; i++) {
        snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu0/cache/index%d/level", i);
        int level = atoi(file_get(path));
        if (!level)
            break;
        found++;
        CHECK(level >= 1 && level <= 4);
        snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu0/cache/index%d/size", i);
        const char *size = file_get(path);
        CHECK(atoi(size) > 0 && strstr(size, "K\n"));
        snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu0/cache/index%d/type", i);
        const char *type = file_get(path);
        CHECK(strcmp(type, "Data\n") == 0 || strcmp(type, "Instruction\n") == 0 ||
              strcmp(type, "Unified\n") == 0);
        snprintf(path, sizeof(path),
                 "/sys/devices/system/cpu/cpu0/cache/index%d/coherency_line_size", i);
        CHECK(atoi(file_get(path)) >= 16);
        snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu0/cache/index%d/shared_cpu_list",
                 i);
        CHECK_EQ(file_get(path)[0], '0');
    }
    CHECK(found >= 2);
    CHECK(sysconf(_SC_LEVEL1_DCACHE_LINESIZE) > 0);
}

static bool may_exceed(void)
{
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct sets[2] = {{0}};
    return syscall(SYS_capget, &header, sets) == 0 && (sets[0].effective >> CAP_SYS_RESOURCE & 1);
}

/* /proc/sys/fs/pipe-max-size rules who may not go beyond limits. */
static void pipe_max_size(void)
{
    int ends[2];
    char before[32], now[32];
    snprintf(before, sizeof(before), "%s", file_get("/proc/sys/fs/pipe-max-size"));
    CHECK(atol(before) >= 4096);
    CHECK_OK(pipe(ends));
    CHECK_EQ(fcntl(ends[0], F_SETPIPE_SZ, 5000), 8192);
    CHECK_EQ(fcntl(ends[0], F_SETPIPE_SZ, 1), 4096);
    CHECK_EQ(fcntl(ends[0], F_SETPIPE_SZ, 0), 4096);
    CHECK_ERR(syscall(SYS_fcntl, ends[0], F_SETPIPE_SZ, (1ul << 31) + 1), EINVAL);
    CHECK_ERR(syscall(SYS_fcntl, ends[0], F_SETPIPE_SZ, -1l), EINVAL);
    int fd = open("/proc/sys/fs/pipe-max-size", O_WRONLY);
    if (fd < 0) { /* /proc is read-only in some containers */
        CHECK(errno == EROFS || errno == EACCES);
        return;
    }
    CHECK_EQ(pwrite(fd, "100000\n", 7, 0), 7); /* rounded up */
    snprintf(now, sizeof(now), "%s", file_get("/proc/sys/fs/pipe-max-size"));
    CHECK_STR(now, "131072\n");
    CHECK_ERR(pwrite(fd, "4294967295\n", 11, 0), EINVAL);
    CHECK_ERR(pwrite(fd, "-5\n", 3, 0), EINVAL);
    CHECK_ERR(pwrite(fd, "words\n", 6, 0), EINVAL);
    CHECK_STR(file_get("/proc/sys/fs/pipe-max-size"), "131072\n");
    CHECK_EQ(fcntl(ends[0], F_SETPIPE_SZ, 131072), 131072);
    if (may_exceed())
        CHECK_EQ(fcntl(ends[0], F_SETPIPE_SZ, 1 << 21), 1 << 21);
    else
        CHECK_ERR(fcntl(ends[0], F_SETPIPE_SZ, 1 << 21), EPERM);
    CHECK_EQ(fcntl(ends[0], F_SETPIPE_SZ, 65536), 65536);
    CHECK_OK(seteuid(65534));
    CHECK_ERR(fcntl(ends[0], F_SETPIPE_SZ, 131073), EPERM);
    CHECK_EQ(fcntl(ends[0], F_SETPIPE_SZ, 131072), 131072);
    CHECK_OK(seteuid(0));
    CHECK_EQ(pwrite(fd, "1\n", 2, 0), 2);
    CHECK_STR(file_get("/proc/sys/fs/pipe-max-size"), "4096\n");
    /* What is larger already stays, may shrink, and new ones begin small for others. */
    CHECK_OK(seteuid(65534));
    CHECK_EQ(fcntl(ends[0], F_GETPIPE_SZ), 131072);
    CHECK_EQ(fcntl(ends[0], F_SETPIPE_SZ, 65536), 65536);
    CHECK_ERR(fcntl(ends[0], F_SETPIPE_SZ, 131072), EPERM);
    int more[2];
    CHECK_OK(pipe(more));
    CHECK_EQ(fcntl(more[1], F_GETPIPE_SZ), 4096);
    CHECK_OK(seteuid(0));
    CHECK_EQ(pwrite(fd, before, strlen(before), 0), (ssize_t)strlen(before));
    CHECK_STR(file_get("/proc/sys/fs/pipe-max-size"), before);
    close(fd);
    close(more[0]);
    close(more[1]);
    close(ends[0]);
    close(ends[1]);
}

int main(void)
{
    RUN(folders);
    RUN(mtab);
    RUN(diskstats);
    RUN(of_monitors);
    RUN(interrupts);
    RUN(pressures);
    RUN(caches);
    RUN(pipe_max_size);
    return check_done();
}
