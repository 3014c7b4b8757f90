/*
 * Terminals: the program's, of which there is one or none (tty_console.c), and pseudo-terminals
 * (pty.c).
 *
 * What they share: the line discipline (tty_line.c), which turns what is typed into what is read,
 * output with its newlines (tty_out.c), and the open files with their requests (tty.c).
 */
#pragma once

#include <asm/termbits.h>
#include <asm/termios.h>
#include <linux/eventpoll.h>

#include "kernel/fd/file.h"
#include "kernel/time/timer.h"

#define TTY_INPUT_BYTES 4096u /* a power of two */
#define TTY_OUTPUT_BYTES 1024u

#define TTY_IN_EVENTS (EPOLLIN | EPOLLRDNORM)
#define TTY_OUT_EVENTS (EPOLLOUT | EPOLLWRNORM)
#define TTY_ALL_EVENTS (TTY_IN_EVENTS | TTY_OUT_EVENTS | EPOLLHUP)

struct tty;

/* Where a terminal's output goes. */
struct tty_screen {
    /* Takes up to size bytes; the terminal's lock is held. Returns how many, -EAGAIN, or another
     * -errno: nobody sees them. */
    int64_t (*show)(struct tty *t, const char *data, size_t size);
    /* Nobody shows our output any more. */
    bool (*gone)(const struct tty *t);
    void (*file_gone)(struct tty *t); /* an open file was closed; NULL: never mind */
    /* There may be room again for what is typed. NULL: who types waits on the terminal's waitq. */
    void (*input_taken)(struct tty *t);
};

struct tty {
    struct mutex lock; /* guards all but what says otherwise */
    const struct tty_screen *screen;
    struct ktermios termios;
    struct termios
        kept; /* bits and characters set here are those that nobody may change (TIOCSLCKTRMIOS) */
    struct winsize size;
    int pgrp, session; /* 0: it is nobody's terminal */
    bool dead;         /* the other end of a pseudo-terminal is gone; read without the lock too */
    bool stopped;      /* by the stop character */
    bool exclusive;    /* only who has CAP_SYS_ADMIN may open it again */
    bool hung_up;      /* the input ended; read without the lock too */
    bool literal;      /* the next character is taken as it is */
    /* Input: bytes [head, edit) of the ring, all positions only grow. Canonical mode may read
     * [head, ready): whole lines. */
    uint32_t head, ready, edit;
    uint64_t line_ends[TTY_INPUT_BYTES / 64]; /* bit: a line ends with this byte */
    uint8_t input[TTY_INPUT_BYTES];
    /* Output on its way to the stream. */
    uint32_t out_start, out_end;
    uint32_t column; /* of the cursor, as far as we know */
    uint32_t edit_column;
    char output[TTY_OUTPUT_BYTES];
    struct timer timer; /* VTIME */
    bool timer_set, timed_out;
    uint32_t timer_bytes; /* readable when it was set */
    struct waitq waitq;   /* readers, writers, and whoever feeds input */
};

#define TTY_FLAG(t, field, flag) (((t)->termios.c_##field & (flag)) != 0)

/* Makes zeroed t a terminal with the usual settings. */
void tty_setup(struct tty *t, const struct tty_screen *screen, const struct winsize *size);
/* Makes a new file without operations one of the terminal. */
void tty_make_file(struct tty *t, struct file *file);
int tty_may_open(const struct tty *t); /* 0 or -EBUSY: TIOCEXCL */
/* TIOCEXCL, TIOCNXCL, TIOCGEXCL on a terminal's flag. */
int64_t tty_exclusive(bool *flag, unsigned request, struct uptr arg);
/* Takes typed characters as far as there is room, and sends the signals that they send. Returns how
 * many. */
size_t tty_take_in(struct tty *t, const uint8_t *data, size_t size);
/* Another size: SIGWINCH. */
void tty_set_size(struct tty *t, const struct winsize *size);
/* ioctl of the terminal. Returns as file_ops.ioctl does. */
int64_t tty_request(struct tty *t, unsigned request, uint64_t value);

/* tty_console.c: the program's terminal. */
/* Boot: there is one. reads: its input is our standard input; out_stream: enum stream, or -1.
 * Starts the thread that keeps it going. Returns 0 or -ENOMEM. */
MUST_CHECK int tty_console_init(bool reads, int out_stream, const struct winsize *size);
/* The end of the program: waits until the host has all output, or takes none for ten seconds. */
void tty_console_drain(void);
/* Makes a new file without operations one of the terminal. Returns 0 or -ENXIO. */
int tty_console_open(struct file *file);
void tty_console_set_size(const struct winsize *size);

/* tty_line.c; the lock is held. */
/* Takes one typed character. Returns the signal it sends, or 0. */
int tty_input(struct tty *t, uint8_t c);
/* Whether another character can be taken. */
bool tty_input_room(const struct tty *t);
/* Bytes that a read may take now. */
uint32_t tty_readable(const struct tty *t);
int64_t tty_read_bytes(struct tty *t, struct iter *it);
void tty_input_flush(struct tty *t);
/* The mode changed between lines and single characters. */
void tty_mode_changed(struct tty *t, bool was_canonical);

/* tty_out.c; the lock is held. */
/* Queues one character of output or echo, with what termios makes of it. False: no room. */
bool tty_put(struct tty *t, uint8_t c);
/* Hands the queue over to the stream as far as it takes it. */
void tty_flush(struct tty *t);
bool tty_out_room(const struct tty *t);
/* Nobody shows our output any more. */
bool tty_out_closed(const struct tty *t);
