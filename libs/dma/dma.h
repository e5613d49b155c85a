/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dma.h - a driver's DMA space: memory that its device may reach, and the addresses the device
 * uses
 *
 * Without an IOMMU the kernel returns physical addresses; with one this library chooses the
 * addresses. A driver sees no difference.
 */
#ifndef DMA_H
#define DMA_H

#include <stddef.h>
#include <stdint.h>
#include <sk/types.h>

/* A contiguous piece of memory that the device sees at `addr`. */
struct dma_map {
	uint64_t addr;
	/* This library's copy of the frame, which holds the mapping. */
	sk_cap_t frame;
	/* What this library chose for it, and 2^order bytes. */
	uint64_t at;
	uint32_t order;
};

/*
 * Make 2^order bytes of `frame`, from `offset` on, reachable through IoSpace `space`; rights
 * SK_R, SK_W.
 */
int dma_map(sk_cap_t space, sk_cap_t frame, uint64_t offset, uint32_t order, uint32_t rights,
	struct dma_map *out) must_check;
/* When this returns, the device can no longer reach the memory. */
void dma_unmap(struct dma_map *m);
/*
 * Zeroed memory, for example for descriptors, mapped here and for the device. It is never
 * freed.
 */
int dma_alloc(sk_cap_t space, uint32_t order, void **virt, uint64_t *addr) must_check;

#endif
