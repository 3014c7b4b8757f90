/* virtio 1.x devices and their queues (OASIS virtio 1.1); transports: mmio and pci. */
#pragma once

#include "kernel/base/types.h"

enum virtio_type {
    VIRTIO_TYPE_NET = 1,
    VIRTIO_TYPE_BLOCK = 2,
    VIRTIO_TYPE_CONSOLE = 3,
    VIRTIO_TYPE_RNG = 4,
    VIRTIO_TYPE_9P = 9,
};

/* For people. */
const char *virtio_name(enum virtio_type type);

#define VIRTIO_F_VERSION_1 (1ul << 32)

struct virtio_device;

struct virtio_transport {
    uint64_t (*device_features)(struct virtio_device *d);
    void (*set_features)(struct virtio_device *d, uint64_t features);
    uint8_t (*status)(struct virtio_device *d);
    void (*set_status)(struct virtio_device *d, uint8_t status);
    /* Bytes of the device's configuration. */
    void (*config)(struct virtio_device *d, unsigned offset, void *out, unsigned size);
    /* Entries the queue may have, or 0: no such queue. Selects it for queue_enable. */
    unsigned (*queue_max)(struct virtio_device *d, unsigned index);
    void (*queue_enable)(struct virtio_device *d, unsigned index, unsigned size, paddr_t desc,
                         paddr_t avail, paddr_t used);
    void (*notify)(struct virtio_device *d, unsigned index);
    /* Tells the device that its interrupt was seen. */
    void (*acknowledge)(struct virtio_device *d);
};

struct virtio_device {
    const struct virtio_transport *transport;
    enum virtio_type type;
    volatile uint8_t *registers;                         /* mmio: all; pci: common configuration */
    volatile uint8_t *notify_base, *device_config, *isr; /* pci */
    uint32_t notify_multiplier;                          /* pci */
    void (*interrupt)(struct virtio_device *d);          /* the driver's */
    void *driver;
};

struct virtq_desc {
    uint64_t address;
    uint32_t length;
    uint16_t flags, next;
};
struct virtq_used_element {
    uint32_t id, length;
};

#define VIRTQ_MAX 128

struct virtq {
    struct virtio_device *device;
    unsigned index, size;
    struct virtq_desc *desc;
    volatile uint16_t *avail; /* flags, index, ring */
    volatile uint16_t *used;  /* flags, index, ring of virtq_used_element */
    uint16_t free_head, free_count, used_seen;
    void *cookies[VIRTQ_MAX]; /* by head descriptor; NULL: not with the device */
};

struct virtq_segment {
    paddr_t address;
    uint32_t length;
};

/* Resets the device and agrees on wanted features that it has. Returns them, or 0 if the device
 * can't be driven. */
uint64_t virtio_begin(struct virtio_device *d, uint64_t wanted);
/* Makes queue index with at most size entries (a power of two up to VIRTQ_MAX). False: no such
 * queue or no memory. */
bool virtio_queue(struct virtio_device *d, unsigned index, unsigned size, struct virtq *q);
/* The driver is ready. */
void virtio_ready(struct virtio_device *d);

/* Offers out segments to read and then in segments to write. cookie: not NULL. False: no room. */
bool virtq_add(struct virtq *q, const struct virtq_segment *segments, unsigned out, unsigned in,
               void *cookie);
void virtq_kick(struct virtq *q);
/* The next one the device is done with: its cookie and, as the device says, bytes written; NULL:
 * none. What the device never had is passed over. */
void *virtq_take(struct virtq *q, uint32_t *length);
/* Whether the device shall interrupt when it is done with something. */
void virtq_interrupts(struct virtq *q, bool on);
/* Whether virtq_take would return something. */
bool virtq_pending(const struct virtq *q);

/* A driver takes devices of its type. */
struct virtio_driver {
    enum virtio_type type;
    const char *name;
    /* False: the device is of no use. */
    bool (*probe)(struct virtio_device *d);
};

/* Offers a device to the drivers; called by the transports. Takes over d (heap). */
void virtio_add(struct virtio_device *d);
/* Looks for devices: what the command line names (mmio), else the PCI bus. */
void virtio_discover(const char *command_line);
/* One register block of a virtio-mmio device. */
void virtio_mmio_add(paddr_t base, size_t size, unsigned irq);
/* All virtio devices on PCI bus 0. */
void virtio_pci_scan(void);

/* Interrupt entry for transports; arg: the device. */
void virtio_interrupt(void *device);
