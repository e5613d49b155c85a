/*
 * connect.c - connections of a domain in the making, as client of a service
 *
 * The region and the capability that signals the client are made here, go to the service with SVC_OPEN, and
 * then into the client's slots and info page.
 */
#include <string.h>
#include "caps/caps.h"
#include "proc/internal.h"
#include "svc/svc.h"
#include "sys/sk.h"

static const struct {
	uint32_t req, rsp, data;
} defaults[SVC_PROTO_END] = {
#define X(name, num, req, rsp, data) [num] = { req, rsp, data },
	SVC_PROTOS(X)
#undef X
};

static uint32_t order_for(uint64_t size)
{
	uint32_t order = SK_PAGE_ORDER;

	while (1ull << order < size)
		order++;
	return order;
}

/* ---- the client's end -------------------------------------------------------------------------------- */
static int channel_map(
	struct proc *p, const struct proc_channel *c, uint32_t slot, uint64_t *vaddr)
{
	sk_cap_t copy;
	int rc;

	rc = cap_copy(c->frame, SK_R | SK_W | SK_GRANT, 0, &copy);
	if (rc)
		return rc;
	*vaddr = proc_vaddr(p, c->frame_order);
	rc = map_part(p, copy, *vaddr, 0, 1ull << c->frame_order, SK_R | SK_W);
	if (!rc)
		rc = proc_move(p, slot, copy); /* it stays mapped */
	if (rc)
		cap_drop(copy);
	return rc;
}

int proc_channel(struct proc *p, const struct proc_channel *c, uint32_t *index)
{
	uint32_t i = p->info->n_channels, slot = DOMAIN_CAP_CHANNEL + 2 * i;
	struct domain_channel *e = &p->info->channel[i];
	uint64_t vaddr;
	int rc = 0;

	if (i == DOMAIN_CHANNELS_MAX)
		return -SK_E_LIMIT;
	if (strlen(c->name) >= sizeof(e->name) || c->size > 1ull << c->frame_order)
		return -SK_E_INVAL;
	if (c->signal)
		rc = proc_give(p, slot, c->signal, SK_W, 0);
	if (!rc)
		rc = channel_map(p, c, slot + 1, &vaddr);
	if (rc)
		return rc;
	*e = (struct domain_channel){ .proto = c->proto,
		.bit = i,
		.signal = c->signal ? slot : 0,
		.frame = slot + 1,
		.vaddr = vaddr,
		.size = c->size,
		.req_size = c->req_size,
		.rsp_size = c->rsp_size,
		.epoch = c->epoch };
	strcpy(e->name, c->name);
	p->info->n_channels++;
	if (index)
		*index = i;
	return 0;
}

/* ---- both ends -------------------------------------------------------------------------------------------- */
/* The builder keeps the boundary objects, or only what must outlive this call, in the domain's keep. */
static int settle(struct proc *p, bool keep_caps, struct proc_connection *out)
{
	int rc;

	if (keep_caps)
		return 0;
	cap_drop(out->client_signal);
	cap_drop(out->service_signal);
	out->client_signal = out->service_signal = 0;
	rc = keep_put(p, out->frame);
	if (!rc)
		out->frame = 0;
	return rc;
}

static int attach(struct proc *p, const struct proc_connect *c, struct svc_open_args *a,
	uint32_t order, struct proc_connection *out)
{
	struct svc_open_result r;
	struct proc_channel ch;
	int rc;

	rc = cap_copy(
		p->ntfn, SK_W | SK_GRANT, 1ull << p->info->n_channels, &out->client_signal);
	if (rc)
		return rc;
	a->frame = out->frame;
	a->client_signal = out->client_signal;
	rc = svc_open(c->endpoint, a, &r);
	if (rc)
		return rc;
	out->number = r.number;
	out->word[0] = r.word[0];
	out->word[1] = r.word[1];
	out->service_signal = r.signal;
	ch = (struct proc_channel){ .name = c->name,
		.proto = c->proto,
		.epoch = c->epoch,
		.frame = out->frame,
		.frame_order = order,
		.size = a->region_size,
		.req_size = a->req_size,
		.rsp_size = a->rsp_size,
		.signal = r.signal };
	rc = proc_channel(p, &ch, &out->channel);
	if (rc && svc_close(c->endpoint, r.number))
		return -SK_E_PEER; /* it keeps a connection that nobody uses */
	return rc;
}

int proc_connect(struct proc *p, const struct proc_connect *c, bool keep_caps,
	struct proc_connection *out)
{
	struct svc_open_args a = { .proto = c->proto,
		.version = c->version,
		.client = c->client,
		.epoch = c->epoch,
		.params = c->params,
		.params_len = c->params_len };
	uint64_t data;
	uint32_t order;
	int rc;

	if (c->proto == SVC_PROTO_NONE || c->proto >= SVC_PROTO_END ||
		p->info->n_channels == DOMAIN_CHANNELS_MAX)
		return -SK_E_INVAL;
	data = c->data_size == UINT64_MAX ? defaults[c->proto].data : c->data_size;
	if (data > 1ull << (SK_HUGE_ORDER - 1))
		return -SK_E_INVAL;
	*out = (struct proc_connection){ 0 };
	a.req_size = defaults[c->proto].req;
	a.rsp_size = defaults[c->proto].rsp;
	order = order_for(a.req_size + a.rsp_size + data);
	a.region_size = 1ull << order;
	rc = make_own(p, c->untyped, SK_OBJ_FRAME, order, &out->frame);
	if (rc)
		return rc;
	rc = attach(p, c, &a, order, out);
	if (!rc)
		rc = settle(p, keep_caps, out);
	if (rc) {
		cap_drop(out->client_signal);
		cap_drop(out->service_signal);
		cap_drop(out->frame);
	}
	return rc;
}
