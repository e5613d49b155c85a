/* SPDX-License-Identifier: BSD-2-Clause */
/* xenstore.h - requests to xenstore, as dom0 */
#ifndef SCRIBE_XENSTORE_H
#define SCRIBE_XENSTORE_H

#include <sk/types.h>
#include <stdint.h>

/*
 * err: 0 or a positive errno of the wire protocol. data is terminated, and valid during the
 * call only.
 */
typedef void (*xs_done_fn)(void *ctx, int err, const char *data, uint32_t len);

int xs_client_init(void) must_check;
/*
 * type: enum xsd_sockmsg_type. payload is copied. fn may be NULL. 0, or -1 when there is no
 * memory. When xenstore has ended for good, all requests fail with EIO.
 */
int xs_request(uint32_t type, const void *payload, uint32_t len, xs_done_fn fn, void *ctx);
/* A request whose payload is texts, each with its terminator. The arguments end with NULL. */
int xs_request_texts(uint32_t type, xs_done_fn fn, void *ctx, ...);
int xs_write_value(const char *path, const char *value, uint32_t n, xs_done_fn fn, void *ctx);
/* Nodes for one request, which makes all of them or none. Begins as zero. */
struct xs_nodes {
	uint32_t size;
	char payload[4096];
};
/* perms: "n0,r5"; "": as the parent's. -1: there is no room for it. */
int xs_make_add(struct xs_nodes *n, const char *path, const char *perms, const char *value);
/* Ask for them. n is empty afterwards, and may be used again. As xs_request(). */
int xs_make(struct xs_nodes *n, xs_done_fn fn, void *ctx);

#endif
