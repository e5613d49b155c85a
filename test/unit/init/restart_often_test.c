/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * restart_often_test.c - domains that end often, and those that are given up
 */
#define _GNU_SOURCE
#include "restart.h"

/* ---- given up ---- */
static void g_fault(struct kern_msg *m)
{
	now_seen();
	remember();
	peer.reset_rc = -SK_E_NO_SYS;
	own(domains[STORAGE].ntfn)->word = 0;
	fault(m, DISK);
}

/* The fault may be platform's, so its next life tries the same. */
static void g_platform_starts(struct kern_msg *m)
{
	ASKED({ PLATFORM, PLATFORM_QUIESCE }, { PLATFORM, PLATFORM_RESET });
	assert_int_equal(domains[PLATFORM].life.end, DOMAIN_END_REFUSES);
	assert_true(restarting(PLATFORM, PHASE_OPENING));
	assert_true(restarting(DISK, PHASE_ENDING));
	answer_all(m);
}

static void g_disk_stays_away(struct kern_msg *m)
{
	ASKED({ PLATFORM, PLATFORM_RESET });
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

static void (*const given_up_steps[])(struct kern_msg *m) = { g_fault, g_platform_starts,
	g_disk_stays_away, g_storage_ends, g_storage_waits, NULL };

static void a_device_without_a_reset(void)
{
	machine();
	kern_info()->tsc_hz = 1000000000000; /* the second attempt does not come */
	run(given_up_steps);
}

/* The next platform resets the device, so disk goes on. */
static void r_works(struct kern_msg *m)
{
	assert_true(restarting(DISK, PHASE_ENDING));
	peer.reset_rc = 0;
	answer_all(m);
}

static void r_disk_starts(struct kern_msg *m)
{
	(void)m;
	assert_true(restarting(DISK, PHASE_OPENING));
	assert_int_equal(domains[DISK].life.resets_lost, 0);
}

static void (*const reset_again_steps[])(
	struct kern_msg *m) = { g_fault, r_works, r_disk_starts, NULL };

static void a_platform_that_cannot_reset(void)
{
	machine();
	kern_info()->tsc_hz = 1000000000000;
	run(reset_again_steps);
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

int often_tests(void)
{
	const struct CMUnitTest tests[] = {
		KERN_CASE(a_device_without_a_reset),
		KERN_CASE(a_platform_that_cannot_reset),
		KERN_CASE(a_domain_that_ends_too_often),
		KERN_CASE(a_domain_that_recovers_each_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
