/* SPDX-License-Identifier: BSD-2-Clause */
/* chan.h - the client ends of this domain's connections */
#ifndef CONTROL_CHAN_H
#define CONTROL_CHAN_H

#include <stdint.h>

#include "svc/svc.h"

/*
 * For the channel's handler: pass the records that came in to `fn`, as many as a turn has.
 */
void chan_drain(struct svc_conn *c, void *buf, uint32_t size,
	void (*fn)(const void *rec, uint32_t len));

#endif
