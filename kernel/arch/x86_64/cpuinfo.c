/* CPUID in words: the names of features are those of Linux, in its order. */
#include "kernel/arch/cpuinfo.h"

#include "kernel/base/string.h"

#define EXTENDED_BASE 0x80000000u
#define LEAF_FEATURES 1u
#define LEAF_CACHE_INTEL 4u
#define LEAF_FEATURES_7 7u
#define LEAF_XSAVE 0xdu
#define LEAF_TSC 0x15u
#define LEAF_FREQUENCY 0x16u
#define LEAF_CACHE_AMD 0x8000001du

enum { EAX, EBX, ECX, EDX };

struct cpuid {
    uint32_t r[4];
};

static struct cpuid cpuid(uint32_t leaf, uint32_t subleaf)
{
    struct cpuid c = {{leaf, 0, subleaf, 0}};
    __asm__ volatile("cpuid" : "+a"(c.r[EAX]), "=b"(c.r[EBX]), "+c"(c.r[ECX]), "=d"(c.r[EDX]));
    return c;
}

static bool has_leaf(uint32_t leaf)
{
    return cpuid(leaf & EXTENDED_BASE, 0).r[EAX] >= leaf;
}

/* The names of one register's bits from bit 0 up, separated by blanks; "-" has none. */
struct feature_word {
    uint32_t leaf, subleaf, reg;
    const char *names;
};

static const struct feature_word feature_words[] = {
    {LEAF_FEATURES, 0, EDX,
     "fpu vme de pse tsc msr pae mce cx8 apic - sep mtrr pge mca cmov pat pse36 pn clflush - dts "
     "acpi mmx fxsr sse sse2 ss ht tm ia64 pbe"},
    {EXTENDED_BASE + 1, 0, EDX,
     "- - - - - - - - - - - syscall - - - - - - - mp nx - mmxext - - fxsr_opt pdpe1gb rdtscp - lm "
     "3dnowext 3dnow"},
    {EXTENDED_BASE + 7, 0, EDX, "- - - - - - - - constant_tsc"},
    {LEAF_FEATURES, 0, ECX,
     "pni pclmulqdq dtes64 monitor ds_cpl vmx smx est tm2 ssse3 cid sdbg fma cx16 xtpr pdcm - pcid "
     "dca sse4_1 sse4_2 x2apic movbe popcnt tsc_deadline_timer aes xsave - avx f16c rdrand "
     "hypervisor"},
    {EXTENDED_BASE + 1, 0, ECX,
     "lahf_lm cmp_legacy svm extapic cr8_legacy abm sse4a misalignsse 3dnowprefetch osvw ibs xop "
     "skinit wdt - lwp fma4 tce - nodeid_msr - tbm topoext perfctr_core perfctr_nb - bpext ptsc "
     "perfctr_llc mwaitx"},
    {LEAF_FEATURES_7, 0, EBX,
     "fsgsbase tsc_adjust sgx bmi1 hle avx2 - smep bmi2 erms invpcid rtm cqm - mpx rdt_a avx512f "
     "avx512dq rdseed adx smap avx512ifma - clflushopt clwb intel_pt avx512pf avx512er avx512cd "
     "sha_ni avx512bw avx512vl"},
    {LEAF_XSAVE, 1, EAX, "xsaveopt xsavec xgetbv1 xsaves"},
    {LEAF_FEATURES_7, 1, EAX, "- - - - avx_vnni avx512_bf16"},
    {LEAF_FEATURES_7, 0, ECX,
     "- avx512vbmi umip pku ospke waitpkg avx512_vbmi2 - gfni vaes vpclmulqdq avx512_vnni "
     "avx512_bitalg tme avx512_vpopcntdq - la57 - - - - - rdpid - bus_lock_detect cldemote - "
     "movdiri "
     "movdir64b enqcmd"},
    {LEAF_FEATURES_7, 0, EDX,
     "- - avx512_4vnniw avx512_4fmaps fsrm - - - avx512_vp2intersect - md_clear - - - serialize - "
     "tsxldtrk - pconfig arch_lbr - ibt amx_bf16 avx512_fp16 amx_tile amx_int8 - - flush_l1d "
     "arch_capabilities"},
};

static void put_names(struct text *out, const char *names, uint32_t bits)
{
    for (; bits && *names; bits >>= 1) {
        const char *end = strchr(names, ' ');
        size_t length = end ? (size_t)(end - names) : strlen(names);
        if (bits & 1 && *names != '-') {
            text_char(out, ' ');
            text_put(out, names, length);
        }
        names += length + (end != NULL);
    }
}

static void put_flags(struct text *out)
{
    text_string(out, "flags\t\t:");
    for (size_t i = 0; i < ARRAY_SIZE(feature_words); i++) {
        const struct feature_word *w = &feature_words[i];
        if (has_leaf(w->leaf))
            put_names(out, w->names, cpuid(w->leaf, w->subleaf).r[w->reg]);
    }
    text_char(out, '\n');
}

static void put_vendor(struct text *out)
{
    struct cpuid c = cpuid(0, 0);
    uint32_t words[3] = {c.r[EBX], c.r[EDX], c.r[ECX]};
    text_string(out, "vendor_id\t: ");
    text_put(out, (const char *)words, strnlen((const char *)words, sizeof(words)));
    text_char(out, '\n');
}

static void put_model_name(struct text *out)
{
    uint32_t words[12] = {0};
    if (has_leaf(EXTENDED_BASE + 4))
        for (uint32_t i = 0; i < 3; i++)
            memcpy(words + 4 * i, cpuid(EXTENDED_BASE + 2 + i, 0).r, 16);
    const char *name = (const char *)words;
    size_t length = strnlen(name, sizeof(words));
    for (; length > 0 && *name == ' '; name++)
        length--;
    while (length > 0 && name[length - 1] == ' ')
        length--;
    text_string(out, "model name\t: ");
    text_put(out, name, length);
    text_char(out, '\n');
}

/* Family, model and stepping, with the extended fields where the base ones are full. */
static void put_version(struct text *out)
{
    uint32_t eax = cpuid(LEAF_FEATURES, 0).r[EAX];
    uint32_t family = (eax >> 8) & 15, model = (eax >> 4) & 15;
    if (family == 15)
        family += (eax >> 20) & 255;
    if (family >= 6)
        model |= (eax >> 12) & 0xf0;
    text_format(out, "cpu family\t: %u\nmodel\t\t: %u\n", family, model);
    put_model_name(out);
    text_format(out, "stepping\t: %u\n", eax & 15);
}

/* In kHz, or 0 where the CPU doesn't say. */
static uint64_t frequency_khz(void)
{
    if (has_leaf(LEAF_TSC)) {
        struct cpuid c = cpuid(LEAF_TSC, 0);
        if (c.r[EAX] && c.r[EBX] && c.r[ECX])
            return (uint64_t)c.r[ECX] * c.r[EBX] / c.r[EAX] / 1000;
    }
    return has_leaf(LEAF_FREQUENCY) ? (cpuid(LEAF_FREQUENCY, 0).r[EAX] & 0xffff) * 1000ul : 0;
}

static void put_sizes(struct text *out, uint64_t khz)
{
    uint32_t bits = has_leaf(EXTENDED_BASE + 8) ? cpuid(EXTENDED_BASE + 8, 0).r[EAX] : 0x3024;
    uint32_t line = ((cpuid(LEAF_FEATURES, 0).r[EBX] >> 8) & 255) * 8;
    text_format(out, "bugs\t\t:\nbogomips\t: %lu.%02lu\nclflush size\t: %u\n", khz / 500,
                khz / 5 % 100, line);
    text_format(out, "cache_alignment\t: %u\naddress sizes\t: %u bits physical, %u bits virtual\n",
                line, bits & 255, (bits >> 8) & 255);
    text_string(out, "power management:\n\n");
}

static unsigned last_cache_kb(void)
{
    struct cache_info cache;
    unsigned size = 0;
    for (unsigned i = 0; arch_cache_info(i, &cache); i++)
        size = cache.size_kb;
    return size;
}

void arch_cpuinfo_text(struct text *out, unsigned cpu, unsigned count, uint64_t clock_khz)
{
    uint64_t own_khz = frequency_khz(), khz = own_khz ? own_khz : clock_khz;
    text_format(out, "processor\t: %u\n", cpu);
    put_vendor(out);
    put_version(out);
    text_format(out, "cpu MHz\t\t: %lu.%03lu\ncache size\t: %u KB\n", khz / 1000, khz % 1000,
                last_cache_kb());
    text_format(out, "physical id\t: 0\nsiblings\t: %u\ncore id\t\t: %u\ncpu cores\t: %u\n", count,
                cpu, count);
    text_format(out, "apicid\t\t: %u\ninitial apicid\t: %u\n", cpu, cpu);
    text_format(out, "fpu\t\t: yes\nfpu_exception\t: yes\ncpuid level\t: %u\nwp\t\t: yes\n",
                cpuid(0, 0).r[EAX]);
    put_flags(out);
    put_sizes(out, khz);
}

/* Where a CPU's vendor has caches only as registers of two leaves: L1 data, L1 code, L2, L3. */
static bool cache_from_registers(unsigned index, struct cache_info *out)
{
    static const uint16_t ways_of[16] = {[1] = 1,   [2] = 2,   [4] = 4,   [6] = 8,   [8] = 16,
                                         [10] = 32, [11] = 48, [12] = 64, [13] = 96, [14] = 128};
    if (index > 3 || !has_leaf(EXTENDED_BASE + 6))
        return false;
    uint32_t r = cpuid(EXTENDED_BASE + (index < 2 ? 5 : 6), 0).r[index % 2 ? EDX : ECX];
    uint32_t kb = index < 2 ? r >> 24 : index == 2 ? r >> 16 : (r >> 18) * 512;
    uint32_t line = r & 255, lines = line ? kb * 1024 / line : 0;
    uint32_t ways = index < 2 ? (r >> 16) & 255 : ways_of[(r >> 12) & 15];
    if (!lines)
        return false;
    if (!ways || ways > lines || (index < 2 && ways == 255)) /* any line anywhere */
        ways = lines;
    *out = (struct cache_info){.type = index == 0   ? CACHE_DATA
                                       : index == 1 ? CACHE_INSTRUCTION
                                                    : CACHE_UNIFIED,
                               .level = index < 2 ? 1 : index,
                               .line_bytes = line,
                               .ways = ways,
                               .sets = lines / ways,
                               .size_kb = kb,
                               .shared = index == 3};
    return true;
}

bool arch_cache_info(unsigned index, struct cache_info *out)
{
    uint32_t leaf = has_leaf(LEAF_CACHE_AMD) && cpuid(LEAF_CACHE_AMD, 0).r[EAX] & 31
                        ? LEAF_CACHE_AMD
                        : LEAF_CACHE_INTEL;
    if (!has_leaf(leaf) || !(cpuid(leaf, 0).r[EAX] & 31))
        return cache_from_registers(index, out);
    struct cpuid c = cpuid(leaf, index);
    if ((c.r[EAX] & 31) == CACHE_NONE || index > 15)
        return false;
    *out = (struct cache_info){
        .type = (enum cache_type)(c.r[EAX] & 31),
        .level = (c.r[EAX] >> 5) & 7,
        .line_bytes = (c.r[EBX] & 0xfff) + 1,
        .ways = (c.r[EBX] >> 22) + 1,
        .sets = c.r[ECX] + 1,
    };
    out->shared = out->level >= 3;
    out->size_kb = (unsigned)((uint64_t)out->line_bytes * out->ways * out->sets *
                              (((c.r[EBX] >> 12) & 0x3ff) + 1) / 1024);
    return true;
}
