/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vmctl.h - control and one guest's VMM
 *
 * Transport   record rings; the VMM is the client. control gives it the configuration in struct
 *             vm_config, which is read-only at VM_CONFIG_VADDR. The VMM sends reports, control
 *             sends commands.
 * Trust       control treats messages from a VMM as hostile: a breach ends that guest.
 * Order       VMM: READY (or FAILED with a text) once; then SHUTDOWN when the guest stops.
 *             control destroys the guest by revoking it; there is no message for that.
 * Restart     when control was restarted, the VMM sends again in the new epoch what control may
 *             not have seen: READY or FAILED, SHUTDOWN, QUIESCED, DEVICES, a GROW without an
 *             answer, and BREACH of what was not started again. Saving ends with control: what
 *             the next life finds it undoes by UNPLUG of VMCTL_SEAT_IMAGE and RESUME.
 *             control sends PAUSE or UNPAUSE, MAXMEM, and QUIESCE, again. Each has its effect
 *             once.
 *             Pieces of RAM that the VMM does not know of are the answer to its GROW; it is
 *             given no further ones.
 */
#ifndef PROTO_VMCTL_H
#define PROTO_VMCTL_H

#include <stdint.h>

#include "proto/domain.h"

#define VM_CONFIG_VADDR 0x0e040000ull
/*
 * An unpacked kernel that control keeps for all guests that boot from the same file, while the
 * VMM loads it; only the VMM that unpacks it may write there, and only until it says UNPACKED.
 */
#define VM_IMAGE_VADDR 0x140000000ull
#define VM_IMAGE_MAX (128u << 20)
#define VM_CMDLINE_MAX 1024u
#define VM_DISKS_MAX 8u
#define VM_VIFS_MAX 4u
#define VM_VCPUS_MAX 8u
/*
 * Files that the start info names as modules; the first is the ramdisk. All other connections
 * leave channels for no more than these.
 */
#define VM_MODULES_MAX 7u
#define VM_MODULE_ARGS_MAX 1024u
/* While the guest runs, only channels below this are in use; the VMM has the bits behind. */
#define VM_CHANNELS_LATER 18u
/*
 * The pages and event channels of xenstore and console, as libxl chooses them. control writes
 * them into xenstore.
 */
#define VM_STORE_GFN 0xfeffcu
#define VM_CONSOLE_GFN 0xfefffu
#define VM_STORE_PORT 1u
#define VM_CONSOLE_PORT 2u
#define VM_CONFIG_MAGIC 0x464e4f434d56ull /* "VMCONF" */

/*
 * Capabilities of a VMM beyond domain.h, in its CSpace. Guest RAM comes as Untyped capabilities
 * of order `ram_order` (most are 2 MiB), n_ram of them in consecutive slots from VM_CAP_RAM, in
 * the order of guest physical addresses. The VMM retypes and maps them itself. Up to n_more of
 * 2 MiB may follow at run time (GROW), in the slots behind them; the VMM decides where in the
 * guest they lie.
 */
enum vm_slot {
	/* Scheduling contexts of vCPUs 0 to 7; the I/O thread has SK_CAP_SCHED. */
	VM_CAP_SCHED = 32,
	VM_CAP_RAM = DOMAIN_CAP_FREE,
};

/*
 * Memory that a VMM is given to retype: VM_HEAP_BYTES, and more for each vCPU (thread, stack,
 * VCpu; of both, 64 and 16 KiB are for saving and restoring), for all disks and vifs that its
 * guest may get, and for each piece of RAM. The memory for a piece is enough to map all of it
 * page by page: 4 KiB each for a view and a page table, and a share of the tables that many
 * pieces use, and of those in which a save notes what has changed.
 */
#define VM_HEAP_BYTES (576u << 10)
#define VM_HEAP_VCPU (88u << 10)
#define VM_HEAP_DEVICES (VM_DISKS_MAX * (32u << 10) + VM_VIFS_MAX * (8u << 10))
#define VM_HEAP_PIECE 8704u

struct vm_disk {
	/* Virtual device number, as in xenstore: xvda = 51712. */
	uint32_t vdev;
	uint32_t read_only;
	uint32_t cdrom;
	/* A drive without a medium: the channel is not there yet. */
	uint32_t empty;
	/* Name of the BLK channel in the domain info. */
	char channel[16];
};
_Static_assert(sizeof(struct vm_disk) == 32, "no padding");
/* Where the guest comes from. */
enum vm_restore {
	VM_BOOT,
	/* From the volume behind the channel "image". */
	VM_RESTORE,
	/*
	 * There is no guest: the VMM sends the configuration on that volume (CONFIG), and
	 * FAILED.
	 */
	VM_READ_CONFIG,
};
struct vm_vif {
	uint32_t devid;
	uint8_t mac[6];
	uint16_t reserved;
	char channel[16];
};
_Static_assert(sizeof(struct vm_vif) == 28, "no padding");
/* Fits in three pages. */
struct vm_config {
	uint64_t magic;
	uint32_t domid;
	uint32_t n_vcpus;
	/* Bytes of guest RAM at start: n_ram pieces. */
	uint64_t memory;
	/* Bytes that the guest may hold: n_ram and n_more pieces. */
	uint64_t maxmem;
	uint32_t n_ram;
	uint32_t ram_order;
	uint32_t n_disks, n_vifs;
	uint32_t start_paused;
	uint32_t wallclock_known;
	/* Nanoseconds since 1970 at boot_tsc of struct sk_info. */
	uint64_t wallclock_boot_ns;
	uint8_t uuid[16];
	char name[64];
	char cmdline[VM_CMDLINE_MAX];
	struct vm_disk disk[VM_DISKS_MAX];
	struct vm_vif vif[VM_VIFS_MAX];
	/* Pieces of RAM that the VMM may still ask for. */
	uint32_t n_more;
	uint32_t n_modules;
	/* Each module's command line. */
	char module_args[VM_MODULES_MAX][VM_MODULE_ARGS_MAX];
	/* enum vm_restore */
	uint32_t restore;
	uint32_t reserved;
	/* Bytes at VM_IMAGE_VADDR: the kernel, unpacked; 0: it is not there. */
	uint64_t image_size;
	/*
	 * Channels have fixed names: "console", "xs", "vmctl", "kernel", "log"; for modules
	 * "ramdisk", "module1", "module2" and so on. These come last, because the VMM does not
	 * listen to them later. A guest that is restored has "image" in place of the kernel and
	 * the modules.
	 */
};
_Static_assert(sizeof(struct vm_config) == 8728, "no padding");
_Static_assert(sizeof(struct vm_config) <= 12288, "three pages");

#define VMCTL_MSGS(X) \
	X(READY, 1, "VMM: built; the guest runs, or is paused if so configured") \
	X(FAILED, 2, "VMM: cannot build the guest; text follows") \
	X(SHUTDOWN, 3, "VMM: the guest stopped; arg = SHUTDOWN_* reason of xen/sched.h") \
	X(PAUSE, 4, "control; answered by PAUSED") \
	X(UNPAUSE, 5, "control; answered by RUNNING") \
	X(PAUSED, 6, "VMM") \
	X(RUNNING, 7, "VMM") \
	X(STATS, 8, "control; answered by STATS: struct vmctl_stats follows") \
	X(QUIESCE, 9, \
		"control, before destroy: stop the vCPUs, close rings; answered by QUIESCED") \
	X(QUIESCED, 10, "VMM") \
	X(GROW, 11, \
		"VMM: wants arg more pieces of RAM; uint32_t follows: how many it knows of; one at a time, " \
		"answered by GROWN unless the guest ends") \
	X(GROWN, 12, "control: arg pieces, 0 to what was asked, are in the next slots of RAM") \
	X(NMI, 13, "control: send an NMI to vCPU arg; no answer") \
	X(PLUG, 14, \
		"control: a device more, or a medium for an empty drive: struct vmctl_plug follows; answered by DEVICES") \
	X(UNPLUG, 15, \
		"control: take a device or a medium out: struct vmctl_unplug follows; answered by DEVICES when that is done") \
	X(DEVICES, 16, \
		"VMM: the seats of its devices, as bits of arg, and from bit VMCTL_EMPTY on the seats of empty drives; uint32_t follows: the number of the last PLUG or UNPLUG that is done") \
	X(BREACH, 17, \
		"VMM: the service of channel arg broke the protocol; uint32_t follows: in this epoch of the connection") \
	X(SAVE, 18, \
		"control: save the guest, which runs; struct vmctl_save follows; answered by TEXT, COPIED and SAVED. Or write a core of it, at any time; answered by SAVED") \
	X(TEXT, 19, \
		"VMM: wants the guest's configuration from byte arg; control: answers with the same arg and the next VMCTL_TEXT_MAX bytes, or fewer at the end") \
	X(SAVED, 20, \
		"VMM: arg 0: the volume has all of the guest; 1: it has nothing, text follows. The channel may be closed") \
	X(RESUME, 21, \
		"control: a guest that stopped to be saved goes on; answered by RUNNING") \
	X(CONFIG, 22, \
		"VMM, of VM_READ_CONFIG: the bytes of the configuration on the volume from arg on follow; the last one has none") \
	X(COPIED, 23, \
		"VMM, after SAVE: memory is written; the rest follows when the guest has stopped with the reason suspend") \
	X(MAXMEM, 24, "control: the guest's balloon may hold at most arg MiB; no answer") \
	X(IMAGE, 25, \
		"VMM, before READY: wants memory for its kernel, which is arg bytes when it is unpacked; control: arg bytes are at VM_IMAGE_VADDR, 0 or as many as asked for") \
	X(UNPACKED, 26, \
		"VMM, after IMAGE: the first arg bytes are the kernel; 0: there is none; control: arg bytes of it can be read, until READY, and not written; 0: they are gone")

#define X(name, num, what) VMCTL_##name = (num),
enum vmctl_type { VMCTL_MSGS(X) VMCTL_MSG_END };
#undef X

/* Seats of devices: disks come first. */
#define VMCTL_SEATS (VM_DISKS_MAX + VM_VIFS_MAX)
#define VMCTL_EMPTY 16u
struct vmctl_plug {
	uint32_t number, seat;
	/* Its connection, which is mapped; none for an empty drive. */
	struct domain_channel channel;
	/* One of them, by the seat. */
	struct vm_disk disk;
	struct vm_vif vif;
	uint32_t reserved;
};
_Static_assert(sizeof(struct vmctl_plug) == 144, "no padding");
/* The seat of the volume on which a guest is saved, behind those of devices. */
#define VMCTL_SEAT_IMAGE VMCTL_SEATS
/* What is written there: a stream to restore from, or an ELF core. */
enum vmctl_save_kind { VMCTL_SAVE_STREAM, VMCTL_SAVE_CORE };
struct vmctl_save {
	uint32_t kind; /* enum vmctl_save_kind */
	uint32_t reserved;
	/* The connection with the volume, which is mapped; its data are 2 MiB. */
	struct domain_channel channel;
};
enum vmctl_unplug_how {
	VMCTL_UNPLUG_ASK,    /* the guest lets go of the device */
	VMCTL_UNPLUG_FORCE,  /* it is not waited for */
	VMCTL_UNPLUG_MEDIUM, /* of a drive, which stays */
};
struct vmctl_unplug {
	uint32_t number, seat;
	uint32_t how; /* enum vmctl_unplug_how */
};
_Static_assert(sizeof(struct vmctl_unplug) == 12, "no padding");

#define VMCTL_TEXT_MAX 256u
/* Bytes of a guest's configuration as a text: it fits a request of ctl.h. */
#define VMCTL_CONFIG_MAX 16000u
/* The most pieces that one GROW gets. */
#define VMCTL_GROW_MAX 64u
struct vmctl_msg {
	uint16_t type;
	/* Bytes that follow. */
	uint16_t len;
	uint32_t arg;
};
_Static_assert(sizeof(struct vmctl_msg) == 8, "no padding");
struct vmctl_vcpu_stats {
	uint64_t run_ticks; /* TSC */
	/* 0 running, 1 blocked, 2 offline. */
	uint32_t state;
	uint32_t cpu;
};
_Static_assert(sizeof(struct vmctl_vcpu_stats) == 16, "no padding");
/* Kinds of requests of a guest for something that does not exist: X(name, key in `list -l`). */
#define VMCTL_UNKNOWN(X) \
	X(HYPERCALL, "hypercalls") \
	X(MSR_READ, "msr_reads") \
	X(MSR_WRITE, "msr_writes") \
	X(PORT, "ports") \
	X(INSTRUCTION, "instructions")
#define X(name, key) VMCTL_UNKNOWN_##name,
enum vmctl_unknown { VMCTL_UNKNOWN(X) VMCTL_UNKNOWN_KINDS };
#undef X
/* What a disk has done for the guest. */
struct vmctl_disk_stats {
	uint64_t reads, writes, flushes;
	uint64_t read_sectors, written_sectors; /* of 512 bytes */
	/* How often a request had to wait for room in the back end. */
	uint64_t no_room;
};
_Static_assert(sizeof(struct vmctl_disk_stats) == 48, "no padding");
/* The same of a vif: tx is what the guest sends. */
struct vmctl_vif_stats {
	uint64_t tx_frames, tx_bytes, tx_dropped;
	uint64_t rx_frames, rx_bytes, rx_dropped;
};
_Static_assert(sizeof(struct vmctl_vif_stats) == 48, "no padding");
/* Places for the reasons of exits (enum sk_exit_reason), a power of two. */
#define VMCTL_EXITS 32u
struct vmctl_stats {
	/* Bytes that the guest holds now. */
	uint64_t memory;
	uint32_t n_vcpus, reserved;
	struct vmctl_vcpu_stats vcpu[VM_VCPUS_MAX];
	/* How many times the guest asked for each kind. */
	uint64_t unknown[VMCTL_UNKNOWN_KINDS];
	/* By their seats. */
	struct vmctl_disk_stats disk[VM_DISKS_MAX];
	struct vmctl_vif_stats vif[VM_VIFS_MAX];
	/* How often the guest's vCPUs left guest mode, by reason. */
	uint64_t exits[VMCTL_EXITS];
};
_Static_assert(sizeof(struct vmctl_stats) == 1016, "no padding");

#endif
