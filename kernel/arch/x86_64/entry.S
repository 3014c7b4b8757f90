/*
 * Ways into the kernel: system calls, traps, interrupts. All build a struct user_regs on the stack
 * (regs.h) and call C. Interrupts stay off until the way out.
 */
#include "kernel/arch/x86_64/asm.h"

#define OFF_R11 48
#define OFF_RCX 88
#define OFF_RIP 128
#define OFF_CS 136
#define OFF_RFLAGS 144

.macro PUSH_REGS /* all but rdi and what lies above it */
    push %rsi
    push %rdx
    push %rcx
    push %rax
    push %r8
    push %r9
    push %r10
    push %r11
    push %rbx
    push %rbp
    push %r12
    push %r13
    push %r14
    push %r15
.endm

.macro POP_REGS
    pop %r15
    pop %r14
    pop %r13
    pop %r12
    pop %rbp
    pop %rbx
    pop %r11
    pop %r10
    pop %r9
    pop %r8
    pop %rax
    pop %rcx
    pop %rdx
    pop %rsi
    pop %rdi
.endm

/* For debuggers: where in the struct user_regs that %rsp points to the program's registers lie, so
 * that a backtrace goes on there. */
    .cfi_sections .debug_frame
.macro CFI_REGS
    .cfi_def_cfa %rsp, 0
    .cfi_offset %r15, 0
    .cfi_offset %r14, 8
    .cfi_offset %r13, 16
    .cfi_offset %r12, 24
    .cfi_offset %rbp, 32
    .cfi_offset %rbx, 40
    .cfi_offset %rip, 128
    .cfi_offset %rsp, 152
.endm

    .text
    .globl syscall_enter
    .balign 16
syscall_enter:
    .cfi_startproc simple
    .cfi_signal_frame
    swapgs
    mov %rsp, %gs:CPU_USER_RSP
    mov %gs:CPU_KERNEL_STACK, %rsp
    push $SEL_USER_SS
    push %gs:CPU_USER_RSP
    push %r11
    push $SEL_USER_CS
    push %rcx
    push %rax
    push %rdi
    PUSH_REGS
    CFI_REGS
    xor %ebp, %ebp
    mov %rsp, %rdi
    call syscall_entry
    mov %rsp, %rdi
    call return_to_user_check
    .cfi_endproc
    /* SYSRET only if it gives back exactly these registers. */
    mov OFF_RCX(%rsp), %rcx
    mov OFF_R11(%rsp), %r11
    cmp %rcx, OFF_RIP(%rsp)
    jne user_iret
    cmp %r11, OFF_RFLAGS(%rsp)
    jne user_iret
    cmpq $SEL_USER_CS, OFF_CS(%rsp)
    jne user_iret
    mov $USER_END_ASM, %rax
    cmp %rax, %rcx
    jae user_iret
    test $0x10100, %r11 /* TF, RF */
    jnz user_iret
    POP_REGS
    mov 32(%rsp), %rsp /* over orig_rax, rip, cs, rflags */
    swapgs
    sysretq

    .globl arch_leave_to_user
/* %rdi: struct user_regs on the current stack. */
arch_leave_to_user:
    mov %rdi, %rsp
user_iret:
    POP_REGS
    add $8, %rsp
    swapgs
    .globl user_iret_instruction
user_iret_instruction:
    iretq

    .globl thread_user_start
/* A new program thread: the stack pointer stands at its struct user_regs. */
thread_user_start:
    call thread_switched_in
    mov %rsp, %rdi
    call return_to_user_check
    jmp user_iret

.macro TRAP vector, has_error
    .balign 16
    .if \has_error == 0
    push $0
    .endif
    push %rdi
    mov $\vector, %edi
    jmp trap_common
.endm

    .balign 16
    .globl trap_stubs
trap_stubs:
    .set vector, 0
    .rept 256
    .if vector == 8 || (vector >= 10 && vector <= 14) || vector == 17 || vector == 21 || vector == 29 || vector == 30
    TRAP vector, 1
    .else
    TRAP vector, 0
    .endif
    .set vector, vector + 1
    .endr

    .balign 16
trap_common:
    .cfi_startproc simple
    .cfi_signal_frame
    PUSH_REGS
    CFI_REGS
    cld
    mov %edi, %esi /* vector */
    testb $3, OFF_CS(%rsp)
    jz trap_from_kernel
    swapgs
    /* A trap from ring 3 leaves a null SS, SYSCALL a flat one: an emulator, which translates for one
     * or the other, would translate the kernel twice. */
    mov $KERNEL_SS, %eax
    mov %eax, %ss
    xor %ebp, %ebp
    mov %rsp, %rdi
    call trap_from_user
    test %al, %al
    jz user_iret
    mov %rsp, %rdi
    call return_to_user_check
    jmp user_iret
    .cfi_endproc

trap_from_kernel:
    /* NMI, double fault and machine check come on their own stacks, perhaps before
     * the swapgs of an entry or after that of an exit: their handler looks at GS itself. */
    cmp $2, %esi
    je trap_paranoid
    cmp $8, %esi
    je trap_paranoid
    cmp $18, %esi
    je trap_paranoid
    mov %rsp, %rdi
    call trap_in_kernel
    POP_REGS
    add $8, %rsp
    iretq

trap_paranoid:
    mov $0xc0000101, %ecx /* GS base */
    rdmsr
    mov %edx, %ebx
    shr $31, %ebx
    jnz 1f
    swapgs
1:  mov %rsp, %rdi
    call trap_in_kernel
    test %ebx, %ebx
    jnz 2f
    swapgs
2:  POP_REGS
    add $8, %rsp
    iretq

    .globl arch_switch_stacks
/* rdi: where to save the old stack pointer; rsi: the new one. */
arch_switch_stacks:
    push %rbx
    push %rbp
    push %r12
    push %r13
    push %r14
    push %r15
    mov %rsp, (%rdi)
    mov %rsi, %rsp
    pop %r15
    pop %r14
    pop %r13
    pop %r12
    pop %rbp
    pop %rbx
    ret

/* User copies. A fault in a marked instruction continues at its fixup with the registers as they
 * stand: rcx holds what is left. */
.macro EX from, to
    .pushsection .extable, "a"
    .balign 4
    .long \from - .
    .long \to - .
    .popsection
.endm

    .globl user_copy_raw
/* size_t user_copy_raw(void *dst, const void *src, size_t len): bytes not copied. One of the two
 * is the program's memory. Words first: under emulation a repeat counts once each round. */
    .balign 16
user_copy_raw:
    mov %rdx, %rcx
    shr $3, %rcx
    and $7, %edx
1:  rep movsq
    mov %edx, %ecx
2:  rep movsb
    xor %eax, %eax
    ret
3:  lea (%rdx,%rcx,8), %rax /* in the words: perhaps some bytes of the last could go */
    mov %rax, %rcx
    mov %rcx, %rdx
4:  rep movsb
    xor %eax, %eax
    ret
5:  mov %rcx, %rax
    ret
    EX 1b, 3b
    EX 2b, 5b
    EX 4b, 5b

    .globl user_clear_raw
/* size_t user_clear_raw(void *dst, size_t len) */
    .balign 16
user_clear_raw:
    xor %eax, %eax
    mov %rsi, %rcx
    shr $3, %rcx
    and $7, %esi
1:  rep stosq
    mov %esi, %ecx
2:  rep stosb
    xor %eax, %eax
    ret
3:  lea (%rsi,%rcx,8), %rcx
4:  rep stosb
    ret
5:  mov %rcx, %rax
    ret
    EX 1b, 3b
    EX 2b, 5b
    EX 4b, 5b

    .globl user_string_raw
/* int64_t user_string_raw(char *dst, const char *src, size_t size): length without the NUL; size
 * if there is none; -1 on a fault. */
    .balign 16
user_string_raw:
    xor %eax, %eax
    mov $0x0101010101010101, %r8
    mov $0x8080808080808080, %r9
1:  lea 8(%rax), %rcx
    cmp %rdx, %rcx
    ja 3f
    lea (%rsi,%rax), %r10
    and $4095, %r10d
    cmp $4088, %r10d        /* a word must not cross into a page that may not be there */
    ja 3f
2:  mov (%rsi,%rax), %r10
    mov %r10, (%rdi,%rax)
    mov %r10, %r11
    sub %r8, %r11
    not %r10
    and %r10, %r11
    and %r9, %r11
    jnz 5f
    mov %rcx, %rax
    jmp 1b
3:  cmp %rdx, %rax
    jae 6f
4:  mov (%rsi,%rax), %r10b
    mov %r10b, (%rdi,%rax)
    test %r10b, %r10b
    jz 6f
    inc %rax
    test $7, %al
    jnz 3b
    jmp 1b
5:  bsf %r11, %r11
    shr $3, %r11
    add %r11, %rax
6:  ret
7:  mov $-1, %rax
    ret
    EX 2b, 7b
    EX 4b, 7b

    .globl user_load32_raw
/* int user_load32_raw(uint32_t *value, const uint32_t *src): 0 or -1 */
user_load32_raw:
1:  mov (%rsi), %eax
    mov %eax, (%rdi)
    xor %eax, %eax
    ret
2:  mov $-1, %eax
    ret
    EX 1b, 2b

    .globl user_cmpxchg32_raw
/* int user_cmpxchg32_raw(uint32_t *dst, uint32_t expected, uint32_t desired, uint32_t *seen) */
user_cmpxchg32_raw:
    mov %esi, %eax
1:  lock cmpxchg %edx, (%rdi)
    mov %eax, (%rcx)
    xor %eax, %eax
    ret
2:  mov $-1, %eax
    ret
    EX 1b, 2b
    .section .note.GNU-stack, "", @progbits
