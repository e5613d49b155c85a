/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rogue.c - a guest that misbehaves towards its host:
 * do=attack|watch|busy|flood|crumbs|print|spin|calls|events|exits other=DOMID on its
 * command line; or one of the words of probe.c
 *
 * attack: everything of rogue.h, one after the other. After the line "rogue: storm" it writes
 * noise over all memory that it shares with the host, until it is destroyed. The others do one
 * harmless thing endlessly, as a state in which the guest is destroyed.
 */
#include "rogue.h"

#include <xen/memory.h>
#include <xen/sched.h>
#include <xen/version.h>

void result(bool ok, const char *what) { say("rogue: %s %s\n", ok ? "ok" : "FAILED", what); }

void noise(void *p, unsigned long n)
{
	volatile uint32_t *word = p;
	unsigned long i;

	for (i = 0; i < n / 4; i++)
		word[i] = random32() % 4 ? random32() : random32() % 64;
}

/* ---- console ---- */

/*
 * Waits until the back end believes that it has read everything, because text in a broken ring
 * is lost.
 */
static void console_drain(void)
{
	volatile XENCONS_RING_IDX *cons = &pv_console->out_cons;

	pv_console_notify();
	while (*cons != pv_console->out_prod)
		hypercall(__HYPERVISOR_sched_op, SCHEDOP_yield, 0);
}

static void console_attack(void)
{
	console_drain();
	pv_console->out_prod += 5000;
	console_drain();
	result(true, "console: index far ahead");
	console_drain();
	pv_console->out_prod -= 700;
	console_drain();
	result(true, "console: index going back");
	pv_console->in_cons = 0x80000000;
	pv_console_notify();
	pv_console->in_cons = pv_console->in_prod;
	result(true, "console: index of input");
}

/* ---- grants, shared info ---- */

static long copy(uint32_t ref, domid_t dom, const void *to, uint16_t offset, uint16_t len)
{
	struct gnttab_copy c = { .source = { .u.ref = ref, .domid = dom },
		.dest = { .u.gmfn = (uintptr_t)to / PAGE,
			.domid = DOMID_SELF,
			.offset = offset },
		.len = len,
		.flags = GNTCOPY_source_gref };
	long rc = hypercall3(__HYPERVISOR_grant_table_op, GNTTABOP_copy, &c, 1);

	return rc ? rc : c.status;
}

static void grant_attack(void)
{
	static uint8_t page[PAGE] PAGE_ALIGNED;
	struct gnttab_map_grant_ref m = { .host_addr = (uintptr_t)page, .ref = 8, .dom = 0 };
	bool mapped = false;
	uint32_t i;

	result(copy(0xffffffff, DOMID_SELF, page, 0, 8) < 0, "grant copy: no such reference");
	result(copy(REF_BLK_DATA, 1, page, 0, 8) < 0, "grant copy: of another guest");
	result(copy(REF_BLK_DATA, 0, page, 0, 8) < 0, "grant copy: of domain 0");
	result(copy(REF_BLK_DATA, DOMID_SELF, page, 4000, 200) < 0,
		"grant copy: beyond the page");
	for (i = 0; i < 8; i++, m.dom++) {
		hypercall3(__HYPERVISOR_grant_table_op, GNTTABOP_map_grant_ref, &m, 1);
		mapped |= m.status >= 0;
	}
	result(!mapped, "grant map: of others");
	for (i = 0; i < 64; i++) {
		struct xen_add_to_physmap a = { .domid = DOMID_SELF,
			.space = i % 6,
			.idx = i % 8 ? random32() : i,
			.gpfn = 0x100000 + random32() % 64 };

		hypercall(__HYPERVISOR_memory_op, XENMEM_add_to_physmap, &a);
	}
	result(pv_devices_init(), "physmap: places that do not exist");
}

static void shared_info_attack(void)
{
	int i;

	for (i = 0; i < 64; i++) {
		noise(&pv_shared, sizeof(pv_shared));
		pv_notify(pv_store_port);
		pv_console_notify();
	}
	pv_shared_reset();
	result(pv_store_read("name") != 0, "shared info overwritten");
}

/* ---- nodes of its devices ---- */

static void device_nodes(void)
{
	static const char *const nodes[] = { "device/vbd/51712/ring-ref",
		"device/vbd/51712/event-channel", "device/vbd/51712/state",
		"device/vbd/51712/ring-page-order", "device/vbd/51712/protocol",
		"device/vif/0/tx-ring-ref", "device/vif/0/rx-ring-ref",
		"device/vif/0/event-channel", "device/vif/0/state", "control/shutdown",
		"memory/target" };
	static const char *const values[] = { "-1", "0", "1", "4", "5", "6", "3",
		"99999999999999999999", "4294967295", "x", "", "0x10", "crash" };
	int i;

	for (i = 0; i < 300; i++)
		pv_store_write(nodes[random32() % ARRAY_SIZE(nodes)],
			values[random32() % ARRAY_SIZE(values)]);
	result(blk_again(), "disk works after nonsense in its nodes");
	result(net_again(), "interface works after nonsense in its nodes");
}

/* ---- everything at once ---- */

static void storm(void)
{
	evtchn_port_t port;

	for (;;) {
		blk_storm();
		net_storm();
		store_storm();
		noise(pv_console, sizeof(*pv_console));
		noise(pv_grant, sizeof(pv_grant));
		noise(&pv_shared, sizeof(pv_shared));
		for (port = 0; port < 64; port++)
			pv_notify(random32() % 8 ? port : random32());
	}
}

static void attack(const char *other)
{
	result(blk_init(), "disk opened");
	result(net_init(), "interface opened");
	blk_attack();
	net_attack();
	store_attack(other);
	device_nodes();
	console_attack();
	grant_attack();
	shared_info_attack();
	say("rogue: storm\n");
	console_drain();
	storm();
}

static void print(const char *other)
{
	(void)other;
	for (;;)
		say("rogue: this line comes again and again, without an end, until somebody pulls the plug\n");
}

static void spin(const char *other)
{
	(void)other;
	say("rogue: spin\n");
	for (;;)
		barrier();
}

static void calls(const char *other)
{
	(void)other;
	say("rogue: calls\n");
	for (;;)
		hypercall(__HYPERVISOR_xen_version, XENVER_version, 0);
}

/* To the back ends, which look into their rings and find nothing. */
static void events(const char *other)
{
	(void)other;
	say("rogue: events\n");
	for (;;) {
		pv_notify(pv_store_port);
		pv_console_notify();
	}
}

static void exits(const char *other)
{
	(void)other;
	say("rogue: exits\n");
	for (;;) {
		uint32_t a = 0, b, c = 0, d;

		__asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
	}
}

static const struct {
	const char *name;
	void (*fn)(const char *other);
} doings[] = { { "attack", attack }, { "watch", store_watch }, { "busy", blk_busy },
	{ "flood", net_flood }, { "frames", net_frames }, { "crumbs", net_crumbs },
	{ "print", print }, { "spin", spin }, { "calls", calls }, { "events", events },
	{ "exits", exits }, { "probe-wake", probe_wake }, { "probe-disk", probe_disk },
	{ "probe-net", probe_net }, { "probe-store", probe_store },
	{ "probe-console", probe_console } };

void guest_main(uint64_t start_info)
{
	char other[8] = "";
	const char *what;
	unsigned int i;

	pv_init();
	what = pv_option(start_info, "other");
	for (i = 0; what && what[i] && i < sizeof(other) - 1; i++)
		other[i] = what[i];
	probe_init(start_info);
	what = pv_option(start_info, "do");
	if (!pv_devices_init())
		say("rogue: FAILED to map its pages\n");
	for (i = 0; what && i < ARRAY_SIZE(doings); i++)
		if (!strcmp(what, doings[i].name))
			doings[i].fn(other);
	say("rogue: do= is %s\n", what ? what : "missing");
	pv_shutdown(SHUTDOWN_crash);
}
