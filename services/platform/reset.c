/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * reset.c - bringing a PCI function back to the state that it has after power-on
 *
 * Objects     ways[]: the resets in the order of preference. All except the last are the bus's
 *             and say nothing about the device behind the function.
 * Invariants  RESET1 bus mastering is off from before the reset until the next claim
 *             RESET2 no other function is reset with it
 *             RESET3 afterwards the function has the addresses with which it was claimed, even
 *                if platform ended in an earlier reset of it
 * Source      PCI Express Base 4.0: 6.6.1 (conventional reset), 6.6.2 (function-level reset),
 *             7.5.3 (capability), 2.3.2 (completions); ECN Advanced Capabilities for
 *             Conventional PCI; PCI Bus Power Management 1.2: 3.2.4 (PMCSR), 5.6.1 (delays);
 *             PCI-to-PCI Bridge 1.2: 3.2.5.18 (bridge control); Virtual I/O Device 1.1: 2.1.2,
 *             4.1.4.3.2 (status).
 */
#include "reset.h"

#include "base/array.h"

enum {
	REG_ID = 0x00,
	REG_COMMAND = 0x04,
	REG_TIMERS = 0x0c,
	REG_BAR0 = 0x10,
	REG_ROM = 0x30,
	REG_INTERRUPT = 0x3c,
	CMD_IO = 1 << 0,
	CMD_MEMORY = 1 << 1,
	CMD_MASTER = 1 << 2,
	CMD_NO_INTX = 1 << 10,
	/* In the upper half of REG_INTERRUPT: bridge control. */
	BRIDGE_RESET = 1 << 22,
	BRIDGE_TIMER_STATUS = 1 << 26, /* cleared by writing 1 */

	PCIE_CAPS = 4,
	PCIE_CAPS_FLR = 1 << 28,
	/* Device control; device status is the upper half. */
	PCIE_CONTROL = 8,
	PCIE_CONTROL_FLR = 1 << 15,
	PCIE_STATUS_PENDING = 1 << 21,
	/* In the first register of the AF capability. */
	AF_CAPS_FLR = 1 << 25,
	AF_CONTROL = 4,
	AF_CONTROL_FLR = 1 << 0,
	AF_STATUS_PENDING = 1 << 8,
	PM_CONTROL = 4,
	PM_STATE = 3,
	PM_D3HOT = 3,
	PM_NO_SOFT_RESET = 1 << 3,

	VIRTIO_BAR = 4,
	VIRTIO_OFFSET = 8,
	VIRTIO_STATUS = 0x14,

	/*
	 * A function-level reset, and the time from the end of a bus reset to the first access.
	 */
	RESET_MS = 100,
	/* How long a function may answer that it is not ready, and have accesses pending. */
	READY_MS = 1000,
	PENDING_MS = 1000,
	POLL_MS = 10,
	POWER_MS = 10,
	/* The bus's reset line is asserted at least 1 ms. */
	BUS_RESET_MS = 2,
};

static uint32_t get(const struct reset_machine *m, const struct pci_device *d, uint16_t off)
{
	return m->cfg->read(d->rid, off);
}

static void put(
	const struct reset_machine *m, const struct pci_device *d, uint16_t off, uint32_t v)
{
	m->cfg->write(d->rid, off, v);
}

/* ---- what a reset takes away ------------------------------------------------------------- */
struct saved {
	uint32_t command, timers, bar[PCI_BARS], rom, interrupt, control;
};

static void saved_from(const struct pci_device *d, const uint32_t *config, struct saved *s)
{
	s->command = (config[REG_COMMAND / 4] & 0xffff & ~(uint32_t)CMD_MASTER) |
		     CMD_NO_INTX; /* RESET1 */
	s->timers = config[REG_TIMERS / 4];
	for (uint16_t i = 0; i < PCI_BARS; i++)
		s->bar[i] = config[REG_BAR0 / 4 + i];
	s->rom = config[REG_ROM / 4];
	s->interrupt = config[REG_INTERRUPT / 4];
	s->control = d->pcie ? config[(d->pcie + PCIE_CONTROL) / 4] & 0xffff : 0;
}

/* Decoding is off meanwhile, so no address is seen half written. */
static void restore(
	const struct reset_machine *m, const struct pci_device *d, const struct saved *s)
{
	put(m, d, REG_COMMAND,
		get(m, d, REG_COMMAND) & 0xffff & ~(uint32_t)(CMD_IO | CMD_MEMORY));
	put(m, d, REG_TIMERS, s->timers);
	for (uint16_t i = 0; i < PCI_BARS; i++)
		put(m, d, (uint16_t)(REG_BAR0 + 4 * i), s->bar[i]);
	put(m, d, REG_ROM, s->rom);
	put(m, d, REG_INTERRUPT, s->interrupt);
	if (d->pcie)
		put(m, d, (uint16_t)(d->pcie + PCIE_CONTROL), s->control);
	put(m, d, REG_COMMAND, s->command);
}

/* ---- waiting ----------------------------------------------------------------------------- */
/*
 * Accesses that were under way end before the reset, so that no answer to one of them comes to
 * the function's next user (6.6.2). A function that does not finish is reset nevertheless.
 */
static void wait_pending(const struct reset_machine *m, const struct pci_device *d,
	uint16_t off, uint32_t pending)
{
	for (uint32_t ms = 0; get(m, d, off) & pending && ms < PENDING_MS; ms += POLL_MS)
		m->wait_ms(POLL_MS);
}

/*
 * A function that is not ready reads as all ones, or as vendor 1 (2.3.2: configuration request
 * retry status).
 */
static int wait_ready(const struct reset_machine *m, const struct pci_device *d)
{
	uint32_t id = d->vendor | (uint32_t)d->device << 16;

	for (uint32_t ms = 0; get(m, d, REG_ID) != id; ms += POLL_MS) {
		if (ms >= READY_MS)
			return -SK_E_IO;
		m->wait_ms(POLL_MS);
	}
	return 0;
}

/* ---- the ways ---------------------------------------------------------------------------- */
static int flr_pcie(const struct reset_machine *m, const struct pci_device *d)
{
	uint16_t control = (uint16_t)(d->pcie + PCIE_CONTROL);

	if (!d->pcie || !(get(m, d, (uint16_t)(d->pcie + PCIE_CAPS)) & PCIE_CAPS_FLR))
		return -SK_E_NO_SYS;
	wait_pending(m, d, control, PCIE_STATUS_PENDING);
	put(m, d, control, (get(m, d, control) & 0xffff) | PCIE_CONTROL_FLR);
	m->wait_ms(RESET_MS);
	return wait_ready(m, d);
}

static int flr_af(const struct reset_machine *m, const struct pci_device *d)
{
	if (!d->af || !(get(m, d, d->af) & AF_CAPS_FLR))
		return -SK_E_NO_SYS;
	wait_pending(m, d, (uint16_t)(d->af + AF_CONTROL), AF_STATUS_PENDING);
	put(m, d, (uint16_t)(d->af + AF_CONTROL), AF_CONTROL_FLR);
	m->wait_ms(RESET_MS);
	return wait_ready(m, d);
}

/* Waking up from D3hot resets a function that does not claim the contrary. */
static int power_cycle(const struct reset_machine *m, const struct pci_device *d)
{
	uint16_t at = (uint16_t)(d->pm + PM_CONTROL);
	uint32_t control;

	if (!d->pm)
		return -SK_E_NO_SYS;
	control = get(m, d, at) & 0xffff;
	if (control & PM_NO_SOFT_RESET)
		return -SK_E_NO_SYS;
	put(m, d, at, (control & ~(uint32_t)PM_STATE) | PM_D3HOT);
	m->wait_ms(POWER_MS);
	put(m, d, at, control & ~(uint32_t)PM_STATE);
	m->wait_ms(POWER_MS);
	if (get(m, d, at) & PM_STATE)
		return -SK_E_IO;
	return wait_ready(m, d);
}

/* The bridge above a function that is alone behind it (RESET2); NULL: there is none. */
static const struct pci_device *bridge_of(
	const struct reset_machine *m, const struct pci_device *d)
{
	const struct pci_device *bridge = NULL;

	for (uint32_t i = 0; i < m->n_devs; i++)
		if (m->devs[i].secondary && m->devs[i].secondary == d->rid >> 8)
			bridge = &m->devs[i];
	for (uint32_t i = 0; bridge && i < m->n_devs; i++) {
		uint32_t bus = m->devs[i].rid >> 8;

		if (&m->devs[i] != d && bus >= bridge->secondary && bus <= bridge->subordinate)
			return NULL;
	}
	return bridge;
}

static int bus_reset(const struct reset_machine *m, const struct pci_device *d)
{
	const struct pci_device *bridge = bridge_of(m, d);
	uint32_t control;

	if (!bridge)
		return -SK_E_NO_SYS;
	control = get(m, bridge, REG_INTERRUPT) & ~(uint32_t)BRIDGE_TIMER_STATUS;
	put(m, bridge, REG_INTERRUPT, control | BRIDGE_RESET);
	m->wait_ms(BUS_RESET_MS);
	put(m, bridge, REG_INTERRUPT, control & ~(uint32_t)BRIDGE_RESET);
	m->wait_ms(RESET_MS);
	return wait_ready(m, d);
}

/* ---- virtio ------------------------------------------------------------------------------ */
/* The status register; NULL: d is no virtio device, or its capability lies. */
static volatile uint8_t *virtio_status(
	const struct reset_machine *m, const struct pci_device *d)
{
	uint32_t bar, offset;

	if (!d->virtio)
		return NULL;
	bar = get(m, d, (uint16_t)(d->virtio + VIRTIO_BAR)) & 0xff;
	offset = get(m, d, (uint16_t)(d->virtio + VIRTIO_OFFSET));
	if (bar >= PCI_BARS || d->bar[bar].io ||
		offset + (uint64_t)VIRTIO_STATUS >= d->bar[bar].size)
		return NULL;
	return m->map(d->bar[bar].base + offset + VIRTIO_STATUS, 1);
}

/*
 * Devices of QEMU on the root bus have none of the bus's resets. For virtio, the device's own
 * is as good: when the status reads 0, it has dropped all requests and uses no queue (2.1.2,
 * 4.1.4.3.2).
 */
static int virtio_reset(const struct reset_machine *m, const struct pci_device *d)
{
	volatile uint8_t *status = virtio_status(m, d);

	if (!status)
		return -SK_E_NO_SYS;
	*status = 0;
	for (uint32_t ms = 0; *status; ms += POLL_MS) {
		if (ms >= READY_MS)
			return -SK_E_IO;
		m->wait_ms(POLL_MS);
	}
	return 0;
}

static const struct {
	enum platform_reset how;
	int (*run)(const struct reset_machine *m, const struct pci_device *d);
} ways[] = {
	{ PLATFORM_RESET_FLR, flr_pcie },
	{ PLATFORM_RESET_FLR, flr_af },
	{ PLATFORM_RESET_POWER, power_cycle },
	{ PLATFORM_RESET_BUS, bus_reset },
	{ PLATFORM_RESET_VIRTIO, virtio_reset },
};

/* A virtio device shows whether a reset was one. Some let D3hot pass without any. */
static bool reset_shows(const struct reset_machine *m, const struct pci_device *d)
{
	volatile uint8_t *status = virtio_status(m, d);

	return !status || *status == 0;
}

int reset_function(const struct reset_machine *m, struct pci_device *d,
	const uint32_t config[RESET_CONFIG_WORDS], enum platform_reset *how)
{
	int rc = wait_ready(m, d); /* RESET3 */
	struct saved s;

	if (rc)
		return rc;
	pci_quiesce(m->cfg, d);
	saved_from(d, config, &s);
	restore(m, d, &s); /* RESET3 */
	if (!d->measured)
		pci_measure(m->cfg, d);
	rc = -SK_E_NO_SYS;
	for (unsigned int i = 0; i < ARRAY_SIZE(ways); i++) {
		int way_rc = ways[i].run(m, d);

		if (way_rc == -SK_E_NO_SYS)
			continue;
		if (way_rc)
			return way_rc;
		restore(m, d, &s);
		rc = -SK_E_IO;
		if (!reset_shows(m, d))
			continue;
		*how = ways[i].how;
		return 0;
	}
	return rc;
}
