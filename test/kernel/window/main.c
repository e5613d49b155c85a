/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * window - frames whose first byte lies outside their space: what was mapped is unmapped, and
 * nothing else
 *
 * MAP may show a later part of a frame at a low address, so that the window begins below the
 * space, or an early part at a high one, so that it ends beyond it.
 */
#include "../lib/ktest.h"

enum { HOST_FIRST = 0x1000, CODE = 0x8000 };
#define HOST_END 0x7ffffffff000ull
#define NESTED_END (1ull << 47)

enum end { BY_UNMAP, BY_DELETE, BY_REVOKE, END_WAYS };

/* --- is anything mapped there? ------------------------------------------------------------ */

static sk_cap_t probe, probe_large;

/* MAP returns EXISTS if the entry is in use in any way. */
static bool entry_empty(sk_cap_t space, uint64_t vaddr, unsigned int order)
{
	sk_cap_t frame = order == 21 ? probe_large : probe;
	long rc = map_into(frame, space, vaddr, 0, order, SK_R);

	if (rc == 0)
		CHECK_EQ(sk_unmap(frame, 0, order), 0);
	else
		CHECK_EQ(rc, -SK_E_EXISTS);
	return rc == 0;
}

/*
 * Remove a frame that was made from this untyped from its space; afterwards the untyped is
 * free.
 */
static void frame_end(enum end how, sk_cap_t untyped, sk_cap_t frame)
{
	struct sk_cap_info info;

	if (how == BY_UNMAP) {
		CHECK_EQ(sk_cap_info(ME, frame, &info), 0);
		CHECK_EQ(sk_unmap(frame, 0, info.order), 0);
	}
	if (how == BY_REVOKE)
		CHECK_EQ(sk_revoke(ME, untyped), 0);
	else
		CHECK_EQ(sk_delete(ME, frame), 0);
}

struct window {
	unsigned int frame_order, order;
	uint64_t vaddr, offset;
};

static void window_ends(unsigned int type, sk_cap_t untyped, const struct window *w)
{
	sk_cap_t f = slots_new(1), space = object_new(type, 0);
	unsigned int how, unit = w->order == 21 ? 21 : 12;
	uint64_t last = w->vaddr + (1ull << w->order) - (1ull << unit);

	for (how = 0; how < END_WAYS; how++) {
		CHECK_EQ(sk_retype(untyped, SK_OBJ_FRAME, w->frame_order, ME, f, 1, 0), 0);
		CHECK_EQ(map_into(f, space, w->vaddr, w->offset, w->order, SK_R | SK_W), 0);
		/*
		 * a part of the window that lies outside the space can be unmapped, without
		 * effect
		 */
		if (w->offset)
			CHECK_EQ(sk_unmap(f, 0, w->order), 0);
		CHECK(!entry_empty(space, w->vaddr, unit));
		CHECK(!entry_empty(space, last, unit));
		frame_end(how, untyped, f);
		CHECK(entry_empty(space, w->vaddr, unit));
		CHECK(entry_empty(space, last, unit));
	}
}

static void windows(void)
{
	static const struct window host[] = {
		{ 14, 12, HOST_FIRST, 0x2000 },           /* begins at -0x1000 */
		/* begins at 0, where no page can be */
		{ 14, 12, HOST_FIRST, 0x1000 },
		{ 14, 13, 0x2000, 0x2000 },               /* the same */
		{ 22, 12, HOST_FIRST, (1u << 22) - SK_PAGE_SIZE }, /* many tables below */
		/* a large page; the window begins at 0 */
		{ 22, 21, 1u << 21, 1u << 21 },
		{ 22, 12, HOST_END - SK_PAGE_SIZE, 0 },           /* extends into the hole */
		{ 22, 21, HOST_END + SK_PAGE_SIZE - (2u << 21), 0 },
	}, nested[] = {
		{ 14, 12, 0, 0x1000 },
		{ 14, 12, 0, 0x3000 },
		{ 14, 13, 0, 0x2000 },
		{ 22, 21, 0, 1u << 21 },                  /* a large page at 0 */
		{ 22, 12, 0x5000, (1u << 22) - SK_PAGE_SIZE },
		{ 22, 12, NESTED_END - SK_PAGE_SIZE, 0 },
		{ 22, 21, NESTED_END - (1u << 21), 0 },
	};
	sk_cap_t u = object_new(SK_OBJ_UNTYPED, 22);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(host); i++)
		window_ends(SK_OBJ_SPACE_HOST, u, &host[i]);
	for (i = 0; i < ARRAY_SIZE(nested); i++)
		window_ends(SK_OBJ_SPACE_NESTED, u, &nested[i]);
}

/* The last 2 MiB, and the last page, of a frame of 1 GiB at the bottom of a guest. */
static void huge(void)
{
	uint64_t base, at = 1ull << 34, last = (1ull << 30) - (1u << 21);
	sk_cap_t u = device_untyped(at, &base), f = slots_new(1),
		 space = object_new(SK_OBJ_SPACE_NESTED, 0);

	CHECK(u);
	CHECK_EQ(sk_retype(u, SK_OBJ_FRAME, 30, ME, f, 1, at - base), 0);
	CHECK_EQ(map_into(f, space, 0, last, 21, SK_R), 0);
	CHECK(!entry_empty(space, 0, 21));
	CHECK_EQ(sk_unmap(f, 0, 30), 0);
	CHECK(entry_empty(space, 0, 21));
	CHECK_EQ(map_into(f, space, 0, last + (1u << 21) - SK_PAGE_SIZE, 12, SK_R), 0);
	CHECK(!entry_empty(space, 0, 12));
	CHECK_EQ(sk_delete(ME, f), 0);
	CHECK(entry_empty(space, 0, 12));
}

/* Another frame's large page inside the window is no obstacle, and stays mapped. */
static void neighbours(void)
{
	sk_cap_t f = object_new(SK_OBJ_FRAME, 14), large = object_new(SK_OBJ_FRAME, 21);
	sk_cap_t space = object_new(SK_OBJ_SPACE_NESTED, 0);
	uint64_t at = 1u << 22;

	CHECK_EQ(map_into(large, space, at, 0, 21, SK_R), 0);
	CHECK_EQ(map_into(f, space, at - SK_PAGE_SIZE, 0, 12, SK_R), 0);
	CHECK_EQ(sk_unmap(f, SK_PAGE_SIZE, 12), 0);
	CHECK_EQ(sk_unmap(f, 0x2000, 13), 0);
	CHECK(!entry_empty(space, at - SK_PAGE_SIZE, 12));
	CHECK_EQ(sk_unmap(f, 0, 14), 0);
	CHECK(entry_empty(space, at - SK_PAGE_SIZE, 12));
	CHECK(!entry_empty(space, at, 21));
	CHECK_EQ(sk_unmap(large, 0, 12), -SK_E_NO_TABLE);
	CHECK_EQ(sk_delete(ME, large), 0);
	CHECK(entry_empty(space, at, 21));
}

/* --- the processor's view: after REVOKE an access faults ---------------------------------- */

static sk_cap_t fault_ep;

static void toucher(void *arg)
{
	struct sk_msg m = { .mi = SK_MI(1, 1, 0), .mr = { *(volatile uint64_t *)arg } };

	CHECK_EQ(sk_call(fault_ep, &m), 0);
}

/* Let a thread read at this address: true and the word, or false after a fault. */
static bool readable(uint64_t at, uint64_t *word)
{
	struct sk_msg m = { 0 };

	sk_utcb()->reply = object_new(SK_OBJ_REPLY, 0);
	kthread_new(toucher, (void *)at,
		&(struct kthread_args){ .priority = 20, .fault_ep = fault_ep });
	CHECK_EQ(sk_recv(fault_ep, &m), 0);
	*word = m.mr[0];
	if (SK_MI_LABEL(m.mi) == 1)
		return true;
	CHECK_EQ(SK_MI_LABEL(m.mi), SK_LABEL_FAULT);
	CHECK_EQ(m.mr[1], at);
	return false;
}

/* The memory becomes a CNode: its slots must not be readable, let alone writable. */
static void host_access(void)
{
	sk_cap_t u = object_new(SK_OBJ_UNTYPED, 14), f = slots_new(1), cn = slots_new(1);
	uint64_t word;

	CHECK_EQ(sk_retype(u, SK_OBJ_FRAME, 14, ME, f, 1, 0), 0);
	CHECK_EQ(map_into(f, SK_CAP_SPACE, HOST_FIRST, 0x2000, 12, SK_R | SK_W), 0);
	*(volatile uint64_t *)HOST_FIRST = 0x1234;
	CHECK(readable(HOST_FIRST, &word));
	CHECK_EQ(word, 0x1234);
	CHECK_EQ(sk_revoke(ME, u), 0);
	CHECK_EQ(sk_retype(u, SK_OBJ_CNODE, 14, ME, cn, 1, 0), 0);
	CHECK(!readable(HOST_FIRST, &word));
}

/* Run a guest that reads one of its pages and calls its VMM. */
static uint32_t guest_reads(sk_cap_t vcpu, struct sk_vcpu_state *v)
{
	uint32_t reason = 0;

	v->rip = CODE;
	v->dirty = SK_VCPU_RIP;
	CHECK_EQ(sk_vcpu_enter(vcpu, SK_NO_DEADLINE, &reason), 0);
	return reason;
}

static void guest_access(void)
{
	static const uint8_t code[] = { 0xa1, 0x00, 0x10, /* mov 0x1000, %ax */
		0x0f, 0x01, 0xd9 /* vmmcall */ };
	sk_cap_t u = object_new(SK_OBJ_UNTYPED, 14), f = slots_new(2), ram, vcpu, nested;
	uint64_t at = range_new(12);
	struct sk_vcpu_state *v = (struct sk_vcpu_state *)at;
	uint32_t level;
	unsigned int i;

	if (!(INFO->features & SK_FEAT_SVM))
		return;
	nested = object_new(SK_OBJ_SPACE_NESTED, 0);
	vcpu = object_new(SK_OBJ_VCPU, 0);
	__builtin_memcpy(memory_new(12, &ram), code, sizeof(code));
	CHECK_EQ(sk_copy(ME, f + 1, ME, ram, SK_ALL), 0);
	CHECK_EQ(map_into(f + 1, nested, CODE, 0, 12, SK_R | SK_EXEC), 0);
	CHECK_EQ(sk_retype(u, SK_OBJ_FRAME, 14, ME, f, 1, 0), 0);
	CHECK_EQ(map_into(f, nested, 0x1000, 0x3000, 12, SK_R | SK_W), 0);
	tables_for(SK_CAP_SPACE, at);
	CHECK_EQ(sk_vcpu_configure(vcpu, nested, SK_CAP_SPACE, at, &level), 0);
	CHECK_EQ(sk_vcpu_sync(vcpu, ~0u), 0);
	for (i = SK_ES; i <= SK_GS; i++)
		v->seg[i] = (struct sk_segment){ 0, i == SK_CS ? 0x9b : 0x93, 0xffff, 0 };
	v->rflags = 2;
	v->dirty = SK_VCPU_SEG;
	v->rip = CODE;
	v->dirty |= SK_VCPU_RIP;
	CHECK_EQ(sk_vcpu_enter(vcpu, SK_NO_DEADLINE, &level), 0);
	CHECK_EQ(guest_reads(vcpu, v), SK_EXIT_HYPERCALL);
	CHECK_EQ(sk_revoke(ME, u), 0);
	CHECK_EQ(guest_reads(vcpu, v), SK_EXIT_NESTED_FAULT);
	CHECK_EQ(v->qual[0], 0x1000);
}

void test_main(void)
{
	probe = object_new(SK_OBJ_FRAME, 12);
	probe_large = object_new(SK_OBJ_FRAME, 21);
	fault_ep = object_new(SK_OBJ_ENDPOINT, 0);
	windows();
	huge();
	neighbours();
	host_access();
	guest_access();
}
