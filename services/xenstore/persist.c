/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * persist.c - writing the store into its journal
 *
 * Objects     a record: the generation, then entries, each a kind and its fields in little
 *             endian without padding. Strings and values carry a 32-bit length.
 * Lifecycle   none.
 * Invariants  PERSIST2 one record is one change: it is applied whole or not at all
 *             PERSIST3 a compacted half begins with ENTRY_CLEAR
 */
#include "persist.h"

#include <errno.h>
#include <string.h>

#include "persist_entry.h"

enum {
	/* What may be appended before a compaction, besides as much as the last one wrote. */
	COMPACT_SLACK = 256 << 10,
	/*
	 * Attempts to compact that are skipped after a failure; their number doubles each time.
	 */
	COMPACT_DELAY_MIN = 8,
	COMPACT_DELAY_MAX = 4096,
};

static void put_u8(struct journal *j, uint8_t v) { journal_put(j, &v, sizeof(v)); }

static void put_u16(struct journal *j, uint16_t v) { journal_put(j, &v, sizeof(v)); }

static void put_u32(struct journal *j, uint32_t v) { journal_put(j, &v, sizeof(v)); }

static void put_u64(struct journal *j, uint64_t v) { journal_put(j, &v, sizeof(v)); }

static void put_bytes(struct journal *j, const void *bytes, size_t len)
{
	put_u32(j, (uint32_t)len);
	journal_put(j, bytes, len);
}

static void put_perms(struct journal *j, const struct data *d)
{
	unsigned int i;

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
	put_u8(j, sess->released);
}

static void put_watch(struct journal *j, enum entry kind, const struct watch *w)
{
	put_who(j, kind, w->session);
	put_u8(j, w->base_len != 0);
	put_bytes(j, w->listener->group->path, strlen(w->listener->group->path));
	put_bytes(j, w->token, strlen(w->token));
}

static void put_txn(
	struct journal *j, enum entry kind, const struct session *sess, uint32_t txid)
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

/* SESSION2: those that are not in the journal so far, then that of the request under way. */
static void put_notes(struct journal *j, const struct session *sess, const struct note *now)
{
	const struct note *note;

	for (unsigned int i = 0; i < NOTES; i++) {
		note = &sess->notes[(sess->next_note + i) % NOTES];
		if (note->seq && !note->kept)
			put_note(j, sess, note);
	}
	put_note(j, sess, now);
}

static void notes_keep(struct session *sess)
{
	for (unsigned int i = 0; i < NOTES; i++)
		sess->notes[i].kept = true;
}

/* Changes that a session makes; nothing for the other kinds. */
static void put_session_change(
	struct journal *j, const struct session *by, const struct change *c)
{
	switch (c->kind) {
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
	default:
		break;
	}
}

/* Changes of the whole store; nothing for the other kinds. */
static void put_store_change(struct journal *j, const struct change *c)
{
	switch (c->kind) {
	case CHANGE_DOMAIN:
		put_domain(j, c->domain);
		break;
	case CHANGE_PURGE:
		put_u8(j, ENTRY_PURGE);
		put_u16(j, c->domain->domid);
		put_domain(j, c->domain);
		break;
	case CHANGE_SPECIAL:
		put_special(j, c->special);
		break;
	default:
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

/* These changes do not come from a request of the session. */
static bool session_itself(const struct change *c)
{
	return c && (c->kind == CHANGE_SESSION || c->kind == CHANGE_SESSION_END);
}

static int append_once(
	struct store *s, struct session *by, struct node *root, const struct change *change)
{
	bool noted = by && s->note.seq && !session_itself(change);
	struct journal *j = s->journal;
	int rc;

	journal_begin(j);
	put_u64(j, s->gen);
	if (!change || change->kind != CHANGE_PURGE)
		tree_diff(s->root, root, put_diff, j);
	if (change && by)
		put_session_change(j, by, change);
	if (change)
		put_store_change(j, change);
	if (noted)
		put_notes(j, by, &s->note);
	rc = journal_commit(j);
	if (!rc && noted) {
		notes_keep(by);
		s->note.kept = true;
	}
	return rc;
}

int persist_append(
	struct store *s, struct session *by, struct node *root, const struct change *change)
{
	int rc = append_once(s, by, root, change);

	if (rc && !persist_compact(s))
		rc = append_once(s, by, root, change);
	return rc;
}

static int snapshot_record_commit(struct store *s)
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
	return snapshot_record_commit(s);
}

static int dump_session(struct store *s, const struct session *sess)
{
	const struct watch *w;
	const struct txn *t;
	unsigned int i;
	int rc;

	put_session(s->journal, sess);
	rc = snapshot_record_commit(s);
	TAILQ_FOREACH(w, &sess->watches, in_session) {
		put_watch(s->journal, ENTRY_WATCH, w);
		rc = rc ? rc : snapshot_record_commit(s);
	}
	TAILQ_FOREACH(t, &sess->txns, in_session) {
		put_txn(s->journal, ENTRY_TXN_START, sess, t->id);
		rc = rc ? rc : snapshot_record_commit(s);
	}
	for (i = 0; i < NOTES; i++) /* one record for all notes, because each is small */
		if (sess->notes[(sess->next_note + i) % NOTES].seq)
			put_note(s->journal, sess, &sess->notes[(sess->next_note + i) % NOTES]);
	return rc ? rc : snapshot_record_commit(s);
}

static int dump(struct store *s)
{
	struct domain *dom, *next;
	struct session *sess;
	int i, rc;

	journal_begin(s->journal);
	put_u64(s->journal, s->gen);
	put_u8(s->journal, ENTRY_CLEAR);
	rc = snapshot_record_commit(s);
	if (!rc)
		rc = tree_diff(NULL, s->root, dump_node, s);
	for (i = 0; i < SPECIALS && !rc; i++) {
		put_special(s->journal, s->special[i]);
		rc = snapshot_record_commit(s);
	}
	HASH_ITER(hh, s->domains, dom, next)
	{
		put_domain(s->journal, dom);
		rc = rc ? rc : snapshot_record_commit(s);
	}
	TAILQ_FOREACH(sess, &s->sessions, link)
		rc = rc ? rc : dump_session(s, sess);
	return rc;
}

/*
 * Whether to try: not soon after a failure, unless enough was removed meanwhile to make a
 * difference.
 */
static bool compact_due(struct store *s)
{
	if (!s->compact_wait || s->freed >= s->journal->half_size / 32)
		return true;
	s->compact_wait--;
	return false;
}

static void compact_failed(struct store *s)
{
	unsigned int delay = 2 * s->compact_delay;

	if (delay < COMPACT_DELAY_MIN)
		delay = COMPACT_DELAY_MIN;
	s->compact_delay = delay < COMPACT_DELAY_MAX ? delay : COMPACT_DELAY_MAX;
	s->compact_wait = s->compact_delay;
}

bool persist_long(const struct store *s)
{
	return s->journal && journal_used(s->journal) / 2 > s->compacted + COMPACT_SLACK / 2;
}

int persist_compact(struct store *s)
{
	struct session *sess;
	int rc;

	if (!compact_due(s))
		return ENOSPC;
	s->freed = 0;
	journal_compact_begin(s->journal);
	rc = dump(s);
	journal_compact_end(s->journal, !rc);
	if (rc) {
		compact_failed(s);
		return rc;
	}
	TAILQ_FOREACH(sess, &s->sessions, link)
		notes_keep(sess);
	s->compacted = journal_used(s->journal);
	s->compact_wait = 0;
	s->compact_delay = 0;
	s->journal_stale = false;
	return 0;
}

size_t persist_session_size(void)
{
	enum { RECORD = 16 + 8 + 7, SESSION = 13, NOTE = 26, DOMAIN = 7 };

	return 3 * RECORD + SESSION + DOMAIN + NOTES * NOTE;
}
