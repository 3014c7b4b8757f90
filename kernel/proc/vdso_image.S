/* The vDSO's file, as kernel/build.mk linked it, inside the kernel. */
    .section .rodata.vdso_image, "a", @progbits
    .balign 8
    .globl vdso_image_start
    .globl vdso_image_end
    .hidden vdso_image_start
    .hidden vdso_image_end
vdso_image_start:
    .incbin "kernel/gen/vdso.so"
vdso_image_end:
    .section .note.GNU-stack, "", @progbits
