/*
 * Interrupts: the local APIC with its timer, the IO-APIC's lines, message-signalled ones.
 *
 * The local APIC's timer counts at 1 GHz on every hypervisor we know (QEMU, KVM), so it is both our
 * timer and the reference for the time-stamp counter's rate.
 */
#include "kernel/arch/x86_64/apic.h"

#include "kernel/arch/cpu.h"
#include "kernel/arch/cpuinfo.h"
#include "kernel/arch/smp.h"
#include "kernel/arch/x86_64/io.h"
#include "kernel/base/panic.h"
#include "kernel/time/timer.h"

#define LAPIC_PHYS 0xfee00000ul
#define LAPIC_ID 0x20
#define LAPIC_EOI 0xb0
#define LAPIC_SPURIOUS 0xf0
#define LAPIC_ICR_LOW 0x300
#define LAPIC_ICR_HIGH 0x310
#define LAPIC_LVT_TIMER 0x320
#define LAPIC_LVT_LINT0 0x350
#define LAPIC_TIMER_INITIAL 0x380
#define LAPIC_TIMER_CURRENT 0x390
#define LAPIC_TIMER_DIVIDE 0x3e0
#define LAPIC_MASKED 0x10000u
#define PIC_MASK 0x21
#define PIC_SECOND_MASK 0xa1
#define TICK_NS 1000000000u /* the timer interrupts at least so often: a wake-up lost is late */

#define ICR_INIT 0x4500u
#define ICR_STARTUP 0x4600u
#define ICR_ASSERT 0x4000u
#define ICR_BUSY 0x1000u
#define ICR_OTHERS 0xc0000u

#define IOAPIC_PHYS 0xfec00000ul
#define IOAPIC_SELECT 0x00
#define IOAPIC_WINDOW 0x10
#define IOAPIC_VERSION 1
#define IOAPIC_REDIRECTION 16
#define IOAPIC_LEVEL 0x8000u

#define VECTOR_TIMER 32u
#define VECTOR_DEVICE 33u
#define VECTOR_SPURIOUS 63u
#define DEVICE_VECTORS (VECTOR_SPURIOUS - VECTOR_DEVICE)

static volatile uint8_t *lapic, *ioapic;
static struct {
    void (*handler)(void *);
    void *arg;
    const char *name;
    int line; /* of the IO-APIC; -1: message-signalled */
} devices[DEVICE_VECTORS];
static unsigned device_count;
/* By vector; each CPU counts its own. */
static uint32_t counts[VECTOR_END - VECTOR_TIMER][CPUS_MAX];

static inline void count(uint32_t vector)
{
    counts[vector - VECTOR_TIMER][arch_cpu_index()]++;
}

static void lapic_write(unsigned reg, uint32_t value)
{
    *(volatile uint32_t *)(lapic + reg) = value;
}

static uint32_t lapic_read(unsigned reg)
{
    return *(volatile uint32_t *)(lapic + reg);
}

void arch_interrupts_init(void)
{
    lapic = arch_map_device(LAPIC_PHYS, PAGE_SIZE);
    if (!lapic) {
        panic("no memory for the interrupt controller");
    }
    io_out8(PIC_MASK, 0xff); /* the old PICs, where there are any: nothing comes from them */
    io_out8(PIC_SECOND_MASK, 0xff);
    apic_start();
}

uint32_t apic_start(void)
{
    lapic_write(LAPIC_SPURIOUS, 0x100u | VECTOR_SPURIOUS);
    lapic_write(LAPIC_LVT_LINT0, LAPIC_MASKED); /* the old PIC, where there is one */
    lapic_write(LAPIC_TIMER_DIVIDE, 0xb);       /* by 1 */
    lapic_write(LAPIC_LVT_TIMER, VECTOR_TIMER); /* one-shot */
    lapic_write(LAPIC_TIMER_INITIAL, TICK_NS);
    return lapic_read(LAPIC_ID) >> 24;
}

static void send(uint32_t target, uint32_t command)
{
    while (lapic_read(LAPIC_ICR_LOW) & ICR_BUSY) {
        __builtin_ia32_pause();
    }
    lapic_write(LAPIC_ICR_HIGH, target << 24);
    lapic_write(LAPIC_ICR_LOW, command);
}

void apic_send(uint32_t apic_id, uint32_t vector)
{
    send(apic_id, ICR_ASSERT | vector);
}

void apic_send_others(uint32_t vector)
{
    send(0, ICR_OTHERS | ICR_ASSERT | vector);
}

/* A second start, as the manuals have it, is ignored by who has started. */
void apic_start_others(uint32_t page)
{
    send(0, ICR_OTHERS | ICR_INIT);
    send(0, ICR_OTHERS | ICR_STARTUP | page >> PAGE_SHIFT);
    send(0, ICR_OTHERS | ICR_STARTUP | page >> PAGE_SHIFT);
}

void apic_served(uint32_t vector)
{
    count(vector);
    lapic_write(LAPIC_EOI, 0);
}

void arch_timer_arm(uint64_t delta_ns)
{
    lapic_write(LAPIC_TIMER_INITIAL, (uint32_t)max_u64(min_u64(delta_ns, TICK_NS), 1));
}

uint64_t arch_cycles(void)
{
    return cpu_read_tsc();
}

uint64_t arch_cycles_hz(void)
{
    uint32_t id[4];
    cpu_id(0, 0, id);
    if (id[0] >= 0x15) {
        cpu_id(0x15, 0, id);
        if (id[0] && id[1] && id[2]) {
            return (uint64_t)id[2] * id[1] / id[0];
        }
    }
    cpu_id(0x40000000, 0, id);
    if (id[0] >= 0x40000010 && id[0] < 0x40000100) {
        cpu_id(0x40000010, 0, id);
        return (uint64_t)id[0] * 1000;
    }
    return 0;
}

uint64_t arch_reference_ns(void)
{
    static uint32_t start;
    if (!start) {
        start = UINT32_MAX;
        lapic_write(LAPIC_TIMER_INITIAL, start);
    }
    return start - lapic_read(LAPIC_TIMER_CURRENT);
}

/* One whose interrupt got lost may have something for us. */
static void look_at_devices(void)
{
    for (unsigned i = 0; i < device_count; i++) {
        devices[i].handler(devices[i].arg);
    }
}

void interrupt_handle(uint32_t vector)
{
    count(vector);
    if (vector == VECTOR_SPURIOUS) {
        return;
    }
    if (vector == VECTOR_TIMER) {
        lapic_write(LAPIC_EOI, 0);
        if (!timer_run()) {
            look_at_devices();
        }
        return;
    }
    unsigned device = vector - VECTOR_DEVICE;
    if (device < device_count) {
        devices[device].handler(devices[device].arg);
    }
    lapic_write(LAPIC_EOI, 0);
}

static unsigned vector_alloc(const char *name, int line, void (*handler)(void *), void *arg)
{
    if (device_count == DEVICE_VECTORS) {
        return 0;
    }
    devices[device_count].handler = handler;
    devices[device_count].arg = arg;
    devices[device_count].name = name;
    devices[device_count].line = line;
    return VECTOR_DEVICE + device_count++;
}

static void ioapic_write(uint32_t reg, uint32_t value)
{
    *(volatile uint32_t *)(ioapic + IOAPIC_SELECT) = reg;
    *(volatile uint32_t *)(ioapic + IOAPIC_WINDOW) = value;
}

void arch_irq_register(unsigned irq, const char *name, void (*handler)(void *), void *arg)
{
    if (!ioapic) {
        ioapic = arch_map_device(IOAPIC_PHYS, PAGE_SIZE);
    }
    unsigned vector = vector_alloc(name, (int)irq, handler, arg);
    if (!vector || !ioapic) {
        panic("no interrupt vector is left for line %u", irq);
    }
    ioapic_write(IOAPIC_REDIRECTION + 2 * irq + 1, 0);
    ioapic_write(IOAPIC_REDIRECTION + 2 * irq, vector | IOAPIC_LEVEL);
}

bool arch_msi_register(const char *name, void (*handler)(void *), void *arg, uint64_t *address,
                       uint32_t *data)
{
    unsigned vector = vector_alloc(name, -1, handler, arg);
    *address = LAPIC_PHYS;
    *data = vector;
    return vector != 0;
}

BY_NAME void arch_halt(void)
{
    for (;;) {
        __asm__ volatile("cli\n\thlt" : : : "memory");
    }
}

static void put_counts(struct text *out, uint32_t vector, unsigned cpus)
{
    for (unsigned cpu = 0; cpu < cpus; cpu++) {
        text_format(out, "%10u ", counts[vector - VECTOR_TIMER][cpu]);
    }
}

static void put_line(struct text *out, const char *name, uint32_t vector, unsigned cpus,
                     const char *what)
{
    text_format(out, "%s: ", name);
    put_counts(out, vector, cpus);
    text_format(out, "  %s\n", what);
}

static void put_device(struct text *out, unsigned device, unsigned cpus)
{
    text_format(out, "%3u: ", VECTOR_DEVICE + device);
    put_counts(out, VECTOR_DEVICE + device, cpus);
    if (devices[device].line >= 0) {
        text_format(out, " IO-APIC  %2u-level      %s\n", devices[device].line,
                    devices[device].name);
    } else {
        text_format(out, " PCI-MSI       edge      %s\n", devices[device].name);
    }
}

void arch_interrupts_text(struct text *out, unsigned count)
{
    text_string(out, "    ");
    for (unsigned cpu = 0; cpu < count; cpu++) {
        text_format(out, "       CPU%-1u", cpu);
    }
    text_string(out, "\n");
    for (unsigned device = 0; device < device_count; device++) {
        put_device(out, device, count);
    }
    put_line(out, "LOC", VECTOR_TIMER, count, "Local timer interrupts");
    put_line(out, "SPU", VECTOR_SPURIOUS, count, "Spurious interrupts");
    put_line(out, "RES", VECTOR_KICK, count, "Rescheduling interrupts");
    put_line(out, "CAL", VECTOR_SERVE, count, "Function call interrupts");
    text_string(out, "ERR:          0\nMIS:          0\n");
}

uint64_t arch_interrupts_count(void)
{
    uint64_t sum = 0;
    for (unsigned vector = 0; vector < VECTOR_END - VECTOR_TIMER; vector++) {
        for (unsigned cpu = 0; cpu < CPUS_MAX; cpu++) {
            sum += counts[vector][cpu];
        }
    }
    return sum;
}
