/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * look.c - tables of guests and of the host
 *
 * Objects     the request that the running verb waits for; the tables, as control said last.
 * Invariants  LOOK1 texts of a table are terminated, and its numbers are in their ranges
 */
#include "cli/look.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "client/ask.h"
#include "cli/shell.h"

struct look_guests look;
struct ctl_system look_system;

/* ---- one request of the verb ---- */

static struct {
	uint32_t id;
	const char *name;
	verb_then then;
	bool tolerant; /* then is called if control refuses, too */
} pending;

static void pending_answered(void *ctx, int status, const void *body, uint32_t len)
{
	verb_then then = pending.then;

	(void)ctx;
	pending.id = 0;
	if (status && pending.tolerant) {
		then(NULL, 0);
	} else if (status) {
		shell_refused(the_shell, pending.name, status, body);
		shell_cut(the_shell);
	} else if (then) {
		then(body, len);
	} else {
		shell_done(the_shell);
	}
}

void verb_leave(void)
{
	ask_leave(pending.id);
	pending.id = 0;
}

bool verb_asks(void) { return pending.id != 0; }

static void pending_ask(enum ctl_op op, const void *body, uint32_t len)
{
	shell_waits(the_shell, verb_leave);
	pending.id = ask_send(
		&(struct ask){ .op = op, .body = body, .len = len, .fn = pending_answered });
	if (pending.id)
		return;
	shell_fail(the_shell, "out of memory\n");
	shell_done(the_shell);
}

void verb_ask(enum ctl_op op, const void *body, uint32_t len, const char *name, verb_then then)
{
	pending.name = name;
	pending.then = then;
	pending.tolerant = false;
	pending_ask(op, body, len);
}

void verb_try(enum ctl_op op, const void *body, uint32_t len, verb_then then)
{
	pending.then = then;
	pending.tolerant = true;
	pending_ask(op, body, len);
}

/* ---- guests ---- */

static void (*guests_then)(void);

/* LOOK1 */
static void dom_check(struct ctl_dom *d)
{
	d->name[sizeof(d->name) - 1] = '\0';
	if (d->state >= DOM_STATE_COUNT)
		d->state = DOM_FREE;
	if (d->maxvcpus > GUEST_VCPUS_MAX)
		d->maxvcpus = GUEST_VCPUS_MAX;
	if (d->n_vcpus > GUEST_VCPUS_MAX)
		d->n_vcpus = GUEST_VCPUS_MAX;
}

/* False: there is no memory for as many. */
static bool guests_room(uint32_t n)
{
	struct ctl_dom *dom = n > look.room ? realloc(look.dom, n * sizeof(*dom)) : look.dom;

	if (!dom)
		return n <= look.room;
	look.dom = dom;
	look.room = n > look.room ? n : look.room;
	return true;
}

/* A part of the table; *after: the last guest in it. True: more may follow. */
static bool guests_take(const void *body, uint32_t len, uint32_t *after)
{
	const struct ctl_list *l = body;
	uint32_t n = (uint32_t)((len - offsetof(struct ctl_list, dom)) / sizeof(l->dom[0]));

	if (n > l->n)
		n = l->n;
	if (!*after)
		look.n = 0;
	look.sum = l->sum;
	if (n > CTL_GUESTS_MAX - look.n)
		n = CTL_GUESTS_MAX - look.n;
	if (!guests_room(look.n + n))
		n = 0;
	for (uint32_t i = 0; i < n; i++) {
		look.dom[look.n] = l->dom[i];
		dom_check(&look.dom[look.n++]);
	}
	*after = look.n ? look.dom[look.n - 1].domid : 0;
	return n && l->more && look.n < CTL_GUESTS_MAX;
}

static uint32_t guests_after;

static void guests_known(const void *body, uint32_t len)
{
	if (guests_take(body, len, &guests_after))
		verb_ask(CTL_LIST, &guests_after, sizeof(guests_after), NULL, guests_known);
	else
		guests_then();
}

void look_at_guests(void (*then)(void))
{
	guests_then = then;
	guests_after = 0;
	verb_ask(CTL_LIST, &guests_after, sizeof(guests_after), NULL, guests_known);
}

static void guests_are_new(const void *body, uint32_t len)
{
	(void)body;
	(void)len;
	look_at_guests(guests_then);
}

void look_at_guests_anew(void (*then)(void))
{
	guests_then = then;
	verb_ask(CTL_REFRESH, NULL, 0, NULL, guests_are_new);
}

static struct {
	uint32_t after;
	void (*then)(bool ok);
} aside;

static bool aside_ask(void);

static void aside_known(void *ctx, int status, const void *body, uint32_t len)
{
	(void)ctx;
	if (status || !guests_take(body, len, &aside.after) || !aside_ask())
		aside.then(!status);
}

static bool aside_ask(void)
{
	return ask_send(&(struct ask){ .op = CTL_LIST,
		.body = &aside.after,
		.len = sizeof(aside.after),
		.fn = aside_known });
}

bool look_aside(void (*then)(bool ok))
{
	aside.after = 0;
	aside.then = then;
	return aside_ask();
}

const struct ctl_dom *look_dom(uint32_t domid)
{
	for (uint32_t i = 0; i < look.n; i++)
		if (look.dom[i].domid == domid)
			return &look.dom[i];
	return NULL;
}

const struct ctl_dom *look_find(const char *who)
{
	size_t digits = strspn(who, "0123456789");

	if (digits && !who[digits])
		return digits < 6 ? look_dom((uint32_t)strtoul(who, NULL, 10)) : NULL;
	for (uint32_t i = 0; i < look.n; i++)
		if (strcmp(look.dom[i].name, who) == 0)
			return &look.dom[i];
	return NULL;
}

bool look_is_host(const char *who)
{
	return strcmp(who, "0") == 0 || strcmp(who, "Domain-0") == 0;
}

const struct ctl_dom *look_domain(struct shell *sh, const char *who)
{
	const struct ctl_dom *d = look_find(who);

	if (!d)
		shell_fail(sh,
			"%.64s is an invalid domain identifier; `list` shows what there is\n",
			who);
	return d;
}

const struct ctl_dom *look_guest(struct shell *sh, const char *who)
{
	if (!look_is_host(who))
		return look_domain(sh, who);
	shell_fail(sh, "Domain-0 is the host itself; name a guest\n");
	return NULL;
}

/* ---- the host ---- */

static void (*host_then)(void);

static void system_known(const void *body, uint32_t len)
{
	(void)len;
	memcpy(&look_system, body, sizeof(look_system));
	if (look_system.n_cpus > CTL_CPUS_MAX)
		look_system.n_cpus = CTL_CPUS_MAX;
	host_then();
}

void look_at_system(void (*then)(void))
{
	host_then = then;
	verb_ask(CTL_SYSTEM, NULL, 0, NULL, system_known);
}

static void services_known(int status, const char *text)
{
	if (!status) {
		host_then();
		return;
	}
	shell_fail(the_shell, "init does not tell about domain %u of the host: %s\n",
		services.n, ask_error_text(status, text));
	shell_cut(the_shell);
}

void look_at_services(bool counted, void (*then)(void))
{
	host_then = then;
	shell_waits(the_shell, host_domains_leave);
	host_domains_ask(counted, services_known);
}
