/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * chan.c - reading from connections that this domain uses
 *
 * Invariants  CHANNEL1 what a service has put into the ring is not looked at any more once it
 *                      has broken the protocol, until it is started again
 *             CHANNEL2 a service that always has one more record, such as console while a long
 *                      line is typed at once, does not keep this domain from anything else
 */
#include "client/chan.h"

#include <stdio.h>

#include "base/error.h"
#include "client/host.h"

/* So often, a service is started again because it broke the protocol. */
enum { BREACHES_MAX = 16 };

/* What marks a connection whose service has broken the protocol in this epoch. */
static void *mark(const struct svc_conn *c) { return (void *)(c->epoch + (uintptr_t)1); }

/* The service does not know what it does. A new life of it begins with empty rings. */
static void service_broken(struct svc_conn *c, const char *service, int why)
{
	static uint32_t breaches;

	printf("%s broke the protocol of channel %u: %s\n", service, c->number,
		sk_error_text(why));
	c->priv = mark(c); /* CHANNEL1 */
	if (breaches++ >= BREACHES_MAX || host_domain_restart(service, INIT_KILL_RESTART))
		c->dead = true;
}

void chan_drain(struct svc_conn *c, const char *service, void *buf, uint32_t size,
	void (*fn)(const void *rec, uint32_t len))
{
	int n;

	if (c->priv == mark(c)) /* CHANNEL1 */
		return;
	while ((n = svc_get(c, buf, size)) >= 0) /* CHANNEL2 */
		fn(buf, (uint32_t)n);
	if (n != -SK_E_AGAIN && !svc_end(c))
		service_broken(c, service, n);
}
