/*
 * watch.c - watches and the events that they cause
 *
 * Objects     struct watch: a path and a token of one session. struct watch_group: the watches on one path,
 *             found by hash, so that a change looks only at its own ancestors. struct event: one change that a
 *             session has not been told yet.
 * Locks       none; the service is one thread.
 * Lifecycle   watch_add() to watch_remove(), which takes the watch's events with it. A group lives as long as
 *             it has watches.
 * Invariants  V1 no two watches of a session have the same path and token   V2 an event is never lost: where
 *             there is no room, all events of its watch become one event on the watch's own path
 *             V3 equal events of one watch wait only once
 */
#include <errno.h>
#include <string.h>

#include "store.h"

static struct watch_group *group_get(struct store *s, const char *path)
{
	size_t len = strlen(path);
	struct watch_group *g;

	HASH_FIND(hh, s->groups, path, len, g);
	if (g)
		return g;
	g = mem_alloc(sizeof(*g) + len + 1);
	if (!g)
		return NULL;
	memcpy(g->path, path, len + 1);
	TAILQ_INIT(&g->watches);
	HASH_ADD_KEYPTR(hh, s->groups, g->path, len, g);
	if (g->hh.tbl)
		return g;
	mem_free(g);
	return NULL;
}

static void group_put(struct store *s, struct watch_group *g)
{
	if (!TAILQ_EMPTY(&g->watches))
		return;
	HASH_DELETE(hh, s->groups, g);
	mem_free(g);
}

struct watch *watch_find(
	struct store *s, struct session *sess, const char *path, const char *token)
{
	struct watch_group *g;
	struct watch *w;

	HASH_FIND(hh, s->groups, path, strlen(path), g);
	if (!g)
		return NULL;
	TAILQ_FOREACH(w, &g->watches, in_group)
		if (w->session == sess && !strcmp(w->token, token))
			return w;
	return NULL;
}

static int watch_reserve(struct store *s, struct session *sess, size_t cost)
{
	if (!session_limited(sess))
		return 0;
	if (!s->replaying && sess->n_watches >= s->quota.watches)
		return E2BIG;
	return domain_charge(s, sess->dom, cost);
}

int watch_add(struct store *s, struct session *sess, const char *path, const char *token,
	size_t base_len, struct watch **out)
{
	size_t cost = sizeof(struct watch) + sizeof(struct watch_group) + strlen(path) +
		      strlen(token) + 2;
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
	w->group = group_get(s, path);
	if (!w->group)
		goto free_watch;
	strcpy(w->token, token);
	w->session = sess;
	w->base_len = base_len;
	w->cost = session_limited(sess) ? cost : 0;
	TAILQ_INSERT_TAIL(&w->group->watches, w, in_group);
	TAILQ_INSERT_TAIL(&sess->watches, w, in_session);
	sess->n_watches++;
	*out = w;
	return 0;
free_watch:
	mem_free(w);
refund:
	if (session_limited(sess))
		domain_refund(sess->dom, cost);
	return ENOMEM;
}

static void event_free(struct session *sess, struct event *e)
{
	TAILQ_REMOVE(&sess->events, e, link);
	sess->n_events--;
	sess->event_bytes -= e->size;
	mem_free(e);
}

static void events_drop(struct watch *w)
{
	struct session *sess = w->session;
	struct event *e, *next;

	for (e = TAILQ_FIRST(&sess->events); e; e = next) {
		next = TAILQ_NEXT(e, link);
		if (e->watch == w)
			event_free(sess, e);
	}
	sess->n_collapsed -= w->collapsed;
	w->collapsed = false;
}

void watch_remove(struct store *s, struct watch *w)
{
	events_drop(w);
	TAILQ_REMOVE(&w->group->watches, w, in_group);
	TAILQ_REMOVE(&w->session->watches, w, in_session);
	w->session->n_watches--;
	domain_refund(w->session->dom, w->cost);
	group_put(s, w->group);
	mem_free(w);
}

static void watch_collapse(struct watch *w)
{
	events_drop(w);
	w->collapsed = true;
	w->session->n_collapsed++;
}

static bool event_waits(const struct watch *w, const char *path)
{
	const struct event *e;

	TAILQ_FOREACH(e, &w->session->events, link)
		if (e->watch == w && !strcmp(e->path, path))
			return true;
	return false;
}

static void event_add(struct store *s, struct watch *w, const char *path)
{
	struct session *sess = w->session;
	size_t len = strlen(path), size = sizeof(struct event) + len + 1;
	struct event *e;

	if (w->collapsed || event_waits(w, path)) /* V3 */
		return;
	if (len - w->base_len + strlen(w->token) + 2 > XENSTORE_PAYLOAD_MAX ||
		sess->n_events >= s->quota.events ||
		size > s->quota.event_bytes - sess->event_bytes) {
		watch_collapse(w); /* V2 */
		return;
	}
	e = mem_alloc(size);
	if (!e) {
		watch_collapse(w); /* V2 */
		return;
	}
	e->watch = w;
	e->size = size;
	memcpy(e->path, path, len + 1);
	TAILQ_INSERT_TAIL(&sess->events, e, link);
	sess->n_events++;
	sess->event_bytes += size;
}

void watch_fire_one(struct store *s, struct watch *w) { event_add(s, w, w->group->path); }

/* The node at a path before and after a change, and what is above it. */
struct changed {
	const char *path;
	const struct data *before, *after, *parent;
};

static bool readable(const struct session *sess, const char *path, const struct data *data)
{
	return data && (perm_bits(sess, path, data) & PERM_READ);
}

static bool watch_permitted(const struct session *sess, const struct changed *c)
{
	return readable(sess, c->path, c->before) || readable(sess, c->path, c->after) ||
	       readable(sess, c->path, c->parent);
}

static void group_fire(struct store *s, const char *path, size_t len, const struct changed *c)
{
	struct watch_group *g;
	struct watch *w;

	HASH_FIND(hh, s->groups, path, len, g);
	if (!g)
		return;
	TAILQ_FOREACH(w, &g->watches, in_group)
		if (watch_permitted(w->session, c))
			event_add(s, w, c->path);
}

static const struct data *data_at(struct node *root, const char *path)
{
	struct node *node = tree_find(root, path);

	return node ? node->data : NULL;
}

static void fire_removed(struct store *s, struct node *node, char *path, size_t len)
{
	size_t base = len == 1 ? 0 : len;
	uint32_t i;

	for (i = 0; i < node->n_children; i++) {
		struct node *child = node->child[i];
		struct changed c = { path, child->data, NULL, node->data };
		size_t end = base + 1 + child->data->name_len;

		path[base] = '/';
		memcpy(path + base + 1, data_name(child->data), child->data->name_len + 1);
		group_fire(s, path, end, &c);
		fire_removed(s, child, path, end);
	}
	path[len] = '\0';
}

void watch_fire(struct store *s, struct node *before, struct node *after, const char *path)
{
	struct node *old = tree_find(before, path);
	struct changed c = { path, old ? old->data : NULL, data_at(after, path), NULL };
	char buf[PATH_SIZE];
	size_t len = strlen(path);

	if (!s->groups || (!c.before && !c.after))
		return;
	memcpy(buf, path, len + 1);
	if (len > 1) {
		buf[path_parent_len(path)] = '\0';
		c.parent = data_at(after, buf);
		memcpy(buf, path, len + 1);
	}
	while (len) {
		group_fire(s, path, len, &c);
		buf[len] = '\0';
		len = path_parent_len(buf);
	}
	if (c.before && !c.after) {
		strcpy(buf, path);
		fire_removed(s, old, buf, strlen(buf));
	}
}

void watch_fire_special(struct store *s, enum special which)
{
	const struct data *data = s->special[which];
	struct changed c = { data_name(data), data, NULL, NULL };

	group_fire(s, c.path, data->name_len, &c);
}

bool event_peek(struct session *sess, const char **path, const char **token)
{
	struct event *e = TAILQ_FIRST(&sess->events);
	struct watch *w;

	if (e) {
		*path = e->path + e->watch->base_len;
		*token = e->watch->token;
		return true;
	}
	if (!sess->n_collapsed)
		return false;
	TAILQ_FOREACH(w, &sess->watches, in_session)
		if (w->collapsed)
			break;
	*path = w->group->path + w->base_len;
	*token = w->token;
	return true;
}

void event_pop(struct session *sess)
{
	struct event *e = TAILQ_FIRST(&sess->events);
	struct watch *w;

	if (e) {
		event_free(sess, e);
		return;
	}
	TAILQ_FOREACH(w, &sess->watches, in_session) {
		if (!w->collapsed)
			continue;
		w->collapsed = false;
		sess->n_collapsed--;
		return;
	}
}
