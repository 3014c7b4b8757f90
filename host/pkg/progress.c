/* The bar is redrawn in place; the tool's other lines come after progress_end(). */
#include "host/pkg/progress.h"

#include <stdbool.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "host/base/buf.h"
#include "host/base/say.h"

#define BAR_WIDTH 30

static char *progress_what;
static int progress_drawn; /* per cent, -1: nothing yet */

static bool progress_on(void)
{
    return progress_what && say_level >= SAY_NORMAL && isatty(STDERR_FILENO);
}

void progress_begin(const char *what)
{
    progress_what = mem_string(what);
    progress_drawn = -1;
    if (progress_on())
        progress_set(0);
    else
        say("%s ...", what);
}

void progress_set(double percent)
{
    int shown = percent < 0 ? 0 : percent > 100 ? 100 : (int)percent;
    if (!progress_on() || shown == progress_drawn)
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
    if (progress_on())
        fputs("\r\033[K", stderr);
    free(progress_what);
    progress_what = NULL;
}
