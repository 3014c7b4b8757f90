/* Descriptors, names and pipes that several threads change at once. */
#include <dirent.h>

#include "tests/harness/stress.h"

/* One number for many files: whoever reads finds one of them or none, and closing is counted right.
 */
static void *replace_number(void *arg)
{
    char mine = (char)('a' + (int)(intptr_t)arg), name[] = "file-?", got;
    long wrong = 0;
    name[5] = mine;
    wrong += !file_put(name, name + 5);
    while (!stress_stop) {
        int fd = open(name, O_RDONLY);
        wrong += fd < 0;
        wrong += dup2(fd, 200) != 200 && errno != EBUSY;
        close(fd);
        ssize_t n = pread(200, &got, 1, 0);
        wrong += n == 1 ? got < 'a' || got > 'h' : n == -1 && errno != EBADF;
        if (got == 'c')
            close(200);
    }
    wrong += unlink(name) != 0;
    return (void *)wrong;
}

static int open_descriptors(void)
{
    int count = 0;
    DIR *dir = opendir("/proc/self/fd");
    while (dir && readdir(dir))
        count++;
    closedir(dir);
    return count;
}

static void one_number_for_many_files(void)
{
    int before = open_descriptors();
    CHECK_EQ(stress(8, replace_number, 6), 0);
    close(200);
    CHECK_EQ(open_descriptors(), before);
}

/* Files move between names; each is under exactly one name at the end, with what is its own. */
#define FILES 6
static void *move_files(void *arg)
{
    unsigned seed = (unsigned)(uintptr_t)arg + 1;
    char from[32], to[32], link_name[32];
    snprintf(link_name, sizeof(link_name), "link-%d", (int)(intptr_t)arg);
    long wrong = 0;
    while (!stress_stop) {
        snprintf(from, sizeof(from), "d%u/f%u", stress_random(&seed) % 2,
                 stress_random(&seed) % FILES);
        snprintf(to, sizeof(to), "d%u/%s", stress_random(&seed) % 2, strchr(from, '/') + 1);
        wrong += rename(from, to) != 0 && errno != ENOENT;
        int fd = open(from, O_RDONLY);
        char got;
        if (fd >= 0) {
            wrong += read(fd, &got, 1) != 1 || got != from[4];
            close(fd);
        }
        if (link(to, link_name) == 0)
            wrong += unlink(link_name) != 0;
    }
    return (void *)wrong;
}

static void files_move_between_names(void)
{
    char name[32], text[2] = "0";
    CHECK_OK(mkdir("d0", 0755));
    CHECK_OK(mkdir("d1", 0755));
    for (int i = 0; i < FILES; i++) {
        snprintf(name, sizeof(name), "d0/f%d", i);
        text[0] = (char)('0' + i);
        CHECK(file_put(name, text));
    }
    CHECK_EQ(stress(6, move_files, 6), 0);
    for (int i = 0; i < FILES; i++) {
        int found = 0;
        for (int dir = 0; dir < 2; dir++) {
            snprintf(name, sizeof(name), "d%d/f%d", dir, i);
            const char *got = file_get(name);
            found += got[0] == '0' + i;
            unlink(name);
        }
        CHECK_EQ(found, 1);
    }
    CHECK_OK(rmdir("d0"));
    CHECK_OK(rmdir("d1"));
}

/* Folders come and go while others look into them. */
static void *make_and_remove(void *arg)
{
    unsigned seed = (unsigned)(uintptr_t)arg + 1;
    long wrong = 0;
    while (!stress_stop) {
        char dir[16], file[32];
        snprintf(dir, sizeof(dir), "t%u", stress_random(&seed) % 3);
        snprintf(file, sizeof(file), "%s/x", dir);
        wrong += mkdir(dir, 0755) != 0 && errno != EEXIST;
        int fd = open(file, O_RDWR | O_CREAT, 0644);
        wrong += fd < 0 && errno != ENOENT;
        if (fd >= 0) {
            wrong += write(fd, "y", 1) != 1;
            close(fd);
        }
        struct stat st;
        wrong += stat(file, &st) != 0 && errno != ENOENT;
        wrong += unlink(file) != 0 && errno != ENOENT;
        wrong += rmdir(dir) != 0 && errno != ENOENT && errno != ENOTEMPTY;
    }
    return (void *)wrong;
}

static void folders_come_and_go(void)
{
    CHECK_EQ(stress(6, make_and_remove, 6), 0);
    for (int i = 0; i < 3; i++) {
        char dir[16], file[32];
        snprintf(dir, sizeof(dir), "t%d", i);
        snprintf(file, sizeof(file), "%s/x", dir);
        unlink(file);
        rmdir(dir);
    }
}

/* What goes into a pipe comes out, once. */
static int ends[2];
static long put_in, taken_out;

static void *pipe_end(void *arg)
{
    char buf[512] = {0};
    if ((intptr_t)arg % 2) {
        ssize_t n;
        while ((n = read(ends[0], buf, 1 + (size_t)((intptr_t)arg * 97 % 500))) > 0)
            __atomic_fetch_add(&taken_out, n, __ATOMIC_RELAXED);
        return (void *)(intptr_t)(n != 0);
    }
    while (!stress_stop) {
        ssize_t n = write(ends[1], buf, 1 + (size_t)((intptr_t)arg * 131 % 500));
        __atomic_fetch_add(&put_in, n, __ATOMIC_RELAXED);
    }
    return NULL;
}

static void *close_last(void *arg)
{
    (void)arg;
    sleep_ms(stress_ms / 6 + 300);
    close(ends[1]);
    return NULL;
}

static void pipes_lose_nothing(void)
{
    CHECK_OK(pipe(ends));
    pthread_t closer = thread_start(close_last, NULL);
    CHECK_EQ(stress(6, pipe_end, 6), 0);
    thread_join(closer);
    CHECK_EQ(taken_out, put_in);
    CHECK(put_in > 0);
    close(ends[0]);
}

/* Several write at the end of one file: nothing is written over. */
static void *append_lines(void *arg)
{
    char line[] = "?234567\n";
    long count = 0;
    line[0] = (char)('a' + (int)(intptr_t)arg);
    int fd = open("log", O_WRONLY | O_CREAT | O_APPEND, 0644);
    while (!stress_stop && count < 5000)
        count += write(fd, line, 8) == 8;
    close(fd);
    return (void *)count;
}

static void appended_lines_stay_whole(void)
{
    long count = stress(4, append_lines, 8), lines = 0, wrong = 0;
    FILE *file = fopen("log", "r");
    char line[32];
    while (file && fgets(line, sizeof(line), file)) {
        lines++;
        wrong += strlen(line) != 8 || strcmp(line + 1, "234567\n") != 0;
    }
    fclose(file);
    CHECK_EQ(lines, count);
    CHECK_EQ(wrong, 0);
    CHECK_OK(unlink("log"));
}

int main(int argc, char **argv)
{
    stress_begin(argc, argv);
    scratch_enter();
    RUN(one_number_for_many_files);
    RUN(files_move_between_names);
    RUN(folders_come_and_go);
    RUN(pipes_lose_nothing);
    RUN(appended_lines_stay_whole);
    CHECK(scratch_leave());
    return check_done();
}
