/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * wire.h - messages of the xenstored protocol: what a payload holds, and how a reply is
 * built
 */
#ifndef XS_WIRE_CODEC_H
#define XS_WIRE_CODEC_H

#include <errno.h>
#include <stddef.h>
#include <stdint.h>

#include <xen/io/xs_wire.h>

/* One message, as it goes over a ring. */
struct reply {
	struct xsd_sockmsg hdr;
	char body[XENSTORE_PAYLOAD_MAX];
};

struct request {
	struct xsd_sockmsg hdr;
	const char *body;
	size_t len;
};

/* Checks a whole message of `len` bytes. 0, or EPROTO if its lengths are impossible. */
int wire_decode(const void *msg, size_t len, struct request *out);

/* The string at *at, which then moves past its NUL; NULL if no string ends before `end`. */
const char *wire_string(const char **at, const char *end);

/* Splits the payload into exactly `n` strings with nothing after them. 0 or EINVAL. */
int wire_strings(const struct request *req, const char **out, unsigned int n);

/* A number in decimal, 0 to 2^32-1. 0 or EINVAL. */
int wire_u32(const char *s, uint32_t *out);

/* Writes `v` in decimal to `out`, of at least 11 bytes. Returns its size with the NUL. */
size_t u32_format(uint32_t v, char *out);

void reply_init(struct reply *reply, uint32_t type, uint32_t req_id, uint32_t tx_id);
/* Adds bytes; 0 or E2BIG. */
int reply_put(struct reply *reply, const void *bytes, size_t len);
int reply_puts(struct reply *reply, const char *s);
/* Turns the reply into an error with its name on the wire. */
void reply_error(struct reply *reply, int err);

static inline size_t reply_size(const struct reply *reply)
{
	return sizeof(reply->hdr) + reply->hdr.len;
}

#endif
