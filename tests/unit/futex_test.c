/* The table of futex waiters. */
// UNIT: kernel/proc/futex_table.c
#include "kernel/proc/futex_table.h"
#include "kernel/sched/thread.h"
#include "tests/harness/check.h"

#define KEY ((struct futex_key){NULL, 0x7f0000001000ul})
#define OTHER ((struct futex_key){NULL, 0x7f0000002000ul})

static struct futex_waiter waiters[8];
static struct waiter sleepers[8];
static int pauses; /* the one after which another waiter comes; 0: none comes */

void waiter_signal(struct waiter *w)
{
    w->woken = true;
}

static struct futex_waiter *add(int i, struct futex_key key, uint32_t bitset)
{
    sleepers[i] = (struct waiter){.woken = false};
    waiters[i] =
        (struct futex_waiter){.key = key, .bitset = bitset, .tid = i, .waiter = &sleepers[i]};
    list_init(&waiters[i].node);
    futex_enqueue(&waiters[i]);
    return &waiters[i];
}

/* A pause after each waiter, if any is asked for. */
bool cond_resched_due(void)
{
    return pauses > 0;
}

void cond_resched(void)
{
    if (pauses > 0 && --pauses == 0)
        add(7, KEY, FUTEX_ANY);
}

/* Takes out whatever is left. */
static void clear(int count)
{
    for (int i = 0; i < count; i++)
        futex_dequeue(&waiters[i]);
}

static void test_hash_spreads_and_stays_inside(void)
{
    unsigned used[FUTEX_BUCKETS] = {0}, most = 0, outside = 0;
    for (uint64_t i = 0; i < 64 * FUTEX_BUCKETS; i++) {
        unsigned bucket = futex_bucket((struct futex_key){NULL, KEY.offset + i * 4});
        outside += bucket >= FUTEX_BUCKETS;
        used[bucket % FUTEX_BUCKETS]++;
    }
    for (int i = 0; i < FUTEX_BUCKETS; i++)
        most = used[i] > most ? used[i] : most;
    CHECK_EQ(outside, 0);
    CHECK(most < 3 * 64);
}

static void test_wakes_in_order_and_only_the_key(void)
{
    add(0, KEY, FUTEX_ANY);
    add(1, OTHER, FUTEX_ANY);
    add(2, KEY, FUTEX_ANY);
    CHECK_EQ(futex_table_wake(KEY, FUTEX_ANY, 1), 1);
    CHECK(sleepers[0].woken && !sleepers[2].woken);
    CHECK(!futex_dequeue(&waiters[0]));
    CHECK_EQ(futex_table_wake(KEY, FUTEX_ANY, INT32_MAX), 1);
    CHECK(sleepers[2].woken && !sleepers[1].woken);
    CHECK(futex_dequeue(&waiters[1]));
    CHECK_EQ(futex_table_wake(OTHER, FUTEX_ANY, 1), 0);
}

static void test_who_comes_during_a_pause_is_not_meant(void)
{
    for (int i = 0; i < 4; i++)
        add(i, KEY, FUTEX_ANY);
    pauses = 2;
    CHECK_EQ(futex_table_wake(KEY, FUTEX_ANY, INT32_MAX), 4);
    CHECK_EQ(pauses, 0);
    CHECK(sleepers[3].woken && !sleepers[7].woken);
    CHECK_EQ(futex_table_wake(KEY, FUTEX_ANY, INT32_MAX), 1);
    for (int i = 0; i < 4; i++)
        add(i, KEY, FUTEX_ANY);
    pauses = 3;
    CHECK_EQ(futex_table_requeue(KEY, OTHER, 1, INT32_MAX), 4);
    CHECK_EQ(pauses, 0);
    CHECK_EQ(futex_table_wake(OTHER, FUTEX_ANY, INT32_MAX), 3);
    CHECK_EQ(futex_table_wake(KEY, FUTEX_ANY, INT32_MAX), 1);
}

static void test_bitsets_must_meet(void)
{
    add(0, KEY, 1);
    add(1, KEY, 2);
    CHECK_EQ(futex_table_wake(KEY, 2, INT32_MAX), 1);
    CHECK(!sleepers[0].woken && sleepers[1].woken);
    clear(2);
}

static void test_requeue_moves_the_rest(void)
{
    for (int i = 0; i < 4; i++)
        add(i, KEY, FUTEX_ANY);
    CHECK_EQ(futex_table_requeue(KEY, OTHER, 1, 2), 3);
    CHECK(sleepers[0].woken && !sleepers[1].woken);
    CHECK_EQ(futex_table_wake(KEY, FUTEX_ANY, INT32_MAX), 1);
    CHECK(sleepers[3].woken);
    CHECK_EQ(futex_table_wake(OTHER, FUTEX_ANY, INT32_MAX), 2);
}

static void test_requeue_to_itself_ends(void)
{
    add(0, KEY, FUTEX_ANY);
    add(1, KEY, FUTEX_ANY);
    CHECK(futex_table_requeue(KEY, KEY, 0, INT32_MAX) > 0);
    clear(2);
}

static void test_pi_goes_by_priority(void)
{
    for (int i = 0; i < 3; i++) {
        struct futex_waiter *w = add(i, KEY, FUTEX_ANY);
        CHECK(futex_dequeue(w));
        w->pi = true;
        w->rt_priority = i == 1 ? 5 : 0;
        futex_enqueue(w);
    }
    CHECK_EQ(futex_table_wake(KEY, FUTEX_ANY, INT32_MAX), 0);
    struct futex_waiter *first = futex_claim_pi(KEY);
    CHECK(first == &waiters[1]);
    CHECK(!futex_dequeue(first)); /* claimed: it must wait for its wake-up */
    CHECK(futex_claim_pi(KEY) == &waiters[0]);
    unsigned bucket = 0;
    CHECK(futex_next_pi(&bucket) == &waiters[2]);
    CHECK(futex_claim_pi(KEY) == &waiters[2]);
    CHECK(futex_claim_pi(KEY) == NULL);
    bucket = 0;
    CHECK(futex_next_pi(&bucket) == NULL);
}

static void test_shared_keys_are_told_by_object(void)
{
    struct futex_key shared = {&waiters, KEY.offset};
    add(0, shared, FUTEX_ANY);
    CHECK_EQ(futex_table_wake(KEY, FUTEX_ANY, INT32_MAX), 0);
    CHECK_EQ(futex_table_wake(shared, FUTEX_ANY, INT32_MAX), 1);
}

static void test_requeue_waiters_are_not_plain_ones(void)
{
    add(0, KEY, FUTEX_ANY)->requeue_pi = true;
    CHECK_EQ(futex_table_wake(KEY, FUTEX_ANY, INT32_MAX), 0);
    CHECK(futex_claim_requeue(KEY) == &waiters[0]);
    CHECK(futex_claim_requeue(KEY) == NULL);
}

int main(void)
{
    RUN(test_hash_spreads_and_stays_inside);
    RUN(test_wakes_in_order_and_only_the_key);
    RUN(test_who_comes_during_a_pause_is_not_meant);
    RUN(test_bitsets_must_meet);
    RUN(test_requeue_moves_the_rest);
    RUN(test_requeue_to_itself_ends);
    RUN(test_pi_goes_by_priority);
    RUN(test_shared_keys_are_told_by_object);
    RUN(test_requeue_waiters_are_not_plain_ones);
    return check_done();
}
