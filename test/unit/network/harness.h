/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * harness.h - the whole of network, as its clients and the card's driver see it: rings with
 * legal contents, and with those of a hostile VMM or driver
 */
#ifndef HARNESS_H
#define HARNESS_H

#include "world/world.h"

#include "proto/net.h"

enum {
	DATA = 1 << 20,
	RX_AT = 512 << 10,
	RX_SIZE = 2048,
	BUFFERS = 64,
	UPLINK_HALF = 128 << 10,
	ALL = NET_CSUM_BLANK | NET_GSO,
	RECORD = (4 + sizeof(struct net_desc) + 7) / 8 * 8 /* in a ring */
};

/* The driver of the card, and two guests. */
extern struct peer nic, a, b;
/* What the peer that was drained last had received and was answered. */
extern uint32_t got, n_done, n_refused;
extern struct net_desc last;

void open_port(struct peer *p, uint8_t number);
void post(struct peer *p, const struct net_desc *rx);
/* Takes all that the client was sent. */
void drain(struct peer *p);
/* Takes all that the driver was given; the driver's own check must accept it. */
void card_drain(void);
void start(void);
/* A broadcast frame of TCP over IPv4. */
void frame_make(struct peer *p);
/* Sends it; true if it is answered and no other frame is lost. */
bool sent(struct net_desc d);
void from_card(struct net_desc d);
/* The guests still reach each other and the card. */
void goes_on(void);

int frames_tests(void);
int ports_tests(void);
int driver_tests(void);
int limits_tests(void);

#endif
