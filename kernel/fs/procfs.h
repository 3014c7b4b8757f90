/* The parts of /proc. Functions that write a file take the key of the numbered directory they are
 * in: a process's (outer number 0) or one of its threads' (outer number: the process). */
#pragma once

#include "kernel/fs/pseudofs.h"
#include "kernel/vm/vm.h"

extern const struct pseudo_dir proc_process_dir;                 /* procfs_task.c: /proc/PID */
extern const struct pseudo_dir proc_sys_dir;                     /* procfs_sys.c: /proc/sys */
extern const struct pseudo_dir proc_sys_net_dir;                 /* procfs_sysnet.c */
extern const struct pseudo_dir proc_net_dir;                     /* procfs_net.c: /proc/net */
extern const struct pseudo_dir proc_pressure_dir;                /* procfs_pressure.c */
extern const struct pseudo_dir proc_fd_dir, proc_fdinfo_dir;     /* procfs_fd.c */
extern const struct pseudo_link proc_exe, proc_cwd, proc_rootfs; /* procfs_fd.c */

/* procfs.c: the disk's line of /proc/diskstats behind its name, and /sys/block's stat. */
#define DISK_NAME "vda"
#define DISK_MAJOR 254u
void proc_disk_stats(struct text *out, pseudo_key_t key);

/* procfs.c: whether inode is /proc/PID (or NULL). */
bool proc_is_process(const struct inode *inode);

/* procfs_ipc.c: /proc/sysvipc, /proc/sys/fs/mqueue, and single limits of /proc/sys/kernel and fs.
 */
extern const struct pseudo_dir proc_sysvipc_dir, proc_sys_mqueue_dir;
#define PROC_LIMIT(name)                                                                           \
    void proc_##name##_text(struct text *out, pseudo_key_t key);                                   \
    int proc_##name##_write(pseudo_key_t key, const char *bytes, size_t length)
PROC_LIMIT(msgmax);
PROC_LIMIT(msgmnb);
PROC_LIMIT(msgmni);
PROC_LIMIT(sem);
PROC_LIMIT(shmall);
PROC_LIMIT(shmmax);
PROC_LIMIT(shmmni);
PROC_LIMIT(aio_max);
PROC_LIMIT(hardlinks);
/* A decimal number with blanks around it, and nothing else. Returns 0 or -EINVAL. */
MUST_CHECK int proc_read_number(const char *bytes, size_t length, uint64_t *number);
void proc_aio_nr_text(struct text *out, pseudo_key_t key);

/* procfs_mem.c */
void proc_maps(struct text *out, pseudo_key_t key);
void proc_smaps(struct text *out, pseudo_key_t key);
void proc_smaps_rollup(struct text *out, pseudo_key_t key);
void proc_statm(struct text *out, pseudo_key_t key);
void proc_cmdline(struct text *out, pseudo_key_t key);
void proc_environ(struct text *out, pseudo_key_t key);
void proc_auxv(struct text *out, pseudo_key_t key);

/* procfs_mount.c */
void proc_mounts(struct text *out, pseudo_key_t key);
void proc_mountinfo(struct text *out, pseudo_key_t key);
/* The number that mountinfo has for what d lies in; of NULL (pipes, sockets): one that it hasn't.
 */
unsigned proc_mount_id(const struct dentry *d);

/* procfs_stat.c */
void proc_stat(struct text *out, pseudo_key_t key);
void proc_status(struct text *out, pseudo_key_t key);

/* A thread as it is at one moment. */
struct task_snapshot {
    int tid;
    char name[16], state;
    int policy, nice, rt_priority;
    uint32_t cpu;
    uint64_t cpu_ns, user_ns, start_ns, blocked, pending;
    uint64_t voluntary_switches, involuntary_switches, slack_ns;
};

/* The first thread whose id is at least tid: false if there is none. */
bool task_snapshot_next(int tid, struct task_snapshot *out);
/* The thread or, where key is the process's, its main thread with the times of all. */
bool task_snapshot_of(pseudo_key_t key, struct task_snapshot *out);
