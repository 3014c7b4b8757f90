/*
 * What was measured of this host.
 */
#include "host/vmm/hostinfo.h"

#include <jansson.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <time.h>
#include <x86intrin.h>

#include "host/base/buf.h"
#include "host/base/io.h"
#include "host/base/store.h"

#define MEASURE_NS 20000000
#define REFINE_FACTOR 4.0    /* a new interval must be so many times longer to be worth a write */
#define REFINE_ENOUGH_S 60.0 /* nothing is gained beyond */

/* The processor as /proc/cpuinfo names it: "model name" of the first. Owned by the caller. */
static char *cpu_name(void)
{
    char brand[49] = {0};
    for (unsigned i = 0; i < 3; i++) {
        unsigned regs[4] = {0};
        __asm__("cpuid"
                : "=a"(regs[0]), "=b"(regs[1]), "=c"(regs[2]), "=d"(regs[3])
                : "a"(0x80000002u + i), "c"(0));
        memcpy(brand + 16 * i, regs, sizeof(regs));
    }
    return mem_printf("%s", brand);
}

/* QEMU is named by its file's size and time: running it for its version would take longer. */
static char *make_key(const char *qemu)
{
    struct utsname name = {0};
    struct stat stat_qemu = {0}, stat_kvm = {0};
    uname(&name);
    stat(qemu, &stat_qemu);
    bool kvm = stat("/dev/kvm", &stat_kvm) == 0;
    char *cpu = cpu_name();
    char *key = mem_printf("%s %s; %s; %s %lld %lld; kvm %s", name.release, name.version, cpu, qemu,
                           (long long)stat_qemu.st_size, (long long)stat_qemu.st_mtim.tv_sec,
                           kvm ? "present" : "absent");
    free(cpu);
    return key;
}

static void load_from(struct hostinfo *info, const json_t *root)
{
    const char *key = json_string_value(json_object_get(root, "key"));
    if (!key || strcmp(key, info->key) != 0)
        return;
    const json_t *kvm = json_object_get(root, "kvm");
    if (json_is_object(kvm)) {
        info->kvm_known = true;
        info->kvm_useful = json_is_true(json_object_get(kvm, "useful"));
        info->kvm_rate = json_number_value(json_object_get(kvm, "instructions_per_second"));
        info->kvm_why = mem_string(json_string_value(json_object_get(kvm, "why")));
    }
    const json_t *avx2 = json_object_get(root, "emulated_avx2_right");
    info->avx2_known = json_is_boolean(avx2);
    info->avx2_wrong = info->avx2_known && !json_is_true(avx2);
    json_int_t hz = json_integer_value(json_object_get(root, "tsc_hz"));
    info->tsc_hz = hz > 0 ? (uint64_t)hz : 0;
    info->tsc_seconds = json_number_value(json_object_get(root, "tsc_seconds"));
}

void hostinfo_load(struct hostinfo *info, const char *qemu)
{
    *info = (struct hostinfo){.key = make_key(qemu)};
    struct error err;
    struct buf text = {0};
    char *path = store_path("host.json", false, &err);
    json_t *root = NULL;
    if (path && io_read_file(path, &text, &err))
        root = json_loadb(text.data, text.size, 0, NULL);
    if (root)
        load_from(info, root);
    json_decref(root);
    buf_clear(&text);
    free(path);
}

static json_t *to_json(const struct hostinfo *info)
{
    json_t *root = json_pack("{s:s, s:I, s:f}", "key", info->key, "tsc_hz",
                             (json_int_t)info->tsc_hz, "tsc_seconds", info->tsc_seconds);
    if (root && info->avx2_known)
        json_object_set_new(root, "emulated_avx2_right", json_boolean(!info->avx2_wrong));
    if (!root || !info->kvm_known)
        return root;
    json_object_set_new(root, "kvm",
                        json_pack("{s:b, s:f, s:s?}", "useful", info->kvm_useful,
                                  "instructions_per_second", info->kvm_rate, "why", info->kvm_why));
    return root;
}

void hostinfo_save(const struct hostinfo *info)
{
    if (!info->changed)
        return;
    struct error err;
    char *path = store_path("host.json", false, &err);
    json_t *root = to_json(info);
    char *text = root ? json_dumps(root, JSON_INDENT(2)) : NULL;
    if (path && text)
        io_write_file(path, text, strlen(text), 0644, &err);
    free(text);
    json_decref(root);
    free(path);
}

unsigned hostinfo_cpus(void)
{
    cpu_set_t set;
    bool known = sched_getaffinity(0, sizeof(set), &set) == 0;
    return known ? (unsigned)CPU_COUNT(&set) : 1;
}

void hostinfo_clear(struct hostinfo *info)
{
    free(info->key);
    free(info->kvm_why);
    *info = (struct hostinfo){0};
}

static int64_t raw_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC_RAW, &now);
    return now.tv_sec * 1000000000ll + now.tv_nsec;
}

/* The quickest of a few tries: one that was interrupted between clock and counter is slower. */
struct tsc_reading tsc_read(void)
{
    struct tsc_reading best = {0};
    uint64_t best_width = UINT64_MAX;
    for (int i = 0; i < 5; i++) {
        uint64_t before = __rdtsc();
        int64_t ns = raw_ns();
        uint64_t width = __rdtsc() - before;
        if (width >= best_width)
            continue;
        best_width = width;
        best = (struct tsc_reading){.tsc = before + width / 2, .ns = ns};
    }
    return best;
}

void hostinfo_refine_tsc(struct hostinfo *info, struct tsc_reading from, struct tsc_reading to)
{
    double seconds = (double)(to.ns - from.ns) / 1e9;
    bool enough = info->tsc_hz && info->tsc_seconds >= REFINE_ENOUGH_S;
    if (seconds <= 0 || enough || seconds < info->tsc_seconds * REFINE_FACTOR)
        return;
    info->tsc_hz = (uint64_t)((double)(to.tsc - from.tsc) / seconds + 0.5);
    info->tsc_seconds = seconds;
    info->changed = true;
}

void hostinfo_measure_tsc(struct hostinfo *info)
{
    if (info->tsc_hz)
        return;
    struct tsc_reading from = tsc_read();
    struct timespec pause = {.tv_nsec = MEASURE_NS};
    nanosleep(&pause, NULL);
    info->tsc_seconds = 0;
    hostinfo_refine_tsc(info, from, tsc_read());
}
