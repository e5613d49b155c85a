/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * connect.c - connections of a domain that is being built, as a client of services
 *
 * The region's frames and the capability that signals the client are made here, go to the
 * service with SVC_OPEN, and then into the client's slots and info page. Memory that only the
 * service uses goes only to the service.
 */
#include <string.h>
#include "base/array.h"
#include "caps/caps.h"
#include "proc/internal.h"
#include "svc/svc.h"
#include "sys/sk.h"

uint32_t order_for(uint64_t size)
{
	uint32_t order = SK_PAGE_ORDER;

	while (1ull << order < size)
		order++;
	return order;
}

void proc_connect_orders(
	uint32_t proto, uint64_t data_size, uint32_t *ring_order, uint32_t *data_order)
{
	const struct svc_proto_info *s = svc_proto_info(proto);
	uint64_t data = data_size == UINT64_MAX ? s->data_size : data_size;

	*ring_order = order_for((uint64_t)s->req_size + s->rsp_size);
	*data_order = data ? order_for(data) : 0;
}

/* ---- the client's end -------------------------------------------------------------------- */
/*
 * Map through a copy, which holds the mapping and is in a slot of the domain or (slot 0) in its
 * keep.
 */
static int frame_map(
	struct proc *p, sk_cap_t frame, uint64_t size, uint32_t slot, uint64_t *vaddr)
{
	uint32_t order = order_for(size);
	sk_cap_t copy;
	int rc;

	rc = cap_copy(frame, SK_R | SK_W | SK_GRANT, 0, &copy);
	if (rc)
		return rc;
	*vaddr = proc_vaddr(p, order);
	rc = map_part(p, copy, *vaddr, 0, 1ull << order, SK_R | SK_W);
	if (!rc)
		rc = slot ? proc_move(p, slot, copy) : keep_put(p, copy);
	if (rc)
		cap_drop(copy);
	return rc;
}

int proc_channel(struct proc *p, const struct proc_channel *c, uint32_t *index)
{
	uint32_t i = p->info->n_channels, slot = DOMAIN_CAP_SIGNAL(i);
	struct domain_channel *e = &p->info->channel[i];
	uint64_t rings = 0, data = 0;
	int rc = 0;

	if (i == DOMAIN_CHANNELS_MAX)
		return -SK_E_LIMIT;
	if (strlen(c->name) >= sizeof(e->name))
		return -SK_E_INVAL;
	if (c->signal)
		rc = proc_give(p, slot, c->signal, SK_W, 0);
	if (!rc && c->rings)
		rc = frame_map(p, c->rings, (uint64_t)c->req_size + c->rsp_size, 0, &rings);
	if (!rc && c->data)
		rc = frame_map(p, c->data, c->data_size, slot + 1, &data);
	if (rc)
		return rc;
	*e = (struct domain_channel){ .proto = c->proto,
		.bit = i,
		.signal = c->signal ? slot : 0,
		.data = c->data ? slot + 1 : 0,
		.vaddr = rings,
		.data_vaddr = data,
		.data_size = c->data ? c->data_size : 0,
		.req_size = c->req_size,
		.rsp_size = c->rsp_size,
		.epoch = c->epoch };
	strcpy(e->name, c->name);
	p->info->n_channels++;
	if (index)
		*index = i;
	return 0;
}

/* ---- both ends --------------------------------------------------------------------------- */
void boundary_drop(struct proc_connection *out)
{
	sk_cap_t *const caps[] = { &out->client_signal, &out->service_signal, &out->rings,
		&out->data, &out->own };

	for (uint32_t i = 0; i < ARRAY_SIZE(caps); i++) {
		cap_drop(*caps[i]);
		*caps[i] = 0;
	}
}

static void boundary_args(const struct proc_connection *b, struct svc_open_args *a)
{
	a->rings = b->rings;
	a->data = b->data;
	a->own = b->own;
	a->client_signal = b->client_signal;
}

static int boundary_make(struct proc *p, uint32_t channel, const struct proc_connect *c,
	struct svc_open_args *a, struct proc_connection *out)
{
	uint32_t ring_order, data_order;
	int rc = 0;

	proc_connect_orders(c->proto, c->data_size, &ring_order, &data_order);
	if (data_order) /* first, because it is the largest */
		rc = make_own(p, c->data_untyped ? c->data_untyped : c->untyped, SK_OBJ_FRAME,
			data_order, &out->data);
	if (!rc && c->own_size)
		rc = make_own(p, c->untyped, SK_OBJ_FRAME, order_for(c->own_size), &out->own);
	if (!rc)
		rc = make_own(p, c->untyped, SK_OBJ_FRAME, ring_order, &out->rings);
	if (!rc)
		rc = cap_copy(p->ntfn, SK_W | SK_GRANT, 1ull << channel, &out->client_signal);
	boundary_args(out, a);
	return rc;
}

static int args_make(const struct proc_connect *c, struct svc_open_args *a)
{
	uint32_t ring_order, data_order;

	if (c->proto == SVC_PROTO_NONE || c->proto >= SVC_PROTO_END)
		return -SK_E_INVAL;
	if (c->data_size != UINT64_MAX && c->data_size > 1ull << (SK_HUGE_ORDER - 1))
		return -SK_E_INVAL;
	proc_connect_orders(c->proto, c->data_size, &ring_order, &data_order);
	*a = (struct svc_open_args){ .proto = c->proto,
		.client = c->client,
		.req_size = svc_proto_info(c->proto)->req_size,
		.rsp_size = svc_proto_info(c->proto)->rsp_size,
		.data_size = data_order ? 1ull << data_order : 0,
		.own_size = c->own_size ? 1ull << order_for(c->own_size) : 0,
		.params = c->params,
		.params_len = c->params_len };
	return 0;
}

int connect_prepare(struct proc *p, uint32_t channel, const struct proc_connect *c,
	struct svc_open_args *a, struct proc_connection *out)
{
	int rc = channel < DOMAIN_CHANNELS_MAX ? args_make(c, a) : -SK_E_INVAL;

	*out = (struct proc_connection){ .channel = channel };
	if (!rc)
		rc = boundary_make(p, channel, c, a, out);
	if (rc)
		boundary_drop(out);
	return rc;
}

int proc_connect_prepare(struct proc *p, const struct proc_connect *c, struct svc_open_args *a,
	struct proc_connection *out)
{
	return connect_prepare(p, p->info->n_channels, c, a, out);
}

int proc_reopen_prepare(const struct proc_connect *c, const struct proc_connection *kept,
	uint32_t epoch, struct svc_open_args *a)
{
	int rc = args_make(c, a);

	if (rc)
		return rc;
	if (!kept->number || !kept->rings || !epoch)
		return -SK_E_INVAL;
	boundary_args(kept, a);
	a->number = kept->number;
	a->epoch = epoch;
	return 0;
}

static int client_end(struct proc *p, const struct proc_connect *c,
	const struct svc_open_args *a, struct proc_connection *out)
{
	const struct proc_channel ch = { .name = c->name,
		.proto = c->proto,
		.rings = out->rings,
		.data = out->data,
		.req_size = a->req_size,
		.rsp_size = a->rsp_size,
		.data_size = a->data_size,
		.signal = out->service_signal };

	return proc_channel(p, &ch, &out->channel);
}

int proc_connect_finish(struct proc *p, const struct proc_connect *c,
	const struct svc_open_args *a, int open_rc, const struct svc_open_result *r,
	struct proc_connection *out)
{
	int rc = open_rc;

	if (!rc) {
		out->number = r->number;
		out->word[0] = r->word[0];
		out->word[1] = r->word[1];
		out->service_signal = r->signal;
		rc = client_end(p, c, a, out);
	}
	if (rc)
		boundary_drop(out);
	return rc;
}

int proc_connect(struct proc *p, const struct proc_connect *c, struct proc_connection *out)
{
	struct svc_open_result r;
	struct svc_open_args a;
	int rc;

	rc = proc_connect_prepare(p, c, &a, out);
	if (rc)
		return rc;
	rc = svc_open_within(c->endpoint, &a, c->open_ms ? c->open_ms : SVC_OPEN_MS, &r);
	rc = proc_connect_finish(p, c, &a, rc, &r, out);
	if (rc && out->number && svc_close(c->endpoint, out->number, NULL))
		return -SK_E_TIMEOUT; /* the service keeps a connection that has no user */
	return rc;
}
