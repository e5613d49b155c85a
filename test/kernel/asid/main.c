/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * asid - no guest is entered with translations of another space, or with stale ones
 *
 * Runs on the checked kernel, whose model of the TLB stops it at such an entry (tlb_model.h).
 * The same program is run with each of the kernel's steps left out (build.mk), and must then be
 * stopped.
 */
#include "../lib/ktest.h"

enum { CODE = 0x1000, ROUNDS = 80 /* more than ASIDs */ };

struct guest {
	sk_cap_t vcpu;
	struct sk_vcpu_state *state;
};

extern const char spin[], spin_end[];
__asm__(".section .rodata\n"
	"spin: .code16\n"
	"1: vmmcall\n"
	"2: jmp 2b\n"
	".code64\n"
	"spin_end: .previous\n");

static sk_cap_t frame;

/* A nested space with the code in it, and one more page. */
static sk_cap_t space_new(sk_cap_t *page)
{
	sk_cap_t space = object_new(SK_OBJ_SPACE_NESTED, 0), copy = slots_new(1);

	CHECK_EQ(sk_copy(ME, copy, ME, frame, SK_ALL), 0);
	CHECK_EQ(map_into(copy, space, CODE, 0, 12, SK_R | SK_W | SK_EXEC), 0);
	*page = object_new(SK_OBJ_FRAME, 12);
	CHECK_EQ(map_into(*page, space, CODE + 0x1000, 0, 12, SK_R), 0);
	return space;
}

static void configure(struct guest *g, sk_cap_t space)
{
	uint32_t level;

	CHECK_EQ(
		sk_vcpu_configure(g->vcpu, space, SK_CAP_SPACE, (uint64_t)g->state, &level), 0);
}

static struct guest guest_new(sk_cap_t space)
{
	struct guest g = { .vcpu = object_new(SK_OBJ_VCPU, 0) };
	uint64_t at = range_new(12);
	unsigned int i;

	tables_for(SK_CAP_SPACE, at);
	g.state = (struct sk_vcpu_state *)at;
	configure(&g, space);
	CHECK_EQ(sk_vcpu_sync(g.vcpu, ~0u), 0);
	for (i = SK_ES; i <= SK_GS; i++)
		g.state->seg[i] = (struct sk_segment){ 0, i == SK_CS ? 0x9b : 0x93, 0xffff, 0 };
	g.state->rip = CODE;
	g.state->rflags = 2;
	g.state->dirty = SK_VCPU_SEG | SK_VCPU_RIP;
	return g;
}

/* Enter the guest, which leaves by its hypercall and repeats it at the next entry. */
static void visit(const struct guest *g)
{
	uint32_t reason = SK_EXIT_NONE;

	CHECK_EQ(sk_vcpu_enter(g->vcpu, SK_NO_DEADLINE, &reason), 0);
	CHECK_EQ(reason, SK_EXIT_HYPERCALL);
}

static void unmap_map(sk_cap_t space, sk_cap_t page)
{
	CHECK_EQ(sk_unmap(page, 0, 12), 0);
	CHECK_EQ(map_into(page, space, CODE + 0x1000, 0, 12, SK_R), 0);
}

/* One vCPU gets another nested space, and there was no shoot-down for either. */
static void other_space(void)
{
	sk_cap_t page, a = space_new(&page), b = space_new(&page);
	struct guest g = guest_new(a);

	visit(&g);
	configure(&g, b);
	visit(&g);
	configure(&g, a);
	visit(&g);
}

static void unmapped(void)
{
	sk_cap_t page, space = space_new(&page);
	struct guest g = guest_new(space);

	visit(&g);
	unmap_map(space, page);
	visit(&g);
}

static void registers(void)
{
	sk_cap_t page;
	struct guest g = guest_new(space_new(&page));

	visit(&g);
	g.state->cr3 = 0x5000;
	g.state->dirty = SK_VCPU_CR;
	visit(&g);
}

/*
 * One vCPU takes one ASID after another; the other vCPU then enters with its old ASID, after
 * all have been used.
 */
static void many(void)
{
	sk_cap_t page, page2, space = space_new(&page);
	struct guest one = guest_new(space_new(&page2)), two = guest_new(space);
	unsigned int i;

	for (i = 0; i < ROUNDS; i++) {
		visit(&two);
		unmap_map(space, page);
		if (i % 5 == 0)
			visit(&one);
	}
	visit(&one);
}

static volatile bool spinning;

static void spinner(void *arg)
{
	const struct guest *g = arg;
	uint32_t reason;
	long rc;

	g->state->rip = CODE + 3;
	g->state->dirty |= SK_VCPU_RIP;
	spinning = true;
	do {
		rc = sk_vcpu_enter(g->vcpu, SK_NO_DEADLINE, &reason);
	} while (rc == 0);
}

/* The guest is in guest mode on another CPU. */
static void elsewhere(void)
{
	sk_cap_t page, space = space_new(&page);
	static struct guest g;
	unsigned int i;

	g = guest_new(space);
	kthread_start(spinner, &g, 1, 10);
	while (!spinning || sk_vcpu_sync(g.vcpu, 0) != -SK_E_BUSY)
		sk_yield();
	for (i = 0; i < ROUNDS; i++)
		unmap_map(space, page);
	CHECK_EQ(sk_revoke(ME, space), 0);
}

static void here(void *arg)
{
	(void)arg;
	other_space();
	unmapped();
	registers();
	many();
}

void test_main(void)
{
	struct kthread *k;
	char *code;

	if (!(INFO->features & SK_FEAT_SVM))
		finish("SKIP");
	code = memory_new(12, &frame);
	__builtin_memcpy(code, spin, spin_end - spin);
	k = kthread_start(here, NULL, 1, 20); /* no guests on CPU 0 of TCG */
	while (!k->done)
		sk_yield();
	elsewhere();
}
