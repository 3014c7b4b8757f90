/*
 * Files with long names, for tests/e2e/memory_names.sh. `whiteouts --make COUNT DIR` makes them;
 * `whiteouts COUNT DIR` removes those of an image: what hides each name takes memory.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int make(const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT, 0644);
    return fd < 0 ? -1 : close(fd);
}

int main(int argc, char **argv)
{
    char filler[200], path[300];
    int making = argc == 4, count = atoi(argv[1 + making]), i = 0, error = 0;
    memset(filler, 'n', sizeof(filler));
    for (; i < count && !error; i += !error) {
        snprintf(path, sizeof(path), "%s/%.200s%d", argv[2 + making], filler, i);
        if (making ? make(path) : unlink(path))
            error = errno;
    }
    printf("END %d %s\n", i, error ? strerrorname_np(error) : "DONE");
    if (making)
        return error;
    return make("/tmp/a") == 0 && unlink("/tmp/a") == 0 && access(path, F_OK) == 0 ? 0 : 1;
}
