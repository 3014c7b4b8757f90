/*
 * The other CPUs: starting them, interrupting them, and the kernel lock.
 *
 * Whoever holds the lock may ask the other CPUs to forget translations and wait until they have.
 * That ends: one in ring 3 is interrupted, one that waits for the lock looks while it waits.
 */
#include "kernel/arch/x86_64/smp.h"

#include "kernel/arch/cpu.h"
#include "kernel/arch/x86_64/apic.h"
#include "kernel/arch/x86_64/io.h"
#include "kernel/arch/x86_64/layout.h"
#include "kernel/base/panic.h"
#include "kernel/base/string.h"
#include "kernel/mm/page.h"
#include "kernel/sched/thread.h"
#include "kernel/time/clock.h"

#define STACKS_ORDER 1 /* two pages: one for double faults, one for NMIs */
#define FLUSH_ALL_PAGES 32
#define SPINS 100 /* before a CPU that waits for the lock halts */
#define HANDOVER_SPINS 1000
/* Until then whoever comes first has the lock: to hand it over each time would make everybody wait
 * for the slowest. */
#define PATIENCE_NS 20000000ul

/* What a CPU has been asked for: the higher includes the lower. */
enum { ASKED_BARRIER, ASKED_RANGE, ASKED_ALL };

bool arch_many_cpus;
static struct {
    uint8_t held;
    unsigned reserved; /* for the CPU of this number less one, which has waited long; or 0 */
    unsigned waiting;  /* CPUs that want it */
    uint32_t halted;   /* those of them that have halted */
} kernel_lock;
static struct cpu *cpus[CPUS_MAX];      /* that run; CPU 0 is entered when the others are started */
static uint64_t range_start, range_end; /* of ASKED_RANGE; the lock's holder's */

static struct cpu *halted_asker; /* the lock's holder, while it has halted to wait for others */

/* For trampoline.S. */
extern struct cpu *ap_cpus[CPUS_MAX];
extern uint32_t ap_next, ap_end;
extern const char trampoline_start[], trampoline_end[], ap_entry[];
struct cpu *ap_cpus[CPUS_MAX];
uint32_t ap_next = 1, ap_end = 1;

NORETURN void ap_main(struct cpu *c);

unsigned arch_cpu_index(void)
{
    return cpu_current()->index;
}

bool kernel_lock_held(void)
{
    return cpu_current()->holds_kernel;
}

static void flush_range(void)
{
    for (uint64_t a = range_start; a < range_end; a += PAGE_SIZE) {
        cpu_invalidate_page(a);
    }
}

void smp_serve(void)
{
    struct cpu *c = cpu_current();
    uint32_t asked = __atomic_load_n(&c->asked, __ATOMIC_ACQUIRE);
    if (LIKELY(asked == c->done)) {
        return;
    }
    uint8_t kind = __atomic_load_n(&c->asked_kind, __ATOMIC_ACQUIRE);
    if (kind == ASKED_ALL) {
        cpu_write_cr3(cpu_read_cr3());
    } else if (kind == ASKED_RANGE) {
        flush_range();
    }
    __atomic_store_n(&c->done, asked, __ATOMIC_SEQ_CST);
    const struct cpu *asker = __atomic_load_n(&halted_asker, __ATOMIC_SEQ_CST);
    if (UNLIKELY(asker != NULL)) {
        apic_send(asker->apic_id, VECTOR_KICK);
    }
}

static bool is_done(const struct cpu *c)
{
    return __atomic_load_n(&c->done, __ATOMIC_SEQ_CST) == c->asked;
}

/* Who has waited long has the lock reserved: nobody else takes it before. */
static bool try_lock(const struct cpu *c)
{
    unsigned reserved = __atomic_load_n(&kernel_lock.reserved, __ATOMIC_RELAXED);
    if ((reserved && reserved != c->index + 1) ||
        __atomic_load_n(&kernel_lock.held, __ATOMIC_RELAXED)) {
        return false;
    }
    return !__atomic_exchange_n(&kernel_lock.held, 1, __ATOMIC_SEQ_CST);
}

/* Until halt_end() only other CPUs' interrupts are let in: those of devices and timers need the
 * lock. */
static void halt_begin(void)
{
    cpu_write_cr8(PRIORITY_BELOW_IPI);
}

static void halt(void)
{
    __asm__ volatile("sti\n\t"
                     "hlt\n\t"
                     "cli"
                     :
                     :
                     : "memory");
}

static void halt_end(void)
{
    cpu_write_cr8(0);
}

/* Halts until the lock is given back. */
static void halt_for_lock(const struct cpu *c)
{
    uint32_t bit = 1u << c->index;
    halt_begin();
    __atomic_fetch_or(&kernel_lock.halted, bit, __ATOMIC_SEQ_CST);
    if (__atomic_load_n(&kernel_lock.held, __ATOMIC_SEQ_CST)) {
        halt();
    }
    __atomic_fetch_and(&kernel_lock.halted, ~bit, __ATOMIC_SEQ_CST);
    halt_end();
}

static void reserve(const struct cpu *c)
{
    unsigned nobody = 0;
    __atomic_compare_exchange_n(&kernel_lock.reserved, &nobody, c->index + 1, false,
                                __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

/* Where there are fewer real processors than ours, who holds the lock may need the one that we
 * would spin on. So after a while we halt. */
static void wait_and_take(const struct cpu *c)
{
    uint64_t patience_end = deadline_in(PATIENCE_NS);
    __atomic_fetch_add(&kernel_lock.waiting, 1, __ATOMIC_SEQ_CST);
    for (unsigned tries = 1; !try_lock(c); tries++) {
        smp_serve();
        __builtin_ia32_pause();
        if (tries % SPINS == 0) {
            if (clock_monotonic_ns() > patience_end) {
                reserve(c);
            }
            halt_for_lock(c);
        }
    }
    unsigned mine = c->index + 1;
    __atomic_compare_exchange_n(&kernel_lock.reserved, &mine, 0, false, __ATOMIC_SEQ_CST,
                                __ATOMIC_SEQ_CST);
    __atomic_fetch_sub(&kernel_lock.waiting, 1, __ATOMIC_SEQ_CST);
}

void kernel_lock_take(void)
{
    struct cpu *c = cpu_current();
    /* Whatever the program did is done: who holds the lock need not wait for us from here on. */
    __atomic_store_n(&c->in_user, false, __ATOMIC_RELEASE);
    if (UNLIKELY(!try_lock(c))) {
        wait_and_take(c);
    }
    c->holds_kernel = true;
    smp_serve();
}

/* Wakes one that halted; if it was reserved, that one. */
static void wake_waiting(uint32_t halted)
{
    unsigned reserved = __atomic_load_n(&kernel_lock.reserved, __ATOMIC_SEQ_CST);
    bool theirs = reserved && halted >> (reserved - 1) & 1;
    unsigned cpu = theirs ? reserved - 1 : (unsigned)__builtin_ctz(halted);
    apic_send(ap_cpus[cpu]->apic_id, VECTOR_KICK); /* perhaps not in cpus yet */
}

static void give(bool to_user)
{
    struct cpu *c = cpu_current();
    c->in_user = to_user;
    c->holds_kernel = false;
    __atomic_store_n(&kernel_lock.held, 0, __ATOMIC_SEQ_CST);
    uint32_t halted = __atomic_load_n(&kernel_lock.halted, __ATOMIC_SEQ_CST);
    if (UNLIKELY(halted)) {
        wake_waiting(halted);
    }
}

void kernel_lock_give(void)
{
    give(true);
}

void kernel_lock_give_idle(void)
{
    give(false);
}

/* Whoever waits for the lock has it first: one that has halted wakes too late to be quicker than
 * we are, so the lock is reserved for it; the CPUs take turns. */
static void let_others_in(void)
{
    uint32_t halted = __atomic_load_n(&kernel_lock.halted, __ATOMIC_SEQ_CST);
    uint32_t above = halted & ~((2u << cpu_current()->index) - 1);
    if (halted) {
        reserve(ap_cpus[__builtin_ctz(above ? above : halted)]);
    }
    give(false);
    for (unsigned i = 0; i < HANDOVER_SPINS; i++) {
        if (!__atomic_load_n(&kernel_lock.waiting, __ATOMIC_RELAXED) ||
            __atomic_load_n(&kernel_lock.held, __ATOMIC_RELAXED)) {
            break;
        }
        __builtin_ia32_pause();
    }
    kernel_lock_take();
}

void arch_poll_interrupts(void)
{
    if (UNLIKELY(arch_many_cpus) && __atomic_load_n(&kernel_lock.waiting, __ATOMIC_RELAXED)) {
        let_others_in();
    }
    __asm__ volatile("sti\n\t"
                     "nop\n\t"
                     "cli"
                     :
                     :
                     : "memory");
}

BY_NAME void arch_idle(void)
{
    if (arch_many_cpus) {
        give(false);
    }
    halt();
    kernel_enter();
}

/* Asks one CPU. What it has not done yet stays asked for: that is never a range, for whoever asks
 * for one waits until it is done. */
static void ask(struct cpu *c, uint8_t kind)
{
    bool all = c->asked_kind == ASKED_ALL && !is_done(c);
    __atomic_store_n(&c->asked_kind, all ? ASKED_ALL : kind, __ATOMIC_RELEASE);
    __atomic_store_n(&c->asked, c->asked + 1, __ATOMIC_SEQ_CST);
}

/* Halts after a while, too: it may be our real processor that the other one waits for. */
static void wait_for(const struct cpu *other)
{
    struct cpu *self = cpu_current();
    for (unsigned tries = 1; !is_done(other); tries++) {
        __builtin_ia32_pause();
        if (tries % SPINS) {
            continue;
        }
        halt_begin();
        __atomic_store_n(&halted_asker, self, __ATOMIC_SEQ_CST);
        if (!is_done(other)) {
            halt();
        }
        __atomic_store_n(&halted_asker, NULL, __ATOMIC_SEQ_CST);
        halt_end();
    }
}

/* Asks all other CPUs, and waits for those in ring 3, or for all. An idle one need not be disturbed
 * for what concerns the program's memory: it comes by kernel_lock_take() before it touches any. */
static void ask_others(uint8_t what, uint8_t idle_what, bool wait_for_idle)
{
    const struct cpu *self = cpu_current();
    uint32_t waiting = 0;
    for (unsigned i = 0; i < CPUS_MAX; i++) {
        struct cpu *c = cpus[i];
        if (!c || c == self) {
            continue;
        }
        bool wait = c->in_user || wait_for_idle;
        ask(c, c->in_user ? what : idle_what);
        if (wait) {
            apic_send(c->apic_id, VECTOR_SERVE);
            waiting |= 1u << i;
        }
    }
    for (; waiting; waiting &= waiting - 1) {
        wait_for(cpus[__builtin_ctz(waiting)]);
    }
}

void tlb_shoot(uint64_t start, uint64_t end)
{
    if (LIKELY(!arch_many_cpus)) {
        return;
    }
    range_start = start;
    range_end = end;
    ask_others(end - start > FLUSH_ALL_PAGES * PAGE_SIZE ? ASKED_ALL : ASKED_RANGE, ASKED_ALL,
               false);
}

void tlb_shoot_all(void)
{
    if (UNLIKELY(arch_many_cpus)) {
        ask_others(ASKED_ALL, ASKED_ALL, true);
    }
}

void tlb_shoot_later(void)
{
    for (unsigned i = 0; arch_many_cpus && i < CPUS_MAX; i++) {
        if (cpus[i] && cpus[i] != cpu_current()) {
            ask(cpus[i], ASKED_ALL);
        }
    }
}

void arch_cpus_sync(void)
{
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    if (arch_many_cpus) {
        ask_others(ASKED_BARRIER, ASKED_BARRIER, false);
    }
}

void arch_cpu_kick(unsigned cpu)
{
    if (cpus[cpu]) {
        apic_send(cpus[cpu]->apic_id, VECTOR_KICK);
    }
}

void arch_cpus_stop(void)
{
    if (arch_many_cpus) {
        apic_send_others(VECTOR_STOP);
    }
}

bool arch_cpu_prepare(unsigned cpu, struct thread *idle)
{
    struct page *data = page_alloc(0, ALLOC_ZERO);
    struct page *stacks = page_alloc(STACKS_ORDER, 0);
    if (!data || !stacks) {
        if (data) {
            page_put(data);
        }
        if (stacks) {
            page_put(stacks);
        }
        return false;
    }
    struct cpu *c = page_virt(data);
    c->index = cpu;
    c->thread = idle;
    c->kernel_stack = c->tss.rsp[0] = (uint64_t)idle->stack_top;
    c->tss.ist[0] = (uint64_t)page_virt(stacks) + PAGE_SIZE;
    c->tss.ist[1] = c->tss.ist[0] + PAGE_SIZE;
    c->fpu_used = true;
    ap_cpus[cpu] = c;
    ap_end = cpu + 1;
    return true;
}

/* A page of code and three of tables in low memory, which the page allocator leaves alone: they map
 * that page one to one, and the kernel's half as ever. */
static void trampoline_prepare(void)
{
    uint64_t *pml4 = phys_to_virt(TRAMPOLINE_PML4),
             *pdpt = phys_to_virt(TRAMPOLINE_PML4 + PAGE_SIZE),
             *pd = phys_to_virt(TRAMPOLINE_PML4 + 2 * PAGE_SIZE);
    memcpy(pml4, phys_to_virt(kernel_pml4), PAGE_SIZE);
    memset(pdpt, 0, PAGE_SIZE);
    memset(pd, 0, PAGE_SIZE);
    pml4[0] = (TRAMPOLINE_PML4 + PAGE_SIZE) | PTE_PRESENT | PTE_WRITE;
    pdpt[0] = (TRAMPOLINE_PML4 + 2 * PAGE_SIZE) | PTE_PRESENT | PTE_WRITE;
    pd[0] = PTE_PRESENT | PTE_WRITE | PTE_HUGE;
    size_t size = (size_t)(trampoline_end - trampoline_start);
    uint64_t entry = (uint64_t)ap_entry;
    memcpy(phys_to_virt(TRAMPOLINE), trampoline_start, size);
    memcpy((char *)phys_to_virt(TRAMPOLINE) + size - sizeof(entry), &entry, sizeof(entry));
}

void arch_cpus_start(void)
{
    struct cpu *self = cpu_current();
    if (ap_end == 1) {
        return;
    }
    fpu_settle();
    cpus[self->index] = ap_cpus[self->index] = self;
    self->holds_kernel = true;
    kernel_lock.held = 1;
    arch_many_cpus = true;
    trampoline_prepare();
    apic_start_others(TRAMPOLINE);
}

/* The first C code of another CPU, on the stack of its idle thread. */
void ap_main(struct cpu *c)
{
    cpu_start(c);
    c->apic_id = apic_start();
    kernel_lock_take();
    cpu_write_cr3(kernel_pml4); /* whatever changed before it was known to us */
    cpus[c->index] = c;
    sched_cpu_started();
}
