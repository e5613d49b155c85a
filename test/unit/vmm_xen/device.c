/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * device.c - the fake guest's front ends
 */
#include "device.h"

#include <stdio.h>
#include <stdlib.h>

#include <xen/io/blkif.h>

struct fake_conn *blk, *net;
struct xb_dev *disk_dev, *vif_dev;
uint32_t disk_region = 1048576;

void grants_make(void)
{
	uint32_t i;

	for (i = 8; i < DATA_PAGE + DATA_PAGES; i++)
		grant_give(i, i, GTF_permit_access, 0);
}

uint8_t *ring_entry(uint32_t page, uint32_t index, uint32_t size, uint32_t count)
{
	return (uint8_t *)at(page * SK_PAGE_SIZE) + 64 + (index % count) * size;
}

void ring_word(uint32_t page, uint32_t offset, uint32_t value)
{
	memcpy((uint8_t *)at(page * SK_PAGE_SIZE) + offset, &value, 4);
}

uint32_t ring_word_get(uint32_t page, uint32_t offset)
{
	uint32_t v;

	memcpy(&v, (uint8_t *)at(page * SK_PAGE_SIZE) + offset, 4);
	return v;
}

void guest_send(uint32_t port)
{
	memcpy(at(ARG), &port, 4);
	if (hypercall(__HYPERVISOR_event_channel_op, EVTCHNOP_send, ARG, 0))
		abort();
	fake_io_run();
}

bool storage_take(struct blk_req *q)
{
	bool got = ring_get(&blk->req, q, sizeof(*q)) == sizeof(*q);

	ring_get_flush(&blk->req);
	return got;
}

static void storage_say(const struct blk_rsp *r)
{
	if (ring_put(&blk->rsp, r, sizeof(*r)))
		abort();
	ring_put_flush(&blk->rsp);
	fake_event(blk);
	fake_io_run();
}

void storage_answer(const struct blk_req *q, int32_t status)
{
	struct blk_rsp r = { .id = q->id, .status = status };

	storage_say(&r);
}

void storage_describe(const struct blk_req *q, uint64_t sectors, uint32_t flags)
{
	struct blk_rsp r = { .id = q->id, .flags = flags, .result = sectors };

	storage_say(&r);
}

void disk_make(uint64_t sectors, uint32_t flags, bool read_only)
{
	struct vm_disk cfg = { .vdev = VDEV, .read_only = read_only, .channel = "disk0" };
	struct blk_req q;

	fake_channel("xs", 16384, 0);
	blk = fake_channel("disk0", 4096, disk_region);
	grants_make();
	if (xs_link_init() || blkback_add(&cfg, svc_channel("disk0"), &disk_dev) ||
		!storage_take(&q) || q.op != BLK_INFO)
		abort();
	storage_describe(&q, sectors, flags);
	fake_xs_set(VBD_FE "/state", "1");
	fake_xs_set(VBD_BE "/state", "1");
}

void disk_connect(struct front *f, const char *protocol)
{
	char port[16];

	memset(f, 0, sizeof(*f));
	f->port = guest_port();
	snprintf(port, sizeof(port), "%u", f->port);
	memset(at(RING_PAGE * SK_PAGE_SIZE), 0, 4096);
	ring_word(RING_PAGE, 4, 1);
	ring_word(RING_PAGE, 12, 1);
	fake_xs_set(VBD_FE "/ring-ref", "16");
	fake_xs_set(VBD_FE "/event-channel", port);
	fake_xs_set(VBD_FE "/protocol", protocol);
	fake_xs_set(VBD_FE "/state", "3");
}

void vif_make(void)
{
	struct vm_vif cfg = { .devid = 0, .channel = "vif0" };

	fake_channel("xs", 16384, 0);
	net = fake_channel("vif0", 8192, 1048576);
	grants_make();
	if (xs_link_init() || netback_add(&cfg, svc_channel("vif0"), &vif_dev))
		abort();
	fake_xs_set(VIF_FE "/state", "1");
	fake_xs_set(VIF_BE "/state", "1");
}

void vif_connect(struct front *f, bool offloads)
{
	char port[16];

	memset(f, 0, sizeof(*f));
	f->port = guest_port();
	snprintf(port, sizeof(port), "%u", f->port);
	memset(at(RING_PAGE * SK_PAGE_SIZE), 0, 8192);
	ring_word(RING_PAGE, 4, 1);
	ring_word(RING_PAGE, 12, 1);
	ring_word(RING_PAGE + 1, 4, 1);
	ring_word(RING_PAGE + 1, 12, 1);
	fake_xs_set(VIF_FE "/tx-ring-ref", "16");
	fake_xs_set(VIF_FE "/rx-ring-ref", "17");
	fake_xs_set(VIF_FE "/event-channel", port);
	fake_xs_set(VIF_FE "/request-rx-copy", "1");
	fake_xs_set(VIF_FE "/feature-sg", offloads ? "1" : "0");
	fake_xs_set(VIF_FE "/feature-gso-tcpv4", offloads ? "1" : "0");
	fake_xs_set(VIF_FE "/feature-gso-tcpv6", "0");
	fake_xs_set(VIF_FE "/feature-ipv6-csum-offload", offloads ? "1" : "0");
	fake_xs_set(VIF_FE "/feature-no-csum-offload", offloads ? "0" : "1");
	fake_xs_set(VIF_FE "/state", "4");
}
