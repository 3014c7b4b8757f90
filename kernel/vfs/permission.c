/* Permissions. See permission.h. */
#include "kernel/vfs/permission.h"

#include <linux/fcntl.h>
#include <linux/xattr.h>

#include "kernel/base/errno.h"
#include "kernel/proc/cred.h"
#include "kernel/vfs/mode.h"

#define ANY_EXEC 0111u

bool may_search_all(void)
{
    return cred_current()->effective & (1ul << CAP_DAC_OVERRIDE | 1ul << CAP_DAC_READ_SEARCH);
}

/* By the mode alone. */
static bool mode_allows(const struct inode *inode, unsigned wanted)
{
    unsigned bits = inode->mode;
    if (cred_current()->uid[CRED_FS] == inode->uid)
        bits >>= 6;
    else if (((bits >> 3) ^ bits) & wanted && cred_in_group(inode->gid))
        bits >>= 3; /* where it makes no difference the groups needn't be asked */
    return !(wanted & ~bits);
}

int inode_permission(const struct inode *inode, unsigned wanted)
{
    if (mode_allows(inode, wanted))
        return 0;
    bool directory = inode_is_dir(inode);
    bool reads = !(wanted & MAY_WRITE) && (directory || !(wanted & MAY_EXEC));
    if (reads && capable(CAP_DAC_READ_SEARCH))
        return 0;
    if (!directory && (wanted & MAY_EXEC) && !(inode->mode & ANY_EXEC))
        return -EACCES;
    return capable(CAP_DAC_OVERRIDE) ? 0 : -EACCES;
}

bool inode_owner_or_capable(const struct inode *inode)
{
    return cred_current()->uid[CRED_FS] == inode->uid || capable(CAP_FOWNER);
}

int may_create(const struct inode *dir)
{
    return inode_permission(dir, MAY_WRITE | MAY_EXEC);
}

int may_delete(const struct inode *dir, const struct inode *inode)
{
    int err = inode_permission(dir, MAY_WRITE | MAY_EXEC);
    if (err || !(dir->mode & S_ISVTX))
        return err;
    uint32_t me = cred_current()->uid[CRED_FS];
    return me == inode->uid || me == dir->uid || capable(CAP_FOWNER) ? 0 : -EPERM;
}

static bool may_chown(const struct inode *inode, const struct inode_attr *attr, unsigned what)
{
    if (capable(CAP_CHOWN))
        return true;
    bool owner = cred_current()->uid[CRED_FS] == inode->uid;
    if ((what & ATTR_UID) && !(owner && attr->uid == inode->uid))
        return false;
    return !(what & ATTR_GID) || (owner && (attr->gid == inode->gid || cred_in_group(attr->gid)));
}

/* The bits that end when a file changes its owner or its data. */
static uint32_t set_ids(const struct inode *inode)
{
    uint32_t gone = inode->mode & S_ISUID;
    bool keeps_group =
        !(inode->mode & S_IXGRP) && (cred_in_group(inode->gid) || capable(CAP_FSETID));
    return keeps_group ? gone : gone | (inode->mode & S_ISGID);
}

int may_setattr(const struct inode *inode, struct inode_attr *attr, unsigned *what)
{
    if ((*what & (ATTR_UID | ATTR_GID)) && !may_chown(inode, attr, *what))
        return -EPERM;
    if (*what & ATTR_OWNER && !inode_is_dir(inode)) {
        attr->mode = inode->mode & ~set_ids(inode);
        *what |= attr->mode != inode->mode ? ATTR_MODE : 0;
    } else if ((*what & ATTR_MODE) && !inode_owner_or_capable(inode)) {
        return -EPERM;
    } else if ((*what & ATTR_MODE) && !cred_in_group(inode->gid) && !capable(CAP_FSETID)) {
        attr->mode &= ~(uint32_t)S_ISGID;
    }
    if ((*what & (ATTR_ATIME | ATTR_MTIME)) && !inode_owner_or_capable(inode))
        return *what & ATTR_NOW ? inode_permission(inode, MAY_WRITE) : -EPERM;
    return 0;
}

bool protected_hardlinks = true;

/* Others than the owner may link only what they could change, and what gives nobody rights. */
int may_link(const struct inode *inode)
{
    bool set_group = (inode->mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP);
    bool safe = S_ISREG(inode->mode) && !(inode->mode & S_ISUID) && !set_group &&
                !inode_permission(inode, MAY_READ | MAY_WRITE);
    return !protected_hardlinks || safe || inode_owner_or_capable(inode) ? 0 : -EPERM;
}

int may_open(const struct inode *inode, unsigned flags)
{
    static const unsigned wanted[] = {MAY_READ, MAY_WRITE, MAY_READ | MAY_WRITE,
                                      MAY_READ | MAY_WRITE};
    unsigned want = wanted[flags & O_ACCMODE] | (flags & O_TRUNC ? MAY_WRITE : 0);
    int err = inode_permission(inode, want);
    if (!err && (flags & O_NOATIME) && !inode_owner_or_capable(inode))
        err = -EPERM;
    return err;
}

void inode_init_owner(struct inode *inode, const struct inode *dir, uint32_t mode)
{
    const struct cred *cred = cred_current();
    bool inherit = dir && dir->mode & S_ISGID;
    inode->uid = cred->uid[CRED_FS];
    inode->gid = inherit ? dir->gid : cred->gid[CRED_FS];
    if (inherit && S_ISDIR(mode))
        mode |= S_ISGID;
    else if (inherit && (mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP) &&
             !cred_in_group(inode->gid) && !capable(CAP_FSETID))
        mode &= ~(uint32_t)S_ISGID;
    inode->mode = mode;
}

void inode_remove_capabilities(struct inode *inode) NO_LOCK_ANALYSIS
{
    mutex_unlock(&inode->lock);
    (void)inode->ops->setxattr(inode, XATTR_NAME_CAPS, NULL, 0, 0);
    mutex_lock(&inode->lock);
    inode->capable = false;
}

void inode_remove_privileges(struct inode *inode)
{
    if (UNLIKELY(inode->mode & (S_ISUID | S_ISGID)) && S_ISREG(inode->mode) && !capable(CAP_FSETID))
        inode->mode &= ~set_ids(inode);
    if (UNLIKELY(inode->capable))
        inode_remove_capabilities(inode);
}
