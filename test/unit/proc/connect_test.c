/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * connect_test.c - which part of a connection the service, the client and its builder get
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "caps/caps.h"
#include "proc/internal.h"
#include "svc/svc.h"

enum { ENDPOINT = 40, UNTYPED = 50, DATA_UNTYPED = 51, BASE = 52, SIGNAL = 90, SLOTS = 200 };

/* ---- capabilities: the object that each of the builder's slots names ---- */
static struct {
	sk_cap_t of; /* the object's first slot; 0: the slot is empty */
	sk_cap_t untyped;
	uint32_t order;
} slot[SLOTS];
static sk_cap_t next_slot;
static struct domain_info info;
static struct proc proc;

static struct {
	struct svc_open_args open;
	int open_rc, close_rc, map_rc;
	unsigned int opens, closes;
	sk_cap_t mapped[4], in_domain[DOMAIN_CAP_DEVICE], kept[4];
	uint64_t vaddr[4], size[4];
	unsigned int n_mapped, n_kept;
} seen;

static sk_cap_t slot_new(sk_cap_t of, sk_cap_t untyped, uint32_t order)
{
	sk_cap_t s = next_slot++;

	slot[s].of = of ? of : s;
	slot[s].untyped = untyped;
	slot[s].order = order;
	return s;
}

int make_own(struct proc *p, sk_cap_t from, uint32_t type, uint32_t order, sk_cap_t *out)
{
	(void)p;
	assert_int_equal(type, SK_OBJ_FRAME);
	*out = slot_new(0, from ? from : BASE, order);
	return 0;
}

int cap_copy(sk_cap_t from, uint32_t rights, uint64_t badge, sk_cap_t *out)
{
	(void)rights;
	(void)badge;
	*out = slot_new(slot[from].of, slot[from].untyped, slot[from].order);
	return 0;
}

void cap_drop(sk_cap_t cap)
{
	if (!cap)
		return;
	assert_int_not_equal(slot[cap].of, 0);
	slot[cap].of = 0;
}

int map_part(struct proc *p, sk_cap_t frame, uint64_t vaddr, uint64_t offset, uint64_t size,
	uint32_t rights)
{
	(void)p;
	assert_int_equal(offset, 0);
	assert_int_equal(rights, SK_R | SK_W);
	assert_true(size <= 1ull << slot[frame].order);
	if (seen.map_rc)
		return seen.map_rc;
	seen.mapped[seen.n_mapped] = slot[frame].of;
	seen.vaddr[seen.n_mapped] = vaddr;
	seen.size[seen.n_mapped++] = size;
	return 0;
}

int keep_put(struct proc *p, sk_cap_t cap)
{
	(void)p;
	seen.kept[seen.n_kept++] = slot[cap].of;
	slot[cap].of = 0;
	return 0;
}

int proc_give(struct proc *p, uint32_t to, sk_cap_t cap, uint32_t rights, uint64_t badge)
{
	(void)p;
	(void)badge;
	assert_int_equal(rights, SK_W);
	seen.in_domain[to] = slot[cap].of;
	return 0;
}

int proc_move(struct proc *p, uint32_t to, sk_cap_t cap)
{
	(void)p;
	seen.in_domain[to] = slot[cap].of;
	slot[cap].of = 0;
	return 0;
}

uint64_t proc_vaddr(struct proc *p, uint32_t order)
{
	uint64_t at = (p->next_vaddr + (1ull << order) - 1) & ~((1ull << order) - 1);

	p->next_vaddr = at + (1ull << order);
	return at;
}

int svc_open_within(
	sk_cap_t ep, const struct svc_open_args *a, uint32_t ms, struct svc_open_result *r)
{
	assert_int_equal(ep, ENDPOINT);
	assert_int_equal(ms, SVC_OPEN_MS);
	seen.opens++;
	seen.open = *a;
	if (seen.open_rc)
		return seen.open_rc;
	*r = (struct svc_open_result){ 7, { 1, 2 }, slot_new(SIGNAL, 0, 0) };
	return 0;
}

int svc_close(sk_cap_t ep, uint32_t number, int *result)
{
	assert_null(result);
	assert_int_equal(ep, ENDPOINT);
	assert_int_equal(number, 7);
	seen.closes++;
	return seen.close_rc;
}

static unsigned int slots_used(void)
{
	unsigned int n = 0;

	for (sk_cap_t s = 100; s < next_slot; s++)
		n += slot[s].of != 0;
	return n;
}

static int setup(void **state)
{
	(void)state;
	memset(slot, 0, sizeof(slot));
	memset(&seen, 0, sizeof(seen));
	memset(&info, 0, sizeof(info));
	next_slot = 100;
	proc = (struct proc){ .info = &info, .next_vaddr = DOMAIN_CHANNEL_VADDR };
	return 0;
}

static const struct proc_connect disk = { .name = "disk0",
	.endpoint = ENDPOINT,
	.proto = SVC_PROTO_BLK,
	.client = 5,
	.data_size = 1 << 21,
	.own_size = 65536,
	.data_untyped = DATA_UNTYPED };

/* ---- cases ---- */

static void each_gets_its_part(void **state)
{
	const struct domain_channel *e = &info.channel[0];
	struct proc_connection c;
	sk_cap_t rings, data, own;

	(void)state;
	assert_int_equal(proc_connect(&proc, &disk, &c), 0);
	rings = c.rings;
	data = c.data;
	own = c.own;
	/* the service gets all three, each with the memory that pays for it */
	assert_int_equal(seen.open.rings, rings);
	assert_int_equal(seen.open.data, data);
	assert_int_equal(seen.open.own, own);
	assert_int_equal(seen.open.data_size, 1 << 21);
	assert_int_equal(seen.open.own_size, 65536);
	assert_int_equal(slot[rings].untyped, BASE);
	assert_int_equal(slot[rings].order, 14);
	assert_int_equal(slot[data].untyped, DATA_UNTYPED);
	assert_int_equal(slot[data].order, 21);
	assert_int_equal(slot[own].untyped, BASE);
	/*
	 * the client has rings and data mapped and a capability to the data, but nothing of the
	 * service's own memory
	 */
	assert_int_equal(seen.n_mapped, 2);
	assert_int_equal(seen.mapped[0], rings);
	assert_int_equal(seen.mapped[1], data);
	assert_int_equal(seen.n_kept, 1);
	assert_int_equal(seen.kept[0], rings);
	assert_int_equal(e->data, DOMAIN_CAP_CHANNEL + 1);
	assert_int_equal(seen.in_domain[e->data], data);
	assert_int_equal(seen.in_domain[e->signal], SIGNAL);
	for (uint32_t i = 0; i < DOMAIN_CAP_DEVICE; i++)
		assert_true(!own || seen.in_domain[i] != own);
	assert_int_equal(e->vaddr, seen.vaddr[0]);
	assert_int_equal(e->data_vaddr, seen.vaddr[1]);
	assert_int_equal(e->data_vaddr % (1 << 21), 0); /* one large page */
	assert_int_equal(e->data_size, 1 << 21);
	assert_int_equal(e->req_size + e->rsp_size, 16384);
	assert_string_equal(e->name, "disk0");
	assert_int_equal(c.number, 7);
}

static void without_data(void **state)
{
	struct proc_connect q = disk;
	struct proc_connection c;

	(void)state;
	q.proto = SVC_PROTO_CONSOLE;
	q.data_size = q.own_size = 0;
	assert_int_equal(proc_connect(&proc, &q, &c), 0);
	assert_int_equal(seen.open.data | seen.open.own, 0);
	assert_int_equal(seen.open.data_size + seen.open.own_size, 0);
	assert_int_equal(info.channel[0].data, 0);
	assert_int_equal(seen.n_mapped, 1);
}

static void refusals_leave_nothing(void **state)
{
	struct proc_connect q = disk;
	struct proc_connection c;

	(void)state;
	seen.open_rc = -SK_E_BUSY;
	assert_int_equal(proc_connect(&proc, &q, &c), -SK_E_BUSY);
	assert_int_equal(slots_used(), 0);
	assert_int_equal(info.n_channels, 0);
	assert_int_equal(seen.closes, 0);
	seen.open_rc = 0;
	seen.map_rc = -SK_E_NO_MEM; /* after the service has accepted */
	assert_int_equal(proc_connect(&proc, &q, &c), -SK_E_NO_MEM);
	assert_int_equal(seen.closes, 1);
	assert_int_equal(slots_used(), 0);
	q.data_size = 1ull << SK_HUGE_ORDER;
	assert_int_equal(proc_connect(&proc, &q, &c), -SK_E_INVAL);
	assert_int_equal(seen.opens, 2);
}

static void a_start_page_holds_so_many_channels(void **state)
{
	const struct proc_channel c = { .name = "one more" };

	(void)state;
	info.n_channels = DOMAIN_CHANNELS_MAX;
	assert_int_equal(proc_channel(&proc, &c, NULL), -SK_E_LIMIT);
	assert_int_equal(info.n_channels, DOMAIN_CHANNELS_MAX);
	info.n_channels = DOMAIN_CHANNELS_MAX - 1;
	assert_int_equal(proc_channel(&proc, &c, NULL), 0);
	assert_string_equal(info.channel[DOMAIN_CHANNELS_MAX - 1].name, "one more");
}

/* Without an answer, the caller must know that the memory may still be in use. */
static void silence_is_told(void **state)
{
	struct proc_connection c;

	(void)state;
	seen.open_rc = -SK_E_TIMEOUT;
	assert_int_equal(proc_connect(&proc, &disk, &c), -SK_E_TIMEOUT);
	seen.open_rc = 0;
	seen.map_rc = -SK_E_NO_MEM;
	seen.close_rc = -SK_E_TIMEOUT;
	assert_int_equal(proc_connect(&proc, &disk, &c), -SK_E_TIMEOUT);
	assert_int_equal(slots_used(), 0);
}

/*
 * The same in two halves: the caller itself makes the call, and learns whether the connection
 * can be used.
 */
static void in_two_halves(void **state)
{
	struct svc_open_result r = { .number = 7, .word = { 1, 2 } };
	struct proc_connection c;
	struct svc_open_args a;
	unsigned int used;

	(void)state;
	assert_int_equal(proc_connect_prepare(&proc, &disk, &a, &c), 0);
	assert_int_equal(info.n_channels, 0);
	assert_int_equal(a.data, c.data);
	assert_int_equal(a.own, c.own);
	assert_int_equal(a.data_size, 1 << 21);
	r.signal = slot_new(SIGNAL, 0, 0);
	assert_int_equal(proc_connect_finish(&proc, &disk, &a, 0, &r, &c), 0);
	assert_int_equal(c.number, 7);
	assert_int_equal(c.word[1], 2);
	assert_int_equal(info.n_channels, 1);
	used = slots_used(); /* of the connection that stays */
	/* refused or not answered */
	assert_int_equal(proc_connect_prepare(&proc, &disk, &a, &c), 0);
	assert_int_equal(
		proc_connect_finish(&proc, &disk, &a, -SK_E_TIMEOUT, &r, &c), -SK_E_TIMEOUT);
	assert_int_equal(c.number, 0);
	assert_int_equal(slots_used(), used);
	/* made but unusable: the caller needs the number to close it */
	assert_int_equal(proc_connect_prepare(&proc, &disk, &a, &c), 0);
	r.signal = slot_new(SIGNAL, 0, 0);
	seen.map_rc = -SK_E_NO_MEM;
	assert_int_equal(proc_connect_finish(&proc, &disk, &a, 0, &r, &c), -SK_E_NO_MEM);
	assert_int_equal(c.number, 7);
	assert_int_equal(slots_used(), used);
	assert_int_equal(info.n_channels, 1);
	assert_int_equal(seen.opens + seen.closes, 0);
}

/* What the builder kept is enough to open the connection again. */
static void opened_again(void **state)
{
	struct svc_open_args first, a;
	struct proc_connection c;
	sk_cap_t rings;

	(void)state;
	assert_int_equal(proc_connect(&proc, &disk, &c), 0);
	first = seen.open;
	assert_int_equal(first.number | first.epoch, 0);
	assert_int_equal(proc_reopen_prepare(&disk, &c, 3, &a), 0);
	assert_int_equal(a.number, 7);
	assert_int_equal(a.epoch, 3);
	a.number = a.epoch = 0;
	assert_memory_equal(&a, &first, sizeof(a)); /* all else is as it was */
	assert_int_equal(proc_reopen_prepare(&disk, &c, 0, &a), -SK_E_INVAL);
	rings = c.rings;
	c.rings = 0; /* nothing was kept */
	assert_int_equal(proc_reopen_prepare(&disk, &c, 3, &a), -SK_E_INVAL);
	c.rings = rings;
	c.number = 0; /* it was never open */
	assert_int_equal(proc_reopen_prepare(&disk, &c, 3, &a), -SK_E_INVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(each_gets_its_part, setup),
		cmocka_unit_test_setup(without_data, setup),
		cmocka_unit_test_setup(refusals_leave_nothing, setup),
		cmocka_unit_test_setup(a_start_page_holds_so_many_channels, setup),
		cmocka_unit_test_setup(silence_is_told, setup),
		cmocka_unit_test_setup(in_two_halves, setup),
		cmocka_unit_test_setup(opened_again, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
