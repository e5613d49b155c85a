/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * load.h - load a kernel or a module from a file into guest RAM
 */
#ifndef VMM_LOAD_H
#define VMM_LOAD_H

#include "load/load_space.h"

/*
 * Load the kernel into low RAM. Sets *entry to its 32-bit entry point, and sp->floor to the end
 * of its memory.
 */
int load_kernel(struct load_source *src, struct load_space *sp, uint64_t *entry,
	struct load_error *e) must_check;
/* Load a whole file to `gpa` in low RAM. */
int load_file(struct load_source *src, struct load_space *sp, uint64_t gpa,
	struct load_error *e) must_check;

#endif
