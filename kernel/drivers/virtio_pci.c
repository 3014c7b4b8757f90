/* virtio over PCI (virtio 1.1, 4.1), modern devices only, one MSI-X vector for each. */
#include "kernel/arch/cpu.h"
#include "kernel/drivers/pci.h"
#include "kernel/drivers/virtio.h"
#include "kernel/mm/heap.h"

#define VENDOR_VIRTIO 0x1af4
#define DEVICE_MODERN 0x1040
#define DEVICE_TRANSITIONAL 0x1000
#define CAP_VENDOR 0x09
#define CAP_COMMON 1
#define CAP_NOTIFY 2
#define CAP_ISR 3
#define CAP_DEVICE 4

#define COMMON_DEVICE_FEATURE_SELECT 0x00
#define COMMON_DEVICE_FEATURE 0x04
#define COMMON_DRIVER_FEATURE_SELECT 0x08
#define COMMON_DRIVER_FEATURE 0x0c
#define COMMON_CONFIG_VECTOR 0x10
#define COMMON_STATUS 0x14
#define COMMON_QUEUE_SELECT 0x16
#define COMMON_QUEUE_SIZE 0x18
#define COMMON_QUEUE_VECTOR 0x1a
#define COMMON_QUEUE_ENABLE 0x1c
#define COMMON_QUEUE_NOTIFY_OFFSET 0x1e
#define COMMON_QUEUE_DESC 0x20
#define COMMON_QUEUE_DRIVER 0x28
#define COMMON_QUEUE_DEVICE 0x30

static volatile uint32_t *common32(struct virtio_device *d, unsigned reg)
{
    return (volatile uint32_t *)(d->registers + reg);
}

static volatile uint16_t *common16(struct virtio_device *d, unsigned reg)
{
    return (volatile uint16_t *)(d->registers + reg);
}

static uint64_t pci_device_features(struct virtio_device *d)
{
    *common32(d, COMMON_DEVICE_FEATURE_SELECT) = 1;
    uint64_t high = *common32(d, COMMON_DEVICE_FEATURE);
    *common32(d, COMMON_DEVICE_FEATURE_SELECT) = 0;
    return high << 32 | *common32(d, COMMON_DEVICE_FEATURE);
}

static void pci_set_features(struct virtio_device *d, uint64_t features)
{
    *common32(d, COMMON_DRIVER_FEATURE_SELECT) = 1;
    *common32(d, COMMON_DRIVER_FEATURE) = (uint32_t)(features >> 32);
    *common32(d, COMMON_DRIVER_FEATURE_SELECT) = 0;
    *common32(d, COMMON_DRIVER_FEATURE) = (uint32_t)features;
}

static uint8_t pci_status(struct virtio_device *d)
{
    return d->registers[COMMON_STATUS];
}

static void pci_set_status(struct virtio_device *d, uint8_t status)
{
    d->registers[COMMON_STATUS] = status;
}

static void pci_config(struct virtio_device *d, unsigned offset, void *out, unsigned size)
{
    uint8_t *bytes = out;
    for (unsigned i = 0; i < size; i++) {
        bytes[i] = d->device_config ? d->device_config[offset + i] : 0;
    }
}

static unsigned pci_queue_max(struct virtio_device *d, unsigned index)
{
    *common16(d, COMMON_QUEUE_SELECT) = (uint16_t)index;
    return *common16(d, COMMON_QUEUE_SIZE);
}

static void write_address(struct virtio_device *d, unsigned reg, paddr_t address)
{
    *common32(d, reg) = (uint32_t)address;
    *common32(d, reg + 4) = (uint32_t)(address >> 32);
}

static void pci_queue_enable(struct virtio_device *d, unsigned index, unsigned size, paddr_t desc,
                             paddr_t avail, paddr_t used)
{
    (void)index; /* queue_max selected it */
    *common16(d, COMMON_QUEUE_SIZE) = (uint16_t)size;
    *common16(d, COMMON_QUEUE_VECTOR) = 0;
    write_address(d, COMMON_QUEUE_DESC, desc);
    write_address(d, COMMON_QUEUE_DRIVER, avail);
    write_address(d, COMMON_QUEUE_DEVICE, used);
    *common16(d, COMMON_QUEUE_ENABLE) = 1;
}

static void pci_notify(struct virtio_device *d, unsigned index)
{
    *common16(d, COMMON_QUEUE_SELECT) = (uint16_t)index;
    uint32_t offset = *common16(d, COMMON_QUEUE_NOTIFY_OFFSET);
    *(volatile uint16_t *)(d->notify_base + offset * d->notify_multiplier) = (uint16_t)index;
}

static void pci_acknowledge(struct virtio_device *d)
{
    (void)d; /* MSI-X: nothing to take back */
}

static const struct virtio_transport pci_transport = {
    .device_features = pci_device_features,
    .set_features = pci_set_features,
    .status = pci_status,
    .set_status = pci_set_status,
    .config = pci_config,
    .queue_max = pci_queue_max,
    .queue_enable = pci_queue_enable,
    .notify = pci_notify,
    .acknowledge = pci_acknowledge,
};

/* Maps the structures that the vendor capabilities point at. */
static void map_structures(struct virtio_device *d, struct pci_address a)
{
    for (unsigned cap = pci_capability(a, CAP_VENDOR, 0); cap;
         cap = pci_capability(a, CAP_VENDOR, cap)) {
        unsigned kind = pci_read(a, cap) >> 24;
        paddr_t bar = pci_bar(a, pci_read(a, cap + 4) & 0xff);
        paddr_t at = bar + pci_read(a, cap + 8);
        uint32_t size = pci_read(a, cap + 12);
        if (!bar || kind < CAP_COMMON || kind > CAP_DEVICE) {
            continue;
        }
        volatile uint8_t *mapped = arch_map_device(at, size);
        if (kind == CAP_COMMON) {
            d->registers = mapped;
        } else if (kind == CAP_NOTIFY) {
            d->notify_base = mapped;
            d->notify_multiplier = pci_read(a, cap + 16);
        } else if (kind == CAP_DEVICE) {
            d->device_config = mapped;
        }
    }
}

static void add_device(struct pci_address a, enum virtio_type type)
{
    struct virtio_device *d = heap_zalloc(sizeof(*d));
    if (!d) {
        return;
    }
    d->transport = &pci_transport;
    d->type = type;
    pci_enable(a);
    map_structures(d, a);
    if (!d->registers || !d->notify_base ||
        !pci_msix(a, 0, virtio_name(d->type), virtio_interrupt, d)) {
        heap_free(d);
        return;
    }
    virtio_add(d);
}

/* Transitional devices carry their type in the subsystem id. */
static unsigned device_type(struct pci_address a, uint32_t id)
{
    unsigned device = id >> 16;
    if (device >= DEVICE_MODERN && device < DEVICE_MODERN + 64) {
        return device - DEVICE_MODERN;
    }
    return device >= DEVICE_TRANSITIONAL && device < DEVICE_TRANSITIONAL + 64
               ? pci_read(a, 0x2c) >> 16
               : 0;
}

void virtio_pci_scan(void)
{
    for (unsigned device = 0; device < 32; device++) {
        struct pci_address a = {.device = (uint8_t)device};
        uint32_t id = pci_read(a, 0);
        if ((id & 0xffff) != VENDOR_VIRTIO) {
            continue;
        }
        unsigned type = device_type(a, id);
        if (type) {
            add_device(a, (enum virtio_type)type);
        }
    }
}
