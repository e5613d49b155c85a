/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * start_info.h - the guest's memory map and hvm_start_info; pure functions
 */
#ifndef VMM_START_INFO_H
#define VMM_START_INFO_H

#include <stddef.h>
#include <stdint.h>
#include <sk/types.h>

#include "guest.h"
#include "proto/vmctl.h"

/*
 * Make the memory map of a guest with this much RAM below and above 4 GiB. Returns the number
 * of entries, at most VM_MAP_MAX.
 */
uint32_t map_make(uint64_t low_size, uint64_t high_size, struct guest_range *map);

struct start_info_module {
	uint64_t gpa, size;
	const char *cmdline; /* "": none */
};
struct start_info_args {
	uint64_t gpa; /* where the guest sees the buffer */
	const char *cmdline;
	const struct start_info_module *module;
	uint32_t n_modules;
	uint64_t rsdp;
	const struct guest_range *map;
	uint32_t n_map;
};
/* More than the command lines, the modules and the map that a configuration can have. */
#define START_INFO_MAX (VM_CMDLINE_MAX + VM_MODULES_MAX * VM_MODULE_ARGS_MAX + SK_PAGE_SIZE)
/*
 * Write hvm_start_info and everything that it points to at buf. Returns the bytes used, or
 * -SK_E_RANGE.
 */
int64_t start_info_make(uint8_t *buf, size_t size, const struct start_info_args *a) must_check;

#endif
