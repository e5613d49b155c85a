/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * watch_test.c - watches: which client gets which event, in which order, and what happens if it
 * does not read them
 */
#include "client.h"

static void first_event_at_once(void **state)
{
	(void)state;
	ASK(dom0, XS_WATCH, "/not/there\0tok\0");
	DONE();
	event_is(dom0, "/not/there", "tok");
	no_event(dom0);
	ASK(dom0, XS_WATCH, "/not/there\0tok\0");
	FAILED("EEXIST");
	ASK(dom0, XS_WATCH, "/not/there\0other\0");
	DONE();
	event_is(dom0, "/not/there", "other");
	ASK(dom0, XS_WATCH, "/not/there\0tok\0ignored\0");
	FAILED("EEXIST");
	ASK(dom0, XS_WATCH, "bad//path\0tok\0");
	FAILED("EINVAL");
	ASK(dom0, XS_WATCH, "/path\0tok");
	FAILED("EINVAL");
	ASK(dom0, XS_WATCH, "/path\0");
	FAILED("EINVAL");
}

static void below_at_any_depth(void **state)
{
	(void)state;
	ASK(dom0, XS_WATCH, "/w\0t\0");
	event_is(dom0, "/w", "t");
	ASK(dom0, XS_WRITE, "/w/a/b/c\0x");
	event_is(dom0, "/w/a/b/c", "t");
	no_event(dom0);
	ASK(dom0, XS_WRITE, "/ww\0x");
	ASK(dom0, XS_WRITE, "/v/w\0x");
	ASK(dom0, XS_READ, "/w\0");
	ASK(dom0, XS_MKDIR, "/w/a\0");
	no_event(dom0);
	ASK(dom0, XS_SET_PERMS, "/w/a\0r0\0");
	event_is(dom0, "/w/a", "t");
	ASK(dom0, XS_MKDIR, "/w/new\0");
	event_is(dom0, "/w/new", "t");
	ASK(dom0, XS_RM, "/w/a/b\0");
	event_is(dom0, "/w/a/b", "t");
	no_event(dom0);
	ASK(dom0, XS_RM, "/w/none\0");
	no_event(dom0);
	ASK(dom0, XS_WATCH, "/\0root\0");
	event_is(dom0, "/", "root");
	ASK(dom0, XS_WRITE, "/z\0x");
	event_is(dom0, "/z", "root");
}

static void removal_of_what_is_above(void **state)
{
	(void)state;
	ASK(dom0, XS_WRITE, "/w/a/b\0x");
	ASK(dom0, XS_WATCH, "/w/a/b\0deep\0");
	ASK(dom0, XS_WATCH, "/w/a/none\0none\0");
	ASK(dom0, XS_WATCH, "/w\0top\0");
	event_is(dom0, "/w/a/b", "deep");
	event_is(dom0, "/w/a/none", "none");
	event_is(dom0, "/w", "top");
	ASK(dom0, XS_RM, "/w\0");
	event_is(dom0, "/w", "top");
	event_is(dom0, "/w/a/b", "deep");
	no_event(dom0);
}

static void relative_events(void **state)
{
	(void)state;
	furnish();
	ASK(guest, XS_WATCH, "device\0t\0");
	ASK(guest, XS_WATCH, "/local/domain/5/device\0abs\0");
	event_is(guest, "device", "t");
	event_is(guest, "/local/domain/5/device", "abs");
	ASK(guest, XS_WRITE,
		"device/x\0"
		"1");
	event_is(guest, "device/x", "t");
	event_is(guest, "/local/domain/5/device/x", "abs");
	ASK(guest, XS_UNWATCH, "device\0t\0");
	DONE();
	ASK(guest, XS_UNWATCH, "device\0t\0");
	FAILED("ENOENT");
	ASK(guest, XS_UNWATCH, "device\0abs\0");
	DONE();
	ASK(guest, XS_WRITE,
		"device/x\0"
		"2");
	no_event(guest);
	assert_int_equal(guest->n_watches, 0);
}

static void unwatching_takes_events_along(void **state)
{
	(void)state;
	ASK(dom0, XS_WATCH, "/w\0a\0");
	ASK(dom0, XS_WATCH, "/w\0b\0");
	ASK(dom0, XS_WRITE, "/w\0x");
	ASK(dom0, XS_UNWATCH, "/w\0a\0");
	DONE();
	event_is(dom0, "/w", "b");
	no_event(dom0);
	ASK(dom0, XS_RESET_WATCHES, "\0");
	DONE();
	ASK(dom0, XS_WRITE, "/w\0y");
	no_event(dom0);
}

static void events_only_for_readers(void **state)
{
	(void)state;
	furnish();
	ASK(other, XS_WATCH, "/local/domain/5\0t\0");
	event_is(other, "/local/domain/5", "t");
	ASK(guest, XS_WRITE, "device/secret\0x");
	ASK(guest, XS_RM, "device/secret\0");
	no_event(other);
	ASK(guest, XS_WRITE, "device/open\0x");
	ASK(guest, XS_SET_PERMS, "device/open\0n5\0r6\0");
	event_is(other, "/local/domain/5/device/open", "t");
	ASK(guest, XS_WRITE, "device/open\0y");
	event_is(other, "/local/domain/5/device/open", "t");
	/*
	 * the loss of the right still causes an event, and so does the removal of a node that
	 * could be read
	 */
	ASK(guest, XS_SET_PERMS, "device/open\0n5\0");
	event_is(other, "/local/domain/5/device/open", "t");
	ASK(guest, XS_WRITE, "device/open\0z");
	no_event(other);
	ASK(guest, XS_SET_PERMS, "device/open\0r5\0");
	event_is(other, "/local/domain/5/device/open", "t");
	ASK(guest, XS_RM, "device\0");
	no_event(other);
	ASK(other, XS_WATCH, "/local/domain/5/data/k\0k\0");
	event_is(other, "/local/domain/5/data/k", "k");
	ASK(guest, XS_WRITE, "data/k\0x");
	no_event(other);
	ASK(guest, XS_SET_PERMS, "data/k\0r5\0");
	event_is(other, "/local/domain/5/data/k", "k");
	event_is(other, "/local/domain/5/data/k", "t");
	ASK(guest, XS_RM, "data\0");
	event_is(other, "/local/domain/5/data/k", "k");
	no_event(other);
	/* the names in a readable directory are not secret, only the values are */
	ASK(dom0, XS_WRITE, "/pub/k\0x");
	ASK(dom0, XS_SET_PERMS, "/pub\0r0\0");
	ASK(other, XS_WATCH, "/pub\0p\0");
	event_is(other, "/pub", "p");
	ASK(dom0, XS_WRITE, "/pub/k\0y");
	event_is(other, "/pub/k", "p");
}

static void guest_and_back_end_apart(void **state)
{
	(void)state;
	furnish();
	ASK(backend, XS_WATCH, "/local/domain/5/device/vbd/51712/state\0b\0");
	event_is(backend, "/local/domain/5/device/vbd/51712/state", "b");
	ASK(guest, XS_WRITE,
		"device/vbd/51712/state\0"
		"3");
	event_is(backend, "/local/domain/5/device/vbd/51712/state", "b");
	no_event(guest);
	ASK(guest, XS_UNWATCH, "/local/domain/5/device/vbd/51712/state\0b\0");
	FAILED("ENOENT");
	ASK(guest, XS_RESET_WATCHES, "\0");
	assert_int_equal(backend->n_watches, 1);
}

static void special_events(void **state)
{
	(void)state;
	ASK(dom0, XS_WATCH, "@introduceDomain\0i\0");
	ASK(dom0, XS_WATCH, "@releaseDomain\0r\0");
	ASK(guest, XS_WATCH, "@introduceDomain\0g\0");
	ASK(dom0, XS_WATCH, "/\0root\0");
	event_is(dom0, "@introduceDomain", "i");
	event_is(dom0, "@releaseDomain", "r");
	event_is(dom0, "/", "root");
	event_is(guest, "@introduceDomain", "g");
	ASK(dom0, XS_INTRODUCE,
		"9\0"
		"1\0"
		"1\0");
	event_is(dom0, "@introduceDomain", "i");
	ASK(dom0, XS_INTRODUCE,
		"9\0"
		"1\0"
		"1\0");
	no_event(dom0);
	ASK(dom0, XS_RELEASE, "9\0");
	event_is(dom0, "@releaseDomain", "r");
	no_event(dom0);
	no_event(guest);
	store_release(&S, NULL, 6);
	no_event(dom0);
	ASK(dom0, XS_WRITE, "/@introduceDomain\0x");
	event_is(dom0, "/@introduceDomain", "root");
	no_event(dom0);
}

static void in_the_order_of_changes(void **state)
{
	(void)state;
	ASK(dom0, XS_WATCH, "/o\0t\0");
	event_is(dom0, "/o", "t");
	ASK(dom0, XS_WRITE, "/o/b\0x");
	ASK(dom0, XS_WRITE, "/o/a\0x");
	ASK(dom0, XS_WRITE, "/o/c\0x");
	event_is(dom0, "/o/b", "t");
	event_is(dom0, "/o/a", "t");
	event_is(dom0, "/o/c", "t");
}

static void equal_events_wait_once(void **state)
{
	(void)state;
	ASK(dom0, XS_WATCH, "/o\0t\0");
	event_is(dom0, "/o", "t");
	ASK(dom0, XS_WRITE, "/o\0x");
	ASK(dom0, XS_WRITE, "/o\0y");
	ASK(dom0, XS_WRITE, "/o/a\0y");
	ASK(dom0, XS_WRITE, "/o\0z");
	event_is(dom0, "/o", "t");
	event_is(dom0, "/o/a", "t");
	no_event(dom0);
	ASK(dom0, XS_WRITE, "/o\0z");
	event_is(dom0, "/o", "t");
}

/*
 * For a client that does not read its events, the store stays small, and still tells it that
 * something has changed.
 */
static void too_many_events_become_one(void **state)
{
	char msg[64];
	unsigned i;

	(void)state;
	ASK(dom0, XS_WATCH, "/o\0busy\0");
	ASK(dom0, XS_WATCH, "/p\0quiet\0");
	ASK(dom0, XS_WRITE, "/p/x\0x");
	for (i = 0; i < 2 * quota_default.events; i++) {
		int n = snprintf(msg, sizeof(msg), "/o/%u%cx", i, 0);

		ask(dom0, XS_WRITE, 0, msg, (size_t)n);
		DONE();
		assert_true(dom0->n_events <= quota_default.events);
		assert_true(dom0->event_bytes <= quota_default.event_bytes);
	}
	event_is(dom0, "/p", "quiet");
	event_is(dom0, "/p/x", "quiet");
	event_is(dom0, "/o", "busy");
	no_event(dom0);
	ASK(dom0, XS_WRITE, "/o/1\0x");
	event_is(dom0, "/o/1", "busy");
	no_event(dom0);
}

/* With long paths, the room for events is used up sooner. */
static void events_are_limited_in_bytes(void **state)
{
	static char msg[1200] = "/o/";
	unsigned i;

	(void)state;
	ASK(dom0, XS_WATCH, "/o\0t\0");
	event_is(dom0, "/o", "t");
	memset(msg + 3, 'p', 1000);
	for (i = 0; !dom0->n_collapsed; i++) {
		assert_true(i < quota_default.event_bytes / 1000);
		assert_true(dom0->event_bytes <= quota_default.event_bytes);
		sprintf(msg + 1000, "%u", i);
		ask(dom0, XS_WRITE, 0, msg, strlen(msg) + 1);
		DONE();
	}
	assert_true(i > 5);
	event_is(dom0, "/o", "t");
	no_event(dom0);
}

static void too_long_events(void **state)
{
	static char msg[XENSTORE_PAYLOAD_MAX], token[3001], path[3001];
	size_t len;

	(void)state;
	memset(token, 't', sizeof(token) - 1);
	memset(path, 'p', sizeof(path) - 1);
	memcpy(path, "/o/", 3);
	len = (size_t)sprintf(msg, "/o%c%s", 0, token) + 1;
	ask(dom0, XS_WATCH, 0, msg, len);
	DONE();
	event_is(dom0, "/o", token);
	ask(dom0, XS_MKDIR, 0, path, sizeof(path));
	DONE();
	event_is(dom0, "/o", token);
	no_event(dom0);
}

static void no_memory_for_an_event(void **state)
{
	(void)state;
	ASK(dom0, XS_WRITE, "/o/a\0x");
	ASK(dom0, XS_WATCH, "/o\0t\0");
	event_is(dom0, "/o", "t");
	mem_set_limit(mem_used());
	watch_fire(&S, S.root, S.root, "/o/a");
	mem_set_limit(SIZE_MAX);
	event_is(dom0, "/o", "t");
	no_event(dom0);
}

/*
 * Watches of one session on one path share an event: a watch that has got it still gets one for
 * the next change.
 */
static void a_change_while_its_event_is_told(void **state)
{
	(void)state;
	ASK(dom0, XS_WATCH, "/o\0a\0");
	ASK(dom0, XS_WATCH, "/o\0b\0");
	ASK(dom0, XS_WATCH, "/o\0c\0");
	event_is(dom0, "/o", "a");
	ASK(dom0, XS_WRITE, "/o\0x");
	event_is(dom0, "/o", "b");
	event_is(dom0, "/o", "c");
	event_is(dom0, "/o", "a");
	/* the next watch is removed, then the last; then one is added */
	ASK(dom0, XS_UNWATCH, "/o\0b\0");
	event_is(dom0, "/o", "c");
	no_event(dom0);
	ASK(dom0, XS_WRITE, "/o/x\0x");
	event_is(dom0, "/o/x", "a");
	ASK(dom0, XS_UNWATCH, "/o\0c\0");
	no_event(dom0);
	ASK(dom0, XS_WATCH, "/o\0d\0");
	event_is(dom0, "/o", "d");
	no_event(dom0);
	ASK(dom0, XS_WRITE, "/o/x\0x");
	event_is(dom0, "/o/x", "a");
	ASK(dom0, XS_UNWATCH, "/o\0a\0");
	event_is(dom0, "/o/x", "d");
	no_event(dom0);
}

/*
 * A new watch gets its first event at once, even if the waiting event is only for older
 * watches.
 */
static void a_new_watch_beside_waiting_events(void **state)
{
	(void)state;
	ASK(dom0, XS_WATCH, "/o\0a\0");
	ASK(dom0, XS_WATCH, "/o\0b\0");
	ASK(dom0, XS_UNWATCH, "/o\0b\0");
	event_is(dom0, "/o", "a");
	no_event(dom0);
	ASK(dom0, XS_WATCH, "/o\0b\0");
	ASK(dom0, XS_WRITE, "/o\0x");
	event_is(dom0, "/o", "a");
	event_is(dom0, "/o", "b");
	no_event(dom0);
	/* an event that was only for the new watch is dropped with it */
	ASK(dom0, XS_WATCH, "/o\0c\0");
	ASK(dom0, XS_UNWATCH, "/o\0c\0");
	no_event(dom0);
	assert_int_equal(dom0->n_events, 0);
	assert_int_equal(dom0->event_bytes, 0);
}

static void collapsed_events_and_several_watches(void **state)
{
	char msg[64];
	unsigned i;

	(void)state;
	ASK(dom0, XS_WATCH, "/o\0a\0");
	ASK(dom0, XS_WATCH, "/o\0b\0");
	for (i = 0; i < 2 * quota_default.events; i++) {
		int n = snprintf(msg, sizeof(msg), "/o/%u%cx", i, 0);

		ask(dom0, XS_WRITE, 0, msg, (size_t)n);
	}
	assert_int_equal(dom0->n_collapsed, 1);
	event_is(dom0, "/o", "a");
	/* an event of another watch comes in between: both are still delivered */
	ASK(dom0, XS_WATCH, "/p\0p\0");
	event_is(dom0, "/p", "p");
	event_is(dom0, "/o", "a");
	event_is(dom0, "/o", "b");
	no_event(dom0);
	for (i = 0; i < 2 * quota_default.events; i++) {
		int n = snprintf(msg, sizeof(msg), "/o/%u%cx", i, 0);

		ask(dom0, XS_WRITE, 0, msg, (size_t)n);
	}
	event_is(dom0, "/o", "a");
	ASK(dom0, XS_UNWATCH, "/o\0b\0");
	no_event(dom0);
	assert_int_equal(dom0->n_collapsed, 0);
	/* a session that drops all its watches has no events */
	ASK(dom0, XS_WRITE, "/o\0x");
	ASK(dom0, XS_RESET_WATCHES, "\0");
	no_event(dom0);
	assert_int_equal(dom0->n_events, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(first_event_at_once),
		CASE(below_at_any_depth),
		CASE(removal_of_what_is_above),
		CASE(relative_events),
		CASE(unwatching_takes_events_along),
		CASE(events_only_for_readers),
		CASE(guest_and_back_end_apart),
		CASE(special_events),
		CASE(in_the_order_of_changes),
		CASE(equal_events_wait_once),
		CASE(too_many_events_become_one),
		CASE(events_are_limited_in_bytes),
		CASE(too_long_events),
		CASE(no_memory_for_an_event),
		CASE(a_change_while_its_event_is_told),
		CASE(a_new_watch_beside_waiting_events),
		CASE(collapsed_events_and_several_watches),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
