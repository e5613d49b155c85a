/* SPDX-License-Identifier: BSD-2-Clause */
/* domain_save_test.c - the control domain: guests that are saved and restored */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/array.h"
#include "client/ask.h"
#include "domain_cases.h"
#include "fake_parts.h"

#define IMAGE "/dev/disk/by-partlabel/image"
#define SAVE "save a " IMAGE "\r"

static const char *asked_down(uint32_t domid)
{
	char path[64];

	snprintf(path, sizeof(path), "/local/domain/%u/control/shutdown", domid);
	return node_value(path);
}

static bool is_asked(uint32_t domid)
{
	const char *how = asked_down(domid);

	return how && how[0];
}

/* Its VMM has copied the memory while the guest ran, and the guest is asked to stop. */
static void copied(uint32_t domid)
{
	assert_true(vmm_heard(domid, VMCTL_SAVE));
	assert_false(is_asked(domid));
	vmm_says(domid, VMCTL_COPIED, 0, NULL, 0);
	assert_string_equal(asked_down(domid), "suspend");
}

/* The guest stops, and takes the word out of its node. */
static void suspended(uint32_t domid)
{
	bool prompt = screen_has("skerry# ");
	char path[64];

	copied(domid);
	snprintf(path, sizeof(path), "/local/domain/%u/control/shutdown", domid);
	node_set(path, "");
	vmm_says(domid, VMCTL_SHUTDOWN, REASON_SUSPEND, NULL, 0);
	assert_int_equal(screen_has("skerry# "), prompt); /* nobody has an answer */
}

static uint32_t guest_saving(const char *command)
{
	uint32_t domid = guest_created("create /guests/a.cfg\r", "a");

	type(command);
	return domid;
}

/* It runs as before, and nothing of the save is left. */
static void goes_on(uint32_t domid, uint32_t connections, uint64_t free)
{
	assert_true(vmm_heard(domid, VMCTL_RESUME));
	assert_int_equal(domtab_get(&guests, domid)->state, DOM_LIVE);
	assert_int_equal(connections_of(domid), connections);
	assert_true(guest_pool.free == free);
	assert_true(screen_has("skerry# "));
	guest_destroyed("a");
	world_at_rest();
}

void a_guest_is_saved(void **state)
{
	uint32_t domid = guest_saving(SAVE);
	const char *text = vmm_asks_text(domid);

	(void)state;
	assert_non_null(strstr(text, "name = \"a\"\n"));
	assert_non_null(strstr(text, "kernel = \"/guests/vmlinuz\"\n"));
	assert_non_null(strstr(text, "access=rw,target=/dev/disk/by-partlabel/root\",\n"));
	suspended(domid);
	vmm_says(domid, VMCTL_SAVED, 0, NULL, 0);
	assert_false(vmm_heard(domid, VMCTL_RESUME));
	guest_ends(domid);
	assert_true(screen_has("is saved\r\nskerry# "));
	world_at_rest();
}

void a_saved_guest_goes_on(void **state)
{
	uint32_t domid = guest_created("create /guests/a.cfg\r", "a"),
		 connections = connections_of(domid);
	uint64_t free = guest_pool.free;

	(void)state;
	type("save -c a " IMAGE "\r");
	suspended(domid);
	assert_int_equal(connections_of(domid), connections + 1);
	vmm_says(domid, VMCTL_SAVED, 0, NULL, 0);
	assert_false(vmm_heard(domid, VMCTL_PAUSE));
	assert_true(vmm_heard(domid, VMCTL_RESUME));
	type("save -p a " IMAGE "\r");
	suspended(domid);
	vmm_says(domid, VMCTL_SAVED, 0, NULL, 0);
	assert_true(vmm_heard(domid, VMCTL_PAUSE));
	assert_true(domtab_get(&guests, domid)->paused);
	goes_on(domid, connections, free);
}

/* How a save fails: the guest goes on, and the user is told why. */
static void save_fails(uint32_t domid, uint32_t connections, uint64_t free, const char *why)
{
	assert_true(screen_has(why));
	assert_true(screen_has("Failed to save domain, resuming domain\r\n"));
	goes_on(domid, connections, free);
}

#define GOOD "name='a'\ntype='pvh'\nmemory=64\nkernel='/guests/vmlinuz'\n"

void a_save_fails(void **state)
{
	static char long_text[VMCTL_CONFIG_MAX + 2];
	uint32_t domid = guest_created("create /guests/a.cfg\r", "a"),
		 connections = connections_of(domid);
	uint64_t free = guest_pool.free;

	(void)state;
	type("save a /no/such; echo $?\r");
	assert_true(screen_has("'/no/such' is not a partition") && screen_has("\r\n1\r\n"));
	type("save a " IMAGE " /guests/bad.cfg; echo $?\r");
	assert_true(screen_has("has mistakes; nothing is saved\r\n1\r\n"));
	memset(long_text, '#', sizeof(long_text) - 1);
	memcpy(long_text, GOOD, sizeof(GOOD) - 1);
	file_add("/more/long.cfg", long_text);
	type("save a " IMAGE " /more/long.cfg; echo $?\r");
	assert_true(screen_has("is too long to be saved with the guest\r\n1\r\n"));
	world.fail_service = SERVICE_STORAGE;
	world.fail_rc = -SK_E_BUSY;
	type(SAVE);
	world.fail_rc = 0;
	assert_true(screen_has("partition 'image' is in use") && screen_has("skerry# "));
	assert_false(is_asked(domid));
	type("pause a\r" SAVE);
	assert_true(screen_has("is paused"));
	type("unpause a\r");
	type(SAVE);
	suspended(domid);
	vmm_says(domid, VMCTL_SAVED, 1, "no\tspace", 9);
	save_fails(domid, connections, free, "save: no?space\r\n");
}

void a_guest_in_the_shim_is_not_saved(void **state)
{
	uint32_t domid = guest_created("create /guests/a.cfg type=\"pv\" maxmem=128\r", "a");

	(void)state;
	type("save -c a " IMAGE "\r");
	assert_true(screen_has("runs in Xen's shim") && screen_has("skerry# "));
	assert_false(is_asked(domid) || vmm_heard(domid, VMCTL_SAVE));
	guest_destroyed("a");
	world_at_rest();
}

static uint32_t n_saved;

static void one_saved(void *ctx, int status, const void *body, uint32_t len)
{
	(void)body;
	(void)len;
	assert_int_equal(status, 0);
	*(bool *)ctx = true;
	n_saved++;
}

/* Each request hears of its own guest. */
void two_guests_are_saved(void **state)
{
	static struct {
		struct ctl_save head;
		char text[5];
	} save = { .text = "x = 1" };
	uint32_t domid[2];
	bool done[2] = { false, false };

	(void)state;
	file_add("/more/b.cfg", "name='b'\ntype='pvh'\nmemory=64\nkernel='/guests/vmlinuz'\n");
	domid[0] = guest_created("create /guests/a.cfg\r", "a");
	domid[1] = guest_created("create /more/b.cfg\r", "b");
	for (int i = 0; i < 2; i++) {
		save.head.domid = domid[i];
		(void)snprintf(save.head.image.label, DISK_LABEL_SIZE, "image%d", i);
		assert_true(ask_send(&(struct ask){ .op = CTL_SAVE,
			.body = &save,
			.len = sizeof(save.head) + sizeof(save.text),
			.fn = one_saved,
			.ctx = &done[i] }));
		world_run();
		assert_string_equal(vmm_asks_text(domid[i]), "x = 1");
		suspended(domid[i]);
	}
	vmm_says(domid[1], VMCTL_SAVED, 0, NULL, 0);
	assert_int_equal(n_saved, 1);
	assert_true(done[1]);
	vmm_says(domid[0], VMCTL_SAVED, 0, NULL, 0);
	assert_true(done[0]);
	guest_ends(domid[1]);
	guest_ends(domid[0]);
	world_at_rest();
}

#define DUMP "dump-core a " IMAGE "; echo $?\r"

/* The guest is not asked for anything. */
static void core_is_written(uint32_t domid, const char *why, const char *said)
{
	uint32_t connections = connections_of(domid);
	uint64_t free = guest_pool.free;

	type(DUMP);
	assert_true(vmm_heard(domid, VMCTL_SAVE));
	assert_int_equal(vmm_to_save(domid)->kind, VMCTL_SAVE_CORE);
	assert_string_equal(vmm_to_save(domid)->channel.name, "image");
	assert_string_equal(asked_down(domid), "");
	assert_int_equal(connections_of(domid), connections + 1);
	assert_false(screen_has("skerry# "));
	vmm_says(domid, VMCTL_SAVED, why != NULL, why, why ? (uint16_t)strlen(why) + 1 : 0);
	assert_true(screen_has(said));
	assert_false(vmm_heard(domid, VMCTL_RESUME));
	assert_int_equal(connections_of(domid), connections);
	assert_true(guest_pool.free == free);
}

void cores_are_written(void **state)
{
	uint32_t domid;

	(void)state;
	file_add("/more/kept.cfg",
		"name='a'\ntype='pvh'\nmemory=64\nkernel='/guests/vmlinuz'\non_crash='preserve'\n");
	domid = guest_created("create /more/kept.cfg\r", "a");
	core_is_written(domid, NULL, "\r\n0\r\nskerry# ");
	assert_int_equal(domtab_get(&guests, domid)->state, DOM_LIVE);
	type("pause a\r");
	core_is_written(domid, "no space", "dump-core: no space\r\n1\r\n");
	type("dump-core a /no/such; echo $?\r");
	assert_true(screen_has("dump-core: ") && screen_has("\r\n1\r\n"));
	type("unpause a\r");
	/* one at a time */
	type(DUMP);
	type("\x03");
	type(DUMP);
	assert_true(screen_has("is being saved already\r\n1\r\n"));
	vmm_says(domid, VMCTL_SAVED, 0, NULL, 0);
	/* a guest that stops for nobody meanwhile goes on */
	type(DUMP);
	vmm_says(domid, VMCTL_SHUTDOWN, REASON_SUSPEND, NULL, 0);
	assert_false(vmm_heard(domid, VMCTL_RESUME));
	vmm_says(domid, VMCTL_SAVED, 0, NULL, 0);
	assert_true(vmm_heard(domid, VMCTL_RESUME));
	/* one that has crashed stays as it is */
	vmm_says(domid, VMCTL_SHUTDOWN, REASON_CRASH, NULL, 0);
	core_is_written(domid, NULL, "\r\n0\r\nskerry# ");
	assert_int_equal(domtab_get(&guests, domid)->state, DOM_DOWN);
	/* its end ends the core */
	type(DUMP);
	type("\x03");
	type("destroy a\r");
	guest_ends(domid);
	world_at_rest();
}

/* With on_crash='coredump-destroy' and a partition for cores. */
static uint32_t guest_crashed(void)
{
	uint32_t domid = guest_created("create /more/core.cfg\r", "a");

	strcpy(domtab_get(&guests, domid)->config->core_label, "image");
	vmm_says(domid, VMCTL_SHUTDOWN, REASON_CRASH, NULL, 0);
	return domid;
}

static void core_begun(uint32_t domid)
{
	assert_true(vmm_heard(domid, VMCTL_SAVE));
	assert_int_equal(vmm_to_save(domid)->kind, VMCTL_SAVE_CORE);
	assert_false(vmm_heard(domid, VMCTL_QUIESCE));
	assert_int_equal(domtab_get(&guests, domid)->state, DOM_DOWN);
}

void cores_of_guests_that_crash(void **state)
{
	static const char full[] = "no space";
	uint32_t domid;

	(void)state;
	file_add("/more/core.cfg",
		"name='a'\ntype='pvh'\nmemory=64\nkernel='/guests/vmlinuz'\non_crash='coredump-destroy'\n");
	domid = guest_crashed();
	core_begun(domid);
	vmm_says(domid, VMCTL_SAVED, 0, NULL, 0);
	guest_ends(domid);
	world_at_rest();
	/* the action goes on if that fails */
	domid = guest_crashed();
	core_begun(domid);
	vmm_says(domid, VMCTL_SAVED, 1, full, sizeof(full));
	guest_ends(domid);
	world_at_rest();
	/* the user need not wait for it */
	domid = guest_crashed();
	core_begun(domid);
	type("destroy a\r");
	guest_ends(domid);
	world_at_rest();
}

void a_guest_does_not_stop_to_be_saved(void **state)
{
	uint32_t domid = guest_created("create /guests/a.cfg\r", "a"), other,
		 connections = connections_of(domid);
	uint64_t free = guest_pool.free;

	(void)state;
	type(SAVE);
	copied(domid);
	timers_expire();
	assert_true(screen_has("guest didn't acknowledge suspend, cancelling request"));
	assert_string_equal(asked_down(domid), "");
	assert_false(vmm_heard(domid, VMCTL_RESUME));
	/* it stops all the same */
	vmm_says(domid, VMCTL_SHUTDOWN, REASON_SUSPEND, NULL, 0);
	goes_on(domid, connections, free);
	for (int asked = 0; asked < 2; asked++) {
		other = guest_created("create /guests/a.cfg\r", "a");
		type(SAVE);
		if (asked)
			copied(other);
		vmm_says(other, VMCTL_SHUTDOWN, REASON_POWEROFF, NULL, 0);
		guest_ends(other);
		assert_true(screen_has("shut down instead of being suspended"));
		world_at_rest();
	}
}

/* While its VMM copies, while it is to stop, and when it has stopped. */
void a_vmm_fails_while_it_saves(void **state)
{
	static void (*const before[])(uint32_t domid) = { NULL, copied, suspended };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(before); i++) {
		uint32_t domid = guest_saving(SAVE);

		if (before[i])
			before[i](domid);
		guest_vmm_died(domid, "ended");
		guests_run();
		world_run();
		assert_true(screen_has("save: its VMM died") &&
			    screen_has("Failed to save domain"));
		world_at_rest(); /* on_crash */
	}
	for (size_t i = 0; i < ARRAY_SIZE(before); i++) {
		uint32_t domid = guest_saving(SAVE);

		if (before[i])
			before[i](domid);
		vmm_says(domid, VMCTL_SAVED, 1, "no space", 9);
		assert_true(screen_has("save: no space\r\n"));
		assert_int_equal(vmm_heard(domid, VMCTL_RESUME), before[i] == suspended);
		assert_false(is_asked(domid));
		guest_destroyed("a");
	}
	world_at_rest();
}

void a_guest_ends_while_it_is_saved(void **state)
{
	uint32_t domid = guest_saving(SAVE);

	(void)state;
	type("\3"); /* nobody waits any more */
	guest_destroyed("a");
	domid = guest_saving(SAVE);
	suspended(domid);
	type("\3");
	guest_destroyed("a");
	/* nothing is saved before the guest has stopped, whatever its VMM says */
	domid = guest_saving(SAVE);
	vmm_says(domid, VMCTL_SAVED, 0, NULL, 0);
	assert_true(screen_has("save: the VMM could not save the guest\r\n"));
	vmm_says(domid, VMCTL_COPIED, 0, NULL, 0);
	assert_false(is_asked(domid));
	guest_destroyed("a");
	world_at_rest();
	/* a VMM that asks for what is not there */
	domid = guest_saving(SAVE);
	vmm_says(domid, VMCTL_TEXT, 1u << 20, NULL, 0);
	assert_non_null(strstr(world.log, "broke the protocol"));
	world_at_rest();
}

/* ---- restore ---- */

#define SAVED_TEXT \
	"name='r'\ntype='pvh'\nmemory=64\nkernel='/guests/vmlinuz'\n" \
	"disk=['phy:/dev/disk/by-partlabel/root,xvda,w']\n"

/* The VMM that reads sends the text, in two pieces, and fails. */
static void config_sent(uint32_t domid, const char *text)
{
	uint16_t len = (uint16_t)strlen(text), half = len / 2;

	assert_int_equal(vmm_config(domid)->restore, VM_READ_CONFIG);
	assert_int_equal(connections_of(domid), 4); /* log, console, xenstore, image */
	vmm_says(domid, VMCTL_CONFIG, 0, text, half);
	vmm_says(domid, VMCTL_CONFIG, half, text + half, (uint16_t)(len - half));
	vmm_says(domid, VMCTL_CONFIG, len, NULL, 0);
	vmm_says(domid, VMCTL_FAILED, 0, "read", 5);
}

static uint32_t reader_of(void)
{
	struct dom *d = domtab_next(&guests, 0);

	assert_non_null(d);
	assert_memory_equal(d->name, "restore-", 8);
	return d->domid;
}

void a_guest_is_restored(void **state)
{
	uint32_t domid;

	(void)state;
	type("restore " IMAGE "\r");
	config_sent(reader_of(), SAVED_TEXT);
	assert_false(screen_has("skerry# "));
	domid = domid_of("r");
	assert_int_equal(vmm_config(domid)->restore, VM_RESTORE);
	assert_int_equal(connections_of(domid), 5); /* and a disk */
	vmm_says(domid, VMCTL_READY, 0, NULL, 0);
	assert_true(screen_has("skerry# "));
	assert_int_equal(connections_of(domid), 4);
	type("destroy r\r");
	guest_ends(domid);
	/* with a file of the user's, nobody has to read the text */
	type("restore -p /guests/a.cfg phy:" IMAGE "\r");
	domid = domid_of("a");
	assert_int_equal(vmm_config(domid)->restore, VM_RESTORE);
	assert_int_equal(vmm_config(domid)->start_paused, 1);
	vmm_says(domid, VMCTL_READY, 0, NULL, 0);
	guest_destroyed("a");
	world_at_rest();
}

/* What is restored gets memory beyond that of its start before it is there. */
void a_restored_guest_grows(void **state)
{
	uint32_t knows = 32, domid;

	(void)state;
	file_add("/more/grow.cfg",
		"name='g'\ntype='pvh'\nmemory=64\nmaxmem=128\nkernel='/guests/vmlinuz'\n");
	type("restore /more/grow.cfg " IMAGE "\r");
	domid = domid_of("g");
	vmm_says(domid, VMCTL_GROW, 3, &knows, sizeof(knows));
	assert_true(vmm_heard(domid, VMCTL_GROWN));
	assert_int_equal(vmm_heard_arg(domid), 3);
	vmm_says(domid, VMCTL_FAILED, 0, "altered", 8);
	assert_true(screen_has("restore: altered\r\n"));
	world_at_rest();
}

void a_restoration_fails(void **state)
{
	uint32_t domid;

	(void)state;
	type("restore /no/such\r");
	assert_true(screen_has("'/no/such' is not a partition"));
	type("restore " IMAGE "\r");
	vmm_says(reader_of(), VMCTL_FAILED, 0, "no saved guest", 15);
	assert_true(screen_has("restore: no saved guest\r\nskerry# "));
	world_at_rest();
	type("restore " IMAGE "\r");
	config_sent(reader_of(), "name='r'\nmemory=lots\n");
	assert_true(screen_has("no guest is made\r\nskerry# "));
	world_at_rest();
	/* bytes that are not the next ones, and more than there can be */
	type("restore " IMAGE "\r");
	domid = reader_of();
	vmm_says(domid, VMCTL_CONFIG, 1, "x", 1);
	assert_true(screen_has("its VMM broke the protocol"));
	world_at_rest();
	type("restore " IMAGE "\r");
	domid = reader_of();
	for (uint32_t at = 0; domtab_get(&guests, domid) && at < 65536; at += 128)
		vmm_says(domid, VMCTL_CONFIG, at, SAVED_TEXT SAVED_TEXT, 128);
	assert_true(screen_has("its VMM broke the protocol"));
	world_at_rest();
	/* any other guest has none to send */
	domid = guest_created("create /guests/a.cfg\r", "a");
	vmm_says(domid, VMCTL_CONFIG, 0, "x", 1);
	assert_non_null(strstr(world.log, "broke the protocol"));
	world_at_rest();
}
