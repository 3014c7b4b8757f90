/* The processor: features, control registers, segments, trap table, system-call entry. */
#include "kernel/arch/x86_64/cpu.h"

#include "kernel/arch/cpu.h"
#include "kernel/arch/x86_64/apic.h"
#include "kernel/arch/x86_64/io.h"
#include "kernel/arch/x86_64/layout.h"
#include "kernel/base/panic.h"
#include "kernel/mm/page.h"
#include "kernel/sched/thread.h"

#define MSR_EFER 0xc0000080u
#define MSR_STAR 0xc0000081u
#define MSR_LSTAR 0xc0000082u
#define MSR_FMASK 0xc0000084u
#define MSR_FS_BASE 0xc0000100u
#define MSR_GS_BASE 0xc0000101u
#define MSR_KERNEL_GS_BASE 0xc0000102u

#define CR4_OSFXSR (1u << 9)
#define CR4_OSXMMEXCPT (1u << 10)
#define CR4_UMIP (1u << 11)
#define CR4_FSGSBASE (1u << 16)
#define CR4_OSXSAVE (1u << 18)
#define CR4_SMEP (1u << 20)
#define CR4_SMAP (1u << 21)

#define XCR0_WANTED 0xe7u /* x87, SSE, AVX, AVX-512 */

struct idt_entry {
    uint16_t offset_low, selector;
    uint8_t ist, type;
    uint16_t offset_middle;
    uint32_t offset_high, reserved;
};

struct cpu_features cpu_features;
static struct cpu boot_cpu;
static struct idt_entry idt[VECTOR_END] ALIGNED(16);
static uint8_t ist_stacks[2][4096] ALIGNED(16);

extern char trap_stubs[], syscall_enter[];

/* id: of leaf 1. */
static bool under_kvm(uint32_t id[4])
{
    if (!(id[2] & 1u << 31))
        return false;
    cpu_id(0x40000000, 0, id);
    return id[1] == 0x4b4d564b; /* "KVMK" */
}

static void find_features(void)
{
    uint32_t id[4];
    cpu_id(0, 0, id);
    uint32_t max = id[0];
    cpu_id(1, 0, id);
    cpu_features.xsave = id[2] & 1u << 26;
    cpu_features.rdrand = id[2] & 1u << 30;
    if (max >= 7) {
        cpu_id(7, 0, id);
        cpu_features.fsgsbase = id[1] & 1u << 0;
        cpu_features.smep = id[1] & 1u << 7;
        cpu_features.smap = id[1] & 1u << 20;
        cpu_features.umip = id[2] & 1u << 2;
        cpu_features.rdpid = id[2] & 1u << 22;
    }
    cpu_id(1, 0, id);
    cpu_features.stac = cpu_features.smap && !under_kvm(id);
    if (cpu_features.xsave) {
        cpu_id(0xd, 0, id);
        cpu_features.xcr0 = id[0] & XCR0_WANTED;
    }
    cpu_id(0x80000001, 0, id);
    cpu_features.page_1g = id[3] & 1u << 26;
    cpu_features.rdtscp = id[3] & 1u << 27;
}

static void set_control_registers(void)
{
    uint64_t cr4 = cpu_read_cr4() | CR4_OSFXSR | CR4_OSXMMEXCPT;
    cr4 |= cpu_features.umip ? CR4_UMIP : 0;
    cr4 |= cpu_features.smep ? CR4_SMEP : 0;
    cr4 |= cpu_features.smap ? CR4_SMAP : 0;
    cr4 |= cpu_features.fsgsbase ? CR4_FSGSBASE : 0;
    cr4 |= cpu_features.xsave ? CR4_OSXSAVE : 0;
    cpu_write_cr4(cr4);
    if (cpu_features.xsave) {
        __asm__ volatile("xsetbv" : : "c"(0), "a"((uint32_t)cpu_features.xcr0), "d"(0));
    }
}

/* Once the states in XCR0 are on. */
static void find_xsave_size(void)
{
    cpu_features.xsave_size = 512;
    if (cpu_features.xsave) {
        uint32_t id[4];
        cpu_id(0xd, 0, id); /* EBX: size of what is on now */
        cpu_features.xsave_size = id[1];
    }
}

static void set_segments(struct cpu *c)
{
    uint64_t tss = (uint64_t)&c->tss;
    c->gdt[2] = 0x00af9b000000ffff; /* kernel code, data */
    c->gdt[3] = 0x00cf93000000ffff;
    c->gdt[4] = 0x00cffb000000ffff; /* the program's: 32-bit code, data, code */
    c->gdt[5] = 0x00cff3000000ffff;
    c->gdt[6] = 0x00affb000000ffff;
    c->gdt[8] =
        (sizeof(struct tss) - 1) | (tss & 0xffffff) << 16 | 0x89ul << 40 | (tss >> 24 & 0xff) << 56;
    c->gdt[9] = tss >> 32;
    c->gdt[SEL_CPU_NUMBER >> 3] = 0x0040f50000000000 | c->index; /* its limit, for the vDSO */
    c->tss.io_map_base = sizeof(struct tss);
    struct {
        uint16_t limit;
        uint64_t base;
    } __attribute__((packed)) pointer = {sizeof(c->gdt) - 1, (uint64_t)c->gdt};
    __asm__ volatile("lgdt %0\n\t"
                     "ltr %w1"
                     :
                     : "m"(pointer), "r"(SEL_TSS)
                     : "memory");
}

static void set_traps(void)
{
    for (unsigned v = 0; v < VECTOR_END; v++) {
        uint64_t stub = (uint64_t)trap_stubs + v * 16;
        idt[v] = (struct idt_entry){
            .offset_low = (uint16_t)stub,
            .selector = KERNEL_CS,
            .type = v == 3 || v == 4 ? 0xee : 0x8e, /* int3 and into are the program's to use */
            .offset_middle = (uint16_t)(stub >> 16),
            .offset_high = (uint32_t)(stub >> 32),
        };
    }
    idt[8].ist = 1;
    idt[2].ist = idt[18].ist = 2;
}

static void load_traps(void)
{
    struct {
        uint16_t limit;
        uint64_t base;
    } __attribute__((packed)) pointer = {sizeof(idt) - 1, (uint64_t)idt};
    __asm__ volatile("lidt %0" : : "m"(pointer));
}

void cpu_start(struct cpu *c)
{
    c->self = c;
    set_control_registers();
    set_segments(c);
    cpu_write_msr(MSR_GS_BASE, (uint64_t)c);
    cpu_write_msr(MSR_KERNEL_GS_BASE, 0);
    load_traps();
    cpu_write_msr(MSR_STAR, 0x23ul << 48 | (uint64_t)KERNEL_CS << 32);
    cpu_write_msr(MSR_LSTAR, (uint64_t)syscall_enter);
    cpu_write_msr(MSR_FMASK, 0x47700); /* IF, TF, DF, IOPL, NT, AC */
}

void cpu_init(void)
{
    boot_cpu.tss.ist[0] = (uint64_t)ist_stacks[0] + sizeof(ist_stacks[0]);
    boot_cpu.tss.ist[1] = (uint64_t)ist_stacks[1] + sizeof(ist_stacks[1]);
    find_features();
    set_traps();
    cpu_start(&boot_cpu);
    find_xsave_size();
}

void cpu_set_kernel_stack(uint64_t top)
{
    struct cpu *c = cpu_current();
    c->kernel_stack = top;
    c->tss.rsp[0] = top;
}

void arch_init(void)
{
    cpu_init();
}

bool arch_random(uint64_t *value)
{
    bool ok = false;
    for (int i = 0; cpu_features.rdrand && !ok && i < 10; i++) {
        __asm__ volatile("rdrand %0" : "=r"(*value), "=@ccc"(ok));
    }
    return ok;
}

uint64_t arch_link_address(uint64_t addr)
{
    return addr - kernel_slide;
}

extern char kernel_start[], kernel_text_end[];

static bool is_kernel_text(uint64_t addr)
{
    return addr >= (uint64_t)kernel_start && addr < (uint64_t)kernel_text_end;
}

unsigned arch_backtrace(uint64_t *frames, unsigned max)
{
    uint64_t *frame = __builtin_frame_address(0);
    unsigned count = 0;
    while (count < max && frame && (uint64_t)frame % 8 == 0 && is_kernel_text(frame[1])) {
        frames[count++] = frame[1];
        uint64_t *next = (uint64_t *)frame[0];
        if (next <= frame || (uint64_t)next - (uint64_t)frame > 65536) {
            break;
        }
        frame = next;
    }
    return count;
}
