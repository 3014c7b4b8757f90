/* TCP's urgent byte: sent with MSG_OOB, received aside or in line, with its mark in the stream. */
#include <fcntl.h>
#include <linux/sockios.h>
#include <signal.h>
#include <sys/epoll.h>

#include "tests/harness/inet.h"

static int at_mark(int fd)
{
    int at = -1;
    CHECK_OK(ioctl(fd, SIOCATMARK, &at));
    return at;
}

static void aside(void)
{
    int s[2], waiting = 0;
    char text[32] = "", byte = 0;
    tcp_pair(s);
    CHECK_ERR(recv(s[1], &byte, 1, MSG_OOB), EINVAL); /* there is none, and it isn't waited for */
    CHECK_EQ(send(s[0], "before", 6, 0), 6);
    CHECK_EQ(send(s[0], "abc!", 4, MSG_OOB), 4); /* the last byte is the urgent one */
    CHECK_EQ(send(s[0], "after", 5, 0), 5);
    CHECK_EQ(events_of(s[1], POLLPRI, SOON_MS), POLLPRI);
    CHECK_EQ(events_of(s[1], POLLPRI | POLLIN, SOON_MS), POLLPRI | POLLIN);
    CHECK_EQ(at_mark(s[1]), 0);
    CHECK_OK(ioctl(s[1], FIONREAD, &waiting));
    CHECK_EQ(waiting, 9); /* up to the mark */
    CHECK_EQ(recv(s[1], &byte, 1, MSG_OOB | MSG_PEEK), 1);
    CHECK_EQ(byte, '!');
    byte = 0;
    CHECK_EQ(recv(s[1], &byte, 1, MSG_OOB), 1);
    CHECK_EQ(byte, '!');
    CHECK_ERR(recv(s[1], &byte, 1, MSG_OOB), EINVAL); /* once */
    CHECK_EQ(events_of(s[1], POLLPRI, 0), 0);
    CHECK_EQ(recv(s[1], text, sizeof(text), 0), 9); /* a read stops at the mark */
    CHECK(memcmp(text, "beforeabc", 9) == 0);
    CHECK_EQ(at_mark(s[1]), 1);
    CHECK_EQ(recv(s[1], text, 5, MSG_WAITALL), 5); /* and the next skips the byte */
    CHECK(memcmp(text, "after", 5) == 0);
    CHECK_EQ(at_mark(s[1]), 0);
    CHECK_ERR(recv(s[1], &byte, 1, MSG_OOB), EINVAL);
    CHECK_ERR(recv(s[1], text, 1, MSG_DONTWAIT), EAGAIN);
    close(s[0]);
    close(s[1]);
}

/* Who peeks over the byte leaves it, and the mark. */
static void peeking_at_the_mark(void)
{
    int s[2];
    char text[8] = "", byte = 0;
    tcp_pair(s);
    CHECK_EQ(send(s[0], "a!", 2, MSG_OOB), 2);
    CHECK_EQ(events_of(s[1], POLLPRI, SOON_MS), POLLPRI);
    CHECK_EQ(recv(s[1], text, 1, 0), 1);
    CHECK_EQ(at_mark(s[1]), 1);
    CHECK_ERR(recv(s[1], text, sizeof(text), MSG_PEEK | MSG_DONTWAIT), EAGAIN);
    CHECK_EQ(send(s[0], "bcd", 3, 0), 3);
    CHECK_EQ(events_of(s[1], POLLIN, SOON_MS), POLLIN);
    for (int i = 0; i < 2; i++) {
        memset(text, 0, sizeof(text));
        CHECK_EQ(recv(s[1], text, sizeof(text), MSG_PEEK), 3);
        CHECK_STR(text, "bcd");
        CHECK_EQ(at_mark(s[1]), 1);
    }
    CHECK_EQ(recv(s[1], &byte, 1, MSG_OOB), 1);
    CHECK_EQ(byte, '!');
    CHECK_EQ(recv(s[1], text, sizeof(text), 0), 3);
    close(s[0]);
    close(s[1]);
}

static void in_line(void)
{
    int s[2];
    char text[32] = "", byte;
    tcp_pair(s);
    CHECK_OK(set_option(s[1], SOL_SOCKET, SO_OOBINLINE, 1));
    CHECK_EQ(send(s[0], "abc", 3, 0), 3);
    CHECK_EQ(send(s[0], "!", 1, MSG_OOB), 1);
    CHECK_EQ(send(s[0], "def", 3, 0), 3);
    CHECK_EQ(events_of(s[1], POLLPRI, SOON_MS), POLLPRI);
    CHECK_ERR(recv(s[1], &byte, 1, MSG_OOB), EINVAL);
    CHECK_EQ(recv(s[1], text, sizeof(text), 0), 3);
    CHECK_EQ(at_mark(s[1]), 1);
    CHECK_EQ(recv(s[1], text, 4, MSG_WAITALL), 4);
    CHECK(memcmp(text, "!def", 4) == 0);
    CHECK_EQ(events_of(s[1], POLLPRI, 0), 0);
    close(s[0]);
    close(s[1]);
}

static void only_the_latest_counts(void)
{
    int s[2];
    char text[32] = "", byte = 0;
    tcp_pair(s);
    CHECK_EQ(send(s[0], "a1", 2, MSG_OOB), 2);
    CHECK_EQ(events_of(s[1], POLLPRI, SOON_MS), POLLPRI);
    CHECK_EQ(send(s[0], "b2", 2, MSG_OOB), 2);
    for (int i = 0; i < 1000 && byte != '2'; i++) {
        recv(s[1], &byte, 1, MSG_OOB | MSG_PEEK);
        usleep(1000);
    }
    CHECK_EQ(byte, '2');
    CHECK_EQ(recv(s[1], text, sizeof(text), 0), 3); /* the first is an ordinary byte now */
    CHECK(memcmp(text, "a1b", 3) == 0);
    CHECK_EQ(at_mark(s[1]), 1);
    close(s[0]);
    close(s[1]);
}

static volatile sig_atomic_t urgent_signals;

static void on_urgent(int signo)
{
    (void)signo;
    urgent_signals = urgent_signals + 1;
}

static void a_signal(void)
{
    int s[2], set = epoll_create1(EPOLL_CLOEXEC);
    char byte = 0;
    struct sigaction action = {.sa_handler = on_urgent};
    struct epoll_event event = {.events = EPOLLPRI};
    tcp_pair(s);
    CHECK_OK(sigaction(SIGURG, &action, NULL));
    CHECK_EQ(send(s[0], "1", 1, MSG_OOB), 1); /* nobody owns the socket yet */
    CHECK_EQ(events_of(s[1], POLLPRI, SOON_MS), POLLPRI);
    CHECK_EQ(urgent_signals, 0);
    CHECK_EQ(recv(s[1], &byte, 1, MSG_OOB), 1);
    CHECK_OK(fcntl(s[1], F_SETOWN, getpid()));
    CHECK_OK(epoll_ctl(set, EPOLL_CTL_ADD, s[1], &event));
    CHECK_EQ(send(s[0], "2", 1, MSG_OOB), 1);
    for (int i = 0; i < 10000 && !urgent_signals; i++)
        usleep(1000);
    CHECK_EQ(urgent_signals, 1);
    CHECK_EQ(epoll_wait(set, &event, 1, SOON_MS), 1);
    CHECK_EQ(event.events, EPOLLPRI);
    close(set);
    close(s[0]);
    close(s[1]);
}

static void ends(void)
{
    int s[2];
    char byte;
    tcp_pair(s);
    close(s[0]);
    CHECK_EQ(recv(s[1], &byte, 1, 0), 0);
    CHECK_ERR(recv(s[1], &byte, 1, MSG_OOB), EINVAL);
    close(s[1]);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    CHECK_EQ(at_mark(fd), 0);
    CHECK_ERR(send(fd, "x", 1, MSG_OOB | MSG_NOSIGNAL), EPIPE);
    close(fd);
}

int main(void)
{
    RUN(aside);
    RUN(peeking_at_the_mark);
    RUN(in_line);
    RUN(only_the_latest_counts);
    RUN(a_signal);
    RUN(ends);
    return check_done();
}
