/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * frame.c - conversion between net.h descriptors and virtio-net headers
 */
#include "frame.h"

enum {
	HDR_NEEDS_CSUM = 1,
	HDR_DATA_VALID = 2,
	GSO_NONE = 0,
	GSO_TCPV4 = 1,
	GSO_TCPV6 = 4,
};
int frame_check(const struct net_desc *d, uint64_t data_size, uint16_t offloads)
{
	uint16_t wanted = d->flags & (NET_CSUM_BLANK | NET_GSO);

	switch (d->op) {
	case NET_TX:
		return net_tx_legal(d, data_size) && !(wanted & ~offloads) ? 0 : -SK_E_INVAL;
	case NET_RX_POST:
		return net_rx_post_legal(d, data_size) ? 0 : -SK_E_INVAL;
	default:
		return -SK_E_PEER;
	}
}

struct frame_header frame_to_device(const struct net_desc *d)
{
	struct frame_header h = { 0 };

	if (d->flags & NET_CSUM_BLANK) {
		h.flags = HDR_NEEDS_CSUM;
		h.csum_start = d->csum_start;
		h.csum_offset = d->csum_offset;
	}
	if (d->flags & NET_GSO) {
		h.gso_type = d->flags & NET_GSO_TCPV4 ? GSO_TCPV4 : GSO_TCPV6;
		h.gso_size = d->gso_size;
		h.hdr_len = (uint16_t)(d->csum_start + NET_TCP_HEADER); /* a hint: 5.1.6.2 */
	}
	return h;
}

int frame_from_device(const struct frame_header *h, uint32_t length, struct net_desc *d)
{
	d->length = length;
	if (length < NET_FRAME_MIN || length > NET_FRAME_STD ||
		h->gso_type != GSO_NONE) /* no GUEST_TSO was negotiated */
		return -SK_E_IO;
	if (h->flags & HDR_NEEDS_CSUM) {
		if (!net_csum_inside(h->csum_start, h->csum_offset, length))
			return -SK_E_IO;
		d->flags = NET_CSUM_BLANK;
		d->csum_start = h->csum_start;
		d->csum_offset = h->csum_offset;
	} else if (h->flags & HDR_DATA_VALID) {
		d->flags = NET_CSUM_VALID;
	}
	return 0;
}
