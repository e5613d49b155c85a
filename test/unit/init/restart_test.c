/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * restart_test.c - domains that end, on the whole of init: what is asked of whom, in which
 * order, and what each of them has afterwards
 */
#define _GNU_SOURCE
#include "restart.h"

/* ---- a driver ---- */
static void d_answers(struct kern_msg *m) { answers_pulse(m, 1ull << DISK); }

static void d_fault(struct kern_msg *m)
{
	remember();
	own(init_ntfn)->word = 1ull << DISK; /* its last answer is on the way */
	audit_disk();
	now_seen();
	n_replies = 0;
	assert_false(control_has_news());
	fault(m, DISK);
}

static void d_starts(struct kern_msg *m)
{
	assert_int_equal(n_replies, 0);
	ASKED(DISK_ENDS, DISK_STARTS);
	assert_true(restarting(DISK, PHASE_OPENING));
	assert_int_equal(domains[DISK].life.end, DOMAIN_END_FAULT);
	assert_int_equal(info_of(DISK)->epoch, 1);
	assert_false(connections[3].open);
	assert_true(control_has_news());
	assert_true(before.ntfn->word & 1ull << DOMAIN_BIT_PULSE);
	assert_int_equal(domains[STORAGE].state, DOMAIN_RUNNING);
	ask_service(m, CONTROL, "console"); /* it handles no events so far */
}

static const struct kern_object *iommu_irq(void)
{
	for (sk_cap_t s = 1; s < SLOTS / 2; s++) {
		const struct kern_object *o = kern_own(s)->obj;

		if (o && o->type == SK_OBJ_IRQ && o->claimed && o->gsi == SK_IRQ_IOMMU)
			return o;
	}
	abort();
}

/* The disk's device reaches for memory that is not its driver's, and a stranger does, too. */
static void refuses(struct kern_msg *m)
{
	remember();
	now_seen();
	assert_int_equal(iommu_irq()->irq_badge, INIT_BIT_DMA);
	assert_ptr_equal(iommu_irq()->irq_bound, own(init_ntfn));
	kern.refused[0] = (struct kern_refused){ RID + 1, 0x9000, 0 };
	kern.refused[1] = (struct kern_refused){ RID, 0x1000, SK_IO_WRITE | 5 << 8 };
	kern.n_refused = 2;
	answers_pulse(m, INIT_BIT_DMA);
}

static void refused_driver_ends(struct kern_msg *m)
{
	ASKED(DISK_ENDS, DISK_STARTS);
	assert_int_equal(kern.n_refused, 0);
	assert_true(restarting(DISK, PHASE_OPENING));
	assert_int_equal(domains[DISK].life.end, DOMAIN_END_DMA);
	assert_ptr_equal(own(domains[DISK].iospace), before.iospace);
	assert_int_equal(info_of(DISK)->dev[0].flags, DOMAIN_DEVICE_IOMMU);
	/* a storm, of strangers: init takes a few at a time */
	for (unsigned int i = 0; i < 64; i++)
		kern.refused[i] = (struct kern_refused){ RID + 1, i << 12, 0 };
	kern.n_refused = 64;
	answers_pulse(m, INIT_BIT_DMA);
}

static void storm_waits(struct kern_msg *m)
{
	/* for the signal, and perhaps for a pulse that was due */
	assert_true(kern.n_refused == 48 || kern.n_refused == 32);
	ASKED();
	(void)m;
	time_passes();
}

static void storm_goes_on(struct kern_msg *m)
{
	assert_true(kern.n_refused == 32 || kern.n_refused == 16);
	answers_pulse(m, 1ull << DISK);
}

static void refused_disk_is_back(struct kern_msg *m)
{
	(void)m;
	assert_int_equal(domains[DISK].state, DOMAIN_RUNNING);
}

static void (*const refused[])(struct kern_msg *m) = { refuses, refused_driver_ends,
	storm_waits, storm_goes_on, refused_disk_is_back, NULL };

static void a_device_is_refused(void)
{
	fast_machine();
	kern_info()->features |= SK_FEAT_IOMMU;
	run(refused);
}

static void d_handles_events(struct kern_msg *m)
{
	ASKED();
	assert_true(restarting(DISK, PHASE_OPENING));
	answers_pulse(m, 1ull << DISK);
}

static void d_is_back(struct kern_msg *m)
{
	const struct kern_msg *o = &peer.open[peer.n_opens - 1];

	ASKED({ DISK, SVC_OPEN });
	assert_int_equal(o->mr[3], (STORAGE | SVC_STATIC) | (uint64_t)before.number << 32);
	assert_int_equal(o->mr[4], 1); /* the connection's epoch */
	assert_ptr_equal(o->cap[0].obj, before.rings);
	assert_ptr_equal(o->cap[1].obj, own(domains[STORAGE].ntfn));
	assert_int_equal(o->cap[1].badge, 1 << 1);
	assert_ptr_equal(o->cap[2].obj, before.data);
	assert_true(connections[3].open);
	audit_disk();
	assert_int_equal(domains[DISK].life.restarts, 1);
	assert_true(control_has_news());
	assert_int_equal(domains[DISK].charged, before.charged);
	assert_int_equal(caps_free_bytes(), before.bytes);
	assert_int_equal(used_slots(), before.slots);
	ask(m, CONTROL, INIT_DOMAIN_STATS);
	m->mr[0] = 1 + DISK;
}

static void d_is_told(struct kern_msg *m)
{
	(void)m;
	assert_int_equal(reply.mr[10], DOMAIN_RUNNING | (uint64_t)DOMAIN_END_FAULT << 32);
	assert_int_equal(reply.mr[11], 1 | 1ull << 32);
}

static void (*const driver_steps[])(struct kern_msg *m) = { d_answers, d_fault, d_starts,
	d_handles_events, d_is_back, d_is_told, NULL };

static void a_driver_that_faults(void)
{
	machine();
	run(driver_steps);
}

/* ---- console: a service of all, and a client ---- */
static void c_exit(struct kern_msg *m)
{
	now_seen();
	n_replies = 0;
	assert_non_null(logged);
	ask(m, CONSOLE, INIT_EXIT);
}

static void c_starts(struct kern_msg *m)
{
	assert_int_equal(n_replies, 0);
	ASKED({ UART, SVC_CLOSE }, { UART, SVC_OPEN });
	assert_int_equal(domains[CONSOLE].life.end, DOMAIN_END_EXIT);
	assert_null(logged);                       /* lines go to the kernel's log */
	assert_int_equal(connections[0].epoch, 0); /* a new connection */
	answers_pulse(m, 1ull << CONSOLE);
}

static void c_is_back(struct kern_msg *m)
{
	(void)m;
	/* disk's and storage's logs, control's channel, and init's own log */
	ASKED({ CONSOLE, SVC_OPEN }, { CONSOLE, SVC_OPEN }, { CONSOLE, SVC_OPEN },
		{ CONSOLE, SVC_OPEN });
	assert_int_equal(connections[1].epoch, 1);
	assert_int_equal(connections[4].epoch, 1);
	assert_int_equal(peer.open[peer.n_opens - 1].mr[4], 1);
	assert_int_equal(peer.open[peer.n_opens - 1].mr[3] & UINT32_MAX, SVC_STATIC | 0xffff);
	assert_non_null(logged);
	assert_int_equal(domains[CONSOLE].state, DOMAIN_RUNNING);
}

/* A second life has a second epoch, so that nobody takes one life for the other. */
static void c_exit_again(struct kern_msg *m)
{
	domains[CONSOLE].life.n_quick = 0; /* as if a minute had passed */
	now_seen();
	ask(m, CONSOLE, INIT_EXIT);
}

static void c_starts_again(struct kern_msg *m)
{
	ASKED({ UART, SVC_CLOSE }, { UART, SVC_OPEN });
	answers_pulse(m, 1ull << CONSOLE);
}

static void c_is_back_again(struct kern_msg *m)
{
	(void)m;
	assert_int_equal(domains[CONSOLE].state, DOMAIN_RUNNING);
	assert_int_equal(domains[CONSOLE].life.restarts, 2);
	assert_int_equal(connections[1].epoch, 2);
	assert_int_equal(connections[4].epoch, 2);
	assert_int_equal(peer.open[peer.n_opens - 1].mr[4], 2);
}

static void (*const console_steps[])(struct kern_msg *m) = { c_exit, c_starts, c_is_back,
	c_exit_again, c_starts_again, c_is_back_again, NULL };

static void a_service_that_exits(void)
{
	machine();
	run(console_steps);
}

/* It refuses at first, and is asked for init's log as for the others. */
static void l_refuses(struct kern_msg *m)
{
	peer.open_rc[CONSOLE] = -SK_E_NO_MEM;
	c_exit(m);
}

static void l_refused(struct kern_msg *m)
{
	assert_int_equal(domains[CONSOLE].state, DOMAIN_RUNNING);
	assert_null(logged);
	peer.open_rc[CONSOLE] = 0;
	answer_all(m);
}

static void l_asked_again(struct kern_msg *m)
{
	static unsigned int n;

	if (logged)
		_exit(0);
	if (n++ % 2)
		answer_all(m);
	else
		time_passes();
}

static void l_not_asked(struct kern_msg *m)
{
	(void)m;
	fail();
}

static void l_starts(struct kern_msg *m) { answers_pulse(m, 1ull << CONSOLE); }

static void (*const log_steps[])(struct kern_msg *m) = { l_refuses, l_starts, l_refused,
	[3 ... 60] = l_asked_again, l_not_asked, NULL };

static void a_console_that_refuses(void)
{
	fast_machine();
	run(log_steps);
}

/* ---- hangs ---- */
static unsigned int n_waits;
static sk_time_t since;

static void h_begin(struct kern_msg *m)
{
	now_seen();
	since = sk_now();
	answers_pulse(m, 1ull << DISK | 1ull << STORAGE | 1ull << UART | 1ull << CONSOLE |
				 1ull << PLATFORM);
}

/* disk does not answer any more, and the others do. */
static void h_others_answer(struct kern_msg *m)
{
	if (domains[DISK].state == DOMAIN_RUNNING) {
		answers_pulse(
			m, 1ull << STORAGE | 1ull << UART | 1ull << CONSOLE | 1ull << PLATFORM);
		return;
	}
	assert_int_equal(domains[DISK].life.end, DOMAIN_END_HANG);
	assert_true(restarting(DISK, PHASE_OPENING));
	assert_int_equal(domains[STORAGE].state, DOMAIN_RUNNING);
	assert_int_equal(domains[PLATFORM].state, DOMAIN_RUNNING);
	ASKED(DISK_ENDS, DISK_STARTS);
	assert_in_range(n_waits, 6, 7);
	assert_true(sk_now() - since >= 300000000); /* 3 s */
	_exit(0);
}

static void h_wait(struct kern_msg *m)
{
	if (domains[DISK].state != DOMAIN_RUNNING) {
		h_others_answer(m);
		return;
	}
	n_waits++;
	time_passes();
}

static void h_not_noticed(struct kern_msg *m)
{
	(void)m;
	fail();
}

static void h_all_answer(struct kern_msg *m)
{
	assert_int_equal(domains[DISK].state, DOMAIN_RUNNING);
	if (n_waits == 10)
		_exit(0);
	h_begin(m);
}

static void h_answer_or_wait(struct kern_msg *m)
{
	static unsigned int n;

	if (n++ % 2)
		h_wait(m);
	else
		h_all_answer(m);
}

static void (*const answer_steps[64])(struct kern_msg *m) = { [0 ... 62] = h_answer_or_wait };

static void domains_that_answer(void)
{
	fast_machine();
	run(answer_steps);
}

static void (*const hang_steps[])(struct kern_msg *m) = { h_begin, h_wait, h_others_answer,
	h_wait, h_others_answer, h_wait, h_others_answer, h_wait, h_others_answer, h_wait,
	h_others_answer, h_wait, h_others_answer, h_wait, h_others_answer, h_wait,
	h_not_noticed, NULL };

static void a_domain_that_hangs(void)
{
	fast_machine();
	run(hang_steps);
}

/* disk gets no CPU for 5 s, and does not use the one that it has then. */
static void w_begin(struct kern_msg *m)
{
	own(domains[DISK].proc.sched)->waited = 1000000000; /* before its last answer */
	h_begin(m);
}

static void w_step(struct kern_msg *m)
{
	static unsigned int n;

	if (n++ % 2 == 0) {
		answers_pulse(
			m, 1ull << STORAGE | 1ull << UART | 1ull << CONSOLE | 1ull << PLATFORM);
		return;
	}
	if (domains[DISK].state != DOMAIN_RUNNING) {
		assert_int_equal(domains[DISK].life.end, DOMAIN_END_HANG);
		assert_in_range(n_waits, 16, 17);
		_exit(0);
	}
	if (n_waits++ < 10)
		own(domains[DISK].proc.sched)->waited += 50000000; /* half a second */
	time_passes();
}

static void (*const waits_steps[])(
	struct kern_msg *m) = { w_begin, [1 ... 62] = w_step, h_not_noticed, NULL };

static void a_domain_without_a_cpu(void)
{
	fast_machine();
	run(waits_steps);
}

/* ---- calls at the same time ---- */
static void q_of_a_last_life(struct kern_msg *m)
{
	now_seen();
	n_replies = 0;
	fault(m, DISK);
	m->badge = POST_BADGE(DISK, 7);
}

static void q_is_not_heard(struct kern_msg *m)
{
	ASKED();
	assert_int_equal(domains[DISK].state, DOMAIN_RUNNING);
	ask(m, DISK, INIT_WALLCLOCK);
	m->badge = POST_BADGE(DISK, 7);
}

static void q_is_not_answered(struct kern_msg *m)
{
	assert_int_equal(n_replies, 0);
	ask(m, DISK, INIT_WALLCLOCK);
}

static void q_is_answered(struct kern_msg *m)
{
	(void)m;
	assert_int_equal(n_replies, 1);
	assert_int_equal(status(), 0);
}

static void (*const life_steps[])(struct kern_msg *m) = { q_of_a_last_life, q_is_not_heard,
	q_is_not_answered, q_is_answered, NULL };

static void words_of_another_life(void)
{
	machine();
	run(life_steps);
}

/* ---- calls that fail ---- */
static unsigned int nth;

/* Once more, with the next call failing. It always runs in the end, and nothing is lost. */
static void f_next(struct kern_msg *m)
{
	uint64_t charged;

	if (kern.fail_in) { /* there were not so many calls */
		assert_true(nth > 60);
		_exit(0);
	}
	/* it may run without a log */
	charged = domains[DISK].charged + (connections[1].open ? 0 : 1 << 13);
	/* a slot of one's own can always be looked at, so what it holds is not counted again */
	if (kern.failed_nr == SK_SYS_CAP_INFO)
		before.charged = charged;
	assert_int_equal(charged, before.charged);
	assert_true(caps_free_bytes() >= before.bytes);
	assert_true(used_slots() <= before.slots);
	domains[DISK].life.n_quick = 0;
	peer.n_asked = peer.n_opens = peer.n_closed = 0;
	kern.fail_in = ++nth;
	kern.fail_rc = -SK_E_NO_MEM;
	fault(m, DISK);
}

static void f_go_on(struct kern_msg *m)
{
	struct domain *d = &domains[DISK];

	answers_pulse(m, 1ull << PLATFORM | 1ull << UART | 1ull << CONSOLE | 1ull << STORAGE);
	if (d->state == DOMAIN_GIVEN_UP) { /* the reset failed */
		d->state = DOMAIN_RESTARTING;
		time_passes();
	} else if (d->state == DOMAIN_RUNNING) {
		f_next(m);
	} else if (restarting(DISK, PHASE_OPENING)) {
		answers_pulse(m, 1ull << DISK);
	} else {
		time_passes();
	}
}

static void f_first(struct kern_msg *m)
{
	remember();
	f_next(m);
}

static void (*const fail_steps[4000])(struct kern_msg *m) = { f_first, [1 ... 3998] = f_go_on };

static void any_call_that_fails(void)
{
	fast_machine();
	run(fail_steps);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		KERN_CASE(a_driver_that_faults),
		KERN_CASE(a_device_is_refused),
		KERN_CASE(a_service_that_exits),
		KERN_CASE(a_console_that_refuses),
		KERN_CASE(a_domain_that_hangs),
		KERN_CASE(a_domain_without_a_cpu),
		KERN_CASE(domains_that_answer),
		KERN_CASE(words_of_another_life),
		KERN_CASE(any_call_that_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL) + reopen_tests() + call_tests() +
	       often_tests() + platform_tests() + control_tests() + breach_tests();
}
