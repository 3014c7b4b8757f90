/* The program that the run record names. */
#include "kernel/platform/run.h"
#include "kernel/proc/task.h"
#include "kernel/vfs/vfs.h"

int proc_start(void)
{
    struct dentry *workdir;
    int err = vfs_lookup(NULL, the_run.workdir, LOOKUP_FOLLOW | LOOKUP_DIRECTORY, &workdir, NULL);
    if (err)
        return err;
    vfs_cwd_set(workdir);
    struct exec_args args = {
        .path = the_run.program,
        .argv = the_run.argv,
        .envp = the_run.envp,
    };
    return proc_exec(&args);
}
