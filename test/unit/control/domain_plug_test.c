/* SPDX-License-Identifier: BSD-2-Clause */
/* domain_plug_test.c - the control domain: devices that a running guest gets and loses */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "domain_cases.h"
#include "fake_parts.h"
#include "base/array.h"

#define ATTACH "block-attach a phy:/dev/disk/by-partlabel/data,xvdb,w\r"

/* The VMM says that it has these devices, and has done what it was told last. */
static void vmm_has(uint32_t domid, uint32_t seats, uint32_t number)
{
	vmm_says(domid, VMCTL_DEVICES, seats, &number, sizeof(number));
}

static const char *node_of(uint32_t domid, const char *fmt)
{
	char path[96];

	snprintf(path, sizeof(path), fmt, domid);
	return node_value(path);
}

/* Seat 1 is the first free one for a disk: a.cfg has one disk. */
static void disk_plugged(uint32_t domid)
{
	type(ATTACH);
	assert_true(vmm_heard(domid, VMCTL_PLUG));
	assert_int_equal(vmm_plugged(domid)->seat, 1);
	assert_int_equal(vmm_plugged(domid)->disk.vdev, 51728);
	assert_string_equal(vmm_plugged(domid)->disk.channel, "disk1");
	assert_string_equal(vmm_plugged(domid)->channel.name, "disk1");
	assert_int_equal(vmm_plugged(domid)->channel.bit, 8); /* the others are in use */
	assert_false(screen_has("skerry# "));
	vmm_has(domid, 3, vmm_plugged(domid)->number);
	assert_true(screen_has("skerry# "));
}

static void disk_unplugged(uint32_t domid)
{
	type("block-detach a xvdb\r");
	assert_true(vmm_heard(domid, VMCTL_UNPLUG));
	assert_int_equal(vmm_to_go(domid)->seat, 1);
	assert_false(screen_has("skerry# "));
	vmm_has(domid, 1, vmm_to_go(domid)->number);
	assert_true(screen_has("skerry# "));
}

/* What a guest holds: it must be the same before and after. */
struct holding {
	uint64_t free;
	uint32_t slots, connections;
	size_t nodes;
};

static struct holding holding(uint32_t domid)
{
	return (struct holding){ guest_pool.free, world.slots, connections_of(domid),
		node_count() };
}

#define assert_holds(domid, was) \
	do { \
		struct holding now = holding(domid); \
		assert_memory_equal(&now, &(was), sizeof(now)); \
	} while (0)

void plugs_are_tried(void **state)
{
	uint32_t domid = guest_created("create /guests/a.cfg\r", "a");
	struct holding before = holding(domid);

	(void)state;
	type("xl -N block-attach a phy:/dev/disk/by-partlabel/b xvdb r; echo $?\r");
	assert_true(
		screen_has("\r\ndisk: {\r\n    \"pdev_path\": \"/dev/disk/by-partlabel/b\","));
	assert_true(screen_has("    \"readwrite\": 0,") && screen_has("}\r\n0\r\nskerry# "));
	type("xl -N network-attach a mac=00:16:3e:00:00:99\r");
	assert_true(screen_has("\r\nvif: {\r\n    \"mac\": \"00:16:3e:00:00:99\","));
	type("xl -N block-attach a phy:/dev/disk/by-partlabel/b xvdb x; echo $?\r");
	assert_true(screen_has("access") && screen_has("\r\n1\r\nskerry# "));
	assert_holds(domid, before);
	guest_destroyed("a");
	world_at_rest();
}

void disks_come_and_go(void **state)
{
	uint32_t domid = guest_created("create /guests/a.cfg\r", "a");
	struct holding before = holding(domid);

	(void)state;
	for (int i = 0; i < 3; i++) {
		disk_plugged(domid);
		assert_int_equal(before.free - guest_pool.free, 4 << 20);
		assert_int_equal(connections_of(domid), before.connections + 1);
		assert_string_equal(
			node_of(domid, "/local/domain/%u/device/vbd/51728/state"), "1");
		assert_string_equal(
			node_of(domid, "/local/domain/0/backend/vbd/%u/51728/online"), "1");
		type("create -n /guests/a.cfg; echo $?\r"); /* others are not disturbed */
		type(ATTACH);
		assert_true(screen_has("has xvdb already\r\nskerry# "));
		disk_unplugged(domid);
		assert_holds(domid, before);
	}
	/* one that the guest had from the start */
	type("block-detach a 51712\r");
	assert_int_equal(vmm_to_go(domid)->seat, 0);
	vmm_has(domid, 0, vmm_to_go(domid)->number);
	assert_int_equal(guest_pool.free - before.free, 2 << 20);
	type("block-list a | grep -c vbd\r");
	assert_true(screen_has("\r\n0\r\n"));
	type(ATTACH);
	assert_int_equal(vmm_plugged(domid)->seat, 0);
	vmm_has(domid, 1, vmm_plugged(domid)->number);
	guest_destroyed("a");
	world_at_rest();
}

void vifs_come_and_go(void **state)
{
	uint32_t domid = guest_created("create /guests/a.cfg\r", "a");
	struct holding before = holding(domid);

	(void)state;
	type("network-attach a mac=00:16:3e:00:00:77 bridge=xenbr0 foo=1\r");
	assert_true(screen_has("foo"));
	assert_int_equal(vmm_plugged(domid)->seat, GUEST_DISKS_MAX + 1);
	assert_int_equal(vmm_plugged(domid)->vif.devid, 1);
	assert_memory_equal(vmm_plugged(domid)->vif.mac, "\0\x16\x3e\0\0\x77", 6);
	vmm_has(domid, 1u << 8 | 1u << 9 | 1, vmm_plugged(domid)->number);
	assert_string_equal(
		node_of(domid, "/local/domain/%u/device/vif/1/mac"), "00:16:3e:00:00:77");
	type("network-attach a mac=00:16:3e:00:00:77\r");
	assert_true(screen_has("has mac=00:16:3e:00:00:77 already, as its vif 1"));
	type("network-attach a devid=3\r");
	assert_true(screen_has("remove devid="));
	type("network-attach a mac=nonsense; echo $?\r");
	assert_true(screen_has("\r\n1\r\n"));
	type("network-detach a 7\r");
	assert_true(screen_has("has no vif '7'"));
	type("network-detach a 00:16:3E:00:00:77\r");
	/* the guest does not let go: it loses the vif after a while, as with xl */
	assert_int_equal(vmm_to_go(domid)->how, 0);
	timers_expire();
	assert_int_equal(vmm_to_go(domid)->how, 1);
	assert_false(screen_has("skerry# "));
	vmm_has(domid, 1u << 8 | 1, vmm_to_go(domid)->number);
	assert_true(screen_has("skerry# "));
	assert_holds(domid, before);
	guest_destroyed("a");
	world_at_rest();
}

void plugs_that_fail(void **state)
{
	uint32_t domid = guest_created("create /guests/a.cfg\r", "a"), number;
	struct holding before = holding(domid);

	(void)state;
	type("block-attach a phy:/dev/disk/by-partlabel/data,xvdq9x,w; echo $?\r");
	assert_true(screen_has("\r\n1\r\n"));
	type("block-attach nobody x\r");
	assert_true(screen_has("nobody is an invalid domain identifier"));
	type("block-detach a xvdz\r");
	assert_true(screen_has("has no disk 'xvdz'"));
	assert_holds(domid, before);

	/* storage refuses, or makes a connection that is of no use */
	world.fail_service = SERVICE_STORAGE;
	world.fail_rc = -SK_E_BUSY;
	type(ATTACH "echo $?\r");
	assert_true(screen_has("is in use by another guest or the host"));
	assert_true(screen_has("\r\n1\r\n"));
	world.fail_rc = 0;
	assert_holds(domid, before);
	world.no_channel = true;
	type(ATTACH);
	world.no_channel = false;
	assert_true(screen_has("xvdb: storage refused"));
	assert_holds(domid, before);

	/* the VMM cannot add it; what it said about earlier ones does not count */
	type(ATTACH);
	number = vmm_plugged(domid)->number;
	vmm_has(domid, 1, number - 1);
	vmm_has(domid, 3, number + 1);
	assert_false(screen_has("skerry# "));
	vmm_has(domid, 1, number);
	assert_true(screen_has("the VMM could not add it"));
	assert_holds(domid, before);

	/* xenstore refuses one of its nodes, not the last */
	world.refuse_node = "/virtual-device";
	type(ATTACH);
	vmm_has(domid, 3, vmm_plugged(domid)->number);
	world.refuse_node = NULL;
	assert_int_equal(vmm_to_go(domid)->how, 1);
	vmm_has(domid, 1, vmm_to_go(domid)->number);
	assert_true(screen_has("xenstore refused the device's nodes"));
	assert_holds(domid, before);

	/* the scribe has written its nodes, or not: nobody knows */
	type(ATTACH);
	world.scribe_dies = true;
	scribe_loses_the_next();
	vmm_has(domid, 3, vmm_plugged(domid)->number);
	world.scribe_dies = false;
	assert_int_equal(vmm_to_go(domid)->how, 1);
	vmm_has(domid, 1, vmm_to_go(domid)->number);
	assert_true(screen_has("xenstore refused the device's nodes"));
	assert_holds(domid, before);

	/* the user leaves; it goes on */
	type(ATTACH);
	type("\x03");
	assert_true(screen_has("skerry# "));
	type("block-detach a xvdb\r");
	assert_true(screen_has("another device of domain"));
	vmm_has(domid, 3, vmm_plugged(domid)->number);
	disk_unplugged(domid);
	assert_holds(domid, before);

	/* the guest keeps the disk until it is taken by force */
	disk_plugged(domid);
	type("block-detach a xvdb\r");
	timers_expire();
	assert_true(screen_has("the guest has not let go of it"));
	assert_int_equal(vmm_to_go(domid)->how, 0);
	number = vmm_to_go(domid)->number;
	type("block-detach -f a xvdb\r");
	assert_int_equal(vmm_to_go(domid)->how, 1);
	vmm_has(domid, 1, number); /* not the last one */
	assert_false(screen_has("skerry# "));
	vmm_has(domid, 1, vmm_to_go(domid)->number);
	assert_true(screen_has("skerry# "));
	assert_holds(domid, before);
	guest_destroyed("a");
	world_at_rest();
}

#define EMPTY(seat) (1u << (seat) | 1u << (VMCTL_EMPTY + (seat)))
#define INSERT(label) "cd-insert a xvdc /dev/disk/by-partlabel/" label "\r"

/* The drive is in seat 1. */
static void drive_attached(uint32_t domid)
{
	type("block-attach a ,,xvdc:cdrom,r\r");
	assert_int_equal(vmm_plugged(domid)->seat, 1);
	assert_int_equal(vmm_plugged(domid)->disk.empty, 1);
	assert_string_equal(vmm_plugged(domid)->channel.name, "");
	vmm_has(domid, 1 | EMPTY(1), vmm_plugged(domid)->number);
	assert_true(screen_has("skerry# "));
	assert_string_equal(node_of(domid, "/local/domain/0/backend/vbd/%u/51744/params"), "");
	assert_string_equal(
		node_of(domid, "/local/domain/0/backend/vbd/%u/51744/device-type"), "cdrom");
}

/* The VMM has taken the medium, which it was told of. */
static void medium_comes(uint32_t domid)
{
	assert_int_equal(vmm_plugged(domid)->seat, 1);
	assert_int_equal(vmm_plugged(domid)->disk.empty, 0);
	assert_string_equal(vmm_plugged(domid)->channel.name, "disk1");
	assert_false(screen_has("skerry# "));
	vmm_has(domid, 3, vmm_plugged(domid)->number);
	assert_true(screen_has("skerry# "));
}

static void medium_goes(uint32_t domid)
{
	assert_int_equal(vmm_to_go(domid)->seat, 1);
	assert_int_equal(vmm_to_go(domid)->how, VMCTL_UNPLUG_MEDIUM);
	vmm_has(domid, 3, vmm_to_go(domid)->number - 1);
	assert_false(screen_has("skerry# "));
	vmm_has(domid, 1 | EMPTY(1), vmm_to_go(domid)->number);
}

static const char *params(uint32_t domid)
{
	return node_of(domid, "/local/domain/0/backend/vbd/%u/51744/params");
}

void media_come_and_go(void **state)
{
	uint32_t domid = guest_created("create /guests/a.cfg\r", "a");
	struct holding before = holding(domid), empty;

	(void)state;
	drive_attached(domid);
	empty = holding(domid);
	assert_int_equal(empty.free, before.free);
	assert_int_equal(empty.connections, before.connections);
	for (int i = 0; i < 2; i++) {
		type(INSERT("data"));
		medium_comes(domid);
		assert_string_equal(params(domid), "/dev/disk/by-partlabel/data");
		assert_int_equal(connections_of(domid), before.connections + 1);
		/* another one takes its place */
		type(INSERT("image"));
		medium_goes(domid);
		assert_string_equal(params(domid), "");
		medium_comes(domid);
		assert_string_equal(params(domid), "/dev/disk/by-partlabel/image");
		type("cd-eject a xvdc\r");
		medium_goes(domid);
		assert_true(screen_has("skerry# "));
		assert_holds(domid, empty);
	}
	/* a drive goes with what is in it, or empty */
	type("block-detach a xvdc\r");
	assert_int_equal(vmm_to_go(domid)->how, VMCTL_UNPLUG_ASK);
	vmm_has(domid, 1, vmm_to_go(domid)->number);
	assert_true(screen_has("skerry# "));
	assert_holds(domid, before);
	drive_attached(domid);
	type(INSERT("data"));
	medium_comes(domid);
	type("block-detach a xvdc\r");
	vmm_has(domid, 1, vmm_to_go(domid)->number);
	assert_holds(domid, before);
	guest_destroyed("a");
	world_at_rest();
}

void media_that_fail(void **state)
{
	uint32_t domid = guest_created("create /guests/a.cfg\r", "a");
	struct holding empty;

	(void)state;
	drive_attached(domid);
	empty = holding(domid);
	type("cd-eject a xvdc; echo $?\r");
	assert_true(screen_has("xvdc: the drive is empty\r\n1\r\n"));
	type("cd-eject a xvda\r"); /* a disk */
	assert_true(screen_has("has no cdrom drive 'xvda'"));
	type("cd-insert a xvda /dev/disk/by-partlabel/data\r");
	assert_true(screen_has("has no cdrom drive xvda"));
	type("cd-insert a xvdc ''\r");
	assert_true(screen_has("use cd-eject"));
	type("cd-insert a xvdc /elsewhere\r");
	assert_true(screen_has("not a partition of this host"));
	assert_holds(domid, empty);

	world.fail_service = SERVICE_STORAGE;
	world.fail_rc = -SK_E_BUSY;
	type(INSERT("data"));
	world.fail_rc = 0;
	assert_true(screen_has("xvdc: partition 'data' is in use"));
	assert_holds(domid, empty);

	/* the VMM cannot use it: the drive is empty as before */
	type(INSERT("data"));
	vmm_has(domid, 1 | EMPTY(1), vmm_plugged(domid)->number);
	assert_true(screen_has("the VMM could not add it"));
	assert_string_equal(params(domid), "");
	assert_holds(domid, empty);

	/* it takes long to go: that is said, and goes on */
	type(INSERT("data"));
	medium_comes(domid);
	type("cd-eject a xvdc\r");
	timers_expire();
	assert_true(screen_has("this takes long; it goes on"));
	assert_int_equal(vmm_to_go(domid)->how, VMCTL_UNPLUG_MEDIUM);
	vmm_has(domid, 1 | EMPTY(1), vmm_to_go(domid)->number);
	assert_holds(domid, empty);

	/* xenstore refuses to say what is in the drive */
	world.refuse_node = "/params";
	type(INSERT("data"));
	vmm_has(domid, 3, vmm_plugged(domid)->number);
	world.refuse_node = NULL;
	assert_int_equal(vmm_to_go(domid)->how, VMCTL_UNPLUG_MEDIUM);
	vmm_has(domid, 1 | EMPTY(1), vmm_to_go(domid)->number);
	assert_true(screen_has("xenstore refused the device's nodes"));
	assert_holds(domid, empty);
	guest_destroyed("a");
	world_at_rest();
}

/* A guest ends at each step of a device's way in and out. */
void plugs_of_guests_that_end(void **state)
{
	uint32_t domid;

	(void)state;
	for (int step = 0; step < 5; step++) {
		domid = guest_created("create /guests/a.cfg\r", "a");
		if (step == 0) {
			world.fail_service = SERVICE_STORAGE;
			world.hold = true;
			type(ATTACH);
			type("\x03");
		} else if (step == 1) {
			type(ATTACH);
			type("\x03");
		} else {
			disk_plugged(domid);
		}
		if (step >= 3) {
			type("block-detach a xvdb\r");
			type("\x03");
			world.hold = step == 4;
			vmm_has(domid, 1, vmm_to_go(domid)->number);
		}
		type("destroy a\r\x03");
		vmm_says(domid, VMCTL_QUIESCED, 0, NULL, 0);
		world.hold = false;
		world_run();
		timers_expire();
		world_at_rest();
	}
}

/* storage begins a new life while a device comes or goes. */
void storage_dies_while_a_disk_comes(void **state)
{
	uint32_t domid = guest_created("create /guests/a.cfg\r", "a");

	(void)state;
	disk_plugged(domid);
	service_dies(SERVICE_STORAGE);
	timers_expire();
	assert_int_equal(connections_of(domid), guest_of(domtab_get(&guests, domid))->n_conns);
	type("block-detach a xvdb\r");
	service_dies(SERVICE_STORAGE);
	vmm_has(domid, 1, vmm_to_go(domid)->number);
	timers_expire();
	assert_true(screen_has("skerry# "));
	assert_int_equal(connections_of(domid), guest_of(domtab_get(&guests, domid))->n_conns);
	world.dying = SERVICE_STORAGE;
	world.dies_in = 1;
	type(ATTACH);
	timers_expire();
	assert_true(screen_has("skerry# "));
	guest_destroyed("a");
	world_at_rest();
}

/* A message about devices that is malformed is a breach. */
void a_vmm_lies_about_devices(void **state)
{
	uint32_t domid = guest_created("create /guests/a.cfg\r", "a");
	uint32_t number = 7;

	(void)state;
	vmm_has(domid, UINT32_MAX, UINT32_MAX);
	vmm_has(domid, 0, 0);
	disk_plugged(domid);
	vmm_says(domid, VMCTL_DEVICES, 0, &number, 2);
	timers_expire();
	type("list\r");
	timers_expire();
	assert_false(screen_has("\r\na  "));
	world_at_rest();
}
