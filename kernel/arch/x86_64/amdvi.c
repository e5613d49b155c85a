/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * amdvi.c - AMD's IOMMU: the device table and the command buffer
 *
 * Objects     one device table for all units, with an entry for each requester of the segment.
 *             A requester that a unit does not know counts as not translated, so the table
 *             always has all of them.
 * Locks       the tree lock, once it has started.
 * Invariants  AMDVI1 every entry is valid: its device is blocked, or uses the tables of its
 *                space
 *
 * Source: AMD I/O Virtualization Technology (IOMMU) Specification, 2.2 (structures), 2.4
 * (commands), 3.4 (registers).
 */
#include "iommu.h"
#include "pte.h"

enum { REG_TABLE = 0x00, REG_COMMANDS = 0x08, REG_EVENTS = 0x10, REG_CONTROL = 0x18 };
enum { REG_FEATURES = 0x30, REG_HEAD = 0x2000, REG_TAIL = 0x2008, REG_EVENT_HEAD = 0x2010 };
enum { REG_EVENT_TAIL = 0x2018, REG_STATUS = 0x2020 };
enum { ON = 1, EVENTS_ON = 1 << 2, COHERENT = 1 << 10, COMMANDS_ON = 1 << 12 };
enum { FEATURE_FORGET_ALL = 1 << 6, STATUS_COMMANDS = 1 << 4, CAP_CACHES_ABSENT = 1 << 2 };
#define ENTRIES_256 (8ull << 56)

enum { TABLE_ENTRIES = 1 << 16, TABLE_UNITS = TABLE_ENTRIES * 32 / 4096 };
#define ENTRY_VALID 3ull /* for the entry itself, and for its translation */
#define ENTRY_LEVELS (7ull << 9)

/* Commands: the kind in the highest bits. */
#define WAIT (1ull << 60)
#define WAIT_STORES 1ull
#define FORGET_ENTRY (2ull << 60)
#define FORGET_PAGES (3ull << 60)
#define FORGET_ALL (8ull << 60)
#define ALL_PAGES 0x7ffffffffffff003ull /* every address, and the tables above it */

static uint64_t (*table)[4];

/* --- set-up ------------------------------------------------------------------------------- */

static const char *amdvi_probe(struct iommu *u)
{
	io_limits.levels = 4;
	/* the highest byte of the header of its capability */
	io_eager |= io_config_read((uint16_t)u->found->rid, (uint8_t)(u->found->cap + 3)) &
		    CAP_CACHES_ABSENT;
	return NULL;
}

static void table_make(void)
{
	table = boot_alloc(TABLE_ENTRIES * sizeof(*table));
	for (uint32_t i = 0; i < TABLE_ENTRIES; i++)
		table[i][0] = ENTRY_VALID; /* AMDVI1 */
}

static void amdvi_mark(struct iommu *u);

static bool amdvi_start(struct iommu *u)
{
	if (!table)
		table_make();
	u->root = table[0];
	io_write64(u, REG_CONTROL, 0);
	if (!io_wait(u, REG_STATUS, STATUS_COMMANDS, 0))
		return false;
	io_write64(u, REG_TABLE, virt_to_phys(table) | (TABLE_UNITS - 1));
	io_write64(u, REG_COMMANDS, virt_to_phys(u->queue) | ENTRIES_256);
	io_write64(u, REG_EVENTS, virt_to_phys(boot_alloc(SK_PAGE_SIZE)) | ENTRIES_256);
	for (uint32_t reg = REG_HEAD; reg <= REG_EVENT_TAIL; reg += 8)
		io_write64(u, reg, 0);
	mfence();
	io_write64(u, REG_CONTROL, ON | EVENTS_ON | COHERENT | COMMANDS_ON);
	if (io_read64(u, REG_FEATURES) & FEATURE_FORGET_ALL)
		io_post(u, FORGET_ALL, 0);
	u->asked++;
	amdvi_mark(u);
	return io_wait(u, REG_HEAD, (IO_QUEUE - 1) << 4, u->tail << 4);
}

/* --- commands ----------------------------------------------------------------------------- */

static uint32_t amdvi_head(struct iommu *u) { return io_read32(u, REG_HEAD) >> 4; }

static void amdvi_mark(struct iommu *u)
{
	u->queue[u->tail][0] = WAIT | WAIT_STORES | virt_to_phys((const void *)u->done);
	u->queue[u->tail][1] = u->asked;
	u->tail = (u->tail + 1) % IO_QUEUE;
	mfence(); /* the commands, and the tables that they are about, before the tail */
	io_write64(u, REG_TAIL, u->tail << 4);
}

static void amdvi_flush(struct iommu *u, const struct io_device *d)
{
	io_post(u, FORGET_PAGES | (uint64_t)io_device_number(d) << 32, ALL_PAGES);
}

/* --- devices ------------------------------------------------------------------------------ */

static void entry_write(struct iommu *u, const struct io_device *d, uint64_t value)
{
	__atomic_store_n(&table[d->rid & 0xffff][0], value, __ATOMIC_RELEASE);
	io_post(u, FORGET_ENTRY | (d->rid & 0xffff), 0);
}

static int amdvi_attach(struct iommu *u, const struct io_device *d, uint64_t root)
{
	store(&table[d->rid & 0xffff][1], io_device_number(d));
	entry_write(u, d,
		pte_io(root, SK_R | SK_W, true) | ENTRY_VALID |
			field_put(ENTRY_LEVELS, io_limits.levels));
	return 0;
}

static void amdvi_block(struct iommu *u, const struct io_device *d)
{
	entry_write(u, d, ENTRY_VALID); /* AMDVI1 */
}

const struct iommu_ops amdvi_ops = { "AMD-Vi", amdvi_probe, amdvi_start, amdvi_attach,
	amdvi_block, amdvi_flush, amdvi_mark, amdvi_head };
