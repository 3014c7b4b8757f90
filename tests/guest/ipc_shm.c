/* System V shared memory: shmget, shmat, shmdt, shmctl. */
#include <sys/shm.h>

#include "tests/harness/ipc.h"

#ifndef SHM_STAT_ANY
#define SHM_STAT_ANY 15
#endif

static int make(size_t size)
{
    return shmget(IPC_PRIVATE, size, IPC_CREAT | 0600);
}

static struct shmid_ds stat_of(int id)
{
    struct shmid_ds ds = {0};
    CHECK_OK(shmctl(id, IPC_STAT, &ds));
    return ds;
}

static void get_by_key(void)
{
    int id = shmget(0x1234, 5000, IPC_CREAT | IPC_EXCL | 0640);
    CHECK(id >= 0);
    CHECK_EQ(shmget(0x1234, 0, 0), id);
    CHECK_EQ(shmget(0x1234, 5000, IPC_CREAT | 0600), id);
    CHECK_ERR(shmget(0x1234, 5001, 0), EINVAL);
    CHECK_ERR(shmget(0x1234, 5000, IPC_CREAT | IPC_EXCL), EEXIST);
    CHECK_ERR(shmget(0x4321, 5000, 0600), ENOENT);
    CHECK_ERR(shmget(0x4321, 0, IPC_CREAT | 0600), EINVAL);
    CHECK_ERR(shmget(0x4321, SIZE_MAX, IPC_CREAT | 0600), EINVAL);
    struct shmid_ds ds = stat_of(id);
    CHECK_EQ(ds.shm_segsz, 5000);
    CHECK_EQ(ds.shm_perm.mode, 0640);
    CHECK_EQ(ds.shm_perm.__key, 0x1234);
    CHECK_EQ(ds.shm_cpid, getpid());
    CHECK_EQ(ds.shm_nattch, 0);
    CHECK_OK(shmctl(id, IPC_RMID, NULL));
    CHECK_ERR(shmget(0x1234, 0, 0), ENOENT);
    CHECK_ERR(shmctl(id, IPC_STAT, &ds), EINVAL);
}

static void identifiers_are_not_used_again(void)
{
    int first = make(PAGE);
    CHECK_OK(shmctl(first, IPC_RMID, NULL));
    int second = make(PAGE);
    CHECK(second != first);
    CHECK_OK(shmctl(second, IPC_RMID, NULL));
}

static void two_attachments_are_one_memory(void)
{
    int id = make(3 * PAGE);
    char *a = shmat(id, NULL, 0), *b = shmat(id, NULL, SHM_RDONLY);
    CHECK(a != (char *)-1 && b != (char *)-1 && a != b);
    CHECK_EQ(a[2 * PAGE], 0);
    strcpy(a + PAGE, "shared");
    CHECK_STR(b + PAGE, "shared");
    CHECK_EQ(fault_of(probe_write, b).sig, SIGSEGV);
    CHECK_ERR(mprotect(b, PAGE, PROT_READ | PROT_WRITE), EACCES);
    struct shmid_ds ds = stat_of(id);
    CHECK_EQ(ds.shm_nattch, 2);
    CHECK_EQ(ds.shm_lpid, getpid());
    CHECK(ds.shm_atime > 0);
    CHECK_OK(shmdt(a));
    CHECK_EQ(fault_of(probe_read, a).sig, SIGSEGV);
    CHECK_ERR(shmdt(a), EINVAL);
    CHECK_STR(b + PAGE, "shared");
    CHECK_OK(shmdt(b));
    ds = stat_of(id);
    CHECK_EQ(ds.shm_nattch, 0);
    CHECK(ds.shm_dtime > 0);
    a = shmat(id, NULL, 0);
    CHECK_STR(a + PAGE, "shared");
    CHECK_OK(shmdt(a));
    CHECK_OK(shmctl(id, IPC_RMID, NULL));
}

static void removed_lives_while_attached(void)
{
    int id = shmget(0x777, PAGE, IPC_CREAT | 0600);
    char *a = shmat(id, NULL, 0);
    strcpy(a, "alive");
    CHECK_OK(shmctl(id, IPC_RMID, NULL));
    CHECK_ERR(shmget(0x777, PAGE, 0600), ENOENT);
    struct shmid_ds ds = stat_of(id);
    CHECK_EQ(ds.shm_perm.mode, 0600 | SHM_DEST);
    CHECK_EQ(ds.shm_perm.__key, IPC_PRIVATE);
    char *b = shmat(id, NULL, 0);
    CHECK_STR(b, "alive");
    CHECK_OK(shmdt(a));
    CHECK_STR(b, "alive");
    CHECK_OK(munmap(b, PAGE));
    CHECK_ERR(shmctl(id, IPC_STAT, &ds), EINVAL);
    CHECK_EQ((long)shmat(id, NULL, 0), -1);
    CHECK_EQ(errno, EINVAL);
}

static void at_an_address(void)
{
    int id = make(2 * PAGE);
    char *room = mmap(NULL, 8 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK_OK(munmap(room, 8 * PAGE));
    CHECK(shmat(id, room + 5, 0) == (void *)-1 && errno == EINVAL);
    CHECK(shmat(id, room + 5, SHM_RND) == room);
    CHECK(shmat(id, room + PAGE, 0) == (void *)-1 && errno == EINVAL);
    CHECK(shmat(id, NULL, SHM_REMAP) == (void *)-1 && errno == EINVAL);
    room[PAGE] = 7;
    CHECK(shmat(id, room + PAGE, SHM_REMAP) == room + PAGE);
    CHECK_EQ(room[2 * PAGE], 7);
    CHECK_OK(shmdt(room));
    CHECK_EQ(room[2 * PAGE], 7);
    CHECK_EQ(fault_of(probe_read, room).sig, SIGSEGV);
    CHECK_OK(shmdt(room + PAGE));
    CHECK_EQ(stat_of(id).shm_nattch, 0);
    CHECK_OK(shmctl(id, IPC_RMID, NULL));
}

static void detaching_what_is_in_pieces(void)
{
    int id = make(4 * PAGE);
    char *a = shmat(id, NULL, 0);
    a[3 * PAGE] = 1;
    CHECK_OK(mprotect(a + PAGE, PAGE, PROT_READ));
    CHECK_OK(munmap(a, PAGE));
    CHECK_OK(shmdt(a));
    for (size_t i = 0; i < 4; i++)
        CHECK_EQ(fault_of(probe_read, a + i * PAGE).sig, SIGSEGV);
    CHECK_EQ(stat_of(id).shm_nattch, 0);
    CHECK_OK(shmctl(id, IPC_RMID, NULL));
}

static void executable(void)
{
    static const unsigned char code[] = {0xb8, 42, 0, 0, 0, 0xc3}; /* mov $42, %eax; ret */
    int id = shmget(IPC_PRIVATE, PAGE, IPC_CREAT | 0700);
    char *a = shmat(id, NULL, SHM_EXEC);
    memcpy(a, code, sizeof(code));
    CHECK_EQ(((int (*)(void))a)(), 42);
    CHECK_OK(shmdt(a));
    CHECK_OK(shmctl(id, IPC_RMID, NULL));
}

static void shown_in_maps(void)
{
    int id = shmget(0x7fed, PAGE, IPC_CREAT | 0600);
    void *a = shmat(id, NULL, 0);
    char line[256], want[64], inode[32];
    bool found = false;
    snprintf(want, sizeof(want), "/SYSV%08x (deleted)", 0x7fed);
    snprintf(inode, sizeof(inode), " %d ", id);
    FILE *f = fopen("/proc/self/maps", "r");
    while (fgets(line, sizeof(line), f))
        found = found || (strstr(line, want) && strstr(line, inode) && strstr(line, "rw-s"));
    fclose(f);
    CHECK(found);
    CHECK_OK(shmdt(a));
    CHECK_OK(shmctl(id, IPC_RMID, NULL));
}

static void owner_and_mode(void)
{
    int id = make(PAGE);
    struct shmid_ds ds = stat_of(id);
    ds.shm_perm.uid = 1000;
    ds.shm_perm.gid = 1001;
    ds.shm_perm.mode = 0444;
    CHECK_OK(shmctl(id, IPC_SET, &ds));
    ds = stat_of(id);
    CHECK_EQ(ds.shm_perm.uid, 1000);
    CHECK_EQ(ds.shm_perm.gid, 1001);
    CHECK_EQ(ds.shm_perm.cuid, geteuid());
    CHECK_EQ(ds.shm_perm.mode, 0444);
    ds.shm_perm.uid = (uid_t)-1;
    CHECK_ERR(shmctl(id, IPC_SET, &ds), EINVAL);
    CHECK_OK(shmctl(id, SHM_LOCK, NULL));
    CHECK_EQ(stat_of(id).shm_perm.mode, 0444 | SHM_LOCKED);
    CHECK_OK(shmctl(id, SHM_UNLOCK, NULL));
    CHECK_EQ(stat_of(id).shm_perm.mode, 0444);
    CHECK_OK(shmctl(id, IPC_RMID, NULL));
}

/* In a thread with ids of its own, which end with it. */
static void *as_another(void *arg)
{
    int id = *(int *)arg;
    struct shmid_ds ds;
    syscall(SYS_setresgid, 1000, 1000, 1000);
    CHECK_OK(syscall(SYS_setresuid, 1000, 1000, 1000));
    CHECK(shmat(id, NULL, 0) == (void *)-1 && errno == EACCES);
    void *a = shmat(id, NULL, SHM_RDONLY);
    CHECK(a != (void *)-1);
    CHECK_OK(shmdt(a));
    CHECK_ERR(shmget(0x888, PAGE, 0666), EACCES);
    CHECK_EQ(shmget(0x888, PAGE, 0444), id);
    CHECK_OK(shmctl(id, IPC_STAT, &ds));
    CHECK_ERR(shmctl(id, IPC_SET, &ds), EPERM);
    CHECK_ERR(shmctl(id, IPC_RMID, NULL), EPERM);
    CHECK_ERR(shmctl(id, SHM_LOCK, NULL), EPERM);
    return NULL;
}

static void information(void)
{
    int id = make(3 * PAGE);
    struct shminfo limits;
    struct shm_info usage;
    struct shmid_ds ds;
    int highest = shmctl(0, IPC_INFO, (struct shmid_ds *)&limits);
    CHECK(highest >= 0);
    CHECK_EQ(limits.shmmin, 1);
    CHECK_EQ(limits.shmmni, 4096);
    CHECK_EQ(limits.shmmax, 18446744073692774399ul);
    CHECK_EQ(limits.shmall, 18446744073692774399ul);
    CHECK_EQ(shmctl(0, SHM_INFO, (struct shmid_ds *)&usage), highest);
    CHECK_EQ(usage.used_ids, 1);
    CHECK_EQ(usage.shm_tot, 3);
    CHECK_EQ(shmctl(highest, SHM_STAT, &ds), id);
    CHECK_EQ(ds.shm_segsz, 3 * PAGE);
    CHECK_EQ(shmctl(highest, SHM_STAT_ANY, &ds), id);
    CHECK_ERR(shmctl(highest + 1, SHM_STAT, &ds), EINVAL);
    CHECK_ERR(shmctl(id, 999, NULL), EINVAL);
    CHECK_ERR(shmctl(-1, IPC_STAT, &ds), EINVAL);
    CHECK_ERR(shmctl(id, IPC_STAT, KERNEL_ADDRESS), EFAULT);
    CHECK_OK(shmctl(id, IPC_RMID, NULL));
}

static void listed_in_proc(void)
{
    char want[256];
    int id = shmget(0x99, PAGE, IPC_CREAT | 0640);
    char *a = shmat(id, NULL, 0);
    a[0] = 1;
    struct shmid_ds ds = stat_of(id);
    snprintf(
        want, sizeof(want),
        "%10d %10d  %4o %21lu %5u %5u  %5lu %5u %5u %5u %5u %10llu %10llu %10llu %21lu %21lu\n",
        0x99, id, 0640, PAGE, getpid(), getpid(), 1ul, 0, 0, 0, 0, (unsigned long long)ds.shm_atime,
        0ull, (unsigned long long)ds.shm_ctime, PAGE, 0ul);
    CHECK_STR(strchr(file_get("/proc/sysvipc/shm"), '\n') + 1, want);
    CHECK_OK(shmdt(a));
    CHECK_OK(shmctl(id, IPC_RMID, NULL));
}

static void limits_hold(void)
{
    CHECK_STR(file_get("/proc/sys/kernel/shmmni"), "4096\n");
    file_put("/proc/sys/kernel/shmmni", "2");
    int a = make(PAGE), b = make(PAGE);
    CHECK_ERR(make(PAGE), ENOSPC);
    file_put("/proc/sys/kernel/shmmni", "4096");
    file_put("/proc/sys/kernel/shmall", "3");
    CHECK_ERR(make(2 * PAGE), ENOSPC);
    int c = make(PAGE);
    CHECK(c >= 0);
    file_put("/proc/sys/kernel/shmall", "18446744073692774399");
    file_put("/proc/sys/kernel/shmmax", "4096");
    CHECK_ERR(make(PAGE + 1), EINVAL);
    file_put("/proc/sys/kernel/shmmax", "18446744073692774399");
    CHECK_OK(shmctl(a, IPC_RMID, NULL));
    CHECK_OK(shmctl(b, IPC_RMID, NULL));
    CHECK_OK(shmctl(c, IPC_RMID, NULL));
}

int main(void)
{
    ipc_namespace();
    RUN(get_by_key);
    RUN(identifiers_are_not_used_again);
    RUN(two_attachments_are_one_memory);
    RUN(removed_lives_while_attached);
    RUN(at_an_address);
    RUN(detaching_what_is_in_pieces);
    RUN(executable);
    RUN(shown_in_maps);
    RUN(owner_and_mode);
    RUN(information);
    RUN(listed_in_proc);
    RUN(limits_hold);
    int id = shmget(0x888, PAGE, IPC_CREAT | 0644);
    thread_join(thread_start(as_another, &id));
    shmctl(id, IPC_RMID, NULL);
    return check_done();
}
