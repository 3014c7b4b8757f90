// UNIT: kernel/fd/fdtable.c tests/unit/fakes/heap.c
/* The table of descriptors: lowest first, limits, growth, what exec closes. */
#include <asm/fcntl.h>
#include <asm/resource.h>
#include <linux/fcntl.h>

#include "kernel/base/errno.h"
#include "kernel/fd/fdtable.h"
#include "kernel/proc/task.h"
#include "tests/harness/check.h"
#include "tests/unit/fakes/fakes.h"

void cond_resched(void) {}

bool lock_checks_on;
struct proc the_proc;
static unsigned closed;

struct file *file_get(struct file *f)
{
    f->refs++;
    return f;
}

int file_alloc_error(void)
{
    return -ENOMEM;
}

void file_put(struct file *f)
{
    f->refs--;
}

void flock_closed(struct file *f)
{
    (void)f;
    closed++;
}

static const struct file_ops no_ops = {.name = "test"};
static struct file file = {.refs = 1, .ops = &no_ops};
static struct file path_file = {.refs = 1, .flags = O_PATH, .ops = &no_ops};

/* Installs file with a reference of the table's. */
static int install(int min, bool cloexec)
{
    int fd = fd_install(file_get(&file), min, cloexec);
    if (fd < 0)
        file_put(&file);
    return fd;
}

static void start(unsigned limit)
{
    fd_close_all();
    CHECK_EQ(file.refs, 1);
    CHECK_EQ(fd_count(), 0);
    the_proc.limits[RLIMIT_NOFILE][0] = limit;
    closed = 0;
}

static void the_lowest_is_taken(void)
{
    start(1024);
    for (int i = 0; i < 5; i++)
        CHECK_EQ(install(0, false), i);
    CHECK_EQ(fd_close(3), 0);
    CHECK_EQ(fd_close(1), 0);
    CHECK_EQ(install(0, false), 1);
    CHECK_EQ(install(0, false), 3);
    CHECK_EQ(install(0, false), 5);
    CHECK_EQ(fd_close(2), 0);
    CHECK_EQ(install(4, false), 6);
    CHECK_EQ(install(0, false), 2);
    CHECK_EQ(fd_count(), 7);
}

static void bad_numbers(void)
{
    struct file *f = NULL;
    start(1024);
    CHECK_EQ(fd_close(0), -EBADF);
    CHECK_EQ(fd_close(-1), -EBADF);
    CHECK_EQ(fd_close(1 << 30), -EBADF);
    CHECK_EQ(fd_get(-1, &f), -EBADF);
    CHECK_EQ(fd_get(INT32_MIN, &f), -EBADF);
    CHECK_EQ(fd_get(5000000, &f), -EBADF);
    CHECK_EQ(fd_get_flags(-1), -EBADF);
    CHECK_EQ(fd_set_flags(7, FD_CLOEXEC), -EBADF);
    CHECK_EQ(fd_next(-5), -1);
    CHECK_EQ(install(-1, false), -EINVAL);
    CHECK_EQ(install(1024, false), -EINVAL);
    CHECK(!f);
}

static void path_files_are_apart(void)
{
    struct file *f = NULL;
    start(1024);
    CHECK_EQ(fd_install(file_get(&path_file), 0, false), 0);
    CHECK_EQ(fd_get(0, &f), -EBADF);
    CHECK_EQ(fd_get_path(0, &f), 0);
    CHECK(f == &path_file);
    CHECK_EQ(f->refs, 3);
    file_put(f);
    fd_close_all();
    CHECK_EQ(path_file.refs, 1);
}

static void the_limit_holds(void)
{
    start(100);
    for (int i = 0; i < 100; i++)
        if (install(0, false) != i)
            CHECK_EQ(i, -1);
    CHECK_EQ(install(0, false), -EMFILE);
    CHECK_EQ(fd_replace(100, &file, false), -EBADF);
    CHECK_EQ(fd_replace(99, file_get(&file), false), 99);
    CHECK_EQ(file.refs, 101);
    the_proc.limits[RLIMIT_NOFILE][0] = 10; /* what is open stays */
    CHECK_EQ(fd_get_flags(99), 0);
    CHECK_EQ(fd_close(5), 0);
    CHECK_EQ(install(0, false), 5);
    CHECK_EQ(install(0, false), -EMFILE);
    the_proc.limits[RLIMIT_NOFILE][0] = 0;
    CHECK_EQ(install(0, false), -EMFILE);
}

static void the_table_grows(void)
{
    start(UINT32_MAX);
    CHECK_EQ(install(70000, true), 70000);
    CHECK_EQ(fd_replace(200, file_get(&file), false), 200);
    CHECK_EQ(install(0, false), 0);
    CHECK_EQ(install(200, false), 201);
    CHECK_EQ(fd_next(0), 0);
    CHECK_EQ(fd_next(1), 200);
    CHECK_EQ(fd_next(202), 70000);
    CHECK_EQ(fd_next(70001), -1);
    CHECK_EQ(fd_replace(FD_MAX, &file, false), -EBADF);
    fake_heap_left = 0;
    CHECK_EQ(install(90000, false), -ENOMEM);
    CHECK_EQ(fd_replace(3000, &file, false), -ENOMEM);
    fake_heap_left = 1; /* the array, not the chunk */
    CHECK_EQ(install(1000000, false), -ENOMEM);
    fake_heap_left = -1;
    CHECK_EQ(install(1000000, false), 1000000);
    CHECK_EQ(file.refs, 6);
}

static void exec_closes_what_is_marked(void)
{
    start(1024);
    for (int i = 0; i < 200; i++)
        (void)install(0, i % 2);
    CHECK_EQ(fd_get_flags(0), 0);
    CHECK_EQ(fd_get_flags(199), FD_CLOEXEC);
    CHECK_EQ(fd_set_flags(199, 0), 0);
    CHECK_EQ(fd_set_flags(0, FD_CLOEXEC), 0);
    fd_close_on_exec();
    CHECK_EQ(fd_count(), 100);
    CHECK_EQ(closed, 100);
    CHECK_EQ(fd_get_flags(199), 0);
    CHECK_EQ(fd_get_flags(0), -EBADF);
    CHECK_EQ(install(0, false), 0);
}

static void ranges_are_closed(void)
{
    start(1024);
    for (int i = 0; i < 300; i++)
        (void)install(0, false);
    CHECK_EQ(fd_close_range(5, 4, false), -EINVAL);
    CHECK_EQ(fd_close_range(290, UINT32_MAX, true), 0);
    CHECK_EQ(fd_get_flags(289), 0);
    CHECK_EQ(fd_get_flags(290), FD_CLOEXEC);
    CHECK_EQ(fd_close_range(60, 260, false), 0);
    CHECK_EQ(fd_count(), 99);
    CHECK_EQ(fd_next(60), 261);
    CHECK_EQ(fd_close_range(FD_MAX, UINT32_MAX, false), 0);
    CHECK_EQ(fd_close_range(FD_MAX, UINT32_MAX, true), 0);
    CHECK_EQ(fd_close_range(3, UINT32_MAX, false), 0);
    CHECK_EQ(fd_count(), 3);
}

static void install_or_put_drops_what_finds_no_place(void)
{
    start(1);
    CHECK_EQ(fd_install_or_put(NULL, false), -ENOMEM);
    CHECK_EQ(fd_install_or_put(file_get(&file), false), 0);
    CHECK_EQ(fd_install_or_put(file_get(&file), false), -EMFILE);
    CHECK_EQ(file.refs, 2);
    CHECK_EQ(fd_replace(0, file_get(&file), true), 0);
    CHECK_EQ(file.refs, 2);
    CHECK_EQ(fd_get_flags(0), FD_CLOEXEC);
}

static void a_reserved_number_is_nobody_elses(void)
{
    start(4);
    CHECK_EQ(fd_reserve(), 0);
    CHECK_EQ(install(0, false), 1);
    CHECK_EQ(fd_replace(0, &file, false), -EBUSY);
    CHECK_EQ(fd_close(0), -EBADF);
    CHECK_EQ(fd_next(0), 1);
    CHECK_EQ(fd_reserve(), 2);
    CHECK_EQ(fd_close_range(0, 3, false), 0);
    CHECK_EQ(fd_count(), 0);
    CHECK_EQ(fd_settle(0, -ENOENT, NULL, false), -ENOENT);
    CHECK_EQ(fd_settle(2, 0, file_get(&file), true), 2);
    CHECK_EQ(fd_get_flags(2), FD_CLOEXEC);
    CHECK_EQ(install(0, false), 0);
    CHECK_EQ(fd_reserve(), 1);
    CHECK_EQ(fd_reserve(), 3);
    CHECK_EQ(fd_reserve(), -EMFILE);
    CHECK_EQ(fd_settle(1, -ENOENT, NULL, false), -ENOENT);
    CHECK_EQ(fd_settle(3, -ENOENT, NULL, false), -ENOENT);
}

int main(void)
{
    RUN(the_lowest_is_taken);
    RUN(bad_numbers);
    RUN(path_files_are_apart);
    RUN(the_limit_holds);
    RUN(the_table_grows);
    RUN(exec_closes_what_is_marked);
    RUN(ranges_are_closed);
    RUN(install_or_put_drops_what_finds_no_place);
    RUN(a_reserved_number_is_nobody_elses);
    start(1);
    return check_done();
}
