// UNIT: host/vmm/chart.c host/base/say.c host/base/escape.c host/base/buf.c
/* The chart of the start, from counter readings that a machine could have had. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/vmm/chart.h"
#include "tests/harness/check.h"

#define MS 1000000u /* counts; the counter makes a thousand million a second */

static char said[8192];

/* What chart_say() writes to standard error, in said. */
static void draw(const struct chart *chart)
{
    int pipe_ends[2], error = dup(STDERR_FILENO);
    if (pipe(pipe_ends) != 0)
        abort();
    dup2(pipe_ends[1], STDERR_FILENO);
    chart_say(chart);
    dup2(error, STDERR_FILENO);
    close(error);
    close(pipe_ends[1]);
    ssize_t size = read(pipe_ends[0], said, sizeof(said) - 1);
    said[size > 0 ? size : 0] = 0;
    close(pipe_ends[0]);
}

/* The tool began at 1000 ms and started QEMU at 1010, whose machine began at 1030 by the same
 * clock; its own counter was skew then. */
static struct chart example(uint64_t skew)
{
    struct chart chart = {.hz = 1000 * MS, .begun = 1000 * MS, .spawned = 1010 * MS};
    for (unsigned i = 0; i < ORRIS_STAGE_COUNT; i++)
        chart.stages.cycles[i] = skew + (5 + 10 * i) * MS;
    chart.stages.now = skew + 90 * MS;
    chart.arrived = 1120 * MS;
    chart.ended = 1125 * MS;
    return chart;
}

static void stages_come_one_after_the_other(void)
{
    struct chart chart = example(0);
    draw(&chart);
    CHECK(strstr(said, "finding or making the image            0.00     10.00"));
    CHECK(strstr(said, "QEMU                                  10.00     20.00"));
    CHECK(strstr(said, "firmware                              30.00      5.00"));
    CHECK(strstr(said, "kernel: memory                        35.00     10.00"));
    CHECK(strstr(said, "loader of the program's libraries     85.00     10.00"));
    CHECK(strstr(said, "first system call                    105.00      0.00"));
    CHECK(strstr(said, "program                               95.00     20.00"));
    CHECK(strstr(said, "the end                              115.00     10.00"));
}

static void a_program_without_a_loader_begins_after_exec(void)
{
    struct chart chart = example(0);
    chart.stages.cycles[ORRIS_STAGE_LOADER] = 0;
    draw(&chart);
    CHECK(!strstr(said, "loader"));
    CHECK(strstr(said, "program                               85.00     30.00"));
}

static void a_counter_that_began_before_the_machine_is_no_start(void)
{
    struct chart chart = example(7000 * MS);
    draw(&chart);
    CHECK(strstr(said, "QEMU and firmware                     10.00     25.00"));
    CHECK(strstr(said, "kernel: memory                        35.00     10.00"));
    CHECK(!strstr(said, "-"));
}

static void nothing_from_the_kernel_is_said(void)
{
    struct chart chart = example(0);
    chart.arrived = 0;
    draw(&chart);
    CHECK(strstr(said, "--time: the machine ended before"));
}

int main(void)
{
    RUN(stages_come_one_after_the_other);
    RUN(a_program_without_a_loader_begins_after_exec);
    RUN(a_counter_that_began_before_the_machine_is_no_start);
    RUN(nothing_from_the_kernel_is_said);
    return check_done();
}
