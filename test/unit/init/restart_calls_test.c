/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * restart_calls_test.c - services that do not answer a call of init, or end in it
 */
#define _GNU_SOURCE
#include "restart.h"

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

static unsigned int n_resets;

/* SUP1: storage has ended, and the device may still write to its region. */
static void region_is_kept(void)
{
	assert_true(connections[3].memory && connections[3].data_memory);
	n_resets++;
}

static void e_close(struct kern_msg *m)
{
	remember();
	disk_dies_at(SVC_CLOSE);
	peer.at_reset = region_is_kept;
	fault(m, STORAGE);
}

/* Only disk's own end: nothing waits for an answer, and storage waits for disk. */
static void e_disk_starts(struct kern_msg *m)
{
	ASKED({ CONSOLE, SVC_CLOSE }, { DISK, SVC_CLOSE }, DISK_ENDS, DISK_STARTS);
	assert_int_equal(n_resets, 1);
	peer.at_reset = NULL;
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

int call_tests(void)
{
	const struct CMUnitTest tests[] = {
		KERN_CASE(a_service_that_does_not_let_go),
		KERN_CASE(a_service_that_ends_in_an_open),
		KERN_CASE(services_that_end_in_calls),
		KERN_CASE(a_service_that_ends_at_boot),
		KERN_CASE(a_console_that_ends_at_boot),
		KERN_CASE(an_optional_service_that_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
