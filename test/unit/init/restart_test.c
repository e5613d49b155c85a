/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * restart_test.c - domains that end, on the whole of init: what is asked of whom, in which
 * order, and what each of them has afterwards
 */
#define _GNU_SOURCE
#include "restart.h"

static void allow_kills(void)
{
	fast_machine();
	strcpy(kern_boot()->cmdline, "x init.killer=0  init.kill=1 init.kill=");
}

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
	h_others_answer, h_wait, h_others_answer, h_wait, h_others_answer, h_wait, NULL };

static void a_domain_that_hangs(void)
{
	fast_machine();
	run(hang_steps);
}

/* ---- a breach ---- */
static void b_killed(struct kern_msg *m)
{
	struct ring_shared *r = (struct ring_shared *)answers_of(3);

	r->end = n_waits++ ? SVC_END_BREACH : SVC_END_CLOSED;
	now_seen();
	answers_pulse(m, 1ull << STORAGE | 1ull << UART | 1ull << CONSOLE | 1ull << PLATFORM |
				 1ull << DISK);
}

static void b_wait(struct kern_msg *m)
{
	(void)m;
	assert_int_equal(domains[STORAGE].state, DOMAIN_RUNNING);
	time_passes();
}

static void b_ended(struct kern_msg *m)
{
	(void)m;
	assert_int_equal(domains[STORAGE].life.end, DOMAIN_END_BREACH);
	assert_int_equal(domains[DISK].state, DOMAIN_RUNNING);
	ASKED({ CONSOLE, SVC_CLOSE }, { DISK, SVC_CLOSE }, { CONSOLE, SVC_OPEN },
		{ DISK, SVC_OPEN });
	assert_int_equal(answers_of(3)->end, SVC_END_ALIVE); /* new memory */
}

static void (*const breach_steps[])(
	struct kern_msg *m) = { b_killed, b_wait, b_killed, b_wait, b_ended, NULL };

static void a_client_that_breaks_the_protocol(void)
{
	fast_machine();
	run(breach_steps);
}

/* ---- a service that does not end a connection ---- */
static void s_fault(struct kern_msg *m)
{
	now_seen();
	peer.deaf = CONSOLE;
	fault(m, DISK);
}

static void s_console_first(struct kern_msg *m)
{
	peer.deaf = DOMAINS;
	/* console is ended, and with it all its connections: disk's is not asked for again */
	ASKED(DISK_ENDS, { UART, SVC_CLOSE }, { UART, SVC_OPEN });
	assert_int_equal(domains[CONSOLE].life.end, DOMAIN_END_HANG);
	assert_true(restarting(CONSOLE, PHASE_OPENING));
	assert_true(restarting(DISK, PHASE_ENDED)); /* it waits for its service */
	answers_pulse(m, 1ull << CONSOLE);
}

static void s_then_disk(struct kern_msg *m)
{
	ASKED({ CONSOLE, SVC_OPEN }, { CONSOLE, SVC_OPEN }, { CONSOLE, SVC_OPEN }, DISK_STARTS);
	assert_int_equal(domains[CONSOLE].state, DOMAIN_RUNNING);
	answers_pulse(m, 1ull << DISK);
}

static void s_all_run(struct kern_msg *m)
{
	(void)m;
	ASKED({ DISK, SVC_OPEN });
	assert_int_equal(domains[DISK].state, DOMAIN_RUNNING);
}

static void (*const deaf_steps[])(
	struct kern_msg *m) = { s_fault, s_console_first, s_then_disk, s_all_run, NULL };

static void a_service_that_does_not_let_go(void)
{
	machine();
	run(deaf_steps);
}

/* ---- a service that ends while it opens a connection ---- */
static void n_answers(struct kern_msg *m) { answers_pulse(m, 1ull << DISK); }

static void n_fault(struct kern_msg *m)
{
	remember();
	peer.open_rc[DISK] = -SK_E_TIMEOUT;
	fault(m, STORAGE);
}

/*
 * disk has ended, too, and storage, to which its channel is optional, does not start without.
 */
static void n_disk_first(struct kern_msg *m)
{
	peer.open_rc[DISK] = 0;
	assert_int_equal(domains[DISK].life.end, DOMAIN_END_HANG);
	assert_true(restarting(DISK, PHASE_OPENING));
	assert_true(restarting(STORAGE, PHASE_ENDED));
	answers_pulse(m, 1ull << DISK);
}

static void n_then_storage(struct kern_msg *m)
{
	assert_int_equal(domains[DISK].state, DOMAIN_RUNNING);
	assert_true(restarting(STORAGE, PHASE_OPENING));
	assert_true(connections[3].open);
	answers_pulse(m, 1ull << STORAGE);
}

static void n_all_run(struct kern_msg *m)
{
	(void)m;
	assert_int_equal(domains[STORAGE].state, DOMAIN_RUNNING);
	assert_int_equal(caps_free_bytes(), before.bytes); /* the region came back */
}

static void (*const ending_steps[])(struct kern_msg *m) = { n_answers, n_fault, n_disk_first,
	n_then_storage, n_all_run, NULL };

static void a_service_that_ends_in_an_open(void)
{
	man.c[3].flags = MANIFEST_CHANNEL_OPTIONAL;
	machine();
	run(ending_steps);
}

/* ---- services that end in a call of init ---- */
static void disk_dies_at(uint64_t label)
{
	peer.dies[DISK] = 1;
	peer.dies_at = label;
	peer.exits = label == SVC_CLOSE;
	/* so that no start waits */
	domains[DISK].life.n_quick = domains[STORAGE].life.n_quick = 0;
	now_seen();
}

static void e_close(struct kern_msg *m)
{
	remember();
	disk_dies_at(SVC_CLOSE);
	fault(m, STORAGE);
}

/* Only disk's own end: nothing waits for an answer, and storage waits for disk. */
static void e_disk_starts(struct kern_msg *m)
{
	ASKED({ CONSOLE, SVC_CLOSE }, { DISK, SVC_CLOSE }, DISK_ENDS, DISK_STARTS);
	assert_int_equal(domains[DISK].life.end, DOMAIN_END_EXIT);
	assert_true(restarting(DISK, PHASE_OPENING));
	assert_true(restarting(STORAGE, PHASE_ENDED));
	answers_pulse(m, 1ull << DISK);
}

static void e_storage_starts(struct kern_msg *m)
{
	ASKED({ CONSOLE, SVC_OPEN }, { DISK, SVC_OPEN });
	assert_int_equal(domains[DISK].state, DOMAIN_RUNNING);
	assert_true(restarting(STORAGE, PHASE_OPENING));
	answers_pulse(m, 1ull << STORAGE);
}

/* Now at the open of the channel of a client that starts. */
static void e_open(struct kern_msg *m)
{
	assert_int_equal(domains[STORAGE].state, DOMAIN_RUNNING);
	assert_int_equal(caps_free_bytes(), before.bytes);
	disk_dies_at(SVC_OPEN);
	fault(m, STORAGE);
}

static void e_disk_starts_again(struct kern_msg *m)
{
	ASKED({ CONSOLE, SVC_CLOSE }, { DISK, SVC_CLOSE }, { CONSOLE, SVC_OPEN },
		{ DISK, SVC_OPEN }, { PLATFORM, PLATFORM_QUIESCE }, { CONSOLE, SVC_CLOSE },
		{ PLATFORM, PLATFORM_RESET }, { CONSOLE, SVC_CLOSE }, DISK_STARTS);
	assert_int_equal(domains[DISK].life.end, DOMAIN_END_FAULT);
	assert_int_equal(domains[STORAGE].charged, 0);
	domains[STORAGE].life.start_at = 0; /* its second attempt, without the wait */
	answers_pulse(m, 1ull << DISK);
}

/* And at a connection that is opened again. */
static void e_reopen(struct kern_msg *m)
{
	ASKED({ CONSOLE, SVC_OPEN }, { DISK, SVC_OPEN });
	assert_true(restarting(STORAGE, PHASE_OPENING));
	disk_dies_at(SVC_OPEN);
	fault(m, DISK);
}

static void e_answers(struct kern_msg *m) { answers_pulse(m, 1ull << DISK); }

static void e_disk_once_more(struct kern_msg *m)
{
	ASKED(DISK_ENDS, DISK_STARTS, { DISK, SVC_OPEN }, DISK_ENDS);
	assert_int_equal(domains[DISK].life.end, DOMAIN_END_FAULT);
	assert_int_equal(answers_of(3)->end, SVC_END_ALIVE);
	/* that end followed another one, so it waits */
	assert_true(restarting(DISK, PHASE_ENDED));
	(void)m;
}

static void (*const dying_steps[])(struct kern_msg *m) = { n_answers, e_close, e_disk_starts,
	e_storage_starts, e_open, e_disk_starts_again, e_reopen, e_answers, e_disk_once_more,
	NULL };

static void services_that_end_in_calls(void)
{
	machine();
	kern_info()->tsc_hz = 1000000000000; /* a start that waits does not come */
	run(dying_steps);
}

static void y_disk_first(struct kern_msg *m)
{
	assert_true(restarting(DISK, PHASE_OPENING));
	assert_int_equal(domains[DISK].life.end, DOMAIN_END_FAULT);
	assert_true(restarting(STORAGE, PHASE_ENDED));
	assert_true(restarting(CONTROL, PHASE_ENDED));
	assert_int_equal(domains[NIC].state, DOMAIN_ABSENT);
	answers_pulse(m, 1ull << DISK);
}

static void y_all_run(struct kern_msg *m)
{
	(void)m;
	for (unsigned int i = 0; i < DOMAINS; i++)
		if (i != NIC)
			assert_int_equal(domains[i].state, DOMAIN_RUNNING);
	assert_int_equal(info_of(STORAGE)->epoch, 0);
	assert_int_equal(info_of(CONTROL)->epoch, 0);
	assert_int_equal(domains[STORAGE].life.restarts, 0);
}

static void (*const boot_steps[])(struct kern_msg *m) = { y_disk_first, y_all_run, NULL };

static void a_service_that_ends_at_boot(void)
{
	machine();
	disk_dies_at(SVC_OPEN);
	run(boot_steps);
}

/* console ends when init opens its own log, after it has started. */
static void z_console_first(struct kern_msg *m)
{
	assert_null(logged);
	assert_true(restarting(CONSOLE, PHASE_OPENING));
	assert_true(restarting(DISK, PHASE_ENDED));
	answers_pulse(m, 1ull << CONSOLE);
}

static void z_log_is_there(struct kern_msg *m)
{
	(void)m;
	assert_non_null(logged);
	assert_int_equal(domains[CONTROL].state, DOMAIN_RUNNING);
}

static void (*const log_steps[])(
	struct kern_msg *m) = { z_console_first, z_log_is_there, NULL };

static void a_console_that_ends_at_boot(void)
{
	machine();
	peer.dies[CONSOLE] = 1;
	peer.dies_at = SVC_OPEN;
	run(log_steps);
}

/* console ends when disk's log is opened, without which disk would start, too. */
static void w_fault(struct kern_msg *m)
{
	peer.dies[CONSOLE] = 1;
	peer.dies_at = SVC_OPEN;
	fault(m, DISK);
}

static void w_disk_waits(struct kern_msg *m)
{
	(void)m;
	assert_true(restarting(CONSOLE, PHASE_OPENING));
	assert_true(restarting(DISK, PHASE_ENDED));
}

static void (*const optional_steps[])(struct kern_msg *m) = { w_fault, w_disk_waits, NULL };

static void an_optional_service_that_ends(void)
{
	machine();
	run(optional_steps);
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

/* ---- given up ---- */
static void g_fault(struct kern_msg *m)
{
	now_seen();
	remember();
	peer.reset_rc = -SK_E_NO_SYS;
	own(domains[STORAGE].ntfn)->word = 0;
	fault(m, DISK);
}

static void g_disk_stays_away(struct kern_msg *m)
{
	ASKED({ PLATFORM, PLATFORM_QUIESCE }, { PLATFORM, PLATFORM_RESET });
	assert_int_equal(domains[DISK].state, DOMAIN_GIVEN_UP);
	/* its device may go on, so nothing of it is used again */
	assert_int_equal(domains[DISK].charged, before.charged);
	assert_int_equal(caps_free_bytes(), before.bytes);
	assert_false(before.thread->runs);
	assert_int_equal(answers_of(3)->end, SVC_END_GIVEN_UP);
	assert_true(own(domains[STORAGE].ntfn)->word & 1 << 1);
	assert_true(control_has_news());
	ask_restart(m, "disk", INIT_KILL_RESTART);
}

static void g_storage_ends(struct kern_msg *m)
{
	assert_int_equal(status(), -SK_E_STATE);
	before.charged = domains[STORAGE].charged;
	fault(m, STORAGE);
}

/* storage needs the disk, and the device may use its data. */
static void g_storage_waits(struct kern_msg *m)
{
	(void)m;
	ASKED({ CONSOLE, SVC_CLOSE }, { CONSOLE, SVC_OPEN }, { CONSOLE, SVC_CLOSE });
	assert_true(restarting(STORAGE, PHASE_ENDED));
	assert_int_equal(domains[STORAGE].charged, (1 << 14) + (1 << 16));
}

static void (*const given_up_steps[])(struct kern_msg *m) = { g_fault, g_disk_stays_away,
	g_storage_ends, g_storage_waits, NULL };

static void a_device_without_a_reset(void)
{
	machine();
	kern_info()->tsc_hz = 1000000000000; /* the second attempt does not come */
	run(given_up_steps);
}

/* ---- too often ---- */
static sk_time_t ended_at;
static unsigned int n_faults;

static void o_fault(struct kern_msg *m)
{
	assert_true(n_faults == 0 || restarting(DISK, PHASE_OPENING));
	if (n_faults++ == 0)
		domains[DISK].life.recovered_at = 0; /* it has run for a long time */
	peer.n_asked = 0;
	ended_at = sk_now();
	fault(m, DISK);
}

/* The first start is at once; the others wait, each twice as long, until 10 s. */
static void o_wait(struct kern_msg *m)
{
	static const uint64_t ms[16] = { 0, 10, 20, 40, 80, 160, 320, 640, 1280, 2560, 5120,
		10000, 10000, 10000, 10000, 10000 };
	uint64_t delay = ms[n_faults - 1] * 100000;

	if (n_faults == 16) {
		assert_int_equal(domains[DISK].state, DOMAIN_GIVEN_UP);
		assert_int_equal(answers_of(3)->end, SVC_END_GIVEN_UP);
		assert_int_equal(domains[DISK].charged, 0);
		_exit(0);
	}
	assert_in_range(domains[DISK].life.start_at, ended_at + delay, sk_now() + delay);
	if (restarting(DISK, PHASE_ENDED)) {
		assert_true(m->deadline <= domains[DISK].life.start_at);
		answers_pulse(
			m, 1ull << UART | 1ull << CONSOLE | 1ull << STORAGE | 1ull << PLATFORM);
		time_passes();
	} else {
		assert_true(sk_now() >= domains[DISK].life.start_at);
		o_fault(m);
	}
}

static void (*const often_steps[512])(struct kern_msg *m) = { o_fault, [1 ... 510] = o_wait };

static void a_domain_that_ends_too_often(void)
{
	fast_machine();
	run(often_steps);
}

/* ---- often, but it recovers ---- */
static unsigned int n_recoveries;

static void y_fault(struct kern_msg *m)
{
	domains[DISK].life.n_quick = 0; /* as if a minute had passed */
	peer.n_asked = peer.n_opens = 0;
	fault(m, DISK);
}

/* A domain that recovers each time is never given up. */
static void y_go_on(struct kern_msg *m)
{
	if (restarting(DISK, PHASE_OPENING)) {
		answers_pulse(m, 1ull << DISK);
		return;
	}
	assert_int_equal(domains[DISK].state, DOMAIN_RUNNING);
	assert_int_equal(domains[DISK].life.restarts, ++n_recoveries);
	if (n_recoveries == 20)
		_exit(0);
	y_fault(m);
}

static void (*const recovery_steps[64])(struct kern_msg *m) = { y_fault, [1 ... 62] = y_go_on };

static void a_domain_that_recovers_each_time(void)
{
	fast_machine();
	run(recovery_steps);
}

/* ---- platform ---- */
static struct kern_object *messages[2], *devices[2];

static void platform_remember(void)
{
	remember();
	for (unsigned int i = 0; i < 2; i++) {
		messages[i] = own(domains[DISK].message[i].irq);
		devices[i] =
			kern_cap(own(domains[PLATFORM].proc.cnode), PLATFORM_CAP_MEM + i)->obj;
	}
	now_seen();
}

static void pl_ends(struct kern_msg *m)
{
	platform_remember();
	fault(m, PLATFORM);
}

/* It starts at once, and learns what drivers have; nothing is asked of it for that. */
static void pl_starts(struct kern_msg *m)
{
	ASKED();
	assert_true(restarting(PLATFORM, PHASE_OPENING));
	assert_non_null(strstr(info_of(PLATFORM)->args, "claimed=5\n"));
	for (unsigned int i = 0; i < 2; i++)
		assert_ptr_equal(
			kern_cap(own(domains[PLATFORM].proc.cnode), PLATFORM_CAP_MEM + i)->obj,
			devices[i]);
	assert_int_equal(domains[DISK].state, DOMAIN_RUNNING);
	audit_disk();
	assert_int_equal(used_slots(), before.slots);
	assert_int_equal(caps_free_bytes(), before.bytes);
	fault(m, DISK); /* its driver ends before it is there again */
}

/* The device may still write, so nothing of the driver is touched. */
static void pl_disk_waits(struct kern_msg *m)
{
	ASKED();
	assert_true(restarting(DISK, PHASE_ENDING));
	assert_int_equal(domains[DISK].charged, before.charged);
	assert_false(own(domains[DISK].proc.thread)->runs);
	peer.dies[PLATFORM] = 1; /* once more, while it resets the device */
	peer.dies_at = PLATFORM_RESET;
	domains[PLATFORM].life.n_quick = 0;
	answer_all(m);
}

static void pl_dies_again(struct kern_msg *m)
{
	ASKED({ PLATFORM, PLATFORM_RESET });
	assert_true(restarting(PLATFORM, PHASE_OPENING));
	assert_non_null(strstr(info_of(PLATFORM)->args, "claimed=5\n"));
	assert_true(restarting(DISK, PHASE_ENDING));
	answer_all(m);
}

static void pl_disk_starts(struct kern_msg *m)
{
	ASKED({ PLATFORM, PLATFORM_RESET }, { CONSOLE, SVC_CLOSE }, DISK_STARTS);
	assert_true(restarting(DISK, PHASE_OPENING));
	for (unsigned int i = 0; i < 2; i++)
		assert_ptr_equal(own(domains[DISK].message[i].irq), messages[i]);
	answer_all(m);
}

static void pl_all_run(struct kern_msg *m)
{
	assert_int_equal(domains[PLATFORM].state, DOMAIN_RUNNING);
	assert_int_equal(domains[PLATFORM].life.restarts, 2);
	assert_int_equal(domains[DISK].state, DOMAIN_RUNNING);
	assert_int_equal(domains[DISK].life.resets_lost, 0);
	/* Now it hangs when the next driver ends, and the machine is to be switched off. */
	now_seen();
	peer.silent = PLATFORM_QUIESCE;
	domains[PLATFORM].life.n_quick = domains[DISK].life.n_quick = 0;
	fault(m, DISK);
}

static void pl_hang_is_noticed(struct kern_msg *m)
{
	ASKED({ PLATFORM, PLATFORM_QUIESCE });
	peer.silent = 0;
	assert_int_equal(domains[PLATFORM].life.end, DOMAIN_END_HANG);
	assert_true(restarting(PLATFORM, PHASE_OPENING));
	assert_true(restarting(DISK, PHASE_ENDING));
	answer_all(m);
}

static void pl_ends_twice_in_a_reset(struct kern_msg *m)
{
	ASKED({ PLATFORM, PLATFORM_RESET }, { CONSOLE, SVC_CLOSE }, DISK_STARTS);
	peer.dies[PLATFORM] = 2;
	peer.dies_at = PLATFORM_RESET;
	domains[PLATFORM].life.n_quick = domains[DISK].life.n_quick = 0;
	fault(m, DISK);
}

static void pl_first_time(struct kern_msg *m)
{
	assert_true(restarting(DISK, PHASE_ENDING));
	domains[PLATFORM].life.n_quick = 0;
	domains[PLATFORM].life.start_at = 0;
	answer_all(m);
}

/* A device that always ends platform does not do so for ever. */
static void pl_disk_is_given_up(struct kern_msg *m)
{
	assert_int_equal(domains[DISK].state, DOMAIN_GIVEN_UP);
	assert_int_equal(domains[DISK].charged, before.charged);
	domains[PLATFORM].life.start_at = 0;
	answer_all(m);
}

static void (*const platform_steps[])(struct kern_msg *m) = { answer_all, pl_ends, pl_starts,
	pl_disk_waits, pl_dies_again, pl_disk_starts, pl_all_run, pl_hang_is_noticed,
	pl_ends_twice_in_a_reset, pl_first_time, pl_disk_is_given_up, NULL };

static void platform_ends(void)
{
	machine();
	kern_info()->tsc_hz = 1000000000000; /* a start that waits does not come */
	run(platform_steps);
}

/* At boot, in the claim and when it gives a BAR: the driver is started with the next one. */
static void pv_platform_first(struct kern_msg *m)
{
	assert_true(restarting(PLATFORM, PHASE_OPENING));
	assert_true(restarting(DISK, PHASE_ENDED));
	assert_true(restarting(STORAGE, PHASE_ENDED));
	now_seen();
	domains[DISK].life.start_at = 0;
	answer_all(m);
}

static void pv_all_run(struct kern_msg *m)
{
	(void)m;
	assert_int_equal(domains[DISK].state, DOMAIN_RUNNING);
	assert_int_equal(domains[STORAGE].state, DOMAIN_RUNNING);
	assert_int_equal(domains[DISK].life.restarts, 0);
}

static void (*const claim_steps[])(
	struct kern_msg *m) = { pv_platform_first, pv_all_run, NULL };

static void platform_ends_in_a_claim(void)
{
	machine();
	peer.dies[PLATFORM] = 1;
	peer.dies_at = PLATFORM_CLAIM;
	run(claim_steps);
}

static void pv_reset_comes_first(struct kern_msg *m)
{
	ASKED({ PLATFORM, PLATFORM_RESET }, DISK_STARTS, { PLATFORM, PLATFORM_CLAIM },
		{ CONSOLE, SVC_OPEN }, { DISK, SVC_OPEN }, { CONSOLE, SVC_OPEN },
		{ STORAGE, SVC_OPEN });
	pv_all_run(m);
}

static void (*const bar_steps[])(
	struct kern_msg *m) = { pv_platform_first, pv_reset_comes_first, NULL };

static void platform_ends_when_it_gives_a_bar(void)
{
	machine();
	peer.dies[PLATFORM] = 1;
	peer.dies_at = PLATFORM_BAR;
	run(bar_steps);
}

/* The machine is switched off by the life that is there then. */
static void px_power(struct kern_msg *m)
{
	peer.dies[PLATFORM] = 1;
	peer.dies_at = PLATFORM_POWER;
	now_seen();
	ask(m, CONTROL, INIT_POWER);
}

static void px_goes_on(struct kern_msg *m) { answer_all(m); }

static void px_is_asked_again(struct kern_msg *m)
{
	(void)m;
	ASKED({ STORAGE, SVC_CLOSE }, { PLATFORM, PLATFORM_POWER },
		{ PLATFORM, PLATFORM_POWER });
	assert_int_equal(peer.powers, 1);
}

static void (*const power_steps[])(
	struct kern_msg *m) = { answer_all, px_power, px_goes_on, px_is_asked_again, NULL };

static void platform_ends_at_power_off(void)
{
	machine();
	run(power_steps);
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

/* ---- restarts that control asks for ---- */
static void r_unknown(struct kern_msg *m) { ask_restart(m, "dis", INIT_KILL_RESTART); }

static void r_absent(struct kern_msg *m)
{
	assert_int_equal(status(), -SK_E_NOT_FOUND);
	ask_restart(m, "nic", INIT_KILL_RESTART);
}

static void r_kill(struct kern_msg *m)
{
	assert_int_equal(status(), -SK_E_STATE);
	ask_restart(m, "disk", INIT_KILL_FAULT);
}

static void r_hang(struct kern_msg *m)
{
	assert_int_equal(status(), -SK_E_DENIED);
	ask_restart(m, "disk", INIT_KILL_HANG);
}

static void r_exit(struct kern_msg *m)
{
	assert_int_equal(status(), -SK_E_DENIED);
	ask_restart(m, "disk", INIT_KILL_EXIT);
}

static void r_garbage(struct kern_msg *m)
{
	assert_int_equal(status(), -SK_E_DENIED);
	ask_restart(m, "disk", INIT_KILL_GARBAGE);
}

static void r_beyond(struct kern_msg *m)
{
	assert_int_equal(status(), -SK_E_DENIED);
	ask_restart(m, "disk", INIT_KILL_END);
}

static void r_restart(struct kern_msg *m)
{
	assert_int_equal(status(), -SK_E_INVAL);
	assert_true(own(domains[DISK].proc.thread)->runs);
	assert_int_equal(domains[DISK].state, DOMAIN_RUNNING);
	now_seen();
	ask_restart(m, "disk", INIT_KILL_RESTART);
}

static void r_again(struct kern_msg *m)
{
	assert_int_equal(status(), 0);
	ASKED(DISK_ENDS, DISK_STARTS);
	assert_int_equal(domains[DISK].life.end, DOMAIN_END_ASKED);
	assert_int_equal(domains[DISK].life.n_ends, 0); /* it is no failure */
	ask_restart(m, "disk", INIT_KILL_RESTART);
}

static void r_busy(struct kern_msg *m)
{
	(void)m;
	assert_int_equal(status(), -SK_E_BUSY);
}

static void (*const ask_steps[])(struct kern_msg *m) = { r_unknown, r_absent, r_kill, r_hang,
	r_exit, r_garbage, r_beyond, r_restart, r_again, r_busy, NULL };

static void restarts_on_request(void)
{
	machine();
	strcpy(kern_boot()->cmdline, "xinit.kill=1 init.kill=10 init.kill");
	run(ask_steps);
}

/* ---- the ways to kill ---- */
static void k_fault(struct kern_msg *m)
{
	own(domains[DISK].proc.thread)->regs.rip = 77;
	own(domains[DISK].proc.thread)->regs.rsp = 88;
	ask_restart(m, "disk", INIT_KILL_FAULT);
}

static void k_hang(struct kern_msg *m)
{
	assert_int_equal(status(), 0);
	assert_int_equal(own(domains[DISK].proc.thread)->regs.rip, 0);
	assert_int_equal(own(domains[DISK].proc.thread)->regs.rsp, 88);
	assert_true(own(domains[DISK].proc.thread)->runs);
	ask_restart(m, "disk", INIT_KILL_HANG);
}

static void k_garbage(struct kern_msg *m)
{
	assert_int_equal(status(), 0);
	assert_false(own(domains[DISK].proc.thread)->runs);
	assert_int_equal(domains[DISK].state, DOMAIN_RUNNING); /* init has not noticed yet */
	own(domains[STORAGE].ntfn)->word = 0;
	ask_restart(m, "disk", INIT_KILL_GARBAGE);
}

static void k_exit(struct kern_msg *m)
{
	const struct ring_shared *rsp = answers_of(3);

	assert_int_equal(status(), 0);
	assert_int_equal(rsp->prod, 64);
	assert_int_not_equal(rsp->data[0], rsp->data[1]);
	assert_int_equal(answers_of(1)->cons >> 32, 0); /* the epoch stays */
	assert_true((uint32_t)answers_of(1)->cons > 0);
	assert_int_equal(answers_of(2)->prod | answers_of(2)->cons, 0); /* storage's */
	assert_true(own(domains[STORAGE].ntfn)->word & 1 << 1);
	assert_int_equal(domains[DISK].state, DOMAIN_RUNNING);
	ask_restart(m, "disk", INIT_KILL_EXIT);
}

static void k_end(struct kern_msg *m)
{
	(void)m;
	assert_int_equal(status(), 0);
	assert_int_equal(domains[DISK].life.end, DOMAIN_END_EXIT);
	assert_true(restarting(DISK, PHASE_OPENING));
}

static void (*const kill_steps[])(
	struct kern_msg *m) = { k_fault, k_hang, k_garbage, k_exit, k_end, NULL };

static void ways_to_kill(void)
{
	allow_kills();
	run(kill_steps);
}

/* ---- control, whose CNode outlives it ---- */
enum { MADE = DOMAIN_CAP_FREE + 7, STALE = DOMAIN_CAP_EXTRA + 30 };

static struct {
	struct kern_object *cnode, *thread, *journal, *pool, *last, *service;
	char args[DOMAIN_ARGS_MAX];
	uint64_t charged, bytes;
	unsigned int slots;
} was;

/* The first slot of the capability that control's arguments call `name`. */
static struct kern_object *lent(const char *name)
{
	char key[24];
	const char *at;

	snprintf(key, sizeof(key), "cap.%s=", name);
	at = strstr(info_of(CONTROL)->args, key);
	assert_non_null(at);
	return kern_cap(
		own(domains[CONTROL].proc.cnode), (sk_cap_t)strtoul(at + strlen(key), NULL, 10))
		->obj;
}

static void l_remember(void)
{
	const struct domain *d = &domains[CONTROL];

	was.cnode = own(d->proc.cnode);
	was.thread = own(d->proc.thread);
	was.journal = own(connections[5].c.data);
	was.service = own(d->service);
	was.pool = lent("pool");
	was.last = lent("last");
	memcpy(was.args, info_of(CONTROL)->args, sizeof(was.args));
	was.charged = d->charged;
	was.bytes = caps_free_bytes();
	was.slots = used_slots();
	assert_int_equal(was.pool->type, SK_OBJ_UNTYPED);
	assert_int_equal(was.last->type, SK_OBJ_UNTYPED);
	assert_int_equal(was.last->order, 12);
	assert_int_equal(info_of(CONTROL)->flags, 0x0 | DOMAIN_CNODE_KEPT);
}

static void l_fault(struct kern_msg *m)
{
	sk_cap_t cnode = domains[CONTROL].proc.cnode;

	l_remember();
	/* it made one capability, and lost another in a slot of what it is given */
	assert_int_equal(sk_copy(cnode, MADE, SK_CAP_CNODE, domains[CONTROL].service, SK_R), 0);
	assert_int_equal(
		sk_copy(cnode, STALE, SK_CAP_CNODE, domains[CONTROL].service, SK_R), 0);
	now_seen();
	fault(m, CONTROL);
}

static void l_starts(struct kern_msg *m)
{
	const struct domain *d = &domains[CONTROL];

	ASKED({ CONSOLE, SVC_CLOSE }, { STORAGE, SVC_CLOSE }, { CONSOLE, SVC_OPEN },
		{ STORAGE, SVC_OPEN });
	assert_true(restarting(CONTROL, PHASE_OPENING));
	assert_int_equal(d->life.end, DOMAIN_END_FAULT);
	assert_int_equal(info_of(CONTROL)->epoch, 1);
	assert_ptr_equal(own(d->proc.cnode), was.cnode);
	assert_ptr_not_equal(own(d->proc.thread), was.thread);
	assert_ptr_equal(own(connections[5].c.data), was.journal);
	answers_pulse(m, 1ull << CONTROL);
}

static void l_is_back(struct kern_msg *m)
{
	const struct domain *d = &domains[CONTROL];

	assert_int_equal(d->state, DOMAIN_RUNNING);
	assert_int_equal(d->life.restarts, 1);
	/* what was lent is where it was, and what it was given is new */
	assert_string_equal(info_of(CONTROL)->args, was.args);
	assert_ptr_equal(lent("pool"), was.pool);
	assert_ptr_equal(lent("last"), was.last);
	assert_ptr_equal(kern_cap(was.cnode, SK_CAP_THREAD)->obj, own(d->proc.thread));
	assert_ptr_equal(kern_cap(was.cnode, DOMAIN_CAP_SERVICE)->obj, was.service);
	/* what it made is there, for the next life to judge */
	assert_ptr_equal(kern_cap(was.cnode, MADE)->obj, was.service);
	assert_null(kern_cap(was.cnode, STALE)->obj);
	assert_int_equal(d->charged, was.charged);
	assert_int_equal(caps_free_bytes(), was.bytes);
	assert_int_equal(used_slots(), was.slots);
	ask_restart(m, "control", INIT_KILL_RESTART); /* it asks for that itself */
}

static void l_asked(struct kern_msg *m)
{
	(void)m;
	assert_int_equal(status(), 0);
	assert_true(restarting(CONTROL, PHASE_OPENING));
	assert_int_equal(info_of(CONTROL)->epoch, 2);
	assert_ptr_equal(lent("pool"), was.pool);
}

static void (*const control_steps[])(
	struct kern_msg *m) = { l_fault, l_starts, l_is_back, l_asked, NULL };

static void control_ends(void)
{
	machine();
	run(control_steps);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		KERN_CASE(a_driver_that_faults),
		KERN_CASE(a_device_is_refused),
		KERN_CASE(a_service_that_exits),
		KERN_CASE(a_domain_that_hangs),
		KERN_CASE(domains_that_answer),
		KERN_CASE(a_client_that_breaks_the_protocol),
		KERN_CASE(a_service_that_does_not_let_go),
		KERN_CASE(a_service_that_ends_in_an_open),
		KERN_CASE(services_that_end_in_calls),
		KERN_CASE(a_service_that_ends_at_boot),
		KERN_CASE(a_console_that_ends_at_boot),
		KERN_CASE(an_optional_service_that_ends),
		KERN_CASE(words_of_another_life),
		KERN_CASE(a_device_without_a_reset),
		KERN_CASE(a_domain_that_ends_too_often),
		KERN_CASE(a_domain_that_recovers_each_time),
		KERN_CASE(platform_ends),
		KERN_CASE(platform_ends_in_a_claim),
		KERN_CASE(platform_ends_when_it_gives_a_bar),
		KERN_CASE(platform_ends_at_power_off),
		KERN_CASE(any_call_that_fails),
		KERN_CASE(restarts_on_request),
		KERN_CASE(ways_to_kill),
		KERN_CASE(control_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL) + reopen_tests();
}
