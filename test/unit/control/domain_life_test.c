/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * domain_life_test.c - the control domain: guests die, start again and share CPUs; the host
 * goes down
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
#include "sys/sk.h"

void vmm_dies(void **state)
{
	uint32_t domid;

	(void)state;
	type("create /guests/a.cfg\r");
	guest_vmm_died(domid_of("a"), "faulted at 0x1, address 0x2");
	guests_run();
	world_run();
	assert_true(screen_has("create: its VMM died"));
	world_at_rest();
	domid = guest_created("create /guests/a.cfg\r", "a");
	guest_vmm_died(domid, "faulted at 0x1, address 0x2");
	guests_run();
	world_run();
	world_at_rest();
	domid = guest_created("create /guests/a.cfg\r", "a");
	assert_false(vmm_babbles(domid, 63));
	assert_true(vmm_babbles(domid, 65)); /* other work has its turn first */
	vmm_garbage(domid);
	world_at_rest();
	domid = guest_created("create /guests/a.cfg\r", "a");
	vmm_says(domid, VMCTL_FAILED, 0, "ha", 2); /* READY came before, so this is too late */
	assert_null(domtab_get(&guests, domid));
	world_at_rest();
	domid = guest_created("create /guests/a.cfg 'on_crash=\"preserve\"'\r", "a");
	vmm_says(domid, VMCTL_FAILED, 0, "ha", 2);
	assert_int_equal(domtab_get(&guests, domid)->state, DOM_DOWN);
	assert_int_equal(domtab_get(&guests, domid)->reason, REASON_CRASH);
	assert_false(vmm_babbles(domid, 65)); /* control has stopped listening to it */
	/* and it does not run */
	assert_int_equal(guest_of(domtab_get(&guests, domid))->sched[0], 0);
	type("list a\r");
	assert_true(screen_has("---sc-       6.0\r\n"));
	type("destroy a\r");
	world_at_rest();
	domid = guest_created("create /guests/a.cfg 'on_crash=\"preserve\"'\r", "a");
	memset(world.log, 0, sizeof(world.log));
	for (int i = 0; i < 5; i++)
		guest_vmm_died(domid, "ended");
	guests_run();
	assert_int_equal(guest_of(domtab_get(&guests, domid))->sched[1], 0);
	assert_non_null(strstr(world.log, "(a) ended\n"));
	assert_null(strstr(strstr(world.log, "(a) ended\n") + 1, "(a) ended\n"));
	type("destroy a\r");
	world_at_rest();
	type("create /guests/a.cfg\r");
	domid = domid_of("a");
	type("\x03"
	     /* destroyed while it builds; it then fails, so no VMM has to quiesce */
	     "destroy a\r");
	vmm_says(domid, VMCTL_FAILED, 0, NULL, 0);
	world_at_rest();
	domid = guest_created("create /guests/a.cfg\r", "a");
	type("destroy a\r");
	timers_expire(); /* it never answers QUIESCE */
	assert_true(screen_has("skerry# "));
	world_at_rest();
}

void shutdown_and_reboot(void **state)
{
	char path[64];
	uint32_t domid = guest_created("create /guests/a.cfg\r", "a");

	(void)state;
	type("shutdown -w a\r");
	snprintf(path, sizeof(path), "/local/domain/%u/control/shutdown", domid);
	assert_string_equal(node_value(path), "poweroff");
	assert_int_equal(node_perms(path)[0], 'n'); /* the guest owns the node */
	assert_false(screen_has("skerry# "));
	vmm_says(domid, VMCTL_SHUTDOWN, REASON_POWEROFF, NULL, 0);
	assert_true(screen_has("has been shut down, reason code 0"));
	assert_false(screen_has("skerry# ")); /* `list` would still show the guest */
	guest_ends(domid);
	assert_true(screen_has("skerry# "));
	assert_false(screen_has("has been destroyed"));
	world_at_rest();
	domid = guest_created("create /guests/a.cfg on_poweroff='\"preserve\"'\r", "a");
	type("shutdown -w a\r");
	vmm_says(domid, VMCTL_SHUTDOWN, REASON_POWEROFF, NULL, 0);
	assert_true(screen_has("has been shut down, reason code 0") && screen_has("skerry# "));
	guest_destroyed("a");
	world_at_rest();
	domid = guest_created("create /guests/a.cfg\r", "a");
	type("reboot a\r");
	assert_true(screen_has("skerry# "));
	vmm_says(domid, VMCTL_SHUTDOWN, REASON_REBOOT, NULL, 0);
	guest_ends(domid);
	assert_int_equal(domid_of("a"), domid + 1);
	vmm_says(domid + 1, VMCTL_READY, 0, NULL, 0);
	guest_destroyed("a");
	world_at_rest();
}

/*
 * A guest that crashes right after each start: `list` and the log say what will be done, and
 * all verbs cope with it.
 */
void crashes_in_a_loop(void **state)
{
	static const char *const verbs[] = { "console a\r", "pause a\r", "shutdown -w a\r",
		"mem-set a 64\r", "vcpu-list a\r", "uptime a\r", "list -l a\r", "rename a b\r",
		"rename b a\r", "create /guests/a.cfg\r" };
	uint32_t domid = guest_created("create /guests/a.cfg 'on_crash=\"restart\"'\r", "a");

	(void)state;
	vmm_says(domid, VMCTL_SHUTDOWN, REASON_CRASH, NULL, 0);
	guest_ends(domid);
	domid = domid_of("a"); /* the first restart is immediate */
	vmm_says(domid, VMCTL_READY, 0, NULL, 0);
	memset(world.log, 0, sizeof(world.log));
	vmm_says(domid, VMCTL_SHUTDOWN, REASON_CRASH, NULL, 0);
	assert_non_null(
		strstr(world.log, "(a) ended 2 times in a row within 60 s of its start: "
				  "it is started again 1 s later"));
	assert_int_equal(world.log_about, domid);
	guest_ends_resting(domid);
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
	assert_int_equal(node_count(), HOST_NODES); /* the renames left no nodes behind */
	timers_expire();
	assert_int_equal(domid_of("a"), domid); /* its delay is not over */
	world.later_ns += 1000000000;
	timers_expire();
	assert_int_equal(domid_of("a"), domid + 1);
	vmm_says(domid + 1, VMCTL_READY, 0, NULL, 0);
	vmm_says(domid + 1, VMCTL_SHUTDOWN, REASON_CRASH, NULL, 0);
	guest_ends_resting(domid + 1);
	type("destroy a\r");
	assert_true(screen_has("skerry# "));
	world.later_ns = 0;
	world_at_rest();
}

/* Both vCPUs of a guest want a whole CPU, and share one. */
void spreads(void **state)
{
	(void)state;
	(void)guest_created("create /guests/a.cfg cpu_weight=512 cpus=0\r", "a");
	type("vcpu-pin a all all\r");
	world.moves = 0;
	timers_expire(); /* no time has passed */
	assert_int_equal(world.moves, 0);
	world.later_ns += 1000000000;
	world.ran_ns += 900000000;
	timers_expire(); /* no vCPU waits */
	assert_int_equal(world.moves, 0);
	world.later_ns += 1000000000;
	world.ran_ns += 500000000;
	world.waited_ns += 500000000;
	timers_expire();
	assert_int_equal(world.moves, 1);
	assert_int_equal(world.moved.cpu, 1);
	assert_int_equal(world.moved.priority, host_priority(PRIORITY_VCPU) | SK_SCHED_GUESTS);
	assert_int_equal(world.moved.weight, 256);  /* each of two vCPUs has half */
	assert_int_equal(world.moved.period_us, 0); /* no cap */
	guest_destroyed("a");
	world.later_ns += 1000000000;
	assert_true(timers_set());
	timers_expire();
	assert_false(timers_set()); /* without guests the balancer does not run */
	world.later_ns = world.ran_ns = world.waited_ns = 0;
	world_at_rest();
}

/* One second passes, in which each vCPU runs vcpu_ms and the I/O thread io_ms. */
static void second(uint32_t vcpu_ms, uint32_t io_ms)
{
	world.later_ns += 1000000000;
	world.ran_ns += vcpu_ms * 1000000ull;
	world.io_ran_ns += io_ms * 1000000ull;
	timers_expire();
}

/* cap=50: time of the I/O thread is taken from the vCPUs, and an overrun is paid back. */
void caps_bind_all_threads(void **state)
{
	uint32_t domid;

	(void)state;
	type("create /guests/a.cfg cap=50\r");
	domid = domid_of("a");
	world.io = (struct proc_sched){ 0 };
	second(0, 900); /* the VMM still builds the guest, so there is no cap */
	assert_int_equal(world.io.period_us, 0);
	vmm_says(domid, VMCTL_READY, 0, NULL, 0);
	for (int i = 0; i < 5; i++)
		second(0, 0); /* pays back what ran before the first measurement */
	second(250, 0);
	assert_int_equal(world.io.period_us, 100000);
	assert_int_equal(world.io.budget_us, 25000);
	world.moves = 0;
	second(250, 200);
	assert_int_equal(world.moves, 2); /* 20 ms of I/O, and 20 ms of overrun */
	assert_int_equal(world.moved.budget_us, (50000 - 20000 - 20000) / 2);
	second(50, 200); /* the debt is paid */
	assert_int_equal(world.moved.budget_us, (50000 - 20000) / 2);
	second(150, 200);
	assert_int_equal(world.moves, 4); /* nothing changes */
	second(150, 0);
	assert_int_equal(world.moved.budget_us, 25000);
	guest_destroyed("a");
	timers_expire();
	world.later_ns = world.ran_ns = world.io_ran_ns = 0;
	world.moves = 0;
	world_at_rest();
}

/* The guests that were charged have been destroyed; clock and charges are as before them. */
static void charged_guests_gone(void)
{
	timers_expire();
	memset(world.worked_ns, 0, sizeof(world.worked_ns));
	world.later_ns = world.ran_ns = world.waited_ns = 0;
	world.moves = 0;
	world_at_rest();
}

/* One second, in which services work so long for each connection; vCPUs run a quarter of it. */
static void served_second(enum service s, uint32_t ms)
{
	world.worked_ns[s] += ms * 1000000ull;
	second(250, 0);
}

static uint64_t served_in_all_ms(uint32_t domid)
{
	return guest_of(domtab_get(&guests, domid))->served_in_all / 1000000;
}

/* cap=50: what services do for the guest is taken from its vCPUs. */
void caps_bind_services(void **state)
{
	uint32_t domid;

	(void)state;
	type("create /guests/a.cfg cap=50\r");
	domid = domid_of("a");
	vmm_says(domid, VMCTL_READY, 0, NULL, 0);
	for (int i = 0; i < 5; i++)
		second(0, 0);
	world.worked_ns[SERVICE_XENSTORE] = 1000000;
	second(0, 0); /* the first answer says where it is */
	assert_int_equal(served_in_all_ms(domid), 0);
	second(250, 0);
	world.moves = 0;
	served_second(SERVICE_XENSTORE, 500);
	assert_int_equal(world.moves, 0); /* the answer comes after it */
	assert_int_equal(served_in_all_ms(domid), 500);
	/* twice the cap: that is a debt, and they share what is left */
	second(250, 0);
	assert_int_equal(world.moved.budget_us, 6250 / 2 / 2);
	second(0, 0);
	second(0, 0);
	assert_int_equal(world.moved.budget_us, 50000 / 2);

	/* a service that was started again begins at 0 */
	world.worked_ns[SERVICE_XENSTORE] = 70000000;
	second(0, 0);
	assert_int_equal(served_in_all_ms(domid), 570);
	guest_destroyed("a");
	charged_guests_gone();
}

/*
 * xenstore works for two guests on the host's CPU, where vCPUs of both wait. One of them has a
 * small weight, and is limited to what that gives it.
 */
void services_take_no_more_than_a_share(void **state)
{
	uint32_t a = guest_created("create /guests/a.cfg cpu_weight=512 cpus=0\r", "a"),
		 b = guest_created("create /guests/b.cfg cpu_weight=64 cpus=0\r", "b");

	(void)state;
	vmm_says(a, VMCTL_READY, 0, NULL, 0);
	vmm_says(b, VMCTL_READY, 0, NULL, 0);
	served_second(SERVICE_XENSTORE, 1); /* the first answer */
	served_second(SERVICE_XENSTORE, 400);
	world.moves = 0;
	second(250, 0); /* nobody waits */
	assert_int_equal(guest_of(domtab_get(&guests, b))->cap.total_us, 0);
	world.worked_ns[SERVICE_XENSTORE] += 400 * 1000000ull;
	second(250, 0);
	world.waited_ns += 500000000;
	second(250, 0);
	assert_int_equal(guest_of(domtab_get(&guests, a))->cap.total_us, 0);
	/* 90 of 100 ms that were used, less what is beyond a ninth of the CPU */
	assert_in_range(guest_of(domtab_get(&guests, b))->cap.total_us,
		90000 * (100000 / 9) / 40000 - 10, 90000 * (100000 / 9) / 40000 + 10);
	assert_int_equal(world.moves, 2); /* its two vCPUs */
	for (int i = 0; i < 4; i++)
		second(250, 0);
	assert_int_equal(guest_of(domtab_get(&guests, b))->cap.total_us, 0);
	assert_int_equal(world.moved.budget_us, 0);
	guest_destroyed("a");
	guest_destroyed("b");
	charged_guests_gone();
}

/* A small guest may take what others leave, and all of it while only its own vCPUs wait. */
void services_take_what_others_leave(void **state)
{
	uint32_t b = guest_created("create /guests/b.cfg cpu_weight=128 cpus=0\r", "b"),
		 a = guest_created("create /guests/a.cfg cpu_weight=512 cpus=0\r", "a");
	const struct balance_cap *cap = &guest_of(domtab_get(&guests, b))->cap;

	(void)state;
	vmm_says(a, VMCTL_READY, 0, NULL, 0);
	vmm_says(b, VMCTL_READY, 0, NULL, 0);
	world.waits = guest_of(domtab_get(&guests, a))->sched[0];
	served_second(SERVICE_XENSTORE, 1); /* the first answer */
	world.worked_ns[SERVICE_XENSTORE] += 300 * 1000000ull;
	second(0, 0);
	world.waited_ns += 130000000;
	second(0, 0); /* a fifth is its own, and a wants less than the rest */
	assert_int_equal(cap->total_us, 0);

	/* now a wants much, but does not wait */
	world.waits = guest_of(domtab_get(&guests, b))->sched[0];
	second(0, 0);
	world.worked_ns[SERVICE_XENSTORE] += 300 * 1000000ull;
	second(900, 0);
	world.waited_ns += 900000000;
	second(900, 0);
	assert_int_equal(cap->total_us, 0);
	guest_destroyed("a");
	guest_destroyed("b");
	world.waits = 0;
	charged_guests_gone();
}

/* A service is believed no more than the time that has passed, for all connections together. */
void services_that_work_more_than_there_is_time(void **state)
{
	uint32_t domid = guest_created("create /guests/a.cfg\r", "a");

	(void)state;
	assert_int_equal(connections_open(SERVICE_CONSOLE), 2);
	served_second(SERVICE_CONSOLE, 1); /* the first answer */
	served_second(SERVICE_CONSOLE, 300);
	assert_int_equal(served_in_all_ms(domid), 600);
	served_second(SERVICE_CONSOLE, 700);
	assert_int_equal(served_in_all_ms(domid), 1600);
	served_second(SERVICE_CONSOLE, 5000000);
	assert_int_equal(served_in_all_ms(domid), 2600);
	guest_destroyed("a");
	charged_guests_gone();
}

/*
 * One that never comes to an end is asked a bounded number of times, and one that does not
 * answer is asked again.
 */
void services_that_do_not_say_what_they_did(void **state)
{
	uint32_t domid = guest_created("create /guests/a.cfg vif=[]\r", "a");

	(void)state;
	world.usages = 0;
	second(0, 0);
	assert_int_equal(world.usages, 3); /* console, xenstore, storage */
	world.worked_ns[SERVICE_STORAGE] = 1000000;
	second(0, 0); /* the first answer */
	world.worked_ns[SERVICE_STORAGE] += 2000000;
	world.usages = 0;
	world.worked_endless = true;
	second(0, 0);
	assert_true(world.usages > 3 && world.usages < 10);
	/* it was told many times of one connection, which counts once */
	assert_int_equal(served_in_all_ms(domid), 2);
	world.worked_endless = false;
	world.usages = 0;
	second(0, 0);
	assert_int_equal(world.usages, 3);
	/* an answer that comes late has the time of all seconds since the last one */
	world.worked_ns[SERVICE_STORAGE] = 0;
	second(0, 0);
	world.worked_ns[SERVICE_STORAGE] = 3000000 + 1800000000;
	second(0, 0);
	assert_int_equal(served_in_all_ms(domid), 2 + 1800);
	guest_destroyed("a");
	timers_expire();
	memset(world.worked_ns, 0, sizeof(world.worked_ns));
	world.later_ns = 0;
	world_at_rest();
}

void a_hundred_guests_in_a_row(void **state)
{
	(void)state;
	for (int i = 0; i < 100; i++) {
		(void)guest_created("create -q /guests/a.cfg\r", "a");
		guest_destroyed("a");
	}
	world_at_rest();
}

void power(void **state)
{
	uint32_t a = guest_created("create /guests/a.cfg\r", "a"),
		 b = guest_created("create -p /guests/b.cfg\r", "b");
	char path[64];

	(void)state;
	type("poweroff\r");
	snprintf(path, sizeof(path), "/local/domain/%u/control/shutdown", a);
	assert_string_equal(node_value(path), "poweroff");
	assert_true(vmm_heard(b, VMCTL_UNPAUSE));
	vmm_says(a, VMCTL_SHUTDOWN, REASON_REBOOT, NULL, 0);
	guest_ends(a);
	assert_int_equal(world.powered, 0);
	assert_false(vmm_heard(b, VMCTL_QUIESCE));
	timers_expire();
	assert_true(screen_has("did not shut down in 60 seconds"));
	guest_ends(b);
	assert_int_equal(world.powered, 1);
	assert_true(screen_has("The host did not go down"));
	world.powered = 0;
	b = guest_created("create /guests/b.cfg\r", "b");
	type("poweroff\r");
	type("\x03"); /* stops asking guests, and goes on with the power-off */
	assert_true(screen_has("^C"));
	assert_false(screen_has("skerry# "));
	guest_ends(b);
	assert_int_equal(world.powered, 1);
	world.powered = 0;
	type("reboot-host\r");
	assert_int_equal(world.powered, 2);
	world_at_rest();
}

/*
 * A service that never releases a guest delays a power-off for a limited time only, and not at
 * all if the user insists.
 */
void power_without_a_service(void **state)
{
	uint32_t a;

	(void)state;
	for (int insists = 0; insists < 2; insists++) {
		a = guest_created("create /guests/a.cfg\r", "a");
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
		world_at_rest();
	}
}

void configurations_are_updated(void **state)
{
	uint32_t domid = guest_created("create /guests/a.cfg on_reboot=restart\r", "a"), next;
	uint8_t uuid[UUID_SIZE];

	(void)state;
	memcpy(uuid, domtab_get(&guests, domid)->uuid, UUID_SIZE);
	type("config-update a /guests/b.cfg; echo $?\r");
	assert_true(
		screen_has("is that of 'b', and the guest is 'a'") && screen_has("\r\n1\r\n"));
	type("config-update a memory=96; config-update nobody a.cfg\r");
	assert_true(screen_has("name a configuration file") && screen_has("invalid domain"));
	type("config-update a a.cfg memory=lots\r");
	assert_true(screen_has("not a number"));
	type("config-update -d a a.cfg\r");
	assert_true(screen_has("`create -n`"));
	type("config-update a a.cfg memory=96 on_reboot=restart cmdline=second; echo $?\r");
	assert_true(screen_has("WARNING: ") && screen_has("\r\n0\r\nskerry# "));
	assert_int_equal(domtab_get(&guests, domid)->config->memory, 64); /* not yet */
	type("rename a c\r");
	vmm_says(domid, VMCTL_SHUTDOWN, REASON_REBOOT, NULL, 0);
	guest_ends(domid);
	next = domid_of("c");
	assert_string_equal(vmm_config(next)->cmdline, "second");
	assert_int_equal(vmm_config(next)->memory, 96 << 20);
	assert_memory_equal(domtab_get(&guests, next)->uuid, uuid, UUID_SIZE);
	vmm_says(next, VMCTL_READY, 0, NULL, 0);
	guest_destroyed("c");
	world_at_rest();
}
