/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * boot.h - the information for the root task, and the pages that the kernel shares read-only
 */
#ifndef SK_BOOT_H
#define SK_BOOT_H

#include <sk/types.h>

/*
 * First page of the boot archive, made by tools/mkarchive: init as raw segments, without a file
 * format.
 */
#define SK_ARCHIVE_MAGIC 0x31544f4f424b53ull /* "SKBOOT1" */
#define SK_ARCHIVE_SEGS 8u
struct sk_archive_seg {
	uint64_t offset; /* of the data from the start of the archive; page-aligned */
	uint64_t vaddr;  /* page-aligned */
	uint64_t file_size;
	uint64_t mem_size; /* the rest is zero */
	uint32_t rights;   /* SK_R, SK_W, SK_EXEC; never W and X */
	uint32_t reserved;
};
struct sk_archive {
	uint64_t magic;
	uint64_t size; /* of the whole archive in bytes */
	uint64_t entry;
	uint64_t files_offset; /* of the cpio newc archive within it; page-aligned */
	uint64_t files_size;
	uint32_t n_segs, reserved;
	struct sk_archive_seg seg[SK_ARCHIVE_SEGS];
};

#define SK_BOOT_UNTYPED_MAX 144u
#define SK_BOOT_DEVICE 1u /* flag: device memory; only frames come out of it, at any offset */

struct sk_boot_untyped {
	sk_cap_t slot;
	uint16_t order, flags;
	uint64_t paddr;
};
struct sk_boot_frame { /* a piece of the boot archive, in order */
	sk_cap_t slot;
	uint32_t order;
};

/* Mapped read-only for the root task at SK_BOOTINFO_VADDR. */
#define SK_BOOTINFO_VADDR 0x0f000000ull
#define SK_INFO_VADDR 0x0f100000ull      /* struct sk_info */
#define SK_INIT_UTCB_VADDR 0x0f200000ull /* UTCB of the root task's thread */
#define SK_INIT_STACK_TOP 0x0f400000ull  /* 256 KiB below it are mapped */
#define SK_CMDLINE_MAX 1024u
struct sk_bootinfo {
	uint64_t magic; /* SK_INFO_MAGIC */
	uint32_t n_untyped, n_archive;
	sk_cap_t first_free_slot;
	uint32_t n_slots; /* of the root task's CNode */
	uint64_t archive_size;
	uint64_t rsdp;        /* physical address, 0 = not found */
	uint64_t kernel_size; /* bytes of memory that the kernel keeps for itself */
	uint64_t ram_size;    /* bytes of RAM in the firmware's map */
	struct sk_boot_untyped untyped[SK_BOOT_UNTYPED_MAX];
	struct sk_boot_frame archive[64];
	char cmdline[SK_CMDLINE_MAX];
};
_Static_assert(sizeof(struct sk_bootinfo) <= SK_PAGE_SIZE, "one page");

#define SK_INFO_MAGIC 0x4f464e494b53ull /* "SKINFO" */
#define SK_ABI_VERSION 1u
#define SK_CPU_MAX 64u
enum sk_feature { SK_FEAT_SVM = 1, SK_FEAT_VMX = 2, SK_FEAT_NESTED = 4, SK_FEAT_IOMMU = 8 };
enum { SK_FEAT_IRQ_REMAP = 16 }; /* a device can send only interrupts that were given to it */

/* SK_CAP_INFO: every domain has it mapped read-only. */
struct sk_info {
	uint64_t magic;
	uint32_t abi_version, n_cpus;
	uint64_t tsc_hz;
	sk_time_t boot_tsc; /* TSC when the kernel started */
	uint32_t features;  /* enum sk_feature */
	uint32_t xsave_size;
	uint64_t xcr0; /* state components that guests may use */
	uint32_t apic_id[SK_CPU_MAX];
	char version[32];
};

/* SK_CAP_KLOG: the kernel's log, a ring of bytes that the kernel writes and console drains. */
struct sk_klog {
	uint64_t head; /* bytes written since boot */
	uint64_t size; /* of data[], a power of two */
	char data[];
};

#endif
