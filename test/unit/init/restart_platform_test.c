/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * restart_platform_test.c - platform ends, while nobody needs it and in each of its calls
 */
#define _GNU_SOURCE
#include "restart.h"

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

/* A device whose reset ends platform each time is given up. */
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

int platform_tests(void)
{
	const struct CMUnitTest tests[] = {
		KERN_CASE(platform_ends),
		KERN_CASE(platform_ends_in_a_claim),
		KERN_CASE(platform_ends_when_it_gives_a_bar),
		KERN_CASE(platform_ends_at_power_off),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
