/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * io.c - the I/O thread's set-up: xenstore, console, disks, network interfaces
 *
 * Lifecycle   xen_io_init() before svc_run(); xenstore comes first, because the requests of the
 *             back ends go over that connection. xen_io_quiesce() when control is about to end
 *             the guest.
 */
#include <string.h>

#include "backend/blkback.h"
#include "backend/cons_ring.h"
#include "backend/netback.h"
#include "backend/xenbus.h"
#include "backend/xs_link.h"
#include "backend/xs_ring.h"
#include "edge.h"
#include "svc/svc.h"
#include "xen.h"
#include "xen/evtchn_backend.h"

/* The devices by their seats; NULL: there is none. */
static struct xb_dev *seats[VMCTL_SEATS];

/* The number at the end of a channel's name, "disk3", is the seat among those of its kind. */
static struct xb_dev **seat_of(const char *channel, uint32_t first, uint32_t n)
{
	uint32_t i = (uint32_t)channel[strcspn(channel, "0123456789")] - '0';

	return &seats[first + (i < n ? i : 0)];
}

static int devices_add(const struct vm_config *cfg)
{
	struct svc_conn *c;
	int rc = 0;

	for (uint32_t i = 0; i < cfg->n_disks && i < VM_DISKS_MAX && rc == 0; i++) {
		c = cfg->disk[i].empty ? NULL : svc_channel(cfg->disk[i].channel);
		rc = c || cfg->disk[i].empty
			     ? blkback_add(&cfg->disk[i], c,
				       seat_of(cfg->disk[i].channel, 0, VM_DISKS_MAX))
			     : -SK_E_NOT_FOUND;
	}
	for (uint32_t i = 0; i < cfg->n_vifs && i < VM_VIFS_MAX && rc == 0; i++) {
		c = svc_channel(cfg->vif[i].channel);
		rc = c ? netback_add(&cfg->vif[i], c,
				 seat_of(cfg->vif[i].channel, VM_DISKS_MAX, VM_VIFS_MAX))
		       : -SK_E_NOT_FOUND;
	}
	return rc;
}

/* ---- while the guest runs ---- */

int xen_io_plug(const struct vmctl_plug *p)
{
	bool disk = p->seat < VM_DISKS_MAX, empty = disk && p->disk.empty;
	struct svc_conn *c = NULL;
	int rc;

	if (p->seat >= VMCTL_SEATS || (seats[p->seat] && (!disk || empty)))
		return -SK_E_INVAL;
	if (!empty && !(c = svc_channel_add(&p->channel)))
		return -SK_E_NO_MEM;
	if (!disk)
		rc = netback_add(&p->vif, c, &seats[p->seat]);
	else if (seats[p->seat])
		rc = blkback_insert(seats[p->seat], c);
	else
		rc = blkback_add(&p->disk, c, &seats[p->seat]);
	if (rc && c)
		svc_channel_drop(c);
	return rc;
}

void xen_io_unplug(uint32_t seat, enum vmctl_unplug_how how)
{
	if (seat >= VMCTL_SEATS || !seats[seat])
		return;
	if (how != VMCTL_UNPLUG_MEDIUM)
		xb_remove(seats[seat], how == VMCTL_UNPLUG_FORCE);
	else if (seat < VM_DISKS_MAX)
		blkback_eject(seats[seat]);
}

bool xen_io_settled(uint32_t seat)
{
	return seat >= VM_DISKS_MAX || !seats[seat] ||
	       blkback_settle(seats[seat]) != DRIVE_CHANGING;
}

uint32_t xen_io_devices(void)
{
	uint32_t there = 0;

	for (uint32_t i = 0; i < VMCTL_SEATS; i++) {
		if (seats[i] && xb_gone(seats[i])) {
			xb_drop(seats[i]);
			seats[i] = NULL;
		}
		there |= seats[i] ? 1u << i : 0;
		if (i < VM_DISKS_MAX && seats[i] && blkback_settle(seats[i]) == DRIVE_EMPTY)
			there |= 1u << (VMCTL_EMPTY + i);
	}
	return there;
}

void xen_io_stats(struct vmctl_stats *s)
{
	for (uint32_t i = 0; i < VMCTL_SEATS; i++) {
		if (!seats[i])
			continue;
		if (i < VM_DISKS_MAX)
			blkback_stats(seats[i], &s->disk[i]);
		else
			netback_stats(seats[i], &s->vif[i - VM_DISKS_MAX]);
	}
}

int xen_io_init(void)
{
	int rc = edge_on_io_kick(evtchn_backends_run);

	if (rc == 0)
		rc = xs_link_init();
	if (rc == 0)
		rc = xs_ring_init();
	if (rc == 0)
		rc = cons_ring_init();
	return rc ? rc : devices_add((const struct vm_config *)VM_CONFIG_VADDR);
}

void xen_io_quiesce(void)
{
	xb_quiesce();
	cons_ring_run(); /* the guest's last output */
}
