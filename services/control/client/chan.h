/* SPDX-License-Identifier: BSD-2-Clause */
/* chan.h - the client ends of this domain's connections */
#ifndef CONTROL_CHAN_H
#define CONTROL_CHAN_H

#include <stdint.h>

#include "svc/svc.h"

/*
 * For the channel's handler: pass the records that came in to `fn`, as many as a turn has.
 * `service` is the domain at the other end. If it breaks the protocol, it is started again.
 */
void chan_drain(struct svc_conn *c, const char *service, void *buf, uint32_t size,
	void (*fn)(const void *rec, uint32_t len));

#endif
