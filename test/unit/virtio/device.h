/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * device.h - a virtio device for a driver under test: what the driver queues, and what the
 * device makes of it
 *
 * Device addresses are addresses of this program. Every buffer that the driver names must lie
 * in memory that it had mapped for the device, or the test ends.
 */
#ifndef TEST_VIRTIO_DEVICE_H
#define TEST_VIRTIO_DEVICE_H

#include <stdbool.h>
#include <stdint.h>

enum { DEVICE_QUEUES = 2, CHAIN_MAX = 64 };

extern struct device {
	uint64_t features;       /* offered */
	uint8_t config[64];      /* device-specific */
	uint16_t queue_size;     /* of each queue; 0 = as the driver likes */
	unsigned int n_mapped;   /* regions */
	unsigned int n_restarts; /* resets after the first start */
} device;

struct chain {
	uint16_t id;
	unsigned int n;
	struct {
		uint8_t *at;
		uint32_t len;
		bool writable;
	} buf[CHAIN_MAX];
};

/* The next chain of queue q; false: none. */
bool device_take(unsigned int q, struct chain *c);
/* It is done, or whatever the device says is. */
void device_give(unsigned int q, uint32_t id, uint32_t len);

#endif
