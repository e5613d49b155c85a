/*
 * net.h - Ethernet frames: a port of the switch (VMM, ip) to network, and network to a NIC driver
 *
 * Transport   records on the rings name buffers in the data part of the connection's region.
 *             The client of the connection is the port owner; towards a NIC driver, network is.
 * Ownership   TX: the provider owns the buffer until its TX_DONE. RX: the provider owns a posted
 *             buffer until it comes back filled in an RX response.
 * Credit      at most NET_DEPTH buffers each way; more is a breach. A port without posted buffers
 *             loses frames, as a wire would; nobody waits for it.
 * Offload     NET_CSUM_BLANK: the transport checksum is partial, to be filled in at csum_start +
 *             csum_offset; NET_CSUM_VALID: checked or needs no check. GSO frames carry gso_size.
 *             A provider that was not granted an offload by NET_FEATURES never sees it.
 */
#ifndef PROTO_NET_H
#define PROTO_NET_H

#include <stdint.h>

#define NET_DEPTH 128u
#define NET_FRAME_MAX 65550u /* with GSO; else 1514 */
#define NET_FRAME_STD 1514u

#define NET_OPS(X) \
	X(TX, 1, "client: send the frame") \
	X(RX_POST, 2, "client: an empty buffer") \
	X(TX_DONE, 3, "provider: buffer returned; status in flags: 0 or SK_E_*") \
	X(RX, 4, "provider: frame in the buffer posted as id, length says how much") \
	X(LINK, 5, "provider: length 1 = link up, 0 = down")

#define X(op, num, note) NET_##op = (num),
enum net_op { NET_OPS(X) NET_OP_END };
#undef X

/* Bytes of TCP that each piece of a GSO frame carries at least: less is made up to keep others busy. */
#define NET_GSO_MIN 48u

enum net_flag { NET_CSUM_BLANK = 1, NET_CSUM_VALID = 2, NET_GSO_TCPV4 = 4, NET_GSO_TCPV6 = 8 };

struct net_desc {
	uint16_t op;
	uint16_t flags;
	uint32_t id; /* the client's, returned */
	uint64_t offset;
	uint32_t length;
	uint16_t csum_start, csum_offset;
	uint16_t gso_size;    /* of GSO frames: NET_GSO_MIN or more */
	uint16_t reserved[3]; /* zero */
};

struct net_params {        /* of SVC_OPEN towards network */
	char bridge[16];   /* "xenbr0" */
	char name[16];     /* "vif1.0" */
	uint8_t mac[6];    /* the port's own; -SK_E_EXISTS: another port's */
	uint16_t offloads; /* enum net_flag that the client understands in received frames */
};
/* Reply of SVC_OPEN by a NIC driver: mr2 = MAC address in bits 0-47, mr3 = offloads. */

#endif
