/*
 * A machine to measure with: an ELF file with a PVH entry, laid out by hand, that writes 'S' to the
 * serial port, runs PROBE_LOOPS times three instructions in ring 0 and writes 'E'. Then it gathers
 * with an index in xmm4, which QEMU before 9.0.3 takes from elsewhere, writes 'R' (right), 'W'
 * (wrong) or 'N' (there is no AVX2) and stops. host/vmm/accel.c writes it to a memory file and boots
 * it.
 */
#include "host/vmm/probe.h"

#define LOAD_ADDRESS 0x100000
#define COM1 0x3f8
#define CPUID_AVX2 (1 << 5)
#define CR0_EM (1 << 2)
#define CR0_TS (1 << 3)
#define CR4_OSFXSR (1 << 9)
#define CR4_OSXSAVE (1 << 18)
#define XCR0_AVX_AND_BELOW 7

    .section .rodata
    .balign 16
    .global probe_elf, probe_elf_end
probe_elf:
    .byte 0x7f, 'E', 'L', 'F', 1, 1, 1, 0 /* ELF32, little-endian */
    .zero 8
    .word 2, 3                              /* executable, i386 */
    .long 1                                 /* version */
    .long LOAD_ADDRESS + probe_entry - probe_elf
    .long probe_headers - probe_elf         /* program headers */
    .long 0, 0                              /* no sections, no flags */
    .word 52, 32, 2, 40, 0, 0               /* sizes and counts */
probe_headers:
    /* PT_LOAD: the whole file. */
    .long 1, 0, LOAD_ADDRESS, LOAD_ADDRESS
    .long probe_elf_end - probe_elf, probe_elf_end - probe_elf, 7, 4096
    /* PT_NOTE: XEN_ELFNOTE_PHYS32_ENTRY. */
    .long 4, probe_note - probe_elf, LOAD_ADDRESS + probe_note - probe_elf
    .long LOAD_ADDRESS + probe_note - probe_elf
    .long probe_note_end - probe_note, probe_note_end - probe_note, 4, 4
probe_note:
    .long 4, 4, 18
    .asciz "Xen"
    .long LOAD_ADDRESS + probe_entry - probe_elf
probe_note_end:

    .code32
probe_entry:
    mov $COM1, %dx
    mov $'S', %al
    out %al, %dx
    mov $PROBE_LOOPS, %ecx
1:  add $3, %ebx
    dec %ecx
    jnz 1b
    mov $'E', %al
    out %al, %dx

    mov $7, %eax
    xor %ecx, %ecx
    cpuid
    mov $'N', %esi
    test $CPUID_AVX2, %ebx
    jz 2f
    mov %cr0, %eax
    and $~(CR0_EM | CR0_TS), %eax
    mov %eax, %cr0
    mov %cr4, %eax
    or $CR4_OSFXSR | CR4_OSXSAVE, %eax
    mov %eax, %cr4
    xor %ecx, %ecx
    xor %edx, %edx
    mov $XCR0_AVX_AND_BELOW, %eax
    xsetbv
    /* Four words of the table by their numbers, and the table itself: are they the same? */
    mov $LOAD_ADDRESS + probe_table - probe_elf, %eax
    vmovdqu (%eax), %xmm4
    vpcmpeqd %xmm0, %xmm0, %xmm0
    vpxor %xmm2, %xmm2, %xmm2
    vpgatherdd %xmm0, (%eax, %xmm4, 4), %xmm2
    vpcmpeqd (%eax), %xmm2, %xmm2
    vpmovmskb %xmm2, %eax
    mov $'R', %esi
    cmp $0xffff, %eax
    je 2f
    mov $'W', %esi
2:  mov $COM1, %dx
    mov %esi, %eax
    out %al, %dx
3:  hlt
    jmp 3b
    .balign 16
probe_table:
    .long 0, 1, 2, 3
    .code64
probe_elf_end:

    .section .note.GNU-stack, "", @progbits
