/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * connect.c - the connections between static domains
 *
 * Objects     struct connection: the region's memory and the capabilities on the boundary,
 *             which init keeps, so that either end can be restarted.
 */
#include <stdio.h>
#include <string.h>
#include "base/array.h"
#include "base/error.h"
#include "caps/caps.h"
#include "init.h"
#include "proto/console.h"
#include "svc/svc.h"
#include "sys/sk.h"
#include "rt/program.h"

enum { CLOSE_LONG_MS = 10000 };

/* Pass what a driver reported when it was opened to its client, as arguments. */
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
		.name = ch->name, .epoch = d->epoch, .data_size = ch->data_size
	};
	int rc = 0;

	if (!c->c.data) {
		rc = object_make(SK_OBJ_FRAME, order, &c->c.data);
		if (!rc)
			d->charged += ch->data_size;
	}
	q.data = c->c.data;
	return rc ? rc : proc_channel(&d->proc, &q, &c->c.channel);
}

/* The rings and the data are charged separately, because each size is a power of two. */
static int region_charge(
	struct domain *d, const struct manifest_channel *ch, struct connection *c)
{
	uint32_t ring_order, data_order;
	int rc;

	proc_connect_orders(ch->proto, ch->data_size, &ring_order, &data_order);
	rc = memory_charge(d, ring_order, &c->memory);
	if (!rc && data_order)
		rc = memory_charge(d, data_order, &c->data_memory);
	return rc;
}

/*
 * rc is the result of the call that made or ended the connection. A service that did not answer
 * may still use the region.
 */
static void region_return(struct domain *d, struct connection *c, int rc)
{
	if (rc == -SK_E_TIMEOUT) {
		printf("%s: the service %s does not answer; the region that it may have is lost\n",
			d->m->name, domains[c->service].m->name);
		c->memory = c->data_memory = 0;
		return;
	}
	memory_return(d, &c->memory);
	memory_return(d, &c->data_memory);
}

static int connect(struct domain *d, const struct manifest_channel *ch, struct connection *c)
{
	struct proc_connect q = { .name = ch->name,
		.proto = ch->proto,
		.client = d->number | SVC_STATIC,
		.data_size = ch->data_size,
		.params = ch->params,
		.params_len = ch->params_len };
	int rc;

	if (ch->service == MANIFEST_NONE)
		return keep_memory(d, ch, c);
	q.endpoint = domains[ch->service].connector;
	if (domains[ch->service].state != DOMAIN_RUNNING)
		return -SK_E_NOT_FOUND;
	rc = region_charge(d, ch, c);
	q.untyped = c->memory;
	q.data_untyped = c->data_memory;
	c->client = d->number;
	c->service = ch->service;
	if (!rc)
		rc = proc_connect(&d->proc, &q, true, &c->c);
	if (rc) {
		region_return(d, c, rc);
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
			printf("%s: no channel %s: %s\n", d->m->name, ch->name,
				sk_error_text(rc));
			return rc;
		}
		if (rc != -SK_E_NOT_FOUND)
			printf("%s: starts without %s: %s\n", d->m->name, ch->name,
				sk_error_text(rc));
	}
	return 0;
}

/*
 * Print a line when closing takes long, and when the service could not finish its client's
 * work.
 */
static int connection_close(struct connection *c)
{
	const char *service = domains[c->service].m->name, *client = domains[c->client].m->name;
	sk_cap_t endpoint = domains[c->service].connector;
	int result = 0, rc;

	c->open = false;
	rc = svc_close_within(endpoint, c->c.number, CLOSE_LONG_MS, &result);
	if (rc == -SK_E_TIMEOUT) {
		printf("%s has not closed its connection with %s yet; it has %u s more\n",
			service, client, (SVC_CLOSE_MS - CLOSE_LONG_MS) / 1000);
		rc = svc_close_within(
			endpoint, c->c.number, SVC_CLOSE_MS - CLOSE_LONG_MS, &result);
	}
	if (rc)
		printf("%s does not close its connection with %s: %s\n", service, client,
			sk_error_text(rc));
	else if (result)
		printf("%s could not write all for %s: %s; data may be lost\n", service, client,
			sk_error_text(result));
	return rc;
}

void connection_drop(struct domain *d, struct connection *c)
{
	const sk_cap_t boundary[] = { c->c.client_signal, c->c.service_signal, c->c.rings,
		c->c.data };
	int rc = c->open ? connection_close(c) : 0;

	if (!c->memory)
		return; /* kept memory, which outlives the domain, or nothing */
	for (uint32_t i = 0; i < ARRAY_SIZE(boundary); i++)
		cap_drop(boundary[i]);
	c->c = (struct proc_connection){ 0 };
	region_return(d, c, rc);
}

void connections_close(uint32_t service)
{
	for (uint32_t i = 0; i < manifest.header->n_channels; i++) {
		struct connection *c = &connections[i];

		if (c->open && c->service == service)
			(void)connection_close(c); /* it has printed what went wrong */
	}
}

struct domain *domain_of_role(enum manifest_flag role)
{
	for (uint32_t i = 0; i < manifest.header->n_domains; i++)
		if (domains[i].m->flags & role && domains[i].state == DOMAIN_RUNNING)
			return &domains[i];
	return NULL;
}

/* ---- init's own output ------------------------------------------------------------------- */
static int log_open(const struct domain *console)
{
	struct console_params params = { .kind = CONSOLE_LOG, .name = "init" };
	struct svc_open_args a = { .proto = SVC_PROTO_LOG,
		.client = SVC_STATIC | 0xffff,
		.req_size = svc_proto_info(SVC_PROTO_LOG)->req_size,
		.rsp_size = svc_proto_info(SVC_PROTO_LOG)->rsp_size,
		.params = &params,
		.params_len = sizeof(params) };
	struct svc_open_result r;
	sk_cap_t frame, ntfn;
	uint32_t order = 13;
	void *view;
	int rc;

	rc = vm_alloc(order, &frame, &view);
	if (!rc)
		rc = object_make(SK_OBJ_NOTIFICATION, 0, &ntfn);
	if (rc)
		return rc;
	rc = cap_copy(
		frame, SK_R | SK_W, 0, &a.rings); /* one capability maps in one space only */
	if (rc)
		return rc;
	/* init ignores everything that comes back, but a signal without a badge is refused. */
	rc = cap_copy(ntfn, SK_W | SK_GRANT, 1, &a.client_signal);
	if (rc)
		return rc;
	rc = svc_open(console->connector, &a, &r);
	return rc ? rc : rt_log_attach(view, a.req_size, r.signal);
}

void connect_log(void)
{
	static bool done;

	for (uint32_t i = 0; !done && i < manifest.header->n_domains; i++) {
		if (domains[i].state != DOMAIN_RUNNING ||
			domains[i].m->serves != SVC_PROTO_CONSOLE)
			continue;
		done = true;
		if (log_open(&domains[i]))
			printf("no connection to %s: my lines stay in the kernel's log\n",
				domains[i].m->name);
	}
}
