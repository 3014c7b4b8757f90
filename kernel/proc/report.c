/*
 * The report on a program that a signal killed: which, why, where, registers, backtrace.
 *
 * Most programs have no frame pointers, so the backtrace is what on the stack looks like a return
 * address: a value that points behind a call instruction in an executable area. Frames that the
 * chain of frame pointers confirms too are certain, the others are marked with a question mark.
 */
#include "kernel/arch/report.h"

#include <linux/fcntl.h>
#include <linux/mman.h>

#include "abi/control.h"
#include "kernel/arch/uaccess.h"
#include "kernel/base/format.h"
#include "kernel/base/names.h"
#include "kernel/base/string.h"
#include "kernel/fd/file.h"
#include "kernel/mm/heap.h"
#include "kernel/platform/streams.h"
#include "kernel/proc/signal.h"
#include "kernel/proc/symbols.h"
#include "kernel/vfs/vfs.h"
#include "kernel/vm/vm.h"

#define TEXT_MAX 12000
#define PATH_SHOWN 200
#define FRAMES_MAX 24
#define CHAIN_MAX 64
#define STACK_WORDS_MAX 4096
#define CHUNK_WORDS 64

struct text {
    size_t length;
    char buf[TEXT_MAX];
};

struct place {
    uint64_t addr, start, offset;
    uint32_t prot;
    bool found;
    char name[PATH_SHOWN];
};

static void add(struct text *t, const char *fmt, ...) PRINTF_LIKE(2, 3);
static void add(struct text *t, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    size_t room = sizeof(t->buf) - t->length;
    size_t length = format_va(t->buf + t->length, room, fmt, args);
    va_end(args);
    t->length += min_u64(length, room - 1);
}

/* A name that the program chose: it makes no lines here. */
static void add_name(struct text *t, const char *name)
{
    for (; *name; name++)
        add(t, "%c", (unsigned char)*name < ' ' || *name == 0x7f ? '?' : *name);
}

static bool take_area(const struct vm_area_info *info, void *arg)
{
    struct place *p = arg;
    if (p->addr < info->start || p->addr >= info->end)
        return true;
    p->found = true;
    p->start = info->start;
    p->offset = info->offset;
    p->prot = info->prot;
    size_t length = strnlen(info->name, sizeof(p->name) - 1);
    memcpy(p->name, info->name, length);
    p->name[length] = '\0';
    return false;
}

static void find_place(uint64_t addr, struct place *p)
{
    *p = (struct place){.addr = addr};
    vm_for_each_area(take_area, p);
}

/* "/lib/x.so+0x1234 (function+0x12)", as far as it can be told. */
static void add_place(struct text *t, uint64_t addr)
{
    struct place p;
    find_place(addr, &p);
    if (!p.found) {
        add(t, "not mapped");
        return;
    }
    uint64_t offset = addr - p.start + p.offset;
    if (p.name[0] != '/') {
        add_name(t, p.name[0] ? p.name : "anonymous memory");
        add(t, "+%#lx", addr - p.start);
        return;
    }
    add_name(t, p.name);
    add(t, "+%#lx", offset);
    struct file *f;
    if (vfs_open(NULL, p.name, O_RDONLY, 0, &f))
        return;
    char symbol[128];
    if (symbols_find(f, offset, symbol, sizeof(symbol))) {
        add(t, " (");
        add_name(t, symbol);
        add(t, ")");
    }
    file_put(f);
}

static void add_frame(struct text *t, unsigned number, uint64_t addr, bool certain)
{
    add(t, "  #%-2u %s%016lx  ", number, certain ? " " : "?", addr);
    /* A return address is behind the call: the call itself may be a function's last byte. */
    add_place(t, number == 0 ? addr : addr - 1);
    add(t, "\n");
}

static bool is_return_address(uint64_t addr)
{
    uint8_t code[ARCH_CALL_BYTES];
    if (addr < PAGE_SIZE || !user_range_ok((struct uptr){addr}, 1))
        return false;
    struct place p;
    find_place(addr, &p);
    if (!p.found || !(p.prot & PROT_EXEC))
        return false;
    return !copy_from_user(code, (struct uptr){addr - sizeof(code)}, sizeof(code)) &&
           arch_after_call(code);
}

/* Where the chain of frame pointers keeps return addresses: stack addresses, ascending. */
static unsigned follow_chain(uint64_t fp, uint64_t slots[CHAIN_MAX])
{
    unsigned count = 0;
    while (count < CHAIN_MAX) {
        uint64_t frame[2];
        if (fp % 8 || copy_from_user(frame, (struct uptr){fp}, sizeof(frame)))
            break;
        slots[count++] = fp + 8;
        if (frame[0] <= fp)
            break;
        fp = frame[0];
    }
    return count;
}

static bool in_chain(const uint64_t *slots, unsigned count, uint64_t slot)
{
    for (unsigned i = 0; i < count; i++) {
        if (slots[i] == slot)
            return true;
    }
    return false;
}

static void add_backtrace(struct text *t, const struct user_regs *regs)
{
    uint64_t slots[CHAIN_MAX], words[CHUNK_WORDS];
    unsigned chain = follow_chain(arch_regs_fp(regs), slots), frames = 0;
    uint64_t sp = align_up(arch_regs_sp(regs), 8);
    add(t, "backtrace:\n");
    add_frame(t, frames++, arch_regs_ip(regs), true);
    for (unsigned done = 0; done < STACK_WORDS_MAX; done += CHUNK_WORDS) {
        size_t missed =
            copy_from_user_partial(words, (struct uptr){sp + done * 8ul}, sizeof(words));
        size_t got = (sizeof(words) - missed) / 8;
        for (size_t i = 0; i < got && frames < FRAMES_MAX; i++) {
            bool certain = in_chain(slots, chain, sp + (done + i) * 8);
            if (is_return_address(words[i]))
                add_frame(t, frames++, words[i], certain);
        }
        if (missed || frames == FRAMES_MAX)
            break;
    }
}

/* Why, in words; NULL: the code says nothing a person would know. */
static const char *reason_of(int signo, int code)
{
    switch (code) {
    case SI_USER:
    case SI_TKILL:
        return "sent by the program itself";
    case SI_KERNEL:
        return NULL;
    default:
        break;
    }
    if (signo == SIGSEGV)
        return code == SEGV_MAPERR ? "nothing is mapped there" : "access is not allowed there";
    if (signo == SIGBUS)
        return code == BUS_ADRERR ? "beyond the end of the mapped file" : "bad alignment";
    if (signo == SIGFPE && code == FPE_INTDIV)
        return "integer division by zero";
    return signo == SIGILL ? "illegal instruction" : NULL;
}

static bool has_address(int signo, const siginfo_t *info)
{
    return info->si_code > 0 && info->si_code != SI_KERNEL &&
           (signo == SIGSEGV || signo == SIGBUS || signo == SIGILL || signo == SIGFPE);
}

static void add_cause(struct text *t, int signo, const siginfo_t *info)
{
    const char *name = signal_name(signo);
    const char *reason = reason_of(signo, info->si_code);
    add(t, "the program was killed by signal %d (%s)", signo, name ? name : "?");
    if (has_address(signo, info))
        add(t, " at address %#lx", (uint64_t)info->si_addr);
    add(t, reason ? ": %s\n" : "%s\n", reason ? reason : "");
}

void report_fatal_signal(int signo, const siginfo_t *info, const struct user_regs *regs)
{
    struct text *t = heap_zalloc(sizeof(*t));
    if (!t)
        return;
    cred_become_kernel(); /* names of functions lie in files */
    const struct task *task = task_current();
    add_cause(t, signo, info);
    add(t, "thread %d \"", task->tid);
    add_name(t, task->name);
    add(t, "\" at %#lx, ", arch_regs_ip(regs));
    add_place(t, arch_regs_ip(regs));
    add(t, "\nregisters:\n");
    size_t room = sizeof(t->buf) - t->length;
    t->length += min_u64(arch_regs_text(regs, t->buf + t->length, room), room - 1);
    add_backtrace(t, regs);
    control_send(ORRIS_MSG_REPORT, t->buf, t->length, true);
    heap_free(t);
}
