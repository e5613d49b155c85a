/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * watch.c - watches and the events that they cause
 *
 * Objects     struct watch: a path and a token of one session. struct listener: all watches of
 *             one session on one path. struct watch_group: all listeners of one path, found by
 *             hash, so that a change looks only at its own ancestors. struct event: one change
 *             that a listener has not been told of. Its watches are told one after the other,
 *             so that firing costs the same for one watch as for a hundred.
 * Lifecycle   watch_add() to watch_remove(), which takes the watch's events with it. A listener
 *             lives as long as it has watches, a group as long as it has listeners.
 * Invariants  WATCH1 no two watches of a session have the same path and token
 *             WATCH2 an event is never lost: if there is no room for it, one event for each
 *                    watch, on the watch's own path, replaces all events of the listener
 *             WATCH3 a listener has no two equal events waiting, except if some of its watches
 *                    were already told of the first
 *             WATCH4 each event that waits is for at least one watch; cursor, if set, is a
 *                    watch that the first event (or first collapsed listener) is for
 */
#include <errno.h>
#include <string.h>

#include "store.h"

/*
 * FNV-1a. The hash of a path can be continued to that of a path below it, so one pass yields
 * the hashes of all ancestors.
 */
enum {
	HASH_START = 0x811c9dc5,
	HASH_PRIME = 0x01000193,
};

/* The lowest serial: an event from here on is for all watches. */
enum { SERIAL_FIRST = 1 };

static uint32_t hash_on(uint32_t hash, const char *bytes, size_t len)
{
	while (len--)
		hash = (hash ^ (uint8_t)*bytes++) * HASH_PRIME;
	return hash;
}

static uint32_t hash_of(const char *path, size_t len) { return hash_on(HASH_START, path, len); }

/* ---- watches ----------------------------------------------------------------------------- */

static struct watch_group *group_find(
	struct store *s, const char *path, size_t len, uint32_t hash)
{
	struct watch_group *g;

	HASH_FIND_BYHASHVALUE(hh, s->groups, path, len, hash, g);
	return g;
}

static struct watch_group *group_get(struct store *s, const char *path)
{
	size_t len = strlen(path);
	uint32_t hash = hash_of(path, len);
	struct watch_group *g = group_find(s, path, len, hash);

	if (g)
		return g;
	g = mem_alloc(sizeof(*g) + len + 1);
	if (!g)
		return NULL;
	memcpy(g->path, path, len + 1);
	TAILQ_INIT(&g->listeners);
	HASH_ADD_KEYPTR_BYHASHVALUE(hh, s->groups, g->path, len, hash, g);
	if (g->hh.tbl)
		return g;
	mem_free(g);
	return NULL;
}

static void group_put(struct store *s, struct watch_group *g)
{
	if (!TAILQ_EMPTY(&g->listeners))
		return;
	HASH_DELETE(hh, s->groups, g);
	mem_free(g);
}

static struct listener *listener_find(const struct watch_group *g, const struct session *sess)
{
	struct listener *l;

	TAILQ_FOREACH(l, &g->listeners, in_group)
		if (l->session == sess)
			return l;
	return NULL;
}

static struct listener *listener_get(struct store *s, struct session *sess, const char *path)
{
	struct watch_group *g = group_get(s, path);
	struct listener *l = g ? listener_find(g, sess) : NULL;

	if (l || !g)
		return l;
	l = mem_alloc(sizeof(*l));
	if (!l) {
		group_put(s, g);
		return NULL;
	}
	l->session = sess;
	l->group = g;
	TAILQ_INIT(&l->watches);
	TAILQ_INSERT_TAIL(&g->listeners, l, in_group);
	return l;
}

struct watch *watch_find(
	struct store *s, struct session *sess, const char *path, const char *token)
{
	size_t len = strlen(path);
	struct watch_group *g = group_find(s, path, len, hash_of(path, len));
	struct listener *l = g ? listener_find(g, sess) : NULL;
	struct watch *w;

	if (!l)
		return NULL;
	TAILQ_FOREACH(w, &l->watches, in_listener)
		if (!strcmp(w->token, token))
			return w;
	return NULL;
}

static int watch_reserve(struct store *s, struct session *sess, size_t cost)
{
	if (s->replaying) {
		session_charge_always(s, sess, cost);
		return 0;
	}
	if (session_limited(sess) && sess->n_watches >= s->quota.watches)
		return quota_refuse(s, sess->dom, QUOTA_WATCHES);
	return session_charge(s, sess, cost);
}

/*
 * Each watch pays for a listener and a group. The path of the group also stands for the path in
 * the journal, which is as long.
 */
static size_t watch_cost(const char *path, const char *token)
{
	return sizeof(struct watch) + sizeof(struct listener) + sizeof(struct watch_group) +
	       3 * MEM_BLOCK + strlen(path) + strlen(token) + 2;
}

int watch_add(struct store *s, struct session *sess, const char *path, const char *token,
	size_t base_len, struct watch **out)
{
	size_t cost = watch_cost(path, token);
	struct watch *w;
	int rc;

	if (watch_find(s, sess, path, token))
		return EEXIST;
	rc = watch_reserve(s, sess, cost);
	if (rc)
		return rc;
	w = mem_alloc(sizeof(*w) + strlen(token) + 1);
	if (!w)
		goto refund;
	w->listener = listener_get(s, sess, path);
	if (!w->listener)
		goto free_watch;
	strcpy(w->token, token);
	w->session = sess;
	w->serial = ++s->watch_serial;
	w->base_len = base_len;
	w->cost = cost;
	TAILQ_INSERT_TAIL(&w->listener->watches, w, in_listener);
	TAILQ_INSERT_TAIL(&sess->watches, w, in_session);
	sess->n_watches++;
	*out = w;
	return 0;
free_watch:
	mem_free(w);
refund:
	session_refund(s, sess, cost);
	return ENOMEM;
}

/* ---- events that wait -------------------------------------------------------------------- */

static void event_free(struct session *sess, struct event *e)
{
	if (e == TAILQ_FIRST(&sess->events))
		sess->cursor = NULL;
	TAILQ_REMOVE(&sess->events, e, link);
	sess->n_events--;
	sess->event_bytes -= e->size;
	mem_free(e);
}

/*
 * Drops the events of a listener that are for no watch with a serial up to `last`; 0 drops all
 * of them.
 */
static void events_drop(struct listener *l, uint64_t last)
{
	struct session *sess = l->session;
	struct event *e, *next;

	for (e = TAILQ_FIRST(&sess->events); e; e = next) {
		next = TAILQ_NEXT(e, link);
		if (e->listener == l && e->from > last)
			event_free(sess, e);
	}
}

static void uncollapse(struct listener *l)
{
	struct session *sess = l->session;

	if (!l->collapsed)
		return;
	TAILQ_REMOVE(&sess->collapsed, l, in_collapsed);
	sess->n_collapsed--;
	l->collapsed = false;
}

static void collapse(struct listener *l)
{
	struct session *sess = l->session;

	events_drop(l, 0);
	TAILQ_INSERT_TAIL(&sess->collapsed, l, in_collapsed);
	sess->n_collapsed++;
	l->collapsed = true;
}

void events_drop_all(struct session *sess)
{
	struct listener *l;

	while (!TAILQ_EMPTY(&sess->events))
		event_free(sess, TAILQ_FIRST(&sess->events));
	while ((l = TAILQ_FIRST(&sess->collapsed)))
		uncollapse(l);
	sess->cursor = NULL;
}

static void listener_put(struct store *s, struct listener *l)
{
	struct watch *last = TAILQ_LAST(&l->watches, watch_list);

	events_drop(l, last ? last->serial : 0);
	if (last)
		return;
	uncollapse(l);
	TAILQ_REMOVE(&l->group->listeners, l, in_group);
	group_put(s, l->group);
	mem_free(l);
}

/* `w` was told of the first event or, without events, of the first collapsed listener. */
static void cursor_advance(struct session *sess, struct watch *w)
{
	struct event *e = TAILQ_FIRST(&sess->events);

	sess->cursor = TAILQ_NEXT(w, in_listener);
	if (sess->cursor)
		return;
	if (e)
		event_free(sess, e);
	else
		uncollapse(w->listener);
}

void watch_remove(struct store *s, struct watch *w)
{
	struct session *sess = w->session;

	if (sess->cursor == w)
		cursor_advance(sess, w); /* WATCH4 */
	TAILQ_REMOVE(&w->listener->watches, w, in_listener);
	TAILQ_REMOVE(&sess->watches, w, in_session);
	sess->n_watches--;
	session_refund(s, sess, w->cost);
	listener_put(s, w->listener);
	mem_free(w);
}

/*
 * WATCH3. An event that some watches were told of does not count, because these would not be
 * told of the new change.
 */
static struct event *event_waiting(const struct listener *l, const char *path, uint32_t hash)
{
	const struct session *sess = l->session;
	struct event *e = TAILQ_FIRST(&sess->events);

	if (e && sess->cursor)
		e = TAILQ_NEXT(e, link);
	for (; e; e = TAILQ_NEXT(e, link))
		if (e->listener == l && e->hash == hash && !strcmp(e->path, path))
			return e;
	return NULL;
}

static bool event_fits(const struct store *s, const struct session *sess, size_t size)
{
	return sess->n_events < s->quota.events && size <= s->quota.event_bytes &&
	       sess->event_bytes <= s->quota.event_bytes - size;
}

/* Adds an event for all watches of the listener from serial `from` on. */
static void event_add(
	struct store *s, struct listener *l, const char *path, uint32_t hash, uint64_t from)
{
	struct session *sess = l->session;
	size_t len = strlen(path), size = sizeof(struct event) + len + 1;
	struct event *e;

	s->fired++;
	if (l->collapsed)
		return;
	e = event_waiting(l, path, hash);
	if (e) {
		e->from = e->from < from ? e->from : from;
		return;
	}
	e = event_fits(s, sess, size) ? mem_alloc(size) : NULL;
	if (!e) {
		collapse(l); /* WATCH2 */
		return;
	}
	e->listener = l;
	e->from = from;
	e->hash = hash;
	e->size = size;
	memcpy(e->path, path, len + 1);
	if (TAILQ_EMPTY(&sess->events))
		sess->cursor = NULL; /* a collapsed listener that was partly told restarts */
	TAILQ_INSERT_TAIL(&sess->events, e, link);
	sess->n_events++;
	sess->event_bytes += size;
}

void watch_fire_one(struct store *s, struct watch *w)
{
	const char *path = w->listener->group->path;

	event_add(s, w->listener, path, hash_of(path, strlen(path)), w->serial);
}

/* ---- changes ----------------------------------------------------------------------------- */

/* The node at a path before and after a change, and its parent. */
struct changed {
	const char *path;
	uint32_t hash;
	const struct data *before, *after, *parent;
};

static bool readable(const struct session *sess, const char *path, const struct data *data)
{
	return data && (perm_bits(sess, path, data) & PERM_READ);
}

/*
 * Decided once for each session and change, no matter how many of its watches the change
 * concerns.
 */
static bool fire_permitted(struct store *s, struct session *sess, const struct changed *c)
{
	if (sess->fire_serial != s->fire_serial) {
		sess->fire_serial = s->fire_serial;
		sess->fire_permitted = readable(sess, c->path, c->before) ||
				       readable(sess, c->path, c->after) ||
				       readable(sess, c->path, c->parent);
	}
	return sess->fire_permitted;
}

static void group_fire(struct store *s, size_t len, uint32_t hash, const struct changed *c)
{
	struct watch_group *g = group_find(s, c->path, len, hash);
	struct listener *l;

	if (!g)
		return;
	TAILQ_FOREACH(l, &g->listeners, in_group)
		if (fire_permitted(s, l->session, c))
			event_add(s, l, c->path, c->hash, SERIAL_FIRST);
}

static void fire_removed(
	struct store *s, struct node *node, char *path, size_t len, uint32_t hash)
{
	struct children at = { .dir = node };
	size_t base = len == 1 ? 0 : len;
	struct node *child;

	while ((child = children_next(&at))) {
		struct changed c = { path, 0, child->data, NULL, node->data };
		size_t end = base + 1 + child->data->name_len;

		path[base] = '/';
		memcpy(path + base + 1, data_name(child->data), child->data->name_len + 1);
		c.hash = hash_on(hash, path + base, end - base);
		s->fire_serial++;
		group_fire(s, end, c.hash, &c);
		fire_removed(s, child, path, end, c.hash);
	}
	path[len] = '\0';
}

/* The lengths and hashes of a path and of all its ancestors except "/", shortest first. */
struct line {
	unsigned int n;
	size_t len[PATH_DEPTH_MAX];
	uint32_t hash[PATH_DEPTH_MAX];
};

static void line_trace(struct line *line, const char *path)
{
	size_t at = 0, end;
	uint32_t hash = HASH_START;

	for (line->n = 0; path[at] && path[1] && line->n < PATH_DEPTH_MAX; line->n++) {
		end = at + 1 + path_name_len(path + at + 1);
		hash = hash_on(hash, path + at, end - at);
		line->len[line->n] = end;
		line->hash[line->n] = hash;
		at = end;
	}
}

static const struct data *data_at(struct node *root, const char *path, size_t len)
{
	char part[PATH_SIZE];
	struct node *node;

	memcpy(part, path, len);
	part[len] = '\0';
	node = tree_find(root, part);
	return node ? node->data : NULL;
}

/* Fires for the node itself and for all its ancestors. */
static void changed_fire(struct store *s, struct changed *c)
{
	struct line line;

	line_trace(&line, c->path);
	c->hash = line.n ? line.hash[line.n - 1] : hash_of(c->path, 1);
	s->fire_serial++;
	for (unsigned int i = line.n; i--;)
		group_fire(s, line.len[i], line.hash[i], c);
	group_fire(s, 1, hash_of("/", 1), c);
}

void watch_fire(struct store *s, struct node *before, struct node *after, const char *path)
{
	struct node *old = tree_find(before, path);
	size_t len = strlen(path), parent = path_parent_len(path);
	struct changed c = { path, 0, old ? old->data : NULL, data_at(after, path, len), NULL };

	if (!s->groups || (!c.before && !c.after))
		return;
	c.parent = parent ? data_at(after, path, parent) : NULL;
	changed_fire(s, &c);
	if (c.before && !c.after) {
		char buf[PATH_SIZE];

		memcpy(buf, path, len + 1);
		fire_removed(s, old, buf, len, c.hash);
	}
}

/* A node as a change that may be news. */
static int fire_node(void *ctx, const struct diff *diff)
{
	size_t parent = path_parent_len(diff->path);
	struct store *s = ctx;
	struct changed c = { .path = diff->path, .after = diff->after };

	c.parent = parent ? data_at(s->root, diff->path, parent) : NULL;
	changed_fire(s, &c);
	return 0;
}

void watch_fire_all(struct store *s)
{
	struct session *sess;
	struct watch *w;

	TAILQ_FOREACH(sess, &s->sessions, link)
		TAILQ_FOREACH(w, &sess->watches, in_session)
			watch_fire_one(s, w);
	if (s->groups)
		tree_diff(NULL, s->root, fire_node, s);
}

void watch_fire_special(struct store *s, enum special which)
{
	const struct data *data = s->special[which];
	uint32_t hash = hash_of(data_name(data), data->name_len);
	struct changed c = { data_name(data), hash, data, NULL, NULL };

	s->fire_serial++;
	group_fire(s, data->name_len, hash, &c);
}

/* ---- out --------------------------------------------------------------------------------- */

/* The watch that the next event is for, and the path that the event reports. */
static struct watch *event_next(struct session *sess, const char **path)
{
	struct event *e = TAILQ_FIRST(&sess->events);
	struct listener *l = e ? e->listener : TAILQ_FIRST(&sess->collapsed);
	struct watch *w;

	if (!l)
		return NULL;
	w = sess->cursor ? sess->cursor : TAILQ_FIRST(&l->watches);
	while (e && w->serial < e->from)
		w = TAILQ_NEXT(w, in_listener); /* WATCH4 */
	*path = e ? e->path : l->group->path;
	/*
	 * An event that is too long for a message is reported at the watch's own path, which
	 * fits because it came in a message.
	 */
	if (strlen(*path) - w->base_len + strlen(w->token) + 2 > XENSTORE_PAYLOAD_MAX)
		*path = l->group->path;
	return w;
}

bool event_peek(struct session *sess, const char **path, const char **token)
{
	struct watch *w = event_next(sess, path);

	if (!w)
		return false;
	*path += w->base_len;
	*token = w->token;
	return true;
}

void event_pop(struct session *sess)
{
	const char *path;
	struct watch *w = event_next(sess, &path);

	if (w)
		cursor_advance(sess, w);
}
