/* What a program finds when it starts: arguments, environment, auxiliary vector, registers, stack.
 */
#include <elf.h>
#include <link.h>
#include <sys/auxv.h>

#include "tests/harness/guest.h"

extern char **environ;
extern int main(int argc, char **argv);

static char **started_argv;

/* The auxiliary vector as it lies on the stack, behind the environment. */
static ElfW(auxv_t) * stack_auxv(void)
{
    char **p = started_argv;
    while (*p)
        p++;
    p++;
    while (*p)
        p++;
    return (ElfW(auxv_t) *)(p + 1);
}

static void auxiliary_vector_is_complete(void)
{
    static const unsigned long wanted[] = {
        AT_PHDR,   AT_PHENT,    AT_PHNUM,        AT_PAGESZ, AT_BASE,   AT_FLAGS,      AT_ENTRY,
        AT_UID,    AT_EUID,     AT_GID,          AT_EGID,   AT_SECURE, AT_RANDOM,     AT_HWCAP,
        AT_CLKTCK, AT_PLATFORM, AT_SYSINFO_EHDR, AT_EXECFN, AT_HWCAP2, AT_MINSIGSTKSZ};
    for (size_t i = 0; i < sizeof(wanted) / sizeof(*wanted); i++) {
        bool found = false;
        for (ElfW(auxv_t) *a = stack_auxv(); a->a_type != AT_NULL; a++)
            found = found || a->a_type == wanted[i];
        if (!found)
            printf("# auxiliary vector lacks type %lu\n", wanted[i]);
        CHECK(found);
    }
}

static void auxiliary_vector_tells_the_truth(void)
{
    CHECK_EQ(getauxval(AT_PAGESZ), PAGE);
    CHECK_EQ(getauxval(AT_CLKTCK), 100);
    CHECK_EQ(getauxval(AT_PHENT), sizeof(ElfW(Phdr)));
    CHECK_EQ(getauxval(AT_SECURE), 0);
    CHECK_EQ(getauxval(AT_UID), getuid());
    CHECK_EQ(getauxval(AT_EGID), getegid());
    CHECK_STR((char *)getauxval(AT_PLATFORM), "x86_64");
    CHECK(getauxval(AT_MINSIGSTKSZ) >= 1024);
    const ElfW(Phdr) *header = (const ElfW(Phdr) *)getauxval(AT_PHDR);
    bool self = false;
    uintptr_t bias = (uintptr_t)header;
    for (unsigned long i = 0; i < getauxval(AT_PHNUM); i++)
        if (header[i].p_type == PT_PHDR)
            bias = (uintptr_t)header - header[i].p_vaddr;
    for (unsigned long i = 0; i < getauxval(AT_PHNUM); i++)
        self = self || (header[i].p_type == PT_LOAD && (header[i].p_flags & PF_X) &&
                        (uintptr_t)main >= bias + header[i].p_vaddr &&
                        (uintptr_t)main < bias + header[i].p_vaddr + header[i].p_memsz);
    CHECK(self || bias == (uintptr_t)header); /* without PT_PHDR the bias is not to be had */
    CHECK(memcmp((void *)getauxval(AT_SYSINFO_EHDR), ELFMAG, SELFMAG) == 0);
}

static void random_bytes_are_random(void)
{
    const unsigned char *bytes = (const unsigned char *)getauxval(AT_RANDOM);
    int different = 0;
    CHECK(bytes != NULL);
    for (int i = 1; i < 16; i++)
        different += bytes[i] != bytes[0];
    CHECK(different > 0);
}

static void names_lie_on_the_stack(void)
{
    CHECK(started_argv[0] != NULL);
    CHECK(strstr(started_argv[0], "exec_env") != NULL);
    CHECK(strstr((char *)getauxval(AT_EXECFN), "exec_env") != NULL);
    CHECK((char **)environ > started_argv);
    CHECK_EQ((uintptr_t)started_argv % 8, 0);
    CHECK((uintptr_t)(started_argv - 1) % 16 == 0); /* the ABI: rsp, where argc lies, at entry */
    char comm[32] = "";
    snprintf(comm, sizeof(comm), "%s", file_get("/proc/self/comm"));
    CHECK_STR(comm, "exec_env\n");
}

static void stack_grows_on_demand(void)
{
    volatile char big[1 << 20];
    for (size_t i = 0; i < sizeof(big); i += PAGE)
        big[i] = (char)i;
    CHECK_EQ(big[PAGE * 3], 0);
    big[0] = 1;
    CHECK_EQ(big[0], 1);
}

static void uninitialized_data_is_zero(void)
{
    static char bss[256 * 1024];
    int sum = 0;
    for (size_t i = 0; i < sizeof(bss); i++)
        sum |= bss[i];
    CHECK_EQ(sum, 0);
}

static void proc_shows_the_program(void)
{
    char link[PATH_MAX] = "";
    CHECK(readlink("/proc/self/exe", link, sizeof(link) - 1) > 0);
    CHECK(strstr(link, "exec_env") != NULL && link[0] == '/');
    CHECK_STR(file_get("/proc/self/cmdline"), started_argv[0]);
    int fd = open("/proc/self/auxv", O_RDONLY);
    ElfW(auxv_t) first[64];
    ssize_t n = read(fd, first, sizeof(first));
    close(fd);
    CHECK(n >= (ssize_t)(15 * sizeof(ElfW(auxv_t))));
    CHECK(memcmp(first, stack_auxv(), 10 * sizeof(ElfW(auxv_t))) == 0);
}

static void identity_is_root(void)
{
    uid_t r, e, s;
    CHECK_EQ(getuid() + geteuid() + getgid() + getegid(), 0);
    CHECK_OK(getresuid(&r, &e, &s));
    CHECK_EQ(r + e + s, 0);
    CHECK(getpid() > 0);
    CHECK_EQ(gettid(), getpid());
    CHECK(getgroups(0, NULL) >= 0);
    CHECK(getpgid(0) >= 0 && getsid(0) >= 0);
}

int main(int argc, char **argv)
{
    (void)argc;
    started_argv = argv;
    RUN(auxiliary_vector_is_complete);
    RUN(auxiliary_vector_tells_the_truth);
    RUN(random_bytes_are_random);
    RUN(names_lie_on_the_stack);
    RUN(stack_grows_on_demand);
    RUN(uninitialized_data_is_zero);
    RUN(proc_shows_the_program);
    RUN(identity_is_root);
    return check_done();
}
