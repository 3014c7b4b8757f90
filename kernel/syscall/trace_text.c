/*
 * The text of a traced system call, by the kinds of its arguments in table.def. What goes in is
 * printed before the call, what comes out after it, so the first argument that is a result ends
 * the first part.
 */
#include "kernel/arch/uaccess.h"
#include "kernel/base/format.h"
#include "kernel/base/names.h"
#include "kernel/base/string.h"
#include "kernel/syscall/trace.h"

#define AT_CURRENT_DIRECTORY (-100)
#define PATH_SHOWN 256
#define BYTES_SHOWN 32

enum trace_kind {
    KIND_NONE,
    KIND_FD,
    KIND_INT,
    KIND_UINT,
    KIND_FLAGS,
    KIND_MODE,
    KIND_LONG,
    KIND_ULONG,
    KIND_HEX,
    KIND_SIZE,
    KIND_SIGNAL,
    KIND_PTR,
    KIND_PATH,
    KIND_STRING,
    KIND_INBUF,
    KIND_OUTBUF,
};

struct trace_kinds {
    uint16_t nr;
    uint8_t kind[6];
};

static const struct trace_kinds table[] = {
#define SYS0(nr, name, cov) {nr, {0}},
#define SYS1(nr, name, k1, cov) {nr, {KIND_##k1}},
#define SYS2(nr, name, k1, k2, cov) {nr, {KIND_##k1, KIND_##k2}},
#define SYS3(nr, name, k1, k2, k3, cov) {nr, {KIND_##k1, KIND_##k2, KIND_##k3}},
#define SYS4(nr, name, k1, k2, k3, k4, cov) {nr, {KIND_##k1, KIND_##k2, KIND_##k3, KIND_##k4}},
#define SYS5(nr, name, k1, k2, k3, k4, k5, cov)                                                    \
    {nr, {KIND_##k1, KIND_##k2, KIND_##k3, KIND_##k4, KIND_##k5}},
#define SYS6(nr, name, k1, k2, k3, k4, k5, k6, cov)                                                \
    {nr, {KIND_##k1, KIND_##k2, KIND_##k3, KIND_##k4, KIND_##k5, KIND_##k6}},
#include "kernel/syscall/table.def"
#undef SYS0
#undef SYS1
#undef SYS2
#undef SYS3
#undef SYS4
#undef SYS5
#undef SYS6
};

static const struct trace_kinds unknown_call = {
    0, {KIND_HEX, KIND_HEX, KIND_HEX, KIND_HEX, KIND_HEX, KIND_HEX}};

static const struct trace_kinds *kinds_of(uint64_t nr)
{
    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        if (table[i].nr == nr)
            return &table[i];
    }
    return &unknown_call;
}

static void put(struct trace_line *line, const char *text, size_t length)
{
    size_t room = sizeof(line->text) - 1 - line->length;
    size_t taken = length < room ? length : room;
    memcpy(line->text + line->length, text, taken);
    line->length += taken;
    line->text[line->length] = '\0';
}

static void put_text(struct trace_line *line, const char *text)
{
    put(line, text, strlen(text));
}

#define PUT_NUMBER(line, fmt, value)                                                               \
    do {                                                                                           \
        char number_[32];                                                                          \
        put(line, number_, format(number_, sizeof(number_), fmt, value));                          \
    } while (0)

static void put_byte(struct trace_line *line, uint8_t byte)
{
    static const char escapes[] = "\nn\tt\rr\"\"\\\\";
    for (const char *e = escapes; *e; e += 2) {
        if (byte == (uint8_t)*e) {
            put_text(line, "\\");
            put(line, e + 1, 1);
            return;
        }
    }
    if (byte >= ' ' && byte < 0x7f)
        put(line, (const char *)&byte, 1);
    else
        PUT_NUMBER(line, "\\%o", (unsigned)byte);
}

static void put_quoted(struct trace_line *line, const uint8_t *bytes, size_t length, bool more)
{
    put_text(line, "\"");
    for (size_t i = 0; i < length; i++)
        put_byte(line, bytes[i]);
    put_text(line, more ? "\"..." : "\"");
}

static void put_hex(struct trace_line *line, uint64_t value)
{
    PUT_NUMBER(line, "%#lx", value);
}

static void put_pointer(struct trace_line *line, uint64_t addr)
{
    if (addr)
        put_hex(line, addr);
    else
        put_text(line, "NULL");
}

static void put_string(struct trace_line *line, uint64_t addr)
{
    char text[PATH_SHOWN];
    size_t missed = copy_from_user_partial(text, (struct uptr){addr}, sizeof(text));
    size_t got = sizeof(text) - missed;
    const char *end = memchr(text, '\0', got);
    if (!end && got < sizeof(text)) {
        put_pointer(line, addr);
        return;
    }
    put_quoted(line, (const uint8_t *)text, end ? (size_t)(end - text) : got, !end);
}

static void put_bytes(struct trace_line *line, uint64_t addr, uint64_t size)
{
    uint8_t bytes[BYTES_SHOWN];
    size_t want = size < sizeof(bytes) ? size : sizeof(bytes);
    if (!addr || (want && copy_from_user(bytes, (struct uptr){addr}, want)))
        put_pointer(line, addr);
    else
        put_quoted(line, bytes, want, want < size);
}

static void put_signal(struct trace_line *line, int signo)
{
    const char *name = signal_name(signo);
    if (name)
        put_text(line, name);
    else
        PUT_NUMBER(line, "%d", signo);
}

/* The number of bytes is the next argument that is a SIZE. */
static uint64_t size_after(const struct trace_kinds *kinds, const uint64_t args[6], int i)
{
    for (int j = i + 1; j < 6; j++) {
        if (kinds->kind[j] == KIND_SIZE)
            return args[j];
    }
    return 0;
}

static void put_argument(struct trace_line *line, uint8_t kind, uint64_t value, uint64_t size)
{
    switch (kind) {
    case KIND_FD:
        if ((int)value == AT_CURRENT_DIRECTORY)
            put_text(line, "AT_FDCWD");
        else
            PUT_NUMBER(line, "%d", (int)value);
        break;
    case KIND_INT:
        PUT_NUMBER(line, "%d", (int)value);
        break;
    case KIND_UINT:
        PUT_NUMBER(line, "%u", (unsigned)value);
        break;
    case KIND_FLAGS:
        PUT_NUMBER(line, "%#x", (unsigned)value);
        break;
    case KIND_MODE:
        PUT_NUMBER(line, "0%o", (unsigned)value);
        break;
    case KIND_LONG:
        PUT_NUMBER(line, "%ld", (long)value);
        break;
    case KIND_ULONG:
    case KIND_SIZE:
        PUT_NUMBER(line, "%lu", value);
        break;
    case KIND_SIGNAL:
        put_signal(line, (int)value);
        break;
    case KIND_PATH:
    case KIND_STRING:
        put_string(line, value);
        break;
    case KIND_INBUF:
    case KIND_OUTBUF:
        put_bytes(line, value, size);
        break;
    default:
        put_pointer(line, value);
        break;
    }
}

/* The arguments before the first that is a result. */
static int first_result(const struct trace_kinds *kinds)
{
    int i = 0;
    while (i < 6 && kinds->kind[i] != KIND_NONE && kinds->kind[i] != KIND_OUTBUF)
        i++;
    return i;
}

void trace_begin_line(struct trace_line *line, uint64_t nr, const uint64_t args[6])
{
    const struct trace_kinds *kinds = kinds_of(nr);
    const char *name = syscall_name(nr);
    line->length = 0;
    if (name)
        put_text(line, name);
    else
        PUT_NUMBER(line, "syscall_%lu", nr);
    put_text(line, "(");
    for (int i = 0; i < first_result(kinds); i++) {
        if (i)
            put_text(line, ", ");
        put_argument(line, kinds->kind[i], args[i], size_after(kinds, args, i));
    }
}

/* is_address: the call's first argument is one, and then so is its result, if it isn't 0. */
static void put_result(struct trace_line *line, int64_t result, bool is_address)
{
    const char *name = result < 0 && result >= -4095 ? errno_name((uint64_t)-result) : NULL;
    if (name) {
        put_text(line, "-1 ");
        put_text(line, name);
    } else if (result > INT32_MAX || result < INT32_MIN || (is_address && result > 0)) {
        put_hex(line, (uint64_t)result);
    } else {
        PUT_NUMBER(line, "%ld", (long)result);
    }
}

void trace_end_line(struct trace_line *line, uint64_t nr, const uint64_t args[6], int64_t result)
{
    const struct trace_kinds *kinds = kinds_of(nr);
    for (int i = first_result(kinds); i < 6 && kinds->kind[i] != KIND_NONE; i++) {
        if (i)
            put_text(line, ", ");
        uint8_t kind = kinds->kind[i];
        if (kind == KIND_OUTBUF && result < 0)
            put_pointer(line, args[i]);
        else
            put_argument(line, kind, args[i],
                         kind == KIND_OUTBUF ? (uint64_t)result : size_after(kinds, args, i));
    }
    put_text(line, ") = ");
    put_result(line, result, kinds->kind[0] == KIND_HEX);
}

/* Calls of a class that their arguments don't tell. */
static const char class_memory[] = ",mmap,munmap,mprotect,mremap,madvise,brk,msync,mincore,mlock,"
                                   "munlock,mlockall,munlockall,mlock2,membarrier,";
static const char class_process[] =
    ",clone,clone3,fork,vfork,execve,execveat,exit,exit_group,wait4,"
    "waitid,arch_prctl,prctl,set_tid_address,";
static const char class_signal[] =
    ",rt_sigaction,rt_sigprocmask,rt_sigreturn,rt_sigpending,rt_sigtimedwait,rt_sigqueueinfo,"
    "rt_sigsuspend,rt_tgsigqueueinfo,sigaltstack,kill,tkill,tgkill,pause,signalfd,signalfd4,"
    "pidfd_send_signal,";
static const char class_network[] =
    ",socket,connect,accept,accept4,sendto,recvfrom,sendmsg,recvmsg,shutdown,bind,listen,"
    "getsockname,getpeername,socketpair,setsockopt,getsockopt,recvmmsg,sendmmsg,";

static const char class_ipc[] =
    ",shmget,shmat,shmdt,shmctl,semget,semop,semtimedop,semctl,msgget,msgsnd,msgrcv,msgctl,mq_open,"
    "mq_unlink,mq_timedsend,mq_timedreceive,mq_notify,mq_getsetattr,";

/* Whether list (",a,b,") has the word. */
static bool list_has(const char *list, const char *word, size_t length)
{
    for (const char *p = list; (p = strchr(p, ',')) && p[1]; p++) {
        if (strncmp(p + 1, word, length) == 0 && p[1 + length] == ',')
            return true;
    }
    return false;
}

static bool has_kind(uint64_t nr, uint8_t kind)
{
    return memchr(kinds_of(nr)->kind, kind, 6) != NULL;
}

static bool is_word(const char *word, size_t length, const char *text)
{
    return strlen(text) == length && strncmp(word, text, length) == 0;
}

static bool word_selects(const char *word, size_t length, uint64_t nr)
{
    static const struct {
        const char name[8];
        const char *list;
    } classes[] = {{"memory", class_memory},
                   {"process", class_process},
                   {"signal", class_signal},
                   {"network", class_network},
                   {"ipc", class_ipc}};
    const char *name = syscall_name(nr);
    if (is_word(word, length, "all") || (name && is_word(word, length, name)))
        return true;
    if (is_word(word, length, "file"))
        return has_kind(nr, KIND_PATH);
    if (is_word(word, length, "desc"))
        return has_kind(nr, KIND_FD);
    for (size_t i = 0; name && i < ARRAY_SIZE(classes); i++) {
        if (is_word(word, length, classes[i].name))
            return list_has(classes[i].list, name, strlen(name));
    }
    return false;
}

bool trace_filter_selects(const char *filter, uint64_t nr)
{
    bool negated = *filter == '!';
    bool any_word = false, selected = false;
    for (const char *word = filter + negated; *word;) {
        const char *end = strchr(word, ',');
        size_t length = end ? (size_t)(end - word) : strlen(word);
        if (length && !is_word(word, length, "failed")) {
            any_word = true;
            selected = selected || word_selects(word, length, nr);
        }
        word += length + (end != NULL);
    }
    return any_word ? selected != negated : true;
}
