/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * device.h - a virtio device for a driver under test: the chains that the driver queues, and
 * their completion
 *
 * Device addresses are addresses of this program. A buffer outside the memory that the driver
 * mapped for the device ends the test.
 */
#ifndef TEST_VIRTIO_DEVICE_H
#define TEST_VIRTIO_DEVICE_H

#include <stdbool.h>
#include <stdint.h>

enum { DEVICE_QUEUES = 2, CHAIN_MAX = 64 };

extern struct device {
	uint64_t features;       /* offered */
	uint8_t config[64];      /* device-specific */
	uint16_t queue_size;     /* of each queue; 0: the driver's choice */
	unsigned int n_mapped;   /* mapped regions */
	bool failed;             /* it says so */
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

/* Takes the next chain of queue q; false: none. */
bool device_take(unsigned int q, struct chain *c);
/* Completes a chain; id and len can be anything. */
void device_give(unsigned int q, uint32_t id, uint32_t len);
/*
 * Does the driver want an interrupt for what was completed since the last call (2.6.7.2 of the
 * specification)?
 */
bool device_interrupts(unsigned int q);

#endif
