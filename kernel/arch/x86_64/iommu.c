/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * iommu.c - DMA spaces on the IOMMUs: which device uses which tables, and when nothing of the
 * past is in use any more; and which interrupts a device can send
 *
 * Objects     units[], as the ACPI tables list them; devices[], one entry for each device that
 *             is assigned. A space has a list of its devices.
 * Locks       the tree lock.
 * Lifecycle   iommu_init() runs once. If one unit cannot be used, none is, and the log says so.
 * Invariants  IO1 a device that is in no space reaches no memory
 *             IO2 a device is in one space at most
 *             IO3 devices[].mark is the mark of the last request about the device; the number
 *                of the entry is given to another device only after the unit has reached it
 *             IO4 where interrupts are remapped, a source with a vector has an entry in the
 *                tables of its requester exactly while it is open, and its vector is free only
 *                when the unit has forgotten that
 */
#include "iommu.h"
#include "madt.h"

enum { ANSWER_MS = 1000 };
/* MSI_REMAPPED: VT-d's format, whose data is added to the index. */
enum { MSI_REMAPPED = 3 << 3, PIN_REMAPPED = 1 << 16 };
#define MSI_ADDRESS 0xfee00000ull

struct io_limits io_limits;
struct io_tables io_tables;
bool io_incoherent, io_eager, io_remaps;
uint32_t io_apic_id_max = 0xff;
static struct iommu units[IO_UNITS];
static uint32_t n_units, n_devices;
static struct io_device devices[IO_DEVICES];

/* --- requests to a unit ------------------------------------------------------------------- */

static sk_time_t answer_deadline(void) { return arch_now() + tsc_hz / 1000 * ANSWER_MS; }

bool io_wait(const struct iommu *u, uint32_t reg, uint32_t mask, uint32_t want)
{
	sk_time_t end = answer_deadline();

	while ((io_read32(u, reg) & mask) != want) {
		if (arch_now() > end)
			return false;
		cpu_pause();
	}
	return true;
}

void arch_io_show(const void *at, uint64_t size)
{
	const char *p = at, *end = p + size;

	if (!io_incoherent)
		return;
	for (; p < end; p += 64)
		clflush(p);
	mfence(); /* in memory before the unit or the device hears of it */
}

/* A unit that stops answering may let devices use old translations, so memory is not safe. */
static void silent(const struct iommu *u)
{
	panic("IOMMU %u at %lx does not answer", (unsigned int)(u - units), u->found->paddr);
}

void io_post(struct iommu *u, uint64_t low, uint64_t high)
{
	sk_time_t end = answer_deadline();

	/* room for this one and for the mark that follows */
	while ((u->ops->head(u) - u->tail - 1) % IO_QUEUE < 2) {
		if (arch_now() > end)
			silent(u);
		cpu_pause();
	}
	u->queue[u->tail][0] = low;
	u->queue[u->tail][1] = high;
	u->tail = (u->tail + 1) % IO_QUEUE;
}

/* Wait until the unit has reached a mark; false: an interrupt came first, and ends the wait. */
enum wait { WAIT_UNTIL_IRQ, WAIT_ON };
static bool mark_wait(const struct iommu *u, uint32_t mark, enum wait how)
{
	sk_time_t end = answer_deadline();

	while ((int32_t)(*u->done - mark) < 0) {
		if (arch_now() > end)
			silent(u);
		if (how == WAIT_UNTIL_IRQ && arch_irq_pending())
			return false;
		cpu_pause();
	}
	return true;
}

static void device_flush(struct io_device *d)
{
	d->unit->ops->flush(d->unit, d);
	d->mark = d->unit->ops->mark(d->unit); /* IO3 */
}

uint32_t io_device_number(const struct io_device *d) { return (uint32_t)(d - devices) + 1; }

/* --- what core asks for ------------------------------------------------------------------- */

/* The entry of a device, or else one that is free, or NULL. */
static struct io_device *device_find(uint32_t rid)
{
	struct io_device *free = NULL;

	for (struct io_device *d = devices; d < devices + n_devices; d++)
		if (!d->space)
			free = free ?: d;
		else if (d->rid == rid)
			return d;
	return free;
}

int arch_io_assign(struct space *s, uint32_t rid)
{
	int unit = io_unit_of(&io_tables, &rid), rc;
	struct io_device *d;

	if (unit < 0)
		return -SK_E_NOT_FOUND;
	if (io_reserved(&io_tables, rid))
		return -SK_E_DENIED;
	d = device_find(rid);
	if (!d)
		return -SK_E_LIMIT;
	if (d->space)
		return d->space == s ? 0 : -SK_E_BUSY; /* IO2 */
	*d = (struct io_device){ NULL, s->devices, &units[unit], rid, 0, false };
	rc = d->unit->ops->attach(d->unit, d, space_tables(s));
	if (rc)
		return rc;
	d->space = s;
	s->devices = d;
	device_flush(d);
	return 0;
}

void arch_io_flush(const struct space *s)
{
	for (struct io_device *d = s->devices; d; d = d->next)
		device_flush(d);
}

bool arch_io_settle(const struct space *s)
{
	for (const struct io_device *d = s->devices; d; d = d->next)
		if (!mark_wait(d->unit, d->mark, WAIT_UNTIL_IRQ))
			return false;
	return true;
}

void arch_io_written(const struct space *s, const uint64_t *entries, uint64_t n)
{
	arch_io_show(entries, n * sizeof(*entries));
	if (!io_eager || !s->devices)
		return;
	arch_io_flush(s);
	for (const struct io_device *d = s->devices; d; d = d->next)
		mark_wait(d->unit, d->mark, WAIT_ON);
}

bool arch_io_end(struct space *s)
{
	struct io_device *d;

	for (d = s->devices; d; d = d->next) {
		if (d->blocked)
			continue;
		d->blocked = true;
		d->unit->ops->block(d->unit, d);
		device_flush(d);
	}
	if (!arch_io_settle(s))
		return false;
	while ((d = s->devices)) {
		s->devices = d->next;
		d->space = NULL;
	}
	return true;
}

bool arch_io_fault(struct io_fault *f)
{
	for (uint32_t i = 0; i < n_units; i++)
		if (units[i].ops->fault(&units[i], f))
			return true;
	return false;
}

/* --- interrupts --------------------------------------------------------------------------- */

int io_irq_open(struct irq_source *s)
{
	int unit, rc;

	if (!io_remaps)
		return 0;
	unit = io_unit_of(&io_tables, &s->rid);
	if (unit < 0)
		return -SK_E_NOT_FOUND;
	rc = units[unit].ops->irq(&units[unit], s, true); /* IO4 */
	if (rc)
		return rc;
	s->remapped = true;
	mark_wait(&units[unit], units[unit].ops->mark(&units[unit]), WAIT_ON);
	return 0;
}

void io_irq_close(struct irq_source *s)
{
	struct iommu *u;

	if (!s->remapped)
		return;
	u = &units[io_unit_of(&io_tables, &s->rid)];
	s->remapped = false;
	if (!u->ops->irq(u, s, false))
		mark_wait(u, u->ops->mark(u), WAIT_ON); /* IO4 */
}

bool io_irq_taken(uint32_t rid, uint32_t vector)
{
	return io_remaps && units[0].ops->irq_taken && io_unit_of(&io_tables, &rid) >= 0 &&
	       units[0].ops->irq_taken(rid, vector);
}

/* AMD-Vi looks at the data alone, which a pin has in its redirection entry. */
void io_irq_message(const struct irq_source *s, uint64_t *addr, uint32_t *data)
{
	*addr = MSI_ADDRESS;
	*data = s->vector;
	if (!io_remaps) {
		*addr |= (uint64_t)cpus[s->cpu]->apic_id << 12;
	} else if (!io_tables.amd) {
		*addr |= MSI_REMAPPED | (uint64_t)io_irq_index(s) << 5;
		*data = 0;
	}
}

uint32_t io_irq_pin(const struct irq_source *s)
{
	if (!io_remaps)
		return cpus[s->cpu]->apic_id << 24;
	return io_tables.amd ? 0 : io_irq_index(s) << 17 | PIN_REMAPPED;
}

/* --- start-up ----------------------------------------------------------------------------- */

uint8_t io_config_read(uint16_t rid, uint8_t offset)
{
	outl(0xcf8, 1u << 31 | (uint32_t)rid << 8 | (offset & 0xfcu));
	return inb((uint16_t)(0xcfc + offset % 4));
}

void io_config_write(uint16_t rid, uint8_t offset, uint32_t value)
{
	outl(0xcf8, 1u << 31 | (uint32_t)rid << 8 | (offset & 0xfcu));
	outl(0xcfc, value);
}

uint64_t io_message_address(void)
{
	uint64_t id = cpus[0]->apic_id;

	return MSI_ADDRESS | (id & 0xff) << 12 | (id & ~0xffull) << 32;
}

uint32_t iommu_mmio(uint64_t *mmio, uint32_t max)
{
	uint32_t n = 0;

	for (; n < io_tables.n_units && n < max; n++)
		mmio[n] = io_tables.unit[n].paddr | __builtin_ctzll(IO_PAGES * SK_PAGE_SIZE);
	return n;
}

static void unit_map(struct iommu *u, uint32_t i)
{
	uint64_t paddr = io_tables.unit[i].paddr;

	u->found = &io_tables.unit[i];
	u->ops = io_tables.amd ? &amdvi_ops : &vtd_ops;
	u->n_domains = IO_DEVICES + 1;
	for (uint32_t page = IO_PAGES; page--;)
		u->regs = fixmap_mmio(
			FIX_IOMMU + i * IO_PAGES + page, paddr + page * SK_PAGE_SIZE);
}

/* All units must be able to, and the pins of each IO-APIC must be known by their requester. */
static bool remap_probe(void)
{
	for (uint32_t i = 0; i < madt.n_ioapics; i++) {
		uint32_t rid = io_ioapic_rid(&io_tables, madt.ioapic[i].id);

		if (rid == IO_NO_ALIAS || io_unit_of(&io_tables, &rid) < 0)
			return false;
	}
	return io_tables.remaps && !boot_option("intremap=off");
}

static const char *units_probe(void)
{
	const char *err = NULL;

	io_remaps = remap_probe();
	io_apic_id_max = features.x2apic && !io_tables.amd ? UINT32_MAX : 0xff;
	io_limits =
		(struct io_limits){ .leaf_level = 3, .end = NESTED_END, .amd = io_tables.amd };
	n_devices = IO_DEVICES;
	for (uint32_t i = 0; !err && i < io_tables.n_units; i++) {
		unit_map(&units[i], i);
		err = units[i].ops->probe(&units[i]);
		n_devices = (uint32_t)min_u64(n_devices, units[i].n_domains - 1);
	}
	return err;
}

static bool units_start(void)
{
	volatile uint32_t *done = boot_alloc(SK_PAGE_SIZE);

	for (n_units = 0; n_units < io_tables.n_units; n_units++) {
		struct iommu *u = &units[n_units];

		u->queue = boot_alloc(IO_QUEUE * sizeof(*u->queue));
		u->done = done + 16 * n_units; /* a line of its own */
		if (!u->ops->start(u))
			return false;
	}
	return true;
}

void iommu_init(void)
{
	const char *err = boot_option("iommu=off") ? "switched off" : NULL;

	if (!io_tables.n_units) {
		klog("no IOMMU: devices can reach all memory, interrupts not remapped\n");
		return;
	}
	err = err ?: units_probe();
	if (!err && !units_start())
		panic("IOMMU %u does not start; iommu=off leaves it alone", n_units);
	if (err) {
		io_limits.levels = 0;
		io_remaps = false;
		klog("IOMMU: %s; devices can reach all memory, interrupts not remapped\n", err);
		return;
	}
	if (!io_remaps)
		io_apic_id_max = 0xff;
	klog("IOMMU: %s, %u %s, tables of %u levels; all devices are blocked, interrupts %s\n",
		units[0].ops->name, n_units, n_units == 1 ? "unit" : "units", io_limits.levels,
		io_remaps ? "remapped" : "not remapped");
}
