/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * domain.h - the start-up page of a domain: what its builder gave it (init; for a VMM, control)
 *
 * Transport   one read-only page at DOMAIN_INFO_VADDR, written by the builder before the first
 *             instruction. It lists only authority that the manifest (or the guest's
 *             configuration) names, and the domain can trust it.
 * Channels    the client ends of connections. Their regions are mapped already; the service
 *             ends reach a service through SVC_OPEN (svc.h) and are not listed here.
 */
#ifndef PROTO_DOMAIN_H
#define PROTO_DOMAIN_H

#include <stdint.h>
#include <sk/types.h>

#define DOMAIN_INFO_VADDR 0x0e000000ull
/* UTCB of the main thread; for further threads the domain chooses the address. */
#define DOMAIN_UTCB_VADDR 0x0e010000ull
/* struct sk_info, read-only. */
#define DOMAIN_KINFO_VADDR 0x0e020000ull
#define DOMAIN_STACK_TOP 0x0e400000ull
/* ELF images are linked to this address. */
#define DOMAIN_IMAGE_VADDR 0x10000000ull
/* The heap grows from here; libs/rt maps it on demand. */
#define DOMAIN_HEAP_VADDR 0x40000000ull
/* The builder maps regions and BARs from here up. */
#define DOMAIN_CHANNEL_VADDR 0x100000000ull
/*
 * Where channel i is mapped that a VMM gets while it runs: its rings beside those of channel 0,
 * whose page table is there, and its data in a large page.
 */
#define DOMAIN_PLUG_RINGS_MAX 0x10000ull
#define DOMAIN_PLUG_RINGS(i) (DOMAIN_CHANNEL_VADDR + (i)*DOMAIN_PLUG_RINGS_MAX)
#define DOMAIN_PLUG_DATA(i) (DOMAIN_CHANNEL_VADDR + 0x20000000ull + (i)*0x200000ull)
/* The domain's own mappings (libs/caps) go from here up. */
#define DOMAIN_FREE_VADDR 0x200000000ull
/* In a VMM: guest physical address 0 is mapped here. */
#define DOMAIN_GUEST_VADDR 0x10000000000ull

#define DOMAIN_MAGIC 0x4e49414d4f44ull /* "DOMAIN" */
#define DOMAIN_VERSION 1u
#define DOMAIN_NAME_MAX 32u
/*
 * Each has a bit of the domain's notification, below the two that have a meaning of their own.
 */
#define DOMAIN_CHANNELS_MAX 22u
#define DOMAIN_UNTYPED_MAX 16u
#define DOMAIN_DEVICES_MAX 2u
#define DOMAIN_ARGS_MAX 512u

/*
 * Bits of every domain's notification that have a meaning of their own. The others below 24 are
 * for channels (from 0 up), and for the domain itself.
 *
 * PULSE   init wants to know whether the domain still handles events. The event loop answers by
 *         a signal of DOMAIN_CAP_PULSE.
 * NEWS    control only: a static domain has started again (init.h), so guests' connections with
 *         it are to be opened again.
 */
#define DOMAIN_BIT_NEWS 22u
#define DOMAIN_BIT_PULSE 23u

/*
 * Fixed slots beyond those of <sk/object.h>. A slot is empty if the domain was not given its
 * capability.
 */
enum domain_slot {
	/* Endpoint to the builder, badged (init.h, vmctl.h). */
	DOMAIN_CAP_PARENT = 16,
	/* The domain's own control endpoint: receive right. */
	DOMAIN_CAP_SERVICE = 17,
	/* Its notification, unbadged, bound to the main thread. */
	DOMAIN_CAP_NTFN = 18,
	DOMAIN_CAP_REPLY = 19,
	/* 20 to 63: the capabilities that args name (pools, control objects). */
	DOMAIN_CAP_EXTRA = 20,
	/* Two for each channel: DOMAIN_CAP_SIGNAL, DOMAIN_CAP_DATA. */
	DOMAIN_CAP_CHANNEL = 64,
	/* 16 for each device: DOMAIN_CAP_BAR, DOMAIN_CAP_IRQ, DOMAIN_CAP_IOSPACE. */
	DOMAIN_CAP_DEVICE = 128,
	/* Signals init that the domain is alive; empty in a domain that init does not watch. */
	DOMAIN_CAP_PULSE = 160,
	/* Memory that the domain may retype. */
	DOMAIN_CAP_UNTYPED = 192,
	/* First slot that the domain manages itself. */
	DOMAIN_CAP_FREE = 256,
};

/* Slots of channel i: the signal to the service, and the frame of the data part. */
#define DOMAIN_CAP_SIGNAL(i) (DOMAIN_CAP_CHANNEL + 2u * (i))
#define DOMAIN_CAP_DATA(i) (DOMAIN_CAP_SIGNAL(i) + 1u)
/*
 * Slots of device i: the frame of a BAR, or the port range in place of BAR 0; interrupt n; the
 * DMA space.
 */
#define DOMAIN_CAP_BAR(i, bar) (DOMAIN_CAP_DEVICE + 16u * (i) + (bar))
#define DOMAIN_CAP_IOPORT(i) DOMAIN_CAP_BAR(i, 0u)
#define DOMAIN_CAP_IRQ(i, n) (DOMAIN_CAP_BAR(i, 6u) + (n))
#define DOMAIN_CAP_IOSPACE(i) DOMAIN_CAP_BAR(i, 14u)

struct domain_channel {
	/* Its name in the manifest: "blk", "log", "uart", ... */
	char name[16];
	uint32_t proto; /* enum svc_proto */
	/* The domain's notification bit for it. */
	uint32_t bit;
	/* Slot of the signal to the service. */
	uint32_t signal;
	/* Slot of the frame of the data part; 0 = no data. */
	uint32_t data;
	/* Where the rings are mapped: requests, then responses. */
	uint64_t vaddr;
	uint64_t data_vaddr, data_size;
	/* Bytes of the two rings, see ring.h; 0 = memory only. */
	uint32_t req_size, rsp_size;
	/* Of the connection: the epoch that it had when the domain was built. */
	uint32_t epoch;
	uint32_t reserved;
};
_Static_assert(sizeof(struct domain_channel) == 72, "no padding");

struct domain_bar {
	uint64_t vaddr, size; /* 0: not given */
};
_Static_assert(sizeof(struct domain_bar) == 16, "no padding");
/* IOMMU: the device uses addresses of its DMA space, and reaches nothing else. */
enum domain_device_flag { DOMAIN_DEVICE_IOMMU = 1 };
struct domain_device {
	char name[16];
	uint16_t vendor, device;
	/* Bus << 8 | devfn. */
	uint16_t rid;
	uint16_t n_irqs;
	struct domain_bar bar[6];
	/* Snapshot of its configuration space. */
	uint8_t config[256];
	/* Port range, if the device has one; its capability is in BAR slot 0. */
	uint16_t io_port, io_ports;
	uint32_t flags; /* enum domain_device_flag */
};
_Static_assert(sizeof(struct domain_device) == 384, "no padding");

/* CNODE_KEPT: an earlier life of the domain had the same CNode, and left capabilities in it. */
enum domain_flag { DOMAIN_CNODE_KEPT = 1 };
struct domain_info {
	uint64_t magic;
	uint32_t version;
	/* How many times this domain was started before. */
	uint32_t epoch;
	char name[DOMAIN_NAME_MAX];
	uint32_t n_slots; /* of its CNode */
	uint32_t n_channels, n_untyped, n_devices;
	/* First slot that the domain manages itself, DOMAIN_CAP_FREE or more. */
	uint32_t free_slot;
	uint32_t flags; /* enum domain_flag */
	/* Nanoseconds since 1970 at boot_tsc of struct sk_info; 0 = unknown. */
	uint64_t wall_boot_ns;
	/* Of the untyped in slot DOMAIN_CAP_UNTYPED + i. */
	uint8_t untyped_order[DOMAIN_UNTYPED_MAX];
	struct domain_channel channel[DOMAIN_CHANNELS_MAX];
	struct domain_device dev[DOMAIN_DEVICES_MAX];
	/* Lines of key=value. */
	char args[DOMAIN_ARGS_MAX];
};
_Static_assert(sizeof(struct domain_info) == 2960, "no padding");
_Static_assert(sizeof(struct domain_info) <= SK_PAGE_SIZE, "one page");

#endif
