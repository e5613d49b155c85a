/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rogue_blk.c - correct and wrong use of a disk's ring
 *
 * Objects     one ring of one page; a page of data, granted for writing, and a scratch page.
 */
#include "rogue.h"

#define xen_mb() barrier()
#define xen_rmb() barrier()
#define xen_wmb() barrier()
#include <xen/io/blkif.h>
#include <xen/memory.h>

static struct pv_device disk;
static union {
	blkif_sring_t ring;
	uint8_t page[PAGE];
} shared PAGE_ALIGNED;
static blkif_sring_t *const ring = &shared.ring;
static uint8_t data[PAGE] PAGE_ALIGNED, scratch[PAGE] PAGE_ALIGNED;
static evtchn_port_t port;
static uint32_t req, rsp; /* our indices */

enum {
	RING_SLOTS = 32,
	SECTORS = 2048 /* sectors of the volume: 1 MiB */,
	OKAY = BLKIF_RSP_OKAY,
	ERROR = BLKIF_RSP_ERROR,
	NOT_SUPPORTED = BLKIF_RSP_EOPNOTSUPP
};

/* ---- connection ---- */

static void offer(void)
{
	memset(ring, 0, PAGE);
	req = rsp = 0;
	pv_grant_set(REF_BLK_RING, ring, GTF_permit_access);
	pv_grant_set(REF_BLK_DATA, data, GTF_permit_access);
	pv_grant_set(REF_BLK_SCRATCH, scratch, GTF_permit_access);
	if (port)
		pv_port_close(port);
	port = pv_port_new();
	pv_device_put(&disk, "ring-ref", REF_BLK_RING);
	pv_device_put(&disk, "event-channel", port);
	pv_device_put_text(&disk, "protocol", "x86_64-abi");
}

static bool join(void)
{
	pv_device_state(&disk, XenbusStateInitialised);
	if (!pv_device_wait(&disk, XenbusStateConnected))
		return false;
	pv_device_state(&disk, XenbusStateConnected);
	return true;
}

static bool again(void)
{
	pv_device_reset(&disk);
	offer();
	return join();
}

bool blk_init(void)
{
	if (!pv_device_open(&disk, "device/vbd/51712") ||
		!pv_device_wait(&disk, XenbusStateInitWait))
		return false;
	offer();
	return join();
}

/* ---- requests ---- */

union slot {
	struct blkif_request rw;
	struct blkif_request_indirect indirect;
	struct blkif_request_discard discard;
	uint8_t bytes[112];
};
_Static_assert(sizeof(union slot) == sizeof(union blkif_sring_entry), "a slot");

static void put(const union slot *s)
{
	memcpy(&ring->ring[req++ % RING_SLOTS], s, sizeof(*s));
	barrier();
	ring->req_prod = req;
}

/* Wait until n more requests are answered. */
static void answered(uint32_t n)
{
	rsp += n;
	ring->rsp_event = rsp;
	barrier();
	while ((int32_t)(*(volatile uint32_t *)&ring->rsp_prod - rsp) < 0)
		pv_wait(port);
}

static int16_t one(const union slot *s)
{
	put(s);
	pv_notify(port);
	answered(1);
	return ring->ring[(rsp - 1) % RING_SLOTS].rsp.status;
}

#define RW(op, n, at, ...) \
	{ \
		.rw = {.operation = BLKIF_OP_##op, \
			.nr_segments = (n), \
			.sector_number = (at), \
			.seg = { __VA_ARGS__ } } \
	}
#define WHOLE \
	{ \
		REF_BLK_DATA, 0, 7 \
	}
#define INDIRECT(op, n, at, ref) \
	{ \
		.indirect = { \
			.operation = BLKIF_OP_INDIRECT, \
			.indirect_op = (op), \
			.nr_segments = (n), \
			.sector_number = (at), \
			.indirect_grefs = { ref } \
		} \
	}

/* Writes a pattern and reads it back. */
static bool works(void)
{
	static const union slot write = RW(WRITE, 1, 8, WHOLE), read = RW(READ, 1, 8, WHOLE);
	uint32_t seed = random32(), i;
	uint32_t *words = (uint32_t *)data;

	for (i = 0; i < PAGE / 4; i++)
		words[i] = seed + i;
	if (one(&write) != OKAY)
		return false;
	memset(data, 0, PAGE);
	if (one(&read) != OKAY)
		return false;
	for (i = 0; i < PAGE / 4; i++)
		if (words[i] != seed + i)
			return false;
	return true;
}

/* Each row is one request on a working connection; REF_BLK_SCRATCH is granted read-only. */
static const struct {
	const char *what;
	union slot slot;
	int16_t want;
} requests[] = {
	{ "reference that does not exist", RW(READ, 1, 0, { 0xffffffff, 0, 7 }), ERROR },
	{ "reference that grants nothing", RW(WRITE, 1, 0, { 500, 0, 7 }), ERROR },
	{ "read into a page granted for reading", RW(READ, 1, 0, { REF_BLK_SCRATCH, 0, 7 }),
		ERROR },
	{ "segment that ends before it begins", RW(READ, 1, 0, { REF_BLK_DATA, 5, 2 }), ERROR },
	{ "segment beyond its page", RW(WRITE, 1, 0, { REF_BLK_DATA, 0, 8 }), ERROR },
	{ "segment far beyond its page", RW(WRITE, 1, 0, { REF_BLK_DATA, 255, 255 }), ERROR },
	{ "second segment wrong", RW(READ, 2, 0, WHOLE, { 499, 0, 7 }), ERROR },
	{ "no segments", RW(READ, 0, 0, WHOLE), ERROR },
	{ "twelve segments", RW(READ, 12, 0, WHOLE), ERROR },
	{ "255 segments", RW(WRITE, 255, 0, WHOLE), ERROR },
	{ "the last sectors and more", RW(READ, 1, SECTORS - 4, WHOLE), ERROR },
	{ "behind the end", RW(WRITE, 1, SECTORS, WHOLE), ERROR },
	{ "sector 2^63", RW(WRITE, 1, 1ull << 63, WHOLE), ERROR },
	{ "sector that wraps around", RW(WRITE, 1, ~0ull - 3, WHOLE), ERROR },
	{ "unknown operation", RW(RESERVED_1, 1, 0, WHOLE), NOT_SUPPORTED },
	{ "operation 255", { .rw = { .operation = 255, .nr_segments = 1 } }, NOT_SUPPORTED },
	{ "discard", { .discard = { .operation = BLKIF_OP_DISCARD, .nr_sectors = 8 } },
		NOT_SUPPORTED },
	{ "discard of everything",
		{ .discard = { .operation = BLKIF_OP_DISCARD,
			  .sector_number = 1,
			  .nr_sectors = ~0ull } },
		NOT_SUPPORTED },
	{ "indirect: page that does not exist", INDIRECT(BLKIF_OP_READ, 4, 0, 0xffffffff),
		ERROR },
	{ "indirect: no segments", INDIRECT(BLKIF_OP_READ, 0, 0, REF_BLK_SCRATCH), ERROR },
	{ "indirect: more than offered", INDIRECT(BLKIF_OP_READ, 33, 0, REF_BLK_SCRATCH),
		ERROR },
	{ "indirect: 65535 segments", INDIRECT(BLKIF_OP_WRITE, 65535, 0, REF_BLK_SCRATCH),
		ERROR },
	{ "indirect: a page of noise", INDIRECT(BLKIF_OP_WRITE, 32, 0, REF_BLK_SCRATCH),
		ERROR },
	{ "indirect: its own page again", INDIRECT(BLKIF_OP_INDIRECT, 4, 0, REF_BLK_SCRATCH),
		ERROR },
	{ "indirect: unknown operation", INDIRECT(77, 4, 0, REF_BLK_SCRATCH), ERROR },
};

static void bad_requests(void)
{
	unsigned int i;
	int16_t got;

	memset(scratch, 0xee, PAGE);
	pv_grant_set(REF_BLK_SCRATCH, scratch, GTF_permit_access | GTF_readonly);
	for (i = 0; i < ARRAY_SIZE(requests); i++) {
		got = one(&requests[i].slot);
		if (got != requests[i].want)
			say("rogue: status %d instead of %d\n", got, requests[i].want);
		result(got == requests[i].want, requests[i].what);
	}
	result(works(), "disk works after bad requests");
}

/* ---- pages that are not what they were ---- */

static void page_reservation(unsigned int cmd, const void *page)
{
	xen_pfn_t gfn = (uintptr_t)page / PAGE;
	struct xen_memory_reservation r = { .nr_extents = 1, .domid = DOMID_SELF };

	set_xen_guest_handle(r.extent_start, &gfn);
	hypercall(__HYPERVISOR_memory_op, cmd, &r);
}

static void bad_pages(void)
{
	static const union slot read = RW(READ, 1, 8, WHOLE);
	/* the local APIC, beyond all RAM, beyond all memory */
	static const uint32_t frames[] = { 0xfee00, 0x100000, 0xffffffff };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(frames); i++) {
		pv_grant_set(
			REF_BLK_DATA, (void *)((uint64_t)frames[i] * PAGE), GTF_permit_access);
		result(one(&read) == ERROR, "granted page that is no RAM");
	}
	pv_grant_set(REF_BLK_DATA, data, GTF_permit_access);
	page_reservation(XENMEM_decrease_reservation, data);
	(void)one(&read);
	page_reservation(XENMEM_populate_physmap, data);
	result(works(), "granted page that was given away");
	put(&read);
	pv_grant[REF_BLK_DATA].flags = 0; /* while the request is in flight */
	pv_notify(port);
	answered(1);
	pv_grant_set(REF_BLK_DATA, data, GTF_permit_access);
	result(works(), "grant withdrawn while in use");
	pv_grant[REF_BLK_RING].flags = 0;
	result(works(), "grant of the ring withdrawn");
	page_reservation(XENMEM_decrease_reservation, ring);
	page_reservation(XENMEM_populate_physmap, ring);
	result(again() && works(), "page of the ring given away");
}

/* Slots change while the other side reads them. */
static void moving_slots(void)
{
	static const union slot read = RW(READ, 1, 8, WHOLE);
	int round;
	uint32_t i;

	for (round = 0; round < 16; round++) {
		for (i = 0; i < RING_SLOTS; i++)
			put(&read);
		pv_notify(port);
		while ((int32_t)(*(volatile uint32_t *)&ring->rsp_prod - req) < 0)
			ring->ring[random32() % RING_SLOTS].req.seg[0].gref =
				random32() % 2 ? REF_BLK_DATA : random32() | 1u << 31;
		rsp = req;
	}
	result(works(), "slots that change while they are read");
}

/* ---- rings that cannot be ---- */

static bool closes(void)
{
	pv_notify(port);
	pv_device_wait(&disk, XenbusStateClosing);
	return again() && works();
}

static void bad_rings(void)
{
	static const union slot read = RW(READ, 1, 0, { REF_BLK_RING, 0, 7 });
	static const union slot write = RW(WRITE, 1, 0, WHOLE);

	ring->req_prod = req + 1000;
	result(closes(), "index far ahead");
	ring->req_prod = req - 1;
	result(closes(), "index going back");
	memset(data, 0xff, PAGE);
	(void)one(&write);
	put(&read);
	pv_notify(port);
	while (*(volatile uint32_t *)&ring->req_prod != 0xffffffff)
		pv_notify(port);
	result(closes(), "read over its own ring");
}

static bool refused(const char *key, const char *value)
{
	bool joined;

	pv_device_reset(&disk);
	offer();
	pv_device_put_text(&disk, key, value);
	joined = join();
	pv_device_reset(&disk); /* works whatever the back end made of this */
	pv_device_remove(&disk, key);
	offer();
	return !joined;
}

static void bad_offers(void)
{
	static const struct {
		const char *key, *value;
	} offers[] = { { "ring-ref", "499" }, { "ring-ref", "4294967295" },
		{ "ring-ref", "-8" }, { "ring-ref", "" }, { "event-channel", "1023" },
		{ "event-channel", "0" }, { "event-channel", "99999999999999" },
		{ "protocol", "arm-abi" }, { "ring-page-order", "9" },
		{ "ring-page-order", "2" }, { "multi-queue-num-queues", "99" },
		{ "multi-queue-num-queues", "0" } };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(offers); i++) {
		say("rogue: %s=%s\n", offers[i].key, offers[i].value);
		result(refused(offers[i].key, offers[i].value), "offer refused");
	}
	result(join() && works(), "disk works after bad offers");
}

bool blk_again(void)
{
	pv_device_watch(&disk);
	pv_device_remove(&disk, "ring-page-order");
	return again() && works();
}

void blk_attack(void)
{
	result(works(), "disk works");
	bad_requests();
	bad_pages();
	moving_slots();
	bad_rings();
	bad_offers();
}

void blk_storm(void)
{
	noise(ring, PAGE);
	noise(data, PAGE);
	ring->req_prod = req += random32() % 40;
	pv_notify(port);
}

void blk_probe(uint32_t n)
{
	union slot next[2] = { RW(WRITE, 1, 0, WHOLE), RW(READ, 1, 0, WHOLE) };
	uint64_t began[RING_SLOTS], id;

	for (uint32_t i = 0;; i++) {
		id = i;
		if (i >= n) {
			answered(1);
			id = ring->ring[(rsp - 1) % RING_SLOTS].rsp.id % RING_SLOTS;
			if (ring->ring[(rsp - 1) % RING_SLOTS].rsp.status != OKAY)
				result(false, "the disk");
			probe_add(pv_now() - began[id]);
			probe_pause();
		}
		next[i % 2].rw.id = id;
		began[id] = pv_now();
		put(&next[i % 2]);
		pv_notify(port);
	}
}

void blk_busy(const char *other)
{
	static const union slot write = RW(WRITE, 1, 0, WHOLE), read = RW(READ, 1, 0, WHOLE);
	uint32_t i;

	(void)other;
	result(blk_init() && works(), "disk works");
	for (i = 0; i < RING_SLOTS; i++)
		put(i % 2 ? &write : &read);
	pv_notify(port);
	say("rogue: busy\n");
	for (i = 0;; i++) { /* each answer is followed by the next request */
		answered(1);
		put(i % 2 ? &write : &read);
		pv_notify(port);
	}
}
