/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * latency.h - kinds of work that keep the kernel busy
 */
#ifndef LATENCY_H
#define LATENCY_H

#include "../lib/ktest.h"

enum { MANY = 1000, UNTYPED_ORDER = 23 };

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

#endif
