/*
 * frame.c - between net.h descriptors and virtio-net headers
 */
#include "frame.h"

#include <stdbool.h>
#include <string.h>

enum { HDR_NEEDS_CSUM = 1, HDR_DATA_VALID = 2, GSO_NONE = 0, GSO_TCPV4 = 1, GSO_TCPV6 = 4 };
enum { ETH_HEADER = 14, GSO = NET_GSO_TCPV4 | NET_GSO_TCPV6 };

/* The checksum field must lie in the frame: its start, and two bytes at start + offset. */
static bool csum_inside(uint32_t start, uint32_t offset, uint32_t length)
{
	return start >= ETH_HEADER && start + offset + 2 <= length;
}

int frame_check(const struct net_desc *d, uint64_t data_size, uint16_t offloads)
{
	uint16_t wanted = d->flags & (NET_CSUM_BLANK | GSO);

	if (d->reserved[0] || d->reserved[1] || d->reserved[2])
		return -SK_E_PEER;
	if (d->offset > data_size || d->length > data_size - d->offset)
		return -SK_E_PEER;
	if (d->op == NET_RX_POST)
		return d->length >= FRAME_RX_MIN && d->length <= NET_FRAME_MAX && !d->flags
			       ? 0
			       : -SK_E_PEER;
	if (d->op != NET_TX || d->length < ETH_HEADER || wanted & ~offloads)
		return -SK_E_PEER;
	if (d->length > (d->flags & GSO ? NET_FRAME_MAX : NET_FRAME_STD))
		return -SK_E_PEER;
	if (d->flags & NET_CSUM_BLANK && !csum_inside(d->csum_start, d->csum_offset, d->length))
		return -SK_E_PEER;
	if (d->flags & GSO &&
		(!d->gso_size || !(d->flags & NET_CSUM_BLANK) || (d->flags & GSO) == GSO))
		return -SK_E_PEER;
	return 0;
}

struct frame_header frame_to_device(const struct net_desc *d)
{
	struct frame_header h = { 0 };

	if (d->flags & NET_CSUM_BLANK) {
		h.flags = HDR_NEEDS_CSUM;
		h.csum_start = d->csum_start;
		h.csum_offset = d->csum_offset;
	}
	if (d->flags & GSO) {
		h.gso_type = d->flags & NET_GSO_TCPV4 ? GSO_TCPV4 : GSO_TCPV6;
		h.gso_size = d->gso_size;
		h.hdr_len = (uint16_t)(d->csum_start + 20); /* a hint: 5.1.6.2 */
	}
	return h;
}

int frame_from_device(const struct frame_header *h, uint32_t length, struct net_desc *d)
{
	d->length = length;
	if (length < ETH_HEADER || h->gso_type != GSO_NONE) /* no GUEST_TSO was negotiated */
		return -SK_E_IO;
	if (h->flags & HDR_NEEDS_CSUM) {
		if (!csum_inside(h->csum_start, h->csum_offset, length))
			return -SK_E_IO;
		d->flags = NET_CSUM_BLANK;
		d->csum_start = h->csum_start;
		d->csum_offset = h->csum_offset;
	} else if (h->flags & HDR_DATA_VALID) {
		d->flags = NET_CSUM_VALID;
	}
	return 0;
}
