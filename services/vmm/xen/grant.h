/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * grant.h - use of memory that the guest grants
 */
#ifndef VMM_GRANT_H
#define VMM_GRANT_H

#include <stdbool.h>
#include <stdint.h>

#include "xen/xen_domain.h"

int grant_init(void) must_check;
/* mem_lock held: 0, -XEN_ENOMEM, -XEN_EINVAL. */
int with_lock(xen_dom.mem_lock) grant_grow(uint32_t frames) must_check;

enum grant_use {
	GRANT_READ,
	GRANT_WRITE,
};

/*
 * Use a grant as domain `dom`, mem_lock held. Returns GNTST_*; *page is the granted page. What
 * was written there is reported when it is released.
 */
int with_lock(xen_dom.mem_lock)
	grant_acquire(uint32_t ref, domid_t dom, enum grant_use use, void **page);
void with_lock(xen_dom.mem_lock)
	grant_release(uint32_t ref, enum grant_use use, const void *page);
/* xen_memory_wrote(): the pages that are in use for writing. */
void grants_wrote(void);

/* ---- for back ends (domain 0), any thread. 0 or GNTST_* ---- */

int grant_map(uint32_t ref, enum grant_use use, void **page);
void grant_unmap(uint32_t ref, enum grant_use use, const void *page);
/* Part of a granted page. */
struct grant_part {
	uint32_t ref, offset, len;
};
int grant_read(uint32_t ref, uint32_t offset, void *dst, uint32_t len);
int grant_write(uint32_t ref, uint32_t offset, const void *src, uint32_t len);
/*
 * The same for n parts, one after the other, under one lock. What came before a part that fails
 * is copied.
 */
int grant_read_parts(const struct grant_part *parts, uint32_t n, void *dst);
int grant_write_parts(const struct grant_part *parts, uint32_t n, const void *src);

#endif
