/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * calls_test.c - domains call init, and the machine is switched off
 */
#define _GNU_SOURCE
#include "machine.h"

/* ---- calls of domains ---- */
static unsigned int used_before;

static void c_service(struct kern_msg *m)
{
	used_before = kern_used(kern.cnode);
	ask_service(m, CONTROL, "storage");
}

static void c_service_of_another(struct kern_msg *m)
{
	assert_int_equal(status(), 0);
	assert_int_equal(reply.n_caps, 1);
	assert_ptr_equal(reply.cap[0].obj, own(domains[STORAGE].service));
	assert_int_equal(reply.cap[0].rights, SK_W | SK_GRANT);
	assert_int_equal(reply.cap[0].badge, SVC_BADGE_CONTROL);
	assert_int_equal(kern_used(kern.cnode), used_before); /* init keeps no copy */
	ask_service(m, CONTROL, "disk");
}

static void c_service_by_another(struct kern_msg *m)
{
	assert_int_equal(status(), -SK_E_DENIED);
	assert_int_equal(reply.n_caps, 0);
	ask_service(m, DISK, "storage");
}

static void c_service_unknown(struct kern_msg *m)
{
	assert_int_equal(status(), -SK_E_DENIED);
	ask_service(m, CONTROL, "storag");
}

static void c_image(struct kern_msg *m)
{
	assert_int_equal(status(), -SK_E_NOT_FOUND);
	ask(m, CONTROL, INIT_IMAGE);
}

static void c_image_beyond(struct kern_msg *m)
{
	assert_int_equal(status(), 0);
	assert_int_equal(reply.n, INIT_SEGMENT_WORD + 5 * reply.mr[7]);
	assert_int_equal(reply.mr[1], 1);
	assert_int_equal(reply.mr[2], 17);
	assert_int_equal(reply.mr[4], 0x1800);
	assert_int_equal(reply.mr[5], 0x1800);
	assert_memory_equal(kern.phys + reply.cap[0].obj->paddr + reply.mr[3], "\177ELF", 4);
	assert_int_equal(reply.cap[0].rights, SK_R | SK_EXEC | SK_GRANT);
	ask(m, CONTROL, INIT_IMAGE);
	m->mr[0] = 1;
}

static void c_image_by_another(struct kern_msg *m)
{
	assert_int_equal(status(), -SK_E_RANGE);
	ask(m, STORAGE, INIT_IMAGE);
}

static void c_wallclock(struct kern_msg *m)
{
	assert_int_equal(status(), -SK_E_DENIED);
	assert_int_equal(reply.n_caps, 0);
	ask(m, UART, INIT_WALLCLOCK);
}

static void c_stats(struct kern_msg *m)
{
	assert_int_equal(status(), 0);
	assert_int_equal(reply.mr[1], 5555);
	ask(m, CONTROL, INIT_DOMAIN_STATS);
	m->mr[0] = 1 + STORAGE;
	m->mr[1] = 1;
	m->n = 2;
}

static void c_stats_of_init(struct kern_msg *m)
{
	assert_int_equal(status(), 0);
	assert_int_equal(reply.mr[1], domains[STORAGE].charged);
	assert_int_equal(reply.mr[2], 1000 + 10 + STORAGE);
	assert_string_equal((char *)&reply.mr[3], "storage");
	assert_int_equal(reply.mr[8], 408 | 13ull << 32);
	assert_int_equal(reply.mr[9], 1 | 11ull << 32);
	assert_int_equal(reply.n, 13);
	assert_int_equal(reply.mr[10], DOMAIN_RUNNING);
	assert_int_equal(reply.mr[11], 0);
	ask(m, CONTROL, INIT_DOMAIN_STATS);
}

static void c_stats_beyond(struct kern_msg *m)
{
	assert_string_equal((char *)&reply.mr[3], "init");
	assert_int_equal(reply.mr[8] | reply.mr[9], 0);
	ask(m, CONTROL, INIT_DOMAIN_STATS);
	m->mr[0] = DOMAINS + 1;
}

static void c_stats_by_another(struct kern_msg *m)
{
	assert_int_equal(status(), -SK_E_NOT_FOUND);
	ask(m, DISK, INIT_DOMAIN_STATS);
}

static void ask_caps(struct kern_msg *m, unsigned int from, const char *name, uint64_t at)
{
	ask(m, from, INIT_CAPS);
	memset(m->mr, 0, 32);
	strcpy((char *)m->mr, name);
	m->mr[4] = at;
	m->n = 5;
}

static void c_caps_by_another(struct kern_msg *m)
{
	assert_int_equal(status(), -SK_E_DENIED);
	assert_int_equal(reply.n, 1);
	ask_caps(m, STORAGE, "disk", 0);
}

static void c_caps_of_nobody(struct kern_msg *m)
{
	assert_int_equal(status(), -SK_E_DENIED);
	assert_int_equal(reply.n, 1);
	ask_caps(m, CONTROL, "init", 0);
}

static void c_caps_of_a_domain_without_slots(struct kern_msg *m)
{
	assert_int_equal(status(), -SK_E_NOT_FOUND);
	ask_caps(m, CONTROL, "nic", 0);
}

static void c_caps(struct kern_msg *m)
{
	assert_int_equal(status(), -SK_E_STATE);
	ask_caps(m, CONTROL, "storage", 0);
}

static const struct init_cap *cap_of_reply(unsigned int i)
{
	return (const struct init_cap *)&reply.mr[3] + i;
}

static void c_caps_further(struct kern_msg *m)
{
	assert_int_equal(status(), 0);
	assert_int_equal(reply.mr[2], INIT_CAPS_MAX);
	assert_int_equal(reply.n, 3 + INIT_CAPS_MAX * sizeof(struct init_cap) / 8);
	assert_int_equal(cap_of_reply(0)->slot, SK_CAP_CNODE);
	assert_string_equal(cap_of_reply(0)->what, "its slots");
	assert_int_equal(reply.mr[1], cap_of_reply(INIT_CAPS_MAX - 1)->slot + 1);
	ask_caps(m, CONTROL, "storage", reply.mr[1]);
}

static void c_caps_at_the_end(struct kern_msg *m)
{
	assert_int_equal(status(), 0);
	assert_int_equal(cap_of_reply(0)->slot, DOMAIN_CAP_REPLY);
	assert_int_equal(cap_of_reply(1)->slot, DOMAIN_CAP_CHANNEL);
	assert_string_equal(cap_of_reply(1)->what, "signal to console");
	ask_caps(m, CONTROL, "storage", UINT64_MAX);
}

static void c_no_such_call(struct kern_msg *m)
{
	assert_int_equal(status(), 0);
	assert_int_equal(reply.mr[1] | reply.mr[2], 0);
	assert_int_equal(reply.n, 3);
	ask(m, CONTROL, INIT_CALL_END);
}

static void c_call_zero(struct kern_msg *m)
{
	assert_int_equal(status(), -SK_E_NO_SYS);
	ask(m, CONTROL, 0);
}

static void c_nobody(struct kern_msg *m)
{
	assert_int_equal(status(), -SK_E_NO_SYS);
	n_replies = 0;
	m->badge = 0;
	m->label = INIT_POWER;
}

static void c_beyond_everybody(struct kern_msg *m)
{
	m->badge = DOMAINS + 1;
	m->label = INIT_POWER;
}

static void c_restart_by_another(struct kern_msg *m)
{
	assert_int_equal(n_replies, 0);
	ask(m, STORAGE, INIT_RESTART);
	strcpy((char *)m->mr, "disk");
	m->n = 5;
}

static void c_power_by_another(struct kern_msg *m)
{
	assert_int_equal(status(), -SK_E_DENIED);
	assert_int_equal(domains[DISK].state, DOMAIN_RUNNING);
	ask(m, STORAGE, INIT_POWER);
}

static void c_power(struct kern_msg *m)
{
	assert_int_equal(status(), -SK_E_DENIED);
	assert_int_equal(peer.powers, 0);
	assert_int_equal(peer.closes[STORAGE], 0);
	ask(m, CONTROL, INIT_POWER);
}

static void c_reboot(struct kern_msg *m)
{
	assert_int_equal(status(), -SK_E_IO);
	assert_int_equal(peer.powers, 1);
	assert_int_equal(peer.power_arg, 0);
	/* closed, so what control wrote is on the medium */
	assert_int_equal(peer.closes[STORAGE], 1);
	assert_int_equal(peer.closes[DISK], 0);
	ask(m, CONTROL, INIT_POWER);
	m->mr[0] = 1;
}

static void c_end(struct kern_msg *m)
{
	(void)m;
	assert_int_equal(peer.powers, 2);
	assert_int_equal(peer.power_arg, 1);
	assert_int_equal(peer.closes[STORAGE], 1);
}

static void (*const call_steps[])(struct kern_msg *m) = { c_service, c_service_of_another,
	c_service_by_another, c_service_unknown, c_image, c_image_beyond, c_image_by_another,
	c_wallclock, c_stats, c_stats_of_init, c_stats_beyond, c_stats_by_another,
	c_caps_by_another, c_caps_of_nobody, c_caps_of_a_domain_without_slots, c_caps,
	c_caps_further, c_caps_at_the_end, c_no_such_call, c_call_zero, c_nobody,
	c_beyond_everybody, c_restart_by_another, c_power_by_another, c_power, c_reboot, c_end,
	NULL };

static void calls_of_domains(void)
{
	machine();
	run(call_steps);
}

/* ---- no wall clock ---- */
static void time_is_asked_for(struct kern_msg *m)
{
	assert_int_equal(info_of(STORAGE)->wall_boot_ns, 0);
	ask(m, UART, INIT_WALLCLOCK);
}

static void time_is_not_known(struct kern_msg *m)
{
	(void)m;
	assert_int_equal(status(), -SK_E_NOT_FOUND);
	assert_int_equal(reply.n, 1); /* the answer has no further words */
}

static void (*const no_clock_steps[])(
	struct kern_msg *m) = { time_is_asked_for, time_is_not_known, NULL };

static void no_wall_clock(void)
{
	machine();
	peer.clock_rc = -SK_E_NOT_FOUND;
	run(no_clock_steps);
}

/* ---- last messages of services ---- */
static char *said;
static size_t said_size;

static void power_off(struct kern_msg *m)
{
	fflush(stdout);
	stdout = open_memstream(&said, &said_size);
	ask(m, CONTROL, INIT_POWER);
}

static void said_both(struct kern_msg *m)
{
	(void)m;
	fflush(stdout);
	/* the close was repeated, to give storage more time */
	assert_int_equal(peer.closes[STORAGE], 2);
	assert_non_null(strstr(said, "storage has not closed its connection with control"));
	assert_non_null(strstr(said, "storage could not write all for control"));
}

static void (*const power_steps[])(struct kern_msg *m) = { power_off, said_both, NULL };

static void data_that_may_be_lost(void)
{
	machine();
	peer.slow_closes = 1;
	peer.close_result = -SK_E_IO;
	run(power_steps);
}

int calls_tests(void)
{
	const struct CMUnitTest tests[] = {
		KERN_CASE(calls_of_domains),
		KERN_CASE(no_wall_clock),
		KERN_CASE(data_that_may_be_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
