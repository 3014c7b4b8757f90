// UNIT: tests/unit/fakes/unnamed.c
// UNIT: kernel/fd/epoll.c kernel/fd/file.c kernel/fd/iter.c kernel/fd/eventfd.c kernel/base/format.c tests/unit/fakes/heap.c tests/unit/fakes/wait.c
/* epoll over eventfds: what is told when, nesting, and a long random run against a model. */
#include <asm/fcntl.h>
#include <linux/eventpoll.h>
#include <stdlib.h>

#include "kernel/base/errno.h"
#include "kernel/fd/epoll.h"
#include "kernel/fd/eventfd.h"
#include "kernel/sched/thread.h"
#include "tests/harness/check.h"
#include "tests/unit/fakes/fakes.h"

#define FILES 24
#define MAX 64

void cond_resched(void) {}

bool cond_resched_due(void)
{
    return false;
}

void dentry_put(struct dentry *d)
{
    (void)d;
}

void vfs_getattr(struct inode *inode, struct inode_attr *attr)
{
    (void)inode, (void)attr;
}

static struct epoll_event got[MAX];

static int64_t collect(struct file *ep, int max)
{
    return epoll_collect(ep, (struct uptr){(uint64_t)got}, max, 0);
}

static int add(struct file *ep, struct file *f, int fd, uint32_t events)
{
    return epoll_add(ep, f, fd, &(struct epoll_event){.events = events, .data = (uint64_t)fd});
}

static void count_up(struct file *f)
{
    uint64_t one = 1;
    struct iter it;
    iter_kernel(&it, &one, sizeof(one));
    (void)file_write(f, &it, NULL);
}

static void count_down(struct file *f)
{
    uint64_t value;
    struct iter it;
    iter_kernel(&it, &value, sizeof(value));
    (void)f->ops->read(f, &it, &f->pos);
}

static struct file *event(void)
{
    return eventfd_create(0, false, O_NONBLOCK);
}

static void level_and_edge(void)
{
    struct file *ep = epoll_create(), *a = event(), *b = event();
    CHECK_EQ(add(ep, a, 1, EPOLLIN), 0);
    CHECK_EQ(add(ep, b, 2, EPOLLIN | EPOLLET), 0);
    CHECK_EQ(collect(ep, MAX), 0);
    count_up(a);
    count_up(b);
    CHECK_EQ(collect(ep, MAX), 2);
    CHECK_EQ(collect(ep, MAX), 1);
    CHECK_EQ(got[0].data, 1);
    count_up(b);
    CHECK_EQ(collect(ep, MAX), 2);
    count_down(a);
    count_down(b);
    CHECK_EQ(collect(ep, MAX), 0);
    count_up(a);
    CHECK_EQ(epoll_collect(ep, (struct uptr){16}, MAX, 0), -EFAULT);
    CHECK_EQ(collect(ep, MAX), 1); /* nothing is lost by that */
    file_put(a);
    CHECK_EQ(collect(ep, MAX), 0);
    file_put(ep);
    file_put(b);
    CHECK_EQ(fake_heap_blocks, 0);
}

static struct file *step_file;

static void step_up(void)
{
    count_up(step_file);
}

static void waiting(void)
{
    struct file *ep = epoll_create(), *a = event();
    add(ep, a, 1, EPOLLIN);
    step_file = a;
    fake_next_step = step_up;
    CHECK_EQ(epoll_collect(ep, (struct uptr){(uint64_t)got}, MAX, DEADLINE_NONE), 1);
    count_down(a);
    CHECK_EQ(epoll_collect(ep, (struct uptr){(uint64_t)got}, MAX, DEADLINE_NONE), -EINTR);
    fake_sleep_error = -ETIMEDOUT;
    CHECK_EQ(epoll_collect(ep, (struct uptr){(uint64_t)got}, MAX, 5), 0);
    fake_sleep_error = -EINTR;
    file_put(a);
    file_put(ep);
    CHECK_EQ(fake_heap_blocks, 0);
}

static void nesting(void)
{
    enum { DEPTH = 5 };
    struct file *ep[DEPTH + 1], *a = event();
    for (int i = 0; i <= DEPTH; i++)
        ep[i] = epoll_create();
    CHECK_EQ(add(ep[0], a, 1, EPOLLIN), 0);
    for (int i = 1; i < DEPTH; i++)
        CHECK_EQ(add(ep[i], ep[i - 1], i, EPOLLIN), 0);
    CHECK_EQ(add(ep[DEPTH], ep[DEPTH - 1], 1, EPOLLIN), -ELOOP); /* too deep */
    CHECK_EQ(add(ep[0], ep[DEPTH - 1], 1, EPOLLIN), -ELOOP);     /* a loop */
    CHECK_EQ(add(ep[2], ep[2], 1, EPOLLIN), -EINVAL);
    CHECK_EQ(collect(ep[DEPTH - 1], MAX), 0);
    count_up(a);
    CHECK_EQ(collect(ep[DEPTH - 1], MAX), 1);
    CHECK_EQ(collect(ep[DEPTH - 1], MAX), 1);
    count_down(a);
    CHECK_EQ(collect(ep[DEPTH - 1], MAX), 0);
    count_up(a);
    CHECK_EQ(collect(ep[DEPTH - 1], MAX), 1);
    for (int i = 0; i <= DEPTH; i++)
        file_put(ep[i]);
    file_put(a);
    CHECK_EQ(fake_heap_blocks, 0);
}

/* A chain that grows below instances that are nested already is refused, too. */
static void nesting_from_below(void)
{
    struct file *ep[8];
    int refused = 0;
    for (int i = 0; i < 8; i++)
        ep[i] = epoll_create();
    for (int i = 0; i < 7; i++)
        refused += add(ep[i], ep[i + 1], 1, EPOLLIN) == -ELOOP;
    CHECK(refused > 0);
    for (int i = 0; i < 8; i++)
        file_put(ep[i]);
    CHECK_EQ(fake_heap_blocks, 0);
}

static void no_memory(void)
{
    struct file *ep = epoll_create(), *a = event();
    fake_heap_left = 0;
    CHECK_EQ(add(ep, a, 1, EPOLLIN), -ENOMEM);
    CHECK(epoll_create() == NULL);
    fake_heap_left = 1;
    CHECK(epoll_create() == NULL);
    fake_heap_left = -1;
    CHECK_EQ(add(ep, a, 1, EPOLLIN), 0);
    file_put(ep);
    file_put(a);
    CHECK_EQ(fake_heap_blocks, 0);
}

/* What a file should look like from outside. */
struct model {
    struct file *file;
    bool watched, edge, news; /* news: an edge that was not told yet */
    unsigned count;
};

static bool due(const struct model *m)
{
    return m->watched && m->count > 0 && (!m->edge || m->news);
}

/* Says something only if it failed: there are many. */
static void expect_ok(int err)
{
    if (err)
        CHECK_EQ(err, 0);
}

static void random_step(struct file *ep, struct model *m, int fd)
{
    switch (rand() % 6) {
    case 0:
        if (!m->watched) {
            m->edge = rand() % 2;
            expect_ok(add(ep, m->file, fd, EPOLLIN | (m->edge ? EPOLLET : 0)));
            m->watched = m->news = true;
        }
        break;
    case 1:
        if (m->watched)
            expect_ok(epoll_remove(ep, m->file, fd));
        m->watched = false;
        break;
    case 2:
        file_put(m->file);
        *m = (struct model){.file = event()};
        break;
    case 3:
        count_down(m->file);
        m->count = 0;
        break;
    default:
        count_up(m->file);
        m->count++;
        m->news = true;
    }
}

static void check_against_model(struct file *ep, struct model *m)
{
    int expected = 0, wrong = 0;
    for (int i = 0; i < FILES; i++)
        expected += due(&m[i]);
    int64_t n = collect(ep, MAX);
    if (n != expected)
        CHECK_EQ(n, expected);
    for (int64_t i = 0; i < n; i++) {
        wrong += !due(&m[got[i].data]);
        m[got[i].data].news = false;
    }
    if (wrong)
        CHECK_EQ(wrong, 0);
}

static void random_run(void)
{
    struct file *ep = epoll_create();
    struct model m[FILES];
    for (int i = 0; i < FILES; i++)
        m[i] = (struct model){.file = event()};
    srand(1);
    int failed = check_failed;
    for (int i = 0; i < 100000 && check_failed == failed; i++) {
        int fd = rand() % FILES;
        random_step(ep, &m[fd], fd);
        if (rand() % 4 == 0)
            check_against_model(ep, m);
    }
    for (int i = 0; i < FILES; i++)
        file_put(m[i].file);
    file_put(ep);
    CHECK_EQ(fake_heap_blocks, 0);
}

int main(void)
{
    RUN(level_and_edge);
    RUN(waiting);
    RUN(nesting);
    RUN(nesting_from_below);
    RUN(no_memory);
    RUN(random_run);
    return check_done();
}
