/* /proc/self/maps and its kin describe the address space as it is. */
#include "tests/harness/guest.h"

struct line {
    uintptr_t start, end;
    char rights[5], path[512];
    unsigned long offset, inode;
};

/* Finds the line of /proc/self/maps that holds address. */
static bool find(uintptr_t address, struct line *out)
{
    FILE *f = fopen("/proc/self/maps", "r");
    char text[1024];
    bool found = false;
    while (f && !found && fgets(text, sizeof(text), f)) {
        *out = (struct line){0};
        sscanf(text, "%lx-%lx %4s %lx %*x:%*x %lu %511s", &out->start, &out->end, out->rights,
               &out->offset, &out->inode, out->path);
        found = address >= out->start && address < out->end;
    }
    if (f)
        fclose(f);
    return found;
}

static void every_line_is_well_formed_and_sorted(void)
{
    FILE *f = fopen("/proc/self/maps", "r");
    CHECK(f != NULL);
    char text[1024];
    uintptr_t last = 0;
    int bad = 0, count = 0;
    while (f && fgets(text, sizeof(text), f)) {
        uintptr_t start, end;
        char r, w, x, p;
        unsigned long offset, major, minor, inode;
        int n = sscanf(text, "%lx-%lx %c%c%c%c %lx %lx:%lx %lu", &start, &end, &r, &w, &x, &p,
                       &offset, &major, &minor, &inode);
        bad += n != 10 || start >= end || start < last || start % PAGE || end % PAGE;
        bad += !strchr("r-", r) || !strchr("w-", w) || !strchr("x-", x) || !strchr("ps", p);
        if ((intptr_t)start > 0)
            last = end;
        count++;
    }
    if (f)
        fclose(f);
    CHECK_EQ(bad, 0);
    CHECK(count >= 5);
}

static void program_stack_heap_and_vdso_are_named(void)
{
    struct line line;
    int local = 0;
    CHECK(find((uintptr_t)&local, &line));
    CHECK_STR(line.path, "[stack]");
    CHECK_STR(line.rights, "rw-p");
    char *heap = (char *)syscall(SYS_brk, 0);
    syscall(SYS_brk, heap + PAGE);
    CHECK(find((uintptr_t)heap, &line));
    CHECK_STR(line.path, "[heap]");
    CHECK(find((uintptr_t)every_line_is_well_formed_and_sorted, &line));
    CHECK_STR(line.rights, "r-xp");
    CHECK(strstr(line.path, "mem_maps") != NULL);
    CHECK(line.inode != 0);
    CHECK(strstr(file_get("/proc/self/maps"), "[vdso]") != NULL);
}

static void changes_show_at_once(void)
{
    struct line line;
    char *p = pages(4);
    CHECK_OK(mprotect(p + PAGE, PAGE, PROT_READ));
    CHECK(find((uintptr_t)p + PAGE, &line));
    CHECK_EQ(line.start, (uintptr_t)p + PAGE);
    CHECK_EQ(line.end, (uintptr_t)p + 2 * PAGE);
    CHECK_STR(line.rights, "r--p");
    CHECK_OK(munmap(p + PAGE, PAGE));
    CHECK(!find((uintptr_t)p + PAGE, &line));
    CHECK(find((uintptr_t)p, &line) && line.end == (uintptr_t)p + PAGE);
    munmap(p, 4 * PAGE);
}

static void file_maps_show_path_and_offset(void)
{
    scratch_enter();
    CHECK(file_put("mapped", "text"));
    int fd = open("mapped", O_RDWR);
    CHECK_OK(ftruncate(fd, 4 * PAGE));
    char *p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 2 * PAGE);
    struct line line;
    CHECK(find((uintptr_t)p, &line));
    CHECK_STR(line.rights, "rw-s");
    CHECK_EQ(line.offset, 2 * PAGE);
    struct stat st;
    fstat(fd, &st);
    CHECK_EQ(line.inode, st.st_ino);
    char want[PATH_MAX];
    snprintf(want, sizeof(want), "%s/mapped", scratch_path);
    CHECK_STR(line.path, want);
    unlink("mapped");
    CHECK(strstr(file_get("/proc/self/maps"), "(deleted)") != NULL);
    munmap(p, PAGE);
    close(fd);
    scratch_leave();
}

static void sizes_are_counted(void)
{
    long size = 0, resident = 0, size2 = 0, resident2 = 0;
    CHECK_EQ(sscanf(file_get("/proc/self/statm"), "%ld %ld", &size, &resident), 2);
    CHECK(size >= resident && resident > 0);
    char *p = pages(1024);
    memset(p, 1, 512 * PAGE);
    CHECK_EQ(sscanf(file_get("/proc/self/statm"), "%ld %ld", &size2, &resident2), 2);
    CHECK(size2 >= size + 1024);
    CHECK(resident2 >= resident + 400);
    const char *status = file_get("/proc/self/status");
    CHECK(strstr(status, "VmSize:") && strstr(status, "VmRSS:") && strstr(status, "VmPeak:"));
    munmap(p, 1024 * PAGE);
}

int main(void)
{
    RUN(every_line_is_well_formed_and_sorted);
    RUN(program_stack_heap_and_vdso_are_named);
    RUN(changes_show_at_once);
    RUN(file_maps_show_path_and_offset);
    RUN(sizes_are_counted);
    return check_done();
}
