/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cap - copy, mint, move, delete, revoke; rights only shrink; the tree of derivation
 */
#include "../lib/ktest.h"

static struct sk_cap_info info_of(sk_cap_t slot)
{
	struct sk_cap_info info;

	CHECK_EQ(sk_cap_info(ME, slot, &info), 0);
	return info;
}

static void copies(void)
{
	sk_cap_t n = object_new(SK_OBJ_NOTIFICATION, 0), s = slots_new(4);
	uint64_t word;

	CHECK_EQ(info_of(n).type, SK_OBJ_NOTIFICATION);
	CHECK_EQ(info_of(n).rights, SK_ALL);
	CHECK_EQ(info_of(n).size, 128);
	CHECK_EQ(sk_copy(ME, s, ME, n, SK_W), 0);
	CHECK_EQ(info_of(s).rights, SK_W);
	CHECK_EQ(sk_copy(ME, s, ME, n, SK_W), -SK_E_SLOT);
	CHECK_EQ(sk_copy(ME, s + 1, ME, s, SK_ALL), 0);
	/* rights that the source lacks do not come back */
	CHECK_EQ(info_of(s + 1).rights, SK_W);
	CHECK_EQ(sk_copy(ME, s + 2, ME, n, 0x10), -SK_E_INVAL);
	CHECK_EQ(sk_copy(ME, s + 2, ME, s + 3, SK_ALL), -SK_E_CAP);
	CHECK_EQ(sk_copy(ME, 0, ME, n, SK_ALL), -SK_E_SLOT);
	CHECK_EQ(sk_copy(ME, BOOT->n_slots, ME, n, SK_ALL), -SK_E_SLOT);
	CHECK_EQ(sk_copy(n, s + 2, ME, n, SK_ALL), -SK_E_CAP);
	CHECK_EQ(sk_poll(s, &word), -SK_E_RIGHTS);
	CHECK_EQ(sk_poll(n, &word), -SK_E_AGAIN);
	CHECK_EQ(sk_mint(ME, s + 2, ME, n, SK_W, 0x40), 0);
	CHECK_EQ(info_of(s + 2).badge, 0x40);
	CHECK_EQ(sk_mint(ME, s + 3, ME, s + 2, SK_W, 0x80), -SK_E_INVAL); /* a badge stays */
	CHECK_EQ(sk_signal(s + 2), 0);
	CHECK_EQ(sk_poll(n, &word), 0);
	CHECK_EQ(word, 0x40);
	CHECK_EQ(sk_copy(ME, s + 3, ME, ram_untyped(), SK_ALL), -SK_E_CAP);
}

/* n -> a -> b -> c and n -> d; deleting a hands b up to n. */
static void tree(void)
{
	sk_cap_t n = object_new(SK_OBJ_ENDPOINT, 0), s = slots_new(6);

	CHECK_EQ(sk_copy(ME, s, ME, n, SK_ALL), 0);
	CHECK_EQ(sk_copy(ME, s + 1, ME, s, SK_ALL), 0);
	CHECK_EQ(sk_copy(ME, s + 2, ME, s + 1, SK_ALL), 0);
	CHECK_EQ(sk_copy(ME, s + 3, ME, n, SK_ALL), 0);
	CHECK_EQ(sk_move(ME, s + 4, ME, s + 1),
		0); /* the moved capability keeps its place: child of a, parent of c */
	CHECK_EQ(info_of(s + 1).type, SK_OBJ_NULL);
	CHECK_EQ(sk_move(ME, s + 5, ME, s + 1), -SK_E_CAP);
	CHECK_EQ(sk_revoke(ME, s + 1), 0); /* nothing derives from an empty slot */
	CHECK_EQ(info_of(s + 2).type, SK_OBJ_ENDPOINT);
	CHECK_EQ(sk_move(ME, s + 4, ME, s + 3), -SK_E_SLOT);
	CHECK_EQ(sk_delete(ME, s), 0);
	CHECK_EQ(sk_revoke(ME, s), 0); /* its children now belong to another capability */
	CHECK_EQ(info_of(s + 4).type, SK_OBJ_ENDPOINT);
	CHECK_EQ(sk_revoke(ME, s + 4), 0);
	CHECK_EQ(info_of(s + 2).type, SK_OBJ_NULL);
	CHECK_EQ(info_of(s + 4).type, SK_OBJ_ENDPOINT);
	CHECK_EQ(info_of(s + 3).type, SK_OBJ_ENDPOINT);
	CHECK_EQ(sk_copy(ME, s + 2, ME, s + 4, SK_ALL), 0);
	CHECK_EQ(sk_revoke(ME, n), 0);
	CHECK_EQ(info_of(s + 2).type, SK_OBJ_NULL);
	CHECK_EQ(info_of(s + 3).type, SK_OBJ_NULL);
	CHECK_EQ(info_of(s + 4).type, SK_OBJ_NULL);
	CHECK_EQ(info_of(n).type, SK_OBJ_ENDPOINT);
	CHECK_EQ(sk_delete(ME, n), 0);
	CHECK_EQ(sk_delete(ME, n), 0);
	CHECK_EQ(info_of(n).type, SK_OBJ_NULL);
}

/* Children are spliced in order at every position among siblings; then all are revoked. */
static void splice(void)
{
	sk_cap_t n = object_new(SK_OBJ_ENDPOINT, 0), s = slots_new(64), i;

	for (i = 0; i < 8; i++)
		CHECK_EQ(sk_copy(ME, s + i, ME, n, SK_ALL), 0);
	for (i = 0; i < 56; i++)
		CHECK_EQ(sk_copy(ME, s + 8 + i, ME, s + i % 8, SK_ALL), 0);
	CHECK_EQ(sk_delete(ME, s + 7), 0); /* first sibling */
	CHECK_EQ(sk_delete(ME, s), 0);     /* last */
	CHECK_EQ(sk_delete(ME, s + 3), 0);
	CHECK_EQ(sk_revoke(ME, s + 4), 0);
	for (i = 0; i < 56; i++)
		CHECK_EQ(info_of(s + 8 + i).type, i % 8 == 4 ? SK_OBJ_NULL : SK_OBJ_ENDPOINT);
	CHECK_EQ(sk_revoke(ME, n), 0);
	for (i = 0; i < 64; i++)
		CHECK_EQ(info_of(s + i).type, SK_OBJ_NULL);
}

/* A second CNode: which rights it needs, and that its contents are deleted with it. */
static void cnodes(void)
{
	sk_cap_t u = object_new(SK_OBJ_UNTYPED, 16), cn = object_new_from(u, SK_OBJ_CNODE, 12),
		 ro = slots_new(3);
	sk_cap_t n = object_new(SK_OBJ_NOTIFICATION, 0), chain = object_new(SK_OBJ_UNTYPED, 20),
		 i, at;
	struct sk_cap_info info;
	uint64_t word;

	CHECK_EQ(sk_copy(cn, 1, ME, n, SK_ALL), 0);
	CHECK_EQ(sk_copy(cn, SK_CNODE_SLOTS(12), ME, n, SK_ALL), -SK_E_SLOT);
	CHECK_EQ(sk_copy(cn, SK_CNODE_SLOTS(12) - 1, ME, n, SK_ALL), 0);
	CHECK_EQ(sk_copy(ME, ro, ME, cn, SK_R), 0);
	CHECK_EQ(sk_cap_info(ro, 1, &info), 0);
	CHECK_EQ(info.type, SK_OBJ_NOTIFICATION);
	CHECK_EQ(sk_copy(ro, 2, ME, n, SK_ALL), -SK_E_RIGHTS);
	CHECK_EQ(sk_copy(ME, ro + 1, ro, 1, SK_ALL), -SK_E_RIGHTS);
	CHECK_EQ(sk_delete(ro, 1), -SK_E_RIGHTS);
	/* moving out of a CNode both changes it and takes a capability from it */
	CHECK_EQ(sk_copy(ME, ro + 2, ME, cn, SK_R | SK_W), 0);
	CHECK_EQ(sk_move(ME, ro + 1, ro + 2, 1), -SK_E_RIGHTS);
	CHECK_EQ(sk_delete(ME, ro + 2), 0);
	CHECK_EQ(sk_copy(ME, ro + 2, ME, cn, SK_R | SK_GRANT), 0);
	CHECK_EQ(sk_move(ME, ro + 1, ro + 2, 1), -SK_E_RIGHTS);
	CHECK_EQ(sk_delete(ME, ro + 2), 0);
	CHECK_EQ(sk_move(ME, ro + 1, cn, 1), 0);
	CHECK_EQ(sk_signal(ro + 1), 0);
	CHECK_EQ(sk_poll(n, &word), -SK_E_AGAIN); /* unbadged: nothing set */
	CHECK_EQ(sk_move(cn, 1, ME, ro + 1), 0);
	CHECK_EQ(sk_revoke(ME, u), 0);
	CHECK_EQ(info_of(cn).type, SK_OBJ_NULL);
	CHECK_EQ(info_of(ro).type, SK_OBJ_NULL);
	CHECK_EQ(sk_revoke(ME, n), 0); /* must not access the dead CNode */
	/* a chain of CNodes, each held by the previous one: it ends without recursion */
	at = object_new_from(chain, SK_OBJ_CNODE, 12);
	for (i = 0; i < 200; i++) {
		sk_cap_t next = object_new_from(chain, SK_OBJ_CNODE, 12);

		CHECK_EQ(sk_move(next, 1, ME, at), 0);
		at = next;
	}
	CHECK_EQ(sk_delete(ME, at), 0);
	CHECK_EQ(info_of(chain).badge, 201 * 4096);
	CHECK_EQ(sk_retype(chain, SK_OBJ_CNODE, 20, ME, at, 1, 0),
		0); /* all memory is free again */
}

static void ports(void)
{
	sk_cap_t s = slots_new(3);
	uint32_t v;

	CHECK_EQ(sk_mint(ME, s, ME, SK_CAP_IOPORT, SK_R, 0x60 | 0x64 << 16), 0);
	CHECK_EQ(info_of(s).size, 5);
	CHECK_EQ(sk_port_in(s, 0x64, 1, &v), 0);
	CHECK_EQ(sk_port_in(s, 0x65, 1, &v), -SK_E_RANGE);
	CHECK_EQ(sk_port_in(s, 0x64, 2, &v), -SK_E_RANGE);
	CHECK_EQ(sk_port_in(s, 0x60, 3, &v), -SK_E_INVAL);
	CHECK_EQ(sk_port_out(s, 0x60, 1, 0), -SK_E_RIGHTS);
	CHECK_EQ(sk_mint(ME, s + 1, ME, s, SK_R, 0x60 | 0x65 << 16), -SK_E_RANGE);
	CHECK_EQ(sk_mint(ME, s + 1, ME, s, SK_R, 0x64 | 0x60 << 16), -SK_E_INVAL);
	CHECK_EQ(sk_mint(ME, s + 1, ME, s, SK_R, 0x61 | 0x61 << 16), 0);
	CHECK_EQ(sk_port_in(s + 1, 0x60, 1, &v), -SK_E_RANGE);
}

void test_main(void)
{
	copies();
	tree();
	splice();
	cnodes();
	ports();
	CHECK_EQ(sk_sys6(0, 0, 0, 0, 0, 0, 0), -SK_E_NO_SYS);
	CHECK_EQ(sk_sys6(SK_SYS_END, 0, 0, 0, 0, 0, 0), -SK_E_NO_SYS);
	CHECK_EQ(sk_sys6(-1, 0, 0, 0, 0, 0, 0), -SK_E_NO_SYS);
}
