/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * memory_wrote.c - the guest's memory that the Xen half writes at any time, for a save that has
 * copied it while the guest ran
 *
 * Each part reports what it writes: to this, and when the guest takes the memory back.
 */
#include "xen.h"
#include "xen/evtchn_fifo.h"
#include "xen/grant.h"
#include "xen/time.h"

void xen_memory_wrote(void)
{
	for (unsigned int i = 0; i < xen_dom.p.n_vcpus; i++) {
		edge_gmem_wrote(xen_dom.vcpu[i].info, sizeof(*xen_dom.vcpu[i].info));
		time_areas_wrote(i);
	}
	fifo_wrote();
	grants_wrote();
}
