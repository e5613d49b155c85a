/*
 * domain_test.c - the whole control domain among played services: what is typed, what happens, what is left
 *
 * The domain's state is static: the cases go on where the one before stopped, and each leaves the host as it
 * found it.
 *
 * Objects     the world of fakes.h.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "fakes.h"
#include "base/array.h"
#include "shell/line.h"
#include "sys/sk.h"

#define GUEST(name, digit) \
	"name='" name \
	"'\ntype='pvh'\nmemory=64\nvcpus=2\nkernel='/guests/vmlinuz'\nramdisk='/guests/i'\n" \
	"cmdline='console=hvc0'\ndisk=['phy:/dev/disk/by-partlabel/root,xvda,w']\nvif=['mac=00:16:3e:00:00:0" digit \
	"']\n" \
	"uuid='01234567-89ab-cdef-0123-456789abcde" digit "'\n"

enum { HOST_NODES = 2 }; /* name and domid of Domain-0 */

static bool ready;
static uint64_t slots_at_rest;

static int setup(void **state)
{
	(void)state;
	if (ready)
		return 0;
	ready = true;
	file_add("/guests/a.cfg", GUEST("a", "a"));
	file_add("/guests/b.cfg", GUEST("b", "b"));
	file_add("/guests/empty.cfg", "# nothing\n");
	file_add("/guests/bad.cfg", "name='x'\ntype='pvh'\nmemory='lots'\n");
	file_add("/guests/huge.cfg", "name='h'\ntype='pvh'\nkernel='/k'\nmemory=4096\n");
	file_add("/guests/text", "line one\nline two\n");
	file_add("/guests/auto/2.cfg", GUEST("two", "2"));
	file_add("/guests/auto/1.cfg", GUEST("one", "1"));
	file_add("/guests/auto/readme", "no guest");
	file_add("/guests/auto/3.cfg", "rubbish");
	world_init();
	return 0;
}

/* Everything that guests took has come back. */
static void at_rest(void)
{
	assert_null(domtab_next(&guests, 0));
	assert_int_equal(guest_pool.free, guest_pool.total);
	assert_int_equal(world.opened, world.closed);
	assert_int_equal(world.vmms, 0);
	assert_int_equal(world.regions, 0);
	assert_int_equal(node_count(), HOST_NODES);
	assert_int_equal(world.slots, slots_at_rest);
}

static uint32_t domid_of(const char *name)
{
	struct msg m;
	struct dom *d = domtab_find(&guests, name, &m);

	assert_non_null(d);
	return d->domid;
}

/* From typing to READY. */
static uint32_t create(const char *command, const char *name)
{
	uint32_t domid;

	type(command);
	domid = domid_of(name);
	vmm_says(domid, VMCTL_READY, 0, NULL, 0);
	return domid;
}

/* The VMM goes as it should. */
static void end(uint32_t domid)
{
	assert_true(vmm_heard(domid, VMCTL_QUIESCE));
	vmm_says(domid, VMCTL_QUIESCED, 0, NULL, 0);
	assert_null(domtab_get(&guests, domid));
}

/* It is to be made again, later. */
static void end_resting(uint32_t domid)
{
	assert_true(vmm_heard(domid, VMCTL_QUIESCE));
	vmm_says(domid, VMCTL_QUIESCED, 0, NULL, 0);
	assert_int_equal(domtab_get(&guests, domid)->state, DOM_RESTING);
}

static void destroy(const char *name)
{
	uint32_t domid = domid_of(name);
	char command[80];

	snprintf(command, sizeof(command), "destroy %s\r", name);
	type(command);
	end(domid);
	assert_true(screen_has("skerry# "));
}

static void starts_with_auto_guests(void **state)
{
	(void)state;
	assert_false(screen_has("skerry# "));
	vmm_says(1, VMCTL_READY, 0, NULL, 0);
	assert_string_equal(domtab_get(&guests, 1)->name, "one");
	assert_true(screen_has("Started domain 1 from /guests/auto/1.cfg"));
	assert_false(screen_has("skerry# "));
	timers_expire(); /* the second does not come for a long time */
	assert_true(screen_has("/guests/auto/2.cfg takes long"));
	assert_true(screen_has("skerry# "));
	type("domid two\r");
	assert_true(screen_has("\r\n2\r\n"));
	vmm_says(2, VMCTL_READY, 0, NULL, 0);
	assert_string_equal(domtab_get(&guests, 2)->name, "two");
	assert_true(screen_has("/guests/auto/3.cfg"));
	assert_true(screen_has("skerry# "));
	slots_at_rest = 0;
	destroy("one");
	destroy("two");
	slots_at_rest = world.slots; /* those that the domain keeps */
	at_rest();
}

static void creates_and_destroys(void **state)
{
	uint32_t domid;

	(void)state;
	type("xl create /guests/a.cfg maxmem=128\r");
	domid = domid_of("a");
	assert_true(screen_has("Parsing config from /guests/a.cfg\r\n"));
	assert_int_equal(world.keys_at_start, node_count()); /* all of it was there */
	assert_true(node_count() > 60);
	assert_false(screen_has("skerry# "));
	vmm_says(domid, VMCTL_READY, 0, NULL, 0);
	assert_true(screen_has("skerry# "));
	assert_string_equal(vmm_config(domid)->cmdline, "console=hvc0");
	assert_int_equal(vmm_config(domid)->memory, 64 << 20);
	assert_int_equal(vmm_config(domid)->maxmem, 128 << 20);
	assert_int_equal(vmm_config(domid)->n_ram, 32);
	assert_int_equal(vmm_config(domid)->n_more, 32);
	assert_int_equal(vmm_config(domid)->disk[0].vdev, 51712);
	assert_string_equal(vmm_config(domid)->disk[0].channel, "disk0");
	assert_memory_equal(vmm_config(domid)->vif[0].mac, "\0\x16\x3e\0\0\x0a", 6);
	assert_int_equal(guest_pool.free, guest_pool.total - ((64 + 4 + 2 + 2 + 2) << 20));
	type("domid a\r");
	assert_true(screen_has("\r\n3\r\n"));
	type("create /guests/a.cfg\r");
	assert_true(screen_has("create: a domain named 'a' exists already"));
	type("create /guests/b.cfg \"vif=['', 'mac=00:16:3e:00:00:0a']\"\r");
	assert_true(screen_has(
		"create: command line: key 'vif': vif 1: domain 3 (a) has mac=00:16:3e:00:00:0a already, as its vif 0"));
	destroy("a");
	at_rest();
}

/* How many pieces a VMM gets that asks for n; -1: no answer. */
static int grow(uint32_t domid, uint32_t n)
{
	vmm_says(domid, VMCTL_GROW, n, NULL, 0);
	return vmm_heard(domid, VMCTL_GROWN) ? (int)vmm_heard_arg(domid) : -1;
}

/* Memory at run time: what maxmem= allows and the pool has, and all of it comes back. */
static void grows(void **state)
{
	uint32_t domid;
	uint64_t free;
	pool_piece_t rest[POOL_ORDERS];

	(void)state;
	domid = create("create /guests/a.cfg maxmem=256\r", "a");
	free = guest_pool.free;
	assert_int_equal(grow(domid, 3), 3);
	assert_int_equal(guest_pool.free, free - (6 << 20));
	assert_int_equal(world.made_in, VM_CAP_RAM + 32 + 2);
	assert_int_equal(grow(domid, 0), 0);
	world.slot_taken = true; /* a VMM that uses slots which are not its own */
	assert_int_equal(grow(domid, 3), 0);
	world.slot_taken = false;
	assert_int_equal(guest_pool.free, free - (6 << 20));
	for (size_t i = 0; i < POOL_ORDERS; i++) { /* all but 8 MiB */
		rest[i] = guest_pool.free - (1ull << (POOL_ORDERS - 1 - i)) >= 8 << 20 &&
					  guest_pool.free > 1ull << (POOL_ORDERS - 1 - i)
				  ? pool_take(&guest_pool, (uint32_t)(POOL_ORDERS - 1 - i))
				  : 0;
	}
	assert_int_equal(guest_pool.free, 8 << 20);
	assert_int_equal(grow(domid, 9), 4);
	assert_int_equal(grow(domid, 1), 0);
	for (size_t i = 0; i < POOL_ORDERS; i++)
		pool_give(&guest_pool, rest[i]);
	assert_int_equal(grow(domid, UINT32_MAX), VMCTL_GROW_MAX);
	assert_int_equal(grow(domid, 1000), 96 - 3 - 4 - 64);
	assert_int_equal(grow(domid, 1), 0);
	assert_int_equal(guest_pool.free, free - (192ull << 20));
	destroy("a");
	at_rest();
	/* what goes down gets nothing */
	domid = create("create /guests/a.cfg maxmem=128 'on_poweroff=\"preserve\"'\r", "a");
	vmm_says(domid, VMCTL_SHUTDOWN, REASON_POWEROFF, NULL, 0);
	assert_int_equal(grow(domid, 1), -1);
	type("destroy a\r");
	assert_int_equal(grow(domid, 1), -1);
	end(domid);
	at_rest();
}

/* MiB, 0 where there is no such node. */
static unsigned target_of(uint32_t domid)
{
	char path[64];

	snprintf(path, sizeof(path), "/local/domain/%u/memory/target", domid);
	return node_value(path) ? (unsigned)(strtoul(node_value(path), NULL, 10) / 1024) : 0;
}

static void sizes_are_set(void **state)
{
	uint32_t domid = create("create /guests/a.cfg memory=65 maxmem=301\r", "a");

	(void)state;
	assert_int_equal(vmm_config(domid)->memory, 66 << 20);
	assert_int_equal(vmm_config(domid)->n_ram, 33);
	assert_int_equal(vmm_config(domid)->maxmem, 302 << 20);
	assert_int_equal(target_of(domid), 66); /* what its memory map shows */
	type("mem-set a 128\r");
	assert_false(screen_has("mem-set:"));
	assert_int_equal(target_of(domid), 128);
	type("mem-set a 131072k\rmem-set a 302\r");
	assert_int_equal(target_of(domid), 302);
	type("mem-set a 303\r");
	assert_true(screen_has("mem-set: 303 MiB is more than the maxmem=302"));
	type("mem-set a 309249k\r"); /* 302 MiB and 1 */
	assert_true(screen_has("is more than the maxmem=302"));
	type("mem-set a 3\r");
	assert_true(screen_has("at least 4 MiB"));
	type("mem-set a 0.2g\r");
	assert_true(screen_has("'0.2g' is not a valid memory size"));
	type("mem-set nobody 64\r");
	assert_true(screen_has("nobody"));
	type("mem-set a\r");
	assert_true(screen_has("an argument is missing"));
	assert_int_equal(target_of(domid), 302);
	type("create /guests/b.cfg memory=340\r"); /* of 512: little is left */
	vmm_says(domid_of("b"), VMCTL_READY, 0, NULL, 0);
	type("mem-set a 200\r");
	assert_true(screen_has("mem-set: not enough free memory: domain"));
	assert_true(screen_has("has 66 MiB and needs 134 more, "));
	assert_int_equal(target_of(domid), 302);
	destroy("b");
	type("mem-set a 200\r");
	/* a reboot keeps the size */
	vmm_says(domid, VMCTL_SHUTDOWN, REASON_REBOOT, NULL, 0);
	end(domid);
	domid = domid_of("a");
	assert_int_equal(vmm_config(domid)->memory, 200 << 20);
	assert_int_equal(vmm_config(domid)->maxmem, 302 << 20);
	assert_int_equal(target_of(domid), 200);
	vmm_says(domid, VMCTL_READY, 0, NULL, 0);
	destroy("a");
	at_rest();
}

/* What a VMM needs besides grows with maxmem=, up to what its largest CNode can hold. */
static void large_ones(void **state)
{
	(void)state;
	(void)create("create /guests/a.cfg maxmem=6000\r", "a");
	/* a base with room for a CNode of 2 MiB; the heap's 25 MiB in whole pieces; a disk, a vif */
	assert_int_equal(guest_pool.free, guest_pool.total - ((64 + 8 + 26 + 2 + 2) << 20));
	destroy("a");
	type("create /guests/a.cfg maxmem=17000\r");
	assert_true(screen_has("create: maxmem=17000 is more than a guest can have"));
	at_rest();
}

static void errors_leave_nothing(void **state)
{
	(void)state;
	type("create /guests/none.cfg\r");
	assert_true(screen_has("create: /guests/none.cfg: no such file"));
	type("create /guests/bad.cfg\r");
	assert_true(screen_has("/guests/bad.cfg:3: key 'memory': 'lots' is not a number"));
	assert_true(screen_has("/guests/bad.cfg: key 'kernel' is missing"));
	assert_true(screen_has("create: /guests/bad.cfg: 2 mistakes; no guest is made"));
	type("create empty.cfg\r");
	assert_true(screen_has("/guests/empty.cfg: key 'type' is missing"));
	assert_true(screen_has("/guests/empty.cfg: key 'name' is missing"));
	assert_true(screen_has("create: /guests/empty.cfg: 3 mistakes; no guest is made"));
	type("create /guests/a.cfg vcpus=99 serial=pty\r");
	assert_true(screen_has("command line: key 'vcpus': 99 is out of range"));
	assert_true(screen_has("command line: key 'serial': only hvm guests"));
	assert_true(screen_has("create: /guests/a.cfg: 1 mistake; no guest is made"));
	type("create /guests/huge.cfg\r");
	assert_true(screen_has("create: not enough free memory: the guest needs 4096 MiB"));
	at_rest();
	for (int s = 0; s < SERVICE_COUNT; s++) {
		world.fail_service = s;
		world.fail_rc = -SK_E_NOT_FOUND;
		type("create /guests/a.cfg\r");
		assert_true(screen_has("create: ") && screen_has("skerry# "));
		at_rest();
	}
	world.fail_service = SERVICE_FILES;
	world.fail_rc = -SK_E_INVAL;
	type("create /guests/a.cfg\r");
	assert_true(
		screen_has("a.cfg:5: key 'kernel': kernel '/guests/vmlinuz' is not a file"));
	world.fail_rc = -SK_E_NOT_FOUND;
	world.fail_service = SERVICE_STORAGE;
	type("create /guests/a.cfg\r");
	assert_true(screen_has(
		"create: /guests/a.cfg:8: key 'disk': disk xvda: there is no partition named 'root'"));
	type("create /guests/a.cfg \"disk=['phy:/dev/disk/by-partlabel/root,xvda,w']\"\r");
	assert_true(screen_has("create: command line: key 'disk': disk xvda: there is"));
	world.fail_rc = -SK_E_BUSY;
	type("create /guests/a.cfg\r");
	assert_true(screen_has("in use by another guest"));
	world.fail_rc = 0;
	at_rest();
}

/* Nothing is made, and all is said. */
static void dry_runs(void **state)
{
	(void)state;
	type("create -n a.cfg memory=128\r");
	assert_true(screen_has("Parsing config from a.cfg") && screen_has("skerry# "));
	assert_true(screen_has("\"max_memkb\": 131072") && screen_has("\"vdev\": \"xvda\""));
	at_rest();
	type("create -nc a.cfg; domname 0\r"); /* there is nothing to attach to */
	assert_true(screen_has("Domain-0\r\nskerry# "));
	at_rest();
	type("create --dryrun -c ./a.cfg 'vif=[\"speed=3\"]' name=12\r");
	assert_true(screen_has("command line: key 'vif': entry 0: unknown, ignored as by xl"));
	assert_true(screen_has("command line: key 'name': "));
	assert_true(screen_has("create: /guests/a.cfg: 1 mistake; no guest is made"));
	assert_false(screen_has("max_memkb"));
	at_rest();
	type("create none.cfg\r");
	assert_true(screen_has("create: /guests/none.cfg: no such file"));
	type("create ./\r");
	assert_true(screen_has("create: /guests/: "));
}

enum { HELD = (4 + 2 + 2) << 20 }; /* base and two devices of `a` */

/*
 * A service does not close: what it may use is kept, all else comes back at once, the shell and other guests go on,
 * and when it has closed the rest comes back.
 */
static void service_is_slow_to_close(void **state)
{
	uint32_t a = create("create /guests/a.cfg\r", "a"), b;

	(void)state;
	world.fail_service = SERVICE_STORAGE;
	world.hang = true;
	type("destroy a\r");
	assert_true(vmm_heard(a, VMCTL_QUIESCE));
	vmm_says(a, VMCTL_QUIESCED, 0, NULL, 0);
	assert_false(screen_has("skerry# "));
	assert_int_equal(world.unheard, 1);
	assert_int_equal(domtab_get(&guests, a)->state, DOM_LEAVING);
	assert_int_equal(guest_pool.free, guest_pool.total - HELD);
	timers_expire(); /* it has become late */
	assert_true(screen_has("(a): the service storage has not finished with its xvda yet"));
	assert_int_equal(world.unheard, 2);
	type("\x03");
	assert_true(screen_has("skerry# "));
	type("list a\r");
	assert_true(screen_has(" -----d "));
	type("create /guests/a.cfg\r");
	assert_true(screen_has("a domain named 'a' exists already"));
	b = create("create /guests/b.cfg\r", "b"); /* whose disk is opened meanwhile */
	type("destroy b\r");
	assert_true(vmm_heard(b, VMCTL_QUIESCE));
	vmm_says(b, VMCTL_QUIESCED, 0, NULL, 0);
	timers_expire();
	assert_int_equal(guest_pool.free, guest_pool.total - 2 * HELD);
	assert_false(screen_has("skerry# "));
	world.hang = false;
	timers_expire();
	assert_true(screen_has("skerry# "));
	world.unheard = 0;
	at_rest();
}

/* It may have made a connection that nobody knows: its memory stays until it says that it has not. */
static void service_does_not_answer_an_open(void **state)
{
	uint32_t pings = world.pings;

	(void)state;
	world.fail_service = SERVICE_STORAGE;
	world.fail_rc = -SK_E_TIMEOUT;
	world.hang = true;
	type("create /guests/a.cfg\r");
	assert_false(screen_has("skerry# ")); /* nor the ping */
	timers_expire();
	assert_true(screen_has("create: xvda: the service storage does not answer"));
	assert_true(screen_has("skerry# "));
	assert_int_equal(guest_pool.free, guest_pool.total - HELD);
	assert_int_equal(world.opened, world.closed); /* those of the others are closed */
	world.fail_rc = 0;
	world.hang = false;
	timers_expire();
	assert_int_equal(world.pings, pings + 1);
	world.unheard = 0;
	at_rest();
}

/* The shell is there while an open is under way, and the guest can be destroyed; what comes of it is closed. */
static void destroyed_while_it_is_being_connected(void **state)
{
	(void)state;
	for (int s = 0; s < SERVICE_COUNT; s++) {
		world.fail_service = s;
		world.hold = true;
		type("create /guests/a.cfg\r");
		assert_false(screen_has("skerry# "));
		type("\x03");
		assert_true(screen_has("skerry# "));
		type("destroy a\r");
		assert_false(screen_has("skerry# ")); /* the answer may still come */
		assert_int_equal(domtab_get(&guests, domid_of("a"))->state, DOM_LEAVING);
		world.hold = false;
		world_run();
		assert_true(screen_has("skerry# "));
		at_rest();
	}
}

/* The service has made it, and the VMM cannot have it. */
static void connection_that_is_of_no_use(void **state)
{
	(void)state;
	world.fail_service = SERVICE_NETWORK;
	world.no_channel = true;
	type("create /guests/a.cfg\r");
	world.no_channel = false;
	assert_true(screen_has("vif 0: network refused: "));
	at_rest();
}

/* What could not be written reaches who ended the guest, and is no success. */
static void last_flush_fails(void **state)
{
	uint32_t a = create("create /guests/a.cfg\r", "a");

	(void)state;
	world.fail_service = SERVICE_STORAGE;
	world.result = -SK_E_IO;
	destroy("a");
	assert_non_null(strstr(world.screen, "the last flush failed: "));
	a = create("create /guests/a.cfg\r", "a");
	type("shutdown -w a\r");
	vmm_says(a, VMCTL_SHUTDOWN, REASON_POWEROFF, NULL, 0);
	end(a);
	assert_true(screen_has("the last flush failed: "));
	assert_true(screen_has("skerry# "));
	a = create("create /guests/a.cfg\r", "a"); /* nobody asked */
	vmm_says(a, VMCTL_SHUTDOWN, REASON_POWEROFF, NULL, 0);
	end(a);
	assert_false(screen_has("flush"));
	world.result = 0;
	at_rest();
}

static void xenstore_refuses(void **state)
{
	uint32_t started = world.started;

	(void)state;
	world.refuse_introduce = true;
	type("create /guests/a.cfg\r");
	world.refuse_introduce = false;
	assert_true(screen_has("create: xenstore refused the guest's nodes"));
	assert_int_equal(world.started, started);
	at_rest();
}

static void vmm_cannot_build(void **state)
{
	uint32_t domid;

	(void)state;
	type("create /guests/a.cfg\r");
	domid = domid_of("a");
	vmm_says(domid, VMCTL_FAILED, 0, "not a kernel\033[2J", 16);
	assert_true(screen_has("create: not a kernel?[2J\r\n"));
	assert_true(screen_has("skerry# "));
	at_rest();
}

static void vmm_dies(void **state)
{
	uint32_t domid;

	(void)state;
	type("create /guests/a.cfg\r");
	guest_vmm_died(domid_of("a"), 1, 2, true);
	guests_run();
	world_run();
	assert_true(screen_has("create: its VMM died"));
	at_rest();
	domid = create("create /guests/a.cfg\r", "a");
	guest_vmm_died(domid, 1, 2, true);
	guests_run();
	world_run();
	at_rest();
	domid = create("create /guests/a.cfg\r", "a");
	assert_false(vmm_babbles(domid, 63));
	assert_true(vmm_babbles(domid, 65)); /* the others have their turn first */
	vmm_garbage(domid);
	at_rest();
	domid = create("create /guests/a.cfg\r", "a");
	vmm_says(domid, VMCTL_FAILED, 0, "ha", 2); /* it was made already */
	assert_null(domtab_get(&guests, domid));
	at_rest();
	domid = create("create /guests/a.cfg 'on_crash=\"preserve\"'\r", "a");
	vmm_says(domid, VMCTL_FAILED, 0, "ha", 2);
	assert_int_equal(domtab_get(&guests, domid)->state, DOM_DOWN);
	assert_int_equal(domtab_get(&guests, domid)->reason, REASON_CRASH);
	assert_false(vmm_babbles(domid, 65)); /* it is not listened to any more */
	assert_int_equal(guest_of(domtab_get(&guests, domid))->sched[0], 0); /* nor runs */
	type("list a\r");
	assert_true(screen_has("---sc-       6.0\r\n"));
	type("destroy a\r");
	at_rest();
	domid = create("create /guests/a.cfg 'on_crash=\"preserve\"'\r", "a");
	memset(world.log, 0, sizeof(world.log));
	for (int i = 0; i < 5; i++)
		guest_vmm_died(domid, 0, 0, false);
	guests_run();
	assert_int_equal(guest_of(domtab_get(&guests, domid))->sched[1], 0);
	assert_non_null(strstr(world.log, "(a) ended\n"));
	assert_null(strstr(strstr(world.log, "(a) ended\n") + 1, "(a) ended\n"));
	type("destroy a\r");
	at_rest();
	type("create /guests/a.cfg\r");
	domid = domid_of("a");
	type("\x03"
	     "destroy a\r"); /* while it builds, which then fails: nothing has to stop */
	vmm_says(domid, VMCTL_FAILED, 0, NULL, 0);
	at_rest();
	domid = create("create /guests/a.cfg\r", "a");
	type("destroy a\r");
	timers_expire(); /* it never answers QUIESCE */
	assert_true(screen_has("skerry# "));
	at_rest();
}

static void shutdown_and_reboot(void **state)
{
	char path[64];
	uint32_t domid = create("create /guests/a.cfg\r", "a");

	(void)state;
	type("shutdown -w a\r");
	snprintf(path, sizeof(path), "/local/domain/%u/control/shutdown", domid);
	assert_string_equal(node_value(path), "poweroff");
	assert_int_equal(node_perms(path)[0], 'n'); /* the guest's own */
	assert_false(screen_has("skerry# "));
	vmm_says(domid, VMCTL_SHUTDOWN, REASON_POWEROFF, NULL, 0);
	assert_true(screen_has("has been shut down, reason code 0"));
	assert_false(screen_has("skerry# ")); /* `list` would still show it */
	end(domid);
	assert_true(screen_has("skerry# "));
	assert_false(screen_has("has been destroyed"));
	at_rest();
	domid = create("create /guests/a.cfg on_poweroff='\"preserve\"'\r", "a");
	type("shutdown -w a\r");
	vmm_says(domid, VMCTL_SHUTDOWN, REASON_POWEROFF, NULL, 0);
	assert_true(screen_has("has been shut down, reason code 0") && screen_has("skerry# "));
	destroy("a");
	at_rest();
	domid = create("create /guests/a.cfg\r", "a");
	type("reboot a\r");
	assert_true(screen_has("skerry# "));
	vmm_says(domid, VMCTL_SHUTDOWN, REASON_REBOOT, NULL, 0);
	end(domid);
	assert_int_equal(domid_of("a"), domid + 1);
	vmm_says(domid + 1, VMCTL_READY, 0, NULL, 0);
	destroy("a");
	at_rest();
}

/* A guest that crashes as soon as it is there: `list` and the log say what is done about it, all verbs bear with it. */
static void crashes_in_a_loop(void **state)
{
	static const char *const verbs[] = { "console a\r", "pause a\r", "shutdown -w a\r",
		"mem-set a 64\r", "vcpu-list a\r", "uptime a\r", "list -l a\r", "rename a b\r",
		"rename b a\r", "create /guests/a.cfg\r" };
	uint32_t domid = create("create /guests/a.cfg 'on_crash=\"restart\"'\r", "a");

	(void)state;
	vmm_says(domid, VMCTL_SHUTDOWN, REASON_CRASH, NULL, 0);
	end(domid);
	domid = domid_of("a"); /* again at once */
	vmm_says(domid, VMCTL_READY, 0, NULL, 0);
	memset(world.log, 0, sizeof(world.log));
	vmm_says(domid, VMCTL_SHUTDOWN, REASON_CRASH, NULL, 0);
	assert_non_null(
		strstr(world.log, "(a) ended 2 times in a row within 60 s of its start: "
				  "it is started again 1 s later"));
	assert_int_equal(world.log_about, domid);
	end_resting(domid);
	world.attached = 0;
	assert_int_equal(guest_pool.free, guest_pool.total);
	assert_int_equal(node_count(), HOST_NODES);
	type("list\r");
	assert_true(screen_has("     0     ------       0.0\r\n"));
	assert_true(screen_has("a ended 2 times in a row within 60 s of its start; "
			       "it is started again in 1 s (`destroy a` forgets it)\r\n"));
	for (size_t i = 0; i < ARRAY_SIZE(verbs); i++) {
		type(verbs[i]);
		assert_true(screen_has("skerry# "));
		assert_int_equal(world.attached, 0);
	}
	assert_int_equal(node_count(), HOST_NODES); /* rename left nothing */
	timers_expire();
	assert_int_equal(domid_of("a"), domid); /* its time has not come */
	world.later_ns += 1000000000;
	timers_expire();
	assert_int_equal(domid_of("a"), domid + 1);
	vmm_says(domid + 1, VMCTL_READY, 0, NULL, 0);
	vmm_says(domid + 1, VMCTL_SHUTDOWN, REASON_CRASH, NULL, 0);
	end_resting(domid + 1);
	type("destroy a\r");
	assert_true(screen_has("skerry# "));
	world.later_ns = 0;
	at_rest();
}

static void waiting_can_be_left(void **state)
{
	uint32_t domid = create("create /guests/a.cfg\r", "a");

	(void)state;
	type("shutdown -w a\r");
	assert_false(screen_has("skerry# "));
	type("domid a\r");
	assert_false(screen_has("skerry# ")); /* kept for later */
	type("\x03");
	assert_true(screen_has("^C") && screen_has("skerry# "));
	vmm_says(domid, VMCTL_SHUTDOWN, REASON_POWEROFF, NULL, 0);
	end(domid);
	type("create /guests/a.cfg\r");
	type("\x03");
	assert_true(screen_has("skerry# "));
	vmm_says(domid_of("a"), VMCTL_READY, 0, NULL, 0);
	destroy("a");
	at_rest();
}

static void keys_are_kept_while_busy(void **state)
{
	(void)state;
	type("create /guests/a.cfg\rdomid a\rdestroy a\r");
	vmm_says(domid_of("a"), VMCTL_READY, 0, NULL, 0);
	assert_true(screen_has("domid a\r\n"));
	end(domid_of("a"));
	assert_true(screen_has("skerry# "));
	at_rest();
}

/* What follows a line in the same write stays with console until the shell or a guest may have it. */
static void typed_ahead(void **state)
{
	uint32_t domid;

	(void)state;
	type("create -c /guests/a.cfg\nfor the guest\n");
	domid = domid_of("a");
	vmm_says(domid, VMCTL_READY, 0, NULL, 0);
	assert_int_equal(world.attached, domid);
	assert_false(screen_has("for the guest"));
	console_detaches(); /* had the guest not taken it, it would be the shell's now */
	world_run();
	assert_true(screen_has("skerry# for the guest\r\n"));
	type("cat /guests/te\t\ndomid a\n");
	assert_true(screen_has("cat /guests/text \r\nline one\r\n"));
	assert_true(screen_has("skerry# domid a\r\n"));
	type("\033[\n\033\n"); /* an end of line in an escape sequence asks for more, too */
	type("domname 0\n");
	assert_true(screen_has("Domain-0"));
	type("shutdown -w a\ndomid a\n");
	assert_false(screen_has("domid a"));
	type("\x03"
	     "domname 0\n");
	assert_true(screen_has("^C\r\nskerry# domname 0\r\nDomain-0\r\n"));
	assert_false(screen_has("domid a"));
	destroy("a");
	at_rest();
}

static void lists(void **state)
{
	struct vmctl_stats s = {
		.memory = 60 << 20, .n_vcpus = 2, .vcpu = { { 0, 1, 1 }, { 0, 2, 0 } }
	};
	uint32_t domid = create("create -p /guests/a.cfg\r", "a");
	char row[128];

	(void)state;
	assert_int_equal(vmm_config(domid)->start_paused, 1);
	type("list\r");
	assert_true(vmm_heard(domid, VMCTL_STATS));
	assert_false(screen_has("Name"));
	vmm_says(domid, VMCTL_STATS, 0, &s, sizeof(s));
	assert_true(screen_has(
		"Name                                        ID   Mem VCPUs\tState\tTime(s)\r\n"));
	assert_true(screen_has(
		"Domain-0                                     0    64     2     r-----       2.0\r\n"));
	snprintf(row, sizeof(row),
		"a                                        %5u    60     1     --p---       6.0\r\n",
		domid);
	assert_true(screen_has(row));
	type("unpause a\r");
	assert_true(vmm_heard(domid, VMCTL_UNPAUSE));
	type("vcpu-list a\r");
	timers_expire(); /* no answer this time */
	assert_true(screen_has("  -b-       3.0  all / all\r\n") && screen_has("--p"));
	type("vcpu-list Domain-0\r");
	timers_expire(); /* what the host's domains ran, where they ran it */
	assert_true(screen_has(
		"Domain-0                             0     0    0   r--       0.0"));
	assert_true(screen_has(
		"Domain-0                             0     1    1   -b-       2.0"));
	s.unknown[VMCTL_UNKNOWN_HYPERCALL] = 3;
	s.unknown[VMCTL_UNKNOWN_INSTRUCTION] = 5000000000;
	world.refused = 70000;
	type("list -l a\r");
	assert_false(screen_has("\"name\""));
	vmm_says(domid, VMCTL_STATS, 0, &s, sizeof(s));
	assert_true(screen_has("\"name\": \"a\","));
	assert_true(screen_has("        \"unknown\": {\r\n            \"hypercalls\": 3,\r\n"
			       "            \"msr_reads\": 0,\r\n"
			       "            \"msr_writes\": 0,\r\n"
			       "            \"ports\": 0,\r\n"
			       "            \"instructions\": 5000000000\r\n        },\r\n"
			       "        \"xenstore_refused\": 70000\r\n    }\r\n]"));
	assert_true(screen_has("\"resources\": {\r\n            \"memkb\": 75776,\r\n"
			       "            \"connections\": 7,\r\n"
			       "            \"slots_used\": 100,\r\n"
			       "            \"slots_free\": 308,\r\n"
			       "            \"frames\": 40,\r\n"
			       "            \"objects\": 50\r\n        }"));
	assert_false(screen_has("Domain-0\""));
	world.no_quota = true;
	type("list -l a\r");
	vmm_says(domid, VMCTL_STATS, 0, &s, sizeof(s));
	assert_true(screen_has("\"xenstore_refused\": 0\r\n"));
	/* who leaves hears no more of it */
	type("list -l a\r\x03");
	vmm_says(domid, VMCTL_STATS, 0, &s, sizeof(s));
	timers_expire();
	assert_false(screen_has("\"name\""));
	assert_true(screen_has("^C\r\nskerry# "));
	type("list -l Domain-0\r");
	vmm_says(domid, VMCTL_STATS, 0, &s, sizeof(s));
	assert_true(screen_has("\"name\": \"Domain-0\""));
	assert_true(screen_has("\"name\": \"console\",") && screen_has("\"memkb\": 32768,"));
	assert_true(screen_has("\"slots_used\": 300,") && screen_has("\"slots_free\": 108,"));
	assert_true(screen_has("\"frames\": 120,") && screen_has("\"objects\": 130\r\n"));
	type("list Domain-0 a\r");
	vmm_says(domid, VMCTL_STATS, 0, &s, sizeof(s));
	assert_true(screen_has("Domain-0  ") && screen_has("\r\na    "));
	s = (struct vmctl_stats){ .memory = UINT64_MAX, .n_vcpus = VM_VCPUS_MAX };
	type("list a\r"); /* of what a VMM says is shown what can be */
	vmm_says(domid, VMCTL_STATS, 0, &s, sizeof(s));
	snprintf(row, sizeof(row),
		"a                                        %5u    64     2     r-----       6.0\r\n",
		domid);
	assert_true(screen_has(row));
	type("xl\r");
	assert_true(screen_has(" create           create a guest"));
	type("list nobody\r");
	assert_true(screen_has("nobody is an invalid domain identifier"));
	type("info free_memory\r");
	snprintf(row, sizeof(row), "\r\n%llu\r\n", (unsigned long long)guest_pool.free >> 20);
	assert_true(screen_has(row));
	type("info cpu_idle\r");
	assert_true(screen_has("\r\n1.111111111 2.222222222\r\n"));
	type("uptime\r");
	assert_true(screen_has("Domain-0                             0  0:00:05\r\n"));
	destroy("a");
	at_rest();
}

/* Both vCPUs of a guest want a whole CPU, and are on the same. */
static void spreads(void **state)
{
	(void)state;
	(void)create("create /guests/a.cfg cpu_weight=512\r", "a");
	world.moves = 0;
	timers_expire(); /* no time has passed */
	assert_int_equal(world.moves, 0);
	world.later_ns += 1000000000;
	world.ran_ns += 900000000;
	timers_expire(); /* nobody waits */
	assert_int_equal(world.moves, 0);
	world.later_ns += 1000000000;
	world.ran_ns += 500000000;
	world.waited_ns += 500000000;
	timers_expire();
	assert_int_equal(world.moves, 1);
	assert_int_equal(world.moved.cpu, 1);
	assert_int_equal(world.moved.priority, host_priority(PRIORITY_VCPU) | SK_SCHED_GUESTS);
	assert_int_equal(world.moved.weight, 256);  /* of each of two */
	assert_int_equal(world.moved.period_us, 0); /* no cap */
	destroy("a");
	world.later_ns += 1000000000;
	assert_true(timers_set());
	timers_expire();
	assert_false(timers_set()); /* without guests nobody looks */
	world.later_ns = world.ran_ns = world.waited_ns = 0;
	at_rest();
}

/* One second goes by, of which each vCPU and the I/O thread run so many ms. */
static void second(uint32_t vcpu_ms, uint32_t io_ms)
{
	world.later_ns += 1000000000;
	world.ran_ns += vcpu_ms * 1000000ull;
	world.io_ran_ns += io_ms * 1000000ull;
	timers_expire();
}

/* cap=50: what the I/O thread takes of it the vCPUs do not get, and what was too much is paid back. */
static void caps_bind_all_threads(void **state)
{
	uint32_t domid;

	(void)state;
	type("create /guests/a.cfg cap=50\r");
	domid = domid_of("a");
	world.io = (struct proc_sched){ 0 };
	second(0, 900); /* the VMM makes the guest */
	assert_int_equal(world.io.period_us, 0);
	vmm_says(domid, VMCTL_READY, 0, NULL, 0);
	for (int i = 0; i < 5; i++)
		second(0, 0); /* what it ran before the first look is paid back */
	second(250, 0);
	assert_int_equal(world.io.period_us, 100000);
	assert_int_equal(world.io.budget_us, 25000);
	world.moves = 0;
	second(250, 200);
	assert_int_equal(world.moves, 2); /* 20 ms of I/O, and 20 too many */
	assert_int_equal(world.moved.budget_us, (50000 - 20000 - 20000) / 2);
	second(50, 200); /* in debt no more */
	assert_int_equal(world.moved.budget_us, (50000 - 20000) / 2);
	second(150, 200);
	assert_int_equal(world.moves, 4); /* as it is */
	second(150, 0);
	assert_int_equal(world.moved.budget_us, 25000);
	destroy("a");
	timers_expire();
	world.later_ns = world.ran_ns = world.io_ran_ns = 0;
	world.moves = 0;
	at_rest();
}

static void renames(void **state)
{
	char path[64];
	uint32_t domid = create("create /guests/a.cfg\r", "a");

	(void)state;
	type("rename a web\r");
	snprintf(path, sizeof(path), "/local/domain/%u/name", domid);
	assert_string_equal(node_value(path), "web");
	type("domname 0\r");
	assert_true(screen_has("Domain-0"));
	destroy("web");
	at_rest();
}

static void consoles(void **state)
{
	uint32_t domid;

	(void)state;
	domid = create("create -c /guests/a.cfg\r", "a");
	assert_int_equal(world.attached, domid);
	assert_false(screen_has("skerry# "));
	console_detaches();
	world_run();
	assert_true(screen_has("skerry# "));
	type("console nobody\r");
	assert_true(screen_has("invalid domain"));
	type("console 0\r");
	assert_true(screen_has("the host itself"));
	type("dmesg\r");
	assert_true(screen_has("booted\r\nfine\r\n") && screen_has("skerry# "));
	destroy("a");
	at_rest();
}

/* Of a guest that is being made the console may not be there yet: it is waited for. */
static void console_of_a_guest_in_the_making(void **state)
{
	uint32_t domid;

	(void)state;
	world.fail_service = SERVICE_CONSOLE;
	for (int i = 0; i < 3; i++) {
		world.hold = true;
		type("create /guests/a.cfg\r\x03");
		domid = domid_of("a");
		world.attached = 0;
		type("console a\r");
		assert_int_equal(world.attached, 0);
		assert_false(screen_has("skerry# "));
		if (i == 0) { /* it comes */
			world.hold = false;
			world_run();
			assert_int_equal(world.attached, domid);
			console_detaches();
			world_run();
		} else if (i == 1) { /* it does not */
			world.fail_rc = -SK_E_NO_MEM;
			world.hold = false;
			world_run();
			world.fail_rc = 0;
			assert_true(screen_has("console: domain "));
			assert_true(screen_has(" has ended") && screen_has("skerry# "));
			assert_int_equal(world.attached, 0);
			continue;
		} else { /* the user does not want it any more */
			type("\x03");
			assert_true(screen_has("skerry# "));
			world.hold = false;
			world_run();
			assert_int_equal(world.attached, 0);
		}
		type("destroy a\r");
		vmm_says(domid, VMCTL_FAILED, 0, NULL, 0);
		assert_true(screen_has("skerry# "));
	}
	at_rest();
}

static void xenstore(void **state)
{
	(void)state;
	type("xenstore-write /t/a 1 /t/b/c 'x \"y'\r");
	assert_string_equal(node_value("/t/b/c"), "x \"y");
	type("xenstore-read /t/a /t/b/c\r");
	assert_true(screen_has("\r\n1\r\nx \\\"y\r\n"));
	type("xenstore-read /local/domain/0/name /local/domain/0/domid\r");
	assert_true(screen_has("\r\nDomain-0\r\n0\r\n"));
	type("xenstore-read -p /t/a\r");
	assert_true(screen_has("/t/a: 1\r\n"));
	type("xenstore-read /t/none\r");
	assert_true(screen_has("/t/none: no such path"));
	type("xenstore-list /t\r");
	assert_true(screen_has("\r\na\r\nb\r\n"));
	type("xenstore-ls /t\r");
	assert_true(screen_has("\r\na = \"1\"\r\nb = \"\"\r\n c = \"x \\\"y\"\r\n"));
	type("xenstore-ls -f\r");
	assert_true(screen_has("/t/b/c = \""));
	type("xenstore-ls /none\r");
	assert_true(screen_has("/none: no such path"));
	type("xenstore-write /t/a\r");
	assert_true(screen_has("missing"));
	type("xenstore-rm /t\r");
	assert_int_equal(node_count(), HOST_NODES);
	at_rest();
}

static void long_lines(void **state)
{
	static char line[LINE_LEN_MAX + 64];
	char value[2001];

	(void)state;
	memset(value, 'v', 2000);
	value[2000] = '\0';
	snprintf(line, sizeof(line), "xenstore-write /t/x %s\r", value);
	type(line);
	assert_string_equal(node_value("/t/x"), value);
	type("xenstore-read -p /t/x | grep -c ^/t/x:.vv*v$\r");
	assert_true(screen_has("\r\n1\r\n"));
	memset(line, 'w', sizeof(line));
	memcpy(line, "xenstore-write /t/x ", 20);
	strcpy(line + LINE_LEN_MAX + 1, "\r");
	type(line);
	assert_true(
		screen_has("a line has at most 8191 bytes; this one is not run\r\nskerry# "));
	assert_string_equal(node_value("/t/x"), value);
	strcpy(line + LINE_LEN_MAX,
		"\r"); /* fits, but is too much for xenstore: refused as a whole, too */
	type(line);
	assert_true(screen_has("too long") && screen_has("skerry# "));
	assert_string_equal(node_value("/t/x"), value);
	memcpy(line, "domid 0; x", 10);
	line[LINE_LEN_MAX] = 'w';
	strcpy(line + LINE_LEN_MAX + 1, "\rdomname 0\r");
	type(line);
	assert_true(screen_has("skerry# domname 0\r\nDomain-0\r\nskerry# "));
	assert_false(screen_has("\r\n0\r\n"));
	type("xenstore-rm /t\r");
	at_rest();
}

static void several_commands_in_a_line(void **state)
{
	uint32_t domid;

	(void)state;
	type("domid 0;domname 0; xenstore-write /t/a 1 ; xenstore-read /t/a;; ls /guests | grep ^te ; xenstore-rm /t; domid 0\r");
	assert_true(screen_has("\r\n0\r\nDomain-0\r\n1\r\ntext\r\n0\r\nskerry# "));
	type("list; list\r");
	assert_non_null(strstr(strstr(world.screen, "Name ") + 1, "Name "));
	assert_true(screen_has("skerry# "));
	type("domid nobody; domname 0\r"); /* as a Unix shell goes on */
	assert_true(screen_has("does not exist.\r\nDomain-0\r\n"));
	type("domid 0; domname 'x\r"); /* all of a line or nothing */
	assert_true(screen_has("not closed") && !screen_has("\r\n0\r\n"));
	type("domid 0 && domname 0\r");
	assert_true(screen_has("no &&") && !screen_has("\r\n0\r\n"));
	type("xenstore-write /t/a b > /t/c; domid 0\r");
	assert_true(screen_has("no redirection") && !screen_has("\r\n0\r\n"));
	assert_int_equal(node_count(), HOST_NODES);
	type("create a.cfg; domid a; shutdown -w a; domname 0\r");
	domid = domid_of("a");
	assert_false(screen_has("skerry# "));
	vmm_says(domid, VMCTL_READY, 0, NULL, 0);
	assert_true(screen_has("Shutting down domain") && !screen_has("Domain-0"));
	type("\x03"); /* ends the command, and what is to come of the line */
	assert_true(screen_has("^C\r\nskerry# ") && !screen_has("Domain-0"));
	type("destroy a; domname 0\r");
	assert_false(screen_has("Domain-0"));
	end(domid);
	assert_true(screen_has("Domain-0\r\nskerry# "));
	type("create -c a.cfg; domname 0\r");
	domid = domid_of("a");
	vmm_says(domid, VMCTL_READY, 0, NULL, 0);
	assert_int_equal(world.attached, domid);
	console_detaches();
	world_run();
	assert_true(screen_has("Domain-0\r\nskerry# "));
	destroy("a");
	at_rest();
}

static void pipes(void **state)
{
	(void)state;
	type("xenstore-ls -f /local | grep -v domid | grep Domain\r");
	assert_true(
		screen_has("| grep Domain\r\n/local/domain/0/name = \"Domain-0\"\r\nskerry# "));
	type("help | grep -c xenstore-r\r");
	assert_true(screen_has("\r\n2\r\n"));
	type("dmesg | grep fine\r");
	assert_true(screen_has("grep fine\r\nfine\r\nskerry# "));
	type("list | grep nobody; list | grep Domain-0\r");
	assert_false(screen_has("Name "));
	assert_true(screen_has("\r\nDomain-0 "));
	type("domid nobody | grep x\r"); /* messages are no output */
	assert_true(screen_has("does not exist."));
	type("create none.cfg | grep x\r");
	assert_true(screen_has("no such file"));
	type("create -n a.cfg serial=x | grep memkb\r");
	assert_true(screen_has("key 'serial': only hvm") && screen_has("\"max_memkb\": 65536"));
	assert_false(screen_has("vdev"));
	type("list | less\r");
	assert_true(screen_has("less: only grep") && !screen_has("Name "));
	type("list |\r");
	assert_true(screen_has("there is no command on one side of |"));
	type("| grep x\r");
	assert_true(screen_has("there is no command on one side of |"));
	type("list | | grep x\r");
	assert_true(screen_has("there is no command on one side of |"));
	type("list | grep a | grep a | grep a | grep a | grep a\r");
	assert_true(screen_has("at most 4 filters"));
	type("domname 0\r");
	assert_true(screen_has("Domain-0\r\nskerry# "));
	type("create a.cfg | grep x\r");
	vmm_says(domid_of("a"), VMCTL_READY, 0, NULL, 0);
	type("console a | grep x\r");
	assert_int_equal(world.attached, domid_of("a"));
	console_detaches();
	world_run();
	type("domid a\r");
	assert_true(screen_has("skerry# "));
	destroy("a");
	at_rest();
}

static void files_and_completion(void **state)
{
	(void)state;
	type("ls /guests\r");
	assert_true(screen_has(
		"\r\na.cfg\r\nb.cfg\r\nbad.cfg\r\nempty.cfg\r\nhuge.cfg\r\ntext\r\n"));
	type("cat /guests/text\r");
	assert_true(screen_has("line one\r\nline two\r\n"));
	file_add("/guests/end", "no newline");
	type("cat /guests/end\r");
	assert_true(screen_has("no newline\r\nskerry# "));
	type("ls /guests/none\r");
	assert_true(screen_has("/guests/none: no such file"));
	type("cat text; ls auto; ls ./auto\r");
	assert_true(screen_has("line two\r\n1.cfg\r\n2.cfg\r\n3.cfg\r\nreadme\r\n1.cfg\r\n"));
	type("cat nothing\r");
	assert_true(screen_has("/guests/nothing: no such file"));
	type("cat te\t");
	assert_true(screen_has("cat text "));
	type("\x15"
	     "domid 0; cat auto/re\t\r");
	assert_true(screen_has("cat auto/readme \r\n0\r\nno guest"));
	type("list | grep x; domna\t0\r");
	assert_true(screen_has("\r\nDomain-0\r\n"));
	type("cat /none\r");
	assert_true(screen_has("/none: no such file"));
	type("cat /guests/te\t");
	assert_true(screen_has("cat /guests/text "));
	type("\x15"
	     "do\t");
	type("m\x15");
	type("uns\t");
	type("\x15"
	     "unp\t");
	assert_true(screen_has("unpause "));
	type("\x15nonsense\r");
	assert_true(screen_has("nonsense: no such command"));
	type("help create\r");
	assert_true(screen_has("Usage: create"));
	type("ls 'x\r");
	assert_true(screen_has("not closed"));
}

static void a_hundred_guests_in_a_row(void **state)
{
	(void)state;
	for (int i = 0; i < 100; i++) {
		(void)create("create -q /guests/a.cfg\r", "a");
		destroy("a");
	}
	at_rest();
}

static void power(void **state)
{
	uint32_t a = create("create /guests/a.cfg\r", "a"),
		 b = create("create -p /guests/b.cfg\r", "b");
	char path[64];

	(void)state;
	type("poweroff\r");
	snprintf(path, sizeof(path), "/local/domain/%u/control/shutdown", a);
	assert_string_equal(node_value(path), "poweroff");
	assert_true(vmm_heard(b, VMCTL_UNPAUSE));
	vmm_says(a, VMCTL_SHUTDOWN, REASON_REBOOT, NULL, 0);
	end(a);
	assert_int_equal(world.powered, 0);
	assert_false(vmm_heard(b, VMCTL_QUIESCE));
	timers_expire();
	assert_true(screen_has("did not shut down in 60 seconds"));
	end(b);
	assert_int_equal(world.powered, 1);
	assert_true(screen_has("The host did not go down"));
	world.powered = 0;
	b = create("create /guests/b.cfg\r", "b");
	type("poweroff\r");
	type("\x03"); /* asks nobody any more, and goes on */
	assert_true(screen_has("^C"));
	assert_false(screen_has("skerry# "));
	end(b);
	assert_int_equal(world.powered, 1);
	world.powered = 0;
	type("reboot-host\r");
	assert_int_equal(world.powered, 2);
	at_rest();
}

/* A service that never lets go of a guest does not keep the host up for ever, nor who insists. */
static void power_without_a_service(void **state)
{
	uint32_t a;

	(void)state;
	for (int insists = 0; insists < 2; insists++) {
		a = create("create /guests/a.cfg\r", "a");
		world.fail_service = SERVICE_STORAGE;
		world.hang = true;
		world.powered = 0;
		type("poweroff -f\r");
		assert_true(vmm_heard(a, VMCTL_QUIESCE));
		vmm_says(a, VMCTL_QUIESCED, 0, NULL, 0);
		assert_int_equal(world.powered, 0);
		if (insists)
			type("\x03");
		else
			timers_expire();
		assert_int_equal(world.powered, 1);
		assert_true(screen_has("(a) is not closed; what it wrote last may be lost"));
		world.hang = false;
		timers_expire();
		world.unheard = 0;
		world.powered = 0;
		at_rest();
	}
}

#define T(f) cmocka_unit_test_setup(f, setup)
int main(void)
{
	const struct CMUnitTest tests[] = {
		T(starts_with_auto_guests),
		T(creates_and_destroys),
		T(grows),
		T(sizes_are_set),
		T(large_ones),
		T(errors_leave_nothing),
		T(dry_runs),
		T(service_is_slow_to_close),
		T(service_does_not_answer_an_open),
		T(destroyed_while_it_is_being_connected),
		T(connection_that_is_of_no_use),
		T(last_flush_fails),
		T(xenstore_refuses),
		T(vmm_cannot_build),
		T(vmm_dies),
		T(shutdown_and_reboot),
		T(crashes_in_a_loop),
		T(waiting_can_be_left),
		T(keys_are_kept_while_busy),
		T(typed_ahead),
		T(lists),
		T(spreads),
		T(caps_bind_all_threads),
		T(renames),
		T(consoles),
		T(console_of_a_guest_in_the_making),
		T(xenstore),
		T(long_lines),
		T(several_commands_in_a_line),
		T(pipes),
		T(files_and_completion),
		T(a_hundred_guests_in_a_row),
		T(power),
		T(power_without_a_service),
	};

	return cmocka_run_group_tests_name("control domain", tests, NULL, NULL);
}
