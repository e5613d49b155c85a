/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * breach.c - one end of a static connection says that the other one broke the protocol
 *
 * Each says so by a word in the rings, so it can say it of nobody else. Who is told of a breach
 * cannot know which of the two broke the protocol; docs/decisions/0030 says who is believed.
 */
#include <stdio.h>
#include "init.h"
#include "ring/ring.h"
#include "svc/svc.h"
#include "sys/clock.h"
#include "sys/sk.h"

static const struct ring_shared *requests_of(const struct connection *c) { return c->view; }

static const struct ring_shared *answers_of(const struct connection *c)
{
	const struct manifest_channel *ch = &manifest.channel[c - connections];

	return (const struct ring_shared *)((const uint8_t *)c->view +
					    svc_proto_info(ch->proto)->req_size);
}

static uint32_t proto_of(const struct connection *c)
{
	return manifest.channel[c - connections].proto;
}

/*
 * A service that runs tells a client that runs that their connection has ended. init has not
 * closed it, so the service says that the client is at fault, in whatever words. Every domain
 * has a log, and works without it, so there only the word that it broke the protocol counts.
 */
static bool service_complains(const struct connection *c)
{
	uint32_t end = __atomic_load_n(&answers_of(c)->end, __ATOMIC_ACQUIRE);

	return end == SVC_END_BREACH || (end && proto_of(c) != SVC_PROTO_LOG);
}

/* Of the present life of its service. */
static bool client_complains(const struct connection *c)
{
	return __atomic_load_n(&requests_of(c)->end, __ATOMIC_ACQUIRE) == c->epoch + 1;
}

/* Others: clients in the manifest, and guests, whose connections control makes. */
static bool shared(const struct connection *c)
{
	for (uint32_t i = 0; i < manifest.header->n_channels; i++)
		if (manifest.channel[i].service == c->service && &connections[i] != c)
			return true;
	for (uint32_t i = 0; i < manifest.header->n_domains; i++)
		if (domains[i].m->services & 1u << c->service)
			return true;
	return false;
}

static bool heard(struct domain *accuser)
{
	return complaint_heard(&accuser->complaints, sk_now(), clock_ns_to_ticks(1000000000));
}

/* Its service is a tool, which depends on its client, as all guests do (ctl.h). */
static bool of_tool(const struct connection *c) { return proto_of(c) == SVC_PROTO_CTL; }

static void end(struct domain *d, const struct domain *accuser)
{
	domain_ends(d, DOMAIN_END_BREACH);
	printf("%s: %s says that it broke the protocol\n", d->m->name, accuser->m->name);
}

/*
 * For the client, the connection has ended for good if the service complains: only a new life
 * gets a new one, which control gets ever more rarely because of a tool. It goes on in the next
 * life of the service if the client complains.
 */
static void connection_look(struct connection *c)
{
	struct domain *client = &domains[c->client], *service = &domains[c->service];

	if (!c->view || !c->open || !domain_runs(client) || !domain_runs(service))
		return;
	if (service_complains(c) && (!of_tool(c) || heard(service)))
		end(client, service);
	else if (client_complains(c) && (!shared(c) || heard(client)))
		end(service, client);
}

void breaches_look(void)
{
	for (uint32_t i = 0; i < manifest.header->n_channels; i++)
		connection_look(&connections[i]);
}
