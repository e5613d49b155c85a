/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * store.c - requests to xenstore
 *
 * Objects     the one request that is under way, and whose it is.
 */
#include "client/store.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <xen/io/xs_wire.h>

#include "base/array.h"
#include "client/ask.h"

static struct {
	uint32_t id;
	store_fn fn;
	void *ctx;
} pending;

static void store_answered(void *ctx, int status, const void *body, uint32_t len)
{
	static char data[CTL_STORE_MAX + 1];
	const struct ctl_stored *s = body;

	(void)ctx;
	pending.id = 0;
	if (status) {
		pending.fn(pending.ctx, ask_error_text(status, body), "", 0);
		return;
	}
	len -= (uint32_t)sizeof(*s);
	if (len > CTL_STORE_MAX)
		len = CTL_STORE_MAX;
	memcpy(data, s + 1, len);
	data[len] = '\0';
	pending.fn(pending.ctx, s->failed ? data : NULL, data, len);
}

int store_ask(uint32_t type, const char *path, const char *value, store_fn fn, void *ctx)
{
	static struct {
		struct ctl_store head;
		char payload[CTL_STORE_MAX];
	} r;
	/* a path has its terminator, a value has none */
	size_t path_len = strlen(path) + 1, len = value ? strlen(value) : 0;

	if (path_len > CTL_STORE_MAX || len > CTL_STORE_MAX - path_len)
		return -1;
	r.head.type = type;
	memcpy(r.payload, path, path_len);
	if (len)
		memcpy(r.payload + path_len, value, len);
	ask_leave(pending.id); /* of a command that the user has left */
	pending.fn = fn;
	pending.ctx = ctx;
	pending.id = ask_send(&(struct ask){
		.op = type == XS_WRITE || type == XS_RM ? CTL_STORE_CHANGE : CTL_STORE_LOOK,
		.body = &r,
		.len = (uint32_t)(sizeof(r.head) + path_len + len),
		.fn = store_answered });
	return pending.id ? 0 : -1;
}

const char *store_error_text(const char *err)
{
	static const struct {
		const char *name, *text;
	} errors[] = {
		{ "", "input/output error" },
		{ "EINVAL", "invalid path or argument" },
		{ "EACCES", "permission denied" },
		{ "EEXIST", "exists already" },
		{ "EISDIR", "is a directory" },
		{ "ENOENT", "no such path" },
		{ "ENOMEM", "out of memory" },
		{ "ENOSPC", "quota or space used up" },
		{ "EIO", "input/output error" },
		{ "ENOTEMPTY", "not empty" },
		{ "ENOSYS", "not supported" },
		{ "EROFS", "read-only" },
		{ "EBUSY", "busy" },
		{ "EAGAIN", "conflict, try again" },
		{ "EISCONN", "connected already" },
		{ "E2BIG", "too large" },
		{ "EPERM", "not permitted" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(errors); i++)
		if (strcmp(errors[i].name, err) == 0)
			return errors[i].text;
	return err;
}
