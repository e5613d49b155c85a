/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * load.h - load a kernel or a module from a file into guest RAM
 */
#ifndef VMM_LOAD_H
#define VMM_LOAD_H

#include "load/load_space.h"

/*
 * Memory in which a packed kernel is unpacked as a whole, so that it need not be unpacked again
 * for other guests that boot from the same file.
 */
struct load_shelf {
	/* For so many bytes; NULL: there is none. It is asked once; 0 is for none. */
	uint8_t *(*room)(uint64_t size);
	/*
	 * After room(): the first `size` bytes are the kernel, and may be read from now on; 0:
	 * it could not be unpacked there. False: nothing of it can be read.
	 */
	bool (*filled)(uint64_t size);
};
/* A file that is in memory already. */
void load_memory(struct load_source *s, void *at, uint64_t size);
/*
 * Load the kernel into low RAM. Sets *entry to its 32-bit entry point, and sp->floor to the end
 * of its memory. shelf may be NULL.
 */
int load_kernel(struct load_source *src, struct load_space *sp, const struct load_shelf *shelf,
	uint64_t *entry, struct load_error *e) must_check;
/* Load a whole file to `gpa` in low RAM. */
int load_file(struct load_source *src, struct load_space *sp, uint64_t gpa,
	struct load_error *e) must_check;

#endif
