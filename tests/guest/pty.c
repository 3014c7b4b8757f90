/* Pseudo-terminals: a master, a slave, and the terminal between them. */
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <termios.h>

#include "tests/harness/guest.h"

struct ends {
    int master, slave;
};

static struct ends open_pair(void)
{
    struct ends e;
    CHECK_OK(openpty(&e.master, &e.slave, NULL, NULL, NULL));
    return e;
}

static void close_pair(struct ends e)
{
    close(e.slave);
    close(e.master);
}

static void raw(int fd)
{
    struct termios t;
    CHECK_OK(tcgetattr(fd, &t));
    cfmakeraw(&t);
    CHECK_OK(tcsetattr(fd, TCSANOW, &t));
}

/* What a read gives, as a string. */
static const char *got(int fd)
{
    static char text[8192];
    ssize_t n = read(fd, text, sizeof(text) - 1);
    text[n > 0 ? n : 0] = 0;
    return text;
}

static short ready(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLIN | POLLOUT};
    CHECK_OK(poll(&p, 1, 0));
    return p.revents;
}

/* Waits until so much of it is there; what is typed arrives a little later on Linux. */
static bool comes(int fd, short events)
{
    struct pollfd p = {.fd = fd, .events = events};
    return poll(&p, 1, 5000) == 1 && (p.revents & events) == events;
}

static void put_text(int fd, const char *text)
{
    CHECK_EQ(write(fd, text, strlen(text)), strlen(text));
}

static void a_new_one_is_locked(void)
{
    int m = posix_openpt(O_RDWR | O_NOCTTY), locked = -1, number = -1;
    char name[64];
    CHECK_OK(m);
    CHECK_OK(ioctl(m, TIOCGPTN, &number));
    snprintf(name, sizeof(name), "/dev/pts/%d", number);
    CHECK_STR(ptsname(m), name);
    CHECK_OK(ioctl(m, TIOCGPTLCK, &locked));
    CHECK_EQ(locked, 1);
    CHECK_ERR(open(name, O_RDWR | O_NOCTTY), EIO);
    CHECK_ERR(ioctl(m, TIOCGPTPEER, O_RDWR | O_NOCTTY), EIO);
    CHECK_OK(grantpt(m));
    CHECK_OK(unlockpt(m));
    CHECK_OK(ioctl(m, TIOCGPTLCK, &locked));
    CHECK_EQ(locked, 0);
    int s = open(name, O_RDWR | O_NOCTTY);
    CHECK_OK(s);
    CHECK_EQ(isatty(s), 1);
    CHECK_EQ(isatty(m), 1);
    CHECK_ERR(ioctl(s, TIOCGPTN, &number), ENOTTY);
    CHECK_ERR(ioctl(s, TIOCSPTLCK, &locked), ENOTTY);
    CHECK_ERR(ioctl(m, TIOCGPTN, (void *)8), EFAULT);
    CHECK_ERR(ioctl(m, TIOCSPTLCK, (void *)8), EFAULT);
    close(s);
    close(m);
}

static void names_and_devices(void)
{
    struct ends e = open_pair(), other = open_pair();
    struct stat of_slave, of_name, of_master;
    char name[64], again[64], link[64], text[64] = "";
    CHECK_OK(ptsname_r(e.master, name, sizeof(name)));
    CHECK_OK(ttyname_r(e.slave, again, sizeof(again)));
    CHECK_STR(again, name);
    CHECK_OK(ptsname_r(other.master, again, sizeof(again)));
    CHECK(strcmp(name, again) != 0);
    CHECK_OK(fstat(e.slave, &of_slave));
    CHECK_OK(stat(name, &of_name));
    CHECK_OK(fstat(e.master, &of_master));
    CHECK(S_ISCHR(of_slave.st_mode) && S_ISCHR(of_master.st_mode));
    CHECK_EQ(major(of_slave.st_rdev), 136);
    CHECK_EQ(minor(of_slave.st_rdev), atoi(name + strlen("/dev/pts/")));
    CHECK_EQ(of_slave.st_rdev, of_name.st_rdev);
    CHECK_EQ(of_slave.st_ino, of_name.st_ino);
    CHECK_EQ(of_master.st_rdev, makedev(5, 2));
    snprintf(link, sizeof(link), "/proc/self/fd/%d", e.slave);
    CHECK(readlink(link, text, sizeof(text) - 1) > 0);
    CHECK_STR(text, name);
    close_pair(other);
    close_pair(e);
    CHECK_ERR(stat(name, &of_name), ENOENT);
}

static int listed(const char *name)
{
    DIR *folder = opendir("/dev/pts");
    const struct dirent *entry;
    int found = 0;
    while (folder && (entry = readdir(folder)))
        found += strcmp(entry->d_name, name) == 0;
    closedir(folder);
    return found;
}

static void listed_while_the_master_is_open(void)
{
    struct ends e = open_pair();
    char name[64];
    CHECK_OK(ptsname_r(e.master, name, sizeof(name)));
    CHECK_EQ(listed(name + strlen("/dev/pts/")), 1);
    close(e.master);
    CHECK_EQ(listed(name + strlen("/dev/pts/")), 0);
    CHECK_ERR(open(name, O_RDWR | O_NOCTTY), ENOENT);
    close(e.slave);
}

static void settings_to_begin_with(void)
{
    struct ends e = open_pair();
    struct termios t, of_master;
    struct winsize size;
    CHECK_OK(tcgetattr(e.slave, &t));
    CHECK_EQ(t.c_iflag, ICRNL | IXON);
    CHECK_EQ(t.c_oflag, OPOST | ONLCR);
    CHECK_EQ(t.c_cflag & (CSIZE | CREAD | HUPCL), CS8 | CREAD);
    CHECK_EQ(t.c_lflag, ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE | IEXTEN);
    CHECK_EQ(t.c_cc[VINTR], 3);
    CHECK_EQ(t.c_cc[VEOF], 4);
    CHECK_EQ(t.c_cc[VMIN], 1);
    t.c_lflag &= ~(unsigned)ECHO;
    CHECK_OK(tcsetattr(e.master, TCSANOW, &t)); /* the master's are the slave's */
    CHECK_OK(tcgetattr(e.slave, &of_master));
    CHECK_EQ(of_master.c_lflag, t.c_lflag);
    CHECK_OK(ioctl(e.slave, TIOCGWINSZ, &size));
    CHECK_EQ(size.ws_row + size.ws_col, 0);
    size = (struct winsize){.ws_row = 40, .ws_col = 100};
    CHECK_OK(ioctl(e.master, TIOCSWINSZ, &size));
    memset(&size, 0, sizeof(size));
    CHECK_OK(ioctl(e.slave, TIOCGWINSZ, &size));
    CHECK_EQ(size.ws_row, 40);
    CHECK_EQ(size.ws_col, 100);
    CHECK_ERR(ioctl(e.master, TIOCGWINSZ, (void *)8), EFAULT);
    CHECK_ERR(ioctl(e.master, TIOCSWINSZ, (void *)8), EFAULT);
    close_pair(e);
}

/* System V's form: the lower halves of the flags. */
struct old_settings {
    unsigned short iflag, oflag, cflag, lflag;
    unsigned char line, cc[8];
};

static void settings_in_the_old_form(void)
{
    struct ends e = open_pair();
    struct termios t;
    struct old_settings old;
    CHECK_OK(tcgetattr(e.slave, &t));
    CHECK_OK(ioctl(e.slave, TCGETA, &old));
    CHECK_EQ(old.iflag, t.c_iflag & 0xffff);
    CHECK_EQ(old.lflag, t.c_lflag & 0xffff);
    CHECK_EQ(old.cc[VINTR], 3);
    t.c_lflag |= 0x40000; /* a bit of the upper half, which nobody uses */
    CHECK_OK(tcsetattr(e.slave, TCSANOW, &t));
    old.lflag &= (unsigned short)~ECHO;
    old.cc[VINTR] = 7;
    CHECK_OK(ioctl(e.master, TCSETA, &old));
    CHECK_OK(ioctl(e.slave, TCSETAW, &old));
    CHECK_OK(tcgetattr(e.slave, &t));
    CHECK_EQ(t.c_lflag & (ECHO | 0x40000), 0x40000);
    CHECK_EQ(t.c_cc[VINTR], 7);
    put_text(e.master, "gone\n");
    CHECK(comes(e.slave, POLLIN));
    CHECK_OK(ioctl(e.slave, TCSETAF, &old));
    int waiting = -1;
    CHECK_OK(ioctl(e.slave, FIONREAD, &waiting));
    CHECK_EQ(waiting, 0);
    CHECK_ERR(ioctl(e.slave, TCGETA, (void *)8), EFAULT);
    CHECK_ERR(ioctl(e.slave, TCSETA, (void *)8), EFAULT);
    close_pair(e);
}

static void settings_that_are_kept(void)
{
    struct ends e = open_pair();
    struct termios t, kept;
    memset(&kept, 0xff, sizeof(kept));
    CHECK_OK(ioctl(e.slave, TIOCGLCKTRMIOS, &kept));
    CHECK_EQ(kept.c_iflag | kept.c_lflag | kept.c_cc[VINTR], 0);
    kept.c_lflag = ECHO;
    kept.c_cc[VINTR] = 1;
    CHECK_OK(ioctl(e.slave, TIOCSLCKTRMIOS, &kept));
    CHECK_OK(tcgetattr(e.slave, &t));
    t.c_lflag &= ~(unsigned)(ECHO | ICANON);
    t.c_cc[VINTR] = t.c_cc[VEOF] = 9;
    CHECK_OK(tcsetattr(e.slave, TCSANOW, &t));
    CHECK_OK(tcgetattr(e.slave, &t));
    CHECK_EQ(t.c_lflag & (ECHO | ICANON), ECHO);
    CHECK_EQ(t.c_cc[VINTR], 3);
    CHECK_EQ(t.c_cc[VEOF], 9);
    CHECK_ERR(ioctl(e.slave, TIOCSLCKTRMIOS, (void *)8), EFAULT);
    close_pair(e);
}

static void a_line_is_typed_and_echoed(void)
{
    struct ends e = open_pair();
    put_text(e.master, "hello");
    CHECK(comes(e.master, POLLIN));
    CHECK_STR(got(e.master), "hello");
    CHECK_EQ(ready(e.slave), POLLOUT); /* the line isn't finished */
    put_text(e.master, "\r");
    CHECK(comes(e.slave, POLLIN));
    CHECK_EQ(ready(e.slave), POLLIN | POLLOUT);
    CHECK_STR(got(e.slave), "hello\n");
    CHECK_STR(got(e.master), "\r\n");
    put_text(e.slave, "answer\n");
    CHECK_STR(got(e.master), "answer\r\n");
    put_text(e.master, "abc\x7f\x7fxy\x17one two\x17\n"); /* erased: characters, a word */
    CHECK_STR(got(e.slave), "one \n");
    close_pair(e);
}

static void end_of_file_is_typed(void)
{
    struct ends e = open_pair();
    char c;
    put_text(e.master, "ab\4");
    CHECK_STR(got(e.slave), "ab");
    put_text(e.master, "\4");
    CHECK_EQ(read(e.slave, &c, 1), 0);
    put_text(e.master, "c\n");
    CHECK_STR(got(e.slave), "c\n");
    close_pair(e);
}

static void lines_are_read_one_by_one(void)
{
    struct ends e = open_pair();
    char two[3] = "";
    int waiting = -1;
    put_text(e.master, "one\ntwo\n");
    for (int i = 0; i < 500 && waiting != 8; i++) {
        CHECK_OK(ioctl(e.slave, FIONREAD, &waiting));
        usleep(waiting == 8 ? 0 : 10000);
    }
    CHECK_EQ(waiting, 8);
    CHECK_EQ(read(e.slave, two, 2), 2);
    CHECK_STR(two, "on");
    CHECK_STR(got(e.slave), "e\n");
    CHECK_STR(got(e.slave), "two\n");
    close_pair(e);
}

static void raw_bytes(void)
{
    struct ends e = open_pair();
    char text[8] = "";
    raw(e.slave);
    CHECK_EQ(write(e.master, "a\r\n\3\4\0x", 7), 7);
    size_t done = 0;
    while (done < 7 && comes(e.slave, POLLIN))
        done += (size_t)read(e.slave, text + done, sizeof(text) - done);
    CHECK_EQ(done, 7);
    CHECK(memcmp(text, "a\r\n\3\4\0x", 7) == 0);
    CHECK_EQ(write(e.slave, "\n\0\r", 3), 3);
    CHECK_EQ(read(e.master, text, sizeof(text)), 3);
    CHECK(memcmp(text, "\n\0\r", 3) == 0);
    CHECK_EQ(ready(e.master), POLLOUT); /* no echo */
    close_pair(e);
}

static void a_minimum_and_a_time(void)
{
    struct ends e = open_pair();
    struct termios t;
    char text[8];
    raw(e.slave);
    CHECK_OK(tcgetattr(e.slave, &t));
    t.c_cc[VMIN] = 0;
    t.c_cc[VTIME] = 0;
    CHECK_OK(tcsetattr(e.slave, TCSANOW, &t));
    CHECK_EQ(read(e.slave, text, sizeof(text)), 0);
    t.c_cc[VTIME] = 1;
    CHECK_OK(tcsetattr(e.slave, TCSANOW, &t));
    CHECK_EQ(read(e.slave, text, sizeof(text)), 0);
    t.c_cc[VMIN] = 3;
    t.c_cc[VTIME] = 0;
    CHECK_OK(tcsetattr(e.slave, TCSANOW, &t));
    put_text(e.master, "ab");
    CHECK_EQ(ready(e.slave), POLLOUT);
    put_text(e.master, "c");
    CHECK(comes(e.slave, POLLIN));
    CHECK_EQ(read(e.slave, text, sizeof(text)), 3);
    close_pair(e);
}

static void without_blocking(void)
{
    struct ends e = open_pair();
    char c;
    CHECK_OK(fcntl(e.master, F_SETFL, O_RDWR | O_NONBLOCK));
    CHECK_OK(fcntl(e.slave, F_SETFL, O_RDWR | O_NONBLOCK));
    CHECK_ERR(read(e.master, &c, 1), EAGAIN);
    CHECK_ERR(read(e.slave, &c, 1), EAGAIN);
    CHECK_EQ(read(e.master, &c, 0), 0);
    put_text(e.master, "x\n");
    CHECK(comes(e.slave, POLLIN));
    char *nowhere = pages(1);
    CHECK_OK(munmap(nowhere, 4096));
    CHECK_ERR(read(e.slave, nowhere, 4), EFAULT);
    close_pair(e);
}

static void nobody_reads_what_is_shown(void)
{
    struct ends e = open_pair();
    static char block[1000];
    size_t written = 0, taken = 0;
    ssize_t n;
    raw(e.slave);
    CHECK_OK(fcntl(e.slave, F_SETFL, O_RDWR | O_NONBLOCK));
    CHECK_OK(fcntl(e.master, F_SETFL, O_RDWR | O_NONBLOCK));
    memset(block, 'b', sizeof(block));
    while ((n = write(e.slave, block, sizeof(block))) > 0)
        written += (size_t)n;
    CHECK_EQ(errno, EAGAIN);
    CHECK(written >= 4096);
    while (taken < written && comes(e.master, POLLIN) &&
           (n = read(e.master, block, sizeof(block))) > 0)
        taken += (size_t)n;
    CHECK_EQ(taken, written);
    CHECK(comes(e.slave, POLLOUT));
    close_pair(e);
}

static void *reads_a_line(void *arg)
{
    struct ends *e = arg;
    char text[16] = "";
    CHECK_EQ(read(e->slave, text, sizeof(text)), 5);
    CHECK_STR(text, "line\n");
    put_text(e->slave, "done");
    return NULL;
}

static void a_reader_waits(void)
{
    struct ends e = open_pair();
    pthread_t t = thread_start(reads_a_line, &e);
    usleep(20000);
    put_text(e.master, "line\n");
    pthread_join(t, NULL);
    char text[32] = "";
    for (size_t done = 0; done < 10;) {
        ssize_t n = read(e.master, text + done, sizeof(text) - done - 1);
        CHECK(n > 0);
        done += n > 0 ? (size_t)n : 99;
    }
    CHECK_STR(text, "line\r\ndone");
    close_pair(e);
}

static void *types_on(void *arg)
{
    char text[100] = "";
    return (void *)write(*(int *)arg, text, sizeof(text));
}

static void a_writer_waits(void)
{
    struct ends e = open_pair();
    pthread_t thread;
    char text[4096] = "";
    void *wrote;
    raw(e.slave);
    CHECK_OK(fcntl(e.master, F_SETFL, O_NONBLOCK));
    while (write(e.master, text, 1000) > 0)
        usleep(1000);
    CHECK_EQ(errno, EAGAIN);
    CHECK_OK(fcntl(e.master, F_SETFL, 0));
    CHECK_EQ(pthread_create(&thread, NULL, types_on, &e.master), 0);
    do {
        usleep(50000);
        if (ready(e.slave) & POLLIN) /* on Linux a little room is not enough */
            CHECK(read(e.slave, text, sizeof(text)) > 0);
    } while (pthread_tryjoin_np(thread, &wrote));
    CHECK_EQ((long)wrote, 100);
    close_pair(e);
}

static void the_slave_is_closed(void)
{
    struct ends e = open_pair();
    char c, name[64];
    CHECK_OK(ptsname_r(e.master, name, sizeof(name)));
    raw(e.slave);
    put_text(e.slave, "last");
    close(e.slave);
    CHECK(comes(e.master, POLLIN));
    CHECK_EQ(ready(e.master) & (POLLIN | POLLHUP), POLLIN | POLLHUP);
    CHECK_STR(got(e.master), "last");
    CHECK_ERR(read(e.master, &c, 1), EIO);
    CHECK_EQ(ready(e.master) & (POLLIN | POLLHUP), POLLHUP);
    e.slave = open(name, O_RDWR | O_NOCTTY); /* opened once more, it goes on */
    CHECK_OK(e.slave);
    CHECK_EQ(ready(e.master), POLLOUT);
    put_text(e.slave, "again");
    CHECK_STR(got(e.master), "again");
    close_pair(e);
}

static void before_the_first_slave(void)
{
    int m = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK);
    char c;
    CHECK_ERR(read(m, &c, 1), EAGAIN);
    CHECK_EQ(ready(m) & POLLHUP, 0);
    CHECK_OK(unlockpt(m));
    put_text(m, "early\n");
    int s = ioctl(m, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
    CHECK_OK(s);
    CHECK_EQ(fcntl(s, F_GETFD), FD_CLOEXEC);
    CHECK_STR(got(s), "early\n");
    close(s);
    close(m);
}

static void the_master_is_closed(void)
{
    struct ends e = open_pair();
    struct termios t;
    char c;
    put_text(e.master, "unread\n");
    close(e.master);
    CHECK_EQ(read(e.slave, &c, 1), 0);
    CHECK_ERR(write(e.slave, "x", 1), EIO);
    CHECK_ERR(tcgetattr(e.slave, &t), EIO);
    CHECK_EQ(ready(e.slave), POLLIN | POLLOUT | POLLHUP | POLLERR);
    close(e.slave);
}

static void *closes_the_master(void *arg)
{
    usleep(20000);
    close(*(int *)arg);
    return NULL;
}

static void a_reader_hears_of_the_end(void)
{
    struct ends e = open_pair();
    char c;
    pthread_t t = thread_start(closes_the_master, &e.master);
    CHECK(read(e.slave, &c, 1) <= 0); /* who waits gets EIO on Linux, who comes later nothing */
    pthread_join(t, NULL);
    CHECK_EQ(read(e.slave, &c, 1), 0);
    close(e.slave);
}

static void queues_are_emptied(void)
{
    struct ends e = open_pair();
    int waiting = -1;
    put_text(e.master, "typed\n");
    CHECK(comes(e.slave, POLLIN));
    CHECK_OK(tcflush(e.slave, TCIFLUSH));
    CHECK_OK(ioctl(e.slave, FIONREAD, &waiting));
    CHECK_EQ(waiting, 0);
    put_text(e.master, "more\n");
    CHECK_STR(got(e.slave), "more\n");
    CHECK_ERR(tcflush(e.slave, 77), EINVAL);
    CHECK_OK(tcdrain(e.slave));
    CHECK_OK(tcsendbreak(e.slave, 0));
    close_pair(e);
}

static void it_is_nobodys_terminal(void)
{
    struct ends e = open_pair();
    CHECK_ERR(tcgetpgrp(e.slave), ENOTTY);
    CHECK_ERR(tcsetpgrp(e.slave, getpgrp()), ENOTTY);
    CHECK_ERR(tcgetsid(e.slave), ENOTTY);
    put_text(e.master, "\3"); /* nobody is interrupted */
    CHECK_STR(got(e.master), "^C");
    close_pair(e);
}

static void packets(void)
{
    struct ends e = open_pair();
    int on = 1, is = -1;
    char text[16] = "";
    raw(e.slave);
    CHECK_OK(ioctl(e.master, TIOCPKT, &on));
    CHECK_OK(ioctl(e.master, TIOCGPKT, &is));
    CHECK_EQ(is, 1);
    put_text(e.slave, "data");
    CHECK_EQ(read(e.master, text, sizeof(text)), 5);
    CHECK_EQ(text[0], TIOCPKT_DATA);
    CHECK_STR(text + 1, "data");
    CHECK_ERR(ioctl(e.master, TIOCPKT, (void *)8), EFAULT);
    close_pair(e);
}

static void many(void)
{
    struct ends all[20];
    for (int i = 0; i < 20; i++)
        all[i] = open_pair();
    for (int i = 0; i < 20; i++) {
        char text[16];
        snprintf(text, sizeof(text), "%d\n", i);
        put_text(all[i].master, text);
    }
    for (int i = 19; i >= 0; i--) {
        CHECK_EQ(atoi(got(all[i].slave)), i);
        close_pair(all[i]);
    }
}

/* errno of opening the slave as another user, 0: it can be. */
static int open_as_user(const char *name)
{
    CHECK_OK(seteuid(1000));
    int fd = open(name, O_RDWR | O_NOCTTY), error = fd < 0 ? errno : 0;
    CHECK_OK(seteuid(0));
    if (fd >= 0)
        close(fd);
    return error;
}

static void for_one_alone(void)
{
    struct ends e = open_pair();
    char name[64];
    int on = 7;
    if (geteuid() != 0)
        return close_pair(e);
    CHECK_EQ(ttyname_r(e.slave, name, sizeof(name)), 0);
    CHECK_OK(chmod(name, 0666));
    CHECK_OK(ioctl(e.slave, TIOCGEXCL, &on));
    CHECK_EQ(on, 0);
    CHECK_EQ(open_as_user(name), 0);
    CHECK_OK(ioctl(e.slave, TIOCEXCL));
    CHECK_OK(ioctl(e.slave, TIOCGEXCL, &on));
    CHECK_EQ(on, 1);
    CHECK_OK(ioctl(e.master, TIOCGEXCL, &on)); /* it has its own */
    CHECK_EQ(on, 0);
    CHECK_EQ(open_as_user(name), EBUSY);
    int again = open(name, O_RDWR | O_NOCTTY); /* CAP_SYS_ADMIN may */
    CHECK(again >= 0);
    CHECK_OK(ioctl(again, TIOCNXCL));
    close(again);
    CHECK_EQ(open_as_user(name), 0);
    CHECK_OK(ioctl(e.master, TIOCEXCL));
    CHECK_EQ(open_as_user(name), 0);
    CHECK_ERR(ioctl(e.slave, TIOCGEXCL, (void *)8), EFAULT);
    close_pair(e);
}

static void the_name_keeps_owner_and_mode(void)
{
    struct ends e = open_pair();
    struct stat st;
    char name[64];
    if (geteuid() != 0)
        return close_pair(e);
    CHECK_EQ(ttyname_r(e.slave, name, sizeof(name)), 0);
    CHECK_OK(chmod(name, 0600));
    CHECK_OK(chown(name, 1000, 1001));
    CHECK_OK(stat(name, &st));
    CHECK_EQ(st.st_mode & 07777, 0600);
    CHECK_EQ(st.st_uid, 1000);
    CHECK_EQ(st.st_gid, 1001);
    CHECK_EQ(open_as_user(name), 0);
    CHECK_OK(fchmod(e.slave, 0));
    CHECK_EQ(open_as_user(name), EACCES);
    close_pair(e);
}

static void who_types_is_told_to_stop(void)
{
    struct ends e = open_pair();
    CHECK_OK(ioctl(e.slave, TCXONC, TCIOFF));
    CHECK(comes(e.master, POLLIN));
    CHECK_STR(got(e.master), "\x13");
    CHECK_OK(ioctl(e.slave, TCXONC, TCION));
    CHECK(comes(e.master, POLLIN));
    CHECK_STR(got(e.master), "\x11");
    CHECK_ERR(ioctl(e.slave, TIOCNOTTY), ENOTTY); /* it isn't ours */
    close_pair(e);
}

int main(void)
{
    signal(SIGHUP, SIG_IGN);
    RUN(a_new_one_is_locked);
    RUN(names_and_devices);
    RUN(listed_while_the_master_is_open);
    RUN(settings_to_begin_with);
    RUN(settings_in_the_old_form);
    RUN(settings_that_are_kept);
    RUN(a_line_is_typed_and_echoed);
    RUN(end_of_file_is_typed);
    RUN(lines_are_read_one_by_one);
    RUN(raw_bytes);
    RUN(a_minimum_and_a_time);
    RUN(without_blocking);
    RUN(nobody_reads_what_is_shown);
    RUN(a_reader_waits);
    RUN(a_writer_waits);
    RUN(the_slave_is_closed);
    RUN(before_the_first_slave);
    RUN(the_master_is_closed);
    RUN(a_reader_hears_of_the_end);
    RUN(queues_are_emptied);
    RUN(it_is_nobodys_terminal);
    RUN(packets);
    RUN(many);
    RUN(for_one_alone);
    RUN(the_name_keeps_owner_and_mode);
    RUN(who_types_is_told_to_stop);
    return check_done();
}
