/* The serial port (16550 at 0x3f8, line 4): console of machines without ports, and of panics. */
#include "kernel/platform/serial.h"

#include <linux/eventpoll.h>

#include "kernel/arch/cpu.h"
#include "kernel/arch/x86_64/io.h"
#include "kernel/platform/platform.h"

#define PORT 0x3f8
#define REG_DATA (PORT + 0)
#define REG_INTERRUPT (PORT + 1)
#define REG_LINE_STATUS (PORT + 5)
#define STATUS_INPUT 0x01
#define STATUS_ROOM 0x20
#define IRQ 4
#define SPIN_MAX 100000
#define RING 4096u

static struct spinlock lock = SPINLOCK_INIT(RANK_DEVICE);
static uint8_t ring[RING];    /* GUARDED_BY(lock) */
static unsigned first, count; /* GUARDED_BY(lock) */
static bool listening;
static struct waitq waitq;

void platform_console_write(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        for (int spin = 0; !(io_in8(REG_LINE_STATUS) & STATUS_ROOM) && spin < SPIN_MAX; spin++) {
            __builtin_ia32_pause();
        }
        io_out8(REG_DATA, (uint8_t)text[i]);
    }
}

static void take_input(void)
{
    while (count < RING && io_in8(REG_LINE_STATUS) & STATUS_INPUT) {
        ring[(first + count++) % RING] = io_in8(REG_DATA);
    }
}

static void interrupt(void *arg)
{
    (void)arg;
    spin_lock(&lock);
    take_input();
    bool full = count == RING;
    if (full) {
        io_out8(REG_INTERRUPT, 0);
    }
    spin_unlock(&lock);
    waitq_wake(&waitq, EPOLLIN);
}

static void listen(void)
{
    if (!listening) {
        listening = true;
        waitq_init(&waitq);
        arch_irq_register(IRQ, "ttyS0", interrupt, NULL);
        io_out8(REG_INTERRUPT, 1);
    }
}

size_t serial_read(void *buf, size_t size)
{
    listen();
    spin_lock(&lock);
    take_input();
    size_t done = 0;
    for (; done < size && count; done++, count--) {
        ((uint8_t *)buf)[done] = ring[first];
        first = (first + 1) % RING;
    }
    io_out8(REG_INTERRUPT, 1);
    spin_unlock(&lock);
    return done;
}

size_t serial_available(void)
{
    listen();
    spin_lock(&lock);
    take_input();
    size_t available = count;
    spin_unlock(&lock);
    return available;
}

struct waitq *serial_waitq(void)
{
    listen();
    return &waitq;
}
