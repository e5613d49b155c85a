/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ending - a long DELETE or REVOKE is interrupted: what other threads find in the meantime, and
 * what the call does when it continues
 *
 * watched() lets a more urgent thread run at short intervals. Intervals are counted in
 * instructions (-icount), so it always gets its turn in the middle of the call.
 */
#include "../lib/ktest.h"

enum { CALLERS = 400 };

/* --- no new capability to what has begun to end ------------------------------------------- */

static sk_cap_t ep, other, spare, channel;
static volatile unsigned int refused;
static struct crowd crowd;

static void derive(void)
{
	struct sk_msg m = { .mi = SK_MI(1, 0, 1) };
	struct sk_cap_info info;

	CHECK_EQ(sk_cap_info(ME, ep, &info), 0);
	if (info.type == SK_OBJ_NULL) /* the end is complete already */
		return;
	CHECK_EQ(sk_copy(ME, spare, ME, ep, SK_ALL), -SK_E_CAP);
	CHECK_EQ(sk_mint(ME, spare, ME, ep, SK_ALL, 5), -SK_E_CAP);
	CHECK_EQ(sk_move(ME, spare, ME, ep), -SK_E_CAP);
	for (int move = 0; move < 2; move++) {
		sk_utcb()->send[0] = (struct sk_send_cap){ ep,
			SK_ALL | (move ? SK_SEND_MOVE : 0) };
		sk_utcb()->deadline = SK_NO_DEADLINE;
		m.mi = SK_MI(1, 0, 1);
		CHECK_EQ(sk_ipc(SK_SYS_SEND, channel, &m), 0);
	}
	CHECK_EQ(sk_thread_configure(other, ME, SK_CAP_SPACE, ep, 0x1000, &(uint32_t){ 0 }),
		-SK_E_CAP);
	refused++;
}

/* Receives messages, each with its capability if it has one. */
static void taker(void *arg)
{
	struct sk_msg m;

	(void)arg;
	sk_utcb()->recv_slot = spare;
	sk_utcb()->recv_slots = 1;
	for (;;) {
		m = (struct sk_msg){ 0 };
		CHECK_EQ(sk_recv(channel, &m), 0);
		CHECK_EQ(SK_MI_CAPS(m.mi), 0);
	}
}

static void delete_endpoint(void) { CHECK_EQ(sk_delete(ME, ep), 0); }

static void dead_endpoint(void)
{
	unsigned int i;

	ep = object_new(SK_OBJ_ENDPOINT, 0);
	channel = object_new(SK_OBJ_ENDPOINT, 0);
	other = object_new(SK_OBJ_THREAD, 0);
	spare = slots_new(1);
	kthread_start(taker, NULL, 0, 26);
	crowd_make(&crowd, CALLERS, 0);
	crowd_call(&crowd, SK_SYS_CALL, ep, SK_MI(1, 0, 0));
	watched(derive, delete_endpoint);
	CHECK(refused > 0);
	for (i = 0; i < CALLERS; i++)
		CHECK_EQ(crowd_result(&crowd, i), -SK_E_DELETED);
}

/* --- what the call named, and nothing else ------------------------------------------------ */

static sk_cap_t alarm;

enum { CNODE_ORDER = 18, CHILDREN = 600 };

static sk_cap_t untyped, cnode, innocent;
static volatile unsigned int exchanged;

static unsigned int type_of(sk_cap_t slot)
{
	struct sk_cap_info info;

	CHECK_EQ(sk_cap_info(ME, slot, &info), 0);
	return info.type;
}

/* Fill a large CNode with capabilities, each of which takes time to delete. */
static void cnode_fill(void)
{
	unsigned int i;

	if (!untyped)
		untyped = object_new(SK_OBJ_UNTYPED, CNODE_ORDER);
	if (!cnode)
		cnode = slots_new(1);
	CHECK_EQ(sk_retype(untyped, SK_OBJ_CNODE, CNODE_ORDER, ME, cnode, 1, 0), 0);
	for (i = 1; i < SK_CNODE_SLOTS(CNODE_ORDER); i++)
		CHECK_EQ(sk_copy(cnode, i, ME, innocent, SK_ALL), 0);
}

static void delete_cnode(void) { CHECK_EQ(sk_delete(ME, cnode), 0); }

/*
 * The slot is already empty while the CNode is still being cleared, and another thread uses it.
 */
static void slot_reuse(void)
{
	if (type_of(cnode) == SK_OBJ_NULL) {
		CHECK_EQ(sk_copy(ME, cnode, ME, innocent, SK_ALL), 0);
		exchanged++;
	}
}

static void delete_spares_others(void)
{
	cnode_fill();
	watched(slot_reuse, delete_cnode);
	CHECK_EQ(exchanged, 1);
	CHECK_EQ(type_of(cnode), SK_OBJ_NOTIFICATION);
	CHECK_EQ(sk_delete(ME, cnode), 0);
	CHECK_EQ(type_of(innocent), SK_OBJ_NOTIFICATION);
}

static sk_cap_t victim, victim_memory;

/*
 * The thread is gone while its capability space is still being cleared: its memory becomes a
 * thread again.
 */
static void same_again(void)
{
	if (exchanged || type_of(victim) != SK_OBJ_NULL)
		return;
	CHECK_EQ(sk_retype(victim_memory, SK_OBJ_THREAD, 0, ME, victim, 1, 0), 0);
	exchanged++;
}

static void delete_victim(void) { CHECK_EQ(sk_delete(ME, victim), 0); }

/*
 * The capability that is put into the emptied slot may look like the old one: same type, same
 * address.
 */
static void delete_spares_the_like(void)
{
	uint64_t utcb = range_new(12);
	uint32_t level;

	victim_memory = object_new(SK_OBJ_UNTYPED, SK_ORDER_THREAD);
	victim = object_new_from(victim_memory, SK_OBJ_THREAD, 0);
	tables_for(SK_CAP_SPACE, utcb);
	cnode_fill();
	CHECK_EQ(sk_thread_configure(victim, cnode, SK_CAP_SPACE, 0, utcb, &level), 0);
	CHECK_EQ(sk_delete(ME, cnode), 0);
	exchanged = 0;
	watched(same_again, delete_victim);
	CHECK_EQ(exchanged, 1);
	CHECK_EQ(type_of(victim), SK_OBJ_THREAD);
}

static sk_cap_t parent, child, children;

/*
 * The capability that is being revoked is deleted (its children pass to the parent), and
 * another family comes into its slot.
 */
static void family_exchange(void)
{
	if (exchanged || type_of(children) == SK_OBJ_NULL)
		return;
	CHECK_EQ(sk_delete(ME, parent), 0);
	CHECK_EQ(sk_copy(ME, parent, ME, innocent, SK_ALL), 0);
	CHECK_EQ(sk_copy(ME, child, ME, parent, SK_ALL), 0);
	exchanged++;
}

static void revoke_parent(void) { CHECK_EQ(sk_revoke(ME, parent), -SK_E_CAP); }

static void revoke_spares_others(void)
{
	sk_cap_t n = object_new(SK_OBJ_NOTIFICATION, 0);
	unsigned int i;

	parent = slots_new(2);
	child = parent + 1;
	children = slots_new(CHILDREN);
	exchanged = 0;
	CHECK_EQ(sk_copy(ME, parent, ME, n, SK_ALL), 0);
	for (i = 0; i < CHILDREN; i++)
		CHECK_EQ(sk_copy(ME, children + i, ME, parent, SK_ALL), 0);
	watched(family_exchange, revoke_parent);
	CHECK_EQ(exchanged, 1);
	CHECK_EQ(type_of(child), SK_OBJ_NOTIFICATION);
	CHECK_EQ(sk_revoke(ME, n), 0);
	CHECK_EQ(sk_delete(ME, parent), 0);
	CHECK_EQ(type_of(child), SK_OBJ_NOTIFICATION);
}

/* --- everybody cleans up after himself ---------------------------------------------------- */

static sk_cap_t small, made;
static volatile uint64_t longest;

/* Make calls that have nothing to do with the CNode that ends. */
static void unrelated(void)
{
	uint64_t start = sk_now(), took;

	CHECK_EQ(sk_retype(small, SK_OBJ_ENDPOINT, 0, ME, made, 1, 0), 0);
	CHECK_EQ(sk_revoke(ME, small), 0);
	CHECK_EQ(sk_delete(ME, made), 0);
	took = sk_now() - start;
	if (took > longest)
		longest = took;
}

static void others_do_not_pay(void)
{
	small = object_new(SK_OBJ_UNTYPED, 12);
	made = slots_new(1);
	cnode_fill();
	longest = 0;
	watched(unrelated, delete_cnode);
	CHECK(longest < 15000);
}

/* --- who goes on when the one who deletes cannot ------------------------------------------ */

static struct kthread *deleter;
static sk_cap_t second, last;

static void delete_in_thread(void *arg)
{
	(void)arg;
	(void)sk_delete(ME, cnode);
}

/*
 * A CNode with a CNode in it that holds the last capability to an endpoint with a caller: the
 * caller sees its end.
 */
static void cnode_with_secret(void)
{
	static sk_cap_t inner;
	struct sk_cap_info info;

	if (!inner)
		inner = object_new(SK_OBJ_UNTYPED, 12);
	cnode_fill();
	CHECK_EQ(sk_retype(inner, SK_OBJ_CNODE, 12, ME, second, 1, 0), 0);
	last = object_new(SK_OBJ_ENDPOINT, 0);
	crowd_call(&(struct crowd){ crowd.threads, crowd.sched, 1 }, SK_SYS_CALL, last,
		SK_MI(1, 0, 0));
	CHECK_EQ(sk_move(second, 5, ME, last), 0);
	CHECK_EQ(sk_delete(cnode, 1), 0);
	CHECK_EQ(sk_move(cnode, 1, ME, second), 0);
	CHECK_EQ(sk_cap_info(ME, untyped, &info), 0);
}

static bool free_again(sk_cap_t u)
{
	sk_cap_t s = slots_new(1);
	long rc = sk_retype(u, SK_OBJ_CNODE, CNODE_ORDER, ME, s, 1, 0);

	if (rc == 0)
		CHECK_EQ(sk_delete(ME, s), 0);
	return rc == 0;
}

/* A thread of low priority begins to delete; before it has finished... */
static void interrupted_deleter(void)
{
	uint64_t word;

	cnode_with_secret();
	deleter = kthread_start(delete_in_thread, NULL, 0, 10);
	while (type_of(cnode) != SK_OBJ_NULL)
		sk_wait(alarm, sk_now() + 1000, &word);
	CHECK(!free_again(untyped)); /* not cleared yet */
}

static void taken_over(void)
{
	/* ... it is ended: the thread that ends it does the rest */
	interrupted_deleter();
	CHECK_EQ(sk_delete(ME, deleter->thread), 0);
	CHECK_EQ(crowd_result(&crowd, 0), -SK_E_DELETED);
	CHECK(free_again(untyped));
	/* ... it is stopped for good: the thread that revokes the memory does the rest */
	interrupted_deleter();
	CHECK_EQ(sk_thread_suspend(deleter->thread), 0);
	CHECK(!free_again(untyped));
	CHECK_EQ(sk_revoke(ME, untyped), 0);
	CHECK_EQ(crowd_result(&crowd, 0), -SK_E_DELETED);
	CHECK(free_again(untyped));
	CHECK_EQ(sk_delete(ME, deleter->thread), 0);
	/* ... it finds its own last capability in the CNode: as before */
	cnode_with_secret();
	deleter = kthread_start(delete_in_thread, NULL, 0, 10);
	CHECK_EQ(sk_delete(cnode, 2), 0);
	CHECK_EQ(sk_move(cnode, 2, ME, deleter->thread), 0);
	main_priority(5);
	main_priority(20);
	CHECK_EQ(type_of(cnode), SK_OBJ_NULL);
	CHECK(!free_again(untyped));
	CHECK_EQ(sk_revoke(ME, untyped), 0);
	CHECK(free_again(untyped));
}

static sk_cap_t family;

static void revoke_own_family(void *arg)
{
	(void)arg;
	(void)sk_revoke(ME, family);
}

/*
 * A thread revokes the memory of which it is made: it gets as far as itself, and others do the
 * rest.
 */
static void revokes_itself(void)
{
	sk_cap_t s = slots_new(2);
	struct kthread *k = kthread_start(revoke_own_family, NULL, 0, 10);
	struct sk_regs regs;
	uint64_t utcb = range_new(12);
	uint32_t level;

	family = object_new(SK_OBJ_UNTYPED, 14);
	CHECK_EQ(sk_thread_suspend(k->thread), 0);
	CHECK_EQ(sk_thread_read(k->thread, &regs), 0);
	CHECK_EQ(sk_retype(family, SK_OBJ_CNODE, 12, ME, s, 1, 0), 0);
	CHECK_EQ(sk_retype(family, SK_OBJ_THREAD, 0, ME, s + 1, 1, 0), 0);
	tables_for(SK_CAP_SPACE, utcb);
	CHECK_EQ(sk_thread_configure(s + 1, ME, SK_CAP_SPACE, 0, utcb, &level), 0);
	CHECK_EQ(sk_thread_write(s + 1, &regs), 0);
	CHECK_EQ(sk_sched_bind(k->sched, SK_NULL_CAP), 0);
	CHECK_EQ(sk_sched_bind(k->sched, s + 1), 0);
	CHECK_EQ(sk_thread_resume(s + 1), 0);
	main_priority(5);
	main_priority(20);
	CHECK_EQ(type_of(s + 1), SK_OBJ_NULL);
	CHECK_EQ(type_of(s), SK_OBJ_CNODE);
	CHECK_EQ(sk_revoke(ME, family), 0);
	CHECK_EQ(type_of(s), SK_OBJ_NULL);
	CHECK_EQ(sk_retype(family, SK_OBJ_CNODE, 14, ME, s, 1, 0), 0);
}

/*
 * A thread whose capability space holds its own last capability, and a CNode that holds its
 * own.
 */
static void circles(void)
{
	sk_cap_t u = object_new(SK_OBJ_UNTYPED, 20), s = slots_new(2), t = s + 1;
	uint64_t utcb = range_new(12);
	uint32_t level;

	tables_for(SK_CAP_SPACE, utcb);
	CHECK_EQ(sk_retype(u, SK_OBJ_CNODE, 12, ME, s, 1, 0), 0);
	CHECK_EQ(sk_retype(u, SK_OBJ_THREAD, 0, ME, t, 1, 0), 0);
	CHECK_EQ(sk_thread_configure(t, s, SK_CAP_SPACE, 0, utcb, &level), 0);
	CHECK_EQ(sk_move(s, 1, ME, t), 0);
	/* the thread's own capability is the last, and out of reach */
	CHECK_EQ(sk_delete(ME, s), 0);
	CHECK_EQ(sk_retype(u, SK_OBJ_CNODE, 12, ME, s, 1, 0), 0);
	CHECK_EQ(sk_copy(s, 7, ME, s, SK_ALL), 0);
	CHECK_EQ(sk_delete(ME, s), 0);
	CHECK_EQ(sk_revoke(ME, u), 0);
	CHECK_EQ(sk_retype(u, SK_OBJ_CNODE, 20, ME, s, 1, 0), 0);
	CHECK_EQ(sk_delete(ME, s), 0);
}

void test_main(void)
{
	alarm = object_new(SK_OBJ_NOTIFICATION, 0);
	innocent = object_new(SK_OBJ_NOTIFICATION, 0);
	second = slots_new(1);
	dead_endpoint();
	delete_spares_others();
	delete_spares_the_like();
	revoke_spares_others();
	others_do_not_pay();
	taken_over();
	circles();
	revokes_itself();
}
