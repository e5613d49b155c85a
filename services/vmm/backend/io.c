/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * io.c - the I/O thread's set-up: xenstore, console, disks, network interfaces
 *
 * Lifecycle   xen_io_init() before svc_run(); xenstore comes first, because the requests of the
 *             back ends go over that connection. xen_io_quiesce() when control is about to end
 *             the guest.
 */
#include "backend/blkback.h"
#include "backend/cons_ring.h"
#include "backend/netback.h"
#include "backend/xenbus.h"
#include "backend/xs_link.h"
#include "backend/xs_ring.h"
#include "edge.h"
#include "xen.h"
#include "xen/evtchn_backend.h"

static int devices_add(const struct vm_config *cfg)
{
	int rc = 0;

	for (uint32_t i = 0; i < cfg->n_disks && i < VM_DISKS_MAX && rc == 0; i++)
		rc = blkback_add(&cfg->disk[i]);
	for (uint32_t i = 0; i < cfg->n_vifs && i < VM_VIFS_MAX && rc == 0; i++)
		rc = netback_add(&cfg->vif[i]);
	return rc;
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
