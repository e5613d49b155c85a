/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * no_channel.c - the channel to storage, of which tests with a volume in memory have none
 */
#include "svc/svc.h"

int svc_request(struct svc_conn *c, const void *rec, uint32_t len)
{
	(void)c, (void)rec, (void)len;
	return -SK_E_IO;
}

int svc_wait_record(struct svc_conn *c, void *buf, uint32_t max, sk_time_t deadline)
{
	(void)c, (void)buf, (void)max, (void)deadline;
	return -SK_E_IO;
}

int svc_wait_until(struct svc_conn *c, sk_time_t deadline)
{
	(void)c, (void)deadline;
	return -SK_E_IO;
}

void svc_breach(struct svc_conn *c, const char *how) { (void)c, (void)how; }
