/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * wire.c - decoding and encoding of xenstored messages
 *
 * Objects     struct request: a view of a message that the caller owns. struct reply: a message
 *             being built.
 * Lifecycle   none; nothing is allocated.
 * Invariants  WIRE1 a request's strings, including their NUL, lie within its payload
 *             WIRE2 hdr.len <= XENSTORE_PAYLOAD_MAX
 */
#include "wire.h"
#include "base/array.h"

#include <stdio.h>
#include <string.h>

int wire_decode(const void *msg, size_t len, struct request *out)
{
	if (len < sizeof(out->hdr))
		return EPROTO;
	memcpy(&out->hdr, msg, sizeof(out->hdr));
	if (out->hdr.len > XENSTORE_PAYLOAD_MAX || out->hdr.len != len - sizeof(out->hdr))
		return EPROTO;
	out->body = (const char *)msg + sizeof(out->hdr);
	out->len = out->hdr.len;
	return 0;
}

const char *wire_string(const char **at, const char *end)
{
	const char *s = *at;
	const char *nul = s < end ? memchr(s, '\0', (size_t)(end - s)) : NULL;

	if (!nul)
		return NULL;
	*at = nul + 1;
	return s;
}

int wire_strings(const struct request *req, const char **out, unsigned int n)
{
	const char *at = req->body, *end = req->body + req->len;
	unsigned int i;

	for (i = 0; i < n; i++) {
		out[i] = wire_string(&at, end);
		if (!out[i])
			return EINVAL;
	}
	return at == end ? 0 : EINVAL;
}

int wire_u32(const char *s, uint32_t *out)
{
	uint64_t v = 0;

	if (!*s)
		return EINVAL;
	for (; *s; s++) {
		if (*s < '0' || *s > '9')
			return EINVAL;
		v = v * 10 + (uint64_t)(*s - '0');
		if (v > UINT32_MAX)
			return EINVAL;
	}
	*out = (uint32_t)v;
	return 0;
}

size_t u32_format(uint32_t v, char *out)
{
	return (size_t)sprintf(out, "%lu", (unsigned long)v) + 1;
}

void reply_init(struct reply *reply, uint32_t type, uint32_t req_id, uint32_t tx_id)
{
	reply->hdr.type = type;
	reply->hdr.req_id = req_id;
	reply->hdr.tx_id = tx_id;
	reply->hdr.len = 0;
}

int reply_put(struct reply *reply, const void *bytes, size_t len)
{
	if (len > sizeof(reply->body) - reply->hdr.len)
		return E2BIG;
	if (len)
		memcpy(reply->body + reply->hdr.len, bytes, len);
	reply->hdr.len += (uint32_t)len;
	return 0;
}

int reply_puts(struct reply *reply, const char *s)
{
	return reply_put(reply, s, strlen(s) + 1);
}

/* The name of an error on the wire; "EINVAL" if it has none. */
static const char *error_name(int err)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(xsd_errors); i++)
		if (xsd_errors[i].errnum == err)
			return xsd_errors[i].errstring;
	return "EINVAL";
}

void reply_error(struct reply *reply, int err)
{
	reply->hdr.type = XS_ERROR;
	reply->hdr.len = 0;
	reply_puts(reply, error_name(err));
}
