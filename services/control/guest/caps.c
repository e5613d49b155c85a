/* SPDX-License-Identifier: BSD-2-Clause */
/* caps.c - what the VMM of a guest holds */
#include "guest/caps.h"

#include <stdio.h>

#include "client/host.h"
#include "proto/vmctl.h"

#define WHAT(c, ...) (void)snprintf((c)->what, sizeof((c)->what), __VA_ARGS__)

static const struct guest_conn *conn_with(const struct guest *g, uint32_t channel)
{
	for (uint32_t i = 0; i < g->n_conns; i++)
		if (g->conn[i].kept.channel == channel)
			return &g->conn[i];
	return NULL;
}

static void channel_what(const struct guest *g, struct init_cap *c)
{
	uint32_t place = c->slot - DOMAIN_CAP_CHANNEL;
	const struct guest_conn *conn = conn_with(g, place / 2);

	WHAT(c, "%s %s", place % 2 ? "data shared with" : "signal to",
		conn ? host_service_name(conn->service) : "control");
}

static void cap_what(const struct guest *g, struct init_cap *c)
{
	if (c->slot >= VM_CAP_SCHED && c->slot < VM_CAP_SCHED + VM_VCPUS_MAX)
		WHAT(c, "CPU time of vCPU %u", (unsigned int)(c->slot - VM_CAP_SCHED));
	else if (c->slot >= DOMAIN_CAP_CHANNEL && c->slot < DOMAIN_CAP_DEVICE)
		channel_what(g, c);
	else if (c->slot >= VM_CAP_RAM && c->slot < VM_CAP_RAM + g->n_ram + g->n_more_max)
		WHAT(c, "memory of its guest");
}

bool guest_cap_next(const struct guest *g, uint64_t *at, struct init_cap *out)
{
	if (!g->proc_made || !proc_cap_next(&g->proc, at, out))
		return false;
	if (!out->what[0] && !(out->flags & INIT_CAP_MAPPED))
		cap_what(g, out);
	return true;
}
