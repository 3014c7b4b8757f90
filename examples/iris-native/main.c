/* Classifies irises over HTTP with a model that is trained at the start and again whenever the data
 * in the store has changed. Settings come from the environment; README.md lists them. */
#include <microhttpd.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "service.h"

#define LARGEST_BODY 65536
#define MOST_CONNECTIONS 512
#define GRACE_MS 5000 /* for requests under way when the service ends */
#define STACK (256 << 10)

struct request {
    char *body;
    size_t size;
};

static double refresh_seconds;
static volatile bool ending;
static _Atomic int under_way;

/* A request's end, whether it was answered or its client has gone. */
static void completed(void *context, struct MHD_Connection *connection, void **state,
                      enum MHD_RequestTerminationCode how)
{
    (void)context, (void)connection, (void)how;
    struct request *request = *state;
    if (!request)
        return;
    free(request->body);
    free(request);
    under_way--;
}

static bool add_body(struct request *request, const char *data, size_t size)
{
    if (request->size + size > LARGEST_BODY)
        return false;
    char *body = realloc(request->body, request->size + size);
    if (!body)
        return false;
    memcpy(body + request->size, data, size);
    request->body = body;
    request->size += size;
    return true;
}

static unsigned answer_to(struct service *service, const char *method, const char *path,
                          const struct request *request, json_t **answer)
{
    bool predict = strcmp(path, "/predict") == 0, health = strcmp(path, "/health") == 0;
    bool get = strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;
    if (!predict && !health && strcmp(path, "/model") != 0)
        return service_error(404, answer, "there is no %.60s: see /predict, /model, /health", path);
    if (predict ? strcmp(method, "POST") != 0 : !get)
        return service_error(405, answer, "%.20s is not for %s", method, path);
    if (predict)
        return service_predict(service, request->body, request->size, answer);
    return health ? service_health(service, answer) : service_describe(service, answer);
}

static enum MHD_Result reply(struct MHD_Connection *connection, unsigned status, json_t *answer,
                             const char *path)
{
    char *text = json_dumps(answer, JSON_REAL_PRECISION(15));
    json_decref(answer);
    if (!text)
        return MHD_NO;
    struct MHD_Response *response =
        MHD_create_response_from_buffer(strlen(text), text, MHD_RESPMEM_MUST_FREE);
    MHD_add_response_header(response, "Content-Type", "application/json");
    if (status == 405)
        MHD_add_response_header(response, "Allow",
                                strcmp(path, "/predict") == 0 ? "POST" : "GET, HEAD");
    if (ending)
        MHD_add_response_header(response, "Connection", "close");
    enum MHD_Result queued = MHD_queue_response(connection, status, response);
    MHD_destroy_response(response);
    return queued;
}

static bool too_large(struct MHD_Connection *connection)
{
    const char *length = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Content-Length");
    return length && strtoull(length, NULL, 10) > LARGEST_BODY;
}

/* Called when a request's head is there, for each part of its body, and at its end. */
static enum MHD_Result handle(void *context, struct MHD_Connection *connection, const char *path,
                              const char *method, const char *http, const char *data, size_t *size,
                              void **state)
{
    (void)http;
    json_t *answer = NULL;
    if (!*state) {
        struct request *request = *state = calloc(1, sizeof(*request));
        if (!request)
            return MHD_NO;
        under_way++;
        if (!too_large(connection))
            return MHD_YES;
        unsigned status = service_error(413, &answer, "up to %d bytes, please", LARGEST_BODY);
        return reply(connection, status, answer, path);
    }
    if (*size) {
        bool fits = add_body(*state, data, *size);
        *size = 0;
        return fits ? MHD_YES : MHD_NO;
    }
    unsigned status = answer_to(context, method, path, *state, &answer);
    return reply(connection, status, answer, path);
}

static void *refresh_forever(void *service)
{
    for (double pause = 1;; pause *= 2) {
        bool served = service_refresh(service);
        double wait = served || pause > refresh_seconds ? refresh_seconds : pause;
        struct timespec t = {.tv_sec = (time_t)wait};
        t.tv_nsec = (long)((wait - (double)t.tv_sec) * 1e9);
        nanosleep(&t, NULL);
    }
    return NULL;
}

static double setting(const char *name, double preset, double low, double high)
{
    const char *text = getenv(name);
    char *end = "";
    double value = text ? strtod(text, &end) : preset;
    if ((text && !*text) || *end || !(value >= low && value <= high)) {
        fprintf(stderr, "iris: %s is \"%s\", not a number from %g to %g\n", name, text, low, high);
        exit(1);
    }
    return value;
}

/* Accepts nothing more and waits until what was begun is answered. */
static void drain(struct MHD_Daemon *daemon)
{
    ending = true;
    MHD_socket listening = MHD_quiesce_daemon(daemon);
    if (listening != MHD_INVALID_SOCKET)
        close(listening);
    for (int ms = 0; under_way && ms < GRACE_MS; ms += 10)
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
}

int main(void)
{
    unsigned short port = (unsigned short)setting("IRIS_PORT", 8080, 0, 65535);
    refresh_seconds = setting("IRIS_REFRESH", 30, 0.05, 86400);
    double least = setting("IRIS_LEAST_ACCURACY", 0.8, 0, 1);
    double patience = setting("IRIS_PATIENCE", 10, 0.1, 3600);
    unsigned idle = (unsigned)setting("IRIS_IDLE", 60, 1, 86400);
    const char *url = getenv("IRIS_STORE");
    struct store *store = store_create(url ? url : "", patience);
    if (!store) {
        fprintf(stderr, "iris: IRIS_STORE, the URL of the training data, is \"%s\", not http://…\n",
                url ? url : "");
        return 1;
    }
    sigset_t ends; /* every thread inherits this: the signals wait for sigwait below */
    sigemptyset(&ends);
    sigaddset(&ends, SIGTERM);
    sigaddset(&ends, SIGINT);
    pthread_sigmask(SIG_BLOCK, &ends, NULL);
    signal(SIGPIPE, SIG_IGN); /* who hangs up on us is told by errno */
    struct service *service = service_create(store, least);
    struct MHD_Daemon *daemon = MHD_start_daemon(
        MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_ITC, port, NULL, NULL, handle, service,
        MHD_OPTION_NOTIFY_COMPLETED, completed, NULL, MHD_OPTION_CONNECTION_LIMIT, MOST_CONNECTIONS,
        MHD_OPTION_CONNECTION_TIMEOUT, idle, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)8192,
        MHD_OPTION_THREAD_STACK_SIZE, (size_t)STACK, MHD_OPTION_END);
    if (!daemon) {
        fprintf(stderr, "iris: port %u: ", port);
        perror(NULL);
        return 1;
    }
    pthread_t thread;
    if (pthread_create(&thread, NULL, refresh_forever, service) != 0)
        return 1;
    fprintf(stderr, "iris: serving on port %u, data from %s\n",
            MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_BIND_PORT)->port, url);
    int which;
    sigwait(&ends, &which);
    drain(daemon);
    fprintf(stderr, "iris: ended\n");
    return 0;
}
