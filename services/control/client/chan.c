/* SPDX-License-Identifier: BSD-2-Clause */
/* chan.c - reading from connections that this domain uses */
#include "client/chan.h"

#include <stdio.h>

#include "base/error.h"

void chan_drain(
	struct svc_conn *c, void *buf, uint32_t size, void (*fn)(const void *rec, uint32_t len))
{
	int n;

	while ((n = svc_next_record(c, buf, size)) >= 0)
		fn(buf, (uint32_t)n);
	if (n != -SK_E_AGAIN) {
		printf("a service broke the protocol of channel %u: %s\n", c->number,
			sk_error_text(n));
		c->dead = true;
	}
}
