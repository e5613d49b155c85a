/*
 * ending - a long DELETE or REVOKE that is interrupted: what others find meanwhile, and what it does when it goes on
 *
 * A more urgent thread looks in at short intervals. Intervals are instructions (-icount), so it always gets its turn
 * in the middle of the call.
 */
#include "../lib/ktest.h"

enum { CALLERS = 400, STEP = 20011 };

static void (*volatile look)(void);
static volatile unsigned int looks;
static sk_cap_t alarm;

static void looker(void *arg)
{
	uint64_t word;

	(void)arg;
	for (;;) {
		sk_wait(alarm, sk_now() + STEP, &word);
		if (!look)
			continue;
		looks++;
		look();
	}
}

/* Let the looker look while work() runs. */
static void watched(void (*fn)(void), void (*work)(void))
{
	looks = 0;
	look = fn;
	work();
	look = NULL;
	CHECK(looks >= 2);
}

/* --- no new capability to what has begun to end ------------------------------------------------- */

static sk_cap_t ep, other, spare, channel;
static volatile unsigned int refused;
static struct crowd crowd;

static void derive(void)
{
	struct sk_msg m = { .mi = SK_MI(1, 0, 1) };
	struct sk_cap_info info;

	CHECK_EQ(sk_cap_info(ME, ep, &info), 0);
	if (info.type == SK_OBJ_NULL) /* the end is over already */
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

/* Takes messages, and a capability each if there is one. */
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

void test_main(void)
{
	alarm = object_new(SK_OBJ_NOTIFICATION, 0);
	kthread_start(looker, NULL, 0, 24);
	dead_endpoint();
}
