/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check.h - hooks of the checked kernel (make CHECKED=1), which cost nothing in the ordinary
 * one
 *
 * The checked kernel compares what the kernel does with models of what must hold, and panics at
 * the first difference.
 */
#ifndef KERNEL_CHECK_H
#define KERNEL_CHECK_H

#include "cap.h"

#ifdef CHECKED
/*
 * How much of the kernel stands still, in this order: the part under the tree lock; all of it;
 * all of it, with no call half done or given up.
 */
enum check_world { CHECK_OTHERS_RUN, CHECK_CALLS_HALF_DONE, CHECK_STANDS_STILL };

/*
 * check.c, the walker: does all that the kernel keeps obey the invariants? The caller holds the
 * tree lock. Panics with a sentence at the first violation; returns how many objects there are.
 */
unsigned int check_all(enum check_world world);
/* The walk begins at the root task's capability space. */
void check_init(struct cnode *cnode);
/* Is the upper half of an address space's root the same as in all others? */
bool arch_space_root_ok(const uint64_t *root);
#else
#define check_init(cnode) ((void)0)
#endif

#endif
