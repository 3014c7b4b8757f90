#include "store.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

struct store *store_create(const char *url, double patience)
{
    struct store *store = calloc(1, sizeof(*store));
    if (!store || strncmp(url, "http://", 7) != 0)
        return NULL;
    const char *place = url + 7, *path = place + strcspn(place, "/");
    store->host = strndup(place, (size_t)(path - place));
    store->path = strdup(*path ? path : "/");
    store->patience = patience;
    char *port = strchr(store->host, ':');
    if (port)
        *port++ = 0;
    store->port = port ? port : "80";
    return *store->host ? store : NULL;
}

/* A connection whose every step, connecting too, takes `patience` at most; −1 and *why. */
static int reach(const struct store *store, struct refusal *why)
{
    struct timeval limit = {.tv_sec = (time_t)store->patience};
    limit.tv_usec = (suseconds_t)((store->patience - (double)limit.tv_sec) * 1e6);
    struct addrinfo *found, hints = {.ai_socktype = SOCK_STREAM};
    int fd = -1, error = getaddrinfo(store->host, store->port, &hints, &found);
    if (error) {
        refuse(why, "unreachable", "%s: %s", store->host, gai_strerror(error));
        return -1;
    }
    for (const struct addrinfo *at = found; at && fd < 0; at = at->ai_next) {
        fd = socket(at->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
        if (connect(fd, at->ai_addr, at->ai_addrlen) == 0)
            continue;
        refuse(why, "unreachable", "connect: %s", strerror(errno));
        close(fd);
        fd = -1;
    }
    freeaddrinfo(found);
    return fd;
}

/* By HTTP 1.0, so that the end of the answer is the end of the connection. */
static bool ask(int fd, const struct store *store)
{
    return dprintf(fd, "GET %s HTTP/1.0\r\nHost: %s:%s\r\nAccept: text/csv, */*\r\n%s%s\r\n\r\n",
                   store->path, store->host, store->port,
                   *store->etag ? "If-None-Match: " : "User-Agent: iris-native", store->etag) > 0;
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* As much of the answer as comes in time and has room; what that makes is seen by its head. */
static size_t receive(int fd, double end, char *answer)
{
    size_t size = 0;
    ssize_t got = 1;
    while (size < LARGEST_ANSWER && now() < end && got > 0) {
        got = recv(fd, answer + size, LARGEST_ANSWER - size, 0);
        size += got > 0 ? (size_t)got : 0;
    }
    answer[size] = 0;
    return size;
}

/* The value of a line of the head, of which every line is ended by a zero byte, or NULL. */
static const char *header(const char *head, const char *end, const char *name)
{
    size_t length = strlen(name);
    for (const char *at = head; at < end; at += strlen(at) + 1)
        if (strncasecmp(at, name, length) == 0 && at[length] == ':')
            return at + length + 1 + strspn(at + length + 1, " \t");
    return NULL;
}

static enum fetched take(struct store *store, size_t got, char **body, struct refusal *why)
{
    char *answer = store->answer, *end = strstr(answer, "\r\n\r\n");
    int status = 0;
    if (!end)
        return refuse(why, "unreachable", "no answer within %g seconds", store->patience);
    *body = end + 4;
    got -= (size_t)(*body - answer);
    for (char *at = answer; at < *body; at++)
        if (*at == '\r' || *at == '\n')
            *at = 0;
    if (sscanf(answer, "HTTP/1.%*1[01] %3d", &status) == 1 && status == 304)
        return FETCH_UNCHANGED;
    if (status != 200)
        return refuse(why, "status", "the store answered \"%.60s\"", answer);
    const char *length = header(answer, *body, "Content-Length");
    const char *etag = header(answer, *body, "ETag");
    if (!length || header(answer, *body, "Transfer-Encoding"))
        return refuse(why, "incomplete", "the store does not say how long its answer is");
    size_t size = strtoull(length, NULL, 10);
    if (size > LARGEST_DATA)
        return refuse(why, "too_large", "%s bytes, and %d are the most", length, LARGEST_DATA);
    if (got < size)
        return refuse(why, "incomplete", "%zu of %zu bytes came", got, size);
    for (char *zero; (zero = memchr(*body, 0, size));)
        *zero = '?'; /* no text: it will be refused as what it then is */
    (*body)[size] = 0;
    snprintf(store->etag, sizeof(store->etag), "%s", etag ? etag : "");
    return FETCH_DATA;
}

enum fetched store_fetch(struct store *store, char **body, struct refusal *why)
{
    double end = now() + store->patience;
    int fd = reach(store, why);
    if (fd < 0)
        return FETCH_FAILED;
    enum fetched got = ask(fd, store) ? take(store, receive(fd, end, store->answer), body, why)
                                      : refuse(why, "unreachable", "the store took no request");
    close(fd);
    return got;
}
