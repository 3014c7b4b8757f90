/*
 * A standard input that is a file: answers what the machine asks for.
 */
#include "host/vmm/input.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

void input_init(struct input *input, int file, int port)
{
    memset(input, 0, offsetof(struct input, buffer));
    input->file = file;
    input->port = port;
}

void input_ask(struct input *input, const char *data, size_t size)
{
    if (input->file < 0 || size != sizeof(struct orris_stdin_read) ||
        input->asked_count == ORRIS_STDIN_READS_MAX)
        return;
    memcpy(&input->asked[input->asked_count++], data, size);
}

void input_leave(const struct input *input, const char *data, size_t size)
{
    int64_t position;
    if (input->file < 0 || size != sizeof(position))
        return;
    memcpy(&position, data, size);
    if (position >= 0)
        (void)lseek(input->file, position, SEEK_SET);
}

static int64_t nanoseconds(struct timespec time)
{
    return time.tv_sec * 1000000000ll + time.tv_nsec;
}

static void add_attributes(struct orris_stdin_answer *answer, const struct stat *stat)
{
    answer->file_size = (uint64_t)stat->st_size;
    answer->blocks = (uint64_t)stat->st_blocks;
    answer->ino = stat->st_ino;
    answer->atime_ns = nanoseconds(stat->st_atim);
    answer->mtime_ns = nanoseconds(stat->st_mtim);
    answer->ctime_ns = nanoseconds(stat->st_ctim);
    answer->mode = stat->st_mode;
    answer->links = (uint32_t)stat->st_nlink;
    answer->uid = stat->st_uid;
    answer->gid = stat->st_gid;
    answer->block_size = (uint32_t)stat->st_blksize;
}

/* Puts the answer to the oldest request into the buffer. The attributes are looked at last, so that
 * they are never older than the data. */
static void answer_make(struct input *input)
{
    struct orris_stdin_read asked = input->asked[0];
    struct orris_stdin_answer answer = {0};
    struct stat stat;
    size_t size = asked.size < ORRIS_STDIN_READ_MAX ? asked.size : ORRIS_STDIN_READ_MAX;
    input->asked_count--;
    memmove(input->asked, input->asked + 1, input->asked_count * sizeof(*input->asked));
    ssize_t n =
        size ? pread(input->file, input->buffer + sizeof(answer), size, (off_t)asked.offset) : 0;
    if (n < 0)
        answer.error = (uint32_t)errno;
    answer.size = n < 0 ? 0 : (uint32_t)n;
    if (fstat(input->file, &stat) == 0)
        add_attributes(&answer, &stat);
    memcpy(input->buffer, &answer, sizeof(answer));
    input->at = 0;
    input->size = sizeof(answer) + answer.size;
}

void input_poll(const struct input *input, struct pollfd *entry)
{
    bool busy = input->size || input->asked_count;
    *entry = (struct pollfd){.fd = busy ? input->port : -1, .events = POLLOUT};
}

void input_move(struct input *input)
{
    if (!input->size && input->asked_count)
        answer_make(input);
    if (!input->size)
        return;
    ssize_t n =
        send(input->port, input->buffer + input->at, input->size, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n < 0 && errno != EAGAIN && errno != EINTR) /* the machine has gone */
        n = (ssize_t)input->size;
    if (n > 0) {
        input->at += (size_t)n;
        input->size -= (size_t)n;
    }
}
