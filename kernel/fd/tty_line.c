/*
 * The line discipline: from what is typed to what is read.
 *
 * In canonical mode a line is edited at the end of the ring until it is finished: then it counts
 * as ready. In the other mode every byte counts at once.
 */
#include <asm/signal.h>

#include "kernel/base/bitmap.h"
#include "kernel/base/errno.h"
#include "kernel/base/string.h"
#include "kernel/fd/tty.h"

#define DISABLED 0u /* a control character that is off */
#define RING_MASK (TTY_INPUT_BYTES - 1)
#define BELL 7u
#define DELETE 0x7fu

static bool canonical(const struct tty *t)
{
    return TTY_FLAG(t, lflag, ICANON);
}

static bool is_control(const struct tty *t, uint8_t c, unsigned which)
{
    return c != DISABLED && t->termios.c_cc[which] == c;
}

static uint8_t byte_at(const struct tty *t, uint32_t at)
{
    return t->input[at & RING_MASK];
}

bool tty_input_room(const struct tty *t)
{
    /* A single line that is too long still takes (and drops) characters, or it could never end. */
    if (canonical(t) && t->ready == t->head)
        return true;
    return t->edit - t->head < TTY_INPUT_BYTES - 2;
}

uint32_t tty_readable(const struct tty *t)
{
    return (canonical(t) ? t->ready : t->edit) - t->head;
}

void tty_input_flush(struct tty *t)
{
    t->head = t->ready = t->edit;
    t->literal = false;
    memset(t->line_ends, 0, sizeof(t->line_ends));
}

void tty_mode_changed(struct tty *t, bool was_canonical)
{
    memset(t->line_ends, 0, sizeof(t->line_ends));
    t->literal = false;
    if (!was_canonical && t->edit != t->head) { /* what was typed meanwhile can be read */
        bitmap_set(t->line_ends, (t->edit - 1) & RING_MASK);
        t->ready = t->edit;
    } else {
        t->ready = t->head;
    }
    t->edit_column = t->column;
}

/* Echo. */

static void echo_shown(struct tty *t, uint8_t c)
{
    bool caret = TTY_FLAG(t, lflag, ECHOCTL) && (c < ' ' || c == DELETE) && c != '\t' && c != '\n';
    if (caret) {
        tty_put(t, '^');
        tty_put(t, c ^ 0x40u);
    } else {
        tty_put(t, c);
    }
}

static void echo(struct tty *t, uint8_t c)
{
    if (c == '\n' ? t->termios.c_lflag & (ECHO | ECHONL) : t->termios.c_lflag & ECHO)
        echo_shown(t, c);
}

/* Where the cursor stands after the bytes [from, to) were shown. */
static uint32_t column_after(const struct tty *t, uint32_t from, uint32_t to)
{
    uint32_t column = t->edit_column;
    for (; from != to; from++) {
        uint8_t c = byte_at(t, from);
        if (c == '\t')
            column = (column + 8) & ~7u;
        else if (c < ' ' || c == DELETE)
            column += TTY_FLAG(t, lflag, ECHOCTL) ? 2 : 0;
        else if (!TTY_FLAG(t, iflag, IUTF8) || (c & 0xc0) != 0x80)
            column++;
    }
    return column;
}

/* Rubs out what the bytes [from, edit) show. */
static void echo_erase(struct tty *t, uint32_t from)
{
    if (!TTY_FLAG(t, lflag, ECHO))
        return;
    if (!TTY_FLAG(t, lflag, ECHOE)) {
        echo_shown(t, t->termios.c_cc[VERASE]);
        return;
    }
    uint32_t before = column_after(t, t->ready, from), now = column_after(t, t->ready, t->edit);
    for (; now > before; now--) {
        tty_put(t, '\b');
        tty_put(t, ' ');
        tty_put(t, '\b');
    }
}

/* Editing. */

/* The start of the last character before at. */
static uint32_t previous(const struct tty *t, uint32_t at)
{
    at--;
    while (TTY_FLAG(t, iflag, IUTF8) && at != t->ready && (byte_at(t, at) & 0xc0) == 0x80)
        at--;
    return at;
}

static void erase_to(struct tty *t, uint32_t from)
{
    echo_erase(t, from);
    t->edit = from;
}

static bool is_word(uint8_t c)
{
    return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || c == '_' ||
           c >= 0x80;
}

static void erase_word(struct tty *t)
{
    uint32_t at = t->edit;
    while (at != t->ready && !is_word(byte_at(t, at - 1)))
        at--;
    while (at != t->ready && is_word(byte_at(t, at - 1)))
        at--;
    if (at != t->edit)
        erase_to(t, at);
}

static void erase_line(struct tty *t)
{
    if (TTY_FLAG(t, lflag, ECHO) && !TTY_FLAG(t, lflag, ECHOKE)) {
        echo_shown(t, t->termios.c_cc[VKILL]);
        if (TTY_FLAG(t, lflag, ECHOK))
            tty_put(t, '\n');
        t->edit = t->ready;
    } else if (t->edit != t->ready) {
        erase_to(t, t->ready);
    }
}

static void show_line_again(struct tty *t)
{
    if (!TTY_FLAG(t, lflag, ECHO))
        return;
    echo_shown(t, t->termios.c_cc[VREPRINT]);
    tty_put(t, '\n');
    t->edit_column = 0;
    for (uint32_t at = t->ready; at != t->edit; at++)
        echo_shown(t, byte_at(t, at));
}

/* Adds a byte to the line; one more must always fit, to end it. */
static void add(struct tty *t, uint8_t c, bool ends_line)
{
    uint32_t limit = TTY_INPUT_BYTES - (canonical(t) && !ends_line ? 2 : 1);
    if (t->edit - t->head >= limit) {
        if (TTY_FLAG(t, iflag, IMAXBEL))
            tty_put(t, BELL);
        return;
    }
    if (t->edit == t->ready)
        t->edit_column = t->column;
    t->input[t->edit & RING_MASK] = c;
    bitmap_clear(t->line_ends, t->edit & RING_MASK);
    t->edit++;
}

static void end_line(struct tty *t, uint8_t c)
{
    uint32_t before = t->edit;
    add(t, c, true);
    if (t->edit == before)
        return;
    bitmap_set(t->line_ends, (t->edit - 1) & RING_MASK);
    t->ready = t->edit;
}

/* Canonical mode's own characters. False: c is none of them. */
static bool edit_character(struct tty *t, uint8_t c)
{
    bool extended = TTY_FLAG(t, lflag, IEXTEN);
    if (is_control(t, c, VERASE)) {
        if (t->edit != t->ready)
            erase_to(t, previous(t, t->edit));
    } else if (is_control(t, c, VKILL)) {
        erase_line(t);
    } else if (extended && is_control(t, c, VWERASE)) {
        erase_word(t);
    } else if (extended && is_control(t, c, VREPRINT)) {
        show_line_again(t);
    } else if (is_control(t, c, VEOF)) {
        end_line(t, DISABLED); /* ends the line, and is not read */
    } else if (c == '\n' || is_control(t, c, VEOL) || (extended && is_control(t, c, VEOL2))) {
        add(t, c, true);
        if (t->edit != t->ready) {
            bitmap_set(t->line_ends, (t->edit - 1) & RING_MASK);
            t->ready = t->edit;
        }
        echo(t, c);
    } else {
        return false;
    }
    return true;
}

/* Signals. */

static int signal_of(const struct tty *t, uint8_t c)
{
    if (!TTY_FLAG(t, lflag, ISIG))
        return 0;
    if (is_control(t, c, VINTR))
        return SIGINT;
    if (is_control(t, c, VQUIT))
        return SIGQUIT;
    return is_control(t, c, VSUSP) ? SIGTSTP : 0;
}

static int send_signal(struct tty *t, uint8_t c, int signo)
{
    if (!TTY_FLAG(t, lflag, NOFLSH)) {
        tty_input_flush(t);
        tty_flush(t); /* what the stream still takes isn't lost */
        t->out_start = t->out_end = 0;
    }
    t->stopped = false;
    if (TTY_FLAG(t, lflag, ECHO))
        echo_shown(t, c);
    return signo;
}

/* Carriage returns and newlines as c_iflag says. False: c is dropped. */
static bool translate(const struct tty *t, uint8_t *c)
{
    if (TTY_FLAG(t, iflag, ISTRIP))
        *c &= 0x7f;
    if (*c == '\r') {
        if (TTY_FLAG(t, iflag, IGNCR))
            return false;
        if (TTY_FLAG(t, iflag, ICRNL))
            *c = '\n';
    } else if (*c == '\n' && TTY_FLAG(t, iflag, INLCR)) {
        *c = '\r';
    }
    return true;
}

/* The characters that stop and start output. */
static bool flow_character(struct tty *t, uint8_t c)
{
    if (!TTY_FLAG(t, iflag, IXON))
        return false;
    bool stop = is_control(t, c, VSTOP), start = is_control(t, c, VSTART);
    if (stop || start)
        t->stopped = stop && !(start && t->stopped);
    return stop || start;
}

static void take_literally(struct tty *t, uint8_t c)
{
    t->literal = false;
    add(t, c, false);
    echo(t, c);
}

int tty_input(struct tty *t, uint8_t c)
{
    if (t->literal) {
        take_literally(t, c);
        return 0;
    }
    if (flow_character(t, c))
        return 0;
    int signo = signal_of(t, c);
    if (signo)
        return send_signal(t, c, signo);
    if (TTY_FLAG(t, iflag, IXANY))
        t->stopped = false;
    if (!translate(t, &c))
        return 0;
    if (canonical(t)) {
        if (TTY_FLAG(t, lflag, IEXTEN) && is_control(t, c, VLNEXT)) {
            t->literal = true;
            if (TTY_FLAG(t, lflag, ECHO) && TTY_FLAG(t, lflag, ECHOCTL)) {
                tty_put(t, '^');
                tty_put(t, '\b');
            }
            return 0;
        }
        if (edit_character(t, c))
            return 0;
    }
    add(t, c, false);
    echo(t, c);
    return 0;
}

/* Reading. */

/* The length of what a read may take at once: to the end of the line, or of the ring. */
static uint32_t run_length(const struct tty *t, uint32_t limit, bool *ends)
{
    uint32_t from = t->head & RING_MASK;
    uint32_t length = (uint32_t)min_u64(limit, TTY_INPUT_BYTES - from);
    *ends = false;
    if (!canonical(t))
        return length;
    uint32_t end = (uint32_t)bitmap_find_set(t->line_ends, from + length, from);
    *ends = end < from + length;
    return *ends ? end - from + 1 : length;
}

int64_t tty_read_bytes(struct tty *t, struct iter *it)
{
    int64_t done = 0;
    bool ends = false;
    while (it->left > 0 && !ends && tty_readable(t) > 0) {
        uint32_t limit = (uint32_t)min_u64(tty_readable(t), it->left);
        uint32_t length = run_length(t, limit, &ends);
        uint32_t last = (t->head + length - 1) & RING_MASK;
        bool hidden = ends && t->input[last] == DISABLED;
        size_t size = length - hidden;
        size_t n = iter_write(it, t->input + (t->head & RING_MASK), size);
        done += (int64_t)n;
        t->head += (uint32_t)n;
        if (n < size)
            return done > 0 ? done : -EFAULT;
        t->head += hidden;
    }
    /* An end-of-file character right behind the last byte that fits belongs to this read. */
    uint32_t at = t->head & RING_MASK;
    if (!ends && done > 0 && canonical(t) && tty_readable(t) > 0 && bitmap_test(t->line_ends, at) &&
        t->input[at] == DISABLED)
        t->head++;
    return done;
}
