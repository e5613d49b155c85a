/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * client.h - a store and its clients for the tests: requests as literals, answers compared
 * whole
 */
#ifndef XS_TEST_CLIENT_H
#define XS_TEST_CLIENT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "persist.h"
#include "store.h"
#include "wire.h"

static struct store S;
static struct session *dom0, *guest, *backend, *other;
static struct reply R;
static uint64_t next_seq = 1;

static inline void ask_seq(struct session *sess, uint64_t seq, uint32_t type, uint32_t tx,
	const void *body, size_t len)
{
	struct {
		struct xsd_sockmsg hdr;
		char body[XENSTORE_PAYLOAD_MAX];
	} msg;

	assert_true(len <= sizeof(msg.body));
	msg.hdr = (struct xsd_sockmsg){
		.type = type, .req_id = 77, .tx_id = tx, .len = (uint32_t)len
	};
	memcpy(msg.body, body, len);
	memset(&R, 0xaa, sizeof(R));
	assert_int_equal(session_request(&S, sess, seq, &msg, sizeof(msg.hdr) + len, &R), 0);
	assert_int_equal(R.hdr.req_id, 77);
	assert_int_equal(R.hdr.tx_id, tx);
	assert_true(R.hdr.type == type || R.hdr.type == XS_ERROR);
}

static inline void ask(
	struct session *sess, uint32_t type, uint32_t tx, const void *body, size_t len)
{
	ask_seq(sess, next_seq++, type, tx, body, len);
}

/* `body` is a literal: its terminating NUL is not sent, only a NUL that is written out. */
#define ASK(sess, type, body) ask(sess, type, 0, body, sizeof(body) - 1)
#define ASK_TX(sess, tx, type, body) ask(sess, type, tx, body, sizeof(body) - 1)

#define GOT(text) \
	do { \
		assert_int_not_equal(R.hdr.type, XS_ERROR); \
		assert_int_equal(R.hdr.len, sizeof(text) - 1); \
		assert_memory_equal(R.body, text, sizeof(text) - 1); \
	} while (0)
#define FAILED(name) \
	do { \
		assert_int_equal(R.hdr.type, XS_ERROR); \
		assert_string_equal(R.body, name); \
		assert_int_equal(R.hdr.len, sizeof(name)); \
	} while (0)
#define DONE() GOT("OK\0")

static inline uint32_t txn_begin(struct session *sess)
{
	uint32_t id;

	ASK(sess, XS_TRANSACTION_START, "\0");
	assert_int_equal(R.hdr.type, XS_TRANSACTION_START);
	assert_int_equal(wire_u32(R.body, &id), 0);
	assert_int_not_equal(id, 0);
	return id;
}

/* Check that the next event of a session is exactly this. */
static inline void event_is(struct session *sess, const char *path, const char *token)
{
	struct reply ev;
	const char *at = ev.body;

	assert_true(session_event(sess, &ev));
	assert_int_equal(ev.hdr.type, XS_WATCH_EVENT);
	assert_int_equal(ev.hdr.req_id, 0);
	assert_int_equal(ev.hdr.tx_id, 0);
	assert_string_equal(wire_string(&at, ev.body + ev.hdr.len), path);
	assert_string_equal(wire_string(&at, ev.body + ev.hdr.len), token);
	assert_ptr_equal(at, ev.body + ev.hdr.len);
	event_pop(sess);
}

static inline void no_event(struct session *sess)
{
	struct reply ev;

	assert_false(session_event(sess, &ev));
}

static inline int start_with(const struct quota *quota)
{
	mem_set_limit(SIZE_MAX);
	assert_int_equal(store_init(&S, quota), 0);
	assert_int_equal(session_open(&S, 100, ROLE_CONTROL, 0, &dom0), 0);
	assert_int_equal(session_open(&S, 5, ROLE_GUEST, 5, &guest), 0);
	assert_int_equal(session_open(&S, 5, ROLE_BACKEND, 5, &backend), 0);
	assert_int_equal(session_open(&S, 6, ROLE_GUEST, 6, &other), 0);
	return 0;
}

/*
 * Make what a toolstack makes for guest 5: its directory, a device of its own, and a back end.
 */
static inline void furnish(void)
{
	ASK(dom0, XS_MKDIR, "/local/domain/5\0");
	DONE();
	ASK(dom0, XS_SET_PERMS, "/local/domain/5\0n0\0r5\0");
	DONE();
	ASK(dom0, XS_MKDIR, "/local/domain/5/device\0");
	DONE();
	ASK(dom0, XS_SET_PERMS, "/local/domain/5/device\0n5\0");
	DONE();
	ASK(dom0, XS_MKDIR, "/local/domain/5/data\0");
	DONE();
	ASK(dom0, XS_SET_PERMS, "/local/domain/5/data\0n5\0");
	DONE();
	ASK(dom0, XS_MKDIR, "/local/domain/0/backend/vbd/5\0");
	DONE();
	ASK(dom0, XS_SET_PERMS, "/local/domain/0/backend/vbd/5\0n0\0r5\0");
	DONE();
	ASK(dom0, XS_MKDIR, "/local/domain/0/backend/vbd/5/51712\0");
	DONE();
	ASK(dom0, XS_INTRODUCE,
		"5\0"
		"4096\0"
		"1\0");
	DONE();
}

static inline int setup(void **state)
{
	(void)state;
	next_seq = 1;
	return start_with(&quota_default);
}

/* End the store: its accounts must be right, and no byte left. */
static inline int teardown(void **state)
{
	(void)state;
	mem_set_limit(SIZE_MAX);
	assert_int_equal(store_check(&S), 0);
	store_fini(&S);
	assert_int_equal(mem_used(), 0);
	return 0;
}

#define CASE(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

#endif
