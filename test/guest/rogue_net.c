/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rogue_net.c - correct and wrong use of an interface's rings
 *
 * Objects     two rings of one page; pages of a frame to send, granted read-only; buffers for
 *             received frames.
 */
#include "rogue.h"

#define xen_mb() barrier()
#define xen_rmb() barrier()
#define xen_wmb() barrier()
#include <xen/io/netif.h>

enum {
	SLOTS = 256,
	BUFFERS = 64,
	FRAME_PAGES = 16,
	ARP_SIZE = 42,
	OKAY = NETIF_RSP_OKAY,
	ERROR = NETIF_RSP_ERROR
};

static struct pv_device vif;
static union {
	netif_tx_sring_t ring;
	uint8_t page[PAGE];
} tx_shared PAGE_ALIGNED;
static union {
	netif_rx_sring_t ring;
	uint8_t page[PAGE];
} rx_shared PAGE_ALIGNED;
static netif_tx_sring_t *const tx = &tx_shared.ring;
static netif_rx_sring_t *const rx = &rx_shared.ring;
static uint8_t frame[FRAME_PAGES * PAGE] PAGE_ALIGNED, buffer[BUFFERS][PAGE] PAGE_ALIGNED;
static evtchn_port_t port;
static uint32_t tx_req, tx_rsp, rx_req, rx_rsp;
static uint8_t mac[6];

union slot {
	struct netif_tx_request req;
	struct netif_extra_info extra;
};
_Static_assert(sizeof(union slot) == 12, "a slot");

/* ---- connection ---- */

static void buffer_post(uint32_t i)
{
	rx->ring[rx_req++ % SLOTS].req = (struct netif_rx_request){ .id = (uint16_t)i,
		.gref = REF_NET_BUFFER + i };
	barrier();
	rx->req_prod = rx_req;
}

static void offer(void)
{
	uint32_t i;

	memset(tx, 0, PAGE);
	memset(rx, 0, PAGE);
	tx_req = tx_rsp = rx_req = rx_rsp = 0;
	pv_grant_set(REF_NET_TX, tx, GTF_permit_access);
	pv_grant_set(REF_NET_RX, rx, GTF_permit_access);
	for (i = 0; i < FRAME_PAGES; i++)
		pv_grant_set(
			REF_NET_FRAME + i, frame + i * PAGE, GTF_permit_access | GTF_readonly);
	for (i = 0; i < BUFFERS; i++) {
		pv_grant_set(REF_NET_BUFFER + i, buffer[i], GTF_permit_access);
		buffer_post(i);
	}
	if (port)
		pv_port_close(port);
	port = pv_port_new();
	pv_device_put(&vif, "tx-ring-ref", REF_NET_TX);
	pv_device_put(&vif, "rx-ring-ref", REF_NET_RX);
	pv_device_put(&vif, "event-channel", port);
	pv_device_put(&vif, "request-rx-copy", 1);
	pv_device_put(&vif, "feature-sg", 1);
}

static bool join(void)
{
	pv_device_state(&vif, XenbusStateConnected);
	return pv_device_wait(&vif, XenbusStateConnected);
}

static bool again(void)
{
	pv_device_reset(&vif);
	offer();
	return join();
}

static uint8_t digit(char c) { return (uint8_t)(c <= '9' ? c - '0' : c - 'a' + 10); }

bool net_init(void)
{
	const char *text;
	int i;

	if (!pv_device_open(&vif, "device/vif/0") || !pv_device_wait(&vif, XenbusStateInitWait))
		return false;
	text = pv_store_read("device/vif/0/mac");
	for (i = 0; text && i < 6; i++)
		mac[i] = (uint8_t)(digit(text[3 * i]) << 4 | digit(text[3 * i + 1]));
	offer();
	return text && join();
}

/* ---- frames ---- */

static void put(const union slot *s) { memcpy(&tx->ring[tx_req++ % SLOTS], s, sizeof(*s)); }

static void send(void)
{
	barrier();
	tx->req_prod = tx_req;
	pv_notify(port);
}

/* Wait until n more slots are answered. */
static void answered(uint32_t n)
{
	tx_rsp += n;
	tx->rsp_event = tx_rsp;
	barrier();
	while ((int32_t)(*(volatile uint32_t *)&tx->rsp_prod - tx_rsp) < 0)
		pv_wait(port);
}

static int16_t status(uint32_t slots_ago)
{
	return tx->ring[(tx_rsp - slots_ago) % SLOTS].rsp.status;
}

static uint8_t asker, asked; /* last bytes of the addresses of the sender and the target */
static uint8_t answerer[6];  /* address of the answerer */
enum {
	GATEWAY = 2,
	HOST = 15
}; /* QEMU's side of the uplink, and the host's own address by its DHCP */

/*
 * Makes the question "who has 10.0.2.WHOM?". The sender's address is new each time, to tell the
 * answers apart.
 */
static void arp_make(uint8_t whom)
{
	static const uint8_t arp[] = { 0x08, 0x06, 0, 1, 8, 0, 6, 4, 0, 1 };
	uint8_t ours[] = { 10, 0, 2, 0 }, theirs[] = { 10, 0, 2, 0 };

	theirs[3] = asked = whom;
	ours[3] = asker = asker < 100 || asker >= 199 ? 100 : asker + 1;
	memset(frame, 0, ARP_SIZE);
	memset(frame, 0xff, 6);
	memcpy(frame + 6, mac, 6);
	memcpy(frame + 12, arp, sizeof(arp));
	memcpy(frame + 22, mac, 6);
	memcpy(frame + 28, ours, 4);
	memcpy(frame + 38, theirs, 4);
}

#define TX(ref, off, fl, len) \
	{ \
		.req = {.gref = (ref), .offset = (off), .flags = (fl), .size = (len) } \
	}

/*
 * Takes one received frame; false if there is none. `answer` says whether it answers our
 * question.
 */
static bool take(bool *answer)
{
	const struct netif_rx_response *r = &rx->ring[rx_rsp % SLOTS].rsp;
	const uint8_t *f;

	if (*(volatile uint32_t *)&rx->rsp_prod == rx_rsp)
		return false;
	barrier();
	f = buffer[r->id % BUFFERS];
	*answer = r->status >= ARP_SIZE && f[12] == 8 && f[13] == 6 && f[21] == 2 &&
		  f[31] == asked && f[41] == asker;
	if (*answer)
		memcpy(answerer, f + 6, 6);
	rx_rsp++;
	buffer_post(r->id % BUFFERS);
	return true;
}

static void ask(void)
{
	static const union slot s = TX(REF_NET_FRAME, 0, 0, ARP_SIZE);

	put(&s);
	send();
}

/* Asks until there is an answer, because the switch drops frames for a full port. */
static bool reaches(uint8_t whom)
{
	bool answer = false;

	arp_make(whom);
	while (!answer) {
		ask();
		answered(1);
		if (status(1) != OKAY)
			return false;
		while (!answer && take(&answer))
			continue;
	}
	pv_notify(port); /* buffers were posted */
	return true;
}

static bool works(void) { return reaches(GATEWAY); }

bool net_asked(uint64_t until)
{
	bool answer = false;

	arp_make(GATEWAY);
	ask();
	while ((int32_t)(*(volatile uint32_t *)&tx->rsp_prod - tx_rsp) > 0)
		tx_rsp++;
	tx->rsp_event = tx_rsp + 1;
	rx->rsp_event = rx_rsp + 1;
	barrier();
	do {
		while (take(&answer)) {
			if (answer)
				break;
		}
		rx->rsp_event = rx_rsp + 1;
		barrier();
	} while (!answer && (rx->rsp_prod != rx_rsp || pv_wait_until(port, until)));
	pv_notify(port); /* buffers were posted */
	return answer;
}

enum { MORE = NETTXF_more_data, EXTRA = NETTXF_extra_info, BLANK = NETTXF_csum_blank };
enum { CRUMB = 48 }; /* the smallest piece into which the host cuts a frame */
#define GSO(kind, mss) \
	{ \
		.extra = { \
			.type = XEN_NETIF_EXTRA_TYPE_GSO, \
			.u.gso = { .type = (kind), .size = (mss) } \
		} \
	}

static const struct {
	const char *what;
	unsigned int n;
	union slot slot[3];
} packets[] = {
	{ "nothing", 1, { TX(REF_NET_FRAME, 0, 0, 0) } },
	{ "less than a header", 1, { TX(REF_NET_FRAME, 0, 0, 13) } },
	{ "reference that does not exist", 1, { TX(0xffffffff, 0, 0, 60) } },
	{ "reference that grants nothing", 1, { TX(499, 0, 0, 60) } },
	{ "beyond its page", 1, { TX(REF_NET_FRAME, 4000, 0, 200) } },
	{ "offset beyond its page", 1, { TX(REF_NET_FRAME, 65535, 0, 60) } },
	{ "longer than a frame", 1, { TX(REF_NET_FRAME, 0, 0, 4000) } },
	{ "65535 bytes", 1, { TX(REF_NET_FRAME, 0, 0, 65535) } },
	{ "parts larger than the whole", 2,
		{ TX(REF_NET_FRAME, 0, MORE, 100), TX(REF_NET_FRAME, 0, 0, 1000) } },
	{ "checksum of a frame without one", 1, { TX(REF_NET_FRAME, 0, BLANK, 60) } },
	{ "GSO of a frame that is not TCP", 2,
		{ TX(REF_NET_FRAME, 0, EXTRA | BLANK, 60), GSO(1, 100) } },
	{ "GSO of size 0", 2, { TX(REF_NET_FRAME, 0, EXTRA | BLANK, 60), GSO(1, 0) } },
	{ "GSO of an unknown type", 2,
		{ TX(REF_NET_FRAME, 0, EXTRA | BLANK, 60), GSO(7, 100) } },
	{ "unknown extra", 2,
		{ TX(REF_NET_FRAME, 0, EXTRA, 60), { .extra = { .type = 77 } } } },
	{ "multicast not offered", 2,
		{ TX(REF_NET_FRAME, 0, EXTRA, 60),
			{ .extra = { .type = XEN_NETIF_EXTRA_TYPE_MCAST_ADD } } } },
};

static void bad_packets(void)
{
	unsigned int i, s;

	for (i = 0; i < ARRAY_SIZE(packets); i++) {
		for (s = 0; s < packets[i].n; s++)
			put(&packets[i].slot[s]);
		send();
		answered(packets[i].n);
		result(status(packets[i].n) == ERROR, packets[i].what);
	}
	result(works(), "interface works after bad packets");
}

/* Sends a TCP packet of `length` bytes to be cut into pieces of `mss`; returns its status. */
static int16_t pieces_send(uint32_t length, uint16_t mss)
{
	const union slot extra = GSO(XEN_NETIF_GSO_TYPE_TCPV4, mss);
	uint32_t i, n = (length + PAGE - 1) / PAGE;

	for (i = 0; i < n; i++) {
		uint32_t size = i == 0 ? length : i == n - 1 ? length - i * PAGE : PAGE;
		union slot s = TX(REF_NET_FRAME + i, 0,
			(i == n - 1 ? 0 : MORE) | (i ? 0 : EXTRA | BLANK), (uint16_t)size);

		put(&s);
		if (i == 0)
			put(&extra);
	}
	send();
	answered(n + 1);
	return status(n + 1);
}

/* 60 KiB, for all ports of the switch. */
static int16_t crumbs_send(uint16_t mss) { return pieces_send(15 * PAGE, mss); }

static void crumbs_make(void)
{
	static const uint8_t ip[] = { 0x08, 0, 0x45, 0, 0xf0, 0, 0, 1, 0, 0, 64, 6, 0, 0, 10, 0,
		2, 99, 10, 0, 2, 98 };

	memset(frame, 0xff, 6);
	memcpy(frame + 6, mac, 6);
	memcpy(frame + 12, ip, sizeof(ip));
	memset(frame + 34, 0, 20);
	frame[34 + 12] = 0x50;
}

static void crumbs(void)
{
	crumbs_make();
	result(crumbs_send(1) == ERROR, "GSO of pieces of one byte");
	result(crumbs_send(CRUMB) == OKAY, "GSO of the smallest pieces");
}

/*
 * More senders than the switch can remember (1024), each with a frame that goes to all ports.
 */
static void many_senders(void)
{
	enum { BATCH = PAGE / 64, BATCHES = 24 };
	int round, i;

	for (round = 0; round < BATCHES; round++) {
		noise(frame, PAGE);
		for (i = 0; i < BATCH; i++) {
			union slot s = TX(REF_NET_FRAME, (uint16_t)(64 * i), 0, 60);

			frame[64 * i] = frame[64 * i + 6] = 2;
			put(&s);
		}
		send();
		answered(BATCH);
	}
	result(works(), "1536 senders");
}

static bool closes(void)
{
	send();
	pv_device_wait(&vif, XenbusStateClosing);
	return again() && works();
}

static void bad_rings(void)
{
	static const union slot more = TX(REF_NET_FRAME, 0, MORE, 60),
				first = TX(REF_NET_FRAME, 0, EXTRA, 60);
	static const union slot extra = { .extra = { .type = XEN_NETIF_EXTRA_TYPE_GSO,
						  .flags = XEN_NETIF_EXTRA_FLAG_MORE } };
	bool answer;
	int i;

	for (i = 0; i < SLOTS; i++)
		put(&more);
	result(closes(), "packet without an end");
	put(&more);
	result(closes(), "packet that is not all there");
	put(&first);
	for (i = 1; i < SLOTS; i++)
		put(&extra);
	result(closes(), "extras without an end");
	put(&first);
	result(closes(), "extra that is not there");
	tx_req += 1000;
	result(closes(), "index far ahead");
	tx_req -= 1;
	result(closes(), "index going back");

	/* frames arrive: answers to our own questions */
	while (take(&answer))
		continue;
	for (i = 0; i < BUFFERS; i++)
		pv_grant[REF_NET_BUFFER + i].flags = 0;
	arp_make(GATEWAY);
	/* Frames that came in before the grants went are delivered: an error follows them. */
	for (i = 0; i < BUFFERS / 2; i++, rx_rsp++) {
		while (*(volatile uint32_t *)&rx->rsp_prod == rx_rsp) {
			ask();
			answered(1);
		}
		if (rx->ring[rx_rsp % SLOTS].rsp.status == NETIF_RSP_ERROR)
			break;
	}
	result(i < BUFFERS / 2, "buffers that grant nothing");
	result(again() && works(), "interface works again");
	rx->req_prod = rx_req + 1000;
	while (!pv_device_is(&vif, XenbusStateClosing))
		if (*(volatile uint32_t *)&tx->rsp_prod == tx_req)
			ask();
	result(closes(), "index of buffers far ahead");
}

static void bad_offers(void)
{
	static const struct {
		const char *key;
		uint32_t value;
	} offers[] = { { "tx-ring-ref", 499 }, { "rx-ring-ref", 0xffffffff },
		{ "event-channel", 1023 }, { "request-rx-copy", 0 } };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(offers); i++) {
		pv_device_reset(&vif);
		offer();
		pv_device_put(&vif, offers[i].key, offers[i].value);
		result(!join(), offers[i].key);
	}
	result(again() && works(), "interface works after bad offers");
}

bool net_again(void)
{
	pv_device_watch(&vif);
	return again() && works();
}

void net_attack(void)
{
	result(works(), "interface works");
	bad_packets();
	crumbs();
	many_senders();
	bad_rings();
	bad_offers();
}

void net_storm(void)
{
	noise(tx, PAGE);
	noise(rx, PAGE);
	noise(frame, PAGE);
	tx->req_prod = tx_req += random32() % 300;
	rx->req_prod = rx_req += random32() % 300;
	pv_notify(port);
}

void net_crumbs(const char *other)
{
	(void)other;
	result(net_init() && works(), "interface works");
	say("rogue: crumbs\n");
	crumbs_make();
	for (;;)
		crumbs_send(CRUMB);
}

/* ---- frames of every form ---- */

enum { FRAME_MIN = 14, FRAME_MAX = 1518, TAGGED = 1514, HEADERS = 54 };

/* Sends a frame of that length, with a VLAN tag if it is too long without one. */
static bool length_send(uint32_t length, const uint8_t *to)
{
	union slot s = TX(REF_NET_FRAME, 0, 0, (uint16_t)length);
	bool legal = length >= FRAME_MIN && length <= FRAME_MAX;

	memset(frame, 0, PAGE);
	memcpy(frame, to, 6);
	memcpy(frame + 6, mac, 6);
	frame[12] = length > TAGGED ? 0x81 : 0x88;
	frame[13] = length > TAGGED ? 0x00 : 0xb5;
	put(&s);
	send();
	answered(1);
	return status(1) == (legal ? OKAY : ERROR);
}

static void every_length(const uint8_t gateway[6], const uint8_t host[6])
{
	uint32_t length;
	bool ok = true;

	for (length = FRAME_MIN; length <= 2048; length++)
		ok = length_send(length, gateway) && length_send(length, host) && ok;
	result(ok, "frames of every length");
	result(works(), "the uplink works after frames of every length");
	result(reaches(HOST), "the host answers after frames of every length");
}

static bool pieces_legal(uint32_t mss) { return mss >= CRUMB && mss <= FRAME_MAX - HEADERS; }

static void every_piece(const uint8_t gateway[6])
{
	uint32_t n;
	bool ok = true;

	crumbs_make();
	memcpy(frame, gateway, 6);
	for (n = 0; n <= 65535; n += n < 2048 ? 1 : n < 64000 ? 997 : 13)
		ok = pieces_send(3 * PAGE, (uint16_t)n) == (pieces_legal(n) ? OKAY : ERROR) &&
		     ok;
	result(ok, "pieces of every size");
	result(works(), "the uplink works after pieces of every size");
	crumbs_make();
	memcpy(frame, gateway, 6);
	for (ok = true, n = HEADERS; n <= 65535; n += n < 64000 ? 211 : 5)
		ok = pieces_send(n, 1448) == OKAY && ok;
	ok = pieces_send(65535, 1448) == OKAY && ok;
	result(ok, "large frames of every length");
	result(works(), "the uplink works after large frames of every length");
}

/*
 * Frames that ask for a checksum, with headers of every length, in frames that are too short
 * for them.
 */
static void every_checksum(const uint8_t gateway[6])
{
	uint32_t length, words;

	for (words = 0; words < 16; words++)
		for (length = FRAME_MIN; length < 120; length++) {
			union slot s = TX(REF_NET_FRAME, 0, BLANK, (uint16_t)length);

			crumbs_make();
			memcpy(frame, gateway, 6);
			frame[14] = (uint8_t)(0x40 | words);
			frame[23] = length % 2 ? 6 : 17;
			put(&s);
			send();
			answered(1);
		}
	result(works(), "the uplink works after checksums everywhere");
}

void net_frames(const char *other)
{
	uint8_t gateway[6], host[6];

	(void)other;
	result(net_init() && reaches(HOST), "the host answers");
	memcpy(host, answerer, 6);
	result(works(), "interface works");
	memcpy(gateway, answerer, 6);
	every_length(gateway, host);
	every_piece(gateway);
	every_checksum(gateway);
	result(reaches(HOST), "the host answers in the end");
	say("rogue: frames done\n");
	for (;;)
		pv_wait(port);
}

void net_flood(const char *other)
{
	static const union slot s = TX(REF_NET_FRAME, 0, 0, 1500);
	bool answer;
	int i;

	(void)other;
	result(net_init() && works(), "interface works");
	say("rogue: flood\n");
	memset(frame, 0xff, 6);
	frame[12] = 0x88;
	frame[13] = 0xb5; /* for experiments */
	for (;;) {
		for (i = 0; i < SLOTS / 2; i++)
			put(&s);
		send();
		answered(SLOTS / 2);
		while (take(&answer))
			continue;
	}
}
