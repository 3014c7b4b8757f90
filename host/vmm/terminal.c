/*
 * The host's terminal while the program has it.
 */
#include "host/vmm/terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include "host/base/say.h"

void terminal_init(struct terminal *terminal, int fd, bool input, bool full)
{
    *terminal = (struct terminal){.fd = fd, .wanted = fd >= 0 && input, .full = full};
}

static void modes_for_guest(struct termios *modes, bool full)
{
    modes->c_iflag &= ~(tcflag_t)(IGNBRK | BRKINT | PARMRK | ISTRIP | INLCR | IGNCR | ICRNL | IXON);
    modes->c_lflag &= ~(tcflag_t)(ECHO | ECHONL | ICANON | IEXTEN);
    modes->c_cc[VMIN] = 1;
    modes->c_cc[VTIME] = 0;
    if (!full)
        return;
    modes->c_lflag &= ~(tcflag_t)ISIG;
    modes->c_oflag &= ~(tcflag_t)OPOST;
}

bool terminal_take(struct terminal *terminal)
{
    if (!terminal->wanted || terminal->taken)
        return true;
    if (tcgetpgrp(terminal->fd) != getpgrp() || tcgetattr(terminal->fd, &terminal->saved) != 0)
        return false;
    struct termios modes = terminal->saved;
    modes_for_guest(&modes, terminal->full);
    if (tcsetattr(terminal->fd, TCSANOW, &modes) != 0)
        return false;
    terminal->taken = true;
    say_raw_terminal = terminal->full && isatty(STDERR_FILENO);
    return true;
}

void terminal_release(struct terminal *terminal)
{
    if (!terminal->taken)
        return;
    /* In the background this would stop us with SIGTTOU, which the relay ignores meanwhile. */
    tcsetattr(terminal->fd, TCSANOW, &terminal->saved);
    terminal->taken = false;
    say_raw_terminal = false;
}

bool terminal_adds_return(const struct terminal *terminal)
{
    struct termios modes;
    if (terminal->fd < 0 || tcgetattr(terminal->fd, &modes) != 0)
        return false;
    return (modes.c_oflag & OPOST) && (modes.c_oflag & ONLCR);
}

bool terminal_size(const struct terminal *terminal, struct orris_winsize *size)
{
    struct winsize host;
    if (terminal->fd < 0 || ioctl(terminal->fd, TIOCGWINSZ, &host) != 0)
        return false;
    *size = (struct orris_winsize){
        .rows = host.ws_row,
        .columns = host.ws_col,
        .x_pixels = host.ws_xpixel,
        .y_pixels = host.ws_ypixel,
    };
    return true;
}
