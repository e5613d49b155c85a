/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * manifest.h - the compiled manifest: what tools/manifest writes and init reads
 *
 * Layout      little-endian; the header, then n_domains, n_channels, n_caps records in this
 *             order, and nothing after them. Domains are in the order in which they start:
 *             first the one that serves PLATFORM, and services before their clients. A domain's
 *             channels and capabilities are consecutive.
 * Strings     zero-terminated, and the rest of the field is zero. Reserved fields are zero.
 * Trust       init checks all of it again (services/init/policy.c): nothing may start because
 *             of a bad index.
 */
#ifndef PROTO_MANIFEST_H
#define PROTO_MANIFEST_H

#include <stdint.h>

#define MANIFEST_MAGIC 0x5453464e414d4b53ull /* "SKMANFST" */
#define MANIFEST_VERSION 1u
#define MANIFEST_DOMAINS_MAX 32u
#define MANIFEST_CHANNELS_MAX 128u
#define MANIFEST_IRQS_MAX 8u
#define MANIFEST_CAPS_MAX 64u
#define MANIFEST_PARAMS_MAX 272u
#define MANIFEST_ARGS_MAX 256u
#define MANIFEST_UNTYPED_MAX 4u
/*
 * The value of `service` for a channel without one, which is memory that outlives the domain.
 */
#define MANIFEST_NONE 0xffffffffu

struct manifest_header {
	uint64_t magic;
	uint32_t version;
	/* Bytes of the whole manifest, with this header. */
	uint32_t size;
	uint32_t n_domains, n_channels, n_caps;
	/* The archive member that is the VMM of guests. */
	char guest_image[28];
};
_Static_assert(sizeof(struct manifest_header) == 56, "no padding");

enum manifest_device_kind { MANIFEST_NO_DEVICE = 0, MANIFEST_PCI = 1, MANIFEST_PORTS = 2 };
enum manifest_device_flag {
	/* It can read and write memory by itself. */
	MANIFEST_DMA = 1,
	/* It may do so on a machine without an IOMMU. */
	MANIFEST_UNPROTECTED = 2,
};
struct manifest_device {
	uint32_t kind;
	uint32_t flags;
	char name[16];
	/* PCI; 0xffff = any. */
	uint16_t vendor, device;
	uint32_t class_code; /* PCI; ~0 = any */
	/* Index among the matching devices. */
	uint32_t index;
	uint32_t n_irqs;        /* vectors wanted */
	uint16_t port, n_ports; /* PORTS */
	/* PORTS: interrupt pin. */
	uint32_t gsi;
};
_Static_assert(sizeof(struct manifest_device) == 48, "no padding");

enum manifest_flag {
	/* Silently skipped if its device is absent. */
	MANIFEST_OPTIONAL = 1,
	/* Builds domains itself (control), and is given the capabilities for that. */
	MANIFEST_BUILDER = 2,
	/* Claims devices for init. */
	MANIFEST_PLATFORM = 4,
};
struct manifest_domain {
	char name[32];
	char binary[32]; /* archive member */
	uint32_t flags;
	/* enum svc_proto of the connections that it accepts; 0 = none. */
	uint32_t serves;
	uint32_t priority, weight, cpu;
	/* Period 0: no cap. */
	uint32_t budget_us, period_us;
	uint32_t cnode_order, stack_order;
	uint32_t n_untyped;
	uint8_t untyped_order[MANIFEST_UNTYPED_MAX]; /* its own memory */
	uint32_t first_channel, n_channels;
	uint32_t first_cap, n_caps;
	/* One bit per domain whose control endpoint INIT_SERVICE gives it. */
	uint32_t services;
	/* Archive member mapped for it (args image=, image-size=); empty = none. */
	char archive_file[24];
	/* If the archive has that file, the channel of this name is not made. */
	char replaces[16];
	struct manifest_device dev;
	char args[MANIFEST_ARGS_MAX]; /* lines */
};
_Static_assert(sizeof(struct manifest_domain) == 472, "no padding");

enum manifest_channel_flag {
	/* The client starts without it if the service is absent or refuses. */
	MANIFEST_CHANNEL_OPTIONAL = 1,
	/* The client also gets the service's control endpoint; its args have NAME=SLOT. */
	MANIFEST_CHANNEL_CONTROL = 2,
};
struct manifest_channel {
	char name[16];
	/* Index of the domain. */
	uint32_t service;
	uint32_t proto;
	uint32_t flags;
	uint32_t params_len;
	/* UINT64_MAX = the protocol's default. */
	uint64_t data_size;
	uint8_t params[MANIFEST_PARAMS_MAX];
};
_Static_assert(sizeof(struct manifest_channel) == 312, "no padding");

/* X(name, number, what) */
#define MANIFEST_CAPS(X) \
	X(CTL_IRQ, 1, "the right to claim interrupts") \
	X(CTL_SCHED, 2, "the right to configure scheduling contexts") \
	X(CTL_LOG, 3, "kernel log: write, take over the UART") \
	X(KLOG, 4, "kernel log: the ring, read-only") \
	X(PORTS, 5, "I/O ports a to b") \
	X(DEVICE_MEMORY, 6, "all device untypeds and their list (platform)") \
	X(GUEST_MEMORY, 7, "what RAM is left when all have started") \
	X(KEPT_OBJECTS, 8, "a page for objects that outlive the domain")

#define X(name, num, what) MANIFEST_CAP_##name = (num),
enum manifest_cap_kind { MANIFEST_CAPS(X) MANIFEST_CAP_END };
#undef X

struct manifest_cap {
	/* The args have cap.NAME=SLOT. */
	char name[16];
	uint32_t kind;
	uint32_t a, b;
	uint32_t reserved;
};
_Static_assert(sizeof(struct manifest_cap) == 32, "no padding");

#endif
