/*
 * A TCG plugin for QEMU 7.2 (plugin API 1) that counts guest instructions exactly, by who ran them.
 *
 * The counters lie in a file that is mapped shared: whoever ends QEMU, and however, they are there
 * to read (struct counts, as text made by tests/bench/bench). A string instruction under REP
 * counts once for each of its rounds, as TCG runs it.
 *
 *   -plugin count.so,out=FILE[,start=ADDRESS][,profile=on]
 *
 * start is the address of the kernel's first instruction; what ran before it is the firmware's.
 * From then on the address tells: the upper half is the kernel's. The lower half is the kernel's
 * start-up code until the upper half is reached first, and the program's after that.
 *
 * With profile=on the file goes on, from byte 4096, with one struct place for each translated
 * block: tests/bench/profile adds them up by function.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* The part of QEMU's plugin interface that is used; Debian has no header package for it. */
typedef uint64_t qemu_plugin_id_t;
struct qemu_info;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
enum { INLINE_ADD_U64 = 0, CALLBACK_NO_REGISTERS = 0 };
void qemu_plugin_register_vcpu_tb_exec_inline(struct qemu_plugin_tb *tb, int op, void *counter,
                                              uint64_t addend);
uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *tb);
void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t id,
                                           void (*translated)(qemu_plugin_id_t,
                                                              struct qemu_plugin_tb *));
void qemu_plugin_register_vcpu_insn_exec_inline(struct qemu_plugin_insn *insn, int op,
                                                void *counter, uint64_t addend);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *insn,
                                            void (*executed)(unsigned, void *), int flags,
                                            void *data);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t index);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *insn);

#define EXPORT __attribute__((visibility("default")))
EXPORT extern int qemu_plugin_version;
int qemu_plugin_version = 1;

/* The file's contents: sixteen 64-bit numbers; the unused ones are 0. */
struct counts {
    uint64_t low, high;                         /* instructions in each half so far */
    uint64_t start_low;                         /* low at the kernel's first instruction */
    uint64_t upper_low;                         /* low at the first one in the upper half */
    uint64_t user_low, user_high, user_address; /* at the program's first instruction */
    uint64_t seen_start, seen_upper, seen_user;
    uint64_t upper_address; /* of the first instruction in the upper half */
    uint64_t place_count;
    uint64_t unused[4];
};
_Static_assert(sizeof(struct counts) == 128, "bench reads sixteen numbers");

struct place {
    uint64_t address;  /* of the block */
    uint64_t executed; /* instructions in all */
    uint64_t started;  /* of them before the program's first */
    uint64_t length;   /* instructions that were translated */
};

enum { PLACES_OFFSET = 4096, PLACES_MAX = 1 << 20 };

static struct counts *counts;
static struct place *places; /* NULL without a profile */
static uint64_t start_address;

static void on_start(unsigned cpu, void *data)
{
    (void)cpu, (void)data;
    if (counts->seen_start)
        return;
    counts->seen_start = 1;
    counts->start_low = counts->low - 1; /* the counter went up before this call */
}

static void on_upper(unsigned cpu, void *address)
{
    (void)cpu;
    if (counts->seen_upper)
        return;
    counts->seen_upper = 1;
    counts->upper_address = (uint64_t)(uintptr_t)address;
    counts->upper_low = counts->low;
}

static void on_user(unsigned cpu, void *address)
{
    (void)cpu;
    if (!counts->seen_upper || counts->seen_user)
        return;
    counts->seen_user = 1;
    counts->user_low = counts->low - 1;
    counts->user_high = counts->high;
    counts->user_address = (uint64_t)(uintptr_t)address;
    for (uint64_t i = 0; places && i < counts->place_count; i++)
        places[i].started = places[i].executed;
}

static void count_instruction(struct qemu_plugin_insn *insn)
{
    uint64_t address = qemu_plugin_insn_vaddr(insn);
    bool upper = address >> 63;
    qemu_plugin_register_vcpu_insn_exec_inline(insn, INLINE_ADD_U64,
                                               upper ? &counts->high : &counts->low, 1);
    if (address == start_address && !counts->seen_start)
        qemu_plugin_register_vcpu_insn_exec_cb(insn, on_start, CALLBACK_NO_REGISTERS, NULL);
    if (upper && !counts->seen_upper)
        qemu_plugin_register_vcpu_insn_exec_cb(insn, on_upper, CALLBACK_NO_REGISTERS,
                                               (void *)(uintptr_t)address);
    if (!upper && counts->seen_upper && !counts->seen_user)
        qemu_plugin_register_vcpu_insn_exec_cb(insn, on_user, CALLBACK_NO_REGISTERS,
                                               (void *)(uintptr_t)address);
}

static void on_translation(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
    (void)id;
    for (size_t i = 0; i < qemu_plugin_tb_n_insns(tb); i++)
        count_instruction(qemu_plugin_tb_get_insn(tb, i));
    if (!places || counts->place_count == PLACES_MAX)
        return;
    struct place *place = &places[counts->place_count++];
    place->address = qemu_plugin_tb_vaddr(tb);
    place->length = qemu_plugin_tb_n_insns(tb);
    qemu_plugin_register_vcpu_tb_exec_inline(tb, INLINE_ADD_U64, &place->executed,
                                             qemu_plugin_tb_n_insns(tb));
}

static bool map_counts(const char *path, bool profile)
{
    size_t size = PLACES_OFFSET + (profile ? PLACES_MAX * sizeof(struct place) : 0);
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0 || ftruncate(fd, (off_t)size) != 0)
        return false;
    char *map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    counts = (struct counts *)map;
    places = profile ? (struct place *)(map + PLACES_OFFSET) : NULL;
    return map != MAP_FAILED;
}

EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const struct qemu_info *info, int argc,
                               char **argv);
int qemu_plugin_install(qemu_plugin_id_t id, const struct qemu_info *info, int argc, char **argv)
{
    const char *out = NULL;
    bool profile = false;
    (void)info;
    for (int i = 0; i < argc; i++) {
        if (strncmp(argv[i], "out=", 4) == 0)
            out = argv[i] + 4;
        if (strncmp(argv[i], "start=", 6) == 0)
            start_address = strtoull(argv[i] + 6, NULL, 16);
        if (strcmp(argv[i], "profile=on") == 0)
            profile = true;
    }
    if (!out || !map_counts(out, profile))
        return -1;
    qemu_plugin_register_vcpu_tb_trans_cb(id, on_translation);
    return 0;
}
