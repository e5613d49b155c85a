/* chan.c - reading from connections that this domain uses */
#include "client/chan.h"

#include <stdio.h>

void chan_drain(
	struct svc_conn *c, void *buf, uint32_t size, void (*fn)(const void *rec, uint32_t len))
{
	int n;

	do {
		while ((n = ring_get(&c->rsp, buf, size)) >= 0)
			fn(buf, (uint32_t)n);
		if (ring_get_flush(&c->rsp))
			svc_signal(c);
		if (n != -SK_E_AGAIN) {
			printf("a service broke the protocol of channel %u: error %d\n",
				c->number, -n);
			c->dead = true;
			return;
		}
	} while (ring_get_idle(&c->rsp));
}
