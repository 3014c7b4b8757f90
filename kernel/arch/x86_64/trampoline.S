/*
 * How the other CPUs start: in real mode, at a page below 1 MiB where arch_cpus_start() has copied
 * this code and made page tables that map it one to one. Straight to long mode, then high.
 */
#include "kernel/arch/x86_64/asm.h"

#define AT(label) (TRAMPOLINE + label - trampoline_start)

    .section .rodata
    .code16
    .globl trampoline_start, trampoline_end
trampoline_start:
    cli
    mov %cs, %ax
    mov %ax, %ds
    mov $0x20, %eax         /* PAE */
    mov %eax, %cr4
    mov $TRAMPOLINE_PML4, %eax
    mov %eax, %cr3
    mov $0xc0000080, %ecx   /* EFER */
    rdmsr
    or $0x901, %eax         /* SCE, LME, NXE */
    wrmsr
    mov $0x80010033, %eax   /* PG, WP, NE, ET, MP, PE; caches on */
    mov %eax, %cr0
    lgdtl gdt_pointer - trampoline_start
    ljmpl $KERNEL_CS, $AT(long_mode)
    .code64
long_mode:
    mov $KERNEL_SS, %eax
    mov %eax, %ds
    mov %eax, %es
    mov %eax, %ss
    xor %eax, %eax
    mov %eax, %fs
    mov %eax, %gs
    mov entry(%rip), %rax
    jmp *%rax
    .balign 8
gdt:
    .quad 0, 0
    .quad 0x00af9b000000ffff /* 64-bit code */
    .quad 0x00cf93000000ffff /* data */
gdt_pointer:
    .word 31
    .long AT(gdt)
    .balign 8
entry:
    .quad 0 /* ap_entry, filled in where this is copied to */
trampoline_end:

    .text
    .globl ap_entry
/* Takes a number; who finds no work prepared stops. */
ap_entry:
    mov kernel_pml4(%rip), %rax
    mov %rax, %cr3
    mov $1, %eax
    lock xadd %eax, ap_next(%rip)
    cmp ap_end(%rip), %eax
    jae 1f
    lea ap_cpus(%rip), %rcx
    mov (%rcx,%rax,8), %rdi
    mov CPU_KERNEL_STACK(%rdi), %rsp
    xor %ebp, %ebp
    call ap_main
1:  cli
    hlt
    jmp 1b
    .section .note.GNU-stack, "", @progbits
