/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * io.c - long work on DMA spaces that a device uses, and on interrupts that an IOMMU remaps
 */
#include "latency.h"

enum { LPC_RID = 31 << 3, IO_MAPS = 200 };

/* A DMA space in `slot` that the device uses. */
static void space_make(sk_cap_t slot)
{
	CHECK_EQ(sk_retype(untyped, SK_OBJ_SPACE_IO, 0, ME, slot, 1, 0), 0);
	CHECK_EQ(sk_io_assign(SK_CAP_CTL_IO, slot, LPC_RID), 0);
}

static void assign(void)
{
	space_make(slots);
	CHECK_EQ(sk_delete(ME, slots), 0);
}

/*
 * 1 MiB in pages of 4 KiB in one call, across two tables; the unit answers before it is free.
 */
static void map_pages(void)
{
	uint64_t at = 3u << 19, out;
	uint32_t level;

	space_make(slots);
	CHECK_EQ(sk_retype(untyped, SK_OBJ_FRAME, 21, ME, slots + 1, 1, 0), 0);
	for (unsigned int half = 0; half < 2; half++) {
		CHECK_EQ(map_into(slots + 1, slots, at + half * (1u << 20) - half * 4096, 0, 12,
				 SK_R),
			0);
		CHECK_EQ(sk_unmap(slots + 1, 0, 21), 0);
	}
	CHECK_EQ(sk_map(slots + 1, slots, at, 0, 20, SK_R | SK_W, &out, &level), 0);
	CHECK_EQ(sk_unmap(slots + 1, 0, 20), 0);
	CHECK_EQ(sk_map(slots + 1, slots, at, 0, 20, SK_R | SK_W, &out, &level), 0);
	CHECK_EQ(sk_delete(ME, slots + 1), 0);
	CHECK_EQ(sk_revoke(ME, untyped), 0);
}

static struct sparse sparse;

static void unmap_sparse(void)
{
	if (!sparse.space) {
		sk_cap_t space = object_new(SK_OBJ_SPACE_IO, 0);

		CHECK_EQ(sk_io_assign(SK_CAP_CTL_IO, space, LPC_RID), 0);
		sparse_make(&sparse, space);
	}
	sparse_unmap(&sparse);
}

/* The end of a space with many mappings, while its device is assigned. */
static void space_end(void)
{
	sk_cap_t frame = slots + 1;

	if (sparse.space) {
		CHECK_EQ(sk_delete(ME, sparse.space), 0);
		sparse.space = 0;
	}
	space_make(slots);
	CHECK_EQ(sk_retype(untyped, SK_OBJ_FRAME, 12, ME, frame, 1, 0), 0);
	for (unsigned int i = 2; i < IO_MAPS; i++) {
		CHECK_EQ(sk_copy(ME, slots + i, ME, frame, SK_ALL), 0);
		CHECK_EQ(map_into(slots + i, slots, (uint64_t)i << 12, 0, 12, SK_R), 0);
	}
	CHECK_EQ(sk_delete(ME, slots), 0);
	CHECK_EQ(sk_revoke(ME, untyped), 0);
}

/* Each is waited for, when it is claimed and when it ends. */
static void remapped_interrupts(void)
{
	uint64_t addr;
	uint32_t data;
	unsigned int n = 0;

	CHECK_EQ(sk_retype(untyped, SK_OBJ_IRQ, 0, ME, slots, SK_RETYPE_MAX, 0), 0);
	while (!sk_irq_msi(SK_CAP_CTL_IRQ, slots + n, 0, LPC_RID, &addr, &data))
		n++;
	CHECK(n > 100 && n < SK_RETYPE_MAX);
	CHECK_EQ(sk_revoke(ME, untyped), 0);
}

static void no_refusal(void)
{
	uint64_t addr;
	uint32_t rid, how;

	CHECK_EQ(sk_io_fault(SK_CAP_CTL_IO, &rid, &addr, &how), -SK_E_AGAIN);
}

const struct kind io_kinds[] = {
	{ "io_assign", assign },
	{ "io_map_256_pages", map_pages },
	{ "io_unmap_1g_sparse", unmap_sparse },
	{ "io_space_end", space_end },
	{ "io_interrupts", remapped_interrupts },
	{ "io_fault", no_refusal },
	{ NULL, NULL },
};
