/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * amdvi.c - AMD's IOMMU: the device table and the command buffer
 *
 * Objects     one device table for all units, with an entry for each requester of the segment.
 *             A requester that a unit does not know counts as not translated, so the table
 *             always has all of them. A requester that may send interrupts has a table of them,
 *             which comes from a pool and stays.
 * Locks       the tree lock, once it has started.
 * Invariants  AMDVI1 every entry is valid: its device is blocked, or uses the tables of its
 *             space
 *             AMDVI2 no entry but that of a unit itself lets an interrupt pass as it is
 *
 * Source: AMD I/O Virtualization Technology (IOMMU) Specification, 2.2 (structures, 2.2.5
 * interrupts), 2.4 (commands), 3.4 (registers).
 */
#include "iommu.h"
#include "pte.h"

enum { REG_TABLE = 0x00, REG_COMMANDS = 0x08, REG_EVENTS = 0x10, REG_CONTROL = 0x18 };
enum { REG_FEATURES = 0x30, REG_HEAD = 0x2000, REG_TAIL = 0x2008, REG_EVENT_HEAD = 0x2010 };
enum { REG_EVENT_TAIL = 0x2018, REG_STATUS = 0x2020 };
enum { STATUS_LOST = 1, STATUS_EVENT = 2, STATUS_EVENTS = 1 << 3, EVENTS_INTERRUPT = 1 << 3 };
enum { ON = 1, EVENTS_ON = 1 << 2, COHERENT = 1 << 10, COMMANDS_ON = 1 << 12 };
enum { FEATURE_FORGET_ALL = 1 << 6, STATUS_COMMANDS = 1 << 4, CAP_CACHES_ABSENT = 1 << 2 };
#define ENTRIES_256 (8ull << 56)

enum { TABLE_ENTRIES = 1 << 16, TABLE_UNITS = TABLE_ENTRIES * 32 / SK_PAGE_SIZE };
#define ENTRY_VALID 3ull /* for the entry itself, and for its translation */
#define ENTRY_LEVELS (7ull << 9)

/*
 * The third word of an entry: interrupts are refused, or looked up by their data. A table has
 * 512 places, because QEMU does not look at its size but at 9 bits of the data; only the first
 * 256 are used.
 */
#define IRQS_REFUSED 1ull
#define IRQS_REMAPPED (1ull | 9ull << 1 | 2ull << 60)
#define IRQS_TABLE (0x3ffffffffffull << 10)
#define IRQ_ON 1u
#define IRQ_APIC_ID (0xffu << 8)
#define IRQ_VECTOR (0xffu << 16)
enum { IRQ_TABLES = IO_DEVICES + IO_IOAPICS };

/* Commands: the kind in the highest bits. */
#define WAIT (1ull << 60)
#define WAIT_STORES 1ull
#define FORGET_ENTRY (2ull << 60)
#define FORGET_PAGES (3ull << 60)
#define FORGET_IRQS (5ull << 60)
#define FORGET_ALL (8ull << 60)
#define ALL_PAGES 0x7ffffffffffff003ull /* every address, and the tables above it */

static uint64_t (*table)[4];
static uint32_t (*irq_tables)[512];
static uint32_t irq_tables_used;

/* --- faults ------------------------------------------------------------------------------- */

/* The low half of an event; the high one is the address. */
#define EVENT_KIND (0xfull << 60)
#define EVENT_IS_WRITE (1ull << 53)
#define EVENT_IS_IRQ (1ull << 51)

/* The log was full, and the unit has stopped to write it. */
static void events_restart(struct iommu *u)
{
	uint64_t control = io_read64(u, REG_CONTROL);

	io_write64(u, REG_CONTROL, control & ~(uint64_t)EVENTS_ON);
	if (!io_wait(u, REG_STATUS, STATUS_EVENTS, 0))
		return;
	io_write64(u, REG_STATUS, STATUS_LOST);
	io_write64(u, REG_CONTROL, control);
}

static bool amdvi_fault(struct iommu *u, struct io_fault *f)
{
	uint32_t head = io_read32(u, REG_EVENT_HEAD) >> 4 & (IO_QUEUE - 1);
	uint64_t low;

	io_write64(u, REG_STATUS, STATUS_EVENT); /* before the tail is read */
	if (head == (io_read32(u, REG_EVENT_TAIL) >> 4 & (IO_QUEUE - 1))) {
		if (io_read64(u, REG_STATUS) & STATUS_LOST)
			events_restart(u);
		return false;
	}
	low = u->events[head][0];
	f->rid = low & 0xffff;
	f->reason = (uint32_t)field_get(EVENT_KIND, low);
	f->addr = u->events[head][1];
	f->write = low & EVENT_IS_WRITE;
	f->irq = low & EVENT_IS_IRQ;
	io_write64(u, REG_EVENT_HEAD, (head + 1) % IO_QUEUE << 4);
	return true;
}

enum { CONFIG_CAPS = 0x34, CAP_MSI = 5, MSI_ON = 1 << 16, MSI_WIDE = 1 << 23, CAPS_MAX = 48 };

static uint32_t config32(uint16_t rid, uint32_t at)
{
	uint32_t v = 0;

	for (uint32_t i = 4; i--;)
		v = v << 8 | io_config_read(rid, (uint8_t)(at + i));
	return v;
}

/* The message is in the configuration space of the function that the unit is. */
static void faults_start(const struct iommu *u)
{
	uint16_t rid = (uint16_t)u->found->rid;
	uint32_t head = 0, at = io_config_read(rid, CONFIG_CAPS) & 0xfc;

	for (uint32_t n = 0; at >= 0x40 && n < CAPS_MAX; n++, at = head >> 8 & 0xfc) {
		head = config32(rid, at);
		if ((head & 0xff) != CAP_MSI)
			continue;
		io_config_write(rid, (uint8_t)(at + 4), (uint32_t)io_message_address());
		if (head & MSI_WIDE)
			io_config_write(
				rid, (uint8_t)(at + 8), (uint32_t)(io_message_address() >> 32));
		io_config_write(rid, (uint8_t)(at + (head & MSI_WIDE ? 12 : 8)), VEC_IOMMU);
		io_config_write(rid, (uint8_t)at, head | MSI_ON);
		return;
	}
}

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
	for (uint32_t i = 0; i < TABLE_ENTRIES; i++) {
		table[i][0] = ENTRY_VALID; /* AMDVI1 */
		table[i][2] = io_remaps ? IRQS_REFUSED : 0;
	}
	for (uint32_t i = 0; i < io_tables.n_units; i++)
		table[io_tables.unit[i].rid & 0xffff][2] = 0; /* AMDVI2 */
	irq_tables = boot_alloc(IRQ_TABLES * sizeof(*irq_tables));
}

static uint32_t amdvi_mark(struct iommu *u)
{
	u->queue[u->tail][0] = WAIT | WAIT_STORES | virt_to_phys((const void *)u->done);
	u->queue[u->tail][1] = ++u->asked;
	u->tail = (u->tail + 1) % IO_QUEUE;
	mfence(); /* the commands, and the tables that they are about, before the tail */
	io_write64(u, REG_TAIL, u->tail << 4);
	return u->asked;
}

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
	u->events = boot_alloc(SK_PAGE_SIZE);
	io_write64(u, REG_EVENTS, virt_to_phys(u->events) | ENTRIES_256);
	for (uint32_t reg = REG_HEAD; reg <= REG_EVENT_TAIL; reg += 8)
		io_write64(u, reg, 0);
	mfence();
	faults_start(u);
	io_write64(u, REG_CONTROL, ON | EVENTS_ON | EVENTS_INTERRUPT | COHERENT | COMMANDS_ON);
	if (io_read64(u, REG_FEATURES) & FEATURE_FORGET_ALL)
		io_post(u, FORGET_ALL, 0);
	(void)amdvi_mark(u);
	return io_wait(u, REG_HEAD, (IO_QUEUE - 1) << 4, u->tail << 4);
}

/* --- commands ----------------------------------------------------------------------------- */

static uint32_t amdvi_head(struct iommu *u) { return io_read32(u, REG_HEAD) >> 4; }

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

/* --- interrupts --------------------------------------------------------------------------- */

/* The table of a requester, or NULL. */
static uint32_t *irq_table(uint32_t rid)
{
	uint64_t at = table[rid & 0xffff][2] & IRQS_TABLE;

	return at ? phys_to_virt(at) : NULL;
}

static int amdvi_irq(struct iommu *u, const struct irq_source *s, bool on)
{
	uint32_t *irqs = irq_table(s->rid), rid = s->rid & 0xffff;

	if (!irqs) {
		if (irq_tables_used == IRQ_TABLES)
			return -SK_E_LIMIT;
		irqs = irq_tables[irq_tables_used++];
		store(&table[rid][2], IRQS_REMAPPED | virt_to_phys(irqs));
		io_post(u, FORGET_ENTRY | rid, 0);
	}
	__atomic_store_n(&irqs[s->vector],
		on ? (uint32_t)(IRQ_ON | field_put(IRQ_APIC_ID, cpus[s->cpu]->apic_id) |
				field_put(IRQ_VECTOR, s->vector))
		   : 0,
		__ATOMIC_RELEASE);
	io_post(u, FORGET_IRQS | rid, 0);
	return 0;
}

static bool amdvi_irq_taken(uint32_t rid, uint32_t vector)
{
	const uint32_t *irqs = irq_table(rid);

	return irqs && irqs[vector];
}

const struct iommu_ops amdvi_ops = { "AMD-Vi", amdvi_probe, amdvi_start, amdvi_attach,
	amdvi_block, amdvi_flush, amdvi_mark, amdvi_head, amdvi_irq, amdvi_irq_taken,
	amdvi_fault };
