/*
 * The log: a ring of text that is always written, and a way out that is taken only with -v. A line
 * goes to the control channel, or, while there is none, to the machine's console.
 */
#include "kernel/base/log.h"

#include "abi/control.h"
#include "kernel/base/format.h"
#include "kernel/base/string.h"
#include "kernel/base/types.h"
#include "kernel/platform/platform.h"
#include "kernel/platform/run.h"
#include "kernel/platform/streams.h"
#include "kernel/sync/spinlock.h"

#define RING_BYTES 16384u
#define LINE_BYTES 512u

static struct spinlock log_lock = SPINLOCK_INIT(RANK_LOG);
static char ring[RING_BYTES];
static size_t ring_written; /* bytes ever; GUARDED_BY(log_lock) */

static void ring_put(const char *text, size_t length)
{
    size_t at = ring_written % RING_BYTES;
    size_t first = min_u64(length, RING_BYTES - at);
    memcpy(ring + at, text, first);
    memcpy(ring, text + first, length - first);
    ring_written += length;
}

/* What a terminal acts on becomes "?"; the tool does better with what it gets. */
static void make_plain(char *line, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)line[i] < ' ' || line[i] == 0x7f)
            line[i] = '?';
}

/* line has room for one more byte at length. */
static void log_line(uint32_t type, char *line, size_t length, bool shown)
{
    line[length] = '\n';
    spin_lock(&log_lock);
    ring_put(line, length + 1);
    spin_unlock(&log_lock);
    if (!shown || control_send(type, line, length, false))
        return;
    make_plain(line, length);
    platform_console_write(line, length + 1);
}

static size_t line_format(char *line, const char *fmt, va_list args)
{
    return min_u64(format_va(line, LINE_BYTES, fmt, args), LINE_BYTES - 1);
}

void log_info(const char *fmt, ...)
{
    char line[LINE_BYTES];
    va_list args;
    va_start(args, fmt);
    size_t length = line_format(line, fmt, args);
    va_end(args);
    log_line(ORRIS_MSG_LOG, line, length, the_run.options.flags & ORRIS_OPTION_VERBOSE);
}

void log_note(const char *fmt, ...)
{
    char line[LINE_BYTES];
    va_list args;
    va_start(args, fmt);
    size_t length = line_format(line, fmt, args);
    va_end(args);
    log_line(ORRIS_MSG_NOTE, line, length, true);
}

/* Drops the first, perhaps partial, line of text. */
static size_t drop_line(char *text, size_t length)
{
    char *newline = memchr(text, '\n', length);
    size_t dropped = newline ? (size_t)(newline + 1 - text) : length;
    memmove(text, text + dropped, length - dropped);
    return length - dropped;
}

size_t log_copy(char *buf, size_t size)
{
    spin_lock(&log_lock);
    size_t length = min_u64(min_u64(ring_written, RING_BYTES), size - 1);
    bool partial = length < ring_written;
    size_t at = (ring_written - length) % RING_BYTES;
    size_t first = min_u64(length, RING_BYTES - at);
    memcpy(buf, ring + at, first);
    memcpy(buf + first, ring, length - first);
    spin_unlock(&log_lock);
    if (partial)
        length = drop_line(buf, length);
    buf[length] = 0;
    return length;
}
