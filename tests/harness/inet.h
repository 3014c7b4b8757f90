/* What the tests of AF_INET and AF_INET6 share: names on loopback, servers, connected pairs. */
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "tests/harness/guest.h"

static inline struct sockaddr_in name4(const char *address, int port)
{
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    inet_pton(AF_INET, address, &name.sin_addr);
    return name;
}

static inline struct sockaddr_in6 name6(const char *address, int port)
{
    struct sockaddr_in6 name = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port)};
    inet_pton(AF_INET6, address, &name.sin6_addr);
    return name;
}

static inline int bind4(int fd, const char *address, int port)
{
    struct sockaddr_in name = name4(address, port);
    return bind(fd, (struct sockaddr *)&name, sizeof(name));
}

static inline int connect4(int fd, const char *address, int port)
{
    struct sockaddr_in name = name4(address, port);
    return connect(fd, (struct sockaddr *)&name, sizeof(name));
}

static inline int bind6(int fd, const char *address, int port)
{
    struct sockaddr_in6 name = name6(address, port);
    return bind(fd, (struct sockaddr *)&name, sizeof(name));
}

static inline int connect6(int fd, const char *address, int port)
{
    struct sockaddr_in6 name = name6(address, port);
    return connect(fd, (struct sockaddr *)&name, sizeof(name));
}

/* The port of either end. */
static inline int port_of(int fd, bool peer)
{
    struct sockaddr_in6 name = {0};
    socklen_t size = sizeof(name);
    int err = peer ? getpeername(fd, (struct sockaddr *)&name, &size)
                   : getsockname(fd, (struct sockaddr *)&name, &size);
    return err ? -1 : ntohs(name.sin6_port); /* at the same place in both families */
}

static inline int option_of(int fd, int level, int option)
{
    int value = -1;
    socklen_t size = sizeof(value);
    return getsockopt(fd, level, option, &value, &size) ? -errno : value;
}

static inline int set_option(int fd, int level, int option, int value)
{
    return setsockopt(fd, level, option, &value, sizeof(value));
}

/* A listener on a port of 127.0.0.1 that was free. */
static inline int tcp_server(int *port)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK_OK(bind4(fd, "127.0.0.1", 0));
    CHECK_OK(listen(fd, 16));
    *port = port_of(fd, false);
    return fd;
}

/* Two ends of a connection on loopback. */
static inline void tcp_pair(int s[2])
{
    int port, server = tcp_server(&port);
    s[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK_OK(connect4(s[0], "127.0.0.1", port));
    s[1] = accept4(server, NULL, NULL, SOCK_CLOEXEC);
    CHECK(s[1] >= 0);
    close(server);
}

static inline int udp_socket(const char *address, int *port)
{
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    CHECK_OK(bind4(fd, address, 0));
    *port = port_of(fd, false);
    return fd;
}

/* Events that poll() reports at once, or after up to ten seconds. */
static inline int events_of(int fd, short wanted, int timeout_ms)
{
    struct pollfd entry = {.fd = fd, .events = wanted};
    return poll(&entry, 1, timeout_ms) < 0 ? -1 : entry.revents;
}
#define SOON_MS 10000
