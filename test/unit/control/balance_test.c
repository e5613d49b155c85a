/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * balance_test.c - which CPUs guests get, which vCPU moves, and whose I/O thread runs first
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "guest/balance.h"

enum { SECOND = 1000, WARM = 10 /* seconds */ };

static size_t which;
static uint32_t to;

#define COUNT(...) \
	(sizeof((const struct balance_vcpu[]){ __VA_ARGS__ }) / sizeof(struct balance_vcpu))
#define PICK(n_cpus, ...) \
	pick((const struct balance_vcpu[]){ __VA_ARGS__ }, COUNT(__VA_ARGS__), n_cpus)

#define ANY UINT64_MAX
/* A vCPU that may run anywhere. */
#define ON(cpu, ran, waited) \
	{ \
		cpu, ran, waited, ANY, ANY \
	}

static bool pick(const struct balance_vcpu *v, size_t n, uint32_t n_cpus)
{
	return balance_pick(v, n, n_cpus, SECOND, &which, &to);
}

static void two_that_share_a_cpu(void **state)
{
	(void)state;
	assert_true(PICK(2, ON(1, 500, 500), ON(1, 500, 500)));
	assert_int_equal(to, 0);
	assert_true(PICK(4, ON(0, 300, 0), ON(1, 500, 500), ON(1, 500, 500), ON(2, 100, 0)));
	assert_int_equal(to, 3);
	assert_int_equal(which, 1);
}

static void equal_placement_stays(void **state)
{
	(void)state;
	assert_false(
		/* moving it would only make two of three */
		PICK(2, ON(0, 1000, 0), ON(1, 500, 500), ON(1, 500, 500)));
	/* what it waits for are the host's own domains */
	assert_false(PICK(2, ON(1, 700, 300)));
	/* they rarely want the CPU at the same time */
	assert_false(PICK(2, ON(1, 400, 10), ON(1, 400, 10)));
	assert_false(PICK(1, ON(0, 500, 500), ON(0, 500, 500)));
	assert_false(balance_pick(NULL, 0, 2, SECOND, &which, &to));
}

static void three_on_one_end_as_two_and_one(void **state)
{
	(void)state;
	assert_true(PICK(2, ON(0, 333, 667), ON(0, 333, 667), ON(0, 333, 667)));
	assert_int_equal(to, 1);
	assert_false(PICK(2, ON(1, 1000, 0), ON(0, 500, 500), ON(0, 500, 500)));
}

static void the_one_that_evens_out(void **state)
{
	(void)state;
	/* 1000 + 600 + 200 against 400: moving the 600 leaves 1200 and 1000 */
	assert_true(PICK(2, ON(0, 500, 500), ON(0, 300, 300), ON(0, 200, 0), ON(1, 400, 0)));
	assert_int_equal(which, 1);
	assert_int_equal(to, 1);
	/* a vCPU on another CPU does not relieve the busiest one */
	assert_true(PICK(3, ON(2, 1400, 0), ON(0, 333, 667), ON(0, 333, 667), ON(0, 333, 667)));
	assert_int_equal(which, 1);
	/* an idle vCPU is never worth a move */
	assert_false(PICK(2, ON(0, 600, 400), ON(0, 5, 5), ON(0, 5, 5)));
}

static void gain_has_to_be_worth_it(void **state)
{
	(void)state;
	/* 1000 + d against 1000 - d: the gain of moving d */
	assert_false(PICK(2, ON(0, 600, 400), ON(0, 120, 0), ON(1, 880, 0)));
	assert_true(PICK(2, ON(0, 600, 400), ON(0, 130, 0), ON(1, 500, 0)));
	assert_int_equal(which, 1);
}

static void pinned_ones_stay_on_their_cpus(void **state)
{
	(void)state;
	assert_false(PICK(2, { 0, 500, 500, 1, 1 }, { 0, 500, 500, 1, 1 }));
	/* the other one moves, and not to where the load is least */
	assert_true(PICK(3, { 0, 500, 500, 1, 1 }, { 0, 500, 500, 3, 3 }, { 1, 200, 0, 2, 2 }));
	assert_int_equal(which, 1);
	assert_int_equal(to, 1);
	/* those on the busiest CPU cannot move, so those on the next one do */
	assert_true(PICK(3, { 0, 333, 667, 1, 1 }, { 0, 333, 667, 1, 1 }, { 0, 333, 667, 1, 1 },
		{ 1, 500, 500, ANY, ANY }, { 1, 500, 500, ANY, ANY }));
	assert_int_equal(which, 3);
	assert_int_equal(to, 2);
}

static void soft_ones_prefer_their_cpus(void **state)
{
	(void)state;
	/* CPU 2 has less to do, and CPU 1 is preferred */
	assert_true(PICK(
		3, { 0, 500, 500, ANY, 3 }, { 0, 500, 500, 1, 1 }, { 1, 100, 0, ANY, ANY }));
	assert_int_equal(which, 0);
	assert_int_equal(to, 1);
	/* where it should be it waits too long */
	assert_true(PICK(2, { 0, 500, 500, ANY, 1 }, { 0, 500, 500, 1, 1 }));
	assert_int_equal(which, 0);
	assert_int_equal(to, 1);
	/* it goes back when there is room, although nobody waits */
	assert_true(PICK(2, { 1, 400, 0, ANY, 1 }, { 0, 475, 0, ANY, ANY }));
	assert_int_equal(which, 0);
	assert_int_equal(to, 0);
	assert_false(PICK(2, { 1, 400, 0, ANY, 1 }, { 0, 480, 0, ANY, ANY }));
	assert_false(PICK(2, { 0, 400, 0, ANY, 1 }, { 1, 10, 0, ANY, ANY }));
}

static void numbers_that_cannot_be(void **state)
{
	(void)state;
	assert_false(PICK(2, ON(7, 500, 500), ON(99999, 500, 500)));
	assert_false(balance_pick(
		(const struct balance_vcpu[]){ { 0, 0, 0, 3, 3 }, { 0, 0, 0, 3, 3 } }, 2, 2, 0,
		&which, &to));
	assert_false(PICK(100000, ON(99999, 500, 500), ON(99999, 500, 500)));
}

static void cpu_0_under_tcg_is_the_hosts(void **state)
{
	(void)state;
	assert_int_equal(balance_first_cpu("TCGTCGTCGTCG", 2), 1);
	assert_int_equal(balance_first_cpu("TCGTCGTCGTCG", 64), 1);
	assert_int_equal(balance_first_cpu("TCGTCGTCGTCG", 1), 0); /* there is no other CPU */
	assert_int_equal(balance_first_cpu("KVMKVMKVM\0\0\0", 2), 0);
	assert_int_equal(balance_first_cpu("TCGTCGTCGTCH", 2), 0);
	assert_int_equal(balance_first_cpu(NULL, 2), 0);
}

static void io_that_takes_what_others_want(void **state)
{
	(void)state;
	assert_true(balance_io_first(true, 1000, 0, SECOND)); /* no vCPU waits */
	assert_true(balance_io_first(true, 250, 1000, SECOND));
	assert_true(balance_io_first(true, 1000, 125, SECOND));
	assert_false(balance_io_first(true, 251, 126, SECOND));
}

static void io_that_shares_until_it_is_little(void **state)
{
	(void)state;
	assert_false(balance_io_first(
		/* otherwise its I/O would go first every other second */
		false, 125, 0, SECOND));
	assert_false(balance_io_first(false, 1000, 1000, SECOND));
	assert_true(balance_io_first(false, 124, 1000, SECOND));
}

/* ---- caps ---- */

#define USE(vcpus, io, served) \
	(&(struct balance_use){ .vcpus_us = (vcpus), .io_us = (io), .served_us = (served) })

/*
 * Runs a guest that uses all that it may: its vCPUs always, its I/O thread in `busy` of every
 * `of` seconds. Each configuration begins a new period, which gives one extra budget in that
 * second. Returns what all of its threads ran, in seconds of one CPU.
 */
static double lives(uint32_t percent, uint32_t n, uint32_t seconds, uint32_t busy, uint32_t of)
{
	struct balance_cap c;
	uint64_t vcpu, io, used, all = 0;
	bool again = false;

	balance_cap_init(&c, percent);
	for (uint32_t i = 0; i < seconds; i++) {
		vcpu = balance_cap_vcpu(&c, n);
		vcpu = n * (vcpu ? vcpu : BALANCE_PERIOD_US);
		if (again)
			vcpu += vcpu / 10;
		io = balance_cap_io(&c);
		io = i % of < busy ? io ? io : BALANCE_PERIOD_US : 0;
		used = vcpu + io;
		all += used;
		assert_true(used <= (uint64_t)percent * 1000 * 17 / 10 + 1000);
		again = balance_cap_update(
			&c, &(struct balance_use){ .vcpus_us = vcpu, .io_us = io });
	}
	return (double)all / BALANCE_PERIOD_US;
}

static void a_cap_binds_the_sum(void **state)
{
	static const uint32_t caps[] = { 5, 25, 50, 100, 150 };

	(void)state;
	for (size_t i = 0; i < sizeof(caps) / sizeof(caps[0]); i++) {
		double cap = caps[i] * 100 / 100.0; /* of 100 seconds */

		for (uint32_t n = 2; n <= 4; n += 2) {
			/*
			 * no I/O; I/O all the time; now and then; every other second; three
			 * seconds of four
			 */
			assert_in_range(
				(int)(1000 * lives(caps[i], n, 100, 0, 1) / cap), 970, 1030);
			assert_in_range(
				(int)(1000 * lives(caps[i], n, 100, 1, 1) / cap), 900, 1030);
			assert_in_range(
				(int)(1000 * lives(caps[i], n, 100, 1, 10) / cap), 900, 1030);
			assert_in_range(
				(int)(1000 * lives(caps[i], n, 100, 1, 2) / cap), 850, 1030);
			assert_in_range(
				(int)(1000 * lives(caps[i], n, 100, 3, 4) / cap), 850, 1030);
		}
	}
}

/*
 * Services work `times` as long as the vCPU runs, on the same CPU: what all of them use, in
 * thousandths of the cap.
 */
static uint64_t served_lives(uint32_t percent, uint32_t times, uint32_t seconds)
{
	struct balance_cap c;
	uint64_t vcpu, all = 0, most = BALANCE_PERIOD_US / (1 + times);
	bool again = false;

	balance_cap_init(&c, percent);
	/* what the first seconds cost beyond DEBT_MAX is forgotten */
	for (uint32_t i = 0; i < WARM + seconds; i++) {
		vcpu = balance_cap_vcpu(&c, 1);
		if (again)
			vcpu += vcpu / 10;
		vcpu = vcpu && vcpu < most ? vcpu : most;
		all += i < WARM ? 0 : vcpu * (1 + times);
		again = balance_cap_update(&c, USE(vcpu, 0, vcpu * times));
	}
	return all * 1000 / (percent * (BALANCE_PERIOD_US / 100) * seconds);
}

static void a_cap_binds_what_services_do(void **state)
{
	static const uint32_t caps[] = { 5, 10, 25, 50 };

	(void)state;
	for (size_t i = 0; i < sizeof(caps) / sizeof(caps[0]); i++)
		for (uint32_t times = 1; times <= 16; times *= 2)
			assert_in_range(served_lives(caps[i], times, 100), 950, 1050);
}

/* Frames that come in cost a little, and the guest sleeps: it may run when it wants to. */
static void little_work_of_services_stops_nobody(void **state)
{
	struct balance_cap c;

	(void)state;
	balance_cap_init(&c, 50);
	(void)balance_cap_update(&c, USE(0, 0, 50000 / 8));
	assert_int_equal(balance_cap_vcpu(&c, 1), 50000 - 50000 / 8);
	/* much, and nobody knows what for: it still runs a little */
	(void)balance_cap_update(&c, USE(0, 0, 40000));
	assert_int_equal(balance_cap_vcpu(&c, 1), 50000 / 64);
	(void)balance_cap_update(&c, USE(700, 0, 0));
	assert_int_equal(balance_cap_vcpu(&c, 1), 50000);
}

static void without_a_cap_nothing_is_bound(void **state)
{
	struct balance_cap c;

	(void)state;
	balance_cap_init(&c, 0);
	assert_int_equal(balance_cap_vcpu(&c, 3), 0);
	assert_int_equal(balance_cap_io(&c), 0);
	assert_false(balance_cap_update(&c, USE(700000, 100000, 100000)));
	assert_int_equal(balance_cap_vcpu(&c, 3), 0);
}

/* A guest that overran its old cap starts with all of the new one; a limit by others stays. */
static void another_cap_holds_at_once(void **state)
{
	struct balance_cap c;

	(void)state;
	balance_cap_init(&c, 50);
	for (int i = 0; i < 5; i++)
		(void)balance_cap_update(&c, USE(90000, 0, 0));
	assert_true(balance_cap_vcpu(&c, 1) < 10000);
	balance_cap_set(&c, 80);
	assert_int_equal(balance_cap_vcpu(&c, 2), 40000);
	assert_int_equal(balance_cap_io(&c), 40000);
	assert_false(balance_cap_update(&c, USE(80000, 0, 0)));
	balance_cap_press(&c, USE(20000, 0, 60000), 30000);
	balance_cap_set(&c, 0);
	assert_true(balance_cap_vcpu(&c, 1) > 0 && balance_cap_vcpu(&c, 1) < 50000);
}

static void caps_that_say_little(void **state)
{
	struct balance_cap c;

	(void)state;
	balance_cap_init(&c, 6400); /* more than all CPUs */
	assert_int_equal(balance_cap_vcpu(&c, 8), 0);
	assert_int_equal(balance_cap_io(&c), 0);
	balance_cap_init(&c, 1); /* the kernel refuses a budget of 0 */
	for (int i = 0; i < 20; i++)
		(void)balance_cap_update(&c, USE(BALANCE_PERIOD_US * 64ull, BALANCE_PERIOD_US,
						     BALANCE_PERIOD_US * 4));
	assert_true(balance_cap_vcpu(&c, 8) >= 1 && balance_cap_io(&c) >= 1);
	for (int i = 0; i < 20; i++)
		(void)balance_cap_update(&c, USE(0, 0, 0));
	assert_int_equal(balance_cap_vcpu(&c, 1), 1000); /* any debt is paid at some point */
	assert_false(balance_cap_update(&c, USE(0, 0, 0)));
	/* a new configuration costs a budget, so it is not worth it for a 64th of the cap */
	balance_cap_init(&c, 50);
	assert_false(balance_cap_update(&c, USE(50000 + 50000 / 64, 0, 0)));
	assert_int_equal(balance_cap_vcpu(&c, 1), 50000);
	assert_true(balance_cap_update(&c, USE(50000 + 50000 / 16, 0, 0)));
}

/* ---- the host's CPU ---- */

static void shares_are_by_weight(void **state)
{
	struct balance_claim c[] = { { .weight = 256, .want = SECOND },
		{ .weight = 256, .want = SECOND }, { .weight = 512, .want = SECOND } };

	(void)state;
	balance_claims(c, 3, SECOND);
	assert_true(c[0].share == 250 && c[1].share == 250 && c[2].share == 500);
	/*
	 * who wants less leaves it to the others, by weight, and this can make one of these
	 * content
	 */
	c[2].want = 100;
	c[1].want = 440;
	balance_claims(c, 3, SECOND);
	assert_true(c[2].content && c[1].content && !c[0].content);
	assert_int_equal(c[0].share, SECOND - 100 - 440);
	assert_true(c[1].share >= 440);
	/* nobody wants all of it, or anything */
	c[0].want = 460;
	balance_claims(c, 3, SECOND);
	assert_true(c[0].content && c[0].share >= 460);
	c[0].want = c[1].want = c[2].want = 0;
	balance_claims(c, 3, SECOND);
	balance_claims(c, 3, 0);
	balance_claims(c, 0, SECOND);
}

/*
 * Services work `times` as long as the vCPU runs, on another CPU, where a guest of the same
 * weight wants the rest. For how long, in thousandths of that CPU?
 */
static uint64_t pressed_lives(struct balance_cap *c, uint32_t times, uint32_t seconds)
{
	uint64_t all = 0;

	for (uint32_t i = 0; i < seconds; i++) {
		uint64_t vcpu = balance_cap_vcpu(c, 1), served;
		struct balance_claim on_it[2] = { { .weight = 256, .want = BALANCE_PERIOD_US },
			{ .weight = 256 } };

		vcpu = vcpu ? vcpu : BALANCE_PERIOD_US;
		served = vcpu * times < BALANCE_PERIOD_US ? vcpu * times : BALANCE_PERIOD_US;
		all += served;
		on_it[1].want = served;
		balance_claims(on_it, 2, BALANCE_PERIOD_US);
		balance_cap_press(c, USE(served / times, 0, served), on_it[1].share);
		(void)balance_cap_update(c, USE(served / times, 0, served));
	}
	return all * 1000 / BALANCE_PERIOD_US / seconds;
}

static void who_takes_the_hosts_cpu_is_limited(void **state)
{
	struct balance_cap c;

	(void)state;
	for (uint32_t times = 1; times <= 8; times *= 2) {
		balance_cap_init(&c, 0);
		assert_in_range(pressed_lives(&c, times, 1), 1000, 1000);
		assert_in_range(pressed_lives(&c, times, 20), 480, 600);
	}
	/* now nobody else wants it */
	for (int i = 0; i < 3; i++)
		balance_cap_press(&c, USE(6250, 0, 50000), UINT64_MAX);
	assert_int_equal(c.total_us, 0);
	assert_true(balance_cap_update(&c, USE(6250, 0, 50000)));
	assert_int_equal(balance_cap_vcpu(&c, 1), 0);
	assert_false(balance_cap_update(&c, USE(6250, 0, 50000)));
}

static void who_does_other_things_meanwhile_is_not(void **state)
{
	struct balance_cap c;

	(void)state;
	balance_cap_init(&c, 0);
	balance_cap_press(&c, USE(50000, 0, 50000), 10000);
	assert_int_equal(c.total_us, 20000); /* a fifth of what it used */
	balance_cap_press(&c, USE(20000, 0, 0), 10000);
	assert_int_equal(c.total_us, 25000);
	balance_cap_press(&c, USE(10000, 0, 0), 10000);
	assert_int_equal(c.total_us, 0); /* it would not bind */
	/* one eighth more than the share is no reason */
	balance_cap_press(&c, USE(50000, 0, 11400), 10000);
	assert_int_equal(c.total_us, 0);
	/* it is never stopped */
	balance_cap_press(&c, USE(100, 0, 90000), 1);
	assert_int_equal(c.total_us, 1000);
	(void)balance_cap_update(&c, USE(100, 0, 90000));
	assert_true(balance_cap_vcpu(&c, 1) >= 1);
}

static void a_cap_stays_when_the_limit_goes(void **state)
{
	struct balance_cap c;

	(void)state;
	balance_cap_init(&c, 50);
	balance_cap_press(&c, USE(40000, 0, 50000), 25000);
	assert_int_equal(c.total_us, 45000);
	balance_cap_press(&c, USE(40000, 0, 50000), 40000);
	assert_int_equal(c.total_us, 50000); /* the limit is above the cap */
	balance_cap_press(&c, USE(10, 0, 0), UINT64_MAX);
	assert_int_equal(c.pressed_us, 0);
	assert_int_equal(c.total_us, 50000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_that_share_a_cpu),
		cmocka_unit_test(equal_placement_stays),
		cmocka_unit_test(three_on_one_end_as_two_and_one),
		cmocka_unit_test(the_one_that_evens_out),
		cmocka_unit_test(gain_has_to_be_worth_it),
		cmocka_unit_test(pinned_ones_stay_on_their_cpus),
		cmocka_unit_test(soft_ones_prefer_their_cpus),
		cmocka_unit_test(numbers_that_cannot_be),
		cmocka_unit_test(cpu_0_under_tcg_is_the_hosts),
		cmocka_unit_test(io_that_takes_what_others_want),
		cmocka_unit_test(io_that_shares_until_it_is_little),
		cmocka_unit_test(a_cap_binds_the_sum),
		cmocka_unit_test(a_cap_binds_what_services_do),
		cmocka_unit_test(little_work_of_services_stops_nobody),
		cmocka_unit_test(without_a_cap_nothing_is_bound),
		cmocka_unit_test(another_cap_holds_at_once),
		cmocka_unit_test(caps_that_say_little),
		cmocka_unit_test(shares_are_by_weight),
		cmocka_unit_test(who_takes_the_hosts_cpu_is_limited),
		cmocka_unit_test(who_does_other_things_meanwhile_is_not),
		cmocka_unit_test(a_cap_stays_when_the_limit_goes),
	};

	return cmocka_run_group_tests_name("control balance", tests, NULL, NULL);
}
