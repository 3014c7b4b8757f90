// UNIT: host/base/progress.c host/base/say.c host/base/buf.c host/base/escape.c
/* Bars: on a terminal alone, and those of short steps not at once. */
#include <fcntl.h>
#include <pty.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "host/base/progress.h"
#include "host/base/say.h"
#include "tests/harness/check.h"

static char shown[4096];

/* What a step writes to standard error, a terminal or not. */
static const char *output(void (*step)(void), bool terminal)
{
    int ends[2], kept = dup(2);
    if (terminal ? openpty(&ends[0], &ends[1], NULL, NULL, NULL) : pipe(ends))
        exit(1);
    fcntl(ends[0], F_SETFL, O_NONBLOCK);
    dup2(ends[1], 2);
    step();
    dup2(kept, 2);
    size_t size = 0;
    for (ssize_t n; (n = read(ends[0], shown + size, sizeof(shown) - 1 - size)) > 0;)
        size += (size_t)n;
    shown[size] = 0;
    close(ends[0]);
    close(ends[1]);
    close(kept);
    return shown;
}

static void step_now(void)
{
    progress_begin("fetching");
    progress_set(50);
    progress_end();
}

static void step_short(void)
{
    progress_begin_late("building");
    progress_set(50);
    progress_end();
}

static void step_long(void)
{
    time_t end = time(NULL) + 3;
    progress_begin_late("building");
    while (time(NULL) < end)
        progress_set(50);
    progress_end();
}

static void bars_are_for_terminals(void)
{
    CHECK(strstr(output(step_now, true), "orris: fetching [###############...............]  50%"));
    CHECK_STR(output(step_now, false), "orris: fetching ...\n");
}

static void short_steps_show_nothing(void)
{
    CHECK_STR(output(step_short, true), "");
    CHECK_STR(output(step_short, false), "");
}

static void long_steps_show_a_bar(void)
{
    CHECK(strstr(output(step_long, true), "building [###############"));
    CHECK(strstr(shown, "\033[K") != NULL); /* and take it away */
    CHECK_STR(output(step_long, false), "");
    say_level = SAY_QUIET;
    CHECK_STR(output(step_long, true), "");
}

int main(void)
{
    RUN(bars_are_for_terminals);
    RUN(short_steps_show_nothing);
    RUN(long_steps_show_a_bar);
    return check_done();
}
