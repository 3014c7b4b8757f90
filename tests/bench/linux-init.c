/*
 * The first and only program of the Debian kernel that `make bench` compares with: loads the
 * modules named in /modules, mounts the layers of an orris image (one disk each, /dev/vda first and
 * lowest) under a tmpfs, and runs the image's program in them, as the orris kernel does.
 *
 * /run holds NUL-terminated strings: "P" program, "A" argument, "E" variable, "W" work folder.
 */
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define WORDS_MAX 512

static char *args[WORDS_MAX], *environment[WORDS_MAX], *program, *folder = "/";

static void end(const char *what)
{
    if (what)
        printf("bench: %s failed\n", what);
    fflush(stdout);
    reboot(RB_AUTOBOOT);
    for (;;)
        pause();
}

static void load_modules(void)
{
    char path[512];
    FILE *f = fopen("/modules", "r");
    while (f && fgets(path, sizeof(path), f)) {
        path[strcspn(path, "\n")] = 0;
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0 || syscall(SYS_finit_module, fd, "", 0) != 0)
            printf("bench: module %s: not loaded\n", path);
        close(fd);
    }
}

/* Mounts the disks and the overlay of them all at /root. */
static void mount_root(void)
{
    char options[512] = "upperdir=/t/upper,workdir=/t/work,lowerdir=", lower[256] = "";
    mkdir("/t", 0755);
    mount("none", "/t", "tmpfs", 0, "");
    mkdir("/t/upper", 0755);
    mkdir("/t/work", 0755);
    for (char disk = 'a'; disk < 'i'; disk++) {
        char device[] = "/dev/vd?", point[] = "/l?", next[256];
        device[7] = disk;
        point[2] = disk;
        if (access(device, F_OK) != 0)
            break;
        mkdir(point, 0755);
        if (mount(device, point, "erofs", MS_RDONLY, "") != 0)
            end(device);
        snprintf(next, sizeof(next), "%s%s%s", point, *lower ? ":" : "", lower);
        strcpy(lower, next);
    }
    strcat(options, lower);
    mkdir("/root", 0755);
    if (mount("overlay", "/root", "overlay", 0, options) != 0)
        end("overlay");
}

static void address(struct ifreq *request, uint32_t value)
{
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(value)};
    memcpy(&request->ifr_addr, &name, sizeof(name));
}

/* The addresses that the orris kernel gives its interfaces. */
static void start_network(void)
{
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    struct ifreq lo = {.ifr_name = "lo"}, eth0 = {.ifr_name = "eth0"};
    lo.ifr_flags = eth0.ifr_flags = IFF_UP;
    ioctl(fd, SIOCSIFFLAGS, &lo);
    address(&eth0, 0x0a00020f);
    if (ioctl(fd, SIOCSIFADDR, &eth0) == 0) {
        address(&eth0, 0xffffff00);
        ioctl(fd, SIOCSIFNETMASK, &eth0);
        eth0.ifr_flags = IFF_UP;
        ioctl(fd, SIOCSIFFLAGS, &eth0);
    }
    close(fd);
}

static void mount_inside(const char *type, const char *where)
{
    mkdir(where, 0755);
    mount(type, where, type, 0, "");
}

static void read_run(void)
{
    static char text[65536];
    int fd = open("/run", O_RDONLY);
    ssize_t size = read(fd, text, sizeof(text) - 1);
    int argc = 0, envc = 0;
    for (char *p = text; size > 0 && p < text + size; p += strlen(p) + 1) {
        if (*p == 'P')
            program = p + 1;
        else if (*p == 'W')
            folder = p + 1;
        else if (*p == 'A' && argc < WORDS_MAX - 1)
            args[argc++] = p + 1;
        else if (*p == 'E' && envc < WORDS_MAX - 1)
            environment[envc++] = p + 1;
    }
    close(fd);
}

static void become_program(void)
{
    if (chroot("/root") != 0)
        end("chroot");
    mount_inside("proc", "/proc");
    mount_inside("sysfs", "/sys");
    mount_inside("devtmpfs", "/dev");
    mount_inside("tmpfs", "/tmp");
    mkdir("/dev/shm", 01777);
    mount("tmpfs", "/dev/shm", "tmpfs", 0, "");
    if (chdir(folder) != 0)
        end("chdir");
    execve(program, args, environment);
    end(program);
}

int main(void)
{
    int status = 0;
    mount("devtmpfs", "/dev", "devtmpfs", 0, "");
    int console = open("/dev/console", O_RDWR);
    for (int fd = 0; fd < 3; fd++)
        dup2(console, fd);
    read_run();
    load_modules();
    mount_root();
    start_network();
    pid_t pid = fork();
    if (pid == 0)
        become_program();
    while (waitpid(pid, &status, 0) != pid)
        ;
    printf("bench: status %d\n", WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
    end(NULL);
}
