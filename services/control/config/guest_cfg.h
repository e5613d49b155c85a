/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * guest_cfg.h - what a guest's configuration means
 *
 * The keys are those of xl.cfg(5); this is the checked result, with every default filled in.
 */
#ifndef CONTROL_GUEST_CFG_H
#define CONTROL_GUEST_CFG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/cfg.h"
#include "config/disk_spec.h"
#include "config/report.h"
#include "config/vif_spec.h"
#include "proto/domain.h"
#include "proto/vmctl.h"

enum {
	GUEST_NAME_MAX = 63,
	GUEST_PATH_MAX = 255,
	GUEST_MODULES_MAX = VM_MODULES_MAX,
	GUEST_MODULE_ARGS_MAX = 127,
	GUEST_CMDLINE_MAX = 1023,
	GUEST_SHIM_TEXT_MAX = 255,
	GUEST_DISKS_MAX = 8,
	GUEST_DRIVES_MAX = 4, /* that are empty */
	GUEST_VIFS_MAX = 4,
	/*
	 * Disks, vifs and modules together: each is a channel of the VMM, which has one each
	 * for control, log, console, xenstore and its kernel, too. With a shim, the guest's
	 * kernel is a module.
	 */
	GUEST_PARTS_MAX = DOMAIN_CHANNELS_MAX - 5,
	GUEST_VCPUS_MAX = 8,
	GUEST_MEMORY_MAX = 1 << 20, /* MiB */
	GUEST_WEIGHT_DEFAULT = 256,
	GUEST_CAP_MAX = 6400, /* percent of one CPU */
	UUID_SIZE = 16,
	UUID_TEXT = 37,
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

struct guest_disk {
	struct disk_spec spec;
	uint32_t place; /* in the list of the file */
	uint32_t seat;  /* among the guest's disks; it stays when another one is detached */
	char label[DISK_LABEL_SIZE];
};

struct guest_module {
	char path[GUEST_PATH_MAX + 1];
	char args[GUEST_MODULE_ARGS_MAX + 1];
};

/* Xen's PVH shim, as the file wants it; an empty text is the usual one. */
struct guest_shim {
	bool wanted; /* by a pvh guest; a pv guest has it always */
	char path[GUEST_PATH_MAX + 1];
	char cmdline[GUEST_SHIM_TEXT_MAX + 1], extra[GUEST_SHIM_TEXT_MAX + 1];
};

struct guest_config {
	enum guest_type type;
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
	enum guest_action on_poweroff, on_reboot, on_watchdog, on_crash;
	uint32_t n_disks, n_drives, n_vifs;
	struct guest_disk disks[GUEST_DISKS_MAX];
	struct guest_disk drives[GUEST_DRIVES_MAX]; /* empty; the guest has none of them */
	struct vif_spec vifs[GUEST_VIFS_MAX];
};

/* Guests have memory in pieces of 2 MiB. MiB, rounded up to whole pieces. */
static inline uint32_t guest_memory_round(uint32_t mib) { return (mib + 1) & ~1u; }

/* Fill `size` bytes with random ones. */
typedef void (*guest_random_fn)(void *buf, size_t size);

/*
 * Check `c` and fill *g. *n says what names of other hosts are here; it may be NULL. All
 * mistakes go to *r, as "file:line: key 'x': what; what to do", and so do remarks, which do not
 * stop the guest. 0 and *g is complete, or -1 when *r has a mistake, from here or from
 * cfg_parse() before.
 */
int guest_config_make(struct guest_config *g, const struct cfg *c, const struct names *n,
	guest_random_fn random, struct report *r);

/* What the bridge of a vif is here. */
void guest_bridge_find(const struct names *n, struct vif_spec *v);

const char *guest_action_name(enum guest_action a);
const char *guest_type_name(enum guest_type t);

/* Is it a name that a guest may have? 0, or -1 with *m. */
int guest_name_check(const char *name, struct msg *m);

void uuid_format(const uint8_t uuid[UUID_SIZE], char text[UUID_TEXT]);
int uuid_parse_text(const char *text, uint8_t uuid[UUID_SIZE]);
/* Mark random bytes as a version 4 UUID. */
void uuid_make_random(uint8_t uuid[UUID_SIZE], guest_random_fn random);

#endif
