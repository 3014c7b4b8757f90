/*
 * `orris image inspect` and `orris image verify`: what an image is made of, and whether it still
 * is.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/base/buf.h"
#include "host/base/path.h"
#include "host/base/say.h"
#include "host/cmd/cmd.h"
#include "host/image/image.h"
#include "host/image/spdx.h"
#include "host/image/verify.h"

/* "iris" for "/home/x/iris.img"; owned by the caller. */
static char *plain_name(const char *path)
{
    char *name = mem_string(path_base(path));
    size_t length = strlen(name);
    if (length > 4 && strcmp(name + length - 4, ".img") == 0)
        name[length - 4] = 0;
    return name;
}

static bool inspect_image(const char *path, struct error *err)
{
    struct image_info info = {0};
    struct buf text = {0};
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return error_errno(err, "%s", path);
    char *name = plain_name(path);
    bool good = image_read(fd, path, &info, err) && spdx_print(fd, name, &info, &text, err);
    if (good)
        fwrite(text.data, 1, text.size, stdout);
    image_info_clear(&info);
    buf_clear(&text);
    free(name);
    close(fd);
    return good;
}

static bool verify_image(const char *path, struct error *err)
{
    size_t files;
    if (!image_verify(path, &files, err))
        return false;
    print("%s: good, %zu files\n", path, files);
    return true;
}

/* Does action for each image that is named. */
static int each_image(const struct verb *verb, int argc, char **argv, int most,
                      bool (*action)(const char *path, struct error *err))
{
    int status = CMD_OK;
    if (argc > 1 && argv[1][0] == '-')
        return cmd_unknown_flag(verb, argv[1]);
    if (argc < 2)
        return cmd_usage(verb, "no image is named");
    if (argc - 1 > most)
        return cmd_usage(verb, "one image at a time, please");
    for (int i = 1; i < argc; i++) {
        struct error err = {0};
        char *path = image_file(argv[i], &err);
        if (!path || !action(path, &err)) {
            say_lines(SAY_QUIET, err.text);
            status = CMD_FAILURE;
        }
        free(path);
    }
    return fflush(stdout) ? CMD_FAILURE : status;
}

static int inspect_run(const struct verb *verb, int argc, char **argv)
{
    return each_image(verb, argc, argv, 1, inspect_image);
}

static int verify_run(const struct verb *verb, int argc, char **argv)
{
    return each_image(verb, argc, argv, argc, verify_image);
}

const struct verb verb_image_inspect = {
    .name = "image inspect",
    .usage = "IMAGE",
    .summary = "Print an image's bill of materials, as SPDX JSON.",
    .help =
        {"IMAGE is a name that `orris image list` shows, or a file. The bill names the Debian\n"
         "packages with versions and licences, and every file with its hashes (SPDX 2.3). It is\n"
         "in the image itself; the same image gives the same text.\n"},
    .run = inspect_run,
};

const struct verb verb_image_verify = {
    .name = "image verify",
    .usage = "IMAGE…",
    .summary = "Check every hash of an image.",
    .help = {"IMAGE is a name that `orris image list` shows, or a file. Checks the header, the "
             "kernel,\n"
             "each layer as a whole and each of its files, and says what is damaged.\n"
             "Exit status: 0 if all is good, 1 if something is damaged.\n"},
    .run = verify_run,
};
