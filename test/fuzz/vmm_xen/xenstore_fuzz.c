/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * xenstore_fuzz.c - arbitrary bytes and indices in the xenstore page, and replies in any order:
 * only whole messages of legal length are passed on
 */
#include "device.h"
#include "fuzz.h"

static struct fake_conn *xs;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc, (void)argv;
	log_quiet = true;
	fake_guest();
	xs = fake_channel("xs", 16384, 0);
	MUST(xs_link_init() == 0 && xs_ring_init() == 0);
	return 0;
}

static void serve(struct feed *f)
{
	static struct {
		struct xs_native n;
		struct xsd_sockmsg m;
		char body[4096];
	} q;
	int len;

	while ((len = ring_get(&xs->req, &q, sizeof(q))) > 0) {
		MUST(q.n.role == XS_ROLE_GUEST && q.n.seq && q.m.len <= 4096 &&
			(uint32_t)len == sizeof(q.n) + sizeof(q.m) + q.m.len);
		q.m.len = feed16(f) % 4097;
		if (feed8(f) & 1)
			q.n.seq = feed8(f) & 1 ? 0 : feed8(f);
		if (ring_put(&xs->rsp, &q, (uint32_t)(sizeof(q.n) + sizeof(q.m)) + q.m.len))
			break;
	}
	ring_put_flush(&xs->rsp);
	ring_get_flush(&xs->req);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct xenstore_domain_interface *intf = at(2 * SK_PAGE_SIZE);
	struct feed f = { data, size };
	uint8_t bytes[64];
	uint32_t i, n;

	while (f.left) {
		uint8_t what = feed8(&f);

		if (what & 1) {
			n = feed8(&f) % 64;
			feed_copy(&f, bytes, n);
			for (i = 0; i < n; i++)
				intf->req[(intf->req_prod + i) % 1024] = (char)bytes[i];
			intf->req_prod += n;
		}
		if (what & 2)
			intf->rsp_cons = intf->rsp_prod;
		if ((what & 12) == 12)
			intf->req_prod = feed32(&f);
		if ((what & 48) == 48)
			intf->rsp_cons = feed32(&f);
		if (what & 64 && (intf->error || what & 128))
			intf->connection = XENSTORE_RECONNECT;
		memcpy(at(ARG), &xen_dom.hvm_param[HVM_PARAM_STORE_EVTCHN], 4);
		MUST(hypercall(__HYPERVISOR_event_channel_op, EVTCHNOP_send, ARG, 0) == 0);
		evtchn_backends_run();
		if (!(what & 128))
			serve(&f);
		fake_event(xs);
	}
	return 0;
}
