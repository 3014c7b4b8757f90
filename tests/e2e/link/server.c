/*
 * A server for net_abuse.sh: one thread, epoll, HTTP/1.1 with keep-alive on port 8080. /free is how
 * much memory is free, in KiB, /large a megabyte, anything else a line; after /close it closes the
 * connection, and at /restart it gives its port up and takes it again. What a client sends may come
 * in pieces, what it doesn't read waits.
 */
#include <stdbool.h>

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define LARGE (1u << 20)
#define REQUEST_MAX 512u
#define DESCRIPTORS 65536u

struct client {
    char request[REQUEST_MAX];
    unsigned got;
    const char *out; /* what is still to be sent */
    size_t left;
    char *owned;
    bool last; /* it is closed after this answer */
};

static struct client *clients[DESCRIPTORS];
static char large[LARGE + 128];
static size_t large_size;
static int set, server = -1;

static void drop(int fd)
{
    free(clients[fd]->owned);
    free(clients[fd]);
    clients[fd] = NULL;
    close(fd);
}

static void want(int fd, uint32_t events)
{
    struct epoll_event e = {.events = events, .data.fd = fd};
    epoll_ctl(set, EPOLL_CTL_MOD, fd, &e);
}

static void push(int fd)
{
    struct client *c = clients[fd];
    while (c->left) {
        ssize_t n = send(fd, c->out, c->left, MSG_NOSIGNAL);
        if (n < 0 && errno == EAGAIN) {
            want(fd, EPOLLOUT);
            return;
        }
        if (n < 0) {
            drop(fd);
            return;
        }
        c->out += n;
        c->left -= (size_t)n;
    }
    if (c->last) {
        drop(fd);
        return;
    }
    free(c->owned);
    c->owned = NULL;
    want(fd, EPOLLIN);
}

static char *line(const char *text)
{
    char *out = NULL;
    if (asprintf(&out, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n%s", strlen(text), text) < 0)
        abort();
    return out;
}

static char *free_memory(void)
{
    char name[64], text[64] = "";
    long kib = 0;
    FILE *f = fopen("/proc/meminfo", "r");
    while (f && fscanf(f, "%63s %ld kB\n", name, &kib) == 2)
        if (strcmp(name, "MemAvailable:") == 0)
            snprintf(text, sizeof(text), "%ld\n", kib);
    if (f)
        fclose(f);
    return line(text);
}

/* Takes the port. False: errno says why not. */
static bool serve(void)
{
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_port = htons(8080)};
    struct epoll_event e = {.events = EPOLLIN, .data.fd = -1};
    int one = 1;
    server = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    setsockopt(server, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    return bind(server, (struct sockaddr *)&name, sizeof(name)) == 0 && listen(server, 4096) == 0 &&
           epoll_ctl(set, EPOLL_CTL_ADD, server, &e) == 0;
}

static char *restart(void)
{
    close(server);
    return line(serve() ? "listening again\n" : strerror(errno));
}

static void answer(int fd)
{
    struct client *c = clients[fd];
    c->got = 0;
    if (strncmp(c->request, "GET /large ", 11) == 0) {
        c->out = large;
        c->left = large_size;
    } else {
        c->owned = strncmp(c->request, "GET /free ", 10) == 0      ? free_memory()
                   : strncmp(c->request, "GET /restart ", 13) == 0 ? restart()
                                                                   : line("hello\n");
        c->last = strncmp(c->request, "GET /close ", 11) == 0;
        c->out = c->owned;
        c->left = strlen(c->owned);
    }
    push(fd);
}

static void take(int fd)
{
    struct client *c = clients[fd];
    ssize_t n = read(fd, c->request + c->got, REQUEST_MAX - 1 - c->got);
    if (n < 0 && errno == EAGAIN)
        return;
    if (n <= 0) {
        drop(fd);
        return;
    }
    c->got += (unsigned)n;
    c->request[c->got] = 0;
    if (strstr(c->request, "\r\n\r\n"))
        answer(fd);
    else if (c->got == REQUEST_MAX - 1)
        drop(fd);
}

static void take_clients(void)
{
    int fd;
    while ((fd = accept4(server, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
        struct epoll_event e = {.events = EPOLLIN, .data.fd = fd};
        clients[fd] = calloc(1, sizeof(struct client));
        epoll_ctl(set, EPOLL_CTL_ADD, fd, &e);
    }
}

int main(void)
{
    struct rlimit files = {DESCRIPTORS - 1, DESCRIPTORS - 1};
    setrlimit(RLIMIT_NOFILE, &files);
    large_size = (size_t)sprintf(large, "HTTP/1.1 200 OK\r\nContent-Length: %u\r\n\r\n", LARGE);
    memset(large + large_size, 'x', LARGE);
    large_size += LARGE;
    set = epoll_create1(0);
    if (!serve()) {
        perror("server");
        return 1;
    }
    puts("serving");
    fflush(stdout);
    for (;;) {
        struct epoll_event events[256];
        int count = epoll_wait(set, events, 256, -1);
        for (int n = 0; n < count; n++) {
            int fd = events[n].data.fd;
            if (fd < 0)
                take_clients();
            else if (clients[fd] && clients[fd]->left)
                push(fd);
            else if (clients[fd])
                take(fd);
        }
    }
}
