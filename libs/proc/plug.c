/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * plug.c - connections of a domain that runs
 *
 * Its info page stays as it is, so the domain is told in another way. The places of everything
 * follow from the number of the channel: a builder that was restarted knows them, too.
 */
#include <string.h>
#include "caps/caps.h"
#include "proc/internal.h"
#include "svc/svc.h"
#include "sys/sk.h"

/* The slot of the domain's keep that holds the mapping of the rings: from its end downwards. */
static uint32_t plug_keep_slot(const struct proc *p, uint32_t channel)
{
	struct sk_cap_info info;

	return sk_cap_info(SK_CAP_CNODE, p->keep, &info)
		       ? 0
		       : (uint32_t)SK_CNODE_SLOTS(info.order) - 1 - channel;
}

void proc_plug_room(struct proc *p) { (void)proc_vaddr(p, SK_LARGE_ORDER); }

int proc_plug_prepare(struct proc *p, uint32_t channel, const struct proc_connect *c,
	struct svc_open_args *a, struct proc_connection *out)
{
	return connect_prepare(p, channel, c, a, out);
}

/* Map a frame through a copy, which goes into this slot. */
static int plug_map(struct proc *p, sk_cap_t frame, uint64_t vaddr, uint64_t size,
	sk_cap_t cnode, uint32_t slot)
{
	sk_cap_t copy;
	int rc = cap_copy(frame, SK_R | SK_W | SK_GRANT, 0, &copy);

	if (rc)
		return rc;
	rc = map_part(p, copy, vaddr, 0, 1ull << order_for(size), SK_R | SK_W);
	if (!rc)
		rc = (int)sk_move(cnode, slot, SK_CAP_CNODE, copy);
	if (rc)
		cap_drop(copy);
	else
		slot_free(copy, 1);
	return rc;
}

static int plug_end(struct proc *p, const struct proc_connect *c, const struct svc_open_args *a,
	const struct proc_connection *out, struct domain_channel *ch)
{
	uint32_t i = out->channel;
	int rc;

	*ch = (struct domain_channel){ .proto = c->proto,
		.bit = i,
		.signal = DOMAIN_CAP_SIGNAL(i),
		.data = DOMAIN_CAP_DATA(i),
		.vaddr = DOMAIN_PLUG_RINGS(i),
		.data_vaddr = DOMAIN_PLUG_DATA(i),
		.data_size = a->data_size,
		.req_size = a->req_size,
		.rsp_size = a->rsp_size };
	if (strlen(c->name) >= sizeof(ch->name) ||
		(uint64_t)a->req_size + a->rsp_size > DOMAIN_PLUG_RINGS_MAX || !a->data_size ||
		a->data_size > SK_LARGE_SIZE)
		return -SK_E_INVAL;
	strcpy(ch->name, c->name);
	proc_unplug(p, i); /* what the domain itself may have put there */
	rc = proc_give(p, ch->signal, out->service_signal, SK_W, 0);
	if (!rc)
		rc = plug_map(p, out->rings, ch->vaddr, (uint64_t)a->req_size + a->rsp_size,
			p->keep, plug_keep_slot(p, i));
	if (!rc)
		rc = plug_map(p, out->data, ch->data_vaddr, a->data_size, p->cnode, ch->data);
	if (rc)
		proc_unplug(p, i);
	return rc;
}

int proc_plug_finish(struct proc *p, const struct proc_connect *c,
	const struct svc_open_args *a, int open_rc, const struct svc_open_result *r,
	struct proc_connection *out, struct domain_channel *ch)
{
	int rc = open_rc;

	if (!rc) {
		out->number = r->number;
		out->service_signal = r->signal;
		rc = plug_end(p, c, a, out, ch);
	}
	if (open_rc)
		boundary_drop(out);
	return rc;
}

void proc_unplug(struct proc *p, uint32_t channel)
{
	(void)sk_delete(p->cnode, DOMAIN_CAP_SIGNAL(channel));
	(void)sk_delete(p->cnode, DOMAIN_CAP_DATA(channel));
	(void)sk_delete(p->keep, plug_keep_slot(p, channel));
}
