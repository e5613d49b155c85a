/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * domtab.c - guests: identities, states, and what follows when one shuts down
 *
 * Objects     struct dom in a fixed table; a queue of actions.
 * Lifecycle   dom_add -> dom_started -> dom_ready -> (dom_down) -> DYING -> LEAVING -> dom_gone
 *             -> (RESTING, until it is created again).
 * Invariants  DOMTAB1 states change only in dom_set_state(), along legal_moves
 *             DOMTAB2 names are unique
 *             DOMTAB3 a configuration has one owner: an entry, an action, or the caller
 *             DOMTAB4 the queue has room: an event queues at most two actions per guest, and
 *                     the loop empties the queue after each event
 *             DOMTAB5 `order` lists the entries that are not FREE, by domid
 */
#include "guest/domtab.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "guest/restart.h"

#define X(s) #s,
static const char *const state_names[] = { DOM_STATES(X) };
#undef X

#define M(s) (1u << DOM_##s)
static const uint8_t legal_moves[DOM_STATE_COUNT] = {
	[DOM_FREE] = M(BUILDING),
	[DOM_BUILDING] = M(LIVE) | M(DYING) | M(LEAVING) | M(FREE) | M(RESTING),
	[DOM_LIVE] = M(DOWN) | M(DYING) | M(LEAVING),
	[DOM_DOWN] = M(LIVE) | M(DYING) | M(LEAVING),
	[DOM_DYING] = M(LEAVING),
	[DOM_LEAVING] = M(FREE) | M(RESTING),
	[DOM_RESTING] = M(FREE),
};
#undef M

static void dom_set_state(struct dom *d, enum dom_state to)
{
	if (!(legal_moves[d->state] & 1u << to)) {
		fprintf(stderr, "guest %u cannot go from %s to %s\n", d->domid,
			state_names[d->state], state_names[to]);
		abort(); /* DOMTAB1 */
	}
	d->state = to;
}

static void queue_action(struct domtab *t, struct dom_action a)
{
	if (t->n_queued == DOMTAB_ACTIONS) {
		fprintf(stderr, "queue of actions is full\n");
		abort(); /* DOMTAB4 */
	}
	t->queue[(t->head + t->n_queued++) % DOMTAB_ACTIONS] = a;
}

static void queue_for(struct domtab *t, enum dom_do what, uint32_t domid)
{
	queue_action(t, (struct dom_action){ .what = what, .domid = domid });
}

static void queue_create(struct domtab *t, const struct dom *d)
{
	queue_action(t, (struct dom_action){ .what = DO_CREATE,
				.domid = d->domid,
				.config = d->next ? d->next : d->config,
				.short_lives = d->short_lives });
}

static void __attribute__((format(printf, 3, 4)))
guest_say(const struct domtab *t, const struct dom *d, const char *fmt, ...)
{
	char line[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	t->env->log(d->domid, line);
}

bool domtab_next_action(struct domtab *t, struct dom_action *a)
{
	if (!t->n_queued)
		return false;
	*a = t->queue[t->head];
	t->head = (t->head + 1) % DOMTAB_ACTIONS;
	t->n_queued--;
	return true;
}

void domtab_init(struct domtab *t, const struct domtab_env *env)
{
	memset(t, 0, sizeof(*t));
	t->env = env;
}

void domtab_fini(struct domtab *t)
{
	struct dom_action a;

	while (domtab_next_action(t, &a))
		free(a.config);
	for (size_t i = 0; i < DOMTAB_MAX; i++) {
		free(t->dom[i].config);
		free(t->dom[i].next);
	}
	memset(t->dom, 0, sizeof(t->dom));
	t->n_doms = 0;
}

/* How many guests have a domid up to this one. */
static uint32_t order_up_to(const struct domtab *t, uint32_t domid)
{
	uint32_t low = 0, high = t->n_doms;

	while (low < high) {
		uint32_t middle = (low + high) / 2;

		if (t->dom[t->order[middle]].domid <= domid)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* DOMTAB5 */
static void order_add(struct domtab *t, struct dom *d)
{
	uint32_t at = order_up_to(t, d->domid);

	memmove(&t->order[at + 1], &t->order[at], (t->n_doms++ - at) * sizeof(t->order[0]));
	t->order[at] = (uint16_t)(d - t->dom);
}

/* DOMTAB5 */
static void order_remove(struct domtab *t, struct dom *d)
{
	uint32_t behind = order_up_to(t, d->domid);

	memmove(&t->order[behind - 1], &t->order[behind],
		(t->n_doms-- - behind) * sizeof(t->order[0]));
}

struct dom *domtab_get(struct domtab *t, uint32_t domid)
{
	uint32_t n = order_up_to(t, domid);
	struct dom *d = n ? &t->dom[t->order[n - 1]] : NULL;

	if (!d || d->domid != domid)
		return NULL;
	dom_touch(d);
	return d;
}

struct dom *domtab_look(struct domtab *t, uint32_t domid)
{
	uint32_t n = t->next;

	/* where the last call ended, if that call was for the one before */
	if (!n || n > t->n_doms || t->dom[t->order[n - 1]].domid != domid)
		n = order_up_to(t, domid);
	t->next = n + 1;
	return n < t->n_doms ? &t->dom[t->order[n]] : NULL;
}

struct dom *domtab_next(struct domtab *t, uint32_t domid)
{
	struct dom *d = domtab_look(t, domid);

	if (d)
		dom_touch(d);
	return d;
}

struct dom *domtab_named(struct domtab *t, const char *name)
{
	struct dom *d = domtab_look(t, 0);

	while (d && strcmp(d->name, name) != 0)
		d = domtab_look(t, d->domid);
	return d ? domtab_get(t, d->domid) : NULL;
}

/* The next free id after the last one, so that a number is not used again soon. */
static uint32_t new_domid(struct domtab *t)
{
	do
		t->last_domid = t->last_domid + 1 < DOMID_RESERVED ? t->last_domid + 1 : 1;
	while (domtab_get(t, t->last_domid));
	return t->last_domid;
}

/* NULL with *m: there is none, or it would not outlive control. */
static struct dom *entry_find_free(struct domtab *t, struct msg *m)
{
	uint32_t i = 0;

	while (i < DOMTAB_MAX && t->dom[i].state != DOM_FREE)
		i++;
	if (i == DOMTAB_MAX)
		msg_fail(m, "there are %d guests already, which is the limit; destroy one",
			DOMTAB_MAX);
	else if (t->env->places && t->env->places(i + 1) <= i)
		msg_fail(m,
			"not enough free memory: control needs some to remember more than %u guests; lower memory= or destroy a guest",
			i);
	else
		return &t->dom[i];
	return NULL;
}

static bool uuid_in_use(struct domtab *t, const uint8_t *uuid)
{
	for (struct dom *d = domtab_look(t, 0); d; d = domtab_look(t, d->domid))
		if (memcmp(d->uuid, uuid, UUID_SIZE) == 0)
			return true;
	return false;
}

/*
 * The switch would refuse a second port with the same address. Here the message can name the
 * guest that has the address.
 */
int domtab_mac_check(struct domtab *t, const struct vif_spec *v, struct msg *m)
{
	char mac[VIF_MAC_TEXT];

	for (struct dom *d = domtab_look(t, 0); d; d = domtab_look(t, d->domid)) {
		for (uint32_t k = 0; k < d->config->n_vifs; k++) {
			if (memcmp(v->mac, d->config->vifs[k].mac, VIF_MAC_SIZE) != 0)
				continue;
			vif_mac_format(v->mac, mac);
			return msg_fail(m,
				"vif %d: domain %u (%s) has mac=%s already, as its vif %d; give another address with mac=",
				v->devid < 0 ? 0 : v->devid, d->domid, d->name, mac,
				d->config->vifs[k].devid);
		}
	}
	return 0;
}

static int macs_check(struct domtab *t, const struct guest_config *config, struct msg *m)
{
	int rc = 0;

	for (uint32_t i = 0; !rc && i < config->n_vifs; i++)
		rc = domtab_mac_check(t, &config->vifs[i], m);
	return rc;
}

static void entry_new(struct domtab *t, struct dom *d, struct guest_config *config)
{
	*d = (struct dom){ .state = DOM_FREE, .domid = new_domid(t), .config = config };
	strcpy(d->name, config->name);
	memcpy(d->uuid, config->uuid, UUID_SIZE);
	dom_set_state(d, DOM_BUILDING);
	order_add(t, d);
}

struct dom *dom_add(struct domtab *t, struct guest_config *config, struct msg *m)
{
	struct dom *d;

	if (t->stopping != HOST_UP)
		msg_fail(m, "the host is being stopped; no guest can be created");
	else if (domtab_named(t, config->name))
		msg_fail(m, "a domain named '%s' exists already; give another with name=",
			config->name);
	else if (uuid_in_use(t, config->uuid))
		msg_fail(
			m, "a domain with this uuid exists already; remove uuid= or change it");
	else if (macs_check(t, config, m))
		return NULL;
	else if ((d = entry_find_free(t, m)) != NULL) {
		entry_new(t, d, config);
		return d;
	}
	return NULL;
}

/* Nothing of the guest is left, except perhaps its configuration. */
static void entry_end(struct domtab *t, struct dom *d)
{
	order_remove(t, d);
	dom_set_state(d, DOM_FREE);
	free(d->config);
	free(d->next);
	d->config = d->next = NULL;
	t->some_free = true;
}

void dom_drop(struct domtab *t, struct dom *d) { entry_end(t, d); }

struct dom *dom_adopt(struct domtab *t, uint32_t place, const struct dom *as)
{
	struct dom *d = &t->dom[place];

	if (d->state != DOM_FREE || domtab_get(t, as->domid) || domtab_named(t, as->name))
		return NULL; /* DOMTAB2 */
	*d = *as;            /* DOMTAB1: another life of control made the moves to this state */
	dom_touch(d);
	order_add(t, d);
	return d;
}

void dom_started(struct dom *d) { d->has_vmm = true; }

void domtab_stop_waiting(struct domtab *t)
{
	if (t->stopping == HOST_UP || t->power_queued)
		return;
	t->power_queued = true;
	queue_for(t, DO_POWER, 0);
}

static void power_if_empty(struct domtab *t)
{
	if (!domtab_next(t, 0))
		domtab_stop_waiting(t);
}

static void entry_free(struct domtab *t, struct dom *d)
{
	entry_end(t, d);
	power_if_empty(t);
}

/* Begin the end of a guest, whatever state it is in. No effect if its end has begun. */
static void guest_end(struct domtab *t, struct dom *d)
{
	if (d->state == DOM_RESTING) {
		queue_for(t, DO_NOTE_GONE, d->domid);
		entry_free(t, d);
		return;
	}
	if (d->state == DOM_DYING || d->state == DOM_LEAVING)
		return;
	dom_set_state(d, d->has_vmm ? DOM_DYING : DOM_LEAVING);
	queue_for(t, d->has_vmm ? DO_QUIESCE : DO_TEARDOWN, d->domid);
}

static void guest_stop_now(struct domtab *t, struct dom *d)
{
	d->restart = false;
	guest_end(t, d);
}

static void guest_stop_asking(struct domtab *t, struct dom *d)
{
	if (d->state != DOM_LIVE) {
		guest_stop_now(t, d);
		return;
	}
	if (d->paused)
		queue_for(t, DO_UNPAUSE, d->domid);
	queue_for(t, DO_ASK_DOWN, d->domid);
}

static enum guest_action shutdown_action(struct domtab *t, const struct dom *d)
{
	switch (d->reason) {
	case REASON_POWEROFF:
		return d->config->on_poweroff;
	case REASON_REBOOT:
		return d->config->on_reboot;
	case REASON_CRASH:
		return d->config->on_crash;
	case REASON_SUSPEND:
		return ACTION_PRESERVE;
	case REASON_WATCHDOG:
		return d->config->on_watchdog;
	default:
		guest_say(t, d, "Unknown shutdown reason code %u. Destroying domain.\n",
			d->reason);
		return ACTION_DESTROY;
	}
}

static bool dumps(enum guest_action a)
{
	return a == ACTION_COREDUMP_DESTROY || a == ACTION_COREDUMP_RESTART;
}

void dom_resume(struct domtab *t, struct dom *d, bool damaged, uint64_t wall_seconds)
{
	switch (d->state) {
	case DOM_BUILDING:
		d->restart = d->again;
		guest_end(t, d);
		break;
	case DOM_LIVE:
	case DOM_DOWN:
		if (damaged)
			guest_stop_now(t, d);
		else if (d->state == DOM_LIVE && !d->has_vmm)
			dom_vmm_died(t, d, wall_seconds);
		else if (d->state == DOM_DOWN && dumps(shutdown_action(t, d)))
			dom_dumped(t, d); /* what was written so far is no core */
		else
			queue_for(t, DO_RENAME, d->domid); /* if xenstore was not told */
		break;
	case DOM_DYING:
		if (d->has_vmm)
			queue_for(t, DO_QUIESCE, d->domid);
		else
			dom_quiesced(t, d);
		break;
	case DOM_LEAVING:
		queue_for(t, DO_TEARDOWN, d->domid);
		break;
	default:
		break;
	}
}

void dom_ready(struct domtab *t, struct dom *d, bool paused)
{
	if (d->state != DOM_BUILDING)
		return;
	dom_set_state(d, DOM_LIVE);
	d->paused = paused;
	d->born_ns = t->env->now_ns();
	if (t->stopping != HOST_UP)
		guest_stop_asking(t, d);
}

void dom_failed(struct domtab *t, struct dom *d)
{
	if (d->state == DOM_BUILDING)
		guest_end(t, d);
}

static void guest_restart(struct domtab *t, struct dom *d)
{
	d->restart = t->stopping == HOST_UP;
	guest_end(t, d);
}

/* NAME-20260102T0304Z, as long as it fits. */
static int preserved_name(
	const struct dom *d, uint64_t wall_seconds, char name[GUEST_NAME_MAX + 1])
{
	time_t now = (time_t)wall_seconds;
	char suffix[32];
	struct tm tm;

	if (!gmtime_r(&now, &tm) || !strftime(suffix, sizeof(suffix), "-%Y%m%dT%H%MZ", &tm))
		return -1;
	snprintf(name, GUEST_NAME_MAX + 1, "%.*s%s", (int)(GUEST_NAME_MAX - strlen(suffix)),
		d->name, suffix);
	return 0;
}

/* The guest is created again when its time comes, perhaps at once. */
static void guest_rest(struct domtab *t, struct dom *d)
{
	dom_set_state(d, DOM_RESTING);
	d->has_vmm = d->paused = d->restart = false;
	d->due_ns = t->env->now_ns() + restart_pause_s(d->short_lives) * 1000000000ull;
}

int dom_rest(struct domtab *t, struct guest_config *config, uint32_t short_lives)
{
	struct msg m;
	struct dom *d = entry_find_free(t, &m);

	if (!d || t->stopping != HOST_UP)
		return -1;
	entry_new(t, d, config);
	d->short_lives = short_lives;
	guest_rest(t, d);
	d->due_ns += 1000000000ull;
	return 0;
}

/* Keep the old guest under another name, and start a new one. */
static void rename_restart(struct domtab *t, struct dom *d, uint64_t wall_seconds)
{
	char name[GUEST_NAME_MAX + 1];
	struct guest_config *copy;
	struct dom *next;
	struct msg m;

	if (t->stopping != HOST_UP) {
		guest_end(t, d);
		return;
	}
	next = entry_find_free(t, &m);
	copy = next ? malloc(sizeof(*copy)) : NULL;
	if (!copy || preserved_name(d, wall_seconds, name) || domtab_named(t, name)) {
		free(copy);
		guest_say(t, d, "Domain %u cannot be renamed; it is kept as %s\n", d->domid,
			d->name);
		return;
	}
	*copy = d->next ? *d->next : *d->config;
	guest_say(t, d, "Preserving domain %u %s as %s\n", d->domid, d->name, name);
	strcpy(d->name, name); /* DOMTAB2 */
	uuid_make_random(d->uuid, t->env->random);
	queue_for(t, DO_RENAME, d->domid);
	entry_new(t, next, copy); /* DOMTAB3 */
	next->short_lives = d->short_lives;
	guest_rest(t, next);
}

static bool starts_anew(enum guest_action a)
{
	return a == ACTION_RESTART || a == ACTION_RENAME_RESTART ||
	       a == ACTION_COREDUMP_RESTART;
}

static bool restarts_too_often(struct domtab *t, struct dom *d)
{
	uint32_t pause;

	d->short_lives = restart_count(d->short_lives, t->env->now_ns() - d->born_ns);
	pause = restart_pause_s(d->short_lives);
	if (pause == RESTART_NEVER)
		guest_say(t, d,
			"Domain %u (%s) ended %u times in a row within %d s of its start: it is not started again\n",
			d->domid, d->name, d->short_lives, RESTART_LIFE_S);
	else if (pause)
		guest_say(t, d,
			"Domain %u (%s) ended %u times in a row within %d s of its start: it is started again %u s later\n",
			d->domid, d->name, d->short_lives, RESTART_LIFE_S, pause);
	return pause == RESTART_NEVER;
}

/* The guest stays as it is until dom_dumped(). */
static void guest_dump(struct domtab *t, struct dom *d)
{
	if (d->has_vmm && d->config->core_label[0]) {
		queue_for(t, DO_DUMP, d->domid);
		return;
	}
	guest_say(t, d,
		"Domain %u: no core is written without a VMM and a partition; name one in /guests/names.map: disk /var/lib/xen/dump/%s PARTITION\n",
		d->domid, d->config->name);
	guest_end(t, d);
}

void dom_dumped(struct domtab *t, struct dom *d)
{
	if (d && d->state == DOM_DOWN)
		guest_end(t, d);
}

static void shutdown_action_run(struct domtab *t, struct dom *d, uint64_t wall_seconds)
{
	enum guest_action a = shutdown_action(t, d);

	if (d->reason == REASON_SUSPEND)
		guest_say(t, d, "Domain %u has been suspended.\n", d->domid);
	else
		guest_say(t, d, "Domain %u has shut down, reason code %u: action is %s\n",
			d->domid, d->reason, guest_action_name(a));
	if (starts_anew(a) && restarts_too_often(t, d))
		a = a == ACTION_RENAME_RESTART     ? ACTION_PRESERVE
		    : a == ACTION_COREDUMP_RESTART ? ACTION_COREDUMP_DESTROY
						   : ACTION_DESTROY;
	switch (a) {
	case ACTION_COREDUMP_DESTROY:
	case ACTION_COREDUMP_RESTART:
		d->restart = a == ACTION_COREDUMP_RESTART && t->stopping == HOST_UP;
		guest_dump(t, d);
		break;
	case ACTION_RESTART:
		guest_restart(t, d);
		break;
	case ACTION_RENAME_RESTART:
		rename_restart(t, d, wall_seconds);
		break;
	case ACTION_PRESERVE:
		if (t->stopping != HOST_UP)
			guest_end(t, d);
		break;
	case ACTION_DESTROY:
	default:
		guest_end(t, d);
		break;
	}
}

void dom_down(struct domtab *t, struct dom *d, uint32_t reason, uint64_t wall_seconds)
{
	if (d->state != DOM_LIVE)
		return;
	dom_set_state(d, DOM_DOWN);
	d->paused = false;
	d->reason = reason;
	queue_for(t, DO_NOTE_DOWN, d->domid);
	shutdown_action_run(t, d, wall_seconds);
}

bool dom_suspended(const struct dom *d)
{
	return d->state == DOM_DOWN && d->reason == REASON_SUSPEND && d->has_vmm;
}

void dom_unsuspended(struct dom *d, bool paused)
{
	dom_set_state(d, DOM_LIVE);
	d->reason = REASON_POWEROFF;
	d->paused = paused;
}

void dom_vmm_died(struct domtab *t, struct dom *d, uint64_t wall_seconds)
{
	d->has_vmm = false;
	switch (d->state) {
	case DOM_LIVE:
		dom_down(t, d, REASON_CRASH, wall_seconds);
		break;
	case DOM_BUILDING:
		guest_end(t, d);
		break;
	case DOM_DOWN:
		if (d->reason != REASON_SUSPEND)
			break; /* it was to stay as it is */
		d->reason = REASON_CRASH;
		shutdown_action_run(t, d, wall_seconds);
		break;
	case DOM_DYING:
		dom_quiesced(t, d);
		break;
	default:
		break;
	}
}

void dom_quiesced(struct domtab *t, struct dom *d)
{
	if (d->state != DOM_DYING)
		return;
	dom_set_state(d, DOM_LEAVING);
	queue_for(t, DO_TEARDOWN, d->domid);
}

void dom_gone(struct domtab *t, struct dom *d)
{
	queue_for(t, DO_NOTE_GONE, d->domid);
	if (d->restart && t->stopping == HOST_UP)
		guest_rest(t, d);
	else
		entry_free(t, d);
}

uint64_t domtab_due(struct domtab *t)
{
	uint64_t now = t->env->now_ns(), next = UINT64_MAX;

	for (struct dom *d = domtab_look(t, 0); d; d = domtab_look(t, d->domid)) {
		if (d->state != DOM_RESTING)
			continue;
		if (d->due_ns <= now) {
			queue_create(t, d);
			*(d->next ? &d->next : &d->config) = NULL; /* DOMTAB3 */
			entry_free(t, d);
		} else if (d->due_ns < next) {
			next = d->due_ns;
		}
	}
	return next;
}

void dom_reboot_asked(struct dom *d) { d->short_lives = 0; }

void dom_destroy(struct domtab *t, struct dom *d) { guest_stop_now(t, d); }

int dom_rename(struct domtab *t, struct dom *d, const char *name, struct msg *m)
{
	if (guest_name_check(name, m))
		return -1;
	if (domtab_named(t, name))
		return msg_fail(
			m, "a domain named '%s' exists already; choose another name", name);
	strcpy(d->name, name);
	strcpy(d->config->name, name); /* a restart keeps the new name */
	if (d->next)
		strcpy(d->next->name, name);
	d->config_kept = false;
	if (d->state != DOM_RESTING)
		queue_for(t, DO_RENAME, d->domid);
	return 0;
}

void dom_update(struct dom *d, struct guest_config *config)
{
	strcpy(config->name, d->config->name);
	memcpy(config->uuid, d->config->uuid, UUID_SIZE);
	free(d->next);
	d->next = config;
}

static void stop_all(
	struct domtab *t, enum host_stop how, void (*stop)(struct domtab *t, struct dom *d))
{
	t->stopping = how;
	for (struct dom *d = domtab_next(t, 0); d; d = domtab_next(t, d->domid))
		stop(t, d);
	power_if_empty(t);
}

void domtab_stop_host(struct domtab *t, enum host_stop how)
{
	stop_all(t, how, guest_stop_asking);
}

void domtab_stop_host_now(struct domtab *t, enum host_stop how)
{
	stop_all(t, how, guest_stop_now);
}

void wait_add(struct dom_wait *w, uint32_t domid)
{
	if (w->n == DOMTAB_MAX)
		return;
	w->dom[w->n].domid = domid;
	w->dom[w->n++].down = false;
}

static uint32_t wait_find(const struct dom_wait *w, uint32_t domid)
{
	uint32_t i = 0;

	while (i < w->n && w->dom[i].domid != domid)
		i++;
	return i;
}

bool wait_has(const struct dom_wait *w, uint32_t domid) { return wait_find(w, domid) < w->n; }

enum wait_news wait_note(struct dom_wait *w, const struct dom_action *a, bool stays)
{
	bool down = a->what == DO_NOTE_DOWN && !w->gone_only, told;
	uint32_t i = wait_find(w, a->domid);

	if (i == w->n || (!down && a->what != DO_NOTE_GONE))
		return WAIT_NO_NEWS;
	told = w->dom[i].down;
	w->dom[i].down = true;
	if (!down || stays)
		w->dom[i] = w->dom[--w->n];
	if (told)
		return WAIT_NO_NEWS;
	return down ? WAIT_DOWN : WAIT_GONE;
}
