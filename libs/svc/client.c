/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * client.c - calling the control endpoints of services
 *
 * A call blocks until the service answers, so it is for connectors and for start-up, not for
 * event handlers. Calls that make and end connections give up after a while, so that a service
 * that hangs does not hang its connectors.
 */
#include <string.h>
#include "caps/caps.h"
#include "svc/internal.h"
#include "svc/step.h"

enum { RX_SLOTS = 4 };

static const struct svc_guard *guard;

void svc_guard_calls(const struct svc_guard *g) { guard = g; }

void message_load(struct sk_msg *m, uint64_t label, const uint64_t *mr, uint32_t n,
	const struct svc_caps *caps)
{
	struct sk_utcb *u = edge_utcb();
	uint32_t n_caps = caps ? caps->n_out : 0;

	for (uint32_t i = 0; i < SK_MR_REGS; i++)
		m->mr[i] = i < n ? mr[i] : 0;
	for (uint32_t i = SK_MR_REGS; i < n; i++)
		u->mr[i] = mr[i];
	for (uint32_t i = 0; i < n_caps; i++)
		u->send[i] = (struct sk_send_cap){ caps->out[i],
			SK_ALL | (caps->move_out ? SK_SEND_MOVE : 0) };
	m->mi = SK_MI(label, n, n_caps);
}

void message_store(const struct sk_msg *m, uint64_t *mr, uint32_t *n)
{
	const struct sk_utcb *u = edge_utcb();
	uint32_t words = SK_MI_WORDS(m->mi);

	if (words > SK_MR_MAX)
		words = SK_MR_MAX;
	for (uint32_t i = 0; i < words; i++)
		mr[i] = i < SK_MR_REGS ? m->mr[i] : u->mr[i];
	*n = words;
}

int rx_prepare(sk_cap_t *slots)
{
	if (!*slots)
		*slots = slot_alloc(RX_SLOTS);
	return *slots ? 0 : -SK_E_SLOT;
}

void rx_take(sk_cap_t slots, uint32_t n, struct svc_caps *caps)
{
	caps->n_in = n < RX_SLOTS ? n : RX_SLOTS;
	for (uint32_t i = 0; i < caps->n_in; i++)
		caps->in[i] = slots + i;
	if (caps->n_in < RX_SLOTS)
		slot_free(slots + caps->n_in, RX_SLOTS - caps->n_in);
}

/* The deadline is in the UTCB. */
static long guarded_call(sk_cap_t ep, struct sk_msg *m)
{
	long rc;

	if (!guard)
		return edge_call(ep, m);
	rc = guard->begin(ep);
	return rc ? rc : guard->end(edge_call(ep, m));
}

static int call(sk_cap_t ep, uint32_t label, uint64_t *mr, uint32_t *n, struct svc_caps *caps,
	sk_time_t deadline)
{
	struct sk_utcb *u = edge_utcb();
	struct sk_msg m;
	sk_cap_t rx = 0;
	long rc;

	if (*n > SK_MR_MAX)
		return -SK_E_INVAL;
	if (caps && rx_prepare(&rx))
		return -SK_E_SLOT;
	svc_step(SVC_STEP_REQUEST, NULL); /* before the message is in the UTCB */
	message_load(&m, label, mr, *n, caps);
	u->recv_slot = rx;
	u->recv_slots = rx ? RX_SLOTS : 0;
	u->deadline = deadline;
	rc = guarded_call(ep, &m);
	if (rx)
		rx_take(rx, rc ? 0 : SK_MI_CAPS(m.mi), caps);
	if (rc)
		return (int)rc;
	message_store(&m, mr, n);
	svc_step(SVC_STEP_REPLIED, NULL);
	return *n ? (int)(int64_t)mr[0] : -SK_E_PEER;
}

int svc_call(sk_cap_t ep, uint32_t label, uint64_t *mr, uint32_t *n, struct svc_caps *caps)
{
	return call(ep, label, mr, n, caps, SK_NO_DEADLINE);
}

int svc_call_timed(sk_cap_t ep, uint32_t label, uint64_t *mr, uint32_t *n,
	struct svc_caps *caps, uint32_t ms)
{
	return call(ep, label, mr, n, caps, edge_in_ms(ms));
}

static void drop_all(const struct svc_caps *caps)
{
	for (uint32_t i = 0; i < caps->n_in; i++)
		cap_drop(caps->in[i]);
}

int svc_open_within(sk_cap_t service_ep, const struct svc_open_args *a, uint32_t ms,
	struct svc_open_result *r)
{
	const struct svc_open_msg m = { .proto = a->proto,
		.version = svc_proto_info(a->proto)->version,
		.data_size = a->data_size,
		.req_size = a->req_size,
		.rsp_size = a->rsp_size,
		.client = a->client,
		.number = a->number,
		.epoch = a->epoch,
		.params_len = a->params_len,
		.own_size = a->own_size };
	uint64_t mr[SK_MR_MAX] = { 0 };
	struct svc_caps caps = { .out = { a->rings, a->client_signal }, .n_out = 2 };
	uint32_t n = (uint32_t)SVC_PARAMS_WORD + (a->params_len + 7) / 8;
	int rc;

	if (a->params_len > SVC_PARAMS_MAX)
		return -SK_E_INVAL;
	memcpy(mr, &m, sizeof(m));
	if (a->params_len)
		memcpy(&mr[SVC_PARAMS_WORD], a->params, a->params_len);
	if (a->data_size)
		caps.out[caps.n_out++] = a->data;
	if (a->own_size)
		caps.out[caps.n_out++] = a->own;
	rc = call(service_ep, SVC_OPEN, mr, &n, &caps, edge_in_ms(ms));
	if (!rc && (n < 2 || caps.n_in != 1))
		rc = -SK_E_PEER;
	if (rc) {
		drop_all(&caps);
		return rc;
	}
	r->number = (uint32_t)mr[1];
	r->word[0] = n > 2 ? mr[2] : 0;
	r->word[1] = n > 3 ? mr[3] : 0;
	r->signal = caps.in[0];
	return 0;
}

int svc_open(sk_cap_t service_ep, const struct svc_open_args *a, struct svc_open_result *r)
{
	return svc_open_within(service_ep, a, SVC_OPEN_MS, r);
}

void end_publish(void *rings, uint32_t req_size, enum svc_end end)
{
	struct ring_shared *rsp = (struct ring_shared *)((uint8_t *)rings + req_size);

	__atomic_store_n(&rsp->end, end, __ATOMIC_RELEASE);
}

int svc_abandon(const struct svc_open_args *a, enum svc_end end)
{
	uint32_t order = edge_frame_order(a->rings);
	void *at;
	int rc;

	if (!order)
		return -SK_E_INVAL;
	rc = vm_map(a->rings, order, SK_R | SK_W, &at);
	if (rc)
		return rc;
	end_publish(at, a->req_size, end);
	vm_unmap(at, a->rings, order);
	edge_signal(a->client_signal);
	return 0;
}

int svc_close_within(sk_cap_t service_ep, uint32_t number, uint32_t ms, int *result)
{
	uint64_t mr[SK_MR_MAX] = { number };
	uint32_t n = 1;
	int rc = call(service_ep, SVC_CLOSE, mr, &n, NULL, edge_in_ms(ms));

	if (!rc && result)
		*result = n > 1 ? (int)(int64_t)mr[1] : 0;
	return rc;
}

int svc_close(sk_cap_t service_ep, uint32_t number, int *result)
{
	return svc_close_within(service_ep, number, SVC_CLOSE_MS, result);
}

int svc_ping(sk_cap_t service_ep, uint32_t ms)
{
	uint64_t mr[SK_MR_MAX] = { 0 };
	uint32_t n = 1;

	return call(service_ep, SVC_PING, mr, &n, NULL, edge_in_ms(ms));
}

int svc_usage(
	sk_cap_t service_ep, uint32_t ms, uint64_t *from, struct svc_usage *u, uint32_t *n)
{
	uint64_t mr[SK_MR_MAX] = { *from };
	uint32_t words = 1;
	int rc = call(service_ep, SVC_USAGE, mr, &words, NULL, edge_in_ms(ms));

	if (!rc && words < SVC_USAGE_WORD)
		rc = -SK_E_PEER;
	if (rc)
		return rc;
	*from = mr[1];
	*n = (words - SVC_USAGE_WORD) * 8 / (uint32_t)sizeof(*u);
	memcpy(u, &mr[SVC_USAGE_WORD], *n * sizeof(*u));
	return 0;
}

int svc_find(sk_cap_t service_ep, uint32_t client, uint32_t ms, uint32_t *number)
{
	uint64_t mr[SK_MR_MAX] = { client };
	uint32_t n = 1;
	int rc = call(service_ep, SVC_FIND, mr, &n, NULL, edge_in_ms(ms));

	if (!rc && n < 2)
		rc = -SK_E_PEER;
	*number = rc ? 0 : (uint32_t)mr[1];
	return rc;
}
