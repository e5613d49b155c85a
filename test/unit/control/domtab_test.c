/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * domtab_test.c - the lives of guests: events in, actions out
 *
 * Objects     one table per case.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "guest/domtab.h"
#include "text_sink.h"

enum { WALL = 1767323096 }; /* 2026-01-02 03:04:56 UTC */

static struct domtab t;
static struct text_sink s;
static struct msg m;
static uint32_t next_uuid;

static uint64_t now; /* ns */

static uint64_t now_ns(void) { return now; }

static void log_line(uint32_t domid, const char *line)
{
	(void)domid;
	text_sink_write(&s, line, strlen(line));
}

static void counting(void *buf, size_t size)
{
	next_uuid++;
	memset(buf, 0, size);
	memcpy(buf, &next_uuid, sizeof(next_uuid));
}

/* So many entries outlive control, and it is asked for so many. */
static uint32_t n_places, n_wanted;

static uint32_t places(uint32_t wanted)
{
	n_wanted = wanted;
	return n_places;
}

static int setup(void **state)
{
	(void)state;
	static const struct domtab_env env = { log_line, counting, now_ns, places };

	(void)text_sink_out(&s);
	now = 1000;
	n_places = DOMTAB_MAX;
	domtab_init(&t, &env);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	domtab_fini(&t);
	return 0;
}

static struct guest_config *config(const char *name)
{
	struct guest_config *g = calloc(1, sizeof(*g));

	assert_non_null(g);
	strcpy(g->name, name);
	counting(g->uuid, UUID_SIZE);
	g->on_poweroff = ACTION_DESTROY;
	g->on_reboot = ACTION_RESTART;
	g->on_watchdog = ACTION_DESTROY;
	g->on_crash = ACTION_DESTROY;
	return g;
}

static struct dom *add(const char *name)
{
	struct dom *d = dom_add(&t, config(name), &m);

	assert_non_null(d);
	dom_started(d);
	return d;
}

static struct dom *live(const char *name)
{
	struct dom *d = add(name);

	dom_ready(&t, d, false);
	return d;
}

/* The next action is this one. */
static struct dom_action expect(enum dom_do what, uint32_t domid)
{
	struct dom_action a;

	assert_true(domtab_next_action(&t, &a));
	assert_int_equal(a.what, what);
	assert_int_equal(a.domid, domid);
	return a;
}

static void nothing(void)
{
	struct dom_action a;

	assert_false(domtab_next_action(&t, &a));
}

/* Takes it from DYING to its end. */
static void bury(struct dom *d)
{
	uint32_t domid = d->domid;

	expect(DO_QUIESCE, domid);
	nothing();
	dom_quiesced(&t, d);
	expect(DO_TEARDOWN, domid);
	nothing();
	dom_gone(&t, d);
	expect(DO_NOTE_GONE, domid);
	assert_true(!domtab_get(&t, domid) || d->state == DOM_RESTING);
}

/* Its successor is made at once. */
static struct dom_action reborn(uint32_t domid)
{
	assert_int_equal(domtab_due(&t), UINT64_MAX);
	return expect(DO_CREATE, domid);
}

/* Exactly these guests are there, and are listed in this order. */
static void listed(const char *names)
{
	char all[64] = "";

	for (struct dom *d = domtab_next(&t, 0); d; d = domtab_next(&t, d->domid)) {
		strcat(all, d->name);
		assert_ptr_equal(domtab_get(&t, d->domid), d);
	}
	assert_string_equal(all, names);
}

/* Numbers begin again at 1, and those in use are left out. */
static void order_of_guests(void **state)
{
	struct dom *a = add("a"), *b, *c, *d;

	(void)state;
	b = add("b");
	t.last_domid = DOMID_RESERVED - 3;
	c = add("c");
	d = add("d");
	listed("abcd");
	dom_drop(&t, a);
	listed("bcd");
	a = add("a");
	assert_int_equal(a->domid, 1);
	listed("abcd");
	dom_drop(&t, b);
	assert_int_equal(add("e")->domid, 2);
	listed("aecd");
	assert_int_equal(add("f")->domid, 3);
	listed("aefcd");
	dom_drop(&t, d);
	listed("aefc");
	dom_drop(&t, c);
	assert_null(domtab_get(&t, DOMID_RESERVED - 2));
	dom_drop(&t, a);
	listed("ef");
}

static void identities(void **state)
{
	struct dom *a = add("a"), *b = add("b");

	(void)state;
	assert_int_equal(a->domid, 1);
	assert_int_equal(b->domid, 2);
	assert_ptr_equal(domtab_named(&t, "a"), a);
	assert_ptr_equal(domtab_named(&t, "b"), b);
	assert_null(domtab_named(&t, "c"));
	assert_null(domtab_named(&t, ""));
	dom_drop(&t, a);
	assert_int_equal(add("c")->domid, 3);
	assert_ptr_equal(domtab_next(&t, 0), b);
	assert_int_equal(domtab_next(&t, 2)->domid, 3);
	assert_null(domtab_next(&t, 3));
}

static void domids_wrap_and_skip(void **state)
{
	(void)state;
	assert_int_equal(add("a")->domid, 1);
	t.last_domid = DOMID_RESERVED - 2;
	assert_int_equal(add("b")->domid, DOMID_RESERVED - 1);
	assert_int_equal(add("c")->domid, 2);
}

static void refused(const char *name, const char *part)
{
	struct guest_config *g = config(name);

	assert_null(dom_add(&t, g, &m));
	assert_non_null(strstr(m.text, part));
	free(g);
}

static void additions_refused(void **state)
{
	struct guest_config *g;
	char name[16];

	(void)state;
	add("a");
	refused("a", "exists already");
	g = config("b");
	memcpy(g->uuid, domtab_named(&t, "a")->uuid, UUID_SIZE);
	assert_null(dom_add(&t, g, &m));
	assert_non_null(strstr(m.text, "uuid"));
	free(g);
	for (int i = 1; i < DOMTAB_MAX; i++) {
		snprintf(name, sizeof(name), "n%d", i);
		add(name);
	}
	refused("one-more", "limit");
}

/* A guest that would not outlive control is not made. */
static void no_place_for_another(void **state)
{
	(void)state;
	n_places = 1;
	add("a");
	assert_int_equal(n_wanted, 1);
	refused("b", "to remember more than 1 guests");
	assert_int_equal(n_wanted, 2);
	n_places = 2;
	add("b");
}

static void plain_life(void **state)
{
	struct dom *d = add("a");

	(void)state;
	assert_int_equal(d->state, DOM_BUILDING);
	dom_ready(&t, d, true);
	assert_true(d->state == DOM_LIVE && d->paused);
	dom_ready(&t, d, false);
	assert_true(d->paused);
	dom_down(&t, d, REASON_POWEROFF, WALL);
	expect(DO_NOTE_DOWN, 1);
	bury(d);
	nothing();
}

static void build_failures(void **state)
{
	struct dom *d = add("a");

	(void)state;
	dom_failed(&t, d);
	bury(d);
	d = add("b");
	dom_vmm_died(&t, d, WALL);
	expect(DO_TEARDOWN, 2);
	dom_gone(&t, d);
	expect(DO_NOTE_GONE, 2);
	nothing();
}

static void restarts(void **state)
{
	struct dom *d = live("a");
	struct guest_config *g = d->config;
	struct dom_action a;

	(void)state;
	dom_down(&t, d, REASON_REBOOT, WALL);
	expect(DO_NOTE_DOWN, 1);
	bury(d);
	a = reborn(1);
	assert_ptr_equal(a.config, g);
	d = dom_add(&t, a.config, &m);
	assert_int_equal(d->domid, 2);
	assert_string_equal(d->name, "a");
}

static void destroy_beats_restart(void **state)
{
	struct dom *d = live("a");

	(void)state;
	dom_down(&t, d, REASON_REBOOT, WALL);
	expect(DO_NOTE_DOWN, 1);
	dom_destroy(&t, d);
	bury(d);
	nothing();
}

static void destroy_twice_is_once(void **state)
{
	struct dom *d = live("a");

	(void)state;
	dom_destroy(&t, d);
	dom_destroy(&t, d);
	dom_down(&t, d, REASON_REBOOT, WALL);
	dom_ready(&t, d, false);
	dom_failed(&t, d);
	bury(d);
	nothing();
}

static void death_of_the_vmm_is_a_crash(void **state)
{
	struct dom *d = live("a");

	(void)state;
	dom_vmm_died(&t, d, WALL);
	assert_int_equal(d->reason, REASON_CRASH);
	expect(DO_NOTE_DOWN, 1);
	expect(DO_TEARDOWN, 1); /* there is no VMM to quiesce */
	dom_gone(&t, d);
	expect(DO_NOTE_GONE, 1);
	d = live("b");
	dom_destroy(&t, d);
	expect(DO_QUIESCE, 2);
	dom_vmm_died(&t, d, WALL);
	expect(DO_TEARDOWN, 2);
	nothing();
	dom_quiesced(&t, d);
	nothing();
}

static void preserve(void **state)
{
	struct dom *d = live("a");

	(void)state;
	d->config->on_crash = ACTION_PRESERVE;
	dom_down(&t, d, REASON_CRASH, WALL);
	expect(DO_NOTE_DOWN, 1);
	nothing();
	assert_int_equal(d->state, DOM_DOWN);
	dom_destroy(&t, d);
	bury(d);
}

static void watchdog_has_its_own_action(void **state)
{
	struct dom *d = live("a");

	(void)state;
	d->config->on_watchdog = ACTION_PRESERVE;
	dom_down(&t, d, REASON_WATCHDOG, WALL);
	expect(DO_NOTE_DOWN, 1);
	nothing();
	assert_int_equal(d->state, DOM_DOWN);
	dom_destroy(&t, d);
	bury(d);
}

static void rename_restart(void **state)
{
	struct dom *d = live("a");
	uint8_t uuid[UUID_SIZE];
	struct dom_action a;

	(void)state;
	memcpy(uuid, d->uuid, UUID_SIZE);
	d->config->on_reboot = ACTION_RENAME_RESTART;
	dom_down(&t, d, REASON_REBOOT, WALL);
	expect(DO_NOTE_DOWN, 1);
	expect(DO_RENAME, 1);
	a = reborn(2);
	nothing();
	assert_string_equal(d->name, "a-20260102T0304Z");
	assert_int_equal(d->state, DOM_DOWN);
	assert_memory_not_equal(d->uuid, uuid, UUID_SIZE);
	assert_memory_equal(a.config->uuid, uuid, UUID_SIZE);
	d = dom_add(&t, a.config, &m);
	assert_non_null(d);
	assert_string_equal(d->name, "a");
	dom_started(d);
	dom_ready(&t, d, false);
	/* a second time in the same minute: the name is taken */
	dom_down(&t, d, REASON_REBOOT, WALL);
	expect(DO_NOTE_DOWN, d->domid);
	nothing();
	assert_string_equal(d->name, "a");
	assert_non_null(strstr(s.text, "cannot be renamed"));
}

static void rename_restart_of_a_long_name(void **state)
{
	char name[GUEST_NAME_MAX + 1];
	struct dom *d;

	(void)state;
	memset(name, 'x', GUEST_NAME_MAX);
	name[GUEST_NAME_MAX] = '\0';
	d = live(name);
	d->config->on_crash = ACTION_RENAME_RESTART;
	dom_down(&t, d, REASON_CRASH, WALL);
	assert_int_equal(strlen(d->name), GUEST_NAME_MAX);
	assert_string_equal(d->name + GUEST_NAME_MAX - 16, "x-20260102T0304Z");
}

static void coredumps(void **state)
{
	struct dom *d = live("a");

	(void)state;
	d->config->on_crash = ACTION_COREDUMP_RESTART;
	dom_down(&t, d, REASON_CRASH, WALL);
	expect(DO_NOTE_DOWN, 1);
	bury(d);
	free(reborn(1).config);
	assert_non_null(strstr(s.text, "disk /var/lib/xen/dump/a PARTITION"));
	d = live("b");
	d->config->on_crash = ACTION_COREDUMP_DESTROY;
	strcpy(d->config->core_label, "cores");
	dom_down(&t, d, REASON_CRASH, WALL);
	expect(DO_NOTE_DOWN, 2);
	expect(DO_DUMP, 2);
	nothing(); /* it stays until that is done */
	dom_dumped(&t, d);
	bury(d);
	dom_dumped(&t, d); /* it is gone already */
	nothing();
}

static struct dom *dumps(const char *name, uint32_t domid, uint32_t action)
{
	struct dom *d = live(name);

	d->config->on_crash = action;
	strcpy(d->config->core_label, "cores");
	dom_down(&t, d, REASON_CRASH, WALL);
	expect(DO_NOTE_DOWN, domid);
	expect(DO_DUMP, domid);
	return d;
}

static void coredump_then_restart(void **state)
{
	struct dom *d = dumps("a", 1, ACTION_COREDUMP_RESTART);

	(void)state;
	dom_dumped(&t, d);
	bury(d);
	free(reborn(1).config);
	/* the user does not wait for it */
	d = dumps("b", 2, ACTION_COREDUMP_RESTART);
	dom_destroy(&t, d);
	bury(d);
	nothing();
	/* control ended meanwhile */
	d = dumps("c", 3, ACTION_COREDUMP_RESTART);
	dom_resume(&t, d, false, WALL);
	bury(d);
	free(reborn(3).config);
	/* a VMM that is dead writes none */
	d = live("d");
	d->config->on_crash = ACTION_COREDUMP_DESTROY;
	strcpy(d->config->core_label, "cores");
	dom_vmm_died(&t, d, WALL);
	expect(DO_NOTE_DOWN, 4);
	expect(DO_TEARDOWN, 4);
	assert_non_null(strstr(s.text, "without a VMM"));
}

static void other_reasons(void **state)
{
	struct dom *d = live("a");

	(void)state;
	d->config->on_poweroff = d->config->on_reboot = d->config->on_crash = ACTION_RESTART;
	dom_down(&t, d, REASON_WATCHDOG, WALL);
	expect(DO_NOTE_DOWN, 1);
	bury(d);
	nothing();
	d = live("b");
	dom_down(&t, d, 77, WALL);
	expect(DO_NOTE_DOWN, 2);
	bury(d);
	nothing();
	d = live("c");
	dom_down(&t, d, REASON_SUSPEND, WALL);
	expect(DO_NOTE_DOWN, 3);
	nothing();
}

static void renaming(void **state)
{
	struct dom *a = live("a"), *d;
	struct guest_config *g;

	(void)state;
	live("b");
	assert_int_equal(dom_rename(&t, a, "b", &m), -1);
	assert_int_equal(dom_rename(&t, a, "7", &m), -1);
	assert_int_equal(dom_rename(&t, a, "", &m), -1);
	assert_int_equal(dom_rename(&t, a, "c", &m), 0);
	expect(DO_RENAME, 1);
	assert_ptr_equal(domtab_named(&t, "c"), a);
	assert_null(domtab_named(&t, "a"));
	dom_down(&t, a, REASON_REBOOT, WALL);
	expect(DO_NOTE_DOWN, 1);
	bury(a);
	d = domtab_named(&t, "c");
	assert_int_equal(dom_rename(&t, d, "d", &m), 0);
	nothing(); /* it has no nodes in xenstore */
	g = reborn(1).config;
	assert_string_equal(g->name, "d");
	free(g);
}

/* The guest ends right after its start and is made again: which action follows, and when? */
static uint64_t short_life(struct dom *d, uint32_t reason)
{
	uint32_t domid = d->domid;
	uint64_t due;

	s.len = 0;
	s.text[0] = 0;
	now += 1000000;
	dom_down(&t, d, reason, WALL);
	expect(DO_NOTE_DOWN, domid);
	bury(d);
	due = domtab_due(&t);
	if (t.n_queued)
		return 0;
	if (due == UINT64_MAX)
		return UINT64_MAX;
	return due - now;
}

static struct dom *next_life(struct dom *d)
{
	uint32_t before = d->domid;
	struct dom_action a;

	(void)domtab_due(&t);
	a = expect(DO_CREATE, before);
	d = dom_add(&t, a.config, &m);
	assert_non_null(d);
	d->short_lives = a.short_lives;
	dom_started(d);
	dom_ready(&t, d, false);
	return d;
}

/*
 * A guest that crashes in a loop is restarted after longer and longer delays, and finally not
 * at all.
 */
static void restarts_in_a_loop(void **state)
{
	static const uint32_t pauses[] = { 0, 1, 2, 4, 8, 16, 32, 60, 60, 60 };
	struct dom *d = live("a");

	(void)state;
	d->config->on_crash = ACTION_RESTART;
	for (size_t i = 0; i < 10; i++) {
		assert_int_equal(short_life(d, i % 2 ? REASON_CRASH : REASON_REBOOT),
			pauses[i] * 1000000000ull);
		if (pauses[i]) {
			assert_int_equal(d->state, DOM_RESTING);
			assert_non_null(strstr(s.text, "times in a row within 60 s"));
			refused("a", "exists already"); /* it keeps its name */
			now += pauses[i] * 1000000000ull - 1;
			assert_int_equal(domtab_due(&t), now + 1);
			nothing();
			now++;
		}
		d = next_life(d);
		assert_int_equal(d->short_lives, i + 1);
	}
	assert_int_equal(short_life(d, REASON_CRASH), UINT64_MAX);
	assert_non_null(strstr(s.text, "ended 11 times in a row"));
	assert_non_null(strstr(s.text, "not started again"));
	assert_null(domtab_next(&t, 0));
}

static void a_long_life_or_a_wish_forgives(void **state)
{
	struct dom *d = live("a");

	(void)state;
	for (int i = 0; i < 4; i++) {
		now += short_life(d, REASON_REBOOT);
		d = next_life(d);
	}
	now += 60ull * 1000000000;
	assert_int_equal(short_life(d, REASON_REBOOT), 0);
	d = next_life(d);
	assert_int_equal(short_life(d, REASON_REBOOT), 0);
	d = next_life(d);
	assert_int_equal(short_life(d, REASON_REBOOT), 1000000000);
	now += 1000000000;
	d = next_life(d);
	dom_reboot_asked(d);
	assert_int_equal(short_life(d, REASON_REBOOT), 0);
	free(expect(DO_CREATE, d->domid).config);
	nothing();
}

/*
 * A guest that waits for its restart can be forgotten at once, and does not delay a power-off.
 */
static void resting_guests_end_at_once(void **state)
{
	struct dom *d;
	struct dom_action a;

	(void)state;
	for (int i = 0; i < 2; i++) {
		d = live("a");
		(void)short_life(d, REASON_REBOOT);
		d = next_life(d);
		assert_int_equal(short_life(d, REASON_REBOOT), 1000000000);
		if (i == 0)
			dom_destroy(&t, d);
		else
			domtab_stop_host(&t, HOST_POWEROFF);
		expect(DO_NOTE_GONE, d->domid);
		assert_null(domtab_next(&t, 0));
		now += 2000000000;
		assert_int_equal(domtab_due(&t), UINT64_MAX);
	}
	assert_true(domtab_next_action(&t, &a) && a.what == DO_POWER);
	nothing();
}

/* The crashed guest is kept under another name, and each later one would be, too. */
static void rename_restart_in_a_loop(void **state)
{
	struct dom *d = live("a"), *next;

	(void)state;
	d->config->on_crash = ACTION_RENAME_RESTART;
	d->short_lives = 4;
	dom_down(&t, d, REASON_CRASH, WALL);
	expect(DO_NOTE_DOWN, 1);
	expect(DO_RENAME, 1);
	assert_int_equal(domtab_due(&t), now + 8 * 1000000000ull);
	nothing();
	next = domtab_named(&t, "a");
	assert_int_equal(next->state, DOM_RESTING);
	assert_int_equal(next->short_lives, 5);
	now += 8 * 1000000000ull;
	d = next_life(next);
	d->short_lives = 10;
	dom_down(&t, d, REASON_CRASH, WALL + 60);
	expect(DO_NOTE_DOWN, d->domid);
	assert_int_equal(domtab_due(&t), UINT64_MAX);
	nothing(); /* it is kept, and has no successor */
	assert_int_equal(d->state, DOM_DOWN);
	assert_string_equal(d->name, "a");
}

static void stopping_the_host(void **state)
{
	struct dom *a = live("a"), *b = live("b"), *c = live("c"), *d = add("d");

	(void)state;
	b->paused = true;
	c->config->on_crash = ACTION_PRESERVE;
	a->config->on_poweroff = ACTION_RESTART;
	dom_down(&t, c, REASON_CRASH, WALL);
	expect(DO_NOTE_DOWN, 3);
	domtab_stop_host(&t, HOST_POWEROFF);
	expect(DO_ASK_DOWN, 1);
	expect(DO_UNPAUSE, 2);
	expect(DO_ASK_DOWN, 2);
	expect(DO_QUIESCE, 3);
	expect(DO_QUIESCE, 4);
	nothing();
	refused("e", "being stopped");
	dom_down(&t, a, REASON_POWEROFF, WALL);
	expect(DO_NOTE_DOWN, 1);
	bury(a);
	nothing();
	dom_quiesced(&t, c);
	expect(DO_TEARDOWN, 3);
	dom_gone(&t, c);
	expect(DO_NOTE_GONE, 3);
	dom_vmm_died(&t, d, WALL);
	expect(DO_TEARDOWN, 4);
	dom_gone(&t, d);
	expect(DO_NOTE_GONE, 4);
	domtab_stop_host_now(&t, HOST_POWEROFF);
	bury(b);
	expect(DO_POWER, 0);
	nothing();
	domtab_stop_host_now(&t, HOST_POWEROFF);
	nothing();
}

static void stopping_without_guests(void **state)
{
	(void)state;
	domtab_stop_host(&t, HOST_REBOOT);
	expect(DO_POWER, 0);
	assert_int_equal(t.stopping, HOST_REBOOT);
}

static void preserved_on_the_way_down(void **state)
{
	struct dom *a = live("a"), *b = live("b");

	(void)state;
	a->config->on_poweroff = ACTION_PRESERVE;
	b->config->on_poweroff = ACTION_RENAME_RESTART;
	domtab_stop_host(&t, HOST_REBOOT);
	expect(DO_ASK_DOWN, 1);
	expect(DO_ASK_DOWN, 2);
	dom_down(&t, a, REASON_POWEROFF, WALL);
	expect(DO_NOTE_DOWN, 1);
	bury(a);
	dom_down(&t, b, REASON_POWEROFF, WALL);
	expect(DO_NOTE_DOWN, 2);
	bury(b);
	expect(DO_POWER, 0);
}

static void waiting(void **state)
{
	struct dom_wait w = { 0 };
	struct dom_action down = { .what = DO_NOTE_DOWN, .domid = 2 };
	struct dom_action gone = { .what = DO_NOTE_GONE, .domid = 2 };

	(void)state;
	wait_add(&w, 1);
	wait_add(&w, 2);
	assert_int_equal(wait_note(&w, &down, false), WAIT_DOWN);
	assert_int_equal(w.n, 2); /* it is about to go down */
	assert_int_equal(wait_note(&w, &gone, false), WAIT_NO_NEWS);
	assert_int_equal(w.n, 1);
	assert_int_equal(wait_note(&w, &gone, false), WAIT_NO_NEWS);
	wait_add(&w, 2);
	assert_int_equal(wait_note(&w, &down, true), WAIT_DOWN); /* preserved */
	assert_int_equal(w.n, 1);
	wait_add(&w, 2);
	/* destroyed before it went down */
	assert_int_equal(wait_note(&w, &gone, false), WAIT_GONE);
	assert_int_equal(w.n, 1);
	w.gone_only = true;
	down.domid = gone.domid = 1;
	assert_int_equal(wait_note(&w, &down, true), WAIT_NO_NEWS);
	assert_int_equal(w.n, 1);
	assert_int_equal(wait_note(&w, &gone, false), WAIT_GONE);
	assert_int_equal(w.n, 0);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
int main(void)
{
	const struct CMUnitTest tests[] = {
		T(order_of_guests),
		T(identities),
		T(domids_wrap_and_skip),
		T(additions_refused),
		T(no_place_for_another),
		T(plain_life),
		T(build_failures),
		T(restarts),
		T(destroy_beats_restart),
		T(destroy_twice_is_once),
		T(death_of_the_vmm_is_a_crash),
		T(preserve),
		T(watchdog_has_its_own_action),
		T(rename_restart),
		T(rename_restart_of_a_long_name),
		T(coredumps),
		T(coredump_then_restart),
		T(other_reasons),
		T(renaming),
		T(restarts_in_a_loop),
		T(a_long_life_or_a_wish_forgives),
		T(resting_guests_end_at_once),
		T(rename_restart_in_a_loop),
		T(stopping_the_host),
		T(stopping_without_guests),
		T(preserved_on_the_way_down),
		T(waiting),
	};

	return cmocka_run_group_tests_name("control domtab", tests, NULL, NULL);
}
