/*
 * connect.c - the connections between static domains
 *
 * Objects     struct connection: the region's memory and the capabilities on the boundary, which init keeps, so
 *             that either end can be made anew.
 */
#include <stdio.h>
#include <string.h>
#include "caps/caps.h"
#include "init.h"
#include "proto/console.h"
#include "svc/svc.h"
#include "sys/sk.h"
#include "sys/start.h"

enum { PROTOCOL_VERSION = 1 };

static const struct {
	uint32_t req, rsp, data;
} sizes[SVC_PROTO_END] = {
#define X(name, num, req, rsp, data) [num] = { req, rsp, data },
	SVC_PROTOS(X)
#undef X
};

static uint32_t region_order(const struct manifest_channel *ch)
{
	uint64_t size = sizes[ch->proto].req + sizes[ch->proto].rsp;
	uint32_t order = SK_PAGE_ORDER;

	size += ch->data_size == UINT64_MAX ? sizes[ch->proto].data : ch->data_size;
	while (1ull << order < size)
		order++;
	return order;
}

/* What a driver said about itself when it was opened, for its client. */
static int result_args(
	struct domain *d, const struct manifest_channel *ch, const struct connection *c)
{
	if (ch->proto != SVC_PROTO_NET || domains[c->service].m->dev.kind == MANIFEST_NO_DEVICE)
		return 0;
	return arg_add(d, "%s-mac=%012llx\n%s-offloads=%llu\n", ch->name,
		(unsigned long long)c->c.word[0], ch->name, (unsigned long long)c->c.word[1]);
}

static int give_endpoint(struct domain *d, const struct manifest_channel *ch)
{
	uint32_t slot;
	int rc;

	if (!(ch->flags & MANIFEST_CHANNEL_CONTROL))
		return 0;
	rc = extra_slot(d, &slot);
	if (!rc)
		rc = proc_give(&d->proc, slot, domains[ch->service].service, SK_W | SK_GRANT,
			SVC_BADGE_CLIENT);
	return rc ? rc : arg_add(d, "%s=%u\n", ch->name, (unsigned int)slot);
}

/* Memory that outlives the domain: a channel without rings and without a service. */
static int keep_memory(
	struct domain *d, const struct manifest_channel *ch, struct connection *c)
{
	uint32_t order = (uint32_t)__builtin_ctzll(ch->data_size);
	struct proc_channel q = {
		.name = ch->name, .epoch = d->epoch, .frame_order = order, .size = ch->data_size
	};
	int rc = 0;

	if (!c->c.frame) {
		rc = object_make(SK_OBJ_FRAME, order, &c->c.frame);
		if (!rc)
			d->charged += ch->data_size;
	}
	q.frame = c->c.frame;
	return rc ? rc : proc_channel(&d->proc, &q, &c->c.channel);
}

static int connect(struct domain *d, const struct manifest_channel *ch, struct connection *c)
{
	struct proc_connect q = { .name = ch->name,
		.proto = ch->proto,
		.version = PROTOCOL_VERSION,
		.client = d->number | SVC_STATIC,
		.epoch = d->epoch,
		.data_size = ch->data_size,
		.params = ch->params,
		.params_len = ch->params_len };
	int rc;

	if (ch->service == MANIFEST_NONE)
		return keep_memory(d, ch, c);
	q.endpoint = domains[ch->service].connector;
	if (domains[ch->service].state != RUNNING)
		return -SK_E_NOT_FOUND;
	rc = memory_charge(d, region_order(ch), &c->memory);
	if (rc)
		return rc;
	q.untyped = c->memory;
	c->client = d->number;
	c->service = ch->service;
	rc = proc_connect(&d->proc, &q, true, &c->c);
	if (rc) {
		d->charged -= 1ull << region_order(ch);
		cap_drop(c->memory);
		c->memory = 0;
		return rc;
	}
	c->open = true;
	rc = result_args(d, ch, c);
	return rc ? rc : give_endpoint(d, ch);
}

int connect_channels(struct domain *d)
{
	struct cpio_file f;
	bool replaced = d->m->archive_file[0] && archive_find(d->m->archive_file, &f) == 0;

	for (uint32_t i = 0; i < d->m->n_channels; i++) {
		const struct manifest_channel *ch = &manifest.channel[d->m->first_channel + i];
		bool optional = ch->flags & MANIFEST_CHANNEL_OPTIONAL ||
				ch->proto == SVC_PROTO_LOG;
		int rc;

		if (replaced && strcmp(ch->name, d->m->replaces) == 0)
			continue;
		rc = connect(d, ch, &connections[d->m->first_channel + i]);
		if (!rc)
			continue;
		if (!optional) {
			printf("%s: no channel %s: error %d\n", d->m->name, ch->name, -rc);
			return rc;
		}
		if (rc != -SK_E_NOT_FOUND)
			printf("%s: starts without %s: error %d\n", d->m->name, ch->name, -rc);
	}
	return 0;
}

void connections_close(uint32_t service)
{
	for (uint32_t i = 0; i < manifest.header->n_channels; i++) {
		struct connection *c = &connections[i];

		if (!c->open || c->service != service)
			continue;
		c->open = false;
		if (svc_close(domains[service].connector, c->c.number))
			printf("%s: a connection does not close\n", domains[service].m->name);
	}
}

struct domain *domain_of_role(enum manifest_flag role)
{
	for (uint32_t i = 0; i < manifest.header->n_domains; i++)
		if (domains[i].m->flags & role && domains[i].state == RUNNING)
			return &domains[i];
	return NULL;
}

/* ---- init's own output ---------------------------------------------------------------------------------- */
static int log_open(const struct domain *console)
{
	struct console_params params = { .kind = CONSOLE_LOG, .name = "init" };
	struct svc_open_args a = { .proto = SVC_PROTO_LOG,
		.version = PROTOCOL_VERSION,
		.client = SVC_STATIC | 0xffff,
		.req_size = sizes[SVC_PROTO_LOG].req,
		.rsp_size = sizes[SVC_PROTO_LOG].rsp,
		.params = &params,
		.params_len = sizeof(params) };
	struct svc_open_result r;
	sk_cap_t frame, ntfn;
	uint32_t order = 13;
	void *view;
	int rc;

	a.region_size = 1ull << order;
	rc = vm_alloc(order, &frame, &view);
	if (!rc)
		rc = object_make(SK_OBJ_NOTIFICATION, 0, &ntfn);
	if (rc)
		return rc;
	rc = cap_copy(
		frame, SK_R | SK_W, 0, &a.frame); /* one capability maps in one space only */
	if (rc)
		return rc;
	a.client_signal = ntfn;
	rc = svc_open(console->connector, &a, &r);
	return rc ? rc : sys_log_attach(view, a.req_size, r.signal);
}

void connect_log(void)
{
	static bool done;

	for (uint32_t i = 0; !done && i < manifest.header->n_domains; i++) {
		if (domains[i].state != RUNNING || domains[i].m->serves != SVC_PROTO_CONSOLE)
			continue;
		done = true;
		if (log_open(&domains[i]))
			printf("no connection to %s: my lines stay in the kernel's log\n",
				domains[i].m->name);
	}
}
