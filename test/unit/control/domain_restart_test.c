/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * domain_restart_test.c - the control domain: services fail and are started again, at every
 * moment of a guest's life
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/array.h"
#include "domain_cases.h"
#include "fakes.h"
#include "proto/init.h"

/* Connections of guest `a`: how many each service has, by enum service. */
static const uint32_t of_a[SERVICE_COUNT] = { 2, 1, 1, 1, 2 };
enum { STEPS = 7 };

static void all_open(uint32_t guests_like_a)
{
	for (int s = 0; s < SERVICE_COUNT; s++)
		assert_int_equal(connections_open((enum service)s), guests_like_a * of_a[s]);
}

static void log_clear(void) { memset(world.log, 0, sizeof(world.log)); }

void services_start_again(void **state)
{
	uint32_t opened;

	(void)state;
	(void)guest_created("create /guests/a.cfg\r", "a");
	(void)guest_created("create -p /guests/b.cfg\r", "b");
	for (int round = 0; round < 3; round++) {
		for (int s = 0; s < SERVICE_COUNT; s++) {
			opened = world.opened;
			service_dies((enum service)s);
			world_run();
			all_open(2);
			assert_int_equal(world.opened, opened + 2 * of_a[s]);
			init_tells(); /* this is no news */
			assert_int_equal(world.opened, opened + 2 * of_a[s]);
		}
	}
	for (int s = 0; s < SERVICE_COUNT; s++)
		service_dies((enum service)s);
	world_run();
	all_open(2);
	assert_int_equal(world.abandoned, 0);
	guest_destroyed("a");
	all_open(1);
	guest_destroyed("b");
	world_at_rest();
}

/* Each call of a creation is in turn the last one that its service receives. */
void a_service_dies_while_a_guest_is_made(void **state)
{
	(void)state;
	for (int s = 0; s < SERVICE_COUNT; s++) {
		for (uint32_t n = 1; n <= of_a[s]; n++) {
			for (int late = 0; late < 2; late++) {
				world.dying = s;
				world.dies_in = n;
				world.no_news = late;
				(void)guest_created("create /guests/a.cfg\r", "a");
				assert_int_equal(world.dies_in, 0);
				world.no_news = false;
				world_run();
				all_open(1);
				guest_destroyed("a");
				world_at_rest();
			}
		}
	}
	/* it dies again: the request may be the reason, so it is not made a third time */
	world.fail_service = SERVICE_STORAGE;
	world.fail_rc = -SK_E_DELETED;
	type("create /guests/a.cfg\r");
	world.fail_rc = 0;
	assert_true(screen_has("create: xvda: storage refused: the object went away"));
	world_at_rest();
}

/* Destroys `a`; service s dies with the n-th call that it receives meanwhile. */
static void destroyed_when_dying(int s, uint32_t n)
{
	uint32_t a = guest_created("create /guests/a.cfg\r", "a");

	type("destroy a\r");
	assert_true(vmm_heard(a, VMCTL_QUIESCE));
	world.dying = s;
	world.dies_in = n;
	log_clear();
	vmm_says(a, VMCTL_QUIESCED, 0, NULL, 0);
	timers_expire(); /* what was not answered is asked again */
	assert_int_equal(world.dies_in, 0);
	assert_true(screen_has("skerry# "));
	assert_false(screen_has("may be lost"));
	assert_null(strstr(world.log, "does not know"));
	world_at_rest();
}

void a_service_dies_while_a_guest_ends(void **state)
{
	(void)state;
	for (int s = 0; s < SERVICE_COUNT; s++) {
		for (uint32_t n = 1; n <= of_a[s]; n++) {
			world.no_news = true;
			destroyed_when_dying(s, n);
			world.no_news = false;
			world_run();
			destroyed_when_dying(s, n);
		}
	}
	destroyed_when_dying(SERVICE_STORAGE, 1);
	/* it closes a disk and dies, and control learns of the second first */
	(void)guest_created("create /guests/a.cfg\r", "a");
	world.fail_service = SERVICE_STORAGE;
	world.late = true;
	type("destroy a\r");
	vmm_says(domid_of("a"), VMCTL_QUIESCED, 0, NULL, 0);
	service_dies(SERVICE_STORAGE);
	world_run();
	world.late = false;
	world_run();
	assert_true(screen_has("skerry# "));
	world_at_rest();
}

/*
 * A disk that its guest wrote is opened again for its last flush; one that is read-only, and
 * all else, just counts as closed.
 */
void last_flush_in_the_next_life(void **state)
{
	uint32_t flushes, opened;

	(void)state;
	flushes = world.flushes;
	destroyed_when_dying(SERVICE_STORAGE, 1);
	assert_int_equal(world.flushes, flushes + 1);
	opened = world.opened;
	destroyed_when_dying(SERVICE_NETWORK, 1);
	assert_int_equal(world.opened, opened + STEPS);
	/* and if that flush fails, or the next life does not open the disk, this is said */
	for (int refused = 0; refused < 2; refused++) {
		uint32_t a = guest_created("create /guests/a.cfg\r", "a");

		world.fail_service = SERVICE_STORAGE;
		world.fail_rc = refused ? -SK_E_IO : 0;
		world.result = refused ? 0 : -SK_E_IO;
		type("destroy a\r");
		assert_true(vmm_heard(a, VMCTL_QUIESCE));
		service_dies(SERVICE_STORAGE);
		vmm_says(a, VMCTL_QUIESCED, 0, NULL, 0);
		for (int i = 0; refused && i < 12; i++) {
			world.later_ns += 10000000000;
			timers_expire();
		}
		assert_true(screen_has("xvda: the last flush failed"));
		assert_true(screen_has("may be lost"));
		world.fail_rc = world.result = 0;
		world.later_ns = 0;
		timers_expire();
		world_at_rest();
	}
	opened = world.opened;
	type("create /guests/a.cfg \"disk=['phy:/dev/disk/by-partlabel/root,xvda,ro']\"\r");
	vmm_says(domid_of("a"), VMCTL_READY, 0, NULL, 0);
	flushes = world.flushes;
	type("destroy a\r");
	service_dies(SERVICE_STORAGE);
	world.no_news = true;
	guest_ends(domid_of("a"));
	world.no_news = false;
	assert_int_equal(world.opened, opened + STEPS);
	assert_int_equal(world.flushes, flushes);
	world_run();
	world_at_rest();
}

/* A guest that runs gets its disk back before one that is paused. */
void those_who_wait_come_first(void **state)
{
	uint32_t a, b;

	(void)state;
	a = guest_created("create -p /guests/a.cfg\r", "a");
	b = guest_created("create /guests/b.cfg\r", "b");
	world.last_client = 0;
	service_dies(SERVICE_STORAGE);
	world_run();
	assert_int_equal(world.last_client, a);
	type("unpause a\rpause b\r");
	service_dies(SERVICE_STORAGE);
	world_run();
	assert_int_equal(world.last_client, b);
	all_open(2);
	guest_destroyed("a");
	guest_destroyed("b");
	world_at_rest();
}

/*
 * The next life of storage gets the request for a new disk before control knows of it. The disk
 * is closed, those of the last life are opened, and it comes last.
 */
void no_disk_is_taken(void **state)
{
	uint32_t b, opened;

	(void)state;
	(void)guest_created("create /guests/a.cfg\r", "a");
	opened = world.opened;
	world.no_news = true;
	service_dies(SERVICE_STORAGE);
	type("create /guests/b.cfg\r");
	b = domid_of("b");
	assert_int_equal(
		world.opened, opened + STEPS + 2); /* one was opened twice, `a` again */
	all_open(2);
	world.no_news = false;
	vmm_says(b, VMCTL_READY, 0, NULL, 0);
	assert_int_equal(world.opened, opened + STEPS + 2);
	guest_destroyed("a");
	/* it is destroyed while its disk is being closed */
	world.no_news = true;
	service_dies(SERVICE_STORAGE);
	world.fail_service = SERVICE_STORAGE;
	world.hang = true;
	type("create /guests/a.cfg\r");
	type("\x03"
	     "destroy a\r");
	world.hang = world.no_news = false;
	timers_expire();
	assert_true(screen_has("skerry# "));
	world.unheard = 0;
	all_open(1);
	guest_destroyed("b");
	world_at_rest();
}

/*
 * Whatever ends the service before it runs, it was not asked for a connection of a guest, so
 * none is blamed for that.
 */
void services_fail_at_their_start(void **state)
{
	(void)state;
	(void)guest_created("create /guests/a.cfg\r", "a");
	world.abandoned = 0;
	for (int s = 0; s < SERVICE_COUNT; s++) {
		world.starting[s] = true;
		for (int lives = 0; lives < 5; lives++) {
			service_dies((enum service)s);
			world.dying = s;
			world.dies_in = 1;
			world_run();
			world.later_ns += 8000000000;
			timers_expire();
		}
		assert_int_equal(connections_open((enum service)s), 0);
		world.dies_in = 0;
		world.starting[s] = false;
		init_tells();
		assert_int_equal(connections_open((enum service)s), of_a[s]);
	}
	assert_int_equal(world.abandoned, 0);
	world.later_ns = 0;
	timers_expire();
	guest_destroyed("a");
	world_at_rest();
}

/* A new disk waits, too, and is opened after those that the last life had. */
void no_disk_is_taken_at_a_start(void **state)
{
	for (int heard = 0; heard < 2; heard++) {
		(void)state;
		(void)guest_created("create /guests/a.cfg\r", "a");
		world.no_news = !heard;
		world.starting[SERVICE_STORAGE] = true;
		service_dies(SERVICE_STORAGE);
		world_run();
		type("create /guests/b.cfg\r");
		assert_int_equal(connections_open(SERVICE_STORAGE), 0);
		world.no_news = world.starting[SERVICE_STORAGE] = false;
		world.fail_service = SERVICE_STORAGE;
		world.hold = true;
		init_tells();
		assert_int_equal(asked_for(SERVICE_STORAGE), domid_of("a"));
		world.hold = false;
		world_run();
		vmm_says(domid_of("b"), VMCTL_READY, 0, NULL, 0);
		all_open(2);
		guest_destroyed("a");
		guest_destroyed("b");
		world_at_rest();
	}
}

/*
 * An attempt was answered by a later life than control knew, so the connection is open already.
 */
void opened_already(void **state)
{
	uint32_t opened, pings;

	(void)state;
	(void)guest_created("create /guests/a.cfg\r", "a");
	world.abandoned = 0;
	world.fail_service = SERVICE_NETWORK;
	world.hold = true;
	service_dies(SERVICE_NETWORK);
	world_run();
	service_dies(SERVICE_NETWORK);
	world.no_news = true;
	world.hold = false;
	opened = world.opened;
	world_run();
	world.no_news = false;
	world_run();
	all_open(1);
	assert_int_equal(world.opened, opened + 1);
	for (int i = 0; i < 12; i++) { /* it is not tried again */
		world.later_ns += 8000000000;
		timers_expire();
	}
	assert_int_equal(world.abandoned, 0);
	/* without an answer the service undoes what it did, which it is asked about first */
	world.fail_rc = -SK_E_TIMEOUT;
	service_dies(SERVICE_NETWORK);
	pings = world.pings;
	world_run();
	assert_int_equal(world.pings, pings);
	world.fail_rc = -SK_E_BUSY;
	world.later_ns += 100000000;
	timers_expire();
	assert_int_equal(world.pings, pings + 1);
	assert_int_equal(connections_open(SERVICE_NETWORK), 0);
	world.fail_rc = 0;
	world.later_ns += 200000000;
	timers_expire();
	assert_int_equal(world.pings, pings + 2);
	all_open(1);
	world.later_ns = 0;
	guest_destroyed("a");
	timers_expire();
	world_at_rest();
}

/*
 * One guest's connection cannot be opened: it is tried for a while, and then its VMM is told.
 */
void a_reopen_fails(void **state)
{
	static const struct {
		int rc, end;
		uint32_t tries;
	} row[] = {
		{ -SK_E_NO_MEM, SVC_END_LIMIT, 40 }, { -SK_E_NOT_FOUND, SVC_END_CLOSED, 40 },
		{ -SK_E_DELETED, SVC_END_CLOSED, 3 }, /* perhaps it kills the service */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		(void)guest_created("create /guests/a.cfg\r", "a");
		world.fail_service = SERVICE_XENSTORE;
		world.fail_rc = row[i].rc;
		world.abandoned = 0;
		log_clear();
		service_dies(SERVICE_XENSTORE);
		world_run();
		for (uint32_t n = 1; n < row[i].tries; n++) {
			assert_int_equal(world.abandoned, 0);
			timers_expire(); /* too early */
			world.later_ns += 8000000000;
			timers_expire();
		}
		assert_int_equal(world.abandoned, 1);
		assert_int_equal(world.end, row[i].end);
		assert_non_null(strstr(world.log, "xenstore does not open xenstore of domain"));
		world.fail_rc = 0;
		init_tells(); /* the end is never taken back */
		assert_int_equal(connections_open(SERVICE_XENSTORE), 0);
		guest_destroyed("a");
		world.later_ns = 0;
		timers_expire();
		world_at_rest();
	}
	world.abandoned = 0;
}

/* The next life of a service that refused is asked at once. */
void a_new_life_refuses_nothing(void **state)
{
	(void)state;
	(void)guest_created("create /guests/a.cfg\r", "a");
	world.fail_service = SERVICE_CONSOLE;
	world.fail_rc = -SK_E_NO_MEM;
	service_dies(SERVICE_CONSOLE);
	world_run();
	for (int i = 0; i < 10; i++) {
		world.later_ns += 8000000000;
		timers_expire();
	}
	world.fail_rc = 0;
	service_dies(SERVICE_CONSOLE);
	world_run();
	all_open(1);
	world.later_ns = 0;
	guest_destroyed("a");
	timers_expire();
	world_at_rest();
}

void init_is_late(void **state)
{
	(void)state;
	(void)guest_created("create /guests/a.cfg\r", "a");
	world.init_silent = true;
	service_dies(SERVICE_FILES);
	world_run();
	assert_int_equal(connections_open(SERVICE_FILES), 0);
	world.init_silent = false;
	timers_expire();
	all_open(1);
	guest_destroyed("a");
	timers_expire();
	world_at_rest();
}

void services_are_listed(void **state)
{
	static const struct {
		int rc;
		const char *text;
	} refusals[] = {
		{ -SK_E_NOT_FOUND, "kill: storage: no domain of the host has this name" },
		{ -SK_E_DENIED, "kill: storage: this needs the boot option init.kill=1" },
		{ -SK_E_BUSY, "kill: storage: it is being started again already" },
		{ -SK_E_STATE, "kill: storage: it does not run" },
		{ -SK_E_TIMEOUT, "kill: storage: the deadline passed" },
	};
	static const struct {
		const char *line;
		int fault;
	} faults[] = { { "restart storage\r", INIT_KILL_RESTART },
		{ "kill storage\r", INIT_KILL_FAULT },
		{ "kill storage fault\r", INIT_KILL_FAULT },
		{ "kill stor\t hang\r", INIT_KILL_HANG },
		{ "kill storage exit\r", INIT_KILL_EXIT },
		{ "kill storage garbage\r", INIT_KILL_GARBAGE } };

	(void)state;
	world.life[SERVICE_FILES] = 9;
	type("list-services\r");
	assert_true(
		screen_has("Name             State      Restarts Reason       Uptime  Epoch "
			   " Mem(KiB)   Time(s)\r\n"));
	assert_true(
		screen_has("init             running           0 never       0:00:00      0 "
			   "    32768       1.0\r\n"));
	assert_true(
		screen_has("files            running           9 fault       1:02:03      9 "
			   "        0       0.0\r\n"));
	init_tells();
	world.init_silent = true;
	type("list-services\r");
	world.init_silent = false;
	assert_true(screen_has(
		"init does not tell about domain 0 of the host: the deadline passed"));
	for (size_t i = 0; i < ARRAY_SIZE(faults); i++) {
		world.fault = -1;
		type(faults[i].line);
		assert_int_equal(world.fault, faults[i].fault);
		assert_string_equal(world.restarted, "storage");
	}
	world.fault = -1;
	type("kill storage restart\rkill storage bad\r");
	assert_true(screen_has("kill: 'bad' is no way to fail"));
	type("restart a23456789012345678901234567890123\r");
	assert_true(screen_has("no domain of the host has this name"));
	assert_int_equal(world.fault, -1);
	for (size_t i = 0; i < ARRAY_SIZE(refusals); i++) {
		world.restart_rc = refusals[i].rc;
		type("kill storage\r");
		assert_true(screen_has(refusals[i].text));
	}
	world.restart_rc = 0;
}

void what_domains_hold_is_shown(void **state)
{
	static const char *const host[] = {
		" Slot Kind         Rights       Bytes Badge               What\r\n",
		"    4 sched        rwxg           256 -                   its CPU time\r\n",
		"   16 endpoint     -w-g           128 0x10                endpoint of its builder\r\n",
		"  128 ioport       rw--             0 0x3f8-0x3ff         ports of uart\r\n",
		"  192 untyped      rwxg        262144 -                   its memory\r\n",
		"    - frame        rw--         16384 -                   3 made by it or got with a connection\r\n",
		"    - ?            --x-             0 -                   1 made by it",
		"    - reply        rw--           128 -                   1 made by it",
		"    - frame        rw--          4096 -                   1 mapped for it, without a slot\r\n",
	};
	static const char *const guest[] = {
		"    1 cnode        rwxg         32768 -                   its slots\r\n",
		"   33 sched        rwxg           256 -                   CPU time of vCPU 1\r\n",
		"  106 notification -w--           128 0x40000000          signal to control\r\n",
		"   64 notification -w--           128 0x1000000           signal to ",
		"   65 frame        rw-g       2097152 -                   data shared with ",
		"  256 untyped      rwxg       2097152 -                   memory of its guest\r\n",
		"    - table        rwxg          8192 -                   2 made by it",
		"    - table        r---          4096 -                   1 made by it",
		"    - frame        r-x-        135168 -                   2 mapped for it",
	};

	(void)state;
	type("caps storage\r");
	for (size_t i = 0; i < ARRAY_SIZE(host); i++)
		assert_true(screen_has(host[i]));
	type("caps files\r");
	assert_true(screen_has("caps: files does not run now"));
	type("caps nobody\r");
	assert_true(screen_has("nobody is an invalid domain identifier"));
	(void)guest_created("create /guests/a.cfg\r", "a");
	type("caps a\r");
	for (size_t i = 0; i < ARRAY_SIZE(guest); i++)
		assert_true(screen_has(guest[i]));
	guest_destroyed("a");
	timers_expire();
	world_at_rest();
}

/*
 * The last case, because the service stays away: guests are told, they can be destroyed, no
 * guest with a disk can be created, and one without can.
 */
void a_service_is_given_up(void **state)
{
	uint32_t a, b;

	(void)state;
	a = guest_created("create /guests/a.cfg\r", "a");
	b = guest_created("create /guests/b.cfg\r", "b");
	(void)guest_created("create /guests/auto/1.cfg\r", "one");
	type("list\r");
	timers_expire(); /* no VMM answers */
	assert_false(screen_has("not started again"));
	world.fail_service = SERVICE_STORAGE;
	world.fail_rc = -SK_E_IO;
	service_dies(SERVICE_STORAGE);
	type("destroy one\r\x03"); /* its disk cannot be opened for the last flush */
	vmm_says(domid_of("one"), VMCTL_QUIESCED, 0, NULL, 0);
	world.fail_rc = 0;
	init_tells();
	assert_int_equal(domtab_get(&guests, domid_of("one"))->state, DOM_LEAVING);
	world.hang = true;
	type("destroy a\r");
	assert_true(vmm_heard(a, VMCTL_QUIESCE));
	vmm_says(a, VMCTL_QUIESCED, 0, NULL, 0); /* nor can this one */
	assert_false(screen_has("skerry# "));
	world.abandoned = 0;
	service_given_up_by_init(SERVICE_STORAGE);
	world_run();
	timers_expire();
	assert_int_equal(world.abandoned, 3);
	assert_int_equal(domtab_next(&guests, 0)->domid, b); /* the only one */
	assert_int_equal(world.end, SVC_END_GIVEN_UP);
	assert_true(screen_has("xvda: the last flush failed"));
	assert_true(screen_has("skerry# "));
	type("list b\r");
	timers_expire();
	assert_true(screen_has("storage failed too often and is not started again"));
	type("create /guests/a.cfg\r");
	assert_true(screen_has("create: xvda: the service storage does not run"));
	(void)guest_created("create /guests/a.cfg 'disk=[]'\r", "a");
	init_tells();
	assert_int_equal(world.abandoned, 3);
	guest_destroyed("a");
	type("destroy b\r");
	guest_ends(b);
	assert_true(screen_has("xvda: the last flush failed"));
	world.hang = false;
	world.unheard = 0;
	world_at_rest();
}
