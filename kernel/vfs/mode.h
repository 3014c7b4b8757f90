/* File types and permission bits: <linux/stat.h>, which leaves them to glibc where that came
 * first (unit tests). */
#pragma once

#include <linux/stat.h>

#include "kernel/base/types.h"

/* Of a device number as the program sees it. */
static inline unsigned device_major(uint64_t device)
{
    return (unsigned)(device >> 8) & 0xfffu;
}
static inline unsigned device_minor(uint64_t device)
{
    return (unsigned)(device & 0xffu) | ((unsigned)(device >> 12) & 0xfff00u);
}
/* The number as Linux has it inside, which some texts show. */
static inline unsigned device_inner(uint64_t device)
{
    return device_major(device) << 20 | device_minor(device);
}

#ifndef S_IFMT
#define S_IFMT 0170000
#define S_IFSOCK 0140000
#define S_IFLNK 0120000
#define S_IFREG 0100000
#define S_IFBLK 0060000
#define S_IFDIR 0040000
#define S_IFCHR 0020000
#define S_IFIFO 0010000
#define S_ISUID 0004000
#define S_ISGID 0002000
#define S_ISVTX 0001000
#define S_IXGRP 00010
#define S_ISLNK(m) (((m)&S_IFMT) == S_IFLNK)
#define S_ISREG(m) (((m)&S_IFMT) == S_IFREG)
#define S_ISDIR(m) (((m)&S_IFMT) == S_IFDIR)
#define S_ISCHR(m) (((m)&S_IFMT) == S_IFCHR)
#define S_ISBLK(m) (((m)&S_IFMT) == S_IFBLK)
#define S_ISFIFO(m) (((m)&S_IFMT) == S_IFIFO)
#define S_ISSOCK(m) (((m)&S_IFMT) == S_IFSOCK)
#endif
