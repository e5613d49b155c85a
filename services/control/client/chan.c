/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * chan.c - reading from connections that this domain uses
 *
 * Invariants  CHANNEL1 a service that always has one more record, such as console while a long
 *                      line is typed at once, does not keep this domain from anything else
 */
#include "client/chan.h"

void chan_drain(
	struct svc_conn *c, void *buf, uint32_t size, void (*fn)(const void *rec, uint32_t len))
{
	int n;

	while ((n = svc_get(c, buf, size)) >= 0) /* CHANNEL1 */
		fn(buf, (uint32_t)n);
}
