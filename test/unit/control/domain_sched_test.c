/* SPDX-License-Identifier: BSD-2-Clause */
/* domain_sched_test.c - the control domain: how guests share the CPUs, and where they run */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "domain_cases.h"
#include "fake_parts.h"
#include "sys/sk.h"

/* ---- sched-credit2 ---- */

#define CREDIT2_HEAD "Name                                ID Weight  Cap\r\n"

static const char *credit2_row(uint32_t domid, const char *numbers)
{
	static char row[80];

	snprintf(row, sizeof(row), "a%32s %4u %s\r\n", "", domid, numbers);
	return row;
}

void shares_are_listed(void **state)
{
	uint32_t domid = guest_created("create /guests/a.cfg cpu_weight=512 cap=50\r", "a");
	const char *row = credit2_row(domid, "   512   50");

	(void)state;
	type("sched-credit2\r");
	assert_true(screen_has("Cpupool Pool-0: ratelimit=0us\r\n" CREDIT2_HEAD));
	assert_true(screen_has(row));
	type("xl sched-credit2 --domain=a\r");
	assert_true(screen_has(CREDIT2_HEAD) && screen_has(row) && !screen_has("Cpupool"));
	type("sched-credit2 -p Pool-0\r");
	assert_true(screen_has(row));
	type("sched-credit2 -s; echo $?\r");
	assert_true(screen_has("ratelimit=0us\r\n0\r\n") && !screen_has("Weight"));
	type("sched-credit2 -s --json\r");
	assert_true(screen_has("\"name\": \"Pool-0\"") && screen_has("\"ratelimit_us\": 0"));
	type("sched-credit2 --json\r");
	assert_true(screen_has("\"name\": \"a\"") && screen_has("\"weight\": 512") &&
		    screen_has("\"cap\": 50") && !screen_has("Pool-0"));
	guest_destroyed("a");
	world_at_rest();
}

void shares_that_cannot_be(void **state)
{
	static const struct {
		const char *words, *answer;
	} list[] = {
		{ "-d a -w 0", "valid values are within range from 1 to 65535" },
		{ "-d a -w 65536", "valid values are within range from 1 to 65535" },
		{ "-d a -w 1 -c 201", "valid range is from 0 to 200" },
		{ "-d a -w 1x", "'1x' is not a weight" },
		{ "-d a -c -1", "'-1' is not a cap" },
		{ "-d a -w 4294967297", "is not a weight" },
		{ "-w 5", "Must specify a domain." },
		{ "-p Pool-0 -d a", "Specifying a cpupool is not allowed with other options." },
		{ "-p other", "unknown cpupool 'other'" },
		{ "-s -p other", "unknown cpupool 'other'" },
		{ "-d b", "b is an invalid domain identifier" },
		{ "-d Domain-0 -w 5", "Domain-0 is the host itself" },
	};
	uint32_t domid = guest_created("create /guests/a.cfg cpu_weight=512\r", "a");
	char line[80];

	(void)state;
	for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
		snprintf(line, sizeof(line), "sched-credit2 %s; echo $?\r", list[i].words);
		type(line);
		assert_true(screen_has(list[i].answer) && screen_has("\r\n1\r\n"));
	}
	type("sched-credit2 -s -r 1000; echo $?\r");
	assert_true(screen_has("no rate to limit") && screen_has("\r\n2\r\n"));
	assert_int_equal(domtab_get(&guests, domid)->config->weight, 512);
	assert_int_equal(world.moves, 0);
	guest_destroyed("a");
	world_at_rest();
}

/* Both vCPUs and the I/O thread are configured anew, and a reboot keeps it. */
void shares_change_at_once(void **state)
{
	uint32_t domid = guest_created("create /guests/a.cfg cap=100\r", "a");

	(void)state;
	timers_expire(); /* from now on the I/O thread is capped, too */
	world.moves = 0;
	type("sched-credit2 -d a -w 2048; sched-credit2 -d a\r");
	assert_true(screen_has("2048  100\r\n"));
	world.moves = 0;
	type("sched-credit2 -d a -w 1024 -c 40; echo $?\r");
	assert_true(screen_has("\r\n0\r\n"));
	assert_int_equal(world.moves, 2);
	assert_int_equal(world.moved.weight, 512);
	assert_int_equal(world.moved.budget_us, 20000);
	assert_int_equal(world.io.weight, 1024);
	assert_int_equal(world.io.budget_us, 20000);
	type("sched-credit2 -d a --cap 0\r");
	assert_int_equal(world.moves, 4);
	assert_int_equal(world.moved.period_us, 0);
	assert_int_equal(world.io.period_us, 0);
	assert_int_equal(world.moved.weight, 512);
	vmm_says(domid, VMCTL_SHUTDOWN, REASON_REBOOT, NULL, 0);
	guest_ends(domid);
	type("sched-credit2\r");
	assert_true(screen_has("1024    0\r\n"));
	assert_int_equal(domid_of("a"), domid + 1);
	vmm_says(domid + 1, VMCTL_READY, 0, NULL, 0);
	guest_destroyed("a");
	timers_expire();
	world.moves = 0;
	world_at_rest();
}

/* Two vCPUs of four share weight and cap, and the others as soon as they run. */
void vcpus_that_run_share(void **state)
{
	uint32_t domid = guest_created("create /guests/a.cfg maxvcpus=4 cpu_weight=512\r", "a");

	(void)state;
	timers_expire(); /* the life before the first balance */
	type("sched-credit2 -d a -c 80\r");
	assert_true(world.moved.weight == 256 && world.moved.budget_us == 40000);
	world.later_ns += 1000000000;
	world.ran_ns += 100000000; /* each of the four */
	timers_expire();
	assert_true(world.moved.weight == 128 && world.moved.budget_us == 20000);
	world.later_ns += 1000000000;
	timers_expire();
	assert_true(world.moved.weight == 256 && world.moved.budget_us == 40000);
	type("vcpu-set a 1\r");
	assert_true(world.moved.weight == 512 && world.moved.budget_us == 80000);
	assert_int_equal(domtab_get(&guests, domid)->config->vcpus, 1);
	guest_destroyed("a");
	timers_expire();
	world.later_ns = world.ran_ns = 0;
	world.moves = 0;
	world_at_rest();
}

/* ---- cpus=, vcpu-pin ---- */

static uint32_t cpu_of(uint32_t domid, uint32_t i)
{
	uint64_t ran, waited;
	uint32_t cpu;

	assert_int_equal(sk_sched_stats(guest_of(domtab_get(&guests, domid))->sched[i], &ran,
				 &waited, &cpu),
		0);
	return cpu;
}

static const uint64_t *cpus_of(uint32_t domid)
{
	return domtab_get(&guests, domid)->config->cpus;
}

/* The host has two CPUs. */
void vcpus_start_where_they_should(void **state)
{
	uint32_t domid = guest_created(
		"create /guests/a.cfg vcpus=2 'cpus=[\"0\",\"1\"]'\r", "a");

	(void)state;
	assert_int_equal(cpu_of(domid, 0), 0);
	assert_int_equal(cpu_of(domid, 1), 1);
	guest_destroyed("a");
	domid = guest_created("create /guests/a.cfg cpus=0 vcpus=2\r", "a");
	assert_true(cpu_of(domid, 0) == 0 && cpu_of(domid, 1) == 0);
	/* two that wait for each other may not part */
	world.moves = 0;
	timers_expire();
	world.later_ns += 1000000000;
	world.ran_ns = world.waited_ns = 500000000;
	timers_expire();
	assert_int_equal(world.moves, 0);
	guest_destroyed("a");
	world.later_ns = world.ran_ns = world.waited_ns = 0;
	domid = guest_created("create /guests/a.cfg cpus_soft=1 vcpus=2\r", "a");
	assert_true(cpu_of(domid, 0) == 1 && cpu_of(domid, 1) == 1);
	guest_destroyed("a");
	type("create /guests/a.cfg cpus=2; echo $?\r");
	assert_true(
		screen_has("key 'cpus': '2' names no CPU of this host, which has 2: 0 to 1") &&
		screen_has("\r\n1\r\n"));
	world_at_rest();
}

void vcpus_are_pinned(void **state)
{
	uint32_t domid = guest_created("create /guests/a.cfg maxvcpus=3\r", "a");

	(void)state;
	type("vcpu-pin a all 0; echo $?\r");
	assert_true(screen_has("\r\n0\r\n"));
	assert_true(!cpu_of(domid, 0) && !cpu_of(domid, 1) && !cpu_of(domid, 2));
	type("vcpu-pin --force a 1 1 all\r");
	assert_true(!cpu_of(domid, 0) && cpu_of(domid, 1) == 1);
	assert_true(cpus_of(domid)[0] == 1 && cpus_of(domid)[1] == 2 && cpus_of(domid)[2] == 1);
	world.moves = 0;
	type("vcpu-pin a 1 - 0\r"); /* a soft set does not widen the hard one */
	assert_int_equal(cpus_of(domid)[1], 2);
	assert_true(cpu_of(domid, 1) == 1 && world.moves == 0);
	type("vcpu-list a\r");
	timers_expire();
	assert_true(screen_has("3.0  0 / all\r\n") && screen_has("3.0  1 / 0\r\n"));
	world.moves = 0;
	type("vcpu-pin a 1 0-1 -\r"); /* now it can be where it should */
	assert_int_equal(cpu_of(domid, 1), 0);
	assert_int_equal(world.moves, 1);
	vmm_says(domid, VMCTL_SHUTDOWN, REASON_REBOOT, NULL, 0);
	guest_ends(domid);
	assert_true(cpus_of(domid + 1)[0] == 1 && cpus_of(domid + 1)[1] == 3);
	vmm_says(domid + 1, VMCTL_READY, 0, NULL, 0);
	guest_destroyed("a");
	world.moves = 0;
	world_at_rest();
}

void vcpus_that_cannot_be_pinned(void **state)
{
	static const struct {
		const char *words, *answer;
	} list[] = {
		{ "a 0 2", "vcpu hard affinity map is empty" },
		{ "a 0 x", "'x' is not a range of CPUs" },
		{ "a 0 - 1-", "'1-' is not a range of CPUs" },
		{ "a 2 0", "has no vCPU 2" },
		{ "a -- -1 0", "Error: Invalid argument -1 as VCPU." },
		{ "a 1x 0", "Error: Invalid argument 1x as VCPU." },
		{ "-f a all 0", "Error: --force and 'all' as VCPU not allowed." },
		{ "a 0 - -", "there is nothing to set" },
		{ "Domain-0 0 0", "Domain-0 is the host itself" },
	};
	uint32_t domid = guest_created("create /guests/a.cfg\r", "a");
	char line[80];

	(void)state;
	for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
		snprintf(line, sizeof(line), "vcpu-pin %s; echo $?\r", list[i].words);
		type(line);
		assert_true(screen_has(list[i].answer) && screen_has("\r\n1\r\n"));
	}
	type("xl -N vcpu-pin a 0 0 all\r");
	assert_true(screen_has("cpumap: 0 all\r\n"));
	type("xl -N vcpu-pin a 0 - 1\r");
	assert_true(screen_has("cpumap: - 1\r\n"));
	assert_true(!cpus_of(domid)[0] && !cpus_of(domid)[1] && world.moves == 0);
	guest_destroyed("a");
	world_at_rest();
}

/* ---- cpupool-list ---- */

void the_pool_is_listed(void **state)
{
	(void)state;
	(void)guest_created("create /guests/a.cfg\r", "a");
	type("cpupool-list\r");
	assert_true(screen_has("Pool-0               2   credit2       y          2\r\n"));
	type("cpupool-list --cpus Pool-0; echo $?\r");
	assert_true(screen_has("CPU list\r\nPool-0             0,1\r\n0\r\n"));
	type("cpupool-list -c --json\r");
	assert_true(screen_has("\"name\": \"Pool-0\"") && screen_has("\"cpus\": ") &&
		    screen_has("\"scheduler\": \"credit2\""));
	type("cpupool-list other; echo $?\r");
	assert_true(screen_has("Pool 'other' does not exist\r\n1\r\n"));
	type("list -c a\r");
	timers_expire();
	assert_true(screen_has("Cpupool\r\n") && screen_has("          Pool-0\r\n"));
	type("list a\r");
	timers_expire();
	assert_false(screen_has("pool"));
	type("cpupool-create p; sched-rtds\r");
	assert_true(screen_has(
		"cpupool-create: not on this host: all CPUs of this host are one pool"));
	assert_true(screen_has("sched-rtds: not on this host: "));
	guest_destroyed("a");
	world_at_rest();
}
