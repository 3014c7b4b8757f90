/* What /dev needs of others. */
#pragma once

struct file;

/* /dev/tty and /dev/console; fd/tty implements it: makes file (new, without operations) one of the
 * program's terminal: sets its ops and private. Returns 0, -ENXIO (there is none) or -ENOMEM. */
int devfs_open_terminal(struct file *file);
