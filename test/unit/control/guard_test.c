/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * guard_test.c - a VMM dies while control is there, while it ends, and while it is away
 *
 * The endpoint, the Reply and the table outlive control; everything else begins anew in each
 * life. A VMM whose death was received waits for an answer. If the answer comes, it dies again.
 */
#define SK_SYS_H /* the kernel is here */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <sk/syscall.h>

struct sk_msg {
	uint64_t badge, mi, mr[SK_MR_REGS];
};
struct sk_cap_info {
	uint32_t type, rights, order;
	uint64_t badge;
	uint64_t size;
};
static struct sk_utcb *sk_utcb(void);
static long sk_recv(sk_cap_t endpoint, struct sk_msg *m);
static long sk_reply(sk_cap_t reply, const struct sk_msg *m);
static long sk_signal(sk_cap_t ntfn);
static long sk_revoke(sk_cap_t cnode, sk_cap_t slot);
static long sk_cap_info(sk_cap_t cnode, sk_cap_t slot, struct sk_cap_info *info);

#include "../../../services/control/guest/vmm_guard.c"
#include "../../../services/control/guest/slots.c"

enum { MEMORY = 5, WAKE = 6, FIRST = 100, RIP = 0x1234, ADDRESS = 0x5678, QUEUE = 8 };

static _Alignas(8) uint8_t kept[KEPT_SIZE];
static struct sk_utcb utcb;
/* Callers that nobody has received, and the one that waits for an answer. */
static struct {
	struct sk_msg queue[QUEUE], held;
	uint32_t n_queued, refused;
	bool holds;
	uint8_t type[QUEUE]; /* of the objects in slots from FIRST on */
	uint32_t n_objects;
} kernel;
static void (*guard_fn)(void *arg);
static svc_handler_fn seen_fn;
static jmp_buf idle;
static bool woken;
static uint32_t faulted, ended, times;

/* ---- the kernel ---- */

static struct sk_utcb *sk_utcb(void) { return &utcb; }

static void calls_again(const struct sk_msg *m)
{
	assert_true(kernel.n_queued < QUEUE);
	kernel.queue[kernel.n_queued++] = *m;
}

static long sk_recv(sk_cap_t from, struct sk_msg *m)
{
	assert_int_equal(from, FIRST);
	if (!kernel.n_queued)
		longjmp(idle, 1);
	*m = kernel.held = kernel.queue[0];
	kernel.holds = true;
	kernel.n_queued--;
	memmove(kernel.queue, kernel.queue + 1, kernel.n_queued * sizeof(*m));
	return 0;
}

/* One that died does so again. */
static long sk_reply(sk_cap_t to, const struct sk_msg *m)
{
	assert_int_equal(to, FIRST + 1);
	if (!kernel.holds)
		return -SK_E_INVAL;
	kernel.holds = false;
	if ((int64_t)m->mr[0] == -SK_E_AGAIN)
		calls_again(&kernel.held);
	else
		kernel.refused++;
	return 0;
}

static long sk_signal(sk_cap_t ntfn)
{
	assert_int_equal(ntfn, WAKE);
	woken = true;
	return 0;
}

static long sk_revoke(sk_cap_t cnode, sk_cap_t slot)
{
	(void)cnode;
	assert_int_equal(slot, MEMORY);
	kernel.n_objects = 0;
	return 0;
}

static long sk_cap_info(sk_cap_t cnode, sk_cap_t slot, struct sk_cap_info *info)
{
	(void)cnode;
	if (slot < FIRST || slot >= FIRST + kernel.n_objects)
		return -SK_E_CAP;
	info->type = kernel.type[slot - FIRST];
	return 0;
}

sk_cap_t slot_alloc(uint32_t n)
{
	(void)n;
	return FIRST + kernel.n_objects;
}

void slot_free(sk_cap_t first, uint32_t n)
{
	(void)n;
	fail_msg("slot %u is given back", (unsigned int)first);
}

bool slot_adopt(sk_cap_t slot) { return slot >= FIRST; }

int object_make_in(sk_cap_t untyped, uint32_t type, uint32_t order, sk_cap_t cnode,
	sk_cap_t slot, uint32_t n)
{
	(void)order, (void)cnode, (void)n;
	assert_int_equal(untyped, MEMORY);
	assert_int_equal(slot, FIRST + kernel.n_objects);
	kernel.type[kernel.n_objects++] = (uint8_t)type;
	return 0;
}

int object_make(uint32_t type, uint32_t order, sk_cap_t *out)
{
	(void)type, (void)order, (void)out;
	fail_msg("it would end with control");
	return -1;
}

int cap_copy(sk_cap_t from, uint32_t rights, uint64_t badge, sk_cap_t *out)
{
	(void)from, (void)rights, (void)badge, (void)out;
	return -SK_E_SLOT;
}

/* ---- control ---- */

sk_cap_t svc_cap(const char *name, uint32_t *count)
{
	(void)count;
	assert_string_equal(name, "boundary");
	return MEMORY;
}

int svc_ntfn_badged(uint32_t bit, sk_cap_t *out)
{
	assert_int_equal(bit, BIT_VMM_GUARD);
	*out = WAKE;
	return 0;
}

int svc_on_bit(uint32_t bit, svc_handler_fn fn, void *ctx, const char *name)
{
	(void)bit, (void)name;
	assert_null(ctx);
	seen_fn = fn;
	return 0;
}

int svc_raise(uint32_t bit)
{
	assert_int_equal(bit, BIT_VMM_GUARD);
	woken = true;
	return 0;
}

sk_cap_t host_ctl_sched(void) { return 1; }

int host_thread_sched(uint32_t percent, sk_cap_t *sched)
{
	(void)percent;
	*sched = 1;
	return 0;
}

int thread_start(const struct thread_spec *s, struct thread **out)
{
	(void)out;
	guard_fn = s->fn;
	return 0;
}

void guests_run(void) {}

void guest_vmm_died(uint32_t domid, const char *how)
{
	char fault[64];

	snprintf(fault, sizeof(fault), "faulted at %#llx, address %#llx",
		(unsigned long long)RIP, (unsigned long long)ADDRESS);
	if (strcmp(how, "ended") == 0) {
		ended = domid;
	} else {
		assert_string_equal(how, fault);
		faulted = domid;
	}
	times++;
}

/* ---- lives ---- */

static void life_begins(void)
{
	endpoint = reply = wake = 0;
	woken = false;
	faulted = ended = times = 0;
	kept_init(kept, sizeof(kept));
	assert_int_equal(vmm_guard_init(), 0);
}

static void guard_has_its_turn(void)
{
	if (!setjmp(idle))
		guard_fn(NULL);
}

static void main_has_its_turn(void)
{
	if (woken)
		seen_fn(NULL);
	woken = false;
}

static void both_have_their_turn(void)
{
	guard_has_its_turn();
	main_has_its_turn();
}

static void vmm_faults(uint32_t domid)
{
	calls_again(&(struct sk_msg){
		.badge = domid, .mi = SK_MI(SK_LABEL_FAULT, 3, 0), .mr = { 0, ADDRESS, RIP } });
}

static void vmm_exits(uint32_t domid)
{
	calls_again(&(struct sk_msg){ .badge = domid, .mi = SK_MI(INIT_EXIT, 1, 0) });
}

static int setup(void **state)
{
	(void)state;
	memset(kept, 0, sizeof(kept));
	memset(&kernel, 0, sizeof(kernel));
	life_begins();
	return 0;
}

/* ---- the cases ---- */

static void a_death_is_told(void **state)
{
	(void)state;
	vmm_faults(3);
	both_have_their_turn();
	assert_int_equal(faulted, 3);
	vmm_exits(4);
	both_have_their_turn();
	assert_int_equal(ended, 4);
	assert_int_equal(times, 2);
}

static void a_death_is_told_once(void **state)
{
	(void)state;
	vmm_faults(3);
	vmm_faults(3);
	both_have_their_turn();
	assert_int_equal(times, 1);
}

/* More VMMs than there can be have died, and none of them stops the guard. */
static void all_slots_are_used(void **state)
{
	(void)state;
	for (uint32_t i = 1; i <= KEPT_DEATHS + 1; i++) {
		vmm_exits(i);
		guard_has_its_turn();
	}
	main_has_its_turn();
	assert_int_equal(times, KEPT_DEATHS);
}

static void other_calls_are_refused(void **state)
{
	(void)state;
	calls_again(&(struct sk_msg){ .badge = 3, .mi = SK_MI(INIT_EXIT + 1000, 0, 0) });
	both_have_their_turn();
	assert_int_equal(kernel.refused, 1);
	assert_int_equal(times, 0);
}

static void it_dies_while_control_is_away(void **state)
{
	(void)state;
	vmm_faults(3);
	vmm_exits(4);
	life_begins();
	assert_int_equal(endpoint, FIRST);
	both_have_their_turn();
	assert_int_equal(faulted, 3);
	assert_int_equal(ended, 4);
}

/* The main thread hangs. */
static void control_ends_before_it_has_seen_a_death(void **state)
{
	(void)state;
	vmm_faults(3);
	guard_has_its_turn();
	life_begins();
	both_have_their_turn();
	assert_int_equal(faulted, 3);
}

static void control_ends_before_it_has_seen_two(void **state)
{
	(void)state;
	vmm_faults(3);
	vmm_exits(4);
	guard_has_its_turn();
	life_begins();
	both_have_their_turn();
	assert_int_equal(faulted, 3);
	assert_int_equal(ended, 4);
}

/* The answer to another call took the Reply, so that nothing reports the death again. */
static void control_ends_when_the_reply_is_used(void **state)
{
	(void)state;
	vmm_faults(3);
	calls_again(&(struct sk_msg){ .badge = 4, .mi = SK_MI(INIT_EXIT + 1000, 0, 0) });
	guard_has_its_turn();
	assert_false(kernel.holds);
	life_begins();
	both_have_their_turn();
	assert_int_equal(faulted, 3);
}

/* Received, and not written down. */
static void the_guard_ends_with_a_death_in_its_hands(void **state)
{
	struct sk_msg m;

	(void)state;
	vmm_faults(3);
	assert_int_equal(sk_recv(FIRST, &m), 0);
	life_begins();
	both_have_their_turn();
	assert_int_equal(faulted, 3);
}

static void without_a_table_it_begins_anew(void **state)
{
	(void)state;
	memset(kept, 0, sizeof(kept));
	life_begins();
	assert_int_equal(kernel.n_objects, 2);
	vmm_faults(3);
	both_have_their_turn();
	assert_int_equal(faulted, 3);
}

/* The table names other objects, or none. */
static void damaged_slots(void **state)
{
	const sk_cap_t wild[] = { 0, FIRST + 1, FIRST + QUEUE, ~(sk_cap_t)0 };

	(void)state;
	for (uint32_t i = 0; i < 4; i++) {
		kept_head()->guard_endpoint = wild[i];
		life_begins();
		assert_int_equal(endpoint, FIRST);
		assert_int_equal(reply, FIRST + 1);
	}
	kept_head()->guard_reply = FIRST;
	life_begins();
	assert_int_equal(reply, FIRST + 1);
}

#define T(f) cmocka_unit_test_setup(f, setup)
int main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_death_is_told),
		T(a_death_is_told_once),
		T(all_slots_are_used),
		T(other_calls_are_refused),
		T(it_dies_while_control_is_away),
		T(control_ends_before_it_has_seen_a_death),
		T(control_ends_before_it_has_seen_two),
		T(control_ends_when_the_reply_is_used),
		T(the_guard_ends_with_a_death_in_its_hands),
		T(without_a_table_it_begins_anew),
		T(damaged_slots),
	};

	return cmocka_run_group_tests_name("deaths of VMMs", tests, NULL, NULL);
}
