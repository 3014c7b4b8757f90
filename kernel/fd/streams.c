/*
 * Descriptors 0 to 2 as the run record describes the host's.
 *
 * Those that are terminals share one open file, as a shell's child has it; standard error may be
 * the very open file that standard output is.
 */
#include "kernel/fd/streams.h"

#include <asm/fcntl.h>

#include "kernel/base/errno.h"
#include "kernel/fd/fdtable.h"
#include "kernel/fd/hostfile.h"
#include "kernel/fd/port.h"
#include "kernel/fd/tty.h"
#include "kernel/platform/run.h"

#define TERMINAL_PATH "/dev/console"

static bool is_terminal(uint32_t kind)
{
    return kind == ORRIS_STREAM_TTY || kind == ORRIS_STREAM_CONSOLE;
}

/* The stream that shows what the terminal writes, or -1. */
static int output_stream(const struct orris_streams *s)
{
    if (is_terminal(s->kind[STREAM_STDOUT]))
        return STREAM_STDOUT;
    return is_terminal(s->kind[STREAM_STDERR]) ? STREAM_STDERR : -1;
}

/* The one open file of all streams that are terminals; *out NULL if none is. */
static int terminal_open(const struct orris_streams *s, struct file **out)
{
    *out = NULL;
    bool reads = is_terminal(s->kind[STREAM_STDIN]);
    int output = output_stream(s);
    if (!reads && output < 0)
        return 0;
    struct winsize size = {s->rows, s->columns, s->x_pixels, s->y_pixels};
    int err = tty_console_init(reads, output, &size);
    if (err || vfs_open(NULL, TERMINAL_PATH, O_RDWR | O_LARGEFILE, 0, out) == 0)
        return err;
    *out = file_alloc(NULL, O_RDWR, NULL, NULL);
    return *out ? tty_console_open(*out) : -ENOMEM;
}

/* A new reference to the file of stream number i, or NULL: closed, or no memory. */
static struct file *stream_file(const struct orris_streams *s, unsigned i, struct file *terminal,
                                struct file *standard_output)
{
    switch (s->kind[i]) {
    case ORRIS_STREAM_PORT:
        return port_open((enum stream)i, s->host_mode[i]);
    case ORRIS_STREAM_FILE:
        return hostfile_open_stdin();
    case ORRIS_STREAM_STDOUT:
        return standard_output ? file_get(standard_output) : NULL;
    case ORRIS_STREAM_CLOSED:
        return NULL;
    default:
        return file_get(terminal);
    }
}

int streams_open_std(void)
{
    const struct orris_streams *s = &the_run.streams;
    struct file *terminal, *files[3] = {NULL};
    int err = terminal_open(s, &terminal);
    for (unsigned i = 0; i < 3 && !err; i++) {
        files[i] = stream_file(s, i, terminal, i > 0 ? files[STREAM_STDOUT] : NULL);
        if (files[i])
            err = fd_replace((int)i, files[i], false) < 0 ? -ENOMEM : 0;
    }
    file_put(terminal);
    return err;
}
