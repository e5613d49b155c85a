/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vtd.c - Intel's IOMMU: root and context tables, interrupts, queued invalidation
 *
 * Objects     per unit a root table with an entry for each bus. A context table, with an entry
 *             for each function of its bus, comes from a pool when the first device of its bus
 *             is assigned, and stays. All units have one table of interrupts.
 * Locks       the tree lock, once it has started.
 * Invariants  VTD1 a context entry is present exactly while its device is assigned
 *             VTD2 an entry for an interrupt names its sender, and each other one is refused
 *
 * Source: Intel Virtualization Technology for Directed I/O, 3 (legacy mode), 5 (interrupts),
 * 6.5 (queued invalidation), 9 (structures), 10 (registers).
 */
#include "iommu.h"

enum { REG_CAP = 0x08, REG_ECAP = 0x10, REG_COMMAND = 0x18, REG_STATUS = 0x1c };
enum { REG_FAULTS = 0x34, REG_FAULT_CONTROL = 0x38, REG_FAULT_DATA = 0x3c };
enum { REG_FAULT_ADDRESS = 0x40, REG_FAULT_UPPER = 0x44, FAULTS_LOST = 1 };
enum { REG_ROOT = 0x20, REG_PROTECTED = 0x64, REG_HEAD = 0x80, REG_TAIL = 0x88 };
enum { REG_QUEUE = 0x90, REG_IRQS = 0xb8, PROTECTED_ON = 1 };

#define CMD_TRANSLATE (1u << 31)
#define CMD_ROOT (1u << 30)
#define CMD_QUEUE (1u << 26)
#define CMD_REMAP (1u << 25)
#define CMD_IRQS (1u << 24)
#define CMD_OLD_FORMAT (1u << 23)
#define CMD_STAYS 0x96800000u /* what the status shows while it is on */

#define CAP_DOMAINS 0x7ull
#define CAP_WRITE_BUFFER (1ull << 4)
#define CAP_PROTECTED (3ull << 5)
#define CAP_CACHES_ABSENT (1ull << 7)
#define CAP_LEVELS(n) (1ull << (8 + (n)-2))
#define CAP_ADDRESS_BITS (0x3full << 16)
#define CAP_FAULTS_AT (0x3ffull << 24)
#define CAP_FAULTS (0xffull << 40)
#define CAP_LARGE (1ull << 34)
#define CAP_HUGE (1ull << 35)
#define CAP_DRAIN_WRITES (1ull << 54)
#define CAP_DRAIN_READS (1ull << 55)
#define ECAP_COHERENT 1ull
#define ECAP_QUEUE 2ull
#define ECAP_REMAPS (1ull << 3)
#define ECAP_X2APIC (1ull << 4)

/* Requests; what they are about is in bits 4-5. */
enum { FORGET_CONTEXT = 1, FORGET_PAGES = 2, FORGET_IRQS = 4, WAIT = 5, ALL = 1 << 4 };
enum { DOMAIN = 2 << 4, ONE_IRQ = 1 << 4 };
enum { DEVICE = 3 << 4, WAIT_STORES = 1 << 5, DRAIN_WRITES = 1 << 6, DRAIN_READS = 1 << 7 };
#define WAIT_VALUE (0xffffffffull << 32)

#define ENTRY_PRESENT 1ull
#define CONTEXT_NUMBER (0xffffull << 8)

/* An entry for an interrupt; in its high half, that its sender is compared in full. */
#define IRQ_LEVEL (1ull << 4)
#define IRQ_VECTOR (0xffull << 16)
#define IRQ_SENDER (1ull << 18)
enum { IRQS_X2APIC = 1 << 11, IRQS_SIZE = 7 }; /* 256 of them for each CPU */

static uint64_t (*irqs)[2];
enum { POOL = 16 };
static uint64_t (*pool)[512];
static unsigned int pool_used;

static uint64_t cap_of(const struct iommu *u) { return io_read64(u, REG_CAP); }

/* --- faults ------------------------------------------------------------------------------- */

/* High half of a record; the low one is the address. */
#define FAULT_IS_READ (1ull << 62)
#define FAULT_VALID (1ull << 63)
#define FAULT_REASON (0xffull << 32)
enum { REASON_IRQ = 0x20, REASON_IRQ_END = 0x30 };

static uint32_t faults_at(uint64_t cap) { return (uint32_t)field_get(CAP_FAULTS_AT, cap) * 16; }

static uint32_t faults_end(uint64_t cap)
{
	return faults_at(cap) + 16 * ((uint32_t)field_get(CAP_FAULTS, cap) + 1);
}

/* A record stays until it is taken, and the unit interrupts for the first one only. */
static bool vtd_fault(struct iommu *u, struct io_fault *f)
{
	uint64_t cap = cap_of(u), high;

	for (uint32_t at = faults_at(cap); at < faults_end(cap); at += 16) {
		high = io_read64(u, at + 8);
		if (!(high & FAULT_VALID))
			continue;
		f->rid = u->found->rid | (high & 0xffff);
		f->reason = (uint32_t)field_get(FAULT_REASON, high);
		f->addr = io_read64(u, at);
		f->write = !(high & FAULT_IS_READ);
		f->irq = f->reason >= REASON_IRQ && f->reason < REASON_IRQ_END;
		io_write32(u, at + 12, FAULT_VALID >> 32);
		return true;
	}
	io_write32(u, REG_FAULTS, FAULTS_LOST);
	return false;
}

static void faults_start(struct iommu *u)
{
	io_write32(u, REG_FAULT_DATA, VEC_IOMMU);
	io_write32(u, REG_FAULT_ADDRESS, (uint32_t)io_message_address());
	io_write32(u, REG_FAULT_UPPER, (uint32_t)(io_message_address() >> 32));
	io_write32(u, REG_FAULT_CONTROL, 0); /* not masked */
}

/* --- set-up ------------------------------------------------------------------------------- */

static bool command(struct iommu *u, uint32_t set, uint32_t clear)
{
	uint32_t now = io_read32(u, REG_STATUS) & CMD_STAYS;

	io_write32(u, REG_COMMAND, (now & ~clear) | set);
	return io_wait(u, REG_STATUS, set | clear, set);
}

static const char *vtd_probe(struct iommu *u)
{
	uint64_t cap = cap_of(u), ecap = io_read64(u, REG_ECAP), bits;
	static uint64_t common; /* what all units have */

	if (u->found == io_tables.unit)
		common = CAP_LEVELS(3) | CAP_LEVELS(4);
	common &= cap;
	if (!common)
		return "its tables have neither 3 nor 4 levels, or not as the others do";
	if (!(ecap & ECAP_QUEUE))
		return "it has no queue for requests";
	if (faults_end(cap) > IO_PAGES * SK_PAGE_SIZE)
		return "its registers do not end";
	io_limits.levels = common & CAP_LEVELS(4) ? 4 : 3;
	bits = min_u64(field_get(CAP_ADDRESS_BITS, cap) + 1, io_limits.levels == 3 ? 39 : 47);
	io_limits.end = min_u64(io_limits.end, 1ull << bits);
	if (!(cap & CAP_HUGE))
		io_limits.leaf_level = (uint32_t)min_u64(io_limits.leaf_level, 2);
	if (!(cap & CAP_LARGE))
		io_limits.leaf_level = 1;
	u->n_domains = 1u << (4 + 2 * field_get(CAP_DOMAINS, cap));
	io_incoherent |= !(ecap & ECAP_COHERENT);
	io_remaps &= (ecap & ECAP_REMAPS) != 0;
	if (!(ecap & ECAP_X2APIC))
		io_apic_id_max = 0xff;
	io_eager |= (cap & (CAP_CACHES_ABSENT | CAP_WRITE_BUFFER)) != 0;
	return NULL;
}

static uint32_t vtd_mark(struct iommu *u)
{
	u->queue[u->tail][0] = WAIT | WAIT_STORES | field_put(WAIT_VALUE, ++u->asked);
	u->queue[u->tail][1] = virt_to_phys((const void *)u->done);
	u->tail = (u->tail + 1) % IO_QUEUE;
	mfence(); /* the requests, and the tables that they are about, before the tail */
	io_write32(u, REG_TAIL, u->tail << 4);
	return u->asked;
}

/* Its size is a power of two. */
static bool irqs_start(struct iommu *u)
{
	uint32_t order = 0;

	while (n_cpus > 1u << order)
		order++;
	if (!irqs) {
		irqs = boot_alloc(SK_PAGE_SIZE << order);
		arch_io_show(irqs, SK_PAGE_SIZE << order);
	}
	io_write64(u, REG_IRQS,
		virt_to_phys(irqs) | (io_apic_id_max > 0xff ? IRQS_X2APIC : 0) |
			(IRQS_SIZE + order));
	return command(u, CMD_IRQS, 0);
}

/* The root table is empty, so all devices are blocked from the first moment. */
static bool vtd_start(struct iommu *u)
{
	u->root = boot_alloc(SK_PAGE_SIZE);
	arch_io_show(u->root, SK_PAGE_SIZE);
	if (!pool) {
		pool = boot_alloc(POOL * sizeof(*pool));
		arch_io_show(pool, POOL * sizeof(*pool));
	}
	if (!command(u, 0, CMD_TRANSLATE) || !command(u, 0, CMD_REMAP) ||
		!command(u, 0, CMD_QUEUE))
		return false;
	io_write64(u, REG_TAIL, 0);
	io_write64(u, REG_QUEUE, virt_to_phys(u->queue));
	io_write64(u, REG_ROOT, virt_to_phys(u->root));
	if (!command(u, CMD_QUEUE, 0) || !command(u, CMD_ROOT, 0) ||
		(io_remaps && !irqs_start(u)))
		return false;
	faults_start(u);
	io_post(u, FORGET_CONTEXT | ALL, 0);
	io_post(u, FORGET_PAGES | ALL, 0);
	if (io_remaps)
		io_post(u, FORGET_IRQS, 0);
	(void)vtd_mark(u);
	if (!io_wait(u, REG_HEAD, UINT32_MAX, u->tail << 4) || !command(u, CMD_TRANSLATE, 0) ||
		(io_remaps && !command(u, CMD_REMAP, CMD_OLD_FORMAT)))
		return false;
	if (!(cap_of(u) & CAP_PROTECTED))
		return true;
	io_write32(u, REG_PROTECTED, 0); /* what the firmware had for the time before */
	return io_wait(u, REG_PROTECTED, PROTECTED_ON, 0);
}

/* --- requests ----------------------------------------------------------------------------- */

static uint32_t vtd_head(struct iommu *u) { return io_read32(u, REG_HEAD) >> 4; }

static void vtd_flush(struct iommu *u, const struct io_device *d)
{
	uint64_t cap = cap_of(u), drain = (cap & CAP_DRAIN_WRITES ? DRAIN_WRITES : 0) |
					  (cap & CAP_DRAIN_READS ? DRAIN_READS : 0);

	io_post(u, FORGET_PAGES | DOMAIN | drain | (uint64_t)io_device_number(d) << 16, 0);
}

/* --- devices ------------------------------------------------------------------------------ */

/* The two halves of the context entry, or NULL when the pool is used up. */
static uint64_t *context(struct iommu *u, uint32_t rid)
{
	uint64_t *e = &u->root[2 * (rid >> 8 & 0xff)];

	if (!(*e & ENTRY_PRESENT)) {
		if (pool_used == POOL)
			return NULL;
		store(e, virt_to_phys(pool[pool_used++]) | ENTRY_PRESENT);
		arch_io_show(e, 16);
	}
	e = phys_to_virt(*e & ~(SK_PAGE_SIZE - 1));
	return &e[2 * (rid & 0xff)];
}

static void context_changed(struct iommu *u, const struct io_device *d, const uint64_t *e)
{
	arch_io_show(e, 16);
	io_post(u,
		FORGET_CONTEXT | DEVICE | (uint64_t)io_device_number(d) << 16 |
			(uint64_t)(d->rid & 0xffff) << 32,
		0);
}

static int vtd_attach(struct iommu *u, const struct io_device *d, uint64_t root)
{
	uint64_t *e = context(u, d->rid);

	if (!e)
		return -SK_E_LIMIT;
	store(&e[1], (io_limits.levels - 2) | field_put(CONTEXT_NUMBER, io_device_number(d)));
	__atomic_store_n(&e[0], root | ENTRY_PRESENT, __ATOMIC_RELEASE); /* VTD1 */
	context_changed(u, d, e);
	return 0;
}

static void vtd_block(struct iommu *u, const struct io_device *d)
{
	uint64_t *e = context(u, d->rid);

	store(&e[0], 0); /* VTD1 */
	context_changed(u, d, e);
}

/* --- interrupts --------------------------------------------------------------------------- */

static int vtd_irq(struct iommu *u, const struct irq_source *s, bool on)
{
	uint32_t i = io_irq_index(s), id = cpus[s->cpu]->apic_id;
	uint64_t low = ENTRY_PRESENT | (s->level ? IRQ_LEVEL : 0) |
		       field_put(IRQ_VECTOR, s->vector) |
		       (uint64_t)(io_apic_id_max > 0xff ? id : id << 8) << 32;

	store(&irqs[i][1], IRQ_SENDER | (s->rid & 0xffff)); /* VTD2 */
	__atomic_store_n(&irqs[i][0], on ? low : 0, __ATOMIC_RELEASE);
	arch_io_show(irqs[i], 16);
	io_post(u, FORGET_IRQS | ONE_IRQ | (uint64_t)i << 32, 0);
	return 0;
}

const struct iommu_ops vtd_ops = { "VT-d", vtd_probe, vtd_start, vtd_attach, vtd_block,
	vtd_flush, vtd_mark, vtd_head, vtd_irq, NULL, vtd_fault };
