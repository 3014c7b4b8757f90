/* execve and execveat: reading the vectors; kernel/proc/exec.c does and decides the rest. */
#include <linux/fcntl.h>

#include "kernel/base/string.h"
#include "kernel/fd/fdtable.h"
#include "kernel/mm/heap.h"
#include "kernel/proc/task.h"
#include "kernel/syscall/syscall.h"
#include "kernel/vfs/vfs.h"

#define STRING_BYTES_MAX (128ul << 10) /* of one argument, as Linux has it */
#define VECTOR_BYTES_MAX (2ul << 20)
#define VECTOR_COUNT_MAX 65536u

/* A vector of strings from the program, in two blocks. */
struct strings {
    char **vector;
    char *text;
};

static void strings_free(struct strings *s)
{
    heap_free(s->vector);
    heap_free(s->text);
}

static int64_t count_strings(struct uptr from)
{
    for (uint64_t i = 0; !uptr_is_null(from) && i < VECTOR_COUNT_MAX; i++) {
        uint64_t pointer;
        if (copy_from_user(&pointer, uptr_add(from, i * sizeof(pointer)), sizeof(pointer)))
            return -EFAULT;
        if (!pointer)
            return (int64_t)i;
    }
    return uptr_is_null(from) ? 0 : -E2BIG;
}

/* Appends one string to the text. Returns its length with the NUL, or -errno. */
static int64_t append(struct strings *s, size_t *used, size_t *room, uint64_t from)
{
    for (;;) {
        size_t left = min_u64(*room - *used, STRING_BYTES_MAX);
        int64_t length = -ENAMETOOLONG;
        if (left)
            length = copy_string_from_user(s->text + *used, (struct uptr){from}, left);
        if (length >= 0)
            return length + 1;
        if (length != -ENAMETOOLONG)
            return length;
        if (left == STRING_BYTES_MAX || *room >= VECTOR_BYTES_MAX)
            return -E2BIG;
        size_t larger = *room ? *room * 2 : PAGE_SIZE;
        char *text = heap_realloc(s->text, *room, larger);
        if (!text)
            return -ENOMEM;
        s->text = text;
        *room = larger;
    }
}

static int read_strings(struct uptr from, struct strings *s)
{
    int64_t count = count_strings(from);
    if (count < 0)
        return (int)count;
    s->vector = heap_zalloc(((size_t)count + 2) * sizeof(s->vector[0]));
    if (!s->vector)
        return -ENOMEM;
    size_t used = 0, room = 0;
    for (int64_t i = 0; i < count; i++) {
        uint64_t pointer;
        if (copy_from_user(&pointer, uptr_add(from, (uint64_t)i * 8), sizeof(pointer)))
            return -EFAULT;
        int64_t length = append(s, &used, &room, pointer);
        if (length < 0)
            return (int)length;
        used += (size_t)length;
    }
    char *text = s->text; /* it has its last place now */
    for (int64_t i = 0; i < count; i++) {
        s->vector[i] = text;
        text += strlen(text) + 1;
    }
    return 0;
}

static int exec_path(const char *path, struct uptr argv, struct uptr envp)
{
    static char empty[] = "";
    struct strings args = {0}, env = {0};
    int err = read_strings(argv, &args);
    if (!err)
        err = read_strings(envp, &env);
    if (!err && !args.vector[0])
        args.vector[0] = empty; /* as Linux since 5.18: programs rely on argv[0] */
    if (!err) {
        struct exec_args exec = {.path = path, .argv = args.vector, .envp = env.vector};
        err = proc_exec(&exec);
    }
    strings_free(&args);
    strings_free(&env);
    return err;
}

/* Only the running program itself may be started again, in its own place. */
int64_t sys_execve(struct uptr path, struct uptr argv, struct uptr envp)
{
    char *name = heap_alloc(PATH_BYTES_MAX);
    if (!name)
        return -ENOMEM;
    int64_t result = copy_string_from_user(name, path, PATH_BYTES_MAX);
    if (result == 0)
        result = -ENOENT;
    if (result > 0)
        result = exec_path(name, argv, envp);
    heap_free(name);
    return result;
}

/* The path that a descriptor and a name make together. Returns length or -errno. */
static int64_t join_path(int dir, struct uptr path, int flags, char *buf, size_t size)
{
    int64_t length = copy_string_from_user(buf, path, size);
    if (length < 0 || buf[0] == '/' || (dir == AT_FDCWD && length > 0))
        return length;
    if (length == 0 && !(flags & AT_EMPTY_PATH))
        return -ENOENT;
    struct file *f;
    int err = fd_get_path(dir, &f);
    if (err)
        return err;
    int64_t base = f->dentry ? vfs_path_of(f->dentry, buf, size) : -EACCES;
    file_put(f);
    if (base < 0 || length == 0)
        return base;
    if ((size_t)base + (size_t)length + 1 > size)
        return -ENAMETOOLONG;
    buf[base - 1] = '/';
    return copy_string_from_user(buf + base, path, size - (size_t)base);
}

int64_t sys_execveat(int dir, struct uptr path, struct uptr argv, struct uptr envp, unsigned flags)
{
    if (flags & ~(unsigned)(AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW))
        return -EINVAL;
    char *name = heap_alloc(PATH_BYTES_MAX);
    if (!name)
        return -ENOMEM;
    int64_t result = join_path(dir, path, (int)flags, name, PATH_BYTES_MAX);
    if (result >= 0)
        result = exec_path(name, argv, envp);
    heap_free(name);
    return result;
}
