/* SPDX-License-Identifier: BSD-2-Clause */
/* domain_top_test.c - the control domain: top */
#include <setjmp.h>
#include <sk/vcpu.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "domain_cases.h"
#include "fake_parts.h"

#define CLEAR "\x1b[H\x1b[2J"

static const struct vmctl_stats stats = { .memory = 60 << 20,
	.n_vcpus = 2,
	.vcpu = { { 0, 0, 1 }, { 0, 1, 0 } },
	.disk[0] = { 10, 20, 1, 80, 160, 3 },
	.vif[0] = { 5, 5000, 0, 6, 7000, 0 },
	.exits = { [SK_EXIT_HYPERCALL] = 3000, [SK_EXIT_HLT] = 1000 } };

/* Control has asked its VMM. */
static void answered(uint32_t domid)
{
	assert_true(vmm_heard(domid, VMCTL_STATS));
	vmm_says(domid, VMCTL_STATS, 0, &stats, sizeof(stats));
}

static uint32_t tables(void)
{
	uint32_t n = 0;

	for (const char *p = world.screen; (p = strstr(p, "NETTX(k)")); p++)
		n++;
	return n;
}

/* Both vCPUs run so long in these seconds. */
static void time_passes(uint32_t seconds, uint32_t ms)
{
	world.later_ns += seconds * 1000000000ull;
	world.ran_ns += ms * 1000000ull;
	timers_expire();
}

static void time_again(void)
{
	timers_expire();
	world.later_ns = world.ran_ns = 0;
	world.moves = 0;
	world_at_rest();
}

void tables_of_top(void **state)
{
	uint32_t domid = guest_created("create /guests/a.cfg\r", "a");

	(void)state;
	type("top -b -i 2 -nxv; echo $?\r");
	assert_int_equal(tables(), 0);
	answered(domid);
	assert_int_equal(tables(), 1);
	assert_true(screen_has("  Domain-0 -----r          2    0.0      65536 "));
	assert_true(screen_has("   no limit       n/a     2    0        0        0    0 "));
	assert_true(screen_has("         a -----r          6    0.0      61440 "));
	assert_true(screen_has(
		"     2    1        4        6    1        3       10       20         80        160    0\r\n"
		"VCPUs(sec):   0:          3s  1:          3s\r\nNet0 RX:     7000bytes "));
	assert_true(screen_has("\r\nVBD BlkBack 51712 [ca: 0]  OO:        3 "));
	assert_false(screen_has("skerry# "));
	time_passes(4, 1000);
	answered(domid);
	assert_int_equal(tables(), 2);
	/* two seconds in four */
	assert_true(screen_has("         a -----r          8   50.0      61440 "));
	assert_true(screen_has("\r\n0\r\nskerry# "));
	assert_false(screen_has("\x1b") || screen_has("Quit"));
	guest_destroyed("a");
	time_again();
}

void a_guest_ends_in_a_table_of_top(void **state)
{
	uint32_t domid = guest_created("create /guests/a.cfg\r", "a");

	(void)state;
	type("top -b -d 1\r");
	answered(domid);
	time_passes(1, 0);
	vmm_says(domid, VMCTL_SHUTDOWN, REASON_POWEROFF, NULL, 0);
	guest_ends(domid);
	timers_expire();
	time_passes(1, 0);
	assert_true(tables() >= 2 && !screen_has("skerry# "));
	type("\x03");
	assert_true(screen_has("^C\r\nskerry# "));
	time_again();
}

void keys_of_top(void **state)
{
	uint32_t domid = guest_created("create /guests/a.cfg\r", "a");

	(void)state;
	type("top\r");
	answered(domid);
	assert_true(screen_has(CLEAR "xentop - "));
	assert_true(screen_has(
		"\r\n2 domains: 2 running, 0 blocked, 0 paused, 0 crashed, 0 dying, 0 shutdown\r\n"));
	assert_true(screen_has("k free    CPUs: 2 @ 1000MHz\r\n      NAME  STATE "));
	assert_true(
		screen_has("Repeat header  Sort order (id)  Quit\r\n") && !screen_has("Net0"));
	type("n"); /* at once */
	answered(domid);
	assert_true(tables() == 1 && screen_has("Net0") && !screen_has("VBD Blk"));
	type("Nb\r"); /* while figures are on their way, too */
	answered(domid);
	assert_true(tables() == 1 && !screen_has("Net0") && screen_has("VBD Blk"));
	type("r");
	answered(domid);
	assert_int_equal(tables(), 2); /* one for each row */
	time_passes(2, 0);
	assert_int_equal(tables(), 2);
	time_passes(3, 0);
	answered(domid);
	assert_int_equal(tables(), 4);
	type("q");
	assert_true(screen_has("skerry# "));
	type("top -i 1; echo $?\r");
	answered(domid);
	assert_true(screen_has("Quit\r\n0\r\nskerry# "));
	type("top; echo next\r");
	answered(domid);
	type("\x03");
	assert_true(screen_has("skerry# ") && !screen_has("next"));
	type("echo $?\r");
	assert_true(screen_has("\r\n130\r\n"));
	guest_destroyed("a");
	time_again();
}

void options_of_top(void **state)
{
	static const char *const wrong[] = { "-d 0", "-d x", "-i -1", "-i 0", "-d 1x",
		"-i ''" };
	char line[40];

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		snprintf(line, sizeof(line), "top %s; echo $?\r", wrong[i]);
		type(line);
		assert_true(screen_has("is not a number from 1 to 1000000\r\n1\r\n"));
	}
	type("top --batch --iterations=1 --delay=9 --full-name --dom0-first | grep -c Domain-0\r");
	assert_true(screen_has("\r\n1\r\n"));
	world_at_rest();
}

/* The place of a text on the screen. */
static size_t place_of(const char *text)
{
	const char *at = strstr(world.screen, text);

	assert_non_null(at);
	return (size_t)(at - world.screen);
}

void orders_of_top(void **state)
{
	static const struct vmctl_stats small = { .memory = 20 << 20, .n_vcpus = 1 };
	uint32_t b = guest_created("create /guests/b.cfg\r", "b"),
		 a = guest_created("create /guests/a.cfg\r", "a");

	(void)state;
	type("top -b -i 1\r");
	vmm_says(b, VMCTL_STATS, 0, &small, sizeof(small));
	answered(a);
	assert_true(place_of("\r\n         b ") < place_of("\r\n         a "));
	type("top -b -i 1 -s name\r");
	vmm_says(b, VMCTL_STATS, 0, &small, sizeof(small));
	answered(a);
	assert_true(place_of("\r\n         a ") < place_of("\r\n         b "));
	type("top --json -i 1 --sort=mem | match domid\r");
	vmm_says(b, VMCTL_STATS, 0, &small, sizeof(small));
	answered(a);
	assert_true(screen_has("\"domid\": 0,\r\n"));
	type("top --json -i 1 -s mem\r");
	vmm_says(b, VMCTL_STATS, 0, &small, sizeof(small));
	answered(a);
	assert_true(place_of("\"name\": \"a\"") < place_of("\"name\": \"b\""));
	assert_true(screen_has("]\r\nskerry# ") && !screen_has("VCPUS"));
	type("top -s size; echo $?\r");
	assert_true(screen_has("'size' is no order") && screen_has("\r\n1\r\n"));
	type("top\r");
	vmm_says(b, VMCTL_STATS, 0, &small, sizeof(small));
	answered(a);
	type("s");
	vmm_says(b, VMCTL_STATS, 0, &small, sizeof(small));
	answered(a);
	assert_true(screen_has("Sort order (name)"));
	assert_true(place_of("\r\n         a ") < place_of("\r\n         b "));
	type("q");
	guest_destroyed("a");
	guest_destroyed("b");
	time_again();
}

void exits_are_counted(void **state)
{
	uint32_t domid = guest_created("create /guests/a.cfg\r", "a");

	(void)state;
	type("exits a\r");
	answered(domid);
	assert_true(screen_has("\r\nReason                  Count   Share\r\n"
			       "HYPERCALL                3000   75.0%\r\n"
			       "HLT                      1000   25.0%\r\n"
			       "all                      4000\r\nskerry# "));
	type("exits --json a\r");
	answered(domid);
	assert_true(screen_has("\"reason\": \"HLT\",\r\n        \"count\": 1000\r\n"));
	assert_false(screen_has("Share") || screen_has("all"));
	type("exits nobody; exits 0; echo $?\r");
	assert_true(screen_has("invalid domain") && screen_has("the host itself"));
	assert_true(screen_has("\r\n1\r\n"));
	guest_destroyed("a");
	time_again();
}
