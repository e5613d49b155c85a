/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * authority.c - what is in the slots, and every system call on everything that is of no use for
 * it
 */
#include <string.h>
#include "base/array.h"
#include "caps/caps.h"
#include "rogue.h"
#include "sys/sk.h"

enum { BEYOND = 64, NONSENSE = 8 };

/* Slots that a domain cannot have, as well. */
static const sk_cap_t wild[NONSENSE] = { 0, 1u << 21, 1u << 22, INT32_MAX, 1u << 31,
	UINT32_MAX - 1, UINT32_MAX, 0xdeadbeef };

static sk_cap_t slot_at(uint32_t i)
{
	uint32_t n = svc_info()->n_slots + BEYOND;

	return i < n ? i : i - n < NONSENSE ? wild[i - n] : 0;
}

static uint32_t slots(void) { return svc_info()->n_slots + BEYOND + NONSENSE; }

/* ---- kinds that no driver or service holds ----------------------------------------------- */
static bool has_ports(void) { return svc_info()->n_devices && svc_info()->dev[0].io_ports; }

static bool is_vmm(void) { return strncmp(svc_info()->name, "vmm", 3) == 0; }

static bool kind_allowed(uint32_t type)
{
	switch (type) {
	case SK_OBJ_CTL_SCHED:
	case SK_OBJ_CTL_IRQ:
	case SK_OBJ_CTL_IO:
	case SK_OBJ_VCPU:
	case SK_OBJ_SPACE_NESTED:
		return false;
	case SK_OBJ_CTL_LOG:
		return svc_cap("log", NULL) != 0;
	case SK_OBJ_IOPORT:
		return has_ports() || svc_cap("ports", NULL) != 0;
	case SK_OBJ_IRQ:
	case SK_OBJ_SPACE_IO:
		return svc_info()->n_devices != 0;
	default:
		return true;
	}
}

/* Those of which there is one: its own. A VMM has the time of its guest's vCPUs, too. */
static bool kind_single(uint32_t type)
{
	return type == SK_OBJ_CNODE || type == SK_OBJ_SPACE_HOST || type == SK_OBJ_THREAD ||
	       (type == SK_OBJ_SCHED && !is_vmm());
}

static void kinds_try(void)
{
	struct score s = { .what = "kinds" };
	uint32_t found[SK_OBJ_END] = { 0 };

	for (uint32_t i = 0; i < slots(); i++) {
		uint32_t type = slot_type(slot_at(i));

		if (type >= SK_OBJ_END)
			continue;
		found[type]++;
		score_add(&s,
			kind_allowed(type) && !(kind_single(type) && found[type] > 1)
				? -SK_E_DENIED
				: 0,
			type, slot_at(i));
	}
	score_say(&s);
}

/* ---- every call on every slot of another kind -------------------------------------------- */
struct call_rule {
	uint32_t nr;
	/* What the call works on; SK_OBJ_NULL: on nothing that this domain has. */
	uint32_t type;
	/* Further arguments that would be accepted. */
	uint64_t a[5];
};

#define CN SK_CAP_CNODE
static const struct call_rule rules[] = {
	{ SK_SYS_CALL, SK_OBJ_ENDPOINT, { 0 } },
	{ SK_SYS_SEND, SK_OBJ_ENDPOINT, { 0 } },
	{ SK_SYS_RECV, SK_OBJ_ENDPOINT, { 0 } },
	{ SK_SYS_REPLY, SK_OBJ_REPLY, { 0 } },
	{ SK_SYS_REPLY_RECV, SK_OBJ_ENDPOINT, { 0 } },
	{ SK_SYS_SIGNAL, SK_OBJ_NOTIFICATION, { 0 } },
	{ SK_SYS_WAIT, SK_OBJ_NOTIFICATION, { SK_POLL } },
	{ SK_SYS_POLL, SK_OBJ_NOTIFICATION, { 0 } },
	{ SK_SYS_RETYPE, SK_OBJ_UNTYPED, { SK_OBJ_NOTIFICATION, CN, 300, 1, 0 } },
	{ SK_SYS_COPY, SK_OBJ_CNODE, { 300, CN, CN, SK_ALL } },
	{ SK_SYS_MINT, SK_OBJ_CNODE, { 300, CN, CN, SK_ALL, 1 } },
	{ SK_SYS_MOVE, SK_OBJ_CNODE, { 300, CN, 299 } },
	{ SK_SYS_DELETE, SK_OBJ_CNODE, { 300 } },
	{ SK_SYS_REVOKE, SK_OBJ_CNODE, { 300 } },
	{ SK_SYS_CAP_INFO, SK_OBJ_CNODE, { 1 } },
	{ SK_SYS_MAP, SK_OBJ_FRAME, { SK_CAP_SPACE, DOMAIN_FREE_VADDR << 4, 0, 12, SK_R } },
	{ SK_SYS_UNMAP, SK_OBJ_FRAME, { 0, 12 } },
	{ SK_SYS_MAP_TABLE, SK_OBJ_TABLE, { SK_CAP_SPACE, DOMAIN_FREE_VADDR << 4, 1 } },
	{ SK_SYS_THREAD_CONFIGURE, SK_OBJ_THREAD, { CN, SK_CAP_SPACE, 0, DOMAIN_UTCB_VADDR } },
	{ SK_SYS_THREAD_BIND, SK_OBJ_THREAD, { DOMAIN_CAP_NTFN } },
	{ SK_SYS_THREAD_RESUME, SK_OBJ_THREAD, { 0 } },
	{ SK_SYS_THREAD_SUSPEND, SK_OBJ_THREAD, { 0 } },
	{ SK_SYS_THREAD_READ, SK_OBJ_THREAD, { 0 } },
	{ SK_SYS_THREAD_WRITE, SK_OBJ_THREAD, { 0 } },
	{ SK_SYS_SCHED_CONFIGURE, SK_OBJ_CTL_SCHED, { SK_CAP_SCHED, 31ull << 16, 256 } },
	{ SK_SYS_SCHED_BIND, SK_OBJ_SCHED, { 0 } },
	{ SK_SYS_SCHED_STATS, SK_OBJ_SCHED, { 0 } },
	{ SK_SYS_IRQ_BIND, SK_OBJ_IRQ, { DOMAIN_CAP_NTFN } },
	{ SK_SYS_IRQ_ACK, SK_OBJ_IRQ, { 0 } },
	{ SK_SYS_PORT_IN, SK_OBJ_IOPORT, { 0x71, 1 } },
	{ SK_SYS_PORT_OUT, SK_OBJ_IOPORT, { 0x80, 1, 0 } },
	{ SK_SYS_LOG, SK_OBJ_CTL_LOG, { 1, '!' } },
	{ SK_SYS_LOG_TAKE, SK_OBJ_CTL_LOG, { 0 } },
	{ SK_SYS_VCPU_CONFIGURE, SK_OBJ_VCPU, { 0, SK_CAP_SPACE, DOMAIN_FREE_VADDR << 4 } },
	{ SK_SYS_VCPU_ENTER, SK_OBJ_VCPU, { SK_POLL } },
	{ SK_SYS_VCPU_SYNC, SK_OBJ_VCPU, { 1 } },
	{ SK_SYS_VCPU_INJECT, SK_OBJ_VCPU, { 0x20 } },
	{ SK_SYS_IO_ASSIGN, SK_OBJ_CTL_IO, { DOMAIN_CAP_IOSPACE(0), 8 } },
	{ SK_SYS_IO_FAULT, SK_OBJ_CTL_IO, { 0 } },
};

static long rule_call(const struct call_rule *r, uint64_t first)
{
	uint64_t a[6] = { first, r->a[0], r->a[1], r->a[2], r->a[3], r->a[4] };

	sk_utcb()->deadline = SK_POLL;
	sk_utcb()->recv_slot = 0;
	return sk_sys_r(r->nr, a);
}

static void wrong_kinds_try(void)
{
	struct score s = { .what = "calls on other kinds" };

	for (const struct call_rule *r = rules; r < rules + ARRAY_SIZE(rules); r++)
		for (uint32_t i = 0; i < slots(); i++)
			if (slot_type(slot_at(i)) != r->type)
				score_add(&s, rule_call(r, slot_at(i)), r->nr, slot_at(i));
	score_say(&s);
}

/*
 * Interrupts need two capabilities: whatever it has in place of the first, and its own
 * interrupt.
 */
static void interrupts_try(void)
{
	struct score s = { .what = "interrupts" };
	uint64_t address;
	uint32_t data;

	for (uint32_t i = 0; i < slots(); i++) {
		for (uint32_t gsi = 0; gsi < 24; gsi++)
			score_add(&s, sk_irq_pin(slot_at(i), DOMAIN_CAP_IRQ(0, 0), gsi, 0, 0),
				SK_SYS_IRQ_PIN, slot_at(i));
		score_add(&s, sk_irq_pin(slot_at(i), DOMAIN_CAP_IRQ(0, 0), SK_IRQ_IOMMU, 0, 0),
			SK_SYS_IRQ_PIN, slot_at(i));
		score_add(&s,
			sk_irq_msi(slot_at(i), DOMAIN_CAP_IRQ(0, 0), 0, 8, &address, &data),
			SK_SYS_IRQ_MSI, slot_at(i));
	}
	score_say(&s);
}

static void unknown_try(void)
{
	struct score s = { .what = "unknown calls" };

	for (uint32_t nr = 0; nr < 512; nr++)
		if (!nr || (nr >= SK_SYS_END && nr != SK_SYS_CHECK))
			score_add(&s, sk_sys6(nr, 1, 1, 1, 1, 1, 1), nr, 0);
	score_add(&s, sk_sys6(-1, 1, 1, 1, 1, 1, 1), UINT64_MAX, 0);
	score_add(&s, sk_sys6(INT64_MIN, 1, 1, 1, 1, 1, 1), 1ull << 63, 0);
	score_say(&s);
}

/* Of a driver with ports: all that are not its own. */
static void ports_try(void)
{
	const struct domain_device *d = &svc_info()->dev[0];
	struct score s = { .what = "ports" };
	uint32_t value;

	for (uint32_t port = 0; has_ports() && port < 0x10000; port++)
		if (port < d->io_port || port >= (uint32_t)d->io_port + d->io_ports)
			score_add(&s,
				sk_port_in(DOMAIN_CAP_IOPORT(0), (uint16_t)port, 1, &value),
				SK_SYS_PORT_IN, port);
	score_say(&s);
}

/* ---- more than it was given -------------------------------------------------------------- */
static bool gained(sk_cap_t copy, sk_cap_t from)
{
	struct sk_cap_info a, b;

	return !sk_cap_info(CN, copy, &a) && !sk_cap_info(CN, from, &b) && a.rights & ~b.rights;
}

/* Rights that the original lacks; badges in place of those that it has. */
static void copies_try(void)
{
	struct score s = { .what = "rights and badges" };
	sk_cap_t to = slot_alloc(1);
	struct sk_cap_info info;

	for (sk_cap_t from = 1; from < svc_info()->n_slots; from++) {
		if (from == to || sk_cap_info(CN, from, &info))
			continue;
		if (!sk_copy(CN, to, CN, from, SK_ALL))
			score_add(&s, gained(to, from) ? 0 : -1, SK_SYS_COPY, from);
		(void)sk_delete(CN, to);
		if (info.type == SK_OBJ_UNTYPED || info.type == SK_OBJ_TABLE)
			score_add(&s, sk_copy(CN, to, CN, from, SK_ALL), SK_SYS_COPY, from);
		if ((info.type == SK_OBJ_ENDPOINT || info.type == SK_OBJ_NOTIFICATION) &&
			info.badge)
			score_add(&s, sk_mint(CN, to, CN, from, SK_ALL, info.badge + 1),
				SK_SYS_MINT, from);
		if (info.type == SK_OBJ_IOPORT && info.badge != 0xffffull << 16)
			score_add(&s, sk_mint(CN, to, CN, from, SK_ALL, 0xffffull << 16),
				SK_SYS_MINT, from);
		(void)sk_delete(CN, to);
	}
	slot_free(to, 1);
	score_say(&s);
}

/* Its endpoint to init is for calls only, and what it serves is for receiving only. */
static void directions_try(void)
{
	struct score s = { .what = "directions" };
	struct sk_msg m = { 0 };
	uint64_t word;

	for (sk_cap_t slot = 1; slot < svc_info()->n_slots; slot++) {
		struct sk_cap_info info;

		if (sk_cap_info(CN, slot, &info))
			continue;
		sk_utcb()->deadline = SK_POLL;
		if (info.type == SK_OBJ_ENDPOINT && !(info.rights & SK_R))
			score_add(&s, sk_recv(slot, &m), SK_SYS_RECV, slot);
		if (info.type == SK_OBJ_ENDPOINT && !(info.rights & SK_W))
			score_add(&s, sk_call(slot, &m), SK_SYS_CALL, slot);
		if (info.type == SK_OBJ_NOTIFICATION && !(info.rights & SK_R))
			score_add(&s, sk_wait(slot, SK_POLL, &word), SK_SYS_WAIT, slot);
	}
	score_say(&s);
}

/* A second thread would need time that only the builder gives. */
static void time_try(void)
{
	struct score s = { .what = "time" };
	sk_cap_t sched, thread;

	if (object_make(SK_OBJ_SCHED, 0, &sched) || object_make(SK_OBJ_THREAD, 0, &thread)) {
		say("no memory to try for more time");
		return;
	}
	score_add(&s, sk_sched_bind(sched, thread), SK_SYS_SCHED_BIND, sched);
	score_add(&s, sk_sched_bind(SK_CAP_SCHED, thread), SK_SYS_SCHED_BIND, SK_CAP_SCHED);
	for (uint32_t i = 0; i < slots(); i++)
		score_add(&s, sk_sched_configure(slot_at(i), SK_CAP_SCHED, 0, 31, 65535, 0, 0),
			SK_SYS_SCHED_CONFIGURE, slot_at(i));
	score_say(&s);
}

/* Its own memory at addresses of the kernel, and in one piece with what it may not write. */
static void maps_try(void)
{
	static const uint64_t at[] = { 0xffff800000000000, 0xffffffff80000000, 0x800000000000,
		0x7ffffffff000 + 4096, DOMAIN_INFO_VADDR, DOMAIN_KINFO_VADDR,
		DOMAIN_IMAGE_VADDR };
	struct score s = { .what = "maps" };
	sk_cap_t frame;
	uint64_t where;
	uint32_t level;

	if (object_make(SK_OBJ_FRAME, 12, &frame))
		return;
	for (uint32_t i = 0; i < ARRAY_SIZE(at); i++)
		score_add(&s,
			sk_map(frame, SK_CAP_SPACE, at[i], 0, 12, SK_R | SK_W, &where, &level),
			SK_SYS_MAP, at[i]);
	score_add(&s,
		sk_map(frame, SK_CAP_SPACE, DOMAIN_FREE_VADDR, 0, 30, SK_R, &where, &level),
		SK_SYS_MAP, 30);
	score_add(&s,
		sk_map(frame, SK_CAP_SPACE, DOMAIN_FREE_VADDR, 4096, 12, SK_R, &where, &level),
		SK_SYS_MAP, 4096);
	score_add(&s,
		sk_map(frame, SK_CAP_SPACE, DOMAIN_FREE_VADDR, 0, 12, SK_W | SK_EXEC, &where,
			&level),
		SK_SYS_MAP, SK_EXEC);
	cap_drop(frame);
	score_say(&s);
}

void authority_try(void)
{
	kinds_try();
	wrong_kinds_try();
	interrupts_try();
	unknown_try();
	ports_try();
	copies_try();
	directions_try();
	time_try();
	maps_try();
}
