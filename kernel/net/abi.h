/* What the socket calls pass, where Linux's interface headers don't say it. */
#pragma once

#include <asm/fcntl.h>
#include <asm/socket.h>

#include "kernel/base/types.h"

#define AF_UNSPEC 0
#define AF_UNIX 1
#define AF_INET 2
#define AF_INET6 10
#define AF_NETLINK 16

#define SOCK_STREAM 1
#define SOCK_DGRAM 2
#define SOCK_RAW 3
#define SOCK_RDM 4
#define SOCK_SEQPACKET 5
#define SOCK_TYPE_MASK 0xfu
#define SOCK_TYPE_MAX 11u
#define SOCK_NONBLOCK ((unsigned)O_NONBLOCK)
#define SOCK_CLOEXEC ((unsigned)O_CLOEXEC)

#define MSG_OOB 0x1u
#define MSG_PEEK 0x2u
#define MSG_DONTROUTE 0x4u
#define MSG_CTRUNC 0x8u
#define MSG_TRUNC 0x20u
#define MSG_DONTWAIT 0x40u
#define MSG_EOR 0x80u
#define MSG_WAITALL 0x100u
#define MSG_ERRQUEUE 0x2000u
#define MSG_NOSIGNAL 0x4000u
#define MSG_MORE 0x8000u
#define MSG_WAITFORONE 0x10000u
#define MSG_FASTOPEN 0x20000000u
#define MSG_CMSG_CLOEXEC 0x40000000u

#define SHUT_RD 0
#define SHUT_WR 1
#define SHUT_RDWR 2

#define SCM_RIGHTS 1
#define SCM_CREDENTIALS 2
#define SCM_FILES_MAX 253u

struct credentials { /* struct ucred */
    int32_t pid;
    uint32_t uid, gid;
};

struct msghdr_kernel {
    uint64_t name;
    int32_t name_size;
    uint32_t pad;
    uint64_t ranges, range_count; /* struct iovec */
    uint64_t control, control_size;
    uint32_t flags, pad2;
};

struct cmsghdr_kernel {
    uint64_t size; /* with this header */
    int32_t level, type;
};
#define CMSG_ALIGN_BYTES 8u

/* <linux/errqueue.h> wants libc's struct timespec. */
struct sock_extended_err {
    uint32_t ee_errno;
    uint8_t ee_origin, ee_type, ee_code, ee_pad;
    uint32_t ee_info, ee_data;
};
#define SO_EE_ORIGIN_LOCAL 1
#define SO_EE_ORIGIN_ICMP 2
#define SO_EE_ORIGIN_ICMP6 3
