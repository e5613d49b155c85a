/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * net.h - Ethernet frames: a port of the switch (VMM, ip) to network, and network to a NIC
 * driver
 *
 * Transport   records on the rings name buffers in the data part of the connection's region.
 *             The client of the connection is the port owner; towards a NIC driver, the client
 *             is network.
 * Ownership   TX: the provider owns the buffer until its TX_DONE. RX: the provider owns a
 *             posted buffer until it comes back filled in an RX response.
 * Credit      at most NET_DEPTH buffers each way; more is a breach. A port without posted
 *             buffers, or one that does not take its frames, loses them, as on a wire; no
 *             domain waits for it.
 * Legal       net_tx_legal() and net_rx_post_legal() define a legal request, for every layer
 *             alike. An illegal one comes back alone, with an error: as TX_DONE, or as an RX of
 *             length 0.
 * Large       a GSO frame that does not fit the next buffer fills as many buffers as it needs,
 *             each to its end, in the order in which they were posted. All of them were posted
 *             with its kind of GSO in flags. Its RX is followed at once by an RX_MORE for each
 *             further buffer.
 * Offload     NET_CSUM_BLANK: the transport checksum is partial and has to be filled in at
 *             csum_start + csum_offset. NET_CSUM_VALID: it is checked or needs no check. GSO
 *             frames carry gso_size. A provider that was not granted an offload by NET_FEATURES
 *             never sees it.
 */
#ifndef PROTO_NET_H
#define PROTO_NET_H

#include <stdbool.h>
#include <stdint.h>

#define NET_DEPTH 128u
/* An Ethernet header alone. */
#define NET_FRAME_MIN 14u
/* Without GSO: 1500 bytes behind a header with a VLAN tag. */
#define NET_FRAME_STD 1518u
#define NET_FRAME_MAX 65550u /* with GSO */
/* Buffers that a frame fills at most. With smaller ones, it is cut up. */
#define NET_PIECES_MAX 18u

#define NET_OPS(X) \
	X(TX, 1, "client: send the frame") \
	X(RX_POST, 2, \
		"client: an empty buffer; flags: the kinds of GSO frames that it may be a part of") \
	X(TX_DONE, 3, "provider: buffer returned; status in flags: 0 or SK_E_*") \
	X(RX, 4, \
		"provider: frame in the buffer posted as id, length says how much; 0: refused, flags SK_E_*") \
	X(LINK, 5, "provider: length 1 = link up, 0 = down") \
	X(RX_MORE, 6, "provider: id is a further buffer of the frame of the RX before")

#define X(op, num, note) NET_##op = (num),
enum net_op { NET_OPS(X) NET_OP_END };
#undef X

/*
 * Least bytes of TCP payload in each piece of a GSO frame. A sender that asks for less would
 * only make work for others.
 */
#define NET_GSO_MIN 48u
#define NET_TCP_HEADER 20u /* at least */
/* Offset of the checksum in it. */
#define NET_TCP_CSUM_OFFSET 16

enum net_flag { NET_CSUM_BLANK = 1, NET_CSUM_VALID = 2, NET_GSO_TCPV4 = 4, NET_GSO_TCPV6 = 8 };

struct net_desc {
	uint16_t op;
	uint16_t flags;
	/* The client's, returned. */
	uint32_t id;
	uint64_t offset;
	uint32_t length;
	uint16_t csum_start, csum_offset;
	/* For GSO frames: NET_GSO_MIN or more, and each piece is a standard frame. */
	uint16_t gso_size;
	/* RX: the number of RX_MORE that follow; otherwise zero. */
	uint16_t more;
	uint16_t reserved[2]; /* zero */
};
_Static_assert(sizeof(struct net_desc) == 32, "no padding");

#define NET_GSO (NET_GSO_TCPV4 | NET_GSO_TCPV6)

/*
 * Does the checksum that starts at `start`, with its field `offset` bytes further, lie in a
 * frame of this length?
 */
static inline bool net_csum_inside(uint16_t start, uint16_t offset, uint32_t length)
{
	return start >= NET_FRAME_MIN && (uint32_t)start + offset + 2 <= length;
}

/*
 * Are the flags, checksum and segmentation of a frame legal, as far as this shows without its
 * bytes?
 */
static inline bool net_offloads_legal(const struct net_desc *d)
{
	uint16_t gso = d->flags & NET_GSO;

	if (d->flags & ~(NET_CSUM_BLANK | NET_CSUM_VALID | NET_GSO))
		return false;
	if (!(d->flags & NET_CSUM_BLANK))
		return !gso && !d->gso_size && !d->csum_start && !d->csum_offset;
	if (d->flags & NET_CSUM_VALID ||
		!net_csum_inside(d->csum_start, d->csum_offset, d->length))
		return false;
	if (!gso)
		return d->gso_size == 0;
	return gso != NET_GSO && d->csum_offset == NET_TCP_CSUM_OFFSET &&
	       d->gso_size >= NET_GSO_MIN &&
	       d->csum_start + NET_TCP_HEADER + d->gso_size <= NET_FRAME_STD;
}

/* A frame in either direction. */
static inline bool net_frame_legal(const struct net_desc *d)
{
	uint32_t max = d->flags & NET_GSO ? NET_FRAME_MAX : NET_FRAME_STD;

	return d->length >= NET_FRAME_MIN && d->length <= max && net_offloads_legal(d);
}

static inline bool net_in_region(const struct net_desc *d, uint64_t data_size)
{
	return d->offset <= data_size && d->length <= data_size - d->offset && !d->more &&
	       !d->reserved[0] && !d->reserved[1];
}

/* d is a private copy of a TX; data_size is the size of the client's data part. */
static inline bool net_tx_legal(const struct net_desc *d, uint64_t data_size)
{
	return d->op == NET_TX && net_in_region(d, data_size) && net_frame_legal(d);
}

/* The same for an RX_POST, which must have room for a standard frame. */
static inline bool net_rx_post_legal(const struct net_desc *d, uint64_t data_size)
{
	return d->op == NET_RX_POST && net_in_region(d, data_size) &&
	       d->length >= NET_FRAME_STD && d->length <= NET_FRAME_MAX &&
	       !(d->flags & ~NET_GSO) && !d->csum_start && !d->csum_offset && !d->gso_size;
}

/*
 * An RX that a client got: the frame is legal, and only a GSO frame is in several buffers,
 * which are not more than one can fill.
 */
static inline bool net_rx_legal(const struct net_desc *d)
{
	return net_frame_legal(d) && d->more < NET_PIECES_MAX &&
	       (!d->more || d->flags & NET_GSO);
}

/*
 * IPv6 addresses that agree in their first bits. Those of IPv4 stand in ::ffff:0:0/96 (RFC
 * 4291, section 2.5.5.2), so they have 96 bits or more.
 */
struct net_range {
	uint8_t address[16];
	uint32_t bits; /* up to 128 */
};
#define NET_RANGES 8u

/* Parameters of SVC_OPEN towards network. */
struct net_params {
	char bridge[16]; /* "xenbr0" */
	char name[16];   /* "vif1.0" */
	/* The port's own address. -SK_E_EXISTS: another port has it. */
	uint8_t mac[6];
	/* The enum net_flag that the client understands in received frames. */
	uint16_t offloads;
	/* The bytes of frames that the client may send in rate_us microseconds; 0: any. */
	uint64_t rate_bytes;
	uint32_t rate_us;
	/*
	 * The addresses that it may send from. 0: any. Without one of IPv6, those are not
	 * restricted.
	 */
	uint32_t n_sources;
	struct net_range source[NET_RANGES];
};
_Static_assert(sizeof(struct net_params) == 216, "no padding");
/* Reply of SVC_OPEN by a NIC driver: mr2 = MAC address in bits 0-47, mr3 = offloads. */

#endif
