/* The sampler, and what is told of its samples. */
#include "host/profile/profile.h"

#include <stdatomic.h>

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "host/base/io.h"
#include "host/base/say.h"
#include "host/profile/code.h"
#include "host/profile/remote.h"
#include "host/profile/tree.h"

#define PERIOD_NS 10000000ll
#define SHARE_LEFT 2 /* the machine runs so many times as long as it is stopped for a sample */
#define FRAMES_MAX 512u
#define REAL_MODE_END 0x10000u /* below: the firmware, or a processor that isn't started yet */
#define PIECES_MAX 16u         /* of memory, kept for one sample */
#define PIECE_PARTS 4u         /* asked for at once: each answer may have to wait for a busy host */
#define TOP_SHOWN 20u
#define PIECE_MASK (REMOTE_PIECE - 1ull)

struct piece {
    uint64_t addr;
    size_t size; /* bytes that could be read */
    unsigned char bytes[PIECE_PARTS * REMOTE_PIECE];
};

struct profile {
    int stub;
    struct remote remote;
    struct code *code;
    pthread_t thread;
    bool started;
    atomic_bool ending;
    struct call root;
    int64_t began_ns, ended_ns;
    uint64_t idle; /* samples of a processor that had nothing to do */
    /* Of the sample that is being taken. */
    char *names[FRAMES_MAX];
    unsigned frames;
    struct piece pieces[PIECES_MAX];
    unsigned piece_count;
};

struct profile *profile_create(int stub, int image_fd, struct error *err)
{
    struct code *code = code_create(image_fd, err);
    if (!code)
        return NULL;
    struct profile *profile = mem_alloc(sizeof(*profile));
    profile->stub = stub;
    profile->code = code;
    return profile;
}

void profile_mapped(struct profile *profile, const char *data, size_t size)
{
    code_mapped(profile->code, data, size);
}

/* The piece that holds the word at addr, or NULL. */
static const struct piece *find_piece(struct profile *profile, uint64_t addr)
{
    for (unsigned i = 0; i < profile->piece_count; i++) {
        const struct piece *known = &profile->pieces[i];
        if (addr >= known->addr && addr + sizeof(uint64_t) <= known->addr + known->size)
            return known;
    }
    if (profile->piece_count == PIECES_MAX)
        return NULL;
    struct piece *piece = &profile->pieces[profile->piece_count];
    piece->addr = addr & ~PIECE_MASK;
    if (!remote_read(&profile->remote, piece->addr, piece->bytes, PIECE_PARTS, &piece->size))
        return NULL;
    profile->piece_count++;
    return addr + sizeof(uint64_t) <= piece->addr + piece->size ? piece : NULL;
}

static bool read_word(void *context, uint64_t addr, uint64_t *word)
{
    const struct piece *piece = find_piece(context, addr);
    if (piece)
        memcpy(word, piece->bytes + (addr - piece->addr), sizeof(*word));
    return piece != NULL;
}

static void take_frame(void *context, const char *name, bool kernel)
{
    struct profile *profile = context;
    if (profile->frames == FRAMES_MAX)
        return;
    /* What optimizing makes of a function has its name and an ending. */
    char *shown =
        kernel ? mem_printf("%.*s (kernel)", (int)strcspn(name, "."), name) : mem_string(name);
    /* Several functions without names in one file: one bar tells as much. */
    bool same = profile->frames && strcmp(profile->names[profile->frames - 1], shown) == 0;
    if (same && *name == '[')
        free(shown);
    else
        profile->names[profile->frames++] = shown;
}

/* Where a processor waits for something to do. */
static bool is_idle(const char *name)
{
    return strcmp(name, "arch_idle (kernel)") == 0 || strcmp(name, "arch_halt (kernel)") == 0;
}

static void count_frames(struct profile *profile)
{
    struct call *call = &profile->root;
    if (profile->frames && is_idle(profile->names[0])) {
        profile->idle++;
    } else if (profile->frames) {
        for (unsigned i = profile->frames; i-- > 0;)
            call = call_child(call, profile->names[i]);
        call_count(call);
    }
    for (unsigned i = 0; i < profile->frames; i++)
        free(profile->names[i]);
}

static bool sample_cpu(struct profile *profile, unsigned cpu)
{
    struct code_stack stack = {.read = read_word, .frame = take_frame, .context = profile};
    profile->frames = profile->piece_count = 0;
    if (!remote_registers(&profile->remote, cpu, stack.registers))
        return false;
    if (stack.registers[REMOTE_RIP] < REAL_MODE_END) {
        profile->idle++;
        return true;
    }
    code_unwind(profile->code, &stack);
    count_frames(profile);
    return true;
}

static int64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000000ll + now.tv_nsec;
}

/* *stopped_ns: how long the machine stood still. */
static bool sample(struct profile *profile, int64_t *stopped_ns)
{
    if (!remote_stop(&profile->remote))
        return false;
    int64_t from = now_ns();
    code_update(profile->code);
    for (unsigned i = 0; i < profile->remote.cpu_count; i++)
        if (!sample_cpu(profile, i))
            return false;
    bool running = remote_go(&profile->remote);
    *stopped_ns = now_ns() - from;
    return running;
}

static void nap(int64_t ns)
{
    const struct timespec pause = {ns / 1000000000, ns % 1000000000};
    nanosleep(&pause, NULL);
}

static void *sampler(void *argument)
{
    int64_t pause_ns = PERIOD_NS, stopped_ns = 0;
    struct profile *profile = argument;
    profile->began_ns = now_ns();
    bool running = remote_begin(&profile->remote, profile->stub) && remote_go(&profile->remote);
    while (running && !atomic_load(&profile->ending)) {
        nap(pause_ns);
        running = sample(profile, &stopped_ns);
        int64_t enough = SHARE_LEFT * stopped_ns;
        pause_ns = enough < PERIOD_NS ? PERIOD_NS : enough;
    }
    profile->ended_ns = now_ns();
    return NULL;
}

void profile_start(struct profile *profile)
{
    profile->started = pthread_create(&profile->thread, NULL, sampler, profile) == 0;
    if (!profile->started)
        say_error("--profile: cannot start a thread: %s", strerror(errno));
}

void profile_stop(struct profile *profile)
{
    atomic_store(&profile->ending, true);
    if (profile->started)
        pthread_join(profile->thread, NULL);
    profile->started = false;
}

static void say_functions(const struct profile *profile)
{
    size_t count;
    struct function *functions = call_functions(&profile->root, &count);
    double total = (double)profile->root.all;
    say_error("%8s %8s  function", "itself", "with all");
    for (size_t i = 0; i < count && i < TOP_SHOWN && functions[i].own; i++)
        say_error("%6.1f %% %6.1f %%  %s", 100.0 * (double)functions[i].own / total,
                  100.0 * (double)functions[i].all / total, functions[i].name);
    free(functions);
}

bool profile_tell(struct profile *profile, const char *program, const char *path, struct error *err)
{
    uint64_t busy = profile->root.all, all = busy + profile->idle;
    say_error("the profile: %llu samples in %.1f s; %.0f %% of the time the machine waited",
              (unsigned long long)all, (double)(profile->ended_ns - profile->began_ns) / 1e9,
              all ? 100.0 * (double)profile->idle / (double)all : 0.0);
    if (!busy)
        return true;
    say_functions(profile);
    struct buf svg = {0};
    char *title = mem_printf("%s: %llu samples", program, (unsigned long long)busy);
    flame_graph(&profile->root, title, &svg);
    bool ok = io_write_file(path, svg.data, svg.size, 0666, err);
    if (ok)
        say_error("the flame graph is in %s", path);
    buf_clear(&svg);
    free(title);
    return ok;
}

void profile_destroy(struct profile *profile)
{
    call_clear(&profile->root);
    code_destroy(profile->code);
    free(profile);
}
