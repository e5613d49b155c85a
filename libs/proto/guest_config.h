/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * guest_config.h - what a guest is to be: the meaning of an xl.cfg(5) file, with every default
 * filled in
 *
 * It goes from who asks for a guest to control (ctl.h) and back, and into the memory that
 * outlives control. It has no pointers. Texts end with a zero inside their field. Numbers and
 * texts that are not in use are zero. control checks each field as hostile.
 */
#ifndef PROTO_GUEST_CONFIG_H
#define PROTO_GUEST_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/domain.h"
#include "proto/net.h"
#include "proto/vmctl.h"

enum {
	GUEST_NAME_MAX = 63,
	GUEST_PATH_MAX = 255,
	GUEST_MODULES_MAX = VM_MODULES_MAX,
	GUEST_MODULE_ARGS_MAX = 127,
	GUEST_CMDLINE_MAX = 1023,
	GUEST_SHIM_TEXT_MAX = 255,
	GUEST_DISKS_MAX = 8,
	GUEST_VIFS_MAX = 4,
	/* The places of a guest's devices: those of disks, then those of vifs. */
	GUEST_SEATS = GUEST_DISKS_MAX + GUEST_VIFS_MAX,
	/*
	 * Disks, vifs and modules together: each is a channel of the VMM, which has one each
	 * for control, log, console, xenstore and its kernel, too. With a shim, the guest's
	 * kernel is a module.
	 */
	GUEST_PARTS_MAX = DOMAIN_CHANNELS_MAX - 5,
	GUEST_VCPUS_MAX = 8,
	GUEST_MEMORY_MAX = 1 << 20, /* MiB */
	GUEST_WEIGHT_DEFAULT = 256,
	GUEST_WEIGHT_MAX = 65535,
	GUEST_CAP_MAX = 6400, /* percent of one CPU */
	UUID_SIZE = 16,

	DISK_TARGET_MAX = 255,
	DISK_VDEV_MAX = 31,
	DISK_WORD_MAX = 63,
	DISK_KIND_MAX = 31,
	DISK_LABEL_MAX = 36, /* characters of a GPT partition name */
	/* bytes of such a name that storage accepts, with the terminator */
	DISK_LABEL_SIZE = 51,

	VIF_NAME_MAX = 15,
	VIF_IP_MAX = 127,
	VIF_MAC_SIZE = 6,
};

/* The kinds of guests, with the names that the file has for them. */
#define GUEST_TYPES(X) \
	X(PVH, "pvh") \
	X(PV, "pv")
#define X(sym, name) GUEST_##sym,
enum guest_type { GUEST_TYPES(X) GUEST_TYPE_COUNT };
#undef X

/*
 * What happens after the guest has shut down, with the names that the file has for it, in the
 * order of libxl.
 */
#define GUEST_ACTIONS(X) \
	X(DESTROY, "destroy") \
	X(RESTART, "restart") \
	X(RENAME_RESTART, "rename-restart") \
	X(PRESERVE, "preserve") \
	X(COREDUMP_DESTROY, "coredump-destroy") \
	X(COREDUMP_RESTART, "coredump-restart")
#define X(sym, name) ACTION_##sym,
enum guest_action { GUEST_ACTIONS(X) ACTION_COUNT };
#undef X

#define DISK_FORMATS(X) \
	X(RAW, "raw") \
	X(QCOW, "qcow") \
	X(QCOW2, "qcow2") \
	X(VHD, "vhd") \
	X(QED, "qed") \
	X(EMPTY, "empty")
#define X(sym, name) DISK_##sym,
enum disk_format { DISK_FORMATS(X) DISK_FORMAT_COUNT };
#undef X

/* One entry of disk=, as in xl-disk-configuration(5). */
struct disk_spec {
	char target[DISK_TARGET_MAX + 1]; /* an absolute path; empty for an empty cdrom drive */
	char vdev[DISK_VDEV_MAX + 1];     /* as written */
	char script[DISK_WORD_MAX + 1];
	char backend[DISK_KIND_MAX + 1];
	char backendtype[DISK_KIND_MAX + 1];
	char specification[DISK_KIND_MAX + 1];
	uint32_t format; /* enum disk_format */
	uint32_t number; /* the virtual device number of xen-vbd-interface(7) */
	/* Each is 0 or 1. */
	uint8_t readonly, cdrom, direct_io_safe, discard, trusted, colo;
	uint8_t reserved[2];
};
_Static_assert(sizeof(struct disk_spec) == 464, "no padding");

struct guest_disk {
	struct disk_spec spec;
	uint32_t seat; /* among the guest's disks; it stays when another one is detached */
	char label
		[DISK_LABEL_SIZE]; /* of the GPT partition that it is; empty: an empty drive */
	uint8_t reserved;
};
_Static_assert(sizeof(struct guest_disk) == 520, "no padding");

/* One entry of vif=, as in xl-network-configuration(5). */
struct vif_spec {
	uint8_t mac[VIF_MAC_SIZE];
	uint8_t mac_given, trusted; /* 0 or 1 */
	int32_t devid;              /* -1: not given. In a guest's configuration: its number */
	char bridge[VIF_NAME_MAX + 1];  /* as written */
	char network[VIF_NAME_MAX + 1]; /* the switch of this host that it means */
	char model[VIF_NAME_MAX + 1];
	char vifname[VIF_NAME_MAX + 1];
	char gatewaydev[VIF_NAME_MAX + 1];
	char ip[VIF_IP_MAX + 1]; /* as written */
	uint32_t rate_us;        /* 0: not limited */
	uint64_t rate_bytes;     /* per rate_us; 0: not limited */
	uint32_t mtu;            /* 0: not given, VIF_MTU */
	/* What the guest may send from, which is what ip= says; 0: anything. */
	uint32_t n_sources;
	struct net_range source[NET_RANGES];
};
_Static_assert(sizeof(struct vif_spec) == 400, "no padding");

struct guest_module {
	char path[GUEST_PATH_MAX + 1];
	char args[GUEST_MODULE_ARGS_MAX + 1];
};
_Static_assert(sizeof(struct guest_module) == 384, "no padding");

/* Xen's PVH shim, as the file wants it; an empty text is the usual one. */
struct guest_shim {
	uint8_t wanted; /* 0 or 1: by a pvh guest; a pv guest has it always */
	uint8_t reserved[3];
	char path[GUEST_PATH_MAX + 1];
	char cmdline[GUEST_SHIM_TEXT_MAX + 1], extra[GUEST_SHIM_TEXT_MAX + 1];
};
_Static_assert(sizeof(struct guest_shim) == 772, "no padding");

struct guest_config {
	uint32_t type; /* enum guest_type */
	char name[GUEST_NAME_MAX + 1];
	uint8_t uuid[UUID_SIZE];
	uint32_t memory, maxmem; /* MiB */
	uint32_t vcpus, maxvcpus;
	char kernel[GUEST_PATH_MAX + 1];
	struct guest_shim shim;
	char bootloader[GUEST_PATH_MAX + 1]; /* as written; kernel is what boots */
	uint32_t n_modules;
	struct guest_module modules[GUEST_MODULES_MAX]; /* the first is the ramdisk */
	char cmdline[GUEST_CMDLINE_MAX + 1];
	uint32_t weight, cap;
	uint32_t on_poweroff, on_reboot, on_watchdog, on_crash; /* enum guest_action */
	uint32_t n_disks, n_vifs;
	uint32_t mem_max; /* MiB: what mem-max has left of maxmem; 0: all of it */
	struct guest_disk disks[GUEST_DISKS_MAX];
	struct vif_spec vifs[GUEST_VIFS_MAX];
	/*
	 * The CPUs of the host that each vCPU may run on, and those of them on which it should,
	 * as bits; 0: any.
	 */
	uint64_t cpus[GUEST_VCPUS_MAX], cpus_soft[GUEST_VCPUS_MAX];
	/*
	 * The partition to which a coredump-* action writes; empty: there is none, and the
	 * action goes on without.
	 */
	char core_label[DISK_LABEL_SIZE];
	uint8_t reserved[5];
};
_Static_assert(sizeof(struct guest_config) == 11080, "no padding");

/* The usual shim among the host's files. */
#define SHIM_FILE "/guests/xen-shim"

/* A guest that runs in Xen's shim: the kernel is a module of the shim then. */
static inline bool guest_in_shim(const struct guest_config *g)
{
	return g->type == GUEST_PV || g->shim.wanted;
}

/* Modules that the machine starts with. */
static inline uint32_t guest_modules(const struct guest_config *g)
{
	return g->n_modules + guest_in_shim(g);
}

/* Guests have memory in pieces of 2 MiB. MiB, rounded up to whole pieces. */
static inline uint32_t guest_memory_round(uint32_t mib) { return (mib + 1) & ~1u; }

/* The limit of mem-set and of the guest's balloon; MiB. */
static inline uint32_t guest_mem_max(const struct guest_config *g)
{
	return g->mem_max ? g->mem_max : g->maxmem;
}

/* An empty cdrom drive. */
static inline bool disk_spec_empty(const struct disk_spec *d)
{
	return d->cdrom && d->format == DISK_EMPTY;
}

#endif
