/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * latency.h - kinds of work that keep the kernel busy
 */
#ifndef LATENCY_H
#define LATENCY_H

#include "../lib/ktest.h"

enum { MANY = 1000, UNTYPED_ORDER = 23, WINDOW_ORDER = 30 };

/*
 * work() is called repeatedly; what it makes from `untyped` is revoked when the next kind
 * begins.
 */
struct kind {
	const char *name;
	void (*work)(void);
};
/* The last element has no name. remote_kinds need two CPUs, io_kinds an IOMMU. */
extern const struct kind memory_kinds[], object_kinds[], remote_kinds[], io_kinds[];

extern sk_cap_t untyped; /* 2^UNTYPED_ORDER bytes */
extern sk_cap_t slots;   /* MANY, empty when a kind begins */

/*
 * A space with all tables for 2^WINDOW_ORDER bytes, and a frame of that size, which has no
 * memory behind it.
 */
struct sparse {
	sk_cap_t space, frame;
};

/* Fills s. space: new; it is a guest's or a device's. */
void sparse_make(struct sparse *s, sk_cap_t space);

/* Maps one page at the end of the window and unmaps all of it. */
void sparse_unmap(const struct sparse *s);

#endif
