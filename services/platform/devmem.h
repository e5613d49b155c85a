/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * devmem.h - physical device memory, from the untypeds that init gave platform
 */
#ifndef PLATFORM_DEVMEM_H
#define PLATFORM_DEVMEM_H

#include <stddef.h>
#include <stdint.h>
#include <sk/types.h>

/*
 * len bytes at paddr in this domain's space, uncached and for good; NULL if that is not device
 * memory.
 */
volatile void *devmem_map(uint64_t paddr, size_t len);
/* A frame of 2^order bytes at paddr in a new slot. */
int devmem_frame(uint64_t paddr, uint32_t order, sk_cap_t *out) must_check;

#endif
