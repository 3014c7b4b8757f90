// How often the host's kernel killed for lack of memory, as control groups of both versions tell
// it.
// UNIT: host/vmm/oom.c host/base/io.c host/base/fresh.c host/base/path.c host/base/error.c
// UNIT: host/base/escape.c host/base/buf.c
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/base/buf.h"
#include "host/base/io.h"
#include "host/base/path.h"
#include "host/vmm/oom.h"
#include "tests/harness/check.h"

static char root[] = "/tmp/oom-XXXXXX";

static void put(const char *name, const char *text)
{
    char *path = mem_printf("%s%s", root, name);
    struct error err;
    CHECK(path_make_dirs(path, false, 0755));
    CHECK(io_write_file(path, text, strlen(text), 0644, &err));
    free(path);
}

static long count(void)
{
    uint64_t kills = 0;
    return oom_kills(root, &kills) ? (long)kills : -1;
}

#define EVENTS "low 0\nhigh 3\nmax 9\noom 5\noom_kill 4\noom_group_kill 0\n"

static void version_2(void)
{
    put("/proc/self/cgroup", "0::/user.slice/a b\n");
    put("/proc/self/mountinfo", "22 1 0:20 / /proc rw - proc proc rw\n"
                                "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 "
                                "rw,nsdelegate\n");
    CHECK_EQ(count(), -1);
    put("/sys/fs/cgroup/user.slice/a b/memory.events", EVENTS);
    CHECK_EQ(count(), 4);
}

static void version_2_of_which_a_part_is_mounted(void)
{
    put("/proc/self/cgroup", "0::/docker/x/y\n");
    put("/proc/self/mountinfo", "30 23 0:26 /docker/x /cg rw - cgroup2 cgroup2 rw\n");
    put("/cg/y/memory.events", "oom_kill 7\n");
    CHECK_EQ(count(), 7);
    put("/proc/self/mountinfo", "30 23 0:26 /other /cg rw - cgroup2 cgroup2 rw\n");
    CHECK_EQ(count(), -1);
    put("/proc/self/cgroup", "0::/\n");
    put("/proc/self/mountinfo", "30 23 0:26 / /cg rw - cgroup2 cgroup2 rw\n");
    put("/cg/memory.events", "oom_kill 2\n");
    CHECK_EQ(count(), 2);
}

static void version_1(void)
{
    put("/proc/self/cgroup", "5:cpu,cpuacct:/c\n4:hugetlb,memory:/m/n\n1:name=systemd:/s\n0::/s\n");
    put("/proc/self/mountinfo",
        "40 23 0:30 / /v1/cpu rw - cgroup cgroup rw,cpu,cpuacct\n"
        "41 23 0:31 / /v1/memory rw shared:1 master:2 - cgroup cgroup rw,memory\n"
        "42 23 0:32 / /v1/unified rw - cgroup2 cgroup2 rw\n");
    put("/v1/memory/m/n/memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 3\n");
    CHECK_EQ(count(), 3);
}

static void what_is_odd(void)
{
    put("/proc/self/cgroup", "\n::\n0\n0:\n:::\n");
    put("/proc/self/mountinfo", "\n - \n1 2 3 - cgroup2\n - cgroup2 x\n30 23 0:26 - cgroup2 y z\n");
    CHECK_EQ(count(), -1);
    put("/proc/self/cgroup", "0::/a\n");
    CHECK_EQ(count(), -1);
}

int main(void)
{
    CHECK(mkdtemp(root) != NULL);
    CHECK_EQ(count(), -1);
    RUN(version_2);
    RUN(version_2_of_which_a_part_is_mounted);
    RUN(version_1);
    RUN(what_is_odd);
    char *remove = mem_printf("rm -rf %s", root);
    CHECK_EQ(system(remove), 0);
    free(remove);
    return check_done();
}
