/* Host and domain name; the host name is the run record's until the program sets another. */
#include "kernel/proc/uts.h"

#include "kernel/base/errno.h"
#include "kernel/base/format.h"
#include "kernel/base/string.h"
#include "kernel/platform/run.h"
#include "kernel/sync/spinlock.h"

static struct spinlock uts_lock = SPINLOCK_INIT(RANK_DEVICE);
static char names[2][UTS_BYTES] = {"", "(none)"}; /* GUARDED_BY(uts_lock); "": not set yet */

void uts_get(enum uts_name which, char name[UTS_BYTES])
{
    spin_lock(&uts_lock);
    memcpy(name, names[which], UTS_BYTES);
    spin_unlock(&uts_lock);
    if (which == UTS_HOSTNAME && !name[0])
        format(name, UTS_BYTES, "%s", the_run.hostname ? the_run.hostname : "orris");
}

int uts_set(enum uts_name which, const char *name, size_t length)
{
    if (length >= UTS_BYTES)
        return -EINVAL;
    spin_lock(&uts_lock);
    memset(names[which], 0, UTS_BYTES);
    memcpy(names[which], name, length);
    spin_unlock(&uts_lock);
    return 0;
}
