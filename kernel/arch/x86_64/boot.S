/*
 * The PVH entry: 32-bit protected mode, flat segments, no paging, %ebx = hvm_start_info. Makes
 * page tables that map the first GiB one to one, enters long mode, and calls boot_early() with the
 * kernel still where it was loaded; that one relocates it and comes back to jump high.
 */
#include "kernel/arch/x86_64/asm.h"

    .section .boot.text, "ax"
    .code32
    .globl pvh_entry
pvh_entry:
    cld
    lea 56(%ebx), %esp      /* the start info's reserved word serves as a stack of one word */
    call 1f
1:  pop %ebp                /* where we are; what follows is relative to it */
    lea (boot_stack_end - 1b)(%ebp), %esp
    mov %ebx, %edi          /* start info, kept */

    /* PDPT[0] -> PD of 2 MiB pages for the first GiB. */
    lea (boot_pd - 1b)(%ebp), %ecx
    mov $0x83, %eax         /* present, writable, 2 MiB */
    mov $512, %edx
2:  mov %eax, (%ecx)
    movl $0, 4(%ecx)
    add $0x200000, %eax
    add $8, %ecx
    dec %edx
    jnz 2b
    lea (boot_pd - 1b)(%ebp), %eax
    or $3, %eax
    mov %eax, (boot_pdpt - 1b)(%ebp)
    lea (boot_pdpt - 1b)(%ebp), %eax
    or $3, %eax
    mov %eax, (boot_pml4 - 1b)(%ebp)

    mov %cr4, %eax
    or $0x20, %eax          /* PAE */
    mov %eax, %cr4
    lea (boot_pml4 - 1b)(%ebp), %eax
    mov %eax, %cr3
    mov $0xc0000080, %ecx   /* EFER */
    rdmsr
    or $0x901, %eax         /* SCE, LME, NXE */
    wrmsr
    mov %cr0, %eax
    and $~0x6000000c, %eax  /* caches on; EM, TS off */
    or $0x80010023, %eax    /* PG, WP, NE, MP, PE */
    mov %eax, %cr0
    lea (boot_gdt - 1b)(%ebp), %eax
    mov %eax, (boot_gdt_pointer + 2 - 1b)(%ebp)
    lgdt (boot_gdt_pointer - 1b)(%ebp)
    lea (boot64 - 1b)(%ebp), %eax
    pushl $KERNEL_CS
    push %eax
    lret

    .balign 8
    .globl boot_gdt
boot_gdt:
    .quad 0, 0
    .quad 0x00af9b000000ffff /* 64-bit code */
    .quad 0x00cf93000000ffff /* data */
    .globl boot_gdt_pointer
boot_gdt_pointer:
    .word 31
    .quad 0 /* filled in above */

    .code64
    .globl boot64
boot64:
    mov $KERNEL_SS, %eax
    mov %eax, %ds
    mov %eax, %es
    mov %eax, %ss
    xor %eax, %eax
    mov %eax, %fs
    mov %eax, %gs
    lea boot_stack_end(%rip), %rsp
    xor %ebp, %ebp
    mov %edi, %edi          /* start info */
    call boot_early         /* -> slide: add to a loaded address for its high one */
    lea boot_stack_end(%rip), %rsp
    add %rax, %rsp
    lea boot_high(%rip), %rcx
    add %rax, %rcx
boot_jump:                  /* a debugger reads the slide here */
    jmp *%rcx
    .text
boot_high:
    call kernel_main
    ud2

    .section .bss.boot, "aw", @nobits
    .balign 4096
    .globl boot_pml4, boot_pdpt, boot_pd
boot_pml4: .skip 4096
boot_pdpt: .skip 4096
boot_pd:   .skip 4096
    .balign 16
    .balign 4096
    .globl boot_stack_guard
boot_stack_guard: .skip 4096
boot_stack: .skip 16384
    .globl boot_stack_end
boot_stack_end:
    .section .note.GNU-stack, "", @progbits
