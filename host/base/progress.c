/* The bar is redrawn in place; the tool's other lines come after progress_end(). */
#include "host/base/progress.h"

#include <stdbool.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "host/base/buf.h"
#include "host/base/escape.h"
#include "host/base/say.h"

#define BAR_WIDTH 30

static char *progress_what;
static int progress_drawn;      /* per cent, -1: nothing yet */
static time_t progress_not_yet; /* nothing is shown up to this second of the monotonic clock */

static time_t now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec;
}

/* Leaves errno alone: a step that failed still has to tell. */
static bool progress_on(void)
{
    int kept = errno;
    bool on = progress_what && say_level >= SAY_NORMAL && isatty(STDERR_FILENO);
    errno = kept;
    return on;
}

void progress_begin_late(const char *what)
{
    progress_what = escape(what);
    progress_drawn = -1;
    progress_not_yet = now_s() + 1;
}

void progress_begin(const char *what)
{
    progress_what = escape(what);
    progress_drawn = -1;
    progress_not_yet = 0;
    if (progress_on())
        progress_set(0);
    else
        say("%s ...", what);
}

void progress_set(double percent)
{
    int shown = percent < 0 ? 0 : percent > 100 ? 100 : (int)percent;
    if (!progress_on() || shown == progress_drawn ||
        (progress_not_yet && now_s() <= progress_not_yet))
        return;
    static const char full[] = "##############################";
    static const char empty[] = "..............................";
    int filled = shown * BAR_WIDTH / 100;
    fprintf(stderr, "\rorris: %s [%.*s%.*s] %3d%%", progress_what, filled, full, BAR_WIDTH - filled,
            empty, shown);
    fflush(stderr);
    progress_drawn = shown;
}

void progress_end(void)
{
    if (progress_on() && progress_drawn >= 0)
        fputs("\r\033[K", stderr);
    free(progress_what);
    progress_what = NULL;
}
