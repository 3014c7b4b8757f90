// UNIT: kernel/fd/tty_line.c kernel/fd/tty_out.c kernel/fd/iter.c
/* The line discipline: what is typed, what is shown, what is read. */
#include <asm/signal.h>

#include "kernel/base/errno.h"
#include "kernel/fd/tty.h"
#include "tests/harness/check.h"

static struct tty tty;
static char shown[16384];
static size_t shown_length, stream_room;

static int64_t show(struct tty *t, const char *buf, size_t size)
{
    (void)t;
    size_t part = size < stream_room ? size : stream_room;
    if (part == 0)
        return -EAGAIN;
    memcpy(shown + shown_length, buf, part);
    shown_length += part;
    stream_room -= part;
    return (int64_t)part;
}

static bool never_gone(const struct tty *t)
{
    (void)t;
    return false;
}

static const struct tty_screen screen_ops = {.show = show, .gone = never_gone};

/* The iterators here are over the kernel's memory. */
size_t copy_to_user_partial(struct uptr dst, const void *src, size_t len)
{
    (void)dst, (void)src;
    return len;
}

size_t copy_from_user_partial(void *dst, struct uptr src, size_t len)
{
    (void)dst, (void)src;
    return len;
}

size_t clear_user_partial(struct uptr dst, size_t len)
{
    (void)dst;
    return len;
}

static void start(void)
{
    tty = (struct tty){
        .screen = &screen_ops,
        .termios = {.c_iflag = ICRNL | IXON | IUTF8,
                    .c_oflag = OPOST | ONLCR,
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
                             [VWERASE] = 23,
                             [VLNEXT] = 22}}};
    shown_length = 0;
    stream_room = sizeof(shown);
}

/* Types text; returns the last signal it sent. */
static int type(const char *text)
{
    int signo = 0;
    for (; *text; text++) {
        int sent = tty_input(&tty, (uint8_t)*text);
        signo = sent ? sent : signo;
    }
    tty_flush(&tty);
    return signo;
}

static const char *screen(void)
{
    shown[shown_length] = '\0';
    shown_length = 0;
    return shown;
}

static char got[8192];

/* What a read of up to size bytes gets. */
static const char *take(size_t size)
{
    struct iter it;
    iter_kernel(&it, got, size);
    int64_t n = tty_read_bytes(&tty, &it);
    got[n > 0 ? n : 0] = '\0';
    return got;
}

static void set_canonical(bool on)
{
    bool was = TTY_FLAG(&tty, lflag, ICANON);
    tty.termios.c_lflag =
        on ? tty.termios.c_lflag | ICANON : tty.termios.c_lflag & ~(unsigned)ICANON;
    tty_mode_changed(&tty, was);
}

static void lines_are_read_when_they_end(void)
{
    start();
    type("ab");
    CHECK_EQ(tty_readable(&tty), 0);
    type("c\rde\n");
    CHECK_STR(screen(), "abc\r\nde\r\n");
    CHECK_STR(take(100), "abc\n");
    CHECK_STR(take(1), "d");
    CHECK_STR(take(100), "e\n");
    CHECK_EQ(tty_readable(&tty), 0);
}

static void characters_are_erased(void)
{
    start();
    type("abx\177c");
    CHECK_STR(screen(), "abx\b \bc");
    type("\177\177\177\177");
    CHECK_STR(screen(), "\b \b\b \b\b \b");
    type("\303\244\177o\n"); /* one character of two bytes */
    CHECK_STR(screen(), "\303\244\b \bo\r\n");
    CHECK_STR(take(100), "o\n");
    type("\001\177\n"); /* shown as ^A */
    CHECK_STR(screen(), "^A\b \b\b \b\r\n");
    CHECK_STR(take(100), "\n");
}

static void words_and_lines_are_erased(void)
{
    start();
    type("one two  \027");
    CHECK_STR(screen(), "one two  \b \b\b \b\b \b\b \b\b \b");
    type("2\n");
    CHECK_STR(take(100), "one 2\n");
    screen();
    type("gone\025kept\n");
    CHECK_STR(screen(), "gone\b \b\b \b\b \b\b \bkept\r\n");
    CHECK_STR(take(100), "kept\n");
    type("ab\022c\n");
    CHECK_STR(screen(), "ab^R\r\nabc\r\n");
    CHECK_STR(take(100), "abc\n");
}

static void a_character_is_taken_literally(void)
{
    start();
    CHECK_EQ(type("a\026\003\026\177b\n"), 0);
    CHECK_STR(screen(), "a^\b^C^\b^?b\r\n");
    CHECK_STR(take(100), "a\003\177b\n");
}

static void control_d_ends_a_read(void)
{
    start();
    type("\004");
    CHECK_EQ(tty_readable(&tty), 1);
    CHECK_STR(take(100), "");
    CHECK_EQ(tty_readable(&tty), 0);
    type("abc\004de\n");
    CHECK_STR(screen(), "abcde\r\n");
    CHECK_STR(take(3), "abc"); /* with the mark behind it */
    CHECK_STR(take(100), "de\n");
    type("xyz\004");
    CHECK_STR(take(100), "xyz");
    CHECK_EQ(tty_readable(&tty), 0);
}

static void control_c_sends_a_signal(void)
{
    start();
    CHECK_EQ(type("lost\003"), SIGINT);
    CHECK_STR(screen(), "lost^C");
    CHECK_EQ(type("\034"), SIGQUIT);
    CHECK_EQ(type("\032"), SIGTSTP);
    type("new\n");
    CHECK_STR(take(100), "new\n");
    tty.termios.c_lflag &= ~(unsigned)ISIG;
    CHECK_EQ(type("\003\n"), 0);
    CHECK_STR(take(100), "\003\n");
}

static void raw_bytes_are_read_at_once(void)
{
    start();
    tty.termios.c_iflag = 0;
    tty.termios.c_lflag = ICANON;
    set_canonical(false);
    CHECK_EQ(type("\003\r\177"), 0);
    CHECK_EQ(tty_readable(&tty), 3);
    CHECK_STR(take(2), "\003\r");
    CHECK_STR(take(2), "\177");
    CHECK_STR(screen(), "");
}

/* A program with line editing goes back and forth between the modes; what is typed meanwhile must
 * not get lost. */
static void typed_ahead_survives_a_change_of_mode(void)
{
    start();
    set_canonical(false);
    type("one\r");
    CHECK_STR(take(1), "o");
    set_canonical(true);
    CHECK_EQ(tty_readable(&tty), 3);
    CHECK_STR(take(100), "ne\n");
    type("two");
    CHECK_EQ(tty_readable(&tty), 0);
    set_canonical(false);
    CHECK_EQ(tty_readable(&tty), 3);
    CHECK_STR(take(100), "two");
}

static void pasted_lines_wait_for_room(void)
{
    start();
    unsigned typed = 0, read_lines = 0;
    for (; tty_input_room(&tty) && typed < 10000; typed++)
        type(typed % 10 == 9 ? "\n" : "x");
    CHECK(typed >= 4000 && typed < 4096);
    CHECK_EQ(tty_readable(&tty), typed / 10 * 10);
    for (; tty_readable(&tty) > 0; read_lines++)
        if (strlen(take(100)) != 10)
            break;
    CHECK_EQ(read_lines, typed / 10);
    CHECK(tty_input_room(&tty));
}

static void a_line_that_is_too_long_can_still_end(void)
{
    start();
    stream_room = 0; /* nobody looks */
    for (int i = 0; i < 5000; i++)
        tty_input(&tty, 'x');
    CHECK(tty_input_room(&tty));
    tty_input(&tty, '\n');
    CHECK_EQ(tty_readable(&tty), TTY_INPUT_BYTES - 1);
    CHECK_EQ(strlen(take(8000)), TTY_INPUT_BYTES - 1);
    CHECK_EQ(got[TTY_INPUT_BYTES - 2], '\n');
}

static void the_ring_wraps(void)
{
    start();
    char line[128];
    for (int i = 0; i < 500; i++) {
        snprintf(line, sizeof(line), "line %d of many, so that the ring is used all around\n", i);
        type(line);
        shown_length = 0;
        stream_room = sizeof(shown);
        if (strcmp(take(200), line) != 0)
            break;
    }
    CHECK_STR(got, line);
}

static void output_waits_for_the_stream(void)
{
    start();
    stream_room = 3;
    const char *text = "a\nbc\td";
    for (; *text; text++)
        CHECK(tty_put(&tty, (uint8_t)*text));
    tty_flush(&tty);
    CHECK_STR(screen(), "a\r\n");
    stream_room = 100;
    tty_flush(&tty);
    CHECK_STR(screen(), "bc\td");
    CHECK_EQ(tty.column, 9);
    stream_room = 0;
    unsigned put = 0;
    while (tty_put(&tty, 'x') && put < 5000)
        put++;
    CHECK(put > 1000 && put <= TTY_OUTPUT_BYTES);
}

static void control_s_stops_output(void)
{
    start();
    type("\023x");
    CHECK_STR(screen(), "");
    type("\021");
    CHECK_STR(screen(), "x");
}

static void tabs_are_expanded(void)
{
    start();
    tty.termios.c_oflag |= XTABS;
    tty_put(&tty, 'a');
    tty_put(&tty, '\t');
    tty_flush(&tty);
    CHECK_STR(screen(), "a       ");
}

int main(void)
{
    RUN(lines_are_read_when_they_end);
    RUN(characters_are_erased);
    RUN(words_and_lines_are_erased);
    RUN(a_character_is_taken_literally);
    RUN(control_d_ends_a_read);
    RUN(control_c_sends_a_signal);
    RUN(raw_bytes_are_read_at_once);
    RUN(typed_ahead_survives_a_change_of_mode);
    RUN(pasted_lines_wait_for_room);
    RUN(a_line_that_is_too_long_can_still_end);
    RUN(the_ring_wraps);
    RUN(output_waits_for_the_stream);
    RUN(control_s_stops_output);
    RUN(tabs_are_expanded);
    return check_done();
}
