/*
 * QEMU's monitor protocol (docs/interop/qmp-spec in QEMU's sources): a greeting, then lines of
 * JSON. Paths of sockets are short; a store's need not be, so the folder is named by a descriptor.
 */
#include "host/vmm/qmp.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "host/base/buf.h"

#define PATIENCE_S 5
#define LINE_MAX_BYTES (1u << 20)

/* A socket and its address; *folder_fd is to be closed when that was used. */
static int make_socket(const char *folder, const char *name, struct sockaddr_un *address,
                       int *folder_fd, struct error *err)
{
    *folder_fd = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    snprintf(address->sun_path, sizeof(address->sun_path), "/proc/self/fd/%d/%s", *folder_fd, name);
    if (*folder_fd >= 0 && fd >= 0)
        return fd;
    error_errno(err, "%s", folder);
    if (*folder_fd >= 0)
        close(*folder_fd);
    if (fd >= 0)
        close(fd);
    return -1;
}

int qmp_listen(const char *folder, const char *name, struct error *err)
{
    struct sockaddr_un address;
    int folder_fd, fd = make_socket(folder, name, &address, &folder_fd, err);
    if (fd < 0)
        return -1;
    unlink(address.sun_path);
    bool good = bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0 && listen(fd, 4) == 0;
    if (!good)
        error_errno(err, "can't make %s/%s", folder, name);
    close(folder_fd);
    if (good)
        return fd;
    close(fd);
    return -1;
}

static int qmp_connect(const char *folder, const char *name, struct error *err)
{
    struct sockaddr_un address;
    const struct timeval patience = {.tv_sec = PATIENCE_S};
    int folder_fd, fd = make_socket(folder, name, &address, &folder_fd, err);
    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
    bool good = connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0;
    if (!good)
        error_errno(err, "can't reach the machine's monitor");
    close(folder_fd);
    if (good)
        return fd;
    close(fd);
    return -1;
}

/* The next line as JSON. */
static json_t *receive(int fd, struct buf *in)
{
    for (;;) {
        char *end = in->size ? memchr(in->data, '\n', in->size) : NULL;
        if (end) {
            size_t size = (size_t)(end - in->data);
            json_t *message = json_loadb(in->data, size, 0, NULL);
            buf_drop(in, size + 1);
            return message;
        }
        buf_reserve(in, 4096);
        ssize_t n = recv(fd, in->data + in->size, 4096, 0);
        if (n <= 0 || in->size > LINE_MAX_BYTES)
            return NULL;
        in->size += (size_t)n;
    }
}

/* Sends a command and returns its answer; events in between are passed over. */
static json_t *ask(int fd, struct buf *in, const char *command)
{
    char *text = mem_printf("{\"execute\": \"%s\"}\n", command);
    bool sent = send(fd, text, strlen(text), MSG_NOSIGNAL) == (ssize_t)strlen(text);
    free(text);
    while (sent) {
        json_t *message = receive(fd, in);
        json_t *answer = json_object_get(message, "return");
        bool refused = json_object_get(message, "error") != NULL;
        if (answer)
            json_incref(answer);
        bool over = answer || refused || !message;
        json_decref(message);
        if (over)
            return answer;
    }
    return NULL;
}

json_t *qmp_execute(const char *folder, const char *name, const char *command, struct error *err)
{
    struct buf in = {0};
    int fd = qmp_connect(folder, name, err);
    if (fd < 0)
        return NULL;
    json_t *greeting = receive(fd, &in);
    json_t *ready = greeting ? ask(fd, &in, "qmp_capabilities") : NULL;
    json_t *answer = ready ? ask(fd, &in, command) : NULL;
    if (!answer)
        error_set(err, "the machine's monitor does not answer %s", command);
    json_decref(greeting);
    json_decref(ready);
    buf_clear(&in);
    close(fd);
    return answer;
}
