/*
 * A terminal's open files and requests: the program's terminal's (tty_console.c), and those of
 * pseudo-terminals' slaves (pty.c).
 */
#include "kernel/fd/tty.h"

#include <asm/fcntl.h>
#include <asm/ioctls.h>
#include <asm/signal.h>
#include <linux/eventpoll.h>
#include <linux/stat.h>

#include "kernel/base/errno.h"
#include "kernel/base/string.h"
#include "kernel/proc/cred.h"
#include "kernel/proc/task.h"
#include "kernel/time/clock.h"

#define CHUNK_BYTES 256u
#define MS_PER_DECISECOND 100
#define CONSOLE_DEVICE 0x501u

static const struct ktermios termios_initial = {
    .c_iflag = ICRNL | IXON | IUTF8,
    .c_oflag = OPOST | ONLCR,
    .c_cflag = B38400 | CS8 | CREAD | HUPCL,
    .c_lflag = ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE | IEXTEN,
    .c_cc = {[VINTR] = 3,
             [VQUIT] = 28,
             [VERASE] = 127,
             [VKILL] = 21,
             [VEOF] = 4,
             [VMIN] = 1,
             [VSTART] = 17,
             [VSTOP] = 19,
             [VSUSP] = 26,
             [VREPRINT] = 18,
             [VDISCARD] = 15,
             [VWERASE] = 23,
             [VLNEXT] = 22},
    .c_ispeed = 38400,
    .c_ospeed = 38400,
};

/* Tells of events those who have the terminal open, and who types there. */
static void tell(struct tty *t, uint32_t events)
{
    waitq_wake(&t->waitq, events);
    if (t->screen->input_taken)
        t->screen->input_taken(t);
}

/* Typed characters. */

static void send_to_foreground(const struct tty *t, int signo)
{
    if (signo && t->session && t->pgrp == the_proc.pgrp)
        (void)signal_send_process(signo, NULL);
}

size_t tty_take_in(struct tty *t, const uint8_t *data, size_t size)
{
    size_t done = 0;
    mutex_lock(&t->lock);
    while (done < size && tty_input_room(t)) {
        int signo = tty_input(t, data[done++]);
        if (signo) {
            tty_flush(t);
            send_to_foreground(t, signo);
        }
    }
    tty_flush(t);
    mutex_unlock(&t->lock);
    if (done > 0)
        waitq_wake(&t->waitq, TTY_ALL_EVENTS);
    return done;
}

static void timer_expired(struct timer *timer)
{
    struct tty *t = container_of(timer, struct tty, timer);
    __atomic_store_n(&t->timed_out, true, __ATOMIC_RELEASE);
    waitq_wake(&t->waitq, TTY_IN_EVENTS);
}

void tty_setup(struct tty *t, const struct tty_screen *screen, const struct winsize *size)
{
    mutex_init(&t->lock, RANK_STREAM);
    waitq_init(&t->waitq);
    timer_init(&t->timer, timer_expired);
    t->termios = termios_initial;
    t->size = *size;
    t->screen = screen;
}

void tty_set_size(struct tty *t, const struct winsize *size)
{
    mutex_lock(&t->lock);
    bool changed = memcmp(&t->size, size, sizeof(*size)) != 0;
    t->size = *size;
    mutex_unlock(&t->lock);
    if (changed)
        send_to_foreground(t, SIGWINCH);
}

/* Reading and writing. */

static void timer_stop(struct tty *t)
{
    if (t->timer_set)
        (void)timer_cancel(&t->timer);
    t->timer_set = false;
    __atomic_store_n(&t->timed_out, false, __ATOMIC_RELAXED);
}

/* Whether the time of VTIME is not over yet; starts it when there is a new number of bytes. */
static bool timer_runs(struct tty *t, uint32_t there)
{
    if (t->timer_set && t->timer_bytes == there)
        return !__atomic_load_n(&t->timed_out, __ATOMIC_ACQUIRE);
    timer_stop(t);
    t->timer_set = true;
    t->timer_bytes = there;
    timer_set(&t->timer, deadline_in(time_of_ms(t->termios.c_cc[VTIME] * MS_PER_DECISECOND)));
    return true;
}

/* Without canonical mode: whether a read of size bytes is to wait on, by VMIN and VTIME. */
static bool must_wait(struct tty *t, const struct file *f, uint64_t size)
{
    uint32_t there = tty_readable(t);
    uint64_t min = t->termios.c_cc[VMIN], time = t->termios.c_cc[VTIME];
    if (t->hung_up || there >= min_u64(size, max_u64(min, 1)))
        return false;
    if (f->flags & O_NONBLOCK)
        return there == 0 && (min > 0 || time > 0);
    if (min > 0 && (there == 0 || time == 0))
        return true;
    return time > 0 && timer_runs(t, there);
}

static int64_t read_locked(struct tty *t, struct file *f, struct iter *it)
{
    if (it->left == 0 || t->dead)
        return 0;
    if (TTY_FLAG(t, lflag, ICANON)) {
        if (tty_readable(t) == 0)
            return t->hung_up ? 0 : -EAGAIN;
    } else if (must_wait(t, f, it->left)) {
        return -EAGAIN;
    }
    timer_stop(t);
    return tty_read_bytes(t, it);
}

static int64_t tty_read(struct file *f, struct iter *it, uint64_t *pos)
{
    struct tty *t = f->private;
    (void)pos;
    mutex_lock(&t->lock);
    bool had_room = tty_input_room(t);
    int64_t n = read_locked(t, f, it);
    bool made_room = !had_room && n > 0;
    mutex_unlock(&t->lock);
    if (made_room)
        tell(t, TTY_OUT_EVENTS);
    return n;
}

/* Queues the characters of data as far as there is room. */
static size_t put_all(struct tty *t, const uint8_t *data, size_t size)
{
    size_t done = 0;
    while (done < size && tty_put(t, data[done]))
        done++;
    return done;
}

static int64_t write_locked(struct tty *t, struct iter *it)
{
    uint8_t data[CHUNK_BYTES];
    int64_t done = 0;
    if (t->dead || tty_out_closed(t))
        return -EIO;
    while (it->left > 0) {
        struct iter before = *it;
        size_t size = iter_read(it, data, sizeof(data));
        if (size == 0)
            return done > 0 ? done : -EFAULT;
        size_t n = put_all(t, data, size);
        done += (int64_t)n;
        if (n < size) {
            *it = before;
            iter_advance(it, n);
            break;
        }
    }
    tty_flush(t);
    return done > 0 || it->left == 0 ? done : -EAGAIN;
}

static int64_t tty_write(struct file *f, struct iter *it, uint64_t *pos)
{
    struct tty *t = f->private;
    (void)pos;
    mutex_lock(&t->lock);
    int64_t n = write_locked(t, it);
    mutex_unlock(&t->lock);
    return n;
}

static uint32_t tty_poll(struct file *f)
{
    struct tty *t = f->private;
    uint32_t events = 0;
    mutex_lock(&t->lock);
    uint8_t min = t->termios.c_cc[VMIN], time = t->termios.c_cc[VTIME];
    bool canonical = TTY_FLAG(t, lflag, ICANON);
    uint32_t wanted = !canonical && time == 0 && min > 0 ? min : 1;
    if (tty_readable(t) >= wanted || t->hung_up)
        events |= TTY_IN_EVENTS;
    tty_flush(t);
    if (tty_out_room(t) && !t->stopped)
        events |= TTY_OUT_EVENTS;
    mutex_unlock(&t->lock);
    if (t->dead)
        return TTY_ALL_EVENTS | EPOLLERR;
    return events | (t->hung_up ? EPOLLHUP : 0) | (tty_out_closed(t) ? EPOLLERR : 0);
}

static struct waitq *tty_waitq(struct file *f)
{
    struct tty *t = f->private;
    return &t->waitq;
}

/* Requests. */

/* TCGETA and its like: the lower halves of the flags, and the first characters. */
static int get_termio(const struct ktermios *k, struct uptr to)
{
    struct termio old = {.c_iflag = (unsigned short)k->c_iflag,
                         .c_oflag = (unsigned short)k->c_oflag,
                         .c_cflag = (unsigned short)k->c_cflag,
                         .c_lflag = (unsigned short)k->c_lflag,
                         .c_line = k->c_line};
    memcpy(old.c_cc, k->c_cc, NCC);
    return copy_to_user(to, &old, sizeof(old));
}

static int read_termio(struct ktermios *k, struct uptr from)
{
    const tcflag_t upper = ~(tcflag_t)UINT16_MAX;
    struct termio old;
    if (copy_from_user(&old, from, sizeof(old)))
        return -EFAULT;
    k->c_iflag = (k->c_iflag & upper) | old.c_iflag;
    k->c_oflag = (k->c_oflag & upper) | old.c_oflag;
    k->c_cflag = (k->c_cflag & upper) | old.c_cflag;
    k->c_lflag = (k->c_lflag & upper) | old.c_lflag;
    k->c_line = old.c_line;
    memcpy(k->c_cc, old.c_cc, NCC);
    return 0;
}

static void keep_bits(tcflag_t *fresh, tcflag_t old, tcflag_t kept)
{
    *fresh = (old & kept) | (*fresh & ~kept);
}

/* Puts back what must not be changed. */
static void keep(struct ktermios *fresh, const struct ktermios *old, const struct termios *kept)
{
    keep_bits(&fresh->c_iflag, old->c_iflag, kept->c_iflag);
    keep_bits(&fresh->c_oflag, old->c_oflag, kept->c_oflag);
    keep_bits(&fresh->c_cflag, old->c_cflag, kept->c_cflag);
    keep_bits(&fresh->c_lflag, old->c_lflag, kept->c_lflag);
    if (kept->c_line)
        fresh->c_line = old->c_line;
    for (unsigned i = 0; i < NCCS; i++)
        if (kept->c_cc[i])
            fresh->c_cc[i] = old->c_cc[i];
}

static int set_kept(struct tty *t, struct uptr from)
{
    struct termios kept;
    if (!capable(CAP_SYS_ADMIN))
        return -EPERM;
    if (copy_from_user(&kept, from, sizeof(kept)))
        return -EFAULT;
    mutex_lock(&t->lock);
    t->kept = kept;
    mutex_unlock(&t->lock);
    return 0;
}

/* size: of what the request brings, 0 for the old form. */
static int set_termios(struct tty *t, struct uptr from, size_t size, bool flush)
{
    struct ktermios fresh = t->termios;
    if (size ? copy_from_user(&fresh, from, size) : read_termio(&fresh, from))
        return -EFAULT;
    mutex_lock(&t->lock);
    bool was_canonical = TTY_FLAG(t, lflag, ICANON);
    keep(&fresh, &t->termios, &t->kept);
    t->termios = fresh;
    if (flush)
        tty_input_flush(t);
    if (was_canonical != TTY_FLAG(t, lflag, ICANON))
        tty_mode_changed(t, was_canonical);
    timer_stop(t);
    if (!TTY_FLAG(t, iflag, IXON))
        t->stopped = false;
    mutex_unlock(&t->lock);
    tell(t, TTY_ALL_EVENTS);
    return 0;
}

static int get_int(struct uptr to, int value)
{
    return copy_to_user(to, &value, sizeof(value));
}

static int set_pgrp(struct tty *t, struct uptr from)
{
    int pgrp;
    if (copy_from_user(&pgrp, from, sizeof(pgrp)))
        return -EFAULT;
    if (pgrp < 0)
        return -EINVAL;
    if (pgrp != the_proc.pgrp)
        return -EPERM;
    t->pgrp = pgrp;
    return 0;
}

static int flush_queues(struct tty *t, uint64_t which)
{
    if (which > TCIOFLUSH)
        return -EINVAL;
    mutex_lock(&t->lock);
    if (which != TCOFLUSH)
        tty_input_flush(t);
    if (which != TCIFLUSH)
        t->out_start = t->out_end = 0;
    mutex_unlock(&t->lock);
    tell(t, TTY_ALL_EVENTS);
    return 0;
}

static int stop_or_start(struct tty *t, uint64_t what)
{
    if (what > TCION)
        return -EINVAL;
    char c = (char)t->termios.c_cc[what == TCIOFF ? VSTOP : VSTART];
    mutex_lock(&t->lock);
    if (what == TCOOFF || what == TCOON)
        t->stopped = what == TCOOFF;
    else if (c) /* who types shall stop, or go on */
        (void)t->screen->show(t, &c, 1);
    tty_flush(t);
    mutex_unlock(&t->lock);
    waitq_wake(&t->waitq, TTY_ALL_EVENTS);
    return 0;
}

static int set_size(struct tty *t, struct uptr from)
{
    struct winsize size;
    if (copy_from_user(&size, from, sizeof(size)))
        return -EFAULT;
    tty_set_size(t, &size);
    return 0;
}

/* A session's first process may take a terminal that no session has. */
static int take_terminal(struct tty *t)
{
    bool ours = t->session && t->session == the_proc.session;
    if (!ours && (t->session || the_proc.session != PROC_PID))
        return -EPERM;
    t->session = the_proc.session;
    t->pgrp = the_proc.pgrp;
    return 0;
}

/* It is no longer the session's; its first process, in the foreground, hears of that. */
static int give_up_terminal(struct tty *t)
{
    if (!t->session || t->session != the_proc.session)
        return -ENOTTY;
    if (the_proc.session == PROC_PID) {
        send_to_foreground(t, SIGHUP);
        send_to_foreground(t, SIGCONT);
    }
    t->session = t->pgrp = 0;
    return 0;
}

int64_t tty_exclusive(bool *flag, unsigned request, struct uptr arg)
{
    if (request == TIOCGEXCL)
        return get_int(arg, *flag);
    *flag = request == TIOCEXCL;
    return 0;
}

int tty_may_open(const struct tty *t)
{
    return t->exclusive && !capable(CAP_SYS_ADMIN) ? -EBUSY : 0;
}

/* Requests about sessions and process groups: there is one of each. */
static int64_t job_ioctl(struct tty *t, unsigned request, struct uptr arg)
{
    const bool about_ours = request == TIOCGPGRP || request == TIOCSPGRP || request == TIOCGSID;
    if (about_ours && !t->session) /* it is nobody's terminal */
        return -ENOTTY;
    switch (request) {
    case TIOCGPGRP:
        return get_int(arg, t->pgrp);
    case TIOCSPGRP:
        return set_pgrp(t, arg);
    case TIOCGSID:
        return get_int(arg, t->session);
    case TIOCSCTTY:
        return take_terminal(t);
    case TIOCNOTTY:
        return give_up_terminal(t);
    case TIOCEXCL:
    case TIOCNXCL:
    case TIOCGEXCL:
        return tty_exclusive(&t->exclusive, request, arg);
    default:
        return -ENOTTY;
    }
}

/* Requests about the settings. */
static int64_t settings_ioctl(struct tty *t, unsigned request, struct uptr arg)
{
    switch (request) {
    case TCGETA:
        return get_termio(&t->termios, arg);
    case TCSETA:
    case TCSETAW:
    case TCSETAF:
        return set_termios(t, arg, 0, request == TCSETAF);
    case TIOCGLCKTRMIOS:
        return copy_to_user(arg, &t->kept, sizeof(t->kept));
    case TIOCSLCKTRMIOS:
        return set_kept(t, arg);
    case TCGETS:
        return copy_to_user(arg, &t->termios, sizeof(struct termios));
    case TCGETS2:
        return copy_to_user(arg, &t->termios, sizeof(struct termios2));
    case TCSETS:
    case TCSETSW:
    case TCSETSF:
        return set_termios(t, arg, sizeof(struct termios), request == TCSETSF);
    case TCSETS2:
    case TCSETSW2:
    case TCSETSF2:
        return set_termios(t, arg, sizeof(struct termios2), request == TCSETSF2);
    default:
        return job_ioctl(t, request, arg);
    }
}

int64_t tty_request(struct tty *t, unsigned request, uint64_t value)
{
    struct uptr arg = {value};
    if (t->dead)
        return -EIO;
    switch (request) {
    case TIOCGWINSZ:
        return copy_to_user(arg, &t->size, sizeof(t->size));
    case TIOCSWINSZ:
        return set_size(t, arg);
    case FIONREAD:
        return get_int(arg, (int)tty_readable(t));
    case TIOCOUTQ:
        return get_int(arg, (int)(t->out_end - t->out_start));
    case TCFLSH:
        return flush_queues(t, value);
    case TCXONC:
        return stop_or_start(t, value);
    case TCSBRK:
    case TCSBRKP:
        return 0;
    default:
        return settings_ioctl(t, request, arg);
    }
}

static int64_t tty_ioctl(struct file *f, unsigned request, uint64_t value)
{
    return tty_request(f->private, request, value);
}

static void tty_getattr(struct file *f, struct inode_attr *attr)
{
    if (f->inode)
        vfs_getattr(f->inode, attr);
    else
        *attr = (struct inode_attr){
            .mode = S_IFCHR | 0620, .rdev = CONSOLE_DEVICE, .links = 1, .block_size = 1024};
}

static void tty_release(struct file *f)
{
    struct tty *t = f->private;
    if (t->screen->file_gone)
        t->screen->file_gone(t);
}

static const struct file_ops tty_ops = {
    .name = "tty",
    .read = tty_read,
    .write = tty_write,
    .poll = tty_poll,
    .waitq = tty_waitq,
    .ioctl = tty_ioctl,
    .getattr = tty_getattr,
    .release = tty_release,
};

void tty_make_file(struct tty *t, struct file *file)
{
    file->ops = &tty_ops;
    file->private = t;
}
