/*
 * settle.h - the end of a use of a client connection's rings outside its handler
 */
#ifndef VMM_SETTLE_H
#define VMM_SETTLE_H

#include "svc/svc.h"

/* Publish, give back, wake. */
static inline void conn_settle(struct svc_conn *c)
{
	bool wake = ring_put_flush(&c->req);

	if (ring_get_flush(&c->rsp) || wake)
		svc_signal(c);
}

#endif
