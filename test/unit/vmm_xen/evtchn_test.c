/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * evtchn_test.c - event channels: ports, the 2-level ABI, the FIFO ABI, and domain 0's ends
 */
#include "fake.h"
#include "case.h"
#include "xen.h"

static int64_t op(uint32_t cmd, void *arg, size_t size)
{
	int64_t rc;

	memcpy(at(ARG), arg, size);
	rc = hypercall(__HYPERVISOR_event_channel_op, cmd, ARG, 0);
	memcpy(arg, at(ARG), size);
	return rc;
}

static uint32_t ipi(unsigned int cpu)
{
	struct evtchn_bind_ipi a = { .vcpu = cpu };

	CHECK_EQ(op(EVTCHNOP_bind_ipi, &a, sizeof(a)), 0);
	return a.port;
}

static int64_t send(uint32_t port) { return op(EVTCHNOP_send, &port, 4); }

static int64_t close_port(uint32_t port) { return op(EVTCHNOP_close, &port, 4); }

static struct vcpu_info *info(unsigned int cpu) { return xen_dom.vcpu[cpu].info; }

CASE(ports_are_checked)
{
	struct evtchn_bind_ipi i = { .vcpu = FAKE_VCPUS };
	struct evtchn_bind_virq v = { .virq = NR_VIRQS };
	struct evtchn_bind_vcpu b = { .port = 0 };
	struct evtchn_status s = { .dom = DOMID_SELF };
	uint32_t n = 0;

	fake_guest();
	CHECK_EQ(send(0), -XEN_EINVAL);
	CHECK_EQ(send(EVTCHN_PORTS), -XEN_EINVAL);
	CHECK_EQ(send(100), -XEN_EINVAL);
	CHECK_EQ(close_port(100), -XEN_EINVAL);
	CHECK_EQ(close_port(0xffffffff), -XEN_EINVAL);
	CHECK_EQ(op(EVTCHNOP_unmask, &(uint32_t){ 100 }, 4), -XEN_EINVAL);
	CHECK_EQ(op(EVTCHNOP_bind_ipi, &i, sizeof(i)), -XEN_ENOENT);
	CHECK_EQ(op(EVTCHNOP_bind_virq, &v, sizeof(v)), -XEN_EINVAL);
	v = (struct evtchn_bind_virq){ .virq = VIRQ_TIMER, .vcpu = FAKE_VCPUS };
	CHECK_EQ(op(EVTCHNOP_bind_virq, &v, sizeof(v)), -XEN_ENOENT);
	v = (struct evtchn_bind_virq){ .virq = VIRQ_CONSOLE, .vcpu = 1 };
	CHECK_EQ(op(EVTCHNOP_bind_virq, &v, sizeof(v)), -XEN_EINVAL);
	CHECK_EQ(op(EVTCHNOP_bind_vcpu, &b, sizeof(b)), -XEN_EINVAL);
	s.port = EVTCHN_PORTS;
	CHECK_EQ(op(EVTCHNOP_status, &s, sizeof(s)), -XEN_EINVAL);
	s = (struct evtchn_status){ .dom = 3, .port = 1 };
	CHECK_EQ(op(EVTCHNOP_status, &s, sizeof(s)), -XEN_ESRCH);
	CHECK_EQ(
		hypercall(__HYPERVISOR_event_channel_op, EVTCHNOP_send, RAM_PAGES * 4096ull, 0),
		-XEN_EFAULT);
	CHECK_EQ(hypercall(__HYPERVISOR_event_channel_op, EVTCHNOP_bind_pirq, ARG, 0),
		-XEN_ENOSYS);
	b = (struct evtchn_bind_vcpu){ .port = ipi(0), .vcpu = 1 };
	CHECK_EQ(op(EVTCHNOP_bind_vcpu, &b, sizeof(b)), -XEN_EINVAL);
	CHECK_EQ(close_port(b.port), 0);
	b = (struct evtchn_bind_vcpu){ .port = 1, .vcpu = FAKE_VCPUS };
	CHECK_EQ(op(EVTCHNOP_bind_vcpu, &b, sizeof(b)), -XEN_ENOENT);
	i.vcpu = 0;
	while (op(EVTCHNOP_bind_ipi, &i, sizeof(i)) == 0)
		n++;
	CHECK_EQ(n, EVTCHN_PORTS - 3); /* all except 0 and the ports of xenstore and console */
	CHECK_EQ(op(EVTCHNOP_bind_ipi, &i, sizeof(i)), -XEN_ENOSPC);
}

CASE(virq_once_per_vcpu)
{
	struct evtchn_bind_virq v = { .virq = VIRQ_TIMER, .vcpu = 1 };
	struct evtchn_bind_vcpu b;

	fake_guest();
	CHECK_EQ(op(EVTCHNOP_bind_virq, &v, sizeof(v)), 0);
	b = (struct evtchn_bind_vcpu){ .port = v.port, .vcpu = 0 };
	/* it cannot be moved from its vCPU */
	CHECK_EQ(op(EVTCHNOP_bind_vcpu, &b, sizeof(b)), -XEN_EINVAL);
	CHECK_EQ(send(v.port), -XEN_EINVAL);
	evtchn_virq(1, VIRQ_TIMER);
	CHECK(info(1)->evtchn_upcall_pending);
	evtchn_virq(0, VIRQ_TIMER); /* not bound */
	CHECK(!info(0)->evtchn_upcall_pending);
	CHECK_EQ(op(EVTCHNOP_bind_virq, &v, sizeof(v)), -XEN_EEXIST);
	CHECK_EQ(close_port(b.port), 0);
	CHECK_EQ(op(EVTCHNOP_bind_virq, &v, sizeof(v)), 0);
	v = (struct evtchn_bind_virq){ .virq = VIRQ_ARGO, .vcpu = 0 };
	CHECK_EQ(op(EVTCHNOP_bind_virq, &v, sizeof(v)), 0);
	b = (struct evtchn_bind_vcpu){ .port = v.port, .vcpu = 2 };
	CHECK_EQ(op(EVTCHNOP_bind_vcpu, &b, sizeof(b)), 0);
	CHECK_EQ(close_port(v.port), 0);
	/* closed, even though it was moved */
	CHECK_EQ(op(EVTCHNOP_bind_virq, &v, sizeof(v)), 0);
}

CASE(two_level)
{
	uint32_t port;

	fake_guest();
	port = ipi(2);
	kicks[2] = 0;
	CHECK_EQ(send(port), 0);
	CHECK(xen_dom.shared->evtchn_pending[0] & 1ul << port);
	CHECK(info(2)->evtchn_pending_sel == 1 && info(2)->evtchn_upcall_pending == 1);
	CHECK_EQ(kicks[2], 1);
	CHECK_EQ(send(port), 0); /* no second kick for a port that is already pending */
	CHECK_EQ(kicks[2], 1);

	xen_dom.shared->evtchn_pending[0] = 0;
	info(2)->evtchn_pending_sel = 0;
	info(2)->evtchn_upcall_pending = 0;
	xen_dom.shared->evtchn_mask[0] = 1ul << port;
	CHECK_EQ(send(port), 0);
	CHECK(!info(2)->evtchn_upcall_pending);
	CHECK(xen_dom.shared->evtchn_pending[0] & 1ul << port);
	CHECK_EQ(op(EVTCHNOP_unmask, &port, 4), 0);
	CHECK(info(2)->evtchn_upcall_pending &&
		!(xen_dom.shared->evtchn_mask[0] & 1ul << port));
	CHECK_EQ(close_port(port), 0);
	CHECK(!(xen_dom.shared->evtchn_pending[0] & 1ul << port));
}

CASE(local_channel)
{
	struct evtchn_alloc_unbound u = { .dom = DOMID_SELF, .remote_dom = DOMID_SELF };
	struct evtchn_bind_interdomain b = { .remote_dom = DOMID_SELF };
	struct evtchn_status s = { .dom = DOMID_SELF };

	fake_guest();
	CHECK_EQ(op(EVTCHNOP_alloc_unbound, &u, sizeof(u)), 0);
	b.remote_port = u.port;
	CHECK_EQ(op(EVTCHNOP_bind_interdomain, &b, sizeof(b)), 0);
	CHECK_EQ(send(b.local_port), 0);
	CHECK(evtchn_pending(u.port) && !evtchn_pending(b.local_port));
	s.port = u.port;
	CHECK_EQ(op(EVTCHNOP_status, &s, sizeof(s)), 0);
	CHECK(s.status == EVTCHNSTAT_interdomain && s.u.interdomain.port == b.local_port);
	CHECK_EQ(close_port(u.port), 0);
	s.port = b.local_port;
	CHECK_EQ(op(EVTCHNOP_status, &s, sizeof(s)), 0);
	CHECK_EQ(s.status, EVTCHNSTAT_unbound);
	b = (struct evtchn_bind_interdomain){ .remote_dom = 0, .remote_port = 1 };
	CHECK_EQ(op(EVTCHNOP_bind_interdomain, &b, sizeof(b)), -XEN_EINVAL);
	b.remote_dom = 9;
	CHECK_EQ(op(EVTCHNOP_bind_interdomain, &b, sizeof(b)), -XEN_ESRCH);
	b = (struct evtchn_bind_interdomain){ .remote_dom = DOMID_SELF,
		.remote_port = 1 }; /* kept for domain 0 */
	CHECK_EQ(op(EVTCHNOP_bind_interdomain, &b, sizeof(b)), -XEN_EINVAL);
	b.remote_port = EVTCHN_PORTS;
	CHECK_EQ(op(EVTCHNOP_bind_interdomain, &b, sizeof(b)), -XEN_EINVAL);
	u.dom = 0;
	CHECK_EQ(op(EVTCHNOP_alloc_unbound, &u, sizeof(u)), -XEN_EPERM);
}

static unsigned int called;
static void count(void *ctx)
{
	CHECK(ctx == &called);
	called++;
}

CASE(backend_ends)
{
	struct evtchn_alloc_unbound u = { .dom = DOMID_SELF, .remote_dom = DOMID_SELF };
	uint32_t port, other;
	unsigned int b, b2;

	fake_guest();
	port = guest_port();
	CHECK_EQ(evtchn_backend_bind(port, count, &called, &b), 0);
	CHECK_EQ(evtchn_backend_bind(port, count, &called, &b2), -SK_E_STATE);
	CHECK_EQ(evtchn_backend_bind(EVTCHN_PORTS, count, &called, &b2), -SK_E_RANGE);
	CHECK_EQ(evtchn_backend_bind(0, count, &called, &b2), -SK_E_RANGE);
	CHECK_EQ(evtchn_backend_bind(ipi(0), count, &called, &b2), -SK_E_STATE);
	CHECK_EQ(op(EVTCHNOP_alloc_unbound, &u, sizeof(u)), 0);
	CHECK_EQ(evtchn_backend_bind(u.port, count, &called, &b2),
		-SK_E_STATE); /* not for domain 0 */
	io_kicks = 0;
	CHECK_EQ(send(port), 0);
	CHECK_EQ(send(port), 0);
	CHECK_EQ(io_kicks, 1); /* only one kick until the function has run */
	evtchn_backends_run();
	CHECK_EQ(called, 1);
	evtchn_backend_notify(b);
	CHECK(evtchn_pending(port));
	CHECK_EQ(close_port(port), 0);
	evtchn_backend_notify(b); /* the port is not bound */
	CHECK(!evtchn_pending(port));
	other = guest_port(); /* the same number, now another back end's */
	CHECK_EQ(other, port);
	evtchn_backend_notify(b);
	CHECK(!evtchn_pending(other));
	evtchn_backend_unbind(b);
	CHECK_EQ(evtchn_backend_bind(other, count, &called, &b), 0);
	evtchn_backend_unbind(b);
	CHECK_EQ(send(other), 0); /* unbound again */
	evtchn_backends_run();
	CHECK_EQ(called, 1);
	CHECK_EQ(evtchn_backend_bind(other, count, &called, &b), 0);
}

CASE(backend_numbers_run_out)
{
	unsigned int b, i;

	fake_guest();
	for (i = 0; i < EVTCHN_BACKENDS; i++)
		CHECK_EQ(evtchn_backend_bind(guest_port(), count, &called, &b), 0);
	CHECK_EQ(evtchn_backend_bind(guest_port(), count, &called, &b), -SK_E_LIMIT);
}

/* ---- FIFO ------------------------------------------------------------------------- */

enum { CONTROL = 100, ARRAY = 101 };

static event_word_t *word(uint32_t port)
{
	return (event_word_t *)at(ARRAY * SK_PAGE_SIZE) + port;
}

static struct evtchn_fifo_control_block *control(unsigned int cpu)
{
	return at(CONTROL * SK_PAGE_SIZE + cpu * 128);
}

static int64_t init_control(unsigned int cpu, uint64_t gfn, uint32_t offset)
{
	struct evtchn_init_control a = { .control_gfn = gfn, .offset = offset, .vcpu = cpu };
	int64_t rc = op(EVTCHNOP_init_control, &a, sizeof(a));

	CHECK(rc || a.link_bits == EVTCHN_FIFO_LINK_BITS);
	return rc;
}

static void fifo_guest(void)
{
	struct evtchn_expand_array e = { .array_gfn = ARRAY };
	unsigned int i;

	fake_guest();
	for (i = 0; i < FAKE_VCPUS; i++)
		CHECK_EQ(init_control(i, CONTROL, i * 128), 0);
	CHECK_EQ(op(EVTCHNOP_expand_array, &e, sizeof(e)), 0);
}

/* Events come at any time, so a save takes the pages as written; so it is when they go. */
CASE(fifo_pages_are_reported)
{
	struct evtchn_reset r = { .dom = DOMID_SELF };

	fifo_guest();
	for (int reset = 0; reset < 2; reset++) {
		memset(fake_wrote, 0, sizeof(fake_wrote));
		if (reset)
			CHECK_EQ(op(EVTCHNOP_reset, &r, sizeof(r)), 0);
		else
			xen_memory_wrote();
		CHECK(fake_wrote[CONTROL] && fake_wrote[ARRAY] && !fake_wrote[ARRAY + 1]);
	}
	memset(fake_wrote, 0, sizeof(fake_wrote));
	xen_memory_wrote();
	CHECK(!fake_wrote[CONTROL] && !fake_wrote[ARRAY]);
}

CASE(fifo_setup_is_checked)
{
	struct evtchn_expand_array e = { .array_gfn = ARRAY };
	struct evtchn_set_priority p = { .port = 1, .priority = 3 };

	fake_guest();
	CHECK_EQ(op(EVTCHNOP_expand_array, &e, sizeof(e)), -XEN_EOPNOTSUPP);
	CHECK_EQ(op(EVTCHNOP_set_priority, &p, sizeof(p)), -XEN_ENOSYS);
	CHECK_EQ(init_control(FAKE_VCPUS, CONTROL, 0), -XEN_ENOENT);
	CHECK_EQ(init_control(0, CONTROL, 4), -XEN_EINVAL);
	CHECK_EQ(init_control(0, CONTROL, 4096 - 64), -XEN_EINVAL);
	CHECK_EQ(init_control(0, RAM_PAGES, 0), -XEN_EINVAL);
	CHECK_EQ(init_control(0, 1ull << 52, 0), -XEN_EINVAL);
	CHECK_EQ(init_control(0, CONTROL, 4096 - 72), 0);
	CHECK_EQ(init_control(0, CONTROL, 0), -XEN_EINVAL); /* once */
	e.array_gfn = RAM_PAGES;
	CHECK_EQ(op(EVTCHNOP_expand_array, &e, sizeof(e)), -XEN_EINVAL);
	e.array_gfn = ARRAY;
	CHECK_EQ(op(EVTCHNOP_expand_array, &e, sizeof(e)), 0);
	CHECK_EQ(op(EVTCHNOP_expand_array, &e, sizeof(e)), -XEN_ENOSPC);
	CHECK_EQ(op(EVTCHNOP_set_priority, &p, sizeof(p)), 0);
	p.priority = 16;
	CHECK_EQ(op(EVTCHNOP_set_priority, &p, sizeof(p)), -XEN_EINVAL);
	p = (struct evtchn_set_priority){ .port = 500, .priority = 1 };
	CHECK_EQ(op(EVTCHNOP_set_priority, &p, sizeof(p)), -XEN_EINVAL);
}

CASE(fifo_links_in_order)
{
	uint32_t a, b, c;

	fifo_guest();
	a = ipi(1), b = ipi(1), c = ipi(1);
	CHECK_EQ(send(a), 0);
	CHECK_EQ(control(1)->head[7], a);
	CHECK_EQ(control(1)->ready, 1u << 7);
	CHECK(info(1)->evtchn_upcall_pending);
	CHECK_EQ(send(b), 0);
	CHECK_EQ(send(c), 0);
	CHECK_EQ(control(1)->head[7], a);
	CHECK_EQ(*word(a) & EVTCHN_FIFO_LINK_MASK, b);
	CHECK_EQ(*word(b) & EVTCHN_FIFO_LINK_MASK, c);
	CHECK_EQ(*word(c) & EVTCHN_FIFO_LINK_MASK, 0);
	CHECK_EQ(*word(c) >> 28, 8 | 2); /* pending, linked */
	/* the guest consumes all; the next event starts a new queue */
	*word(a) = *word(b) = *word(c) = 0;
	control(1)->ready = 0;
	control(1)->head[7] = 0;
	CHECK_EQ(send(b), 0);
	CHECK_EQ(control(1)->head[7], b);
	CHECK_EQ(control(1)->ready, 1u << 7);
}

CASE(fifo_priority_and_move)
{
	uint32_t a;
	struct evtchn_set_priority p = { .priority = 0 };

	fifo_guest();
	a = ipi(0);
	CHECK_EQ(send(a), 0);
	*word(a) = 0; /* the guest consumes it; it was the tail of queue 7 */
	p.port = a;
	CHECK_EQ(op(EVTCHNOP_set_priority, &p, sizeof(p)), 0);
	CHECK_EQ(send(a), 0);
	CHECK_EQ(control(0)->head[0], a);
	CHECK_EQ(control(0)->ready, 1u << 7 | 1);
	CHECK_EQ(xen_dom.vcpu[0].queue[7].tail,
		0); /* else the next event would be linked behind it, in the wrong queue */
}

CASE(fifo_masked_waits_for_unmask)
{
	uint32_t a;

	fifo_guest();
	a = ipi(0);
	*word(a) = 1u << EVTCHN_FIFO_MASKED;
	CHECK_EQ(send(a), 0);
	CHECK(!info(0)->evtchn_upcall_pending);
	CHECK(evtchn_pending(a));
	CHECK_EQ(op(EVTCHNOP_unmask, &a, 4), 0);
	CHECK(info(0)->evtchn_upcall_pending);
	CHECK_EQ(control(0)->head[7], a);
	CHECK_EQ(close_port(a), 0);
	CHECK(!(*word(a) & 1u << EVTCHN_FIFO_PENDING));
}

CASE(fifo_keeps_early_events)
{
	struct evtchn_expand_array e = { .array_gfn = ARRAY };
	uint32_t a, b;

	fake_guest();
	a = ipi(0);
	CHECK_EQ(send(a), 0); /* by the 2-level ABI */
	CHECK_EQ(init_control(0, CONTROL, 0), 0);
	b = ipi(0);
	CHECK_EQ(send(b), 0); /* no page yet */
	CHECK(evtchn_pending(b));
	CHECK_EQ(op(EVTCHNOP_expand_array, &e, sizeof(e)), 0);
	CHECK(*word(a) & 1u << EVTCHN_FIFO_PENDING && *word(b) & 1u << EVTCHN_FIFO_LINKED);
	CHECK_EQ(*word(a) & EVTCHN_FIFO_LINK_MASK, b);
}

/* A vCPU without a control block loses nothing and touches nothing. */
CASE(fifo_without_control)
{
	struct evtchn_expand_array e = { .array_gfn = ARRAY };
	uint32_t a;

	fake_guest();
	CHECK_EQ(init_control(0, CONTROL, 0), 0);
	CHECK_EQ(op(EVTCHNOP_expand_array, &e, sizeof(e)), 0);
	a = ipi(3);
	CHECK_EQ(send(a), 0);
	CHECK(!info(3)->evtchn_upcall_pending);
	CHECK_EQ(init_control(3, CONTROL, 3 * 128), 0);
	CHECK(info(3)->evtchn_upcall_pending);
	CHECK_EQ(control(3)->head[7], a);
}

/* Meaningless words cost the guest events, and have no other effect. */
CASE(fifo_hostile_words)
{
	uint32_t a, b, i;

	fifo_guest();
	a = ipi(0), b = ipi(0);
	for (i = 0; i < 1024; i++)
		*word(i) = 0xffffffff;
	CHECK_EQ(send(a), 0);
	memset(at(ARRAY * SK_PAGE_SIZE), 0, 4096);
	CHECK_EQ(send(a), 0);
	*word(a) = 0x0fffffff; /* the tail is unlinked, and all link bits are set */
	CHECK_EQ(send(b), 0);
	CHECK_EQ(control(0)->head[7], b);
	*word(b) |= EVTCHN_FIFO_LINK_MASK;
	CHECK_EQ(send(a), 0);
	CHECK_EQ(xen_dom.vcpu[0].queue[7].tail, a);
}

CASE(reset_goes_back)
{
	struct evtchn_reset r = { .dom = DOMID_SELF };
	uint32_t a;

	fifo_guest();
	a = ipi(1);
	CHECK_EQ(send(a), 0);
	CHECK_EQ(op(EVTCHNOP_reset, &r, sizeof(r)), 0);
	CHECK_EQ(send(a), -XEN_EINVAL);
	CHECK_EQ(send(1), -XEN_EINVAL); /* xenstore's, too */
	a = ipi(1);
	CHECK_EQ(send(a), 0);
	CHECK(xen_dom.shared->evtchn_pending[0] & 1ul << a);
	CHECK_EQ(init_control(0, CONTROL, 0), 0);
	r.dom = 4;
	CHECK_EQ(op(EVTCHNOP_reset, &r, sizeof(r)), -XEN_ESRCH);
}

int evtchn_tests(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ports_are_checked),
		cmocka_unit_test(virq_once_per_vcpu),
		cmocka_unit_test(two_level),
		cmocka_unit_test(local_channel),
		cmocka_unit_test(backend_ends),
		cmocka_unit_test(backend_numbers_run_out),
		cmocka_unit_test(fifo_pages_are_reported),
		cmocka_unit_test(fifo_setup_is_checked),
		cmocka_unit_test(fifo_links_in_order),
		cmocka_unit_test(fifo_priority_and_move),
		cmocka_unit_test(fifo_masked_waits_for_unmask),
		cmocka_unit_test(fifo_keeps_early_events),
		cmocka_unit_test(fifo_without_control),
		cmocka_unit_test(fifo_hostile_words),
		cmocka_unit_test(reset_goes_back),
	};

	return cmocka_run_group_tests_name("evtchn", tests, NULL, NULL);
}
