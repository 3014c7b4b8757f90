/* TCP: connections that follow each other, by the thousand, on the ports of those before. */
#include <pthread.h>

#include "tests/harness/inet.h"

#define CLIENTS 16
#define ROUNDS 250

static int server_port;

/* One connection: a byte there, one back; the server closes first, so that the connection waits in
 * its TIME-WAIT. port 0: any. Returns 0, or an errno. */
static int visit(int port)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), err = 0;
    char byte = 'a', more;
    set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    if ((port && bind4(fd, "127.0.0.1", port)) || connect4(fd, "127.0.0.1", server_port) ||
        write(fd, &byte, 1) != 1 || read(fd, &byte, 1) != 1)
        err = errno ? errno : EIO;
    else if (byte != 'b' || read(fd, &more, 1) != 0)
        err = EPROTO;
    close(fd);
    return err;
}

static void *serve(void *arg)
{
    int server = *(int *)arg;
    for (;;) {
        char byte = 0;
        int fd = accept4(server, NULL, NULL, SOCK_CLOEXEC);
        if (fd < 0)
            return NULL;
        if (read(fd, &byte, 1) == 1 && byte == 'a')
            (void)!write(fd, "b", 1);
        close(fd);
    }
}

static pthread_t begin(int *server)
{
    *server = tcp_server(&server_port);
    CHECK_OK(set_option(*server, SOL_SOCKET, SO_REUSEADDR, 1)); /* its connections', too */
    CHECK_OK(listen(*server, 128));
    return thread_start(serve, server);
}

static void end(int server, pthread_t thread)
{
    shutdown(server, SHUT_RDWR);
    pthread_join(thread, NULL);
    close(server);
}

static void the_same_port_again(void)
{
    int server, other, port, failed = 0;
    pthread_t thread = begin(&server);
    other = tcp_server(&port); /* a port that is free when this is closed */
    close(other);
    for (int i = 0; i < 100; i++)
        failed += visit(port) != 0;
    CHECK_EQ(failed, 0);
    end(server, thread);
}

/* A server that ends and begins anew on its port, with connections that live on and others in
 * TIME-WAIT. */
static void listening_again_at_once(void)
{
    int server, kept = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    char byte = 0;
    for (int i = 0; i < 5; i++) {
        pthread_t thread = begin(&server);
        int port = server_port, old, again = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        CHECK_EQ(visit(0), 0); /* the server closes first */
        end(server, thread);
        CHECK_ERR(bind4(again, "127.0.0.1", port), EADDRINUSE);
        CHECK_OK(set_option(again, SOL_SOCKET, SO_REUSEADDR, 1));
        CHECK_OK(bind4(again, "127.0.0.1", port));
        CHECK_OK(listen(again, 8));
        CHECK_OK(connect4(kept, "127.0.0.1", port));
        old = accept4(again, NULL, NULL, SOCK_CLOEXEC);
        close(again);
        again = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        CHECK_OK(set_option(again, SOL_SOCKET, SO_REUSEADDR, 1));
        CHECK_OK(bind4(again, "127.0.0.1", port));
        CHECK_OK(listen(again, 8));
        CHECK_EQ(write(old, "x", 1), 1);
        CHECK_EQ(read(kept, &byte, 1), 1);
        close(old);
        close(kept);
        close(again);
        kept = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    }
    close(kept);
}

static void *visit_often(void *arg)
{
    int *failed = arg;
    for (int i = 0; i < ROUNDS; i++) {
        int err = visit(0);
        if (err)
            *failed = err;
    }
    return NULL;
}

static void many_at_once_and_after_each_other(void)
{
    pthread_t clients[CLIENTS];
    int failed[CLIENTS] = {0}, server;
    pthread_t thread = begin(&server);
    for (int i = 0; i < CLIENTS; i++)
        clients[i] = thread_start(visit_often, &failed[i]);
    for (int i = 0; i < CLIENTS; i++) {
        pthread_join(clients[i], NULL);
        CHECK_EQ(failed[i], 0);
    }
    end(server, thread);
}

int main(void)
{
    RUN(the_same_port_again);
    RUN(listening_again_at_once);
    RUN(many_at_once_and_after_each_other);
    return check_done();
}
