/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * xs_link.h - the VMM's xenstore connection, for its back ends and for the guest; on the I/O
 * thread
 */
#ifndef VMM_XS_LINK_H
#define VMM_XS_LINK_H

#include <stdint.h>
#include <sk/types.h>

#include <xen/io/xs_wire.h>

int xs_link_init(void) must_check;
/* Move what can be moved, in both directions. */
void xs_link_run(void);

/* type is the reply's; for XS_ERROR the body is the name of the error. */
typedef void xs_reply_fn(void *ctx, uint32_t type, const char *body, uint32_t len);
/* Queue a back end's request with its payload. -SK_E_NO_MEM: too many are queued already. */
int xs_link_request(
	uint32_t type, const void *body, uint32_t len, xs_reply_fn *fn, void *ctx) must_check;

/*
 * Send a whole request of the guest. 0, or -SK_E_AGAIN: try again when xs_ring_run() is called.
 */
int xs_link_guest_request(const struct xsd_sockmsg *m) must_check;
/* The guest starts afresh: its watches, transactions and replies are dropped. */
void xs_link_guest_reset(void);

#endif
