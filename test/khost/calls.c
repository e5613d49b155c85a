/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * calls.c - choose system calls: a row per call says how often it is made, and what each
 * argument is
 */
#include "calls.h"
#include "choice.h"
#include "fake.h"
#include "ipc.h"
#include "world.h"

/*
 * Kinds of arguments, one letter each:
 *   C CNode   s any slot   r untyped or any slot   e a slot that is probably empty   u untyped
 *   T type and order   n 1 to 6   O offset in an untyped   f frame   p space   v address
 *   o offset in a frame   z order   m map rights   R rights   b badge   t thread   h context
 *   a notification   A one to signal   E endpoint   y Reply   M message info   w word
 *   d deadline   k ctl_sched   c CPU and priority   g weight   B budget   q interrupt
 *   i ctl_irq   l level   L table   V vCPU   N nested space   D CNode as in a configuration
 *   H host space   F fault endpoint or none   x anything small
 */
static const struct row {
	const char *name, *args;
	uint8_t weight;
} rows[SK_SYS_END] = {
#define ROW(name, args, weight) [SK_SYS_##name] = { #name, args, weight }
	ROW(CALL, "EMwwww", 9),
	ROW(SEND, "EMwwww", 4),
	ROW(RECV, "E", 9),
	ROW(REPLY, "yMwwww", 3),
	ROW(REPLY_RECV, "EMwwww", 3),
	ROW(SIGNAL, "A", 6),
	ROW(WAIT, "ad", 2),
	ROW(POLL, "a", 1),
	ROW(RETYPE, "uTCenO", 10),
	ROW(COPY, "CeCsR", 8),
	ROW(MINT, "CeCsRb", 4),
	ROW(MOVE, "CeCs", 4),
	ROW(DELETE, "Cs", 10),
	ROW(REVOKE, "Cr", 6),
	ROW(CAP_INFO, "Cs", 2),
	ROW(MAP, "fpvozm", 14),
	ROW(UNMAP, "foz", 6),
	ROW(MAP_TABLE, "Lpvl", 5),
	ROW(THREAD_CONFIGURE, "tDHFv", 4),
	ROW(THREAD_BIND, "ta", 2),
	ROW(THREAD_RESUME, "t", 6),
	ROW(THREAD_SUSPEND, "t", 2),
	ROW(THREAD_READ, "t", 1),
	ROW(THREAD_WRITE, "t", 1),
	ROW(SET_FS_BASE, "v", 1),
	ROW(YIELD, "", 1),
	ROW(SCHED_CONFIGURE, "khcgBB", 3),
	ROW(SCHED_BIND, "ht", 4),
	ROW(SCHED_STATS, "h", 1),
	ROW(IRQ_PIN, "iqxxc", 1),
	ROW(IRQ_MSI, "iqcx", 1),
	ROW(IRQ_BIND, "qa", 2),
	ROW(IRQ_ACK, "q", 1),
	ROW(PORT_IN, "sxx", 1),
	ROW(PORT_OUT, "sxxxxx", 1),
	ROW(VCPU_CONFIGURE, "VNHv", 3),
	ROW(VCPU_ENTER, "Vd", 3),
	ROW(VCPU_SYNC, "Vx", 1),
	ROW(VCPU_INJECT, "Vx", 1),
	ROW(IO_ASSIGN, "kpx", 1),
	ROW(IO_FAULT, "k", 1),
#undef ROW
};

const char *call_name(unsigned int nr)
{
	return nr < SK_SYS_END && rows[nr].name ? rows[nr].name : "?";
}

static uint64_t one_of(uint64_t first, uint64_t n, uint64_t peer)
{
	uint64_t i = choose(8);

	if (i == 0)
		return AT_FREE + choose(40);
	if (i == 1 && peer)
		return peer;
	return first + (choose(2) ? 0 : choose(n)); /* the first is popular */
}

/*
 * A slot that is being deleted, or whose object is in use, is chosen more often, so that calls
 * meet there.
 */
STATE static uint64_t hot_slot;

static uint64_t any_slot(void)
{
	switch (choose(8)) {
	case 0:
		return choose(AT_FREE);
	case 1:
		return 98 + choose(4); /* around the end of a domain's CNode */
	case 2:
	case 3:
		return hot_slot;
	default:
		return AT_FREE + choose(AT_END - AT_FREE);
	}
}

/* Objects get lost as the run goes on; those that every domain needs are chosen less often. */
static uint64_t some_slot(void)
{
	uint64_t s = any_slot();

	return s < AT_UNTYPED && choose(8) ? AT_FREE + choose(AT_PEER - AT_FREE) : s;
}

static uint64_t odd_word(void)
{
	switch (choose(4)) {
	case 0:
		return choose_word();
	case 1:
		return 1ull << choose(64);
	case 2:
		return (1ull << choose(48)) - 1;
	default:
		return choose(20);
	}
}

static uint64_t some_type(void)
{
	uint64_t type = 1 + choose(SK_OBJ_VCPU + 1);

	if (type <= SK_OBJ_FRAME)
		return type | (SK_PAGE_ORDER + choose(3)) << 8;
	return choose(30) ? type : odd_word();
}

/* Few addresses, so that mappings meet; some are so low that a window begins below 0. */
static uint64_t some_vaddr(void)
{
	switch (choose(8)) {
	case 0:
		return choose(4) * SK_LARGE_SIZE + (choose(3) << SK_HUGE_ORDER);
	case 1:
		return (1ull << 47) - choose(4) * SK_PAGE_SIZE;
	case 2:
	case 3:
		return choose(6) << SK_PAGE_ORDER;
	default:
		return (0x100 + choose(32)) << SK_PAGE_ORDER;
	}
}

static uint64_t argument(char kind, bool safe)
{
	switch (kind) {
	case 'C':
		return choose(8) ? AT_CNODE : one_of(AT_CNODE2, 1, AT_PEER_CNODE);
	case 'D':
		return choose(6) ? AT_CNODE : one_of(AT_CNODE2, 1, AT_PEER_CNODE);
	case 's':
		return some_slot();
	case 'e':
		return choose(16) ? AT_FREE + choose(AT_PEER - AT_FREE) : some_slot();
	case 'r': /* an untyped that is revoked can be used again */
		return choose(2) ? AT_UNTYPED + choose(2) : some_slot();
	case 'u':
		return choose(8) ? one_of(AT_UNTYPED, 2, 0) : ROOT_MEMORY + choose(22);
	case 'T':
		return some_type();
	case 'n':
		return choose(3) ? 1 : choose(7);
	case 'O':
		return choose(4) ? 0 : choose(8) << SK_PAGE_ORDER;
	case 'f':
		return choose(4) ? one_of(AT_FRAME, 3, AT_PEER_FRAME)
				 : one_of(AT_DEVICE_LARGE, 2, 0);
	case 'p':
		return choose(2) ? one_of(AT_SPACE, 1, AT_PEER_SPACE)
				 : one_of(AT_NESTED, 1, AT_PEER_NESTED);
	case 'v':
		return some_vaddr();
	case 'o':
		return choose(2) ? 0 : choose(16) ? choose(5) << SK_PAGE_ORDER : odd_word();
	case 'z': { /* mostly the orders that frames have */
		static const uint8_t orders[] = { SK_PAGE_ORDER, SK_PAGE_ORDER,
			SK_PAGE_ORDER + 2, SK_LARGE_ORDER };

		return choose(4) ? orders[choose(ARRAY_SIZE(orders))]
				 : SK_PAGE_ORDER + choose(19);
	}
	case 'm':
		return choose(12)
			       ? SK_R | (choose(8) & ~1ull) | (choose(6) ? 0 : choose(4) << 4)
			       : odd_word();
	case 'R':
		return choose(3) ? SK_ALL : choose(20);
	case 'b':
		return choose(4);
	case 't':
		return choose(8)   ? one_of(AT_THREAD2, 1, AT_PEER_THREAD)
		       : choose(2) ? 0
				   : AT_THREAD;
	case 'h':
		return choose(5) ? one_of(AT_SCHED2, 1, AT_PEER_SCHED) : AT_SCHED;
	case 'a':
		return choose(12) ? one_of(AT_NOTIFICATION, 3, AT_PEER_NOTIFICATION) : 0;
	case 'A':
		return choose(4) ? AT_BADGED + (choose(2) ? 0 : choose(3))
				 : one_of(AT_NOTIFICATION, 3, AT_PEER_NOTIFICATION);
	case 'E':
		if (choose(4) == 0)
			return AT_BADGED + 3;
		return one_of(AT_ENDPOINT, 3, AT_PEER_ENDPOINT);
	case 'F':
		return choose(2) ? 0 : one_of(AT_ENDPOINT, 3, AT_PEER_ENDPOINT);
	case 'y':
		return one_of(AT_REPLY, 2, 0);
	case 'M':
		return choose(16) ? SK_MI(choose(4), choose(8), choose(2) ? choose(5) : 0)
				  : odd_word();
	case 'd':
		return safe || choose(4) == 0 ? SK_POLL
		       : choose(3)            ? fake_now + choose(3000)
					      : SK_NO_DEADLINE;
	case 'k':
	case 'i':
		return kind == 'k' ? AT_CTL_SCHED : AT_CTL_IRQ;
	case 'c':
		return choose(n_cpus) | ((8 + choose(4)) | (choose(4) ? SK_SCHED_GUESTS : 0))
						<< 16;
	case 'g':
		return 1 + choose(300);
	case 'B':
		return choose(3) ? 0 : 1 + choose(5);
	case 'q':
		return one_of(AT_IRQ, 1, 0);
	case 'l':
		return 1 + choose(3);
	case 'L':
		return choose(2) ? AT_TABLE + choose(6) : one_of(AT_NESTED_TABLE, 3, 0);
	case 'V':
		return one_of(AT_VCPU, 1, AT_PEER_VCPU);
	case 'N':
		return one_of(AT_NESTED, 1, AT_PEER_NESTED);
	case 'H':
		return one_of(AT_SPACE, 1, AT_PEER_SPACE);
	case 'w':
		return choose_word();
	default:
		return odd_word();
	}
}

static void utcb_choose(struct thread *t, bool safe)
{
	struct sk_utcb *u = user_memory(virt_to_phys(thread_utcb(t)));

	for (unsigned int i = 0; i < SK_CAPS_MAX; i++)
		u->send[i] = (struct sk_send_cap){ (uint32_t)some_slot(),
			(uint32_t)(choose(17) | (choose(3) ? 0 : SK_SEND_MOVE)) };
	for (unsigned int i = SK_MR_REGS; i < 8; i++)
		u->mr[i] = choose_word();
	u->recv_slot = choose(4) ? (uint32_t)(AT_FREE + choose(40)) : 0;
	u->recv_slots = (uint32_t)choose(6);
	u->reply = choose(6) ? AT_REPLY + (uint32_t)choose(2) : (uint32_t)some_slot();
	u->deadline = argument('d', safe);
}

/* Would the call leave the run without a thread that can go on? */
static bool stops(const struct call *c)
{
	switch (c->nr) {
	case SK_SYS_THREAD_SUSPEND:
	case SK_SYS_THREAD_CONFIGURE:
		return c->arg[0] == AT_THREAD;
	case SK_SYS_SCHED_BIND:
	case SK_SYS_SCHED_STATS:
		return c->arg[0] == AT_SCHED;
	case SK_SYS_SCHED_CONFIGURE:
		return c->arg[1] == AT_SCHED;
	case SK_SYS_DELETE:
	case SK_SYS_REVOKE:
		return c->arg[0] == AT_CNODE && c->arg[1] <= AT_UNTYPED;
	case SK_SYS_MOVE:
		return c->arg[2] == AT_CNODE && c->arg[3] <= AT_UNTYPED;
	case SK_SYS_VCPU_ENTER:
		return true;
	default:
		return false;
	}
}

static unsigned int number_choose(void)
{
	static unsigned int total;
	unsigned int nr;
	uint64_t at;

	if (!total)
		for (nr = 0; nr < SK_SYS_END; nr++)
			total += rows[nr].weight;
	at = choose(total);
	for (nr = 0; at >= rows[nr].weight; nr++)
		at -= rows[nr].weight;
	return nr;
}

/* Sequences of calls that matter only in this order. */
static const struct call scripts[][4] = {
	{ /* tables of a space that has ended, used in another space */
		{ SK_SYS_REVOKE, { AT_CNODE, AT_NESTED } },
		{ SK_SYS_DELETE, { AT_CNODE, AT_NESTED } },
		{ SK_SYS_MAP_TABLE,
			{ AT_NESTED_TABLE + 1, AT_SPACE, 1ull << SK_HUGE_ORDER, 2 } },
		{ SK_SYS_MAP_TABLE, { AT_NESTED_TABLE + 2, AT_SPACE, SK_LARGE_SIZE, 1 } } },
	{ /* a window that begins below address 0 */
		{ SK_SYS_MAP, { AT_FRAMES4, AT_SPACE, 0x1000, 0x2000, 12, SK_R } },
		{ SK_SYS_MAP, { AT_FRAMES4, AT_SPACE, 0x2000, 0x3000, 12, SK_R } },
		{ SK_SYS_UNMAP, { AT_FRAMES4, 0x2000, 12 } },
		{ SK_SYS_DELETE, { AT_CNODE, AT_FRAMES4 } } },
	{ /* a frame mapped in pieces, and then as a whole */
		{ SK_SYS_MAP, { AT_FRAMES4, AT_SPACE, 0x101000, 0x1000, 12, SK_R } },
		{ SK_SYS_MAP, { AT_FRAMES4, AT_SPACE, 0x103000, 0x3000, 12, SK_R | SK_W } },
		{ SK_SYS_UNMAP, { AT_FRAMES4, 0x1000, 12 } },
		{ SK_SYS_UNMAP, { AT_FRAMES4, 0, 14 } } },
};
STATE static struct {
	const struct thread *t;
	unsigned int script, at;
} scripted;

/* The next call of the script that t is executing or begins now. */
static const struct call *script_next(const struct thread *t)
{
	if (!scripted.t && choose(150) == 0) {
		scripted.t = t;
		scripted.script = (unsigned int)choose(ARRAY_SIZE(scripts));
		scripted.at = 0;
	}
	if (scripted.t != t)
		return NULL;
	if (scripted.at + 1 == ARRAY_SIZE(scripts[0]))
		scripted.t = NULL;
	return &scripts[scripted.script][scripted.at++];
}

struct call call_choose(struct thread *t, bool safe, bool meet)
{
	const struct call *next = script_next(t);
	struct call c = { 0 };

	if (next)
		return *next;
	if (meet && choose(3) == 0)
		return (struct call){ SK_SYS_COPY,
			{ AT_CNODE, AT_FREE + choose(AT_PEER - AT_FREE), AT_CNODE, hot_slot,
				SK_ALL } };
	do {
		const char *args;

		c.nr = number_choose();
		args = rows[c.nr].args;
		for (unsigned int i = 0; i < 6; i++)
			c.arg[i] = args && *args ? argument(*args++, safe) : 0;
	} while (safe && !choices_end() && stops(&c));
	utcb_choose(t, safe);
	if (c.nr == SK_SYS_DELETE || c.nr == SK_SYS_REVOKE)
		hot_slot = c.arg[1];
	else if (!meet && c.nr <= SK_SYS_WAIT && choose(2))
		hot_slot = c.arg[0];
	return c;
}
