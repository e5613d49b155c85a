/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * frame.h - conversion between net.h descriptors and virtio-net headers
 */
#ifndef VIRTIO_NET_FRAME_H
#define VIRTIO_NET_FRAME_H

#include <stdint.h>
#include "proto/net.h"
#include <sk/types.h>

/* 5.1.6 struct virtio_net_hdr of a VERSION_1 device. */
struct frame_header {
	uint8_t flags, gso_type;
	uint16_t hdr_len, gso_size, csum_start, csum_offset, num_buffers;
};
_Static_assert(sizeof(struct frame_header) == 12, "as the device expects it");

/*
 * Check a descriptor (a private copy) against the data region and the offloads that the device
 * takes. Returns 0; -SK_E_INVAL: it is answered with that; -SK_E_PEER: it is neither TX nor
 * RX_POST, so it has no answer.
 */
int frame_check(const struct net_desc *d, uint64_t data_size, uint16_t offloads) must_check;
/* Header for a checked TX descriptor. */
struct frame_header frame_to_device(const struct net_desc *d);
/*
 * Fill flags and offsets of an RX descriptor from the device's header; `length` bytes of frame
 * arrived. -SK_E_IO: the device's header is malformed, and the frame has to be dropped.
 */
int frame_from_device(
	const struct frame_header *h, uint32_t length, struct net_desc *d) must_check;

#endif
