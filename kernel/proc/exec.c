/*
 * exec: puts a program in place of the one that runs. First everything that can be refused is
 * checked; then the old program is torn down; after that a failure ends the process.
 *
 * One line of policy, exec_allowed(): a running program may only start itself again, because there
 * is never a second program in a machine, nor anything executed that was not in the image.
 */
#include "kernel/arch/exec.h"

#include <asm/resource.h>
#include <linux/auxvec.h>
#include <linux/fcntl.h>
#include <linux/mman.h>
#include <linux/prctl.h>
#include <linux/xattr.h>

#include "abi/control.h"
#include "kernel/arch/regs.h"
#include "kernel/arch/stages.h"
#include "kernel/base/errno.h"
#include "kernel/base/log.h"
#include "kernel/base/random.h"
#include "kernel/base/string.h"
#include "kernel/fd/aio.h"
#include "kernel/fd/fdtable.h"
#include "kernel/fd/file.h"
#include "kernel/mm/heap.h"
#include "kernel/platform/run.h"
#include "kernel/proc/cpu_time.h"
#include "kernel/proc/elf.h"
#include "kernel/proc/exit.h"
#include "kernel/proc/posix_timer.h"
#include "kernel/proc/script.h"
#include "kernel/proc/signal.h"
#include "kernel/proc/stack.h"
#include "kernel/proc/task.h"
#include "kernel/proc/vdso.h"
#include "kernel/vfs/permission.h"
#include "kernel/vm/vm.h"

#define SCRIPT_DEPTH_MAX 5
#define STRINGS_BYTES_MAX (2ul << 20)
#define CLOCK_TICKS 100
#define PIE_RANDOM_PAGES (1ul << 28)
#define BRK_RANDOM_PAGES (1ul << 13)
/* AT_RSEQ_FEATURE_SIZE and AUXV_RSEQ_ALIGN, newer than our headers */
#define AUXV_RSEQ_SIZE 27
#define AUXV_RSEQ_ALIGN 28
#define RSEQ_SIZE 28
#define RSEQ_ALIGNMENT 32

/* All that is known of a program before it is loaded. Too big for the stack. */
struct program {
    struct dentry *named;            /* what the caller named: the script, or the file itself */
    struct file *file, *interp_file; /* interp_file NULL: none */
    struct elf_image image, interp;
    char **argv; /* with what script lines added: this array, not the strings, is ours */
    unsigned argc;
    bool secure;                                      /* it has rights that its user has not */
    char head[SCRIPT_DEPTH_MAX + 1][SCRIPT_LINE_MAX]; /* script lines that argv points into */
    char interp_path[ELF_PATH_MAX];
};

static bool randomized(void)
{
    return !(the_run.options.flags & ORRIS_OPTION_NO_ASLR);
}

static int open_executable(const char *path, struct file **out)
{
    struct dentry *d;
    int err = vfs_lookup(NULL, path, LOOKUP_FOLLOW, &d, NULL);
    if (err == -ENOENT)
        vfs_note_missing(NULL, path);
    if (err)
        return err;
    err = inode_is_regular(d->inode) ? inode_permission(d->inode, MAY_EXEC) : -EACCES;
    if (!err && d->inode->writers > 0)
        err = -ETXTBSY;
    if (!err)
        err = vfs_open_dentry(d, O_RDONLY, out);
    dentry_put(d);
    return err;
}

/* Reads size bytes; a shorter file is no executable. */
static int read_exactly(struct file *f, void *buf, size_t size, uint64_t offset)
{
    int64_t got = vfs_read_kernel(f, buf, size, offset);
    if (got < 0)
        return (int)got;
    return (size_t)got == size ? 0 : -ENOEXEC;
}

static int read_phdrs(struct file *f, const Elf64_Ehdr *header, struct elf_image *image)
{
    uint64_t offset;
    size_t size;
    int err = elf_check_header(header, &offset, &size);
    if (err)
        return err;
    Elf64_Phdr *phdrs = heap_alloc(size);
    if (!phdrs)
        return -ENOMEM;
    err = read_exactly(f, phdrs, size, offset);
    if (!err)
        err = elf_parse(header, phdrs, ARCH_USER_END, image);
    heap_free(phdrs);
    return err;
}

static int read_image(struct file *f, struct elf_image *image)
{
    Elf64_Ehdr header;
    int err = read_exactly(f, &header, sizeof(header), 0);
    return err ? err : read_phdrs(f, &header, image);
}

/* Puts "interpreter [argument] path" in place of argv[0]. */
static void prepend_script(struct program *p, const struct script *script, const char *path)
{
    unsigned extra = script->argument ? 2 : 1;
    unsigned old_first = p->argc ? 1 : 0;
    memmove(p->argv + extra + 1, p->argv + old_first,
            (p->argc - old_first + 1) * sizeof(p->argv[0]));
    p->argv[0] = (char *)script->interpreter;
    if (script->argument)
        p->argv[1] = (char *)script->argument;
    p->argv[extra] = (char *)path;
    p->argc += extra + 1 - old_first;
}

/* Follows script lines to the ELF file at their end. */
static int find_program(struct program *p, const char *path)
{
    for (int depth = 0; depth <= SCRIPT_DEPTH_MAX; depth++) {
        int err = open_executable(path, &p->file);
        if (err)
            return err;
        if (!p->named)
            p->named = dentry_get(p->file->dentry);
        char *head = p->head[depth];
        int64_t got = vfs_read_kernel(p->file, head, SCRIPT_LINE_MAX, 0);
        if (got < 0)
            return (int)got;
        struct script script;
        if (script_parse(head, (size_t)got, &script))
            return read_image(p->file, &p->image);
        prepend_script(p, &script, path);
        path = script.interpreter;
        file_put(p->file);
        p->file = NULL;
    }
    return -ELOOP;
}

static int find_interpreter(struct program *p)
{
    size_t size = p->image.interp_size;
    if (size == 0)
        return 0;
    int err = read_exactly(p->file, p->interp_path, size, p->image.interp_offset);
    if (err)
        return err;
    if (p->interp_path[size - 1] != '\0')
        return -ENOEXEC;
    err = open_executable(p->interp_path, &p->interp_file);
    if (err)
        return err;
    err = read_image(p->interp_file, &p->interp);
    if (err == -ENOEXEC || err == -EINVAL)
        err = -ELIBBAD;
    return err;
}

/* A running program may only start itself again: its executable, or the script it began as. */
static bool exec_allowed(const struct program *p)
{
    return !the_proc.exe || p->named->inode == the_proc.exe->inode ||
           p->named->inode == the_proc.program->inode;
}

static int copy_argv(struct program *p, char *const *argv)
{
    while (argv[p->argc])
        p->argc++;
    p->argv = heap_zalloc((p->argc + 1 + 2 * (SCRIPT_DEPTH_MAX + 1)) * sizeof(p->argv[0]));
    if (!p->argv)
        return -ENOMEM;
    memcpy(p->argv, argv, p->argc * sizeof(p->argv[0]));
    return 0;
}

/* All that can be refused. */
static int prepare(struct program *p, const struct exec_args *args)
{
    int err = copy_argv(p, args->argv);
    if (!err)
        err = find_program(p, args->path);
    if (err)
        return err;
    if (!exec_allowed(p)) {
        static bool noted;
        if (!noted)
            log_note("a second program is never started in this machine: exec of %s is refused",
                     args->path);
        noted = true;
        return -ENOSYS;
    }
    uint64_t limit = min_u64(proc_limit(RLIMIT_STACK) / 4, STRINGS_BYTES_MAX);
    if (stack_strings_size(p->argv, args->envp) > limit)
        return -E2BIG;
    return find_interpreter(p);
}

static uint32_t segment_prot(uint32_t flags)
{
    return (flags & PF_R ? PROT_READ : 0u) | (flags & PF_W ? PROT_WRITE : 0u) |
           (flags & PF_X ? PROT_EXEC : 0u);
}

/* Maps what of a segment comes after the file's part. */
static int map_bss(const struct elf_segment *s, uint64_t bias, uint32_t prot)
{
    uint64_t start = bias + s->addr + s->file_size, end = bias + s->addr + s->mem_size;
    uint64_t page = align_up(start, PAGE_SIZE);
    /* The rest of the file's last page holds whatever follows in the file. All of it goes: ld.so
     * takes what lies behind its own data for zeros. */
    if (page != start && s->file_size && (prot & PROT_WRITE) &&
        clear_user_partial((struct uptr){start}, page - start))
        return -EFAULT;
    if (s->file_size == 0)
        page = align_down(start, PAGE_SIZE);
    if (end <= page)
        return 0;
    struct vm_map_request r = {
        .addr = page,
        .size = end - page,
        .prot = prot,
        .flags = MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS,
    };
    int64_t at = vm_map(&r);
    return at < 0 ? (int)at : 0;
}

static int map_segment(struct file *f, const struct elf_segment *s, uint64_t bias)
{
    uint32_t prot = segment_prot(s->flags);
    uint64_t skew = s->addr & PAGE_MASK;
    if (s->file_size) {
        struct vm_map_request r = {
            .addr = bias + s->addr - skew,
            .size = s->file_size + skew,
            .prot = prot,
            .flags = MAP_PRIVATE | MAP_FIXED,
            .file = f,
            .offset = s->offset - skew,
        };
        int64_t at = vm_map(&r);
        if (at < 0)
            return (int)at;
    }
    return s->mem_size > s->file_size ? map_bss(s, bias, prot) : 0;
}

/* Finds room for an image: where the address space has some (interpreters), or at base. */
static int choose_bias(const struct elf_image *image, uint64_t base, uint64_t *bias)
{
    if (image->fixed) {
        *bias = 0;
        return 0;
    }
    uint64_t start = base;
    if (!start) {
        uint64_t size = image->high - image->low + image->alignment - PAGE_SIZE;
        struct vm_map_request r = {
            .size = size,
            .prot = PROT_NONE,
            .flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
        };
        int64_t room = vm_map(&r);
        if (room < 0)
            return (int)room;
        int err = vm_unmap((uint64_t)room, size);
        if (err)
            return err;
        start = (uint64_t)room;
    }
    *bias = align_up(start, image->alignment) - align_down(image->low, image->alignment);
    return 0;
}

static int load_image(struct file *f, const struct elf_image *image, uint64_t base, uint64_t *bias)
{
    int err = choose_bias(image, base, bias);
    for (unsigned i = 0; i < image->segment_count && !err; i++)
        err = map_segment(f, &image->segments[i], *bias);
    return err;
}

static uint64_t random_pages(uint64_t range)
{
    return randomized() ? (random_u64() % range) << PAGE_SHIFT : 0;
}

static void fill_auxv(struct stack_image *stack, const struct program *p, uint64_t bias,
                      uint64_t interp_bias)
{
    const struct elf_image *image = &p->image;
    the_proc.vdso_base = vdso_map();
    if (the_proc.vdso_base)
        stack_add_auxv(stack, AT_SYSINFO_EHDR, the_proc.vdso_base);
    stack_add_auxv(stack, AT_MINSIGSTKSZ, arch_signal_stack_min());
    stack_add_auxv(stack, AT_HWCAP, arch_hwcap());
    stack_add_auxv(stack, AT_PAGESZ, PAGE_SIZE);
    stack_add_auxv(stack, AT_CLKTCK, CLOCK_TICKS);
    stack_add_auxv(stack, AT_PHDR, image->header_addr ? bias + image->header_addr : 0);
    stack_add_auxv(stack, AT_PHENT, sizeof(Elf64_Phdr));
    stack_add_auxv(stack, AT_PHNUM, image->header_count);
    stack_add_auxv(stack, AT_BASE, p->interp_file ? interp_bias : 0);
    stack_add_auxv(stack, AT_FLAGS, 0);
    stack_add_auxv(stack, AT_ENTRY, bias + image->entry);
    const struct cred *cred = cred_current();
    stack_add_auxv(stack, AT_UID, cred->uid[CRED_REAL]);
    stack_add_auxv(stack, AT_EUID, cred->uid[CRED_EFFECTIVE]);
    stack_add_auxv(stack, AT_GID, cred->gid[CRED_REAL]);
    stack_add_auxv(stack, AT_EGID, cred->gid[CRED_EFFECTIVE]);
    stack_add_auxv(stack, AT_SECURE, p->secure);
    stack_add_auxv(stack, AT_HWCAP2, arch_hwcap2());
    stack_add_auxv(stack, AUXV_RSEQ_SIZE, RSEQ_SIZE);
    stack_add_auxv(stack, AUXV_RSEQ_ALIGN, RSEQ_ALIGNMENT);
}

static int copy_stack(const struct stack_image *stack, uint64_t top, struct stack_layout *layout)
{
    size_t size = stack_size(stack, top);
    uint8_t *buf = heap_alloc(size);
    if (!buf)
        return -ENOMEM;
    stack_build(stack, top, buf, layout);
    int err = copy_to_user((struct uptr){layout->sp}, buf, size);
    heap_free(buf);
    return err;
}

static int make_stack(struct stack_image *stack, bool executable, struct stack_layout *layout)
{
    int64_t top = vm_map_stack();
    if (top < 0)
        return (int)top;
    if (executable) {
        int err = vm_protect((uint64_t)top - PAGE_SIZE, PAGE_SIZE,
                             PROT_READ | PROT_WRITE | PROT_EXEC | PROT_GROWSDOWN);
        if (err)
            log_info("no executable stack: error %d", -err);
    }
    /* Caches profit from stacks that don't all begin at the same place in a page. */
    uint64_t skew = randomized() ? random_u64() & PAGE_MASK & ~15ul : 0;
    return copy_stack(stack, (uint64_t)top - skew, layout);
}

static void set_names(const struct exec_args *args, const struct program *p)
{
    const char *slash = strrchr(args->path, '/');
    const char *base = slash ? slash + 1 : args->path;
    struct task *task = task_current();
    size_t length = strnlen(base, sizeof(task->name) - 1);
    memset(task->name, 0, sizeof(task->name));
    memcpy(task->name, base, length);
    memcpy(the_proc.comm, task->name, sizeof(the_proc.comm));
    if (!the_proc.program)
        the_proc.program = dentry_get(p->named);
    struct dentry *old = the_proc.exe;
    the_proc.exe = dentry_get(p->file->dentry);
    if (old)
        dentry_put(old);
}

/* Signal handlers lay in the old program; ignored signals stay so. */
static void reset_signals(struct task *task)
{
    spin_lock(&the_proc.signal_lock);
    for (int i = 0; i < SIGNAL_COUNT; i++) {
        struct sigaction_kernel *a = &the_proc.actions[i];
        uint64_t keep = a->handler == (uint64_t)SIG_IGN ? (uint64_t)SIG_IGN : (uint64_t)SIG_DFL;
        *a = (struct sigaction_kernel){.handler = keep};
    }
    spin_unlock(&the_proc.signal_lock);
    task->altstack_base = task->altstack_size = 0;
    task->altstack_flags = SS_DISABLE;
    task->restore_blocked = false;
    posix_timer_delete_all();
}

/* The new program's rights, from those of the old one and its file's. */
static void change_credentials(struct program *p)
{
    struct inode *inode = p->file->inode;
    struct cred_file file = {.uid = inode->uid, .gid = inode->gid};
    uint8_t value[XATTR_CAPS_SZ_3];
    if (!inode->fs->shared) { /* the host's set-id bits aren't ours */
        file.mode = inode->mode;
        int64_t size = inode->ops->getxattr
                           ? inode->ops->getxattr(inode, XATTR_NAME_CAPS, value, sizeof(value))
                           : 0;
        if (size > 0)
            cred_file_capabilities(&file, value, (size_t)size);
    }
    p->secure = cred_exec(cred_current(), &file);
    the_proc.dumpable = !p->secure && !inode_permission(inode, MAY_READ);
}

/* The old program ends here. */
static void tear_down(void)
{
    struct task *task = task_current();
    task_end_others();
    cpu_limit_changed();
    reset_signals(task);
    fd_close_on_exec();
    aio_destroy_all();
    task->clear_tid = task->robust_list = task->rseq = (struct uptr){0};
    arch_set_tls(task->thread, 0);
    arch_set_gs(task->thread, 0);
    arch_fpu_reset();
    vm_reset();
}

static int build_up(const struct program *p, const struct exec_args *args)
{
    uint64_t bias, interp_bias = 0;
    uint64_t base = ARCH_PIE_BASE + random_pages(PIE_RANDOM_PAGES);
    int err = load_image(p->file, &p->image, base, &bias);
    if (!err && p->interp_file)
        err = load_image(p->interp_file, &p->interp, 0, &interp_bias);
    if (err)
        return err;
    vm_set_brk(align_up(bias + p->image.brk, PAGE_SIZE) + random_pages(BRK_RANDOM_PAGES));

    struct stack_image stack = {
        .argv = p->argv,
        .envp = args->envp,
        .exec_name = args->path,
        .platform = arch_platform_name(),
    };
    struct stack_layout layout = {0};
    random_bytes(stack.random, sizeof(stack.random));
    fill_auxv(&stack, p, bias, interp_bias);
    err = make_stack(&stack, p->image.stack_exec, &layout);
    if (err)
        return err;
    the_proc.arg_start = layout.arg_start;
    the_proc.arg_end = layout.arg_end;
    the_proc.env_start = layout.env_start;
    the_proc.env_end = layout.env_end;
    the_proc.auxv_start = layout.auxv_start;
    the_proc.auxv_size = layout.auxv_size;
    bool timed = the_run.options.flags & ORRIS_OPTION_STAGES;
    if (UNLIKELY(timed && p->interp_file))
        stage_watch_entry(bias + p->image.entry);
    if (UNLIKELY(the_run.options.flags & ORRIS_OPTION_MAPS))
        vm_tell_own_code(the_proc.vdso_base);
    uint64_t entry = p->interp_file ? interp_bias + p->interp.entry : bias + p->image.entry;
    arch_start_regs(arch_user_regs(thread_current()), entry, layout.sp);
    return 0;
}

/* There is no program to return to any more. */
static NORETURN void give_up(bool first, const char *path, int err)
{
    log_note("%s: could not be loaded: %s", path,
             err == -ENOMEM ? "there is too little memory" : "its file is damaged");
    if (first)
        exit_machine(ORRIS_EXIT_REFUSED, (uint32_t)-err);
    for (;;)
        proc_exit(SIGKILL);
}

static void program_free(struct program *p)
{
    if (p->named)
        dentry_put(p->named);
    if (p->file)
        file_put(p->file);
    if (p->interp_file)
        file_put(p->interp_file);
    heap_free(p->argv);
    heap_free(p);
}

int proc_exec(const struct exec_args *args)
{
    struct program *p = heap_zalloc(sizeof(*p));
    if (!p)
        return -ENOMEM;
    int err = prepare(p, args);
    if (err) {
        program_free(p);
        return err;
    }
    bool first = !the_proc.exe;
    tear_down();
    change_credentials(p);
    set_names(args, p);
    err = build_up(p, args);
    if (err)
        give_up(first, args->path, err);
    program_free(p);
    return 0;
}
