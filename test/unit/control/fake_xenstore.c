/* SPDX-License-Identifier: BSD-2-Clause */
/* fake_xenstore.c - the xenstore service: a flat list of nodes */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <xen/io/xs_wire.h>

#include "fake_parts.h"
#include "proto/xs.h"

enum { NODES_MAX = 2048 };

static struct store {
	struct {
		char path[256], value[4096], perms[64];
	} nodes_[NODES_MAX];
	size_t n_nodes_;
} * store;
#define nodes (store->nodes_)
#define n_nodes (store->n_nodes_)

static void __attribute__((constructor)) store_make(void)
{
	store = shared_alloc(sizeof(*store));
}

static size_t node_find(const char *path)
{
	for (size_t i = 0; i < n_nodes; i++)
		if (strcmp(nodes[i].path, path) == 0)
			return i;
	return SIZE_MAX;
}

const char *node_value(const char *path)
{
	size_t i = node_find(path);

	return i == SIZE_MAX ? NULL : nodes[i].value;
}

const char *node_perms(const char *path)
{
	size_t i = node_find(path);

	return i == SIZE_MAX ? NULL : nodes[i].perms;
}

size_t node_count(void) { return n_nodes; }

static size_t node_make(const char *path)
{
	size_t i = node_find(path);

	if (i != SIZE_MAX)
		return i;
	assert_true(n_nodes < NODES_MAX);
	memset(&nodes[n_nodes], 0, sizeof(nodes[0]));
	snprintf(nodes[n_nodes].path, sizeof(nodes[0].path), "%s", path);
	return n_nodes++;
}

void node_set(const char *path, const char *value)
{
	snprintf(nodes[node_make(path)].value, sizeof(nodes[0].value), "%s", value);
}

static void node_remove(const char *path)
{
	size_t i, len = strlen(path);

	for (i = 0; i < n_nodes;) {
		if (strncmp(nodes[i].path, path, len) == 0 &&
			(!nodes[i].path[len] || nodes[i].path[len] == '/'))
			nodes[i] = nodes[--n_nodes];
		else
			i++;
	}
}

/* Names of a path's children, including those that only grandchildren imply. */
static uint32_t node_children(const char *path, char *out)
{
	size_t i, len = strcmp(path, "/") == 0 ? 0 : strlen(path);
	uint32_t used = 0, at;

	for (i = 0; i < n_nodes; i++) {
		char name[256];

		if (strncmp(nodes[i].path, path, len) != 0 || nodes[i].path[len] != '/')
			continue;
		snprintf(name, sizeof(name), "%.*s", (int)strcspn(nodes[i].path + len + 1, "/"),
			nodes[i].path + len + 1);
		for (at = 0; at < used && strcmp(out + at, name) != 0;
			at += (uint32_t)strlen(out + at) + 1)
			continue;
		if (at < used)
			continue;
		strcpy(out + used, name);
		used += (uint32_t)strlen(name) + 1;
	}
	return used;
}

static const char *store_change(
	uint32_t type_, const char *path, const char *rest, uint32_t rest_len)
{
	const char *refused = world.refuse_node;
	size_t i;

	switch (type_) {
	case XS_WRITE:
		if (refused && strlen(path) >= strlen(refused) &&
			strcmp(path + strlen(path) - strlen(refused), refused) == 0)
			return "EQUOTA";
		i = node_make(path);
		snprintf(nodes[i].value, sizeof(nodes[i].value), "%.*s", (int)rest_len, rest);
		return NULL;
	case XS_SET_PERMS:
		i = node_make(path);
		assert_true(rest_len < sizeof(nodes[i].perms));
		memcpy(nodes[i].perms, rest, rest_len);
		for (uint32_t k = 0; k + 1 < rest_len; k++)
			if (!nodes[i].perms[k])
				nodes[i].perms[k] = ',';
		return NULL;
	case XS_RM:
		node_remove(path);
		return NULL;
	case XS_INTRODUCE:
		if (world.refuse_introduce)
			return "EINVAL";
		world.introduced++;
		return NULL;
	case XS_RELEASE:
		world.released++;
		return NULL;
	default:
		return "ENOSYS";
	}
}

/*
 * One node of XS_MAKE: its path, its permissions and "", its value. Returns what is behind it.
 */
static const char *made_read(
	const char *at, const char **perms, size_t *perms_len, const char **value)
{
	*perms = at + strlen(at) + 1;
	for (at = *perms; *at; at += strlen(at) + 1)
		continue;
	*perms_len = (size_t)(at - *perms);
	*value = at + 1;
	return *value + strlen(*value) + 1;
}

/* All of them, or none. */
static const char *nodes_make(const char *payload, uint32_t len)
{
	const char *at, *next, *perms, *value, *refused = world.refuse_node;
	size_t n;

	for (at = payload; refused && at < payload + len; at = next) {
		next = made_read(at, &perms, &n, &value);
		if (strlen(at) >= strlen(refused) &&
			strcmp(at + strlen(at) - strlen(refused), refused) == 0)
			return "EQUOTA";
	}
	for (at = payload; at < payload + len; at = next) {
		next = made_read(at, &perms, &n, &value);
		assert_null(store_change(XS_WRITE, at, value, (uint32_t)strlen(value)));
		if (n)
			assert_null(store_change(XS_SET_PERMS, at, perms, (uint32_t)n));
	}
	assert_ptr_equal(at, payload + len);
	return NULL;
}

static uint32_t store_answer(
	const struct xsd_sockmsg *h, const char *path, char *out, const char **err)
{
	uint32_t n = (uint32_t)strlen(path) + 1;

	if (h->type == XS_DIRECTORY)
		return node_children(path, out);
	if (h->type == XS_READ || h->type == XS_GET_PERMS) {
		char probe[4096];

		if (node_find(path) == SIZE_MAX && strcmp(path, "/") != 0 &&
			!node_children(path, probe)) {
			*err = "ENOENT";
			return 0;
		}
		if (node_find(path) == SIZE_MAX)
			return 0;
		strcpy(out, h->type == XS_READ ? nodes[node_find(path)].value
					       : nodes[node_find(path)].perms);
		return (uint32_t)strlen(out) + (h->type == XS_GET_PERMS);
	}
	if (h->type == XS_CONTROL) {
		assert_string_equal(path, "quota");
		if (world.no_quota)
			*err = "ENOENT";
		return (uint32_t)sprintf(out,
			"%s: 12 nodes, 3456 bytes, %u refused, the last for nodes\n", path + n,
			world.refused);
	}
	if (h->type == XS_MAKE)
		*err = nodes_make(path, h->len);
	else
		*err = store_change(h->type, path, path + n, h->len - n);
	strcpy(out, "OK");
	return 3;
}

/* The last request that was carried out, and the next that is expected; 0: a repeated one. */
static uint64_t last_done, next_seq;
/* The requests before the next were not sent here. */
static bool first_again;

/* Carries out a request unless that was done before a death. */
static uint32_t store_serve(const struct xs_native *native, const struct xsd_sockmsg *h,
	const char *payload, char *out, const char **err)
{
	bool again;

	if (first_again)
		last_done = native->seq - 1;
	first_again = false;
	again = native->seq <= last_done;
	if (next_seq)
		assert_int_equal(native->seq, next_seq);
	assert_true(native->seq <= last_done + 1); /* in order, and none is missing */
	next_seq = native->seq + 1;
	if (!again)
		last_done = native->seq;
	if (again && h->type != XS_READ && h->type != XS_DIRECTORY) {
		strcpy(out, "OK");
		return 3;
	}
	return store_answer(h, payload, out, err);
}

static bool store_dies(uint64_t seq)
{
	if (!world.store_dies || seq % world.store_dies || seq <= world.store_died_at)
		return false;
	world.store_died_at = seq;
	world.store_deaths++;
	next_seq = 0;
	chan_restart(&xs_chan);
	return true;
}

void store_restart(void)
{
	next_seq = 0;
	chan_restart(&xs_chan);
	world_run();
}

void store_revive(void)
{
	world.store_gone = false;
	xs_chan.c.dead = false;
	xs_chan.c.end = SVC_END_ALIVE;
	first_again = true;
	next_seq = 0;
}

bool xs_serve(void)
{
	static struct {
		struct xs_native native;
		struct xsd_sockmsg h;
		char payload[4096 + 1];
	} rec, rsp;
	const char *err;
	bool any = false;
	int n;

	while ((n = ring_get(&xs_chan.req, &rec, sizeof(rec) - 1)) >= 0) {
		if (world.store_raves) {
			static uint8_t nonsense[XS_RECORD_MAX + 8];

			world.store_raves = false;
			assert_int_equal(ring_put(&xs_chan.rsp, nonsense, sizeof(nonsense)), 0);
			(void)ring_put_flush(&xs_chan.rsp);
			return true;
		}
		if (world.store_gone) {
			chan_end(&xs_chan);
			return true;
		}
		assert_int_equal((size_t)n, sizeof(rec.native) + sizeof(rec.h) + rec.h.len);
		assert_int_equal(rec.native.role, XS_ROLE_DOM0);
		rec.payload[rec.h.len] = '\0';
		cut_here();
		err = NULL;
		rsp = rec;
		rsp.h.len = store_serve(&rec.native, &rec.h, rec.payload, rsp.payload, &err);
		if (store_dies(rec.native.seq))
			return true;
		if (err) {
			rsp.h.type = XS_ERROR;
			strcpy(rsp.payload, err);
			rsp.h.len = (uint32_t)strlen(err) + 1;
		}
		assert_int_equal(
			ring_put(&xs_chan.rsp, &rsp,
				(uint32_t)(sizeof(rsp.native) + sizeof(rsp.h)) + rsp.h.len),
			0);
		(void)ring_put_flush(&xs_chan.rsp);
		any = true;
	}
	(void)ring_get_flush(&xs_chan.req);
	return any;
}
