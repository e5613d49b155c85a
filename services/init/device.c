/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * device.c - devices: claimed through platform, given to their drivers
 *
 * Objects     a driver's DMA space, and its interrupts, which init keeps for the driver's next
 *             life. BARs of PCI functions come from platform, which also tells the functions
 *             their messages.
 */
#include <stdio.h>
#include <string.h>
#include "base/error.h"
#include "caps/caps.h"
#include "init.h"
#include "proto/platform.h"
#include "rt/sleep.h"
#include "svc/svc.h"
#include "sys/clock.h"
#include "sys/sk.h"

enum {
	PIECES_MAX = 64,
	POWER_MS = 1000,
	/* Longer than any call takes: a reset, and the end, have to wait for hardware. */
	CALL_MS = 3000,
	SLOW_MS = 10000,
};

uint64_t wall_boot_ns;

static uint32_t patience_ms(const struct domain *platform, uint32_t label)
{
	if (!platform->life.answered)
		return SVC_OPEN_MS;
	return label == PLATFORM_RESET || label == PLATFORM_POWER ? SLOW_MS : CALL_MS;
}

/* -SK_E_DELETED: platform has ended, perhaps because it did not answer. */
static int platform_call(uint32_t label, uint64_t *mr, uint32_t n, struct svc_caps *caps)
{
	struct domain *p = domain_of_role(MANIFEST_PLATFORM);
	int rc = p ? svc_call_timed(p->connector, label, mr, &n, caps, patience_ms(p, label))
		   : -SK_E_NOT_FOUND;

	if (rc == -SK_E_TIMEOUT) {
		printf("%s does not answer call %u\n", p->m->name, (unsigned int)label);
		domain_ends(p, DOMAIN_END_HANG);
		rc = -SK_E_DELETED;
	}
	if (rc == -SK_E_DELETED)
		ends_look();
	return rc;
}

/* An answer without exactly one capability is an error. */
static int platform_call_cap(uint32_t label, uint64_t *mr, uint32_t n, sk_cap_t *cap)
{
	struct svc_caps caps = { .n_out = 0 };
	int rc = platform_call(label, mr, n, &caps);

	if (!rc && caps.n_in != 1)
		rc = -SK_E_PEER;
	if (rc)
		for (uint32_t i = 0; i < caps.n_in; i++)
			cap_drop(caps.in[i]);
	else
		*cap = caps.in[0];
	return rc;
}

static void messages_drop(struct domain *d)
{
	for (uint32_t i = 0; i < MANIFEST_IRQS_MAX; i++) {
		cap_drop(d->message[i].irq);
		d->message[i].irq = 0;
	}
}

int device_claim(struct domain *d, struct device_claim *claim)
{
	const struct manifest_device *dev = &d->m->dev;
	uint64_t mr[SK_MR_MAX] = { dev->vendor | (uint64_t)dev->device << 16,
		dev->class_code == UINT32_MAX ? UINT64_MAX : dev->class_code, dev->index,
		dev->n_irqs };
	int rc;

	if (dev->kind != MANIFEST_PCI)
		return 0;
	rc = platform_call(PLATFORM_CLAIM, mr, 4, NULL);
	if (rc)
		return rc;
	if (d->rid != (uint16_t)(mr[2] >> 32))
		messages_drop(d); /* only this device may send them */
	d->claimed = true;
	d->handle = claim->handle = mr[1];
	if (mr[3] > dev->n_irqs)
		return -SK_E_PEER;
	claim->vendor = (uint16_t)mr[2];
	claim->device = (uint16_t)(mr[2] >> 16);
	d->rid = claim->rid = (uint16_t)(mr[2] >> 32);
	claim->n_irqs = (uint32_t)mr[3];
	memcpy(claim->bar_size, &mr[4], sizeof(claim->bar_size));
	memcpy(claim->config, &mr[10], sizeof(claim->config));
	memcpy(d->config, claim->config, sizeof(d->config));
	return 0;
}

/* ---- PCI --------------------------------------------------------------------------------- */
static uint32_t size_order(uint64_t size)
{
	uint32_t order = SK_PAGE_ORDER;

	while (1ull << order < size)
		order++;
	return order;
}

static int bar_piece(struct domain *d, const struct device_claim *claim, uint32_t bar,
	uint32_t index, uint64_t vaddr, uint64_t *n)
{
	uint64_t mr[SK_MR_MAX] = { claim->handle, bar, index };
	sk_cap_t frame;
	int rc;

	rc = platform_call_cap(PLATFORM_BAR, mr, 3, &frame);
	if (rc)
		return rc;
	*n = mr[1];
	if (mr[2] >= claim->bar_size[bar] || mr[3] > SK_HUGE_ORDER ||
		1ull << mr[3] > claim->bar_size[bar] - mr[2])
		rc = -SK_E_PEER;
	if (!rc)
		rc = proc_map(&d->proc, frame, vaddr + mr[2], 0, 1ull << mr[3],
			SK_R | SK_W | SK_MAP_UNCACHED);
	cap_drop(frame);
	return rc;
}

static int bar_give(struct domain *d, const struct device_claim *claim, uint32_t bar)
{
	uint64_t vaddr = proc_vaddr(&d->proc, size_order(claim->bar_size[bar])), n = 1;
	int rc;

	rc = bar_piece(d, claim, bar, 0, vaddr, &n);
	if (rc == -SK_E_RANGE)
		return 0; /* the BAR has only the interrupt table */
	for (uint32_t i = 1; !rc && i < n && i < PIECES_MAX; i++)
		rc = bar_piece(d, claim, bar, i, vaddr, &n);
	d->proc.info->dev[0].bar[bar] = (struct domain_bar){ vaddr, claim->bar_size[bar] };
	return rc;
}

static int message_make(struct domain *d, uint32_t index)
{
	sk_cap_t irq;
	int rc;

	if (d->message[index].irq)
		return 0;
	rc = object_make(SK_OBJ_IRQ, 0, &irq);
	if (rc)
		return rc;
	rc = (int)sk_irq_msi(SK_CAP_CTL_IRQ, irq, 0, d->rid, &d->message[index].addr,
		&d->message[index].data);
	if (rc)
		cap_drop(irq);
	else
		d->message[index].irq = irq;
	return rc;
}

/* As many of n as the kernel gives. */
static uint32_t messages_make(struct domain *d, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		if (message_make(d, i))
			return i;
	return n;
}

/* All lives of the driver have the same; platform is not needed for an interrupt to come. */
static int irq_give(struct domain *d, uint32_t i)
{
	uint64_t mr[SK_MR_MAX] = { d->handle, i, d->message[i].addr, d->message[i].data };
	int rc = platform_call(PLATFORM_VECTOR, mr, 4, NULL);

	return rc ? rc
		  : proc_give(&d->proc, DOMAIN_CAP_IRQ(0, i), d->message[i].irq, SK_ALL, 0);
}

/*
 * Without an IOMMU the space protects nothing and only reports addresses. The manifest must
 * have allowed that.
 */
static int iospace_assign(struct domain *d, const struct device_claim *claim)
{
	int rc = (int)sk_io_assign(SK_CAP_CTL_IO, d->iospace, claim->rid);

	if (!rc)
		d->proc.info->dev[0].flags |= DOMAIN_DEVICE_IOMMU;
	if (rc != -SK_E_NO_SYS)
		return rc;
	if (!(d->m->dev.flags & MANIFEST_UNPROTECTED)) {
		printf("%s: device %s must be behind an IOMMU, and there is none\n", d->m->name,
			d->m->dev.name);
		return rc;
	}
	printf("%s: there is no IOMMU: device %s can reach all memory\n", d->m->name,
		d->m->dev.name);
	return 0;
}

/* All lives of the driver have one space, and the device stays in it between them. */
static int iospace_give(struct domain *d, const struct device_claim *claim)
{
	int rc = 0;

	if (!(d->m->dev.flags & MANIFEST_DMA))
		return 0;
	if (!d->iospace)
		rc = object_make(SK_OBJ_SPACE_IO, 0, &d->iospace);
	if (!rc)
		rc = iospace_assign(d, claim);
	return rc ? rc : proc_give(&d->proc, DOMAIN_CAP_IOSPACE(0), d->iospace, SK_ALL, 0);
}

static int pci_give(struct domain *d, const struct device_claim *claim)
{
	struct domain_device *dev = &d->proc.info->dev[0];
	uint32_t n_irqs = messages_make(d, claim->n_irqs);
	int rc = iospace_give(d, claim);

	for (uint32_t bar = 0; !rc && bar < 6; bar++)
		if (claim->bar_size[bar])
			rc = bar_give(d, claim, bar);
	for (uint32_t i = 0; !rc && i < n_irqs; i++)
		rc = irq_give(d, i);
	dev->vendor = claim->vendor;
	dev->device = claim->device;
	dev->rid = claim->rid;
	dev->n_irqs = (uint16_t)n_irqs;
	memcpy(dev->config, claim->config, sizeof(dev->config));
	return rc;
}

/* ---- ports and a pin --------------------------------------------------------------------- */
static int pin_claim(struct domain *d)
{
	sk_cap_t irq;
	int rc = object_make(SK_OBJ_IRQ, 0, &irq);

	if (rc)
		return rc;
	rc = (int)sk_irq_pin(SK_CAP_CTL_IRQ, irq, d->m->dev.gsi, 0, 0);
	if (rc)
		cap_drop(irq);
	else
		d->pin = irq;
	return rc;
}

static int ports_give(struct domain *d)
{
	const struct manifest_device *m = &d->m->dev;
	struct domain_device *dev = &d->proc.info->dev[0];
	uint64_t last = m->port + (uint64_t)m->n_ports - 1;
	int rc;

	rc = proc_give(&d->proc, DOMAIN_CAP_IOPORT(0), SK_CAP_IOPORT, SK_R | SK_W,
		m->port | last << 16);
	if (!rc && !d->pin)
		rc = pin_claim(d);
	if (!rc)
		rc = proc_give(&d->proc, DOMAIN_CAP_IRQ(0, 0), d->pin, SK_ALL, 0);
	dev->io_port = m->port;
	dev->io_ports = m->n_ports;
	dev->n_irqs = 1;
	return rc;
}

int device_give(struct domain *d, const struct device_claim *claim)
{
	memcpy(d->proc.info->dev[0].name, d->m->dev.name, sizeof(d->m->dev.name));
	d->proc.info->n_devices = 1;
	return d->m->dev.kind == MANIFEST_PCI ? pci_give(d, claim) : ports_give(d);
}

/* ---- the end of a driver ----------------------------------------------------------------- */
bool platform_restarts(void)
{
	for (uint32_t i = 0; i < manifest.header->n_domains; i++)
		if (domains[i].m->flags & MANIFEST_PLATFORM)
			return domains[i].state == DOMAIN_RESTARTING;
	return false;
}

bool device_waits(const struct domain *d)
{
	return d->m->dev.kind == MANIFEST_PCI && platform_restarts();
}

void device_quiesce(struct domain *d)
{
	uint64_t mr[SK_MR_MAX] = { d->handle };
	int rc = 0;

	if (d->claimed && !device_waits(d)) /* else the reset does it, which waits */
		rc = platform_call(PLATFORM_QUIESCE, mr, 1, NULL);
	if (rc && rc != -SK_E_DELETED) /* the reset decides what becomes of the domain */
		printf("%s: device %s: %s\n", d->m->name, d->m->dev.name, sk_error_text(rc));
}

static const char *reset_text(uint64_t how)
{
	static const char *const texts[] = {
#define X(name, num, text) [num] = (text),
		PLATFORM_RESETS(X)
#undef X
	};

	return how && how < PLATFORM_RESET_END ? texts[how] : "reset in an unknown way";
}

int device_reset(struct domain *d)
{
	uint64_t mr[SK_MR_MAX] = { d->handle };
	int rc;

	if (!d->claimed)
		return 0;
	memcpy(&mr[1], d->config, sizeof(d->config));
	rc = platform_call(PLATFORM_RESET, mr, 1 + sizeof(d->config) / 8, NULL);
	if (rc)
		return rc;
	d->claimed = false;
	printf("%s: device %s: %s\n", d->m->name, d->m->dev.name, reset_text(mr[1]));
	return 0;
}

int device_claims_arg(struct domain *platform)
{
	const char *before = "claimed=";
	int rc = 0;

	for (uint32_t i = 0; !rc && i < manifest.header->n_domains; i++) {
		if (!domains[i].claimed)
			continue;
		rc = arg_add(platform, "%s%x", before, (unsigned int)domains[i].handle);
		before = ",";
	}
	return rc || *before != ',' ? rc : arg_add(platform, "\n");
}

/* ---- machine ----------------------------------------------------------------------------- */
void device_wallclock(void)
{
	uint64_t mr[SK_MR_MAX] = { 0 };

	if (!wall_boot_ns && platform_call(PLATFORM_WALLCLOCK, mr, 0, NULL) == 0)
		wall_boot_ns = mr[1];
}

int device_power(bool reboot)
{
	uint64_t mr[SK_MR_MAX] = { reboot };
	int rc = platform_call(PLATFORM_POWER, mr, 1, NULL);

	if (platform_restarts())
		return -SK_E_AGAIN;
	/*
	 * The hardware may need a moment to obey platform. If the machine still runs after
	 * POWER_MS, it has failed.
	 */
	rt_sleep_until(clock_in_ms(POWER_MS));
	return rc;
}
