/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * persist_read.c - rebuilding the store from its journal
 *
 * Objects     struct reader: a place in a record.
 * Lifecycle   none.
 * Invariants  PERSIST_READ1 a record is checked from end to end before any of it is applied
 */
#include "persist.h"

#include <errno.h>
#include <string.h>

#include "persist_entry.h"

/*
 * A restart adds this to the generation. It is more than the number of generations that
 * transactions can have used without a record.
 */
#define GEN_LEAP (1ull << 32)

struct reader {
	const uint8_t *at, *end;
	bool bad;
	/* NULL: only check (PERSIST_READ1). */
	struct store *s;
};

static void get(struct reader *r, void *out, size_t len)
{
	if ((size_t)(r->end - r->at) < len) {
		r->bad = true;
		memset(out, 0, len);
		return;
	}
	memcpy(out, r->at, len);
	r->at += len;
}

static uint8_t get_u8(struct reader *r)
{
	uint8_t v;

	get(r, &v, sizeof(v));
	return v;
}

static uint16_t get_u16(struct reader *r)
{
	uint16_t v;

	get(r, &v, sizeof(v));
	return v;
}

static uint32_t get_u32(struct reader *r)
{
	uint32_t v;

	get(r, &v, sizeof(v));
	return v;
}

static uint64_t get_u64(struct reader *r)
{
	uint64_t v;

	get(r, &v, sizeof(v));
	return v;
}

static const void *get_bytes(struct reader *r, size_t *len)
{
	const uint8_t *bytes;

	*len = get_u32(r);
	if (r->bad || *len > (size_t)(r->end - r->at) || *len > XENSTORE_PAYLOAD_MAX) {
		r->bad = true;
		*len = 0;
		return "";
	}
	bytes = r->at;
	r->at += *len;
	return bytes;
}

static void get_string(struct reader *r, char *out, size_t size)
{
	size_t len;
	const void *bytes = get_bytes(r, &len);

	if (len >= size || memchr(bytes, '\0', len)) {
		r->bad = true;
		len = 0;
	}
	memcpy(out, bytes, len);
	out[len] = '\0';
}

static void get_path(struct reader *r, char *out)
{
	char raw[PATH_SIZE];

	get_string(r, raw, sizeof(raw));
	if (raw[0] != '/' || path_canon(raw, 0, out, NULL)) {
		r->bad = true;
		strcpy(out, "/");
	}
}

static void get_perms(struct reader *r, struct perm_list *list)
{
	unsigned int i;

	list->n = get_u16(r);
	if (!list->n || list->n > TREE_PERMS_MAX) {
		r->bad = true;
		list->n = 1;
	}
	for (i = 0; i < list->n; i++) {
		list->p[i].domid = get_u16(r);
		list->p[i].bits = get_u8(r) & (PERM_READ | PERM_WRITE);
	}
}

static struct session *get_session(struct reader *r)
{
	uint32_t key = get_u32(r);
	uint8_t role = get_u8(r);

	if (role > ROLE_BACKEND)
		r->bad = true;
	return r->s ? session_find(r->s, key, role) : NULL;
}

static int apply_put(struct store *s, const char *path, const struct data *like,
	const void *value, size_t len)
{
	const char *name = path[1] ? path_leaf(path) : "";
	struct data *d = data_new(name, value, len, like->perms, like->n_perms, like->acct);
	struct node *root;
	int rc;

	if (!d)
		return ENOMEM;
	rc = tree_put(s->root, path, d, ++s->gen, &root);
	data_unref(d);
	return rc ? rc : store_commit(s, NULL, root, NULL);
}

/* Makes the parents of a node if their own records were lost; only dom0 has access to them. */
static int apply_parents(struct store *s, const char *path)
{
	static const struct perm none = { 0, 0 };
	struct data *closed = data_new("", NULL, 0, &none, 1, 0);
	char part[PATH_SIZE];
	size_t len;
	int rc = closed ? 0 : ENOMEM;

	while (!rc) {
		tree_find_nearest(s->root, path, &len);
		if (!path[len])
			break;
		len += len > 1; /* the slash, which "/" already has */
		len += path_name_len(path + len);
		if (!path[len])
			break;
		memcpy(part, path, len);
		part[len] = '\0';
		rc = apply_put(s, part, closed, NULL, 0);
	}
	data_unref(closed);
	return rc;
}

static int entry_node(struct reader *r)
{
	char path[PATH_SIZE];
	struct perm_list list;
	const void *value;
	struct data *like;
	uint16_t acct;
	size_t len;
	int rc;

	get_path(r, path);
	acct = get_u16(r);
	get_perms(r, &list);
	value = get_bytes(r, &len);
	if (!r->s || r->bad)
		return 0;
	like = data_new("", NULL, 0, list.p, list.n, acct);
	if (!like)
		return ENOMEM;
	rc = apply_parents(r->s, path);
	if (!rc)
		rc = apply_put(r->s, path, like, value, len);
	data_unref(like);
	return rc;
}

static int entry_remove(struct reader *r)
{
	char path[PATH_SIZE];
	struct node *root;
	int rc;

	get_path(r, path);
	if (!path[1])
		r->bad = true;
	if (!r->s || r->bad || !tree_find(r->s->root, path))
		return 0;
	rc = tree_remove(r->s->root, path, ++r->s->gen, &root);
	return rc ? rc : store_commit(r->s, NULL, root, NULL);
}

static int entry_session(struct reader *r)
{
	struct session *sess;
	uint32_t key = get_u32(r), last_txid;
	uint8_t role = get_u8(r);
	uint16_t domid = get_u16(r);
	bool released;
	int rc;

	last_txid = get_u32(r);
	released = get_u8(r);
	if (role > ROLE_BACKEND)
		r->bad = true;
	if (!r->s || r->bad)
		return 0;
	rc = session_open(r->s, key, role, domid, &sess);
	if (rc)
		return rc;
	sess->attached = false;
	sess->released = released;
	sess->last_txid = last_txid;
	return 0;
}

static int entry_session_end(struct reader *r)
{
	struct session *sess = get_session(r);

	if (sess)
		session_close(r->s, sess);
	return 0;
}

struct watch_entry {
	struct session *sess;
	bool relative;
	char path[PATH_SIZE], token[XENSTORE_PAYLOAD_MAX + 1];
};

/* False: there is nothing to do, or the record is bad. */
static bool get_watch(struct reader *r, struct watch_entry *e)
{
	e->sess = get_session(r);
	e->relative = get_u8(r);
	get_string(r, e->path, sizeof(e->path));
	get_string(r, e->token, sizeof(e->token));
	if (e->path[0] != '/' && e->path[0] != '@')
		r->bad = true;
	return e->sess && !r->bad;
}

static int entry_watch(struct reader *r)
{
	struct watch_entry e;
	size_t base_len = 0;
	struct watch *w;
	int rc;

	if (!get_watch(r, &e))
		return 0;
	if (e.relative) {
		base_len = path_base_len(session_base(e.sess));
		if (strlen(e.path) <= base_len)
			return EINVAL;
	}
	rc = watch_add(r->s, e.sess, e.path, e.token, base_len, &w);
	return rc == EEXIST ? 0 : rc;
}

static int entry_unwatch(struct reader *r)
{
	struct watch_entry e;
	struct watch *w;

	if (!get_watch(r, &e))
		return 0;
	w = watch_find(r->s, e.sess, e.path, e.token);
	if (w)
		watch_remove(r->s, w);
	return 0;
}

static int entry_txn_start(struct reader *r)
{
	struct session *sess = get_session(r);
	uint32_t id = get_u32(r);

	if (!sess || r->bad)
		return 0;
	return txn_restore(sess, id) ? 0 : ENOMEM;
}

static int entry_txn_end(struct reader *r)
{
	struct session *sess = get_session(r);
	uint32_t id = get_u32(r);
	struct txn *t = sess && !r->bad ? txn_find(sess, id) : NULL;

	if (t)
		txn_drop(r->s, t);
	return 0;
}

static int entry_domain(struct reader *r)
{
	uint16_t domid = get_u16(r), target;
	bool introduced = get_u8(r), has_target = get_u8(r);
	struct domain *dom;

	target = get_u16(r);
	if (!r->s || r->bad)
		return 0;
	dom = domain_get(r->s, domid);
	if (!dom)
		return ENOMEM;
	if (introduced)
		domain_sessions_admit(r->s, dom);
	else
		domain_sessions_release(r->s, dom);
	dom->introduced = introduced;
	dom->has_target = has_target;
	dom->target = target;
	domain_put(r->s, dom);
	return 0;
}

static int entry_special(struct reader *r)
{
	char name[32];
	struct perm_list list;
	struct data *d;
	int i;

	get_string(r, name, sizeof(name));
	get_perms(r, &list);
	if (!r->s || r->bad)
		return 0;
	for (i = 0; i < SPECIALS; i++) {
		if (strcmp(name, data_name(r->s->special[i])))
			continue;
		d = data_new(name, NULL, 0, list.p, list.n, 0);
		if (!d)
			return ENOMEM;
		data_unref(r->s->special[i]);
		r->s->special[i] = d;
	}
	return 0;
}

static int entry_note(struct reader *r)
{
	struct session *sess = get_session(r);
	struct note note = { .kept = true };

	note.seq = get_u64(r);
	note.type = get_u32(r);
	note.txid = get_u32(r);
	note.err = get_u32(r);
	if (sess && !r->bad)
		session_note(sess, &note);
	return 0;
}

static int entry_clear(struct reader *r)
{
	struct node *root;

	if (!r->s)
		return 0;
	while (!TAILQ_EMPTY(&r->s->sessions))
		session_close(r->s, TAILQ_FIRST(&r->s->sessions));
	root = node_new(r->s->root->data, ++r->s->gen);
	return root ? store_commit(r->s, NULL, root, NULL) : ENOMEM;
}

static int entry_reset(struct reader *r)
{
	struct session *sess = get_session(r);

	if (sess && !r->bad)
		session_reset(r->s, sess);
	return 0;
}

static int entry_purge(struct reader *r)
{
	uint16_t domid = get_u16(r);
	struct node *root;
	bool more;
	int rc;

	if (!r->s || r->bad)
		return 0;
	rc = tree_purge(r->s->root, domid, ++r->s->gen, SIZE_MAX, &root, &more);
	return rc ? rc : store_commit(r->s, NULL, root, NULL);
}

static int entry_read(struct reader *r)
{
	switch (get_u8(r)) {
	case ENTRY_CLEAR:
		return entry_clear(r);
	case ENTRY_NODE:
		return entry_node(r);
	case ENTRY_REMOVE:
		return entry_remove(r);
	case ENTRY_SESSION:
		return entry_session(r);
	case ENTRY_SESSION_END:
		return entry_session_end(r);
	case ENTRY_WATCH:
		return entry_watch(r);
	case ENTRY_UNWATCH:
		return entry_unwatch(r);
	case ENTRY_RESET:
		return entry_reset(r);
	case ENTRY_TXN_START:
		return entry_txn_start(r);
	case ENTRY_TXN_END:
		return entry_txn_end(r);
	case ENTRY_DOMAIN:
		return entry_domain(r);
	case ENTRY_SPECIAL:
		return entry_special(r);
	case ENTRY_NOTE:
		return entry_note(r);
	case ENTRY_PURGE:
		return entry_purge(r);
	default:
		r->bad = true;
		return 0;
	}
}

static int record_walk(struct store *s, const void *payload, size_t len)
{
	struct reader r = { .at = payload, .end = (const uint8_t *)payload + len, .s = s };
	uint64_t gen = get_u64(&r);
	int rc = 0;

	if (s && gen < UINT64_MAX / 2 && gen + GEN_LEAP > s->gen)
		s->gen = gen + GEN_LEAP;
	while (!r.bad && !rc && r.at < r.end)
		rc = entry_read(&r);
	return r.bad ? EINVAL : rc;
}

static int record_apply(void *ctx, const void *payload, size_t len)
{
	int rc = record_walk(NULL, payload, len);

	return rc ? rc : record_walk(ctx, payload, len);
}

/* Their connections may have ended when nobody noted it. */
static void released_close(struct store *s)
{
	struct session *sess, *next;

	for (sess = TAILQ_FIRST(&s->sessions); sess; sess = next) {
		next = TAILQ_NEXT(sess, link);
		if (sess->released)
			session_close(s, sess);
	}
}

void persist_replay(struct store *s, struct journal *j, struct journal_report *report)
{
	s->replaying = true;
	journal_replay(j, record_apply, s, report);
	released_close(s);
	s->replaying = false;
	watch_fire_all(s);
	s->journal = j;
	if (persist_compact(s))
		s->journal_stale = true;
}
