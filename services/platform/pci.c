/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pci.c - enumeration of PCI functions, their BARs and interrupt capabilities
 *
 * Objects     struct pci_device, in the caller's array.
 * Trust       configuration space belongs to devices: capability lists can loop and BARs can
 *             lie; walks are bounded, and a BAR whose size is not a power of two is ignored.
 * Source      PCI Local Bus 3.0: 6.1-6.2 (header), 6.2.5 (BARs), 6.7-6.8 (capabilities, MSI,
 *             MSI-X); PCI Express Base 4.0: 7.5.3 (capability), 6.6.2 (function-level reset).
 */
#include "pci.h"

#include <string.h>

enum {
	REG_ID = 0x00,
	/* Status in the upper half. */
	REG_COMMAND = 0x04,
	REG_CLASS = 0x08,
	REG_HEADER = 0x0c,
	REG_BAR0 = 0x10,
	REG_BUSES = 0x18,
	REG_CAPS = 0x34,
	CMD_IO = 1 << 0,
	CMD_MEMORY = 1 << 1,
	CMD_MASTER = 1 << 2,
	CMD_NO_INTX = 1 << 10,
	STATUS_CAPS = 1 << 20,
	CAP_PM = 0x01,
	CAP_MSI = 0x05,
	CAP_VENDOR = 0x09,
	CAP_PCIE = 0x10,
	CAP_MSIX = 0x11,
	CAP_AF = 0x13,
	/*
	 * A virtio device describes its registers in vendor capabilities (virtio 1.1, 4.1.4).
	 */
	VIRTIO_VENDOR = 0x1af4,
	VIRTIO_COMMON = 1,
	CAPS_WALK_MAX = 48,
	MSIX_ENABLE_BIT = 31,
	MSIX_MASK_ALL_BIT = 30,
	MSI_ENABLE = 1 << 16,
	MSI_64 = 1 << 23,
	/* Base system peripheral, IOMMU: AMD's are functions. */
	CLASS_IOMMU = 0x0806,
};

static void command_set(
	const struct pci_config *cfg, uint16_t rid, uint32_t clear, uint32_t set)
{
	/* the upper half is the status, whose bits are cleared by writing 1 */
	uint32_t v = cfg->read(rid, REG_COMMAND) & 0xffff;

	cfg->write(rid, REG_COMMAND, (v & ~clear) | set);
}

/* Size BAR i; returns how many registers it takes. */
static unsigned int bar_read(
	const struct pci_config *cfg, struct pci_device *d, unsigned int i, unsigned int n)
{
	uint16_t off = (uint16_t)(REG_BAR0 + 4 * i);
	uint32_t old = cfg->read(d->rid, off), hi = 0, mask_lo;
	uint64_t mask;
	bool wide = !(old & 1) && (old & 6) == 4 && i + 1 < n;
	struct pci_bar *b = &d->bar[i];

	cfg->write(d->rid, off, UINT32_MAX);
	mask_lo = cfg->read(d->rid, off);
	cfg->write(d->rid, off, old);
	b->io = old & 1;
	mask = mask_lo & (b->io ? ~3u : ~15u);
	if (b->io)
		mask |= 0xffffffffffff0000ull;
	else if (!wide)
		mask |= 0xffffffff00000000ull;
	if (wide) {
		hi = cfg->read(d->rid, off + 4);
		cfg->write(d->rid, off + 4, UINT32_MAX);
		mask |= (uint64_t)cfg->read(d->rid, off + 4) << 32;
		cfg->write(d->rid, off + 4, hi);
	}
	b->size = mask_lo ? ~mask + 1 : 0;
	b->base = (uint64_t)hi << 32 | (old & (b->io ? ~3u : ~15u));
	if (b->size & (b->size - 1) || (b->size && b->base & (b->size - 1)) || !b->base)
		b->size = 0; /* not a power of two, misaligned or unassigned: unusable */
	return wide ? 2 : 1;
}

static void bars_read(const struct pci_config *cfg, struct pci_device *d, unsigned int n)
{
	uint32_t cmd = cfg->read(d->rid, REG_COMMAND) & 0xffff;

	command_set(cfg, d->rid, CMD_IO | CMD_MEMORY | CMD_MASTER, 0);
	for (unsigned int i = 0; i < n;)
		i += bar_read(cfg, d, i, n);
	cfg->write(d->rid, REG_COMMAND, cmd & ~(uint32_t)CMD_MASTER);
}

static void msix_read(const struct pci_config *cfg, struct pci_device *d)
{
	uint16_t at = d->msix_cap;
	uint32_t table = cfg->read(d->rid, at + 4);
	uint16_t entries = (uint16_t)(((cfg->read(d->rid, at) >> 16) & 0x7ff) + 1);
	uint8_t bar = table & 7;
	uint32_t offset = table & ~7u;

	if (bar >= PCI_BARS || d->bar[bar].io || offset + 16ull * entries > d->bar[bar].size)
		return;
	d->msix = at;
	d->msix_entries = entries;
	d->msix_bar = bar;
	d->msix_offset = offset;
}

/* Each capability is used only if all its registers that platform uses lie below 256. */
static void cap_read(struct pci_device *d, uint16_t at, uint32_t head)
{
	switch (head & 0xff) {
	case CAP_MSIX:
		if (at <= 0xf4)
			d->msix_cap = at;
		break;
	case CAP_MSI:
		if (at <= 0xec)
			d->msi = at;
		break;
	case CAP_PCIE:
		if (at <= 0xf4)
			d->pcie = at;
		break;
	case CAP_AF:
		if (at <= 0xf8)
			d->af = at;
		break;
	case CAP_PM:
		if (at <= 0xf8)
			d->pm = at;
		break;
	case CAP_VENDOR:
		if (at <= 0xf0 && d->vendor == VIRTIO_VENDOR && head >> 24 == VIRTIO_COMMON &&
			!d->virtio)
			d->virtio = at;
		break;
	}
}

static void caps_read(const struct pci_config *cfg, struct pci_device *d)
{
	uint16_t at;

	if (!(cfg->read(d->rid, REG_COMMAND) & STATUS_CAPS))
		return;
	at = cfg->read(d->rid, REG_CAPS) & 0xfc;
	for (unsigned int n = 0; at >= 0x40 && n < CAPS_WALK_MAX; n++) {
		uint32_t head = cfg->read(d->rid, at);

		cap_read(d, at, head);
		at = (head >> 8) & 0xfc;
	}
}

struct scan {
	const struct pci_config *cfg;
	struct pci_device *devs;
	uint32_t n, max;
	uint8_t seen[32]; /* buses visited */
	/* Buses still to visit. */
	uint8_t queue[256];
	unsigned int queued;
};

static void bus_push(struct scan *s, uint8_t bus)
{
	if (s->seen[bus / 8] & (1 << bus % 8))
		return;
	s->seen[bus / 8] = (uint8_t)(s->seen[bus / 8] | 1 << bus % 8);
	s->queue[s->queued++] = bus; /* each bus is queued at most once, so it fits */
}

static void function_read(struct scan *s, uint16_t rid, uint32_t id)
{
	uint8_t header = (s->cfg->read(rid, REG_HEADER) >> 16) & 0x7f;
	struct pci_device *d;
	uint32_t buses = header == 1 ? s->cfg->read(rid, REG_BUSES) : 0;

	if (header == 1)
		bus_push(s, (buses >> 8) & 0xff);
	if (s->n == s->max)
		return;
	d = &s->devs[s->n++];
	memset(d, 0, sizeof(*d));
	d->rid = rid;
	d->vendor = id & 0xffff;
	d->device = (uint16_t)(id >> 16);
	d->class_code = s->cfg->read(rid, REG_CLASS) >> 8;
	d->secondary = (buses >> 8) & 0xff;
	d->subordinate = (buses >> 16) & 0xff;
	d->bridge = header != 0;
	if (!d->bridge)
		caps_read(s->cfg, d);
}

uint32_t pci_enumerate(const struct pci_config *cfg, struct pci_device *devs, uint32_t max)
{
	struct scan s = { .cfg = cfg, .devs = devs, .max = max };

	bus_push(&s, 0);
	while (s.queued) {
		uint16_t bus = s.queue[--s.queued];

		for (unsigned int dev = 0; dev < 32; dev++) {
			unsigned int n_fn = 1;

			for (unsigned int fn = 0; fn < n_fn; fn++) {
				uint16_t rid = (uint16_t)(bus << 8 | dev << 3 | fn);
				uint32_t id = cfg->read(rid, REG_ID);

				if ((id & 0xffff) == 0xffff)
					continue;
				if (fn == 0 && cfg->read(rid, REG_HEADER) & 0x800000)
					n_fn = 8;
				function_read(&s, rid, id);
			}
		}
	}
	return s.n;
}

bool pci_is_iommu(const struct pci_device *d) { return d->class_code >> 8 == CLASS_IOMMU; }

void pci_measure(const struct pci_config *cfg, struct pci_device *d)
{
	if (d->bridge)
		return;
	bars_read(cfg, d, PCI_BARS);
	d->msix = 0;
	if (d->msix_cap)
		msix_read(cfg, d);
	d->measured = true;
}

void pci_enable(const struct pci_config *cfg, const struct pci_device *d)
{
	command_set(cfg, d->rid, 0, CMD_MEMORY | CMD_MASTER);
}

void pci_msix_enable(const struct pci_config *cfg, const struct pci_device *d)
{
	uint32_t head = cfg->read(d->rid, d->msix);

	command_set(cfg, d->rid, 0, CMD_NO_INTX);
	cfg->write(
		d->rid, d->msix, (head & ~(1u << MSIX_MASK_ALL_BIT)) | 1u << MSIX_ENABLE_BIT);
}

/*
 * PCI Local Bus 3.0, 6.2.2 (command), 6.8.1.3 (MSI enable), 6.8.2.3 (function mask of MSI-X).
 * An interrupt message is a write by the function, so the last step alone would stop it, too;
 * but it would not keep a line from being asserted in its place.
 */
void pci_quiesce(const struct pci_config *cfg, const struct pci_device *d)
{
	command_set(cfg, d->rid, 0, CMD_NO_INTX);
	if (d->msix_cap)
		cfg->write(d->rid, d->msix_cap,
			cfg->read(d->rid, d->msix_cap) | 1u << MSIX_MASK_ALL_BIT);
	if (d->msi)
		cfg->write(d->rid, d->msi, cfg->read(d->rid, d->msi) & ~(uint32_t)MSI_ENABLE);
	command_set(cfg, d->rid, CMD_MASTER, 0);
}

void pci_msi_program(
	const struct pci_config *cfg, const struct pci_device *d, uint64_t addr, uint32_t data)
{
	uint32_t head = cfg->read(d->rid, d->msi);
	bool wide = head & MSI_64;

	command_set(cfg, d->rid, 0, CMD_NO_INTX);
	cfg->write(d->rid, d->msi + 4, (uint32_t)addr);
	if (wide)
		cfg->write(d->rid, d->msi + 8, (uint32_t)(addr >> 32));
	cfg->write(d->rid, (uint16_t)(d->msi + (wide ? 12 : 8)), data & 0xffff);
	cfg->write(d->rid, d->msi, (head & ~(7u << 20)) | MSI_ENABLE);
}
