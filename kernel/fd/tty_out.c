/* The terminal's output: what termios makes of characters, and a queue before the stream. */
#include "kernel/base/errno.h"
#include "kernel/fd/tty.h"

#define TAB_COLUMNS 8u
#define PUT_BYTES_MAX TAB_COLUMNS /* what one character can become */

static void queue(struct tty *t, char c)
{
    t->output[t->out_end++] = c;
}

static void track_column(struct tty *t, uint8_t c)
{
    if (c == '\r')
        t->column = 0;
    else if (c == '\b')
        t->column -= t->column > 0;
    else if (c == '\t')
        t->column = (t->column + TAB_COLUMNS) & ~(TAB_COLUMNS - 1);
    else if (c >= ' ' && c != 0x7f && (c & 0xc0) != 0x80)
        t->column++;
}

bool tty_out_room(const struct tty *t)
{
    return t->out_end + PUT_BYTES_MAX <= TTY_OUTPUT_BYTES;
}

static void put_newline(struct tty *t)
{
    if (TTY_FLAG(t, oflag, ONLCR)) {
        queue(t, '\r');
        t->column = 0;
    } else if (TTY_FLAG(t, oflag, ONLRET)) {
        t->column = 0;
    }
    queue(t, '\n');
}

static void put_tab(struct tty *t)
{
    if ((t->termios.c_oflag & TABDLY) != XTABS) {
        track_column(t, '\t');
        queue(t, '\t');
        return;
    }
    do {
        queue(t, ' ');
        t->column++;
    } while (t->column % TAB_COLUMNS);
}

bool tty_put(struct tty *t, uint8_t c)
{
    if (!tty_out_room(t))
        tty_flush(t);
    if (!tty_out_room(t))
        return false;
    bool cooked = TTY_FLAG(t, oflag, OPOST);
    if (cooked && c == '\n') {
        put_newline(t);
    } else if (cooked && c == '\t') {
        put_tab(t);
    } else if (cooked && c == '\r' && TTY_FLAG(t, oflag, ONOCR) && t->column == 0) {
        return true;
    } else {
        if (cooked && c == '\r' && TTY_FLAG(t, oflag, OCRNL))
            c = '\n';
        track_column(t, c);
        queue(t, (char)c);
    }
    return true;
}

void tty_flush(struct tty *t)
{
    while (t->out_start < t->out_end && !t->stopped) {
        int64_t n = t->screen->show(t, t->output + t->out_start, t->out_end - t->out_start);
        if (n == -EAGAIN)
            break;
        if (n < 0) /* nobody sees it: drop it */
            t->out_start = t->out_end;
        else
            t->out_start += (uint32_t)n;
    }
    if (t->out_start == t->out_end) {
        t->out_start = t->out_end = 0;
        return;
    }
    if (t->out_start == 0)
        return;
    for (uint32_t i = t->out_start; i < t->out_end; i++)
        t->output[i - t->out_start] = t->output[i];
    t->out_end -= t->out_start;
    t->out_start = 0;
}

bool tty_out_closed(const struct tty *t)
{
    return t->screen->gone(t);
}
