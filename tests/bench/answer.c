/*
 * The server that `make bench` measures the network's own cost with: HTTP/1.1 with keep-alive, one
 * thread, epoll, 100 bytes for whatever is asked. Requests must arrive in one piece, as wrk and ab
 * send them.
 */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define PORT 8080
#define EVENTS 64
#define BODY "0123456789012345678901234567890123456789012345678\n"

static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n" BODY BODY;
static const char last[] =
    "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 100\r\n\r\n" BODY BODY;

static void add(int set, int fd)
{
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    if (epoll_ctl(set, EPOLL_CTL_ADD, fd, &event) != 0)
        perror("epoll_ctl");
}

static void take(int set, int server)
{
    int one = 1, fd = accept4(server, NULL, NULL, SOCK_NONBLOCK);
    if (fd < 0)
        return;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    add(set, fd);
}

/* HTTP/1.0 without keep-alive is what ab sends for a connection a request. */
static void serve(int fd)
{
    char request[4096];
    ssize_t size = read(fd, request, sizeof(request) - 1);
    if (size <= 0) {
        close(fd);
        return;
    }
    request[size] = 0;
    if (strstr(request, " HTTP/1.0\r\n") && !strcasestr(request, "keep-alive")) {
        (void)!write(fd, last, sizeof(last) - 1);
        close(fd);
    } else {
        (void)!write(fd, answer, sizeof(answer) - 1);
    }
}

int main(void)
{
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_port = htons(PORT)};
    struct epoll_event events[EVENTS];
    int one = 1, server = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), set = epoll_create1(0);
    setsockopt(server, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    if (bind(server, (struct sockaddr *)&name, sizeof(name)) != 0 || listen(server, 1024) != 0) {
        perror("answer");
        return 1;
    }
    add(set, server);
    for (;;) {
        int count = epoll_wait(set, events, EVENTS, -1);
        for (int n = 0; n < count; n++) {
            if (events[n].data.fd == server)
                take(set, server);
            else
                serve(events[n].data.fd);
        }
    }
}
