// UNIT: kernel/arch/x86_64/cpuinfo.c kernel/base/text.c kernel/base/format.c
// UNIT: tests/unit/fakes/heap.c
/* What we read from CPUID against what Linux says of the same CPU. */
#include "kernel/arch/cpuinfo.h"
#include "tests/harness/check.h"
#include "tests/unit/fakes/fakes.h"

static char ours[16384], theirs[65536];

static void load(void)
{
    struct text t = {0};
    arch_cpuinfo_text(&t, 0, 1, 2000000);
    memcpy(ours, t.data, t.length);
    text_clear(&t);
    FILE *f = fopen("/proc/cpuinfo", "r");
    theirs[f ? fread(theirs, 1, sizeof(theirs) - 1, f) : 0] = 0;
    if (f)
        fclose(f);
}

/* The line that begins with name, without its newline. */
static const char *line_of(const char *text, const char *name)
{
    static char lines[2][8192];
    static int turn;
    char *line = lines[turn++ % 2];
    const char *start = strstr(text, name);
    size_t length = start ? strcspn(start, "\n") : 0;
    memcpy(line, start, length);
    line[length] = 0;
    return line;
}

static void the_same_cpu(void)
{
    static const char *const names[] = {"vendor_id",  "cpu family", "model\t",
                                        "model name", "stepping",   "clflush size"};
    for (unsigned i = 0; i < ARRAY_SIZE(names); i++)
        CHECK_STR(line_of(ours, names[i]), line_of(theirs, names[i]));
}

/* Every line that programs look for is there, in Linux's order. */
static void the_same_lines(void)
{
    const char *last = ours;
    static const char *const names[] = {
        "processor\t: ",   "vendor_id\t: ",     "cpu family\t: ",   "model\t\t: ",
        "model name\t: ",  "stepping\t: ",      "cpu MHz\t\t: ",    "cache size\t: ",
        "physical id\t: ", "siblings\t: ",      "core id\t\t: ",    "cpu cores\t: ",
        "apicid\t\t: ",    "fpu\t\t: yes",      "cpuid level\t: ",  "flags\t\t: ",
        "bogomips\t: ",    "address sizes\t: ", "power management:"};
    for (unsigned i = 0; i < ARRAY_SIZE(names); i++) {
        const char *at = strstr(last, names[i]);
        if (!CHECK(at != NULL))
            printf("# %s\n", names[i]);
        last = at ? at : last;
    }
    CHECK(strcmp(ours + strlen(ours) - 2, "\n\n") == 0);
}

/* Linux leaves out what it does not use; what programs choose code by must be the same. */
static void the_same_instructions(void)
{
    static const char *const flags[] = {"sse2",  "ssse3", "sse4_1",  "sse4_2",  "popcnt", "avx",
                                        "avx2",  "bmi1",  "bmi2",    "fma",     "f16c",   "aes",
                                        "movbe", "abm",   "avx512f", "avx512vl"};
    for (unsigned i = 0; i < ARRAY_SIZE(flags); i++) {
        char word[32];
        snprintf(word, sizeof(word), " %s ", flags[i]);
        CHECK_EQ(strstr(line_of(ours, "flags"), word) != NULL,
                 strstr(line_of(theirs, "flags"), word) != NULL);
    }
}

static void caches_have_sizes(void)
{
    struct cache_info cache;
    for (unsigned i = 0; arch_cache_info(i, &cache); i++) {
        CHECK(cache.level >= 1 && cache.level <= 4 && cache.size_kb > 0);
        CHECK(cache.line_bytes >= 16 && cache.ways > 0 && cache.sets > 0);
    }
}

int main(void)
{
    load();
    RUN(the_same_cpu);
    RUN(the_same_lines);
    RUN(the_same_instructions);
    RUN(caches_have_sizes);
    return check_done();
}
