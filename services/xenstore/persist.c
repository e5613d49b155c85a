/*
 * persist.c - what the records of the journal say
 *
 * Objects     a record: the generation, then entries, each a kind and its fields in little endian without
 *             padding. Strings and values carry a 32-bit length.
 * Locks       none.
 * Lifecycle   none.
 * Invariants  R1 a record is checked from end to end before any of it is applied   R2 one record is one change:
 *             it is applied whole or not at all   R3 a compacted half begins with ENTRY_CLEAR
 */
#include "persist.h"

#include <errno.h>
#include <string.h>

enum entry {
	ENTRY_CLEAR = 1,
	ENTRY_NODE,
	ENTRY_REMOVE,
	ENTRY_SESSION,
	ENTRY_SESSION_END,
	ENTRY_WATCH,
	ENTRY_UNWATCH,
	ENTRY_RESET,
	ENTRY_TXN_START,
	ENTRY_TXN_END,
	ENTRY_DOMAIN,
	ENTRY_SPECIAL,
	ENTRY_NOTE,
};

/* What a restart adds to the generation: more than were given out without a record (to transactions). */
#define GEN_LEAP (1ull << 32)

/* ---- writing ------------------------------------------------------------------------------ */

static void put_u8(struct journal *j, uint8_t v)
{
	journal_put(j, &v, sizeof(v));
}

static void put_u16(struct journal *j, uint16_t v)
{
	journal_put(j, &v, sizeof(v));
}

static void put_u32(struct journal *j, uint32_t v)
{
	journal_put(j, &v, sizeof(v));
}

static void put_u64(struct journal *j, uint64_t v)
{
	journal_put(j, &v, sizeof(v));
}

static void put_bytes(struct journal *j, const void *bytes, size_t len)
{
	put_u32(j, (uint32_t)len);
	journal_put(j, bytes, len);
}

static void put_perms(struct journal *j, const struct data *d)
{
	unsigned i;

	put_u16(j, d->n_perms);
	for (i = 0; i < d->n_perms; i++) {
		put_u16(j, d->perms[i].domid);
		put_u8(j, d->perms[i].bits);
	}
}

static void put_node(struct journal *j, const char *path, const struct data *d)
{
	put_u8(j, ENTRY_NODE);
	put_bytes(j, path, strlen(path));
	put_u16(j, d->acct);
	put_perms(j, d);
	put_bytes(j, data_value(d), d->value_len);
}

static void put_who(struct journal *j, enum entry kind, const struct session *sess)
{
	put_u8(j, (uint8_t)kind);
	put_u32(j, sess->key);
	put_u8(j, (uint8_t)sess->role);
}

static void put_session(struct journal *j, const struct session *sess)
{
	put_who(j, ENTRY_SESSION, sess);
	put_u16(j, sess->domid);
	put_u32(j, sess->last_txid);
}

static void put_watch(struct journal *j, enum entry kind, const struct watch *w)
{
	put_who(j, kind, w->session);
	put_u8(j, w->base_len != 0);
	put_bytes(j, w->group->path, strlen(w->group->path));
	put_bytes(j, w->token, strlen(w->token));
}

static void put_txn(struct journal *j, enum entry kind, const struct session *sess, uint32_t txid)
{
	put_who(j, kind, sess);
	put_u32(j, txid);
}

static void put_domain(struct journal *j, const struct domain *dom)
{
	put_u8(j, ENTRY_DOMAIN);
	put_u16(j, dom->domid);
	put_u8(j, dom->introduced);
	put_u8(j, dom->has_target);
	put_u16(j, dom->target);
}

static void put_special(struct journal *j, const struct data *d)
{
	put_u8(j, ENTRY_SPECIAL);
	put_bytes(j, data_name(d), d->name_len);
	put_perms(j, d);
}

static void put_note(struct journal *j, const struct session *sess, const struct note *note)
{
	put_who(j, ENTRY_NOTE, sess);
	put_u64(j, note->seq);
	put_u32(j, note->type);
	put_u32(j, note->txid);
	put_u32(j, note->err);
}

static void put_change(struct journal *j, const struct session *by, const struct change *c)
{
	switch (c->kind) {
	case CHANGE_NONE:
		break;
	case CHANGE_SESSION:
		put_session(j, by);
		break;
	case CHANGE_SESSION_END:
		put_who(j, ENTRY_SESSION_END, by);
		break;
	case CHANGE_WATCH:
		put_watch(j, ENTRY_WATCH, c->watch);
		break;
	case CHANGE_UNWATCH:
		put_watch(j, ENTRY_UNWATCH, c->watch);
		break;
	case CHANGE_RESET:
		put_who(j, ENTRY_RESET, by);
		break;
	case CHANGE_TXN_START:
		put_txn(j, ENTRY_TXN_START, by, c->txid);
		break;
	case CHANGE_TXN_END:
		put_txn(j, ENTRY_TXN_END, by, c->txid);
		break;
	case CHANGE_DOMAIN:
		put_domain(j, c->domain);
		break;
	case CHANGE_SPECIAL:
		put_special(j, c->special);
		break;
	}
}

static int put_diff(void *ctx, const struct diff *diff)
{
	struct journal *j = ctx;

	if (diff->after) {
		put_node(j, diff->path, diff->after);
	} else if (diff->top) {
		put_u8(j, ENTRY_REMOVE);
		put_bytes(j, diff->path, strlen(diff->path));
	}
	return 0;
}

static int append_once(struct store *s, struct session *by, struct node *root, const struct change *change)
{
	struct journal *j = s->journal;

	journal_begin(j);
	put_u64(j, s->gen);
	tree_diff(s->root, root, put_diff, j);
	if (change)
		put_change(j, by, change);
	if (by && s->note.seq)
		put_note(j, by, &s->note);
	return journal_commit(j);
}

int persist_append(struct store *s, struct session *by, struct node *root, const struct change *change)
{
	int rc = append_once(s, by, root, change);

	if (rc && !persist_compact(s))
		rc = append_once(s, by, root, change);
	return rc;
}

static int one(struct store *s)
{
	int rc = journal_commit(s->journal);

	journal_begin(s->journal);
	put_u64(s->journal, s->gen);
	return rc;
}

static int dump_node(void *ctx, const struct diff *diff)
{
	struct store *s = ctx;

	put_node(s->journal, diff->path, diff->after);
	return one(s);
}

static int dump_session(struct store *s, const struct session *sess)
{
	const struct watch *w;
	const struct txn *t;
	unsigned i;
	int rc;

	put_session(s->journal, sess);
	rc = one(s);
	TAILQ_FOREACH(w, &sess->watches, in_session) {
		put_watch(s->journal, ENTRY_WATCH, w);
		rc = rc ? rc : one(s);
	}
	TAILQ_FOREACH(t, &sess->txns, in_session) {
		put_txn(s->journal, ENTRY_TXN_START, sess, t->id);
		rc = rc ? rc : one(s);
	}
	for (i = 0; i < NOTES; i++) {
		const struct note *note = &sess->notes[(sess->next_note + i) % NOTES];

		if (!note->seq)
			continue;
		put_note(s->journal, sess, note);
		rc = rc ? rc : one(s);
	}
	return rc;
}

static int dump(struct store *s)
{
	struct domain *dom, *next;
	struct session *sess;
	int i, rc;

	journal_begin(s->journal);
	put_u64(s->journal, s->gen);
	put_u8(s->journal, ENTRY_CLEAR);
	rc = one(s);
	if (!rc)
		rc = tree_diff(NULL, s->root, dump_node, s);
	for (i = 0; i < SPECIALS && !rc; i++) {
		put_special(s->journal, s->special[i]);
		rc = one(s);
	}
	HASH_ITER(hh, s->domains, dom, next) {
		put_domain(s->journal, dom);
		rc = rc ? rc : one(s);
	}
	TAILQ_FOREACH(sess, &s->sessions, link)
		rc = rc ? rc : dump_session(s, sess);
	return rc;
}

int persist_compact(struct store *s)
{
	int rc;

	journal_compact_begin(s->journal);
	rc = dump(s);
	journal_compact_end(s->journal, !rc);
	return rc;
}

/* ---- reading ------------------------------------------------------------------------------ */

struct reader {
	const uint8_t *at, *end;
	bool bad;
	struct store *s;        /* NULL: only check (R1) */
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
	const uint8_t *bytes = r->at;

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
	unsigned i;

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

static int apply_put(struct store *s, const char *path, const struct data *like, const void *value, size_t len)
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

/* The parents of a node, should their own record have been lost: closed to everybody but dom0. */
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
		len += len > 1;         /* the slash, which "/" has already */
		len += strcspn(path + len, "/");
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
	int rc;

	last_txid = get_u32(r);
	if (role > ROLE_BACKEND)
		r->bad = true;
	if (!r->s || r->bad)
		return 0;
	rc = session_open(r->s, key, role, domid, &sess);
	if (rc)
		return rc;
	sess->attached = false;
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

static int entry_watch(struct reader *r, bool add)
{
	struct session *sess = get_session(r);
	char path[PATH_SIZE], token[XENSTORE_PAYLOAD_MAX + 1];
	bool relative = get_u8(r);
	size_t base_len = 0;
	struct watch *w;
	int rc;

	get_string(r, path, sizeof(path));
	get_string(r, token, sizeof(token));
	if (path[0] != '/' && path[0] != '@')
		r->bad = true;
	if (!sess || r->bad)
		return 0;
	w = watch_find(r->s, sess, path, token);
	if (!add) {
		if (w)
			watch_remove(r->s, w);
		return 0;
	}
	if (relative) {
		base_len = path_base_len(session_base(sess));
		if (strlen(path) <= base_len)
			return EINVAL;
	}
	rc = watch_add(r->s, sess, path, token, base_len, &w);
	return rc == EEXIST ? 0 : rc;
}

static int entry_txn(struct reader *r, bool start)
{
	struct session *sess = get_session(r);
	uint32_t id = get_u32(r);
	struct txn *t;

	if (!sess || r->bad)
		return 0;
	if (start)
		return txn_restore(r->s, sess, id) ? 0 : ENOMEM;
	t = txn_find(sess, id);
	if (t)
		txn_drop(r->s, t);
	return 0;
}

static int entry_domain(struct reader *r)
{
	uint16_t domid = get_u16(r), target;
	bool introduced = get_u8(r), has_target = get_u8(r);
	struct session *sess;
	struct domain *dom;

	target = get_u16(r);
	if (!r->s || r->bad)
		return 0;
	dom = domain_get(r->s, domid);
	if (!dom)
		return ENOMEM;
	TAILQ_FOREACH(sess, &r->s->sessions, link)
		if (!introduced && sess->dom == dom && session_limited(sess))
			session_reset(r->s, sess);
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
	struct note note;

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
		return entry_watch(r, true);
	case ENTRY_UNWATCH:
		return entry_watch(r, false);
	case ENTRY_RESET:
		return entry_reset(r);
	case ENTRY_TXN_START:
		return entry_txn(r, true);
	case ENTRY_TXN_END:
		return entry_txn(r, false);
	case ENTRY_DOMAIN:
		return entry_domain(r);
	case ENTRY_SPECIAL:
		return entry_special(r);
	case ENTRY_NOTE:
		return entry_note(r);
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

void persist_replay(struct store *s, struct journal *j, struct journal_report *report)
{
	struct session *sess;
	struct watch *w;

	s->replaying = true;
	journal_replay(j, record_apply, s, report);
	s->replaying = false;
	TAILQ_FOREACH(sess, &s->sessions, link)
		TAILQ_FOREACH(w, &sess->watches, in_session)
			watch_fire_one(s, w);
	s->journal = j;
	if (persist_compact(s))
		s->journal_stale = true;
}
