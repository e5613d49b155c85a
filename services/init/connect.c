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
#include "svc/svc.h"
#include "sys/sk.h"

enum {
	/* At the end of the system, a close that takes longer is mentioned. */
	CLOSE_LONG_MS = 10000,
	/* At the end of a client, a service that takes longer counts as hung. */
	CLOSE_MS = 10000,
	/* A service that has answered a pulse opens a connection in less, or it hangs. */
	OPEN_MS = 3000,
};

struct connection *connection_of(const struct domain *d, uint32_t channel)
{
	return &connections[d->m->first_channel + channel];
}

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
		extra_name(d, slot, domains[ch->service].m->name);
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

/* The service has let go of the region, or is stopped and was never asked to do anything. */
static void region_return(struct domain *d, struct connection *c)
{
	memory_return(d, &c->memory);
	memory_return(d, &c->data_memory);
}

static uint32_t ring_order(const struct manifest_channel *ch)
{
	uint32_t order, data_order;

	proc_connect_orders(ch->proto, ch->data_size, &order, &data_order);
	return order;
}

static int view_open(struct connection *c, const struct manifest_channel *ch)
{
	void *view;
	int rc = cap_copy(c->c.rings, SK_R | SK_W, 0, &c->view_frame);

	if (!rc)
		rc = vm_map(c->view_frame, ring_order(ch), SK_R | SK_W, &view);
	if (!rc)
		c->view = view;
	return rc;
}

static void view_close(struct connection *c)
{
	const struct manifest_channel *ch = &manifest.channel[c - connections];

	if (c->view)
		vm_unmap(c->view, c->view_frame, ring_order(ch));
	cap_drop(c->view_frame);
	c->view = NULL;
	c->view_frame = 0;
}

/* What init says to the service each time. */
static struct proc_connect connect_args(uint32_t client, const struct manifest_channel *ch)
{
	return (struct proc_connect){ .name = ch->name,
		.endpoint = domains[ch->service].connector,
		.proto = ch->proto,
		.client = client | SVC_STATIC,
		.data_size = ch->data_size,
		.params = ch->params,
		.params_len = ch->params_len };
}

/* The service does not answer, or has ended: rc. Afterwards it is stopped. */
static void service_stop(const struct connection *c, const char *what, int rc)
{
	struct domain *s = &domains[c->service];

	ends_look();
	if (rc != -SK_E_TIMEOUT || !domain_runs(s))
		return;
	printf("%s does not %s with %s\n", s->m->name, what, domains[c->client].m->name);
	domain_ends(s, DOMAIN_END_HANG);
}

/*
 * A service that hangs is ended. Nothing was asked of it on the new connection, so once it is
 * stopped, the region is free.
 */
static int connect_call(struct domain *d, struct proc_connect *q, struct connection *c)
{
	const struct domain *service = &domains[c->service];
	int rc;

	q->open_ms = service->life.answered ? OPEN_MS : 0;
	rc = proc_connect(&d->proc, q, &c->c);
	if (rc != -SK_E_TIMEOUT && rc != -SK_E_DELETED)
		return rc;
	service_stop(c, "open a connection", rc);
	return -SK_E_DELETED;
}

static int connect(struct domain *d, const struct manifest_channel *ch, struct connection *c)
{
	struct proc_connect q;
	int rc;

	if (ch->service == MANIFEST_NONE)
		return keep_memory(d, ch, c);
	q = connect_args(d->number, ch);
	if (domains[ch->service].state != DOMAIN_RUNNING)
		return -SK_E_NOT_FOUND;
	rc = region_charge(d, ch, c);
	q.untyped = c->memory;
	q.data_untyped = c->data_memory;
	c->client = d->number;
	c->service = ch->service;
	c->epoch = 0;
	if (!rc) {
		rc = connect_call(d, &q, c);
		if (rc && rc != -SK_E_DELETED && d->epoch && connection_start_refused(c))
			rc = -SK_E_DELETED;
	}
	if (rc) {
		region_return(d, c);
		return rc;
	}
	c->open = true;
	c->missing = false;
	connection_accepted(c);
	rc = view_open(c, ch);
	if (!rc)
		rc = result_args(d, ch, c);
	return rc ? rc : give_endpoint(d, ch);
}

static void boundary_drop(struct proc_connection *c)
{
	const sk_cap_t boundary[] = { c->client_signal, c->service_signal, c->rings, c->data };

	for (uint32_t i = 0; i < ARRAY_SIZE(boundary); i++)
		cap_drop(boundary[i]);
	*c = (struct proc_connection){ 0 };
}

/* The connection is closed again at once, because a client gets all of its own at its start. */
static int open_and_close(
	struct connection *c, const struct svc_open_args *a, struct proc_connection *made)
{
	sk_cap_t service = domains[c->service].connector;
	struct svc_open_result r;
	int rc = svc_open_within(service, a, OPEN_MS, &r);

	if (rc)
		return rc;
	made->service_signal = r.signal;
	return svc_close_within(service, r.number, CLOSE_MS, NULL);
}

int connection_try(struct connection *c)
{
	const struct manifest_channel *ch = &manifest.channel[c - connections];
	struct proc_connect q = connect_args(c->client, ch);
	struct domain *d = &domains[c->client];
	/* The client runs, and its start-up page is its own; it has no such channel. */
	static struct domain_info page = { .n_channels = DOMAIN_CHANNELS_MAX - 1 };
	struct proc stand_in = { .ntfn = d->ntfn, .info = &page };
	struct proc_connection made;
	struct svc_open_args a;
	int rc = region_charge(d, ch, c);

	q.untyped = c->memory;
	q.data_untyped = c->data_memory;
	if (!rc)
		rc = proc_connect_prepare(&stand_in, &q, &a, &made);
	if (!rc) {
		rc = open_and_close(c, &a, &made);
		if (rc == -SK_E_TIMEOUT || rc == -SK_E_DELETED) {
			service_stop(c, "open a connection", rc);
			rc = -SK_E_DELETED;
		}
		boundary_drop(&made);
	}
	region_return(d, c);
	return rc;
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
		if (!optional || rc == -SK_E_DELETED) {
			printf("%s: no channel %s: %s\n", d->m->name, ch->name,
				sk_error_text(rc));
			return rc;
		}
		if (rc == -SK_E_NOT_FOUND)
			continue;
		printf("%s: starts without %s: %s\n", d->m->name, ch->name, sk_error_text(rc));
		if (ch->flags & MANIFEST_CHANNEL_OPTIONAL)
			connection_miss(&connections[d->m->first_channel + i]);
	}
	return 0;
}

/* The service could not end the connection, or could not finish its client's work. */
static void close_report(const struct connection *c, int rc, int result)
{
	const char *service = domains[c->service].m->name, *client = domains[c->client].m->name;

	if (rc)
		printf("%s does not close its connection with %s: %s\n", service, client,
			sk_error_text(rc));
	else if (result)
		printf("%s could not write all for %s: %s; data may be lost\n", service, client,
			sk_error_text(result));
}

/* Print a line when closing takes long. */
static void connection_close(struct connection *c)
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
	close_report(c, rc, result);
}

int connection_end(struct connection *c)
{
	const struct domain *service = &domains[c->service];
	int result = 0, rc;

	if (!c->open)
		return 0;
	if (!domain_runs(service)) /* it was given up, and has taken its connections along */
		return -SK_E_TIMEOUT;
	rc = svc_close_within(service->connector, c->c.number, CLOSE_MS, &result);
	if (rc == -SK_E_DELETED)
		ends_look();
	if (rc == -SK_E_TIMEOUT || rc == -SK_E_DELETED)
		return rc;
	c->open = false;
	close_report(c, rc, result);
	return 0;
}

void connection_undo(struct connection *c)
{
	int rc = connection_end(c);

	if (rc)
		service_stop(c, "close its connection", rc);
	c->open = false;
}

void connection_drop(struct domain *client, struct connection *c)
{
	if (!c->memory)
		return; /* kept memory, which outlives the domain, or nothing */
	view_close(c);
	boundary_drop(&c->c);
	if (c->open) { /* a service that was given up, whose device may use the region */
		printf("%s: the region that %s may use is lost\n", client->m->name,
			domains[c->service].m->name);
		c->memory = c->data_memory = 0;
	}
	region_return(client, c);
	c->open = false;
	c->refusals = 0; /* RESTS1 */
}

static int reopen_args(const struct connection *c, struct svc_open_args *a)
{
	const struct proc_connect q = connect_args(
		c->client, &manifest.channel[c - connections]);

	return proc_reopen_prepare(&q, &c->c, c->epoch, a);
}

/* The client has its end already, so the new signal is not needed. */
int connection_reopen(struct connection *c)
{
	struct svc_open_result r;
	struct svc_open_args a;
	int rc;

	c->epoch++;
	rc = reopen_args(c, &a);
	if (!rc)
		rc = svc_open_within(domains[c->service].connector, &a, OPEN_MS, &r);
	if (rc == -SK_E_DELETED)
		ends_look();
	if (rc)
		return rc;
	cap_drop(r.signal);
	c->open = true;
	return 0;
}

void connection_abandon(struct connection *c)
{
	struct svc_open_args a;
	int rc;

	c->epoch++;
	rc = reopen_args(c, &a);
	if (!rc)
		rc = svc_abandon(&a, SVC_END_GIVEN_UP);
	if (rc)
		printf("%s is not told: %s\n", domains[c->client].m->name, sk_error_text(rc));
}

void connections_close(uint32_t service)
{
	for (uint32_t i = 0; i < manifest.header->n_channels; i++) {
		struct connection *c = &connections[i];

		if (c->service != service)
			continue;
		c->refusals = 0; /* it stays closed */
		if (c->open)
			connection_close(c);
	}
}

struct domain *domain_of_role(enum manifest_flag role)
{
	for (uint32_t i = 0; i < manifest.header->n_domains; i++)
		if (domains[i].m->flags & role && domains[i].state == DOMAIN_RUNNING)
			return &domains[i];
	return NULL;
}
