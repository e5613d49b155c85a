/* SPDX-License-Identifier: BSD-2-Clause */
/* domain_create_test.c - the control domain: creating guests, and failures of it */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "config/names.h"
#include "domain_cases.h"
#include "fake_parts.h"
#include "proto/scribe.h"
#include "fakes.h"

/* memory of guest `a` that services can still use: its base, two devices, and two files */
enum { FILES = 512 << 10, HELD = ((2 + 2 + 2) << 20) + FILES };

void starts_with_auto_guests(void **state)
{
	(void)state;
	assert_false(screen_has("skerry# "));
	vmm_says(1, VMCTL_READY, 0, NULL, 0);
	assert_string_equal(domtab_get(&guests, 1)->name, "one");
	assert_true(screen_has("Started domain 1 from /guests/auto/1.cfg"));
	assert_false(screen_has("skerry# "));
	timers_expire(); /* the second guest takes long */
	assert_true(screen_has("/guests/auto/2.cfg takes long"));
	assert_true(screen_has("the host\r\n1\r\nhas started\r\nskerry# ")); /* start.xl */
	type("domid two\r");
	assert_true(screen_has("\r\n2\r\n"));
	vmm_says(2, VMCTL_READY, 0, NULL, 0);
	assert_string_equal(domtab_get(&guests, 2)->name, "two");
	assert_true(screen_has("/guests/auto/3.cfg"));
	assert_non_null(strstr(world.log, "shell: create /guests/auto/1.cfg: status 0\n"));
	assert_non_null(strstr(world.log, "shell: create /guests/auto/3.cfg: status 1\n"));
	assert_true(screen_has("skerry# "));
	slots_at_rest = 0;
	guest_destroyed("one");
	guest_destroyed("two");
	slots_at_rest = world.slots; /* the domain keeps these for good */
	world_at_rest();
}

void creates_and_destroys(void **state)
{
	uint32_t domid;

	(void)state;
	type("xl create /guests/a.cfg maxmem=128\r");
	domid = domid_of("a");
	assert_true(screen_has("Parsing config from /guests/a.cfg\r\n"));
	/* the VMM started only when all nodes existed */
	assert_int_equal(world.keys_at_start, node_count());
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
	assert_int_equal(guest_pool.free, guest_pool.total - (64 << 20) - HELD -
						  (1664 << 10)); /* its heap needs 1584 KiB */
	type("domid a\r");
	assert_true(screen_has("\r\n3\r\n"));
	type("create /guests/a.cfg\r");
	assert_true(screen_has("create: a domain named 'a' exists already"));
	type("create /guests/b.cfg \"vif=['', 'mac=00:16:3e:00:00:0a']\"\r");
	assert_true(screen_has(
		"create: command line: key 'vif': vif 1: domain 3 (a) has mac=00:16:3e:00:00:0a already, as its vif 0"));
	guest_destroyed("a");
	world_at_rest();
}

/* The VMM gets the shim as its kernel, and memory for it that nobody sees as the guest's. */
void pv_guests_run_in_the_shim(void **state)
{
	struct vmctl_stats s = { .memory = 202 << 20, .n_vcpus = 2 };
	const struct vm_config *v;
	uint32_t domid;
	char path[64];

	(void)state;
	domid = guest_created("create /guests/a.cfg type=\"pv\" maxmem=128\r", "a");
	v = vmm_config(domid);
	assert_string_equal(v->cmdline, "shim_mem=122M loglvl=error pv-shim console=xen,pv");
	assert_int_equal(v->n_modules, 2);
	assert_string_equal(v->module_args[0], "console=hvc0");
	assert_string_equal(v->module_args[1], "");
	assert_int_equal(v->memory, 250 << 20);
	assert_int_equal(v->n_more, 0);
	assert_int_equal(guest_pool.free, guest_pool.total - (250 << 20) - HELD - (2176 << 10));
	snprintf(path, sizeof(path), "/libxl/%u/type", domid);
	assert_string_equal(node_value(path), "pv");
	snprintf(path, sizeof(path), "/local/domain/%u/memory/target", domid);
	assert_string_equal(node_value(path), "65536");
	snprintf(path, sizeof(path), "/local/domain/%u/memory/static-max", domid);
	assert_string_equal(node_value(path), "131072");
	type("list a\r");
	vmm_says(domid, VMCTL_STATS, 0, &s, sizeof(s));
	assert_true(screen_has("    80     2     ")); /* 202 - 122 */
	s.memory = 1 << 20;                           /* the VMM lies */
	type("list a\r");
	vmm_says(domid, VMCTL_STATS, 0, &s, sizeof(s));
	assert_true(screen_has("     0     2     "));
	guest_destroyed("a");
	world.fail_service = SERVICE_FILES;
	world.fail_rc = -SK_E_NOT_FOUND;
	type("create /guests/a.cfg type=\"pv\"\r");
	assert_true(screen_has("create: shim '/guests/xen-shim' does not exist"));
	world.fail_rc = 0;
	world_at_rest();
}

/* xenstore starts again many times while a guest comes and goes; nobody notices. */
void xenstore_dies_all_along(void **state)
{
	uint32_t before = world.introduced;

	(void)state;
	world.store_dies = 1;
	guest_created("create /guests/a.cfg\r", "a");
	assert_int_equal(world.introduced, before + 1);
	assert_int_equal(world.keys_at_start, node_count());
	type("xenstore-write /tool/x y\r");
	type("xenstore-read /tool/x\r");
	assert_true(screen_has("\r\ny\r\n"));
	type("xenstore-rm /tool/x\r");
	guest_destroyed("a");
	assert_true(world.store_deaths > 10);
	world.store_dies = 0;
	world_at_rest();
}

/* The same for the scribe, which loses every second answer with its life. */
void scribe_dies_all_along(void **state)
{
	uint32_t before = world.introduced;

	(void)state;
	world.scribe_dies = true;
	guest_created("create /guests/a.cfg\r", "a");
	assert_true(world.introduced > before);
	assert_int_equal(world.keys_at_start, node_count());
	type("xenstore-write /tool/x y\r");
	type("xenstore-read /tool/x\r");
	assert_true(screen_has("\r\ny\r\n"));
	type("xenstore-rm /tool/x\r");
	type("vcpu-set a 1\r");
	guest_destroyed("a");
	assert_true(world.scribe_deaths > 3);
	world.scribe_dies = false;
	world_at_rest();
}

/* It answers what it was not asked, or with too little: init is told. */
void scribe_raves(void **state)
{
	const struct scribe_head h = { .id = UINT32_MAX };

	(void)state;
	for (uint32_t len = 8; len <= sizeof(h); len += 8) {
		scribe_says(&h, len);
		assert_int_equal(scribe_chan.c.req.sh->end, scribe_chan.c.epoch + 1);
		scribe_restart();
		type("xenstore-read /local/domain/0/name\r");
		assert_true(screen_has("Domain-0") && screen_has("skerry# "));
	}
	world_at_rest();
}

/* The scribe does not come back. */
void scribe_ends(void **state)
{
	(void)state;
	chan_end(&scribe_chan);
	type("xenstore-read /tool\r");
	timers_expire();
	assert_true(screen_has("skerry# "));
	type("create /guests/a.cfg\r");
	timers_expire();
	assert_true(screen_has("xenstore refused the guest's nodes"));
	timers_expire();
	scribe_chan.c.dead = false;
	scribe_chan.c.end = SVC_END_ALIVE;
	world_at_rest();
}

/* xenstore does not keep the protocol: init is told, and starts it again. */
void xenstore_raves(void **state)
{
	(void)state;
	world.store_raves = true;
	type("xenstore-read /local/domain/0/name\r");
	assert_false(screen_has("Domain-0"));
	assert_int_equal(xs_chan.c.req.sh->end, xs_chan.c.epoch + 1);
	store_restart();
	assert_true(screen_has("Domain-0") && screen_has("skerry# "));
	assert_int_not_equal(xs_chan.c.req.sh->end, xs_chan.c.epoch + 1);
}

/* xenstore does not come back: what waits for it fails, and what comes later, too. */
void xenstore_ends(void **state)
{
	(void)state;
	world.store_gone = true;
	type("xenstore-read /tool\r");
	assert_true(screen_has("input/output error"));
	type("create /guests/a.cfg\r");
	timers_expire();
	assert_true(screen_has("xenstore refused the guest's nodes"));
	assert_true(screen_has("skerry# "));
	timers_expire();
	store_revive();
	world_at_rest();
}

void errors_leave_nothing(void **state)
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
	assert_true(screen_has("create: /guests/empty.cfg: 2 mistakes; no guest is made"));
	type("create /guests/a.cfg vcpus=99 serial=pty\r");
	assert_true(screen_has("command line: key 'vcpus': 99 is out of range"));
	assert_true(screen_has("command line: key 'serial': only hvm guests"));
	assert_true(screen_has("create: /guests/a.cfg: 1 mistake; no guest is made"));
	type("create /guests/huge.cfg\r");
	assert_true(screen_has("create: not enough free memory: the guest needs 4096 MiB"));
	world_at_rest();
	for (int s = 0; s < SERVICE_COUNT; s++) {
		world.fail_service = s;
		world.fail_rc = -SK_E_NOT_FOUND;
		type("create /guests/a.cfg\r");
		assert_true(screen_has("create: ") && screen_has("skerry# "));
		world_at_rest();
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
	world_at_rest();
}

/* A dry run makes nothing and reports everything. */
void dry_runs(void **state)
{
	(void)state;
	type("create -n a.cfg memory=128\r");
	assert_true(screen_has("Parsing config from a.cfg") && screen_has("skerry# "));
	assert_true(screen_has("\"max_memkb\": 131072") && screen_has("\"vdev\": \"xvda\""));
	world_at_rest();
	/* there is nothing to attach to, so -c is ignored */
	type("create -nc a.cfg; domname 0\r");
	assert_true(screen_has("Domain-0\r\nskerry# "));
	world_at_rest();
	type("create --dryrun -c ./a.cfg 'vif=[\"speed=3\"]' name=12\r");
	assert_true(screen_has("command line: key 'vif': entry 0: unknown, ignored as by xl"));
	assert_true(screen_has("command line: key 'name': "));
	assert_true(screen_has("create: /guests/a.cfg: 1 mistake; no guest is made"));
	assert_false(screen_has("max_memkb"));
	world_at_rest();
	type("create none.cfg\r");
	assert_true(screen_has("create: /guests/none.cfg: no such file"));
	type("create ./\r");
	assert_true(screen_has("create: /guests/: "));
}

/* The host's table says what disks and bridges of a file are here. */
void names_of_another_host(void **state)
{
	(void)state;
	type("create a.cfg \"disk=['phy:/dev/vg/web,xvda,w']\"\r");
	assert_true(screen_has(
		"say in " NAMES_FILE " which partition it is: disk /dev/vg/web NAME"));
	world_at_rest();
	file_add(NAMES_FILE, "disk /dev/vg/* *\nbridge lan xenbr0\n");
	world.fail_service = SERVICE_STORAGE;
	world.fail_rc = -SK_E_NOT_FOUND;
	type("create a.cfg \"disk=['phy:/dev/vg/web,xvda,w']\"\r");
	assert_true(screen_has("disk xvda: there is no partition named 'web'"));
	world.fail_rc = 0;
	guest_created(
		"create a.cfg \"disk=['phy:/dev/vg/web,xvda,w']\" \"vif=['bridge=lan']\"\r",
		"a");
	guest_destroyed("a");
	world_at_rest();
}

/*
 * While a service does not close, control keeps the memory that the service may use and returns
 * everything else at once; the shell and other guests go on. When the service has closed, the
 * rest is returned, too.
 */
void service_is_slow_to_close(void **state)
{
	uint32_t a = guest_created("create /guests/a.cfg\r", "a"), b;

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
	timers_expire(); /* the close is late now */
	assert_true(screen_has("(a): the service storage has not finished with its xvda yet"));
	assert_int_equal(world.unheard, 2);
	type("\x03");
	assert_true(screen_has("skerry# "));
	type("list a\r");
	assert_true(screen_has(" -----d "));
	type("create /guests/a.cfg\r");
	assert_true(screen_has("a domain named 'a' exists already"));
	b = guest_created("create /guests/b.cfg\r", "b"); /* its disk can be opened meanwhile */
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
	world_at_rest();
}

/*
 * The service may have made the connection without saying so: its memory stays until the
 * service says that there is none.
 */
void service_does_not_answer_an_open(void **state)
{
	uint32_t pings = world.pings;

	(void)state;
	world.fail_service = SERVICE_STORAGE;
	world.fail_rc = -SK_E_TIMEOUT;
	world.hang = true;
	type("create /guests/a.cfg\r");
	assert_false(screen_has("skerry# ")); /* the ping is not answered either */
	timers_expire();
	assert_true(screen_has("create: xvda: the service storage does not answer"));
	assert_true(screen_has("skerry# "));
	assert_int_equal(guest_pool.free, guest_pool.total - HELD);
	/* the other services' connections are closed */
	assert_int_equal(world.opened, world.closed);
	world.fail_rc = 0;
	world.hang = false;
	timers_expire();
	assert_int_equal(world.pings, pings + 1);
	world.unheard = 0;
	world_at_rest();
}

/*
 * While an open is under way the shell works and the guest can be destroyed; if the open
 * succeeds, its connection is closed.
 */
void destroyed_while_it_is_being_connected(void **state)
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
		world_at_rest();
	}
}

/*
 * A guest that is destroyed while its VMM loads the kernel stays gone when the VMM reports
 * READY.
 */
void ready_after_its_end_has_begun(void **state)
{
	uint32_t domid;

	(void)state;
	type("create /guests/a.cfg\r");
	domid = domid_of("a");
	dom_destroy(&guests, domtab_get(&guests, domid));
	guests_run();
	vmm_says(domid, VMCTL_READY, 0, NULL, 0);
	assert_false(screen_has("skerry# "));
	guest_ends(domid);
	assert_true(
		screen_has("create: it was destroyed while it was being created\r\nskerry# "));
	world_at_rest();
}

/* The service made the connection, but it cannot be given to the VMM. */
void connection_that_is_of_no_use(void **state)
{
	(void)state;
	world.fail_service = SERVICE_NETWORK;
	world.no_channel = true;
	type("create /guests/a.cfg\r");
	world.no_channel = false;
	assert_true(screen_has("vif 0: network refused: "));
	world_at_rest();
}

/* A failed last flush is reported to the user who ended the guest, and is no success. */
void last_flush_fails(void **state)
{
	uint32_t a = guest_created("create /guests/a.cfg\r", "a");

	(void)state;
	world.fail_service = SERVICE_STORAGE;
	world.result = -SK_E_IO;
	guest_destroyed("a");
	assert_non_null(strstr(world.screen, "the last flush failed: "));
	a = guest_created("create /guests/a.cfg\r", "a");
	type("shutdown -w a\r");
	vmm_says(a, VMCTL_SHUTDOWN, REASON_POWEROFF, NULL, 0);
	guest_ends(a);
	assert_true(screen_has("the last flush failed: "));
	assert_true(screen_has("skerry# "));
	a = guest_created("create /guests/a.cfg\r", "a"); /* no user waits for its end */
	vmm_says(a, VMCTL_SHUTDOWN, REASON_POWEROFF, NULL, 0);
	guest_ends(a);
	assert_false(screen_has("flush"));
	world.result = 0;
	world_at_rest();
}

void xenstore_refuses(void **state)
{
	uint32_t started = world.started;

	(void)state;
	world.refuse_introduce = true;
	type("create /guests/a.cfg\r");
	world.refuse_introduce = false;
	assert_true(screen_has("create: xenstore refused the guest's nodes"));
	assert_int_equal(world.started, started);
	world_at_rest();
}

void vmm_cannot_build(void **state)
{
	uint32_t domid;

	(void)state;
	type("create /guests/a.cfg\r");
	domid = domid_of("a");
	vmm_says(domid, VMCTL_FAILED, 0, "not a kernel\033[2J", 16);
	assert_true(screen_has("create: not a kernel?[2J\r\n"));
	assert_true(screen_has("skerry# "));
	world_at_rest();
}
