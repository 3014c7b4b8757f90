/*
 * The least a machine can do: a PVH kernel that ends itself at its first instruction, by a triple
 * fault (QEMU runs with -no-reboot). What it takes is QEMU's and the firmware's own time.
 */
    .section .note.pvh, "a", @note
    .long 4, 4, 18 /* sizes of name and value; XEN_ELFNOTE_PHYS32_ENTRY */
    .asciz "Xen"
    .long floor_start

    .text
    .code32
    .globl floor_start
floor_start:
    lidt no_descriptors
    ud2

    .balign 8
no_descriptors:
    .word 0
    .long 0
