/*
 * A machine to measure KVM with: an ELF file with a PVH entry, laid out by hand, that writes 'S' to
 * the serial port, runs PROBE_LOOPS times three instructions in ring 0, writes 'E' and stops.
 * host/vmm/accel.c writes it to a memory file and boots it.
 */
#include "host/vmm/probe.h"

#define LOAD_ADDRESS 0x100000
#define COM1 0x3f8

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
2:  hlt
    jmp 2b
    .code64
probe_elf_end:

    .section .note.GNU-stack, "", @progbits
