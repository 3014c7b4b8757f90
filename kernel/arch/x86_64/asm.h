/* Constants shared by C and assembly. */
#pragma once

#define KERNEL_CS 0x08
#define KERNEL_SS 0x10
#define SEL_USER_SS 0x23
#define SEL_USER_CS 0x2b
#define SEL_TSS 0x30

/* struct cpu (cpu.h) */
#define CPU_SELF 0
#define CPU_KERNEL_STACK 8
#define CPU_USER_RSP 16
#define CPU_THREAD 24
#define CPU_WORK 32

#define KERNEL_LINK_BASE 0x100000

#define USER_END_ASM 0x00007ffffffff000
