/*
 * The machine below the portable kernel folders, played on the host. Each .c file beside this one
 * is named in a test's UNIT line when it is needed.
 */
#pragma once

#include "kernel/base/types.h"

/* heap.c */
extern long fake_heap_blocks; /* in use */
extern long fake_heap_left;   /* allocations until memory is short; -1: no limit */
/* page.c */
extern long fake_pages;      /* in use */
extern long fake_pages_left; /* -1: no limit */
/* disk.c: the disk is a file. */
bool fake_disk_open(const char *path);
void fake_disk_close(void);
extern unsigned fake_disk_reads; /* requests */
extern bool fake_disk_broken;    /* every read fails */
/* The disk's bytes, all in memory, to be changed at will. */
extern uint8_t *fake_disk;
extern uint64_t fake_disk_size;
/* Runs a command; true if it succeeded. */
bool fake_shell(const char *format, ...);
/* A new folder under /tmp, removed at exit. */
const char *fake_folder(void);
/* sched.c: called before a mutex is taken; what other threads do while this one waits for it */
struct mutex;
extern void (*fake_on_lock)(struct mutex *m);
/* and in cond_resched(); if it is set, it is always time for that */
extern void (*fake_on_cond_resched)(void);
/* world.c: the last signal sent, control messages */
extern int fake_signal;
extern char fake_control[65536]; /* "TYPE:text\n" each */
/* wait.c (fake_signal too) */
extern void (*fake_next_step)(void); /* what happens while the test sleeps; once */
extern int fake_sleep_error;         /* what a sleep says if there is no such step */
extern uint64_t fake_now_ns;
