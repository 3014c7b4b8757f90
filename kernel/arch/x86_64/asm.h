/* Constants shared by C and assembly. */
#pragma once

/* Selectors are Linux's: programs see theirs in signal frames, and some hypervisors count on them.
 */
#define KERNEL_CS 0x10
#define KERNEL_SS 0x18
#define SEL_USER_SS 0x2b
#define SEL_USER_CS 0x33
#define SEL_TSS 0x40
#define SEL_CPU_NUMBER 0x7b /* its limit is the CPU's number, for getcpu in the vDSO */

/* struct cpu (cpu.h) */
#define CPU_SELF 0
#define CPU_KERNEL_STACK 8
#define CPU_USER_RSP 16
#define CPU_THREAD 24
#define CPU_WORK 32

/* Low memory that the page allocator leaves alone: where other CPUs start (trampoline.S), and three
 * pages of tables for that. */
#define TRAMPOLINE 0x8000
#define TRAMPOLINE_PML4 0x9000

#define KERNEL_LINK_BASE 0x100000

#define USER_END_ASM 0x00007ffffffff000
