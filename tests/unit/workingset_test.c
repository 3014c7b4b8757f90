// UNIT: kernel/vfs/workingset.c
/* What counts as text that is read back at once, and when waiting for it means the end. */
#include "kernel/proc/task.h"
#include "kernel/vfs/workingset.h"
#include "tests/harness/check.h"

#define SECOND 1000000000ul

bool lock_checks_on;
struct page_stats page_stats;
static unsigned ended;

void proc_out_of_memory(void)
{
    ended++;
}

static void test_text_that_was_there_is_a_refault(void)
{
    struct filemap text = {.executed = true}, data = {0};
    page_stats.cache_pages = 100;
    page_stats.dirty_pages = 50;
    CHECK(!workingset_refault(&text, 7));
    workingset_evicted(&text, 7);
    workingset_evicted(&data, 7);
    CHECK(workingset_refault(&text, 7));
    CHECK(!workingset_refault(&text, 8));
    CHECK(!workingset_refault(&data, 7));
}

static void test_what_went_long_ago_is_not(void)
{
    struct filemap text = {.executed = true};
    workingset_evicted(&text, 1000);
    for (uint64_t i = 0; i < 49; i++)
        workingset_evicted(&text, 2000 + i);
    CHECK(workingset_refault(&text, 1000));
    workingset_evicted(&text, 3000);
    CHECK(!workingset_refault(&text, 1000));
}

/* Waits of so many milliseconds each tenth of a second, from start to end. */
static void wait_between(uint64_t start, uint64_t end, uint64_t ms)
{
    for (uint64_t at = start; at < end; at += SECOND / 10)
        workingset_stalled(at, at + ms * SECOND / 1000);
}

static void test_long_waiting_ends_it(void)
{
    wait_between(100 * SECOND, 108 * SECOND, 90);
    CHECK_EQ(ended, 0);
    wait_between(108 * SECOND, 113 * SECOND, 90);
    CHECK(ended > 0);
}

static void test_progress_in_between_does_not(void)
{
    ended = 0;
    wait_between(200 * SECOND, 300 * SECOND, 40);
    CHECK_EQ(ended, 0);
    for (uint64_t at = 300; at < 400; at += 10) { /* eight seconds of ten */
        wait_between(at * SECOND, (at + 8) * SECOND, 90);
        wait_between((at + 8) * SECOND, (at + 10) * SECOND, 10);
    }
    for (uint64_t at = 500; at < 600; at += 5) /* now and then, for long */
        workingset_stalled(at * SECOND, at * SECOND + 4 * SECOND);
    CHECK_EQ(ended, 0);
}

int main(void)
{
    RUN(test_text_that_was_there_is_a_refault);
    RUN(test_what_went_long_ago_is_not);
    RUN(test_long_waiting_ends_it);
    RUN(test_progress_in_between_does_not);
    return check_done();
}
