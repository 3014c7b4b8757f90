/* A chart of the start. */
#include "host/vmm/chart.h"

#include <stdio.h>
#include <string.h>

#include "host/base/say.h"

#define BAR_COLUMNS 40u
#define HEADROOM 1.3 /* the bars' width is so many times the start; the program's is cut off */
#define ROWS_MAX 16u

struct row {
    const char *name;
    double from, to; /* ms since the tool's beginning */
};

struct rows {
    struct row items[ROWS_MAX];
    size_t count;
    double scale_ms; /* what the bars' whole width stands for */
};

static void rows_add(struct rows *rows, const char *name, double from, double to)
{
    rows->items[rows->count++] = (struct row){name, from, to < from ? from : to};
}

/* The machine's start on the host's counter: the message came just after it was sent. */
static double ms_of(const struct chart *chart, uint64_t guest)
{
    uint64_t machine = chart->arrived - chart->stages.now;
    return (double)(int64_t)(machine + guest - chart->begun) * 1e3 / (double)chart->hz;
}

static double ms_of_host(const struct chart *chart, uint64_t host)
{
    return (double)(host - chart->begun) * 1e3 / (double)chart->hz;
}

/* Until the kernel's first instruction. A counter that doesn't begin with the machine (some KVM)
 * does not tell QEMU and firmware apart. Returns when that was. */
static double add_machine(const struct chart *chart, struct rows *rows)
{
    double spawned = ms_of_host(chart, chart->spawned), machine = ms_of(chart, 0);
    double kernel = ms_of(chart, chart->stages.cycles[ORRIS_STAGE_FIRMWARE]);
    rows_add(rows, "finding or making the image", 0, spawned);
    if (machine < spawned) {
        rows_add(rows, "QEMU and firmware", spawned, kernel);
    } else {
        rows_add(rows, "QEMU", spawned, machine);
        rows_add(rows, "firmware", machine, kernel);
    }
    return kernel;
}

/* Stages of the kernel, one after the other, from at on. Returns when the program began. */
static double add_kernel(const struct chart *chart, struct rows *rows, double at)
{
    static const struct {
        enum orris_stage stage;
        const char *name;
    } parts[] = {
        {ORRIS_STAGE_MEMORY, "kernel: memory"},
        {ORRIS_STAGE_DEVICES, "kernel: devices"},
        {ORRIS_STAGE_FILES, "kernel: file systems"},
        {ORRIS_STAGE_STREAMS, "kernel: streams"},
        {ORRIS_STAGE_EXEC, "kernel: exec"},
        {ORRIS_STAGE_LOADER, "loader of the program's libraries"},
    };
    for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
        uint64_t cycles = chart->stages.cycles[parts[i].stage];
        if (!cycles)
            continue;
        double end = ms_of(chart, cycles);
        rows_add(rows, parts[i].name, at, end);
        at = end;
    }
    return at;
}

static void rows_fill(const struct chart *chart, struct rows *rows)
{
    const uint64_t *cycles = chart->stages.cycles;
    double at = add_kernel(chart, rows, add_machine(chart, rows));
    rows->scale_ms = at * HEADROOM;
    if (cycles[ORRIS_STAGE_CALL]) {
        double call = ms_of(chart, cycles[ORRIS_STAGE_CALL]);
        rows_add(rows, "first system call", call, call);
    }
    double end = ms_of(chart, cycles[ORRIS_STAGE_PROGRAM]);
    rows_add(rows, "program", at, end);
    rows_add(rows, "the end", end, ms_of_host(chart, chart->ended));
}

static unsigned column_of(const struct rows *rows, double ms)
{
    double column = ms / rows->scale_ms * BAR_COLUMNS;
    return column < 0 ? 0 : column > BAR_COLUMNS ? BAR_COLUMNS : (unsigned)column;
}

static void say_row(const struct rows *rows, const struct row *row)
{
    char bar[BAR_COLUMNS + 2];
    memset(bar, ' ', sizeof(bar));
    unsigned from = column_of(rows, row->from), to = column_of(rows, row->to);
    memset(bar + from, row->to > row->from ? '#' : '|', to > from ? to - from : 1);
    if (row->to > rows->scale_ms)
        bar[BAR_COLUMNS] = '>';
    size_t size = sizeof(bar);
    while (size && bar[size - 1] == ' ')
        size--;
    say_error("%-33s %9.2f %9.2f  %.*s", row->name, row->from, row->to - row->from, (int)size, bar);
}

void chart_say(const struct chart *chart)
{
    if (!chart->arrived || !chart->hz) {
        say_error("--time: the machine ended before the kernel could tell its times");
        return;
    }
    struct rows rows = {0};
    rows_fill(chart, &rows);
    say_error("%-33s %9s %9s", "the start, in milliseconds", "from", "takes");
    for (size_t i = 0; i < rows.count; i++)
        say_row(&rows, &rows.items[i]);
}
