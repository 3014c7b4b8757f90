/* Code, names, unwinding: the glue between the image's files and libdw. */
#include "host/profile/code.h"

#include <stddef.h>

#include <elf.h>
#include <elfutils/libdwfl.h>
#include <libiberty/demangle.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "abi/control.h"
#include "host/base/buf.h"
#include "host/base/io.h"
#include "host/base/path.h"
#include "host/base/store.h"
#include "host/image/view.h"

#define FRAMES_MAX 256
#define KERNEL_HALF (1ull << 63)
#define DWARF_REGISTERS 17
#define KERNEL_NAME "[kernel]"
#define THE_THREAD 1 /* libdw wants one; the machine's processors come one at a time */

/* A piece of code as it was mapped. */
struct mapped {
    struct orris_mapped at;
    char *path;
    bool reported;
    int file; /* memory file of the ELF file; -1: not read yet; -2: none */
    uint64_t bias;
};

struct code {
    struct view view;
    pthread_mutex_t lock; /* guards the next four */
    struct mapped *items;
    size_t count;
    bool added, removed; /* since dwfl was told */
    Dwfl *dwfl;
    bool attached;
    /* Of the stack that is being unwound. */
    const struct code_stack *stack;
    unsigned frames;
    char name[96]; /* of code without symbols */
};

/* ---- what is mapped ---- */

static const Dwfl_Callbacks dwfl_callbacks = {.find_debuginfo = dwfl_build_id_find_debuginfo};

struct code *code_create(int image_fd, struct error *err)
{
    struct code *code = mem_alloc(sizeof(*code));
    char path[32];
    snprintf(path, sizeof(path), "/proc/self/fd/%d", image_fd);
    pthread_mutex_init(&code->lock, NULL);
    code->dwfl = dwfl_begin(&dwfl_callbacks);
    if (code->dwfl && view_open(&code->view, path, err))
        return code;
    if (!code->dwfl)
        error_set(err, "--profile: libdw: %s", dwfl_errmsg(-1));
    code_destroy(code);
    return NULL;
}

static void mapped_clear(struct mapped *mapped)
{
    if (mapped->file >= 0)
        close(mapped->file);
    free(mapped->path);
}

void code_destroy(struct code *code)
{
    if (code->dwfl)
        dwfl_end(code->dwfl);
    for (size_t i = 0; i < code->count; i++)
        mapped_clear(&code->items[i]);
    free(code->items);
    view_close(&code->view);
    pthread_mutex_destroy(&code->lock);
    free(code);
}

/* What lay there before has gone: a closed library, the program before an exec. */
static void forget_overlapping(struct code *code, const struct orris_mapped *at)
{
    size_t kept = 0;
    for (size_t i = 0; i < code->count; i++) {
        struct mapped *old = &code->items[i];
        if (old->at.start < at->end && at->start < old->at.end)
            mapped_clear(old);
        else
            code->items[kept++] = *old;
    }
    code->removed |= kept < code->count;
    code->count = kept;
}

void code_mapped(struct code *code, const char *data, size_t size)
{
    struct mapped mapped = {.file = -1};
    if (size < sizeof(mapped.at))
        return;
    memcpy(&mapped.at, data, sizeof(mapped.at));
    mapped.path = mem_printf("%.*s", (int)(size - sizeof(mapped.at)), data + sizeof(mapped.at));
    pthread_mutex_lock(&code->lock);
    forget_overlapping(code, &mapped.at);
    code->items = mem_resize(code->items, (code->count + 1) * sizeof(*code->items));
    code->items[code->count++] = mapped;
    code->added = true;
    pthread_mutex_unlock(&code->lock);
}

/* ---- its files ---- */

static bool copy_out(struct view *view, const struct node *node, int to)
{
    char piece[65536];
    uint64_t size = view_stat(view, node).size;
    for (uint64_t at = 0; at < size;) {
        ssize_t n = view_read(view, node, piece, sizeof(piece), at);
        if (n <= 0 || !io_write(to, piece, (size_t)n))
            return false;
        at += (uint64_t)n;
    }
    return true;
}

/* The image's file in memory, or -2. */
static int open_guest(struct code *code, const char *path)
{
    const struct node *node = tree_find(code->view.tree, path, true);
    int file = node && node->kind == ENTRY_FILE ? memfd_create("orris-code", MFD_CLOEXEC) : -1;
    if (file >= 0 && copy_out(&code->view, node, file))
        return file;
    if (file >= 0)
        close(file);
    return -2;
}

/* The tool's kernel is the image's, but for its symbols. */
static int open_kernel(void)
{
    struct error err;
    struct buf bytes = {0};
    char *path = store_kernel_path(&err);
    int file = path ? memfd_create("orris-kernel", MFD_CLOEXEC) : -1;
    bool ok = file >= 0 && io_read_file(path, &bytes, &err) && bytes.size > sizeof(Elf64_Ehdr);
    if (ok) { /* libdw moves no file of the type EXEC, which ours says it is */
        const Elf64_Half type = ET_DYN;
        memcpy(bytes.data + offsetof(Elf64_Ehdr, e_type), &type, sizeof(type));
        ok = io_write(file, bytes.data, bytes.size);
    }
    if (!ok && file >= 0)
        close(file);
    buf_clear(&bytes);
    free(path);
    return ok ? file : -2;
}

/* What the file's addresses are moved by: from the segment that begins at the mapping's offset. */
static bool find_bias(struct mapped *mapped)
{
    Elf64_Ehdr head;
    if (io_pread(mapped->file, &head, sizeof(head), 0) != sizeof(head) ||
        memcmp(head.e_ident, ELFMAG, SELFMAG) != 0 || head.e_ident[EI_CLASS] != ELFCLASS64)
        return false;
    for (unsigned i = 0; i < head.e_phnum; i++) {
        Elf64_Phdr part;
        off_t at = (off_t)(head.e_phoff + i * sizeof(part));
        if (io_pread(mapped->file, &part, sizeof(part), at) != sizeof(part))
            return false;
        if (part.p_type == PT_LOAD && (part.p_offset & ~4095ull) == mapped->at.offset) {
            mapped->bias = mapped->at.start - (part.p_vaddr & ~4095ull);
            return true;
        }
    }
    return false;
}

static void open_file(struct code *code, struct mapped *mapped)
{
    bool kernel = strcmp(mapped->path, KERNEL_NAME) == 0;
    mapped->file = kernel ? open_kernel() : open_guest(code, mapped->path);
    if (mapped->file < 0)
        return;
    mapped->bias = mapped->at.offset; /* of the kernel: its slide */
    if (kernel || find_bias(mapped))
        return;
    close(mapped->file);
    mapped->file = -2;
}

static void report(struct code *code, struct mapped *mapped)
{
    mapped->reported = true;
    if (mapped->file == -1)
        open_file(code, mapped);
    int file = mapped->file >= 0 ? dup(mapped->file) : -1; /* libdw closes it */
    if (file < 0)
        return;
    Dwfl_Module *module =
        dwfl_report_elf(code->dwfl, mapped->path, mapped->path, file, mapped->bias, true);
    if (!module)
        close(file);
}

/* ---- unwinding ---- */

static pid_t next_thread(Dwfl *dwfl, void *argument, void **thread_argument)
{
    (void)dwfl;
    bool first = *thread_argument == NULL;
    *thread_argument = argument;
    return first ? THE_THREAD : 0;
}

static bool get_thread(Dwfl *dwfl, pid_t thread, void *argument, void **thread_argument)
{
    (void)dwfl, (void)thread;
    *thread_argument = argument;
    return true;
}

static bool read_memory(Dwfl *dwfl, Dwarf_Addr addr, Dwarf_Word *result, void *argument)
{
    (void)dwfl;
    const struct code_stack *stack = ((const struct code *)argument)->stack;
    return stack->read(stack->context, addr, result);
}

static bool set_registers(Dwfl_Thread *thread, void *argument)
{
    /* DWARF's order: rax, rdx, rcx, rbx, rsi, rdi, rbp, rsp, r8 to r15, rip. */
    static const unsigned order[DWARF_REGISTERS] = {
        REMOTE_RAX,    REMOTE_RDX,    REMOTE_RCX,    REMOTE_RBX,    REMOTE_RSI,    REMOTE_RDI,
        REMOTE_RBP,    REMOTE_RSP,    REMOTE_R8,     REMOTE_R8 + 1, REMOTE_R8 + 2, REMOTE_R8 + 3,
        REMOTE_R8 + 4, REMOTE_R8 + 5, REMOTE_R8 + 6, REMOTE_R15,    REMOTE_RIP};
    const struct code *code = argument;
    Dwarf_Word words[DWARF_REGISTERS];
    for (unsigned i = 0; i < DWARF_REGISTERS; i++)
        words[i] = code->stack->registers[order[i]];
    return dwfl_thread_state_registers(thread, 0, DWARF_REGISTERS, words);
}

/* libdw can't be told that a file has moved. */
static void start_over(struct code *code)
{
    Dwfl *fresh = dwfl_begin(&dwfl_callbacks);
    if (!fresh)
        return;
    dwfl_end(code->dwfl);
    code->dwfl = fresh;
    code->attached = false;
    for (size_t i = 0; i < code->count; i++)
        code->items[i].reported = false;
}

void code_update(struct code *code)
{
    static const Dwfl_Thread_Callbacks callbacks = {
        .next_thread = next_thread,
        .get_thread = get_thread,
        .memory_read = read_memory,
        .set_initial_registers = set_registers,
    };
    pthread_mutex_lock(&code->lock);
    if (code->removed)
        start_over(code);
    if (code->added) {
        dwfl_report_begin_add(code->dwfl);
        for (size_t i = 0; i < code->count; i++)
            if (!code->items[i].reported)
                report(code, &code->items[i]);
        dwfl_report_end(code->dwfl, NULL, NULL);
    }
    code->added = code->removed = false;
    pthread_mutex_unlock(&code->lock);
    if (!code->attached)
        code->attached = dwfl_attach_state(code->dwfl, NULL, THE_THREAD, &callbacks, code);
}

static const char *name_of_file(struct code *code, uint64_t addr)
{
    const char *path = NULL;
    pthread_mutex_lock(&code->lock);
    for (size_t i = 0; i < code->count && !path; i++)
        if (addr >= code->items[i].at.start && addr < code->items[i].at.end)
            path = code->items[i].path;
    const char *base = path ? path_base(path) : addr >= KERNEL_HALF ? "start" : "unknown";
    snprintf(code->name, sizeof(code->name), *base == '[' ? "%s" : "[%s]", base);
    pthread_mutex_unlock(&code->lock);
    return code->name;
}

/* The frame at addr. Behind code that no file is known of, there is no telling who called it. */
static bool give_frame(struct code *code, uint64_t addr)
{
    const struct code_stack *stack = code->stack;
    Dwfl_Module *module = dwfl_addrmodule(code->dwfl, addr);
    GElf_Off offset;
    GElf_Sym symbol;
    const char *name =
        module ? dwfl_module_addrinfo(module, addr, &offset, &symbol, NULL, NULL, NULL) : NULL;
    /* As the source has it: C++ and Rust have names that say more than a linker may know. */
    char *plain = name ? cplus_demangle(name, DMGL_ANSI) : NULL;
    stack->frame(stack->context,
                 plain  ? plain
                 : name ? name
                        : name_of_file(code, addr),
                 addr >= KERNEL_HALF);
    free(plain);
    return module && ++code->frames < FRAMES_MAX;
}

static int take_frame(Dwfl_Frame *frame, void *argument)
{
    Dwarf_Addr pc;
    bool exact;
    if (!dwfl_frame_pc(frame, &pc, &exact) || !pc)
        return DWARF_CB_ABORT;
    /* A return address lies behind the call, perhaps in the next function. */
    return give_frame(argument, pc - (exact ? 0 : 1)) ? DWARF_CB_OK : DWARF_CB_ABORT;
}

void code_unwind(struct code *code, const struct code_stack *stack)
{
    uint64_t pc = stack->registers[REMOTE_RIP];
    code->stack = stack;
    code->frames = 0;
    if (!code->attached || !dwfl_addrmodule(code->dwfl, pc))
        give_frame(code, pc);
    else
        dwfl_getthread_frames(code->dwfl, THE_THREAD, take_frame, code);
}
