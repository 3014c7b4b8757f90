// UNIT: host/vmm/copyout.c host/base/fresh.c host/base/io.c host/base/path.c host/base/error.c
// UNIT: host/base/buf.c host/base/say.c host/base/strlist.c host/base/escape.c
/* Files brought out, as a kernel sends them that is good, cut off, or out to do harm. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "abi/control.h"
#include "host/base/io.h"
#include "host/base/say.h"
#include "host/vmm/copyout.h"
#include "tests/harness/check.h"

static struct copy_list list;

static void begin(void)
{
    struct error err;
    list = (struct copy_list){0};
    CHECK(copy_list_add(&list, "a/../file=out", &err));
    CHECK(copy_list_begin(&list, "/data", &err));
    CHECK_STR(list.items[0].guest, "/data/file");
}

static void data(uint32_t index, const char *text)
{
    char message[64];
    size_t size = strlen(text);
    memcpy(message, &index, sizeof(index));
    memcpy(message + sizeof(index), text, size);
    copy_list_data(&list, message, sizeof(index) + size);
}

static void end(uint32_t index, uint32_t error, uint64_t size)
{
    struct orris_copy_end message = {.index = index, .error = error, .mode = 0644, .size = size};
    copy_list_end(&list, (const char *)&message, sizeof(message));
}

static bool finish(void)
{
    bool all = copy_list_finish(&list);
    copy_list_clear(&list);
    return all;
}

static const char *content(void)
{
    static struct buf text;
    struct error err;
    buf_clear(&text);
    return io_read_file("out", &text, &err) ? text.data : "";
}

static void pieces_make_a_file(void)
{
    begin();
    data(0, "one ");
    data(0, "two");
    CHECK_STR(content(), ""); /* not before it is whole */
    end(0, 0, 7);
    CHECK_STR(content(), "one two");
    CHECK(copy_list_has(&list, "/data/file"));
    CHECK(finish());
}

static void what_is_not_whole_is_not_kept(void)
{
    begin();
    data(0, "new");
    end(0, 0, 4);
    CHECK(!finish());
    begin();
    data(0, "new");
    CHECK(!finish()); /* no end */
    begin();
    end(0, ENOENT, 0);
    end(0, 0, 0); /* too late */
    CHECK(!finish());
    CHECK_STR(content(), "one two");
}

static void nonsense_is_passed_over(void)
{
    begin();
    data(1, "x");
    data(UINT32_MAX, "x");
    copy_list_data(&list, "ab", 2);
    end(7, 0, 0);
    copy_list_end(&list, "abc", 3);
    end(0, 0, 0);
    data(0, "behind the end");
    end(0, 0, 14);
    CHECK(finish());
    CHECK_STR(content(), "");
    copy_list_data(NULL, "abcdef", 6);
    copy_list_end(NULL, "abcdef", 6);
    CHECK(copy_list_finish(NULL));
}

int main(void)
{
    char folder[] = "/tmp/orris-copyout-XXXXXX";
    if (!mkdtemp(folder) || chdir(folder) != 0)
        return 1;
    RUN(pieces_make_a_file);
    RUN(what_is_not_whole_is_not_kept);
    RUN(nonsense_is_passed_over);
    unlink("out");
    rmdir(folder);
    return check_done();
}
