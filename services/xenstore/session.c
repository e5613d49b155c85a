/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * session.c - sessions of clients; a request is applied once even if it is sent again
 *
 * Objects     struct session: one role on one connection.
 * Lifecycle   session_open() to session_close(). A session from the journal is unattached until
 *             its client comes back; meanwhile its watches collect events.
 * Invariants  SESSION1 the answers to the last NOTES requests of a session that did not only
 *                      ask are known, so such a request that comes again gets the same answer
 *                      and changes nothing
 *             SESSION2 a note is in the same record of the journal as its change. The note of a
 *                      request that changed nothing (it was refused, or belongs to a
 *                      transaction) is in the record of the session's next change, because
 *                      until then the request can be carried out again
 */
#include <errno.h>
#include <string.h>

#include "persist.h"
#include "store.h"
#include "wire.h"

struct session *session_find(struct store *s, uint32_t key, enum role role)
{
	struct session *sess;

	TAILQ_FOREACH(sess, &s->sessions, link)
		if (sess->key == key && sess->role == role)
			return sess;
	return NULL;
}

size_t session_size(void)
{
	size_t memory = sizeof(struct session) + sizeof(struct domain) + 2 * MEM_BLOCK;

	return memory > persist_session_size() ? memory : persist_session_size();
}

static int session_new(
	struct store *s, uint32_t key, enum role role, uint16_t domid, struct session **out)
{
	struct change change = { .kind = CHANGE_SESSION };
	struct session *sess = mem_alloc(sizeof(*sess));

	if (!sess)
		return ENOMEM;
	sess->key = key;
	sess->role = role;
	sess->domid = domid;
	sess->dom = domain_get(s, domid);
	if (!sess->dom) {
		mem_free(sess);
		return ENOMEM;
	}
	if (session_limited(sess) && domain_count_guest(s, sess->dom, 1)) {
		domain_put(s, sess->dom);
		mem_free(sess);
		return ENOMEM;
	}
	sess->dom->holds++;
	session_charge_always(s, sess, session_size());
	TAILQ_INIT(&sess->watches);
	TAILQ_INIT(&sess->events);
	TAILQ_INIT(&sess->collapsed);
	TAILQ_INIT(&sess->txns);
	TAILQ_INSERT_TAIL(&s->sessions, sess, link);
	store_record(s, sess, &change);
	*out = sess;
	return 0;
}

int session_open(
	struct store *s, uint32_t key, enum role role, uint16_t domid, struct session **out)
{
	struct session *sess = session_find(s, key, role);
	int rc = 0;

	if (!sess)
		rc = session_new(s, key, role, domid, &sess);
	else if (sess->attached)
		rc = EBUSY;
	else if (sess->domid != domid)
		rc = EINVAL;
	if (rc)
		return rc;
	sess->attached = true;
	*out = sess;
	return 0;
}

/* Only the session of another domain, or one in use, is left alone. */
void session_discard(struct store *s, uint32_t key, enum role role, uint16_t domid)
{
	struct session *sess = session_find(s, key, role);

	if (!sess || sess->attached || sess->domid != domid)
		return;
	if (session_limited(sess))
		(void)store_release(s, NULL, domid);
	else
		session_close(s, sess);
}

void session_reset(struct store *s, struct session *sess)
{
	events_drop_all(sess);
	while (!TAILQ_EMPTY(&sess->watches))
		watch_remove(s, TAILQ_FIRST(&sess->watches));
	while (!TAILQ_EMPTY(&sess->txns))
		txn_drop(s, TAILQ_FIRST(&sess->txns));
}

void session_close(struct store *s, struct session *sess)
{
	struct change change = { .kind = CHANGE_SESSION_END };
	struct domain *dom = sess->dom;

	session_reset(s, sess);
	TAILQ_REMOVE(&s->sessions, sess, link);
	store_record(s, sess, &change);
	session_refund(s, sess, session_size());
	if (session_limited(sess))
		(void)domain_count_guest(s, dom, -1);
	mem_free(sess);
	dom->holds--;
	domain_put(s, dom);
}

void session_note(struct session *sess, const struct note *note)
{
	sess->notes[sess->next_note] = *note;
	sess->next_note = (sess->next_note + 1) % NOTES;
}

static const struct note *note_find(const struct session *sess, uint64_t seq)
{
	unsigned int i;

	for (i = 0; i < NOTES && seq; i++)
		if (sess->notes[i].seq == seq)
			return &sess->notes[i];
	return NULL;
}

/* SESSION1: repeats the earlier answer. */
static void note_answer(const struct note *note, struct reply *reply)
{
	char id[16];

	if (note->err) {
		reply_error(reply, (int)note->err);
	} else if (note->type == XS_TRANSACTION_START) {
		reply_put(reply, id, u32_format(note->txid, id));
	} else {
		reply_puts(reply, "OK");
	}
}

/* Removals and requests of control may use the last of the memory. */
static enum mem_priority request_priority(const struct session *sess, uint32_t type)
{
	switch (type) {
	case XS_RM:
	case XS_UNWATCH:
	case XS_RESET_WATCHES:
		return MEM_RESERVED;
	default:
		return session_limited(sess) ? MEM_ORDINARY : MEM_RESERVED;
	}
}

int session_request(struct store *s, struct session *sess, uint64_t seq, const void *msg,
	size_t len, struct reply *reply)
{
	const struct note *note = note_find(sess, seq);
	struct request req;
	int rc = wire_decode(msg, len, &req);

	if (rc)
		return rc;
	reply_init(reply, req.hdr.type, req.hdr.req_id, req.hdr.tx_id);
	if (note && note->type == req.hdr.type) {
		note_answer(note, reply);
		return 0;
	}
	s->note = (struct note){ .seq = seq, .type = req.hdr.type };
	mem_set_priority(request_priority(sess, req.hdr.type));
	rc = op_handle(s, sess, &req, reply);
	mem_set_priority(MEM_RESERVED);
	s->note.err = (uint32_t)rc;
	if (seq && !op_only_asks(req.hdr.type))
		session_note(sess, &s->note);
	s->note.seq = 0;
	if (rc)
		reply_error(reply, rc);
	store_housekeep(s);
	return 0;
}

bool session_event(struct session *sess, struct reply *reply)
{
	const char *path, *token;

	if (!event_peek(sess, &path, &token))
		return false;
	reply_init(reply, XS_WATCH_EVENT, 0, 0);
	return !reply_puts(reply, path) && !reply_puts(reply, token);
}
