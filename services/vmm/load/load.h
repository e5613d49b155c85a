/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * load.h - a kernel or a module, from a file into guest RAM
 */
#ifndef VMM_LOAD_H
#define VMM_LOAD_H

#include "load/load_space.h"

/* Kernel into low RAM. *entry: 32-bit start; sp->floor: the end of its memory. */
int load_kernel(struct load_source *src, struct load_space *sp, uint64_t *entry,
	struct load_error *e) must_check;
/* A whole file to `gpa` of low RAM. */
int load_file(struct load_source *src, struct load_space *sp, uint64_t gpa,
	struct load_error *e) must_check;

#endif
