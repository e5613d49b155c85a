/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * reopen_test.c - a service that has been started again, and refuses to open the connection of
 * a client: here, disk that of storage
 */
#define _GNU_SOURCE
#include "restart.h"

/*
 * The clock of init goes slowly, so that nothing becomes due by itself. A step makes it due,
 * after it has checked when it would be.
 */
#define TICKS_PER_MS 16000000ull

static void slow_machine(void)
{
	machine();
	kern_info()->tsc_hz = 1000 * TICKS_PER_MS;
}

static sk_time_t asked_after;

static void rest_over(struct kern_msg *m)
{
	connections[3].ask_at = 0;
	asked_after = sk_now();
	answer_all(m);
}

static void rf_fault(struct kern_msg *m)
{
	remember();
	now_seen();
	peer.open_rc[DISK] = -SK_E_NO_MEM;
	own(domains[STORAGE].ntfn)->word = 0;
	fault(m, DISK);
}

static void rf_answers(struct kern_msg *m)
{
	ASKED(DISK_ENDS, DISK_STARTS);
	asked_after = sk_now();
	answer_all(m);
}

/* disk runs without its client, which is told nothing and keeps what it has. */
static void assert_refused(unsigned int n, uint32_t ms)
{
	const struct connection *c = &connections[3];

	ASKED({ DISK, SVC_OPEN });
	assert_int_equal(domains[DISK].state, DOMAIN_RUNNING);
	assert_int_equal(domains[STORAGE].state, DOMAIN_RUNNING);
	assert_false(c->open);
	assert_int_equal(c->refusals, n);
	assert_in_range(
		c->ask_at, asked_after + ms * TICKS_PER_MS, sk_now() + ms * TICKS_PER_MS);
	assert_ptr_equal(own(c->c.rings), before.rings);
	assert_int_equal(answers_of(3)->end, SVC_END_ALIVE);
	assert_false(own(domains[STORAGE].ntfn)->word & 1 << 1);
}

static void assert_opened(uint32_t epoch)
{
	const struct kern_msg *o = &peer.open[peer.n_opens - 1];

	ASKED({ DISK, SVC_OPEN });
	assert_true(connections[3].open);
	assert_int_equal(connections[3].refusals, 0);
	assert_int_equal(o->mr[3], (STORAGE | SVC_STATIC) | (uint64_t)before.number << 32);
	assert_int_equal(o->mr[4], epoch);
	assert_ptr_equal(o->cap[0].obj, before.rings);
	assert_ptr_equal(o->cap[2].obj, before.data);
	assert_int_equal(caps_free_bytes(), before.bytes);
	assert_int_equal(used_slots(), before.slots);
}

static void not_asked(struct kern_msg *m)
{
	(void)m;
	ASKED();
}

/* ---- it refuses once ---- */
static void rf_refused(struct kern_msg *m)
{
	assert_refused(1, 100);
	assert_true(control_has_news());
	assert_int_equal(m->deadline, connections[3].ask_at);
	peer.open_rc[DISK] = 0;
	answer_all(m);
}

static void rf_too_early(struct kern_msg *m)
{
	ASKED();
	assert_int_equal(m->deadline, connections[3].ask_at);
	rest_over(m);
}

static void rf_opened(struct kern_msg *m)
{
	assert_opened(2);
	assert_int_equal(domains[DISK].life.restarts, 1);
	assert_int_equal(domains[STORAGE].life.restarts, 0);
	assert_true(m->deadline > sk_now());
	answer_all(m);
}

static void (*const refusal_steps[])(struct kern_msg *m) = { answer_all, rf_fault, rf_answers,
	rf_refused, rf_too_early, rf_opened, not_asked, NULL };

static void a_service_that_refuses_once(void)
{
	slow_machine();
	run(refusal_steps);
}

/* ---- it refuses often ---- */
static const uint32_t rests[] = { 100, 200, 400, 800, 1600, 3200, 6400, 8000, 8000, 8000 };
enum { RESTS = sizeof(rests) / sizeof(rests[0]), TOO_OFTEN = 5 };
static unsigned int n_rests;

static void rn_refused(struct kern_msg *m)
{
	assert_refused(n_rests + 1, rests[n_rests]);
	if (++n_rests == RESTS)
		peer.open_rc[DISK] = 0;
	domains[DISK].life.n_quick = 0;
	rest_over(m);
}

/* It may have lost what its next life has again. */
static void rn_is_ended(struct kern_msg *m)
{
	ASKED({ DISK, SVC_OPEN }, DISK_ENDS, DISK_STARTS);
	assert_int_equal(n_rests, TOO_OFTEN);
	assert_int_equal(domains[DISK].life.end, DOMAIN_END_REFUSES);
	assert_int_equal(domains[DISK].life.n_ends, 1);
	n_rests = 0;
	asked_after = sk_now();
	answer_all(m);
}

/* The next life refuses, too. It has more time, and is asked ever more rarely. */
static void rn_opened(struct kern_msg *m)
{
	assert_int_equal(n_rests, RESTS);
	ASKED({ DISK, SVC_OPEN });
	assert_true(connections[3].open);
	n_rests = 0;
	domains[DISK].life.n_quick = 0; /* as if a minute had passed */
	rf_fault(m);
}

/* Success is the end of that: the next refusal is a first one. */
static void (*const refusals_steps[])(struct kern_msg *m) = { answer_all, rf_fault, rf_answers,
	[3 ... 2 + TOO_OFTEN] = rn_refused, rn_is_ended,
	[4 + TOO_OFTEN... 3 + TOO_OFTEN + RESTS] = rn_refused, rn_opened, rf_answers,
	[6 + TOO_OFTEN + RESTS... 5 + 2 * TOO_OFTEN + RESTS] = rn_refused, rn_is_ended, NULL };

static void a_service_that_refuses_often(void)
{
	slow_machine();
	run(refusals_steps);
}

/* ---- the service ends meanwhile ---- */
/* The next life is asked at once. */
static void rs_fault(struct kern_msg *m)
{
	assert_refused(1, 100);
	peer.open_rc[DISK] = 0;
	domains[DISK].life.n_quick = 0;
	fault(m, DISK);
}

static void rs_starts(struct kern_msg *m)
{
	ASKED(DISK_ENDS, DISK_STARTS);
	assert_int_equal(connections[3].refusals, 0);
	answer_all(m);
}

static void rs_opened(struct kern_msg *m)
{
	(void)m;
	assert_opened(2);
	assert_int_equal(domains[DISK].life.restarts, 2);
}

static void (*const refuser_ends_steps[])(struct kern_msg *m) = { answer_all, rf_fault,
	rf_answers, rs_fault, rs_starts, rs_opened, NULL };

static void a_service_that_refuses_and_ends(void)
{
	slow_machine();
	run(refuser_ends_steps);
}

/* It ends when it is asked once more: by a fault, or because it does not answer. */
static void rd_refused(struct kern_msg *m)
{
	assert_refused(1, 100);
	domains[DISK].life.n_quick = 0;
	rest_over(m);
}

static void rd_dies(struct kern_msg *m)
{
	peer.dies[DISK] = 1;
	peer.dies_at = SVC_OPEN;
	rd_refused(m);
}

static void rd_hangs(struct kern_msg *m)
{
	peer.open_rc[DISK] = -SK_E_TIMEOUT;
	rd_refused(m);
}

static void rd_ended(enum domain_end end)
{
	ASKED({ DISK, SVC_OPEN }, DISK_ENDS, DISK_STARTS);
	assert_int_equal(domains[DISK].life.end, end);
	assert_true(restarting(DISK, PHASE_OPENING));
	assert_int_equal(answers_of(3)->end, SVC_END_ALIVE);
	peer.open_rc[DISK] = 0;
}

static void rd_died(struct kern_msg *m)
{
	rd_ended(DOMAIN_END_FAULT);
	answer_all(m);
}

static void rd_hung(struct kern_msg *m)
{
	rd_ended(DOMAIN_END_HANG);
	answer_all(m);
}

static void rd_opened(struct kern_msg *m)
{
	(void)m;
	assert_opened(3);
}

static void (*const refuser_dies_steps[])(struct kern_msg *m) = { answer_all, rf_fault,
	rf_answers, rd_dies, rd_died, rd_opened, NULL };

static void a_service_that_ends_when_asked_again(void)
{
	slow_machine();
	run(refuser_dies_steps);
}

static void (*const refuser_hangs_steps[])(struct kern_msg *m) = { answer_all, rf_fault,
	rf_answers, rd_hangs, rd_hung, rd_opened, NULL };

static void a_service_that_hangs_when_asked_again(void)
{
	slow_machine();
	run(refuser_hangs_steps);
}

/* ---- it is given up ---- */
/* Only now the client has to do without it. */
static void ru_fault(struct kern_msg *m)
{
	assert_refused(1, 100);
	peer.reset_rc = -SK_E_NO_SYS;
	fault(m, DISK);
}

static void ru_platform_starts(struct kern_msg *m)
{
	ASKED({ PLATFORM, PLATFORM_QUIESCE }, { PLATFORM, PLATFORM_RESET });
	answer_all(m);
}

static void ru_given_up(struct kern_msg *m)
{
	ASKED({ PLATFORM, PLATFORM_RESET });
	assert_int_equal(domains[DISK].state, DOMAIN_GIVEN_UP);
	assert_int_equal(answers_of(3)->end, SVC_END_GIVEN_UP);
	connections[3].ask_at = 0;
	answer_all(m);
}

static void (*const refuser_given_up_steps[])(struct kern_msg *m) = { answer_all, rf_fault,
	rf_answers, ru_fault, ru_platform_starts, ru_given_up, not_asked, NULL };

static void a_service_that_refuses_and_is_given_up(void)
{
	slow_machine();
	run(refuser_given_up_steps);
}

/* ---- the client ends meanwhile ---- */
/* It gets a new connection, and nobody waits for the old one. */
static void rc_fault(struct kern_msg *m)
{
	assert_refused(1, 100);
	connections[3].ask_at = 0;
	peer.open_rc[DISK] = 0;
	fault(m, STORAGE);
}

static void rc_starts(struct kern_msg *m)
{
	const struct kern_msg *o = &peer.open[peer.n_opens - 1];

	ASKED({ CONSOLE, SVC_CLOSE }, { CONSOLE, SVC_OPEN }, { DISK, SVC_OPEN });
	assert_int_equal(o->mr[3], STORAGE | SVC_STATIC);
	assert_int_equal(o->mr[4], 0);
	assert_true(connections[3].open);
	assert_int_equal(connections[3].refusals, 0);
	assert_int_equal(caps_free_bytes(), before.bytes);
	answer_all(m);
}

static void rc_runs(struct kern_msg *m)
{
	ASKED({ STORAGE, SVC_OPEN });
	assert_int_equal(domains[STORAGE].state, DOMAIN_RUNNING);
	domains[DISK].life.n_quick = 0;
	fault(m, DISK);
}

static void rc_disk_starts(struct kern_msg *m)
{
	ASKED(DISK_ENDS, DISK_STARTS);
	before.number = connections[3].c.number;
	before.rings = own(connections[3].c.rings);
	before.data = own(connections[3].c.data);
	answer_all(m);
}

static void rc_disk_opens(struct kern_msg *m)
{
	(void)m;
	assert_opened(1);
}

static void (*const client_ends_steps[])(struct kern_msg *m) = { answer_all, rf_fault,
	rf_answers, rc_fault, rc_starts, rc_runs, rc_disk_starts, rc_disk_opens, NULL };

static void a_client_that_ends_while_it_is_refused(void)
{
	slow_machine();
	run(client_ends_steps);
}

/*
 * disk has a connection with console that rests, and ends. It cannot be taken back, because its
 * device has to be reset first and platform restarts. console is not asked for a dead client.
 */
static void rp_fault(struct kern_msg *m)
{
	peer.open_rc[CONSOLE] = -SK_E_NO_MEM;
	fault(m, CONSOLE);
}

static void rp_refused(struct kern_msg *m)
{
	assert_int_equal(domains[CONSOLE].state, DOMAIN_RUNNING);
	assert_int_equal(connections[1].refusals, 1);
	connections[1].ask_at = connections[2].ask_at = connections[4].ask_at = SK_NO_DEADLINE;
	fault(m, PLATFORM);
}

static void rp_disk_ends(struct kern_msg *m)
{
	assert_true(restarting(PLATFORM, PHASE_OPENING));
	now_seen();
	fault(m, DISK);
}

static void rp_disk_waits(struct kern_msg *m)
{
	assert_true(restarting(DISK, PHASE_ENDING));
	connections[1].ask_at = 0;
	answers_pulse(m, 1ull << CONSOLE);
}

static void (*const dead_client_steps[])(struct kern_msg *m) = { answer_all, rp_fault,
	answer_all, rp_refused, rp_disk_ends, rp_disk_waits, not_asked, NULL };

static void a_service_is_not_asked_for_a_dead_client(void)
{
	slow_machine();
	run(dead_client_steps);
}

/* ---- the machine goes down ---- */
/* storage has put everything on the medium; nobody may have a connection with it again. */
static void ro_fault(struct kern_msg *m)
{
	peer.open_rc[STORAGE] = -SK_E_NO_MEM;
	fault(m, STORAGE);
}

static void ro_power(struct kern_msg *m)
{
	assert_int_equal(domains[STORAGE].state, DOMAIN_RUNNING);
	assert_int_equal(connections[6].refusals, 1);
	peer.open_rc[STORAGE] = 0;
	peer.dies[PLATFORM] = 1; /* so that init has something to wait for */
	peer.dies_at = PLATFORM_POWER;
	now_seen();
	ask(m, CONTROL, INIT_POWER);
}

static void ro_time_passes(struct kern_msg *m)
{
	connections[6].ask_at = 0;
	answer_all(m);
}

static void ro_is_off(struct kern_msg *m)
{
	(void)m;
	ASKED({ PLATFORM, PLATFORM_POWER }, { PLATFORM, PLATFORM_POWER });
	assert_int_equal(peer.powers, 1);
}

static void (*const power_steps[])(struct kern_msg *m) = { answer_all, ro_fault, answer_all,
	ro_power, ro_time_passes, ro_is_off, NULL };

static void a_service_that_is_closed_is_not_asked(void)
{
	slow_machine();
	run(power_steps);
}

/* ---- a client that cannot be started again ---- */
/* The service that refuses is ended before the client is given up. */
static void sr_fault(struct kern_msg *m)
{
	peer.open_rc[DISK] = -SK_E_NO_MEM;
	fault(m, STORAGE);
}

static void sr_step(struct kern_msg *m)
{
	static unsigned int n;

	if (domains[DISK].life.end == DOMAIN_END_REFUSES && peer.open_rc[DISK]) {
		assert_int_equal(connections[3].starts_refused, 4);
		assert_int_equal(domains[STORAGE].life.n_ends, 5);
		peer.open_rc[DISK] = 0;
	}
	if (!peer.open_rc[DISK] && domains[STORAGE].state == DOMAIN_RUNNING) {
		assert_int_equal(domains[DISK].life.restarts, 1);
		assert_int_equal(connections[3].starts_refused, 0);
		_exit(0);
	}
	if (n++ % 2)
		time_passes();
	else
		answer_all(m);
}

static void sr_never(struct kern_msg *m)
{
	(void)m;
	fail();
}

static void (*const start_refused_steps[])(
	struct kern_msg *m) = { answer_all, sr_fault, [2 ... 199] = sr_step, sr_never, NULL };

static void a_service_that_refuses_each_start_of_a_client(void)
{
	fast_machine();
	run(start_refused_steps);
}

/* At boot, everything stays as it is. */
static void sb_absent(struct kern_msg *m)
{
	assert_int_equal(domains[STORAGE].state, DOMAIN_ABSENT);
	assert_int_equal(connections[3].starts_refused, 0);
	answer_all(m);
}

static void (*const boot_refused_steps[])(struct kern_msg *m) = { sb_absent, NULL };

static void a_service_that_refuses_the_first_start(void)
{
	slow_machine();
	peer.open_rc[DISK] = -SK_E_NO_MEM;
	run(boot_refused_steps);
}

/* ---- a client that was started without its channel ---- */
enum { OPTIONAL = 6 };

static void om_rests(unsigned int n)
{
	const struct connection *c = &connections[OPTIONAL];

	assert_int_equal(domains[CONTROL].state, DOMAIN_RUNNING);
	assert_true(c->missing && !c->open && !c->memory);
	assert_int_equal(c->refusals, n);
}

static void om_rest_over(struct kern_msg *m)
{
	connections[OPTIONAL].ask_at = 0;
	now_seen();
	answer_all(m);
}

static void om_refused(struct kern_msg *m)
{
	om_rests(1);
	before.charged = domains[CONTROL].charged;
	before.bytes = caps_free_bytes();
	before.slots = used_slots();
	om_rest_over(m);
}

/* Nothing is left of the question. */
static void om_refused_again(struct kern_msg *m)
{
	om_rests(2);
	ASKED({ STORAGE, SVC_OPEN });
	assert_int_equal(domains[CONTROL].charged, before.charged);
	assert_int_equal(caps_free_bytes(), before.bytes);
	assert_int_equal(used_slots(), before.slots);
	peer.open_rc[STORAGE] = 0;
	om_rest_over(m);
}

static void om_starts(struct kern_msg *m)
{
	ASKED({ STORAGE, SVC_OPEN }, { STORAGE, SVC_CLOSE }, { CONSOLE, SVC_CLOSE },
		{ CONSOLE, SVC_OPEN }, { STORAGE, SVC_OPEN });
	assert_int_equal(domains[CONTROL].life.end, DOMAIN_END_ASKED);
	assert_true(connections[OPTIONAL].open && !connections[OPTIONAL].missing);
	answer_all(m);
}

static void om_runs(struct kern_msg *m)
{
	(void)m;
	assert_int_equal(domains[CONTROL].state, DOMAIN_RUNNING);
	assert_int_equal(connections[OPTIONAL].refusals, 0);
}

static void (*const missing_steps[])(struct kern_msg *m) = { answer_all, om_refused,
	om_refused_again, om_starts, om_runs, NULL };

static void a_client_that_was_started_without_its_channel(void)
{
	slow_machine();
	peer.open_rc[STORAGE] = -SK_E_NO_MEM;
	run(missing_steps);
}

static void oh_hangs(struct kern_msg *m)
{
	om_rests(1);
	peer.open_rc[STORAGE] = -SK_E_TIMEOUT;
	om_rest_over(m);
}

/* Its next life is asked at once. */
static void oh_starts(struct kern_msg *m)
{
	assert_int_equal(domains[STORAGE].life.end, DOMAIN_END_HANG);
	assert_int_equal(domains[CONTROL].state, DOMAIN_RUNNING);
	peer.open_rc[STORAGE] = 0;
	answer_all(m);
}

static void oh_opens(struct kern_msg *m)
{
	assert_int_equal(domains[CONTROL].life.end, DOMAIN_END_ASKED);
	answer_all(m);
}

static void (*const missing_hangs_steps[])(
	struct kern_msg *m) = { answer_all, oh_hangs, oh_starts, oh_opens, om_runs, NULL };

static void a_service_that_hangs_when_a_channel_is_missing(void)
{
	slow_machine();
	peer.open_rc[STORAGE] = -SK_E_NO_MEM;
	run(missing_hangs_steps);
}

int reopen_tests(void)
{
	const struct CMUnitTest tests[] = {
		KERN_CASE(a_service_that_refuses_once),
		KERN_CASE(a_service_that_refuses_often),
		KERN_CASE(a_service_that_refuses_and_ends),
		KERN_CASE(a_service_that_ends_when_asked_again),
		KERN_CASE(a_service_that_hangs_when_asked_again),
		KERN_CASE(a_service_that_refuses_and_is_given_up),
		KERN_CASE(a_client_that_ends_while_it_is_refused),
		KERN_CASE(a_service_is_not_asked_for_a_dead_client),
		KERN_CASE(a_service_that_is_closed_is_not_asked),
		KERN_CASE(a_service_that_refuses_each_start_of_a_client),
		KERN_CASE(a_service_that_refuses_the_first_start),
		KERN_CASE(a_client_that_was_started_without_its_channel),
		KERN_CASE(a_service_that_hangs_when_a_channel_is_missing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
