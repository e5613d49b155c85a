/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * device.h - front ends in the fake guest: bring a disk and a network interface to Connected
 */
#ifndef DEVICE_H
#define DEVICE_H

#include "backend/xenbus.h"
#include "fake.h"

/* Guest pages: rings in 16.., data in 32.. (reference = frame number, granted read-write). */
enum { RING_PAGE = 16, DATA_PAGE = 32, DATA_PAGES = 64, VDEV = 51712 };
#define VBD_FE "/local/domain/7/device/vbd/51712"
#define VBD_BE "/local/domain/0/backend/vbd/7/51712"
#define VIF_FE "/local/domain/7/device/vif/0"
#define VIF_BE "/local/domain/0/backend/vif/7/0"

struct front {
	uint32_t port;
	uint32_t req_prod,
		/* indices of the ring in RING_PAGE (block: the only ring; net: transmit) */
		rsp_cons;
	uint32_t rx_req_prod, rx_rsp_cons;
};
extern struct fake_conn *blk, *net;
extern struct xb_dev *disk_dev, *vif_dev;
extern uint32_t disk_region; /* bytes of the disk's data region */

void grants_make(void);
/* Make a disk of `sectors`, and bring it to InitWait. */
void disk_make(uint64_t sectors, uint32_t flags, bool read_only);
void disk_connect(struct front *f, const char *protocol);
/* Make an interface, and bring it to Connected, with rings in pages 16 (tx) and 17 (rx). */
void vif_make(void);
void vif_connect(struct front *f, bool offloads);

uint8_t *ring_entry(uint32_t page, uint32_t index, uint32_t size, uint32_t count);
void ring_word(uint32_t page, uint32_t offset, uint32_t value);
uint32_t ring_word_get(uint32_t page, uint32_t offset);
void guest_send(uint32_t port);
/* Take one request of the disk. False: there is none. */
bool storage_take(struct blk_req *q);
void storage_answer(const struct blk_req *q, int32_t status);
/* Answer the question for the volume. */
void storage_describe(const struct blk_req *q, uint64_t sectors, uint32_t flags);

#endif
