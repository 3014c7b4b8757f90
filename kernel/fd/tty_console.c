/*
 * The program's terminal, and the thread that takes in what is typed there.
 *
 * The thread is there because some characters act when they are typed, not when they are read: the
 * interrupt character must end a program that never reads. It also hands over output that found no
 * room in the stream at first.
 */
#include <linux/eventpoll.h>

#include "abi/control.h"
#include "kernel/base/errno.h"
#include "kernel/fd/tty.h"
#include "kernel/fs/devfs.h"
#include "kernel/platform/streams.h"
#include "kernel/proc/task.h"
#include "kernel/sched/thread.h"
#include "kernel/time/clock.h"

#define CHUNK_BYTES 256u
#define DRAIN_NS 10000000000ul /* how long the end waits for a terminal that takes nothing */

static struct console {
    struct tty tty;
    bool present;   /* there is a terminal; set at boot */
    bool reads;     /* what is typed comes to us */
    int out_stream; /* enum stream, or -1: messages on the control channel */
} console;
static struct waiter worker; /* the terminal's thread waits on it; in no queue */

static int64_t show(struct tty *t, const char *data, size_t size)
{
    (void)t;
    if (console.out_stream >= 0)
        return stream_write((enum stream)console.out_stream, data, size);
    return control_send(ORRIS_MSG_TTY_OUT, data, size, true) ? (int64_t)size : -EAGAIN;
}

static bool shows_no_more(const struct tty *t)
{
    (void)t;
    return console.out_stream >= 0 &&
           (stream_poll((enum stream)console.out_stream) & EPOLLERR) != 0;
}

static const struct tty_screen console_screen = {.show = show, .gone = shows_no_more};

/* Hands over output that waited for the stream to have room. */
static void push_output(struct tty *t)
{
    mutex_lock(&t->lock);
    bool waited = t->out_end > 0;
    tty_flush(t);
    mutex_unlock(&t->lock);
    if (waited || tty_out_closed(t))
        waitq_wake(&t->waitq, TTY_OUT_EVENTS | EPOLLERR);
}

/* What wakes the thread besides typed bytes: a stream that shows more of our output, and readers
 * that made room. */
static bool wake_worker(struct waiter *w, uint32_t events)
{
    (void)w, (void)events;
    waiter_signal(&worker);
    return false;
}

static void worker_watch(struct waiter *w, struct waitq *q)
{
    waiter_init(w, EVENTS_ANY);
    w->wake = wake_worker;
    waitq_add(q, w);
}

/* Waits for room, which a read makes. */
static void wait_for_room(struct tty *t)
{
    struct waiter w;
    worker_watch(&w, &t->waitq);
    for (;;) {
        waiter_arm(&worker);
        push_output(t);
        mutex_lock(&t->lock);
        bool room = tty_input_room(t);
        mutex_unlock(&t->lock);
        if (room)
            break;
        (void)waiter_sleep(&worker, DEADLINE_NONE, false);
    }
    waitq_remove(&t->waitq, &w);
}

static void hang_up(struct tty *t)
{
    __atomic_store_n(&t->hung_up, true, __ATOMIC_RELEASE);
    waitq_wake(&t->waitq, TTY_ALL_EVENTS);
}

/* Waits for typed bytes. Returns their number. */
static size_t wait_for_input(struct tty *t, uint8_t *data, size_t size)
{
    for (;;) {
        waiter_arm(&worker);
        push_output(t);
        int64_t n = console.reads && !t->hung_up ? stream_read(STREAM_STDIN, data, size) : -EAGAIN;
        if (n > 0)
            return (size_t)n;
        if (n == -EAGAIN)
            (void)waiter_sleep(&worker, DEADLINE_NONE, false);
        else
            hang_up(t);
    }
}

static void terminal_thread(void *arg)
{
    struct tty *t = arg;
    uint8_t data[CHUNK_BYTES];
    struct waiter typed, shown;
    waiter_init(&worker, EVENTS_ANY);
    if (console.reads)
        worker_watch(&typed, stream_waitq(STREAM_STDIN));
    if (console.out_stream >= 0)
        worker_watch(&shown, stream_waitq((enum stream)console.out_stream));
    for (;;) {
        size_t size = wait_for_input(t, data, sizeof(data));
        for (size_t done = 0; done < size; done += tty_take_in(t, data + done, size - done))
            wait_for_room(t);
    }
}

void tty_console_drain(void)
{
    struct tty *t = &console.tty;
    uint64_t deadline = deadline_in(DRAIN_NS);
    if (!console.present)
        return;
    t->stopped = false;
    struct waiter w;
    waiter_init(&w, EVENTS_ANY);
    waitq_add(&t->waitq, &w);
    for (;;) {
        waiter_arm(&w);
        mutex_lock(&t->lock);
        tty_flush(t);
        bool done = t->out_end == 0;
        mutex_unlock(&t->lock);
        if (done || waiter_sleep(&w, deadline, false))
            break;
    }
    waitq_remove(&t->waitq, &w);
}

int tty_console_init(bool reads, int out_stream, const struct winsize *size)
{
    struct tty *t = &console.tty;
    tty_setup(t, &console_screen, size);
    t->pgrp = the_proc.pgrp;
    t->session = the_proc.session;
    console.reads = reads;
    console.out_stream = out_stream;
    console.present = true;
    struct thread *thread;
    int err = thread_create(&thread, terminal_thread, t, "terminal");
    if (!err)
        thread_start(thread);
    return err;
}

void tty_console_set_size(const struct winsize *size)
{
    if (console.present)
        tty_set_size(&console.tty, size);
}

int tty_console_open(struct file *file)
{
    if (!console.present)
        return -ENXIO;
    tty_make_file(&console.tty, file);
    return 0;
}

int devfs_open_terminal(struct file *file, uint32_t number)
{
    (void)number;
    int err = tty_may_open(&console.tty);
    return err ? err : tty_console_open(file);
}
