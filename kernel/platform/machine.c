/* Ending the machine, and entropy. */
#include "kernel/arch/cpu.h"
#include "kernel/arch/x86_64/io.h"
#include "kernel/base/string.h"
#include "kernel/platform/platform.h"
#include "kernel/platform/run.h"

#define DEBUG_EXIT_PORT 0x501
#define KEYBOARD_PORT 0x64
#define KEYBOARD_RESET 0xfe

/* With a tool on the control channel, it ends the machine once it has taken everything. Else: a
 * debug exit where there is one (7 bits of status), then a reset, which ends QEMU -no-reboot. */
void platform_power_off(int status)
{
    if (!(the_run.options.flags & ORRIS_OPTION_CONTROL)) {
        io_out8(DEBUG_EXIT_PORT, (uint8_t)status);
        io_out8(KEYBOARD_PORT, KEYBOARD_RESET);
        struct {
            uint16_t limit;
            uint64_t base;
        } __attribute__((packed)) none = {0, 0};
        __asm__ volatile("lidt %0\n\tint3" : : "m"(none)); /* a triple fault resets */
    }
    arch_halt();
}

size_t platform_entropy(void *buf, size_t len)
{
    uint64_t value;
    size_t done = 0;
    while (done < len) {
        if (!arch_random(&value)) {
            value = arch_cycles() * 0x9e3779b97f4a7c15ul;
        }
        size_t part = min_u64(sizeof(value), len - done);
        memcpy((char *)buf + done, &value, part);
        done += part;
    }
    return done;
}
