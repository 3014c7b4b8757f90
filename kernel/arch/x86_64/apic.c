/*
 * Interrupts: the local APIC with its timer, the IO-APIC's lines, message-signalled ones.
 *
 * The local APIC's timer counts at 1 GHz on every hypervisor we know (QEMU, KVM), so it is both our
 * timer and the reference for the time-stamp counter's rate.
 */
#include "kernel/arch/x86_64/apic.h"

#include "kernel/arch/cpu.h"
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
} devices[DEVICE_VECTORS];
static unsigned device_count;

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

void apic_served(void)
{
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

static unsigned vector_alloc(void (*handler)(void *), void *arg)
{
    if (device_count == DEVICE_VECTORS) {
        return 0;
    }
    devices[device_count].handler = handler;
    devices[device_count].arg = arg;
    return VECTOR_DEVICE + device_count++;
}

static void ioapic_write(uint32_t reg, uint32_t value)
{
    *(volatile uint32_t *)(ioapic + IOAPIC_SELECT) = reg;
    *(volatile uint32_t *)(ioapic + IOAPIC_WINDOW) = value;
}

void arch_irq_register(unsigned irq, void (*handler)(void *), void *arg)
{
    if (!ioapic) {
        ioapic = arch_map_device(IOAPIC_PHYS, PAGE_SIZE);
    }
    unsigned vector = vector_alloc(handler, arg);
    if (!vector || !ioapic) {
        panic("no interrupt vector is left for line %u", irq);
    }
    ioapic_write(IOAPIC_REDIRECTION + 2 * irq + 1, 0);
    ioapic_write(IOAPIC_REDIRECTION + 2 * irq, vector | IOAPIC_LEVEL);
}

bool arch_msi_register(void (*handler)(void *), void *arg, uint64_t *address, uint32_t *data)
{
    unsigned vector = vector_alloc(handler, arg);
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
