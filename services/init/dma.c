/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dma.c - accesses and interrupts of devices that an IOMMU has refused
 *
 * A device that reaches for memory which its driver was not given, or sends an interrupt that
 * was given to another, does what nobody told it to, or what a broken driver told it to. Its
 * driver ends, as if it had made a fault itself, and the device is reset.
 *
 * Invariants  DMA1 init takes at most AT_ONCE refusals at a time, and then again with the next
 *                pulse. Until all are taken, the IOMMU sends no further interrupt, so a device
 *                cannot keep init from its work.
 */
#include <inttypes.h>
#include <stdio.h>
#include "caps/caps.h"
#include "init.h"
#include "sys/clock.h"
#include "sys/sk.h"

enum { AT_ONCE = 16, STRANGERS_TOLD = 8 };

static bool watching;
static unsigned int n_strangers;

int dma_watch(void)
{
	sk_cap_t irq, signal;
	int rc;

	if (!(sys_info()->features & SK_FEAT_IOMMU))
		return 0;
	rc = object_make(SK_OBJ_IRQ, 0, &irq);
	if (!rc)
		rc = cap_copy(init_ntfn, SK_W, INIT_BIT_DMA, &signal);
	if (!rc)
		rc = (int)sk_irq_pin(SK_CAP_CTL_IRQ, irq, SK_IRQ_IOMMU, 0, 0);
	if (!rc)
		rc = (int)sk_irq_bind(irq, signal);
	watching = !rc;
	return rc;
}

static struct domain *domain_of_device(uint32_t rid)
{
	for (uint32_t i = 0; i < manifest.header->n_domains; i++)
		if (domains[i].claimed && domains[i].rid == rid)
			return &domains[i];
	return NULL;
}

/* The firmware may have left a device running that no driver has. */
static void stranger_refused(uint32_t rid, uint64_t addr, uint32_t how)
{
	if (n_strangers++ < STRANGERS_TOLD)
		printf("device %02x:%02x.%x, which no driver has, was refused %s %" PRIx64 "\n",
			(unsigned int)(rid >> 8 & 0xff), (unsigned int)(rid >> 3 & 31),
			(unsigned int)(rid & 7),
			how & SK_IO_IRQ ? "an interrupt:" : "memory at", addr);
}

static const char *act_name(uint32_t how)
{
	if (how & SK_IO_IRQ)
		return "send an interrupt:";
	return how & SK_IO_WRITE ? "write memory at" : "read memory at";
}

void dma_refused(void)
{
	uint32_t rid, how;
	uint64_t addr;

	for (unsigned int n = 0; watching && n < AT_ONCE; n++) { /* DMA1 */
		struct domain *d;

		if (sk_io_fault(SK_CAP_CTL_IO, &rid, &addr, &how))
			return;
		d = domain_of_device(rid);
		if (!d) {
			stranger_refused(rid, addr, how);
		} else if (domain_runs(d)) {
			printf("%s: device %s was refused to %s %" PRIx64 "\n", d->m->name,
				d->m->dev.name, act_name(how), addr);
			domain_ends(d, DOMAIN_END_DMA);
		}
	}
}
