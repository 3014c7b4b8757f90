/* Every lock's rank: a thread takes locks in ascending order only (docs/locking.md says why each
 * stands where it does). Debug builds panic on another order. */
#pragma once

enum lock_rank {
    RANK_NONE = 0, /* not checked */
    /* Mutexes: the holder may sleep. */
    RANK_EXEC = 10,
    RANK_EPOLL = 12,    /* epoll instances' item lists */
    RANK_FILE_POS = 14, /* a file's position */
    RANK_SOCKET = 16,   /* AF_UNIX binding */
    RANK_MQUEUE = 18,   /* making a message queue */
    RANK_RENAME = 20,   /* one rename at a time */
    RANK_DIR = 22,      /* a directory's entries */
    RANK_INODE = 24,    /* an inode's size and data */
    RANK_STREAM = 26,   /* terminal and stream buffers */
    RANK_AIO = 28,      /* who takes completions out of a ring */
    RANK_MM = 30,       /* the address space: taken by a page fault in a user copy, so above
                           every mutex that may be held while copying */
    RANK_FILEMAP = 34,  /* a page cache filling a page */
    RANK_BLOCK = 38,    /* block device requests */
    /* Spin locks: the holder does not sleep, nor touch user memory. */
    RANK_IPC = 49, /* System V objects, message queues, asynchronous I/O */
    RANK_FDTABLE = 50,
    RANK_P9 = 51, /* a mount's fids and inodes */
    RANK_DENTRY = 52,
    RANK_NET = 53, /* the network: all of it */
    RANK_PIPE = 54,
    RANK_INOTIFY = 55,
    RANK_FUTEX = 56,
    RANK_POSIX_TIMER = 57,
    RANK_SIGNAL = 58,
    RANK_TASK = 59, /* the list of tasks: a signal looks for one to wake */
    RANK_PAGECACHE = 60,
    RANK_SOCKET_LIST = 61,
    RANK_PAGETABLE = 62,
    RANK_WAITQ_OUTER = 64, /* an epoll's ready list: its callback runs under a source's waitq */
    RANK_DEVICE = 66,
    RANK_WAITQ = 72,
    RANK_WAITQ_INNER = 73, /* the waitq of an epoll, woken from a source's callback */
    RANK_SCHED = 74,
    RANK_TIMER = 75, /* the scheduler sets the end of a slice */
    RANK_HEAP = 76,
    RANK_PAGE = 78,
    RANK_LOG = 80,
    RANK_RANDOM = 82, /* takes nothing else */
};
