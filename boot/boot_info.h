/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * boot_info.h - what boot/ hands to the kernel, whichever firmware or loader started it
 */
#ifndef BOOT_INFO_H
#define BOOT_INFO_H

#include <stdint.h>

/*
 * Where two ranges overlap, the first of these types counts; from LOADED on they are memory.
 * LOADED: the kernel's image and the archive. KERNEL: taken out of RAM by boot_alloc(); user
 * land never gets it.
 */
enum boot_mem_type {
	BOOT_MEM_RESERVED = 1,
	BOOT_MEM_ACPI,
	BOOT_MEM_LOADED,
	BOOT_MEM_RAM,
	BOOT_MEM_KERNEL
};
struct boot_mem {
	uint64_t base, size;
	uint32_t type, reserved;
};
#define BOOT_MEM_MAX 64u
struct boot_info {
	uint32_t n_mem, reserved;
	/* sorted, not overlapping, page-aligned inwards for RAM */
	struct boot_mem mem[BOOT_MEM_MAX];
	uint64_t archive, archive_size;    /* physical; 0 = the loader passed no module */
	uint64_t rsdp;                     /* physical address of the RSDP, or 0 */
	uint64_t kernel_start, kernel_end; /* physical addresses of the kernel's image */
	char cmdline[1024];
};

#endif
