/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * stray.c - a device that writes where its driver has no memory, for tests; only in the build
 * below build/inject/
 *
 * The first buffer of a sector or more that the device writes goes to the address that libs/svc
 * has for it (the ways dma and msi of inject.c).
 */
#define SVC_INJECT 1 /* for stray.h, also when this file is only looked at */
#include "virtio/stray.h"

enum { SECTOR = 512 };

void device_stray(uint64_t addr);

static uint64_t astray;

void device_stray(uint64_t addr) { astray = addr; }

uint64_t stray_addr(const struct virtq_buf *b)
{
	uint64_t addr = astray;

	if (!addr || !b->device_writes || b->len < SECTOR)
		return b->addr;
	astray = 0;
	return addr;
}
