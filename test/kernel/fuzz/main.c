/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fuzz - several threads make system calls with arguments from a seeded generator: the kernel
 * must survive
 *
 * Each worker has its own capability space with objects of every type, some of which it shares
 * with its neighbour; what it destroys is made again every round. A quarter of the calls follow
 * patterns that interfere with others: windows that begin below address 0, one thread with
 * several contexts, guests that are entered while they are taken apart. On the checked kernel
 * the walker checks everything after each call. The option seed=N on the command line picks
 * another sequence.
 */
#include "../lib/ktest.h"

#define WORKERS 3
#define CALLS 2500
#define ROUNDS 4
#define SLOTS 60u
/*
 * Slots of a worker: tables of its space, then the objects that it shares with its neighbour.
 */
enum { TYPES_AT = 8, FRAME_AT = TYPES_AT + 2, SPACE_AT, NESTED_AT, VCPU_AT = TYPES_AT + 13 };
enum { SCHED_AT = TYPES_AT + 8, ENDPOINT_AT, REPLY_AT, NOTIFICATION_AT };
enum {
	TABLES_AT = 24,
	PEER_AT = 28,
	PEER_THREAD = PEER_AT,
	PEER_SCHED,
	PEER_VCPU,
	PEER_NESTED,
	PEER_ENDPOINT,
	PEER_FREE
};

struct worker {
	uint64_t random;
	sk_cap_t untyped, cnode, thread, sched, space, tables;
	uint64_t utcb;
};
static struct worker workers[WORKERS];
static volatile unsigned int total;

static uint64_t random_next(struct worker *w)
{
	w->random ^= w->random << 13;
	w->random ^= w->random >> 7;
	w->random ^= w->random << 17;
	return w->random;
}

/* Mostly values that mean something, so that calls get past their first check. */
static uint64_t random_argument(struct worker *w)
{
	uint64_t v = random_next(w);

	switch (v >> 60) {
	case 0:
		return v;
	case 1:
		return 1ull << (v & 63);
	case 2:
		return (1ull << (v & 63)) - 1;
	case 3:
		return -(v & 0xff);
	case 4:
		return (v & 0xffff) << 12;
	case 5:
		return 0x400000000 + ((v & 0x3f) << 12);
	case 6:
		return v & 31;
	case 7:
		return SK_OBJ_FRAME | (v & 31) << 8;
	case 8:
		return (v & 31) | (12 + (v >> 8 & 3)) << 8;
	case 9:
		return 1; /* the CNode itself */
	default:
		return v & 63 ? v % SLOTS : 0;
	}
}

static bool harmless(unsigned int nr)
{
	return nr != SK_SYS_LOG && nr != SK_SYS_LOG_TAKE && nr != SK_SYS_PORT_OUT &&
	       nr != SK_SYS_PORT_IN && nr != SK_SYS_SET_FS_BASE;
}

static void utcb_scramble(struct worker *w, struct sk_utcb *u)
{
	unsigned int i;

	for (i = 0; i < SK_CAPS_MAX; i++)
		u->send[i] = (struct sk_send_cap){ random_next(w) % SLOTS,
			random_next(w) & 1 ? SK_ALL : SK_SEND_MOVE };
	u->recv_slot = random_next(w) % SLOTS;
	u->recv_slots = random_next(w) & 3;
	u->reply = random_next(w) % SLOTS;
	for (i = 0; i < 20; i++)
		u->mr[i] = random_argument(w);
	u->deadline = random_next(w) & 1 ? SK_POLL : sk_now() + (random_next(w) & 0xfffff);
}

static long call(struct worker *w, unsigned int nr, const uint64_t *a)
{
	long rc = sk_sys6(nr, a[0], a[1], a[2], a[3], a[4], a[5]);

	(void)w;
	sk_sys6(SK_SYS_CHECK, 0, 0, 0, 0, 0, 0); /* NO_SYS except on the checked kernel */
	return rc;
}

/*
 * Map a page of the frame so low in the space that the frame's first byte would lie below 0.
 */
static void shape_window(struct worker *w)
{
	uint64_t vaddr = 0x1000 + (random_next(w) & 3) * 0x1000, offset = (random_next(w) & 3)
									  << 12;

	call(w, SK_SYS_MAP, (uint64_t[]){ FRAME_AT, SPACE_AT, vaddr, offset, 12, SK_R | SK_W });
	if (random_next(w) & 1)
		call(w, SK_SYS_UNMAP,
			(uint64_t[]){
				FRAME_AT, offset, 12 + (random_next(w) & 1) * 4, 0, 0, 0 });
}

/* The neighbour's thread changes its scheduling context while it runs. */
static void shape_contexts(struct worker *w)
{
	static const sk_cap_t scheds[] = { PEER_SCHED, SCHED_AT };
	unsigned int first = random_next(w) & 1;

	call(w, SK_SYS_SCHED_CONFIGURE,
		(uint64_t[]){
			3, SCHED_AT, random_next(w) % INFO->n_cpus | 8 << 16, 256, 0, 0 });
	call(w, SK_SYS_SCHED_BIND, (uint64_t[]){ scheds[first], 0, 0, 0, 0, 0 });
	call(w, SK_SYS_SCHED_BIND, (uint64_t[]){ scheds[!first], PEER_THREAD, 0, 0, 0, 0 });
}

static void shape_guest(struct worker *w)
{
	switch (random_next(w) & 3) {
	case 0:
		call(w, SK_SYS_VCPU_CONFIGURE,
			(uint64_t[]){ PEER_VCPU, PEER_NESTED, 2, 0, 0, 0 });
		break;
	case 1:
		call(w, SK_SYS_REVOKE, (uint64_t[]){ 1, NESTED_AT, 0, 0, 0, 0 });
		break;
	default:
		call(w, SK_SYS_VCPU_ENTER,
			(uint64_t[]){ random_next(w) & 1 ? PEER_VCPU : VCPU_AT,
				sk_now() + 10000, 0, 0, 0, 0 });
		break;
	}
}

/* Many deadlines at the same time, and messages with capabilities. */
static void shape_message(struct worker *w)
{
	struct sk_utcb *u = (struct sk_utcb *)w->utcb;
	uint64_t soon = (sk_now() + 100000) & ~0x3ffffull;

	u->deadline = soon;
	u->reply = REPLY_AT;
	u->recv_slot = PEER_FREE;
	u->recv_slots = 4;
	switch (random_next(w) & 3) {
	case 0:
		call(w, SK_SYS_WAIT, (uint64_t[]){ NOTIFICATION_AT, soon, 0, 0, 0, 0 });
		break;
	case 1:
		call(w, SK_SYS_RECV, (uint64_t[]){ ENDPOINT_AT, 0, 0, 0, 0, 0 });
		break;
	default:
		call(w, random_next(w) & 1 ? SK_SYS_CALL : SK_SYS_SEND,
			(uint64_t[]){ PEER_ENDPOINT,
				SK_MI(1, random_next(w) & 15, random_next(w) % 5), 0, 0, 0,
				0 });
		break;
	}
}

static void work(void *arg)
{
	struct worker *w = arg;
	static void (*const shapes[])(struct worker * w) = { shape_window, shape_contexts,
		shape_guest, shape_message };
	struct sk_utcb *u = (struct sk_utcb *)w->utcb;

	for (;;) {
		unsigned int nr = random_next(w) % (SK_SYS_END + 2);
		uint64_t a[6], i;

		if (!harmless(nr))
			continue;
		for (i = 0; i < 6; i++)
			a[i] = random_argument(w);
		if (nr == SK_SYS_WAIT || nr == SK_SYS_VCPU_ENTER)
			a[1] = random_next(w) & 1 ? SK_POLL : sk_now() + 10000;
		if (nr == SK_SYS_SCHED_CONFIGURE)
			a[2] = (random_next(w) % INFO->n_cpus) | (random_next(w) & 7) << 16;
		if (nr == SK_SYS_CALL || nr == SK_SYS_SEND || nr == SK_SYS_REPLY_RECV)
			a[1] &= 0xff0001ff043full;
		utcb_scramble(w, u);
		if (random_next(w) % 4 == 0)
			shapes[random_next(w) % ARRAY_SIZE(shapes)](w);
		call(w, nr, a);
		__atomic_add_fetch(&total, 1, __ATOMIC_RELAXED);
	}
}

static void must(long rc) { CHECK_EQ(rc, 0); }

/*
 * Make a capability space with an object of every type, and a thread in the root task's address
 * space that uses it.
 */
static void worker_make(struct worker *w, unsigned int i, char *stack)
{
	static const uint8_t types[] = { SK_OBJ_UNTYPED, SK_OBJ_CNODE, SK_OBJ_FRAME,
		SK_OBJ_SPACE_HOST, SK_OBJ_SPACE_NESTED, SK_OBJ_SPACE_IO, SK_OBJ_TABLE,
		SK_OBJ_THREAD, SK_OBJ_SCHED, SK_OBJ_ENDPOINT, SK_OBJ_REPLY, SK_OBJ_NOTIFICATION,
		SK_OBJ_IRQ, SK_OBJ_VCPU };
	sk_cap_t cn = w->cnode;
	struct sk_regs regs = { 0 };
	uint32_t level, n;

	must(sk_retype(w->untyped, SK_OBJ_CNODE, 12, ME, cn, 1, 0));
	must(sk_retype(w->untyped, SK_OBJ_THREAD, 0, ME, w->thread, 1, 0));
	must(sk_retype(w->untyped, SK_OBJ_SCHED, 0, ME, w->sched, 1, 0));
	must(sk_copy(cn, 1, ME, cn, SK_ALL));
	must(sk_copy(cn, 2, ME, w->thread, SK_ALL));
	must(sk_copy(cn, 3, ME, SK_CAP_CTL_SCHED, SK_ALL));
	must(sk_copy(cn, 4, ME, SK_CAP_CTL_IRQ, SK_ALL));
	must(sk_copy(cn, 5, ME, SK_CAP_CTL_IO, SK_ALL));
	must(sk_retype(w->untyped, SK_OBJ_UNTYPED, 21, cn, 6, 1, 0));
	for (n = 0; n < ARRAY_SIZE(types); n++) {
		long rc = sk_retype(
			w->untyped, types[n], n < 3 ? 12 + 2 * n : 0, cn, 8 + n, 1, 0);

		CHECK(rc == 0 || (types[n] == SK_OBJ_VCPU && rc == -SK_E_NO_SYS));
	}
	must(sk_retype(w->untyped, SK_OBJ_TABLE, 0, cn, TABLES_AT, 3, 0));
	must(sk_retype(w->untyped, SK_OBJ_TABLE, 0, ME, w->tables, 3, 0));
	must(sk_copy(ME, w->space, cn, SPACE_AT, SK_ALL));
	for (n = 0; n < 3; n++)
		must(sk_map_table(w->tables + n, w->space, 0, 3 - n));
	sk_vcpu_configure(0, 0, 0, 0, &level);
	must(sk_thread_configure(w->thread, cn, SK_CAP_SPACE, 0, w->utcb, &level));
	regs.rip = (uint64_t)work;
	regs.rdi = (uint64_t)w;
	regs.rsp = (uint64_t)stack + 16384 - 8;
	must(sk_thread_write(w->thread, &regs));
	must(sk_sched_configure(SK_CAP_CTL_SCHED, w->sched, i % INFO->n_cpus, 8, 256, 0, 0));
	must(sk_sched_bind(w->sched, w->thread));
}

/* Give the worker copies of the next one's capabilities, and start it. */
static void worker_start(struct worker *w, struct worker *next)
{
	sk_cap_t cn = w->cnode;
	long rc;

	must(sk_copy(cn, PEER_THREAD, ME, next->thread, SK_ALL));
	must(sk_copy(cn, PEER_SCHED, ME, next->sched, SK_ALL));
	must(sk_copy(cn, PEER_NESTED, next->cnode, NESTED_AT, SK_ALL));
	must(sk_copy(cn, PEER_ENDPOINT, next->cnode, ENDPOINT_AT, SK_ALL));
	rc = sk_copy(cn, PEER_VCPU, next->cnode, VCPU_AT, SK_ALL);
	CHECK(rc == 0 || rc == -SK_E_CAP); /* no guests on this machine */
}

static uint64_t seed(void)
{
	const char *c;
	uint64_t v = 1;

	for (c = BOOT->cmdline; *c; c++)
		if (!__builtin_memcmp(c, "seed=", 5))
			for (v = 0, c += 5; *c >= '0' && *c <= '9'; c++)
				v = v * 10 + (uint64_t)(*c - '0');
	return v;
}

void test_main(void)
{
	unsigned int i, round, before, stuck;
	char *stacks[WORKERS];
	uint64_t word;
	sk_cap_t idle = object_new(SK_OBJ_NOTIFICATION, 0);

	must(sk_sys6(SK_SYS_CHECK, 0, 0, 0, 0, 0, 0)); /* this is the checked kernel */
	for (i = 0; i < WORKERS; i++) {
		workers[i].random = seed() * 0x9e3779b97f4a7c15 + i + 1;
		workers[i].untyped = object_new(SK_OBJ_UNTYPED, 24);
		workers[i].cnode = slots_new(7);
		workers[i].thread = workers[i].cnode + 1;
		workers[i].sched = workers[i].cnode + 2;
		workers[i].space = workers[i].cnode + 3;
		workers[i].tables = workers[i].cnode + 4;
		workers[i].utcb = range_new(12);
		tables_for(SK_CAP_SPACE, workers[i].utcb);
		stacks[i] = memory_new(14, NULL);
	}
	for (round = 0; round < ROUNDS; round++) {
		for (i = 0; i < WORKERS; i++)
			worker_make(&workers[i], i, stacks[i]);
		for (i = 0; i < WORKERS; i++)
			worker_start(&workers[i], &workers[(i + 1) % WORKERS]);
		for (i = 0; i < WORKERS; i++)
			must(sk_thread_resume(workers[i].thread));
		/*
		 * until all workers are stuck (sooner or later they suspend or delete
		 * themselves) or have done enough
		 */
		before = total;
		for (stuck = 0; stuck < 10 && total - before < CALLS;) {
			unsigned int was = total;

			sk_wait(idle, sk_now() + INFO->tsc_hz / 500, &word);
			stuck = total == was ? stuck + 1 : 0;
		}
		for (i = 0; i < WORKERS; i++) {
			must(sk_revoke(ME, workers[i].untyped));
			must(sk_retype(workers[i].untyped, SK_OBJ_FRAME, 24, ME,
				workers[i].cnode, 1, 0)); /* all free */
			must(sk_delete(ME, workers[i].cnode));
		}
	}
	print("%u calls\n", total);
	CHECK(total > 100);
}
