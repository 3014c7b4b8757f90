/* virtio over memory-mapped registers (virtio 1.1, 4.2), version 2 only. */
#include "kernel/arch/cpu.h"
#include "kernel/base/log.h"
#include "kernel/base/string.h"
#include "kernel/drivers/virtio.h"
#include "kernel/mm/heap.h"

#define REG_MAGIC 0x000
#define REG_VERSION 0x004
#define REG_DEVICE_ID 0x008
#define REG_DEVICE_FEATURES 0x010
#define REG_DEVICE_FEATURES_SELECT 0x014
#define REG_DRIVER_FEATURES 0x020
#define REG_DRIVER_FEATURES_SELECT 0x024
#define REG_QUEUE_SELECT 0x030
#define REG_QUEUE_MAX 0x034
#define REG_QUEUE_SIZE 0x038
#define REG_QUEUE_READY 0x044
#define REG_QUEUE_NOTIFY 0x050
#define REG_INTERRUPT_STATUS 0x060
#define REG_INTERRUPT_ACK 0x064
#define REG_STATUS 0x070
#define REG_QUEUE_DESC 0x080
#define REG_QUEUE_AVAIL 0x090
#define REG_QUEUE_USED 0x0a0
#define REG_CONFIG 0x100
#define MAGIC 0x74726976u

static uint32_t reg_read(struct virtio_device *d, unsigned reg)
{
    return *(volatile uint32_t *)(d->registers + reg);
}

static void reg_write(struct virtio_device *d, unsigned reg, uint32_t value)
{
    *(volatile uint32_t *)(d->registers + reg) = value;
}

static uint64_t mmio_device_features(struct virtio_device *d)
{
    reg_write(d, REG_DEVICE_FEATURES_SELECT, 1);
    uint64_t high = reg_read(d, REG_DEVICE_FEATURES);
    reg_write(d, REG_DEVICE_FEATURES_SELECT, 0);
    return high << 32 | reg_read(d, REG_DEVICE_FEATURES);
}

static void mmio_set_features(struct virtio_device *d, uint64_t features)
{
    reg_write(d, REG_DRIVER_FEATURES_SELECT, 1);
    reg_write(d, REG_DRIVER_FEATURES, (uint32_t)(features >> 32));
    reg_write(d, REG_DRIVER_FEATURES_SELECT, 0);
    reg_write(d, REG_DRIVER_FEATURES, (uint32_t)features);
}

static uint8_t mmio_status(struct virtio_device *d)
{
    return (uint8_t)reg_read(d, REG_STATUS);
}

static void mmio_set_status(struct virtio_device *d, uint8_t status)
{
    reg_write(d, REG_STATUS, status);
}

static void mmio_config(struct virtio_device *d, unsigned offset, void *out, unsigned size)
{
    uint8_t *bytes = out;
    for (unsigned i = 0; i < size; i++) {
        bytes[i] = d->registers[REG_CONFIG + offset + i];
    }
}

static unsigned mmio_queue_max(struct virtio_device *d, unsigned index)
{
    reg_write(d, REG_QUEUE_SELECT, index);
    return reg_read(d, REG_QUEUE_MAX);
}

static void write_address(struct virtio_device *d, unsigned reg, paddr_t address)
{
    reg_write(d, reg, (uint32_t)address);
    reg_write(d, reg + 4, (uint32_t)(address >> 32));
}

static void mmio_queue_enable(struct virtio_device *d, unsigned index, unsigned size, paddr_t desc,
                              paddr_t avail, paddr_t used)
{
    (void)index; /* queue_max selected it */
    reg_write(d, REG_QUEUE_SIZE, size);
    write_address(d, REG_QUEUE_DESC, desc);
    write_address(d, REG_QUEUE_AVAIL, avail);
    write_address(d, REG_QUEUE_USED, used);
    reg_write(d, REG_QUEUE_READY, 1);
}

static void mmio_notify(struct virtio_device *d, unsigned index)
{
    reg_write(d, REG_QUEUE_NOTIFY, index);
}

static void mmio_acknowledge(struct virtio_device *d)
{
    reg_write(d, REG_INTERRUPT_ACK, reg_read(d, REG_INTERRUPT_STATUS));
}

static const struct virtio_transport mmio_transport = {
    .device_features = mmio_device_features,
    .set_features = mmio_set_features,
    .status = mmio_status,
    .set_status = mmio_set_status,
    .config = mmio_config,
    .queue_max = mmio_queue_max,
    .queue_enable = mmio_queue_enable,
    .notify = mmio_notify,
    .acknowledge = mmio_acknowledge,
};

void virtio_mmio_add(paddr_t base, size_t size, unsigned irq)
{
    struct virtio_device *d = heap_zalloc(sizeof(*d));
    if (!d) {
        return;
    }
    d->transport = &mmio_transport;
    d->registers = arch_map_device(base, size);
    if (!d->registers || reg_read(d, REG_MAGIC) != MAGIC || reg_read(d, REG_VERSION) != 2 ||
        !reg_read(d, REG_DEVICE_ID)) {
        log_info("virtio-mmio at %#lx: no device of version 2", base);
        heap_free(d);
        return;
    }
    d->type = (enum virtio_type)reg_read(d, REG_DEVICE_ID);
    arch_irq_register(irq, virtio_name(d->type), virtio_interrupt, d);
    virtio_add(d);
}

static uint64_t parse_number(const char **text)
{
    const char *p = *text;
    uint64_t value = 0;
    unsigned base = 10;
    if (p[0] == '0' && p[1] == 'x') {
        base = 16;
        p += 2;
    }
    for (;; p++) {
        unsigned digit = *p >= '0' && *p <= '9'   ? (unsigned)(*p - '0')
                         : *p >= 'a' && *p <= 'f' ? (unsigned)(*p - 'a') + 10
                                                  : 16;
        if (digit >= base) {
            break;
        }
        value = value * base + digit;
    }
    *text = p;
    return value;
}

/* The size may carry a unit. */
static size_t parse_size(const char **text)
{
    size_t size = parse_number(text);
    if (**text == 'K' || **text == 'k') {
        size <<= 10;
        (*text)++;
    }
    return size;
}

void virtio_discover(const char *command_line)
{
    static const char key[] = "virtio_mmio.device=";
    bool found = false;
    for (const char *p = command_line; *p; p++) {
        if (strncmp(p, key, sizeof(key) - 1) != 0) {
            continue;
        }
        p += sizeof(key) - 1;
        size_t size = parse_size(&p);
        if (*p++ != '@') {
            return;
        }
        paddr_t base = parse_number(&p);
        if (*p++ != ':') {
            return;
        }
        virtio_mmio_add(base, size, (unsigned)parse_number(&p));
        found = true;
        if (!*p) {
            break;
        }
    }
    if (!found) {
        virtio_pci_scan();
    }
}
