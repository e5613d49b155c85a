/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * main.c - the xenstore domain: connections, and the order in which they are served
 *
 * Objects     struct client: one connection, in svc_conn.priv from open to close, with its
 *             sessions in the store.
 * Lifecycle   SVC_OPEN opens the sessions, or resumes those that the journal kept across a
 *             restart; SVC_CLOSE ends them and, for a guest, its domain.
 * Invariants  XSMAIN1 one request of a client is handled per turn, and the clients take turns,
 *                     so a client that never stops asking cannot starve the others
 *             XSMAIN2 a request is taken only when the previous answer and all events that are
 *                     due are in the ring, so the backlog of a client that does not read is
 *                     bounded
 *             XSMAIN3 an answer is sent before the events that its request caused
 *             XSMAIN4 a session is resumed only by a connection that is opened again: in epoch
 *                     0 a client is new, whatever its number was used for before
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "persist.h"
#include "proto/xs.h"
#include "store.h"
#include "svc/svc.h"
#include "wire.h"

enum {
	/* Raised by this domain itself while a client waits for a turn. */
	WORK_BIT = 21,
	DOMID_MAX = 0x7fef,
	KIB = 1024,
	/*
	 * Memory of this domain that is not for the store: page tables and kernel objects, the
	 * C library; and for each guest its client.
	 */
	MEMORY_BESIDES = 256 * KIB,
	MEMORY_CLIENT = 8 * KIB,
	/* What a guest without devices needs in the store. */
	SURE_MIN = 7 * KIB,
};

struct client {
	TAILQ_ENTRY(client) turn;
	struct svc_conn *conn;
	/* By enum xs_role; NULL: the client may not use that role. */
	struct session *session[XS_ROLE_DOM0 + 1];
	bool queued;
	/* `native` and `reply` hold an answer that waits for room in the ring. */
	bool unsent;
	struct xs_native native;
	struct reply reply;
};

struct record {
	struct xs_native native;
	uint8_t msg[XS_RECORD_MAX - sizeof(struct xs_native)];
};

static struct store store;
static struct journal journal;
static TAILQ_HEAD(turn_list, client) turns = TAILQ_HEAD_INITIALIZER(turns);

static void work_raise(void)
{
	if (svc_raise(WORK_BIT))
		abort();
}

static void turn_want(struct client *cl)
{
	if (cl->queued || cl->conn->dead)
		return;
	cl->queued = true;
	TAILQ_INSERT_TAIL(&turns, cl, turn);
	work_raise();
}

static bool events_due(const struct client *cl)
{
	size_t i;

	for (i = 0; i <= XS_ROLE_DOM0; i++)
		if (cl->session[i] && (cl->session[i]->n_events || cl->session[i]->n_collapsed))
			return true;
	return false;
}

/* A request of one client can cause events for others. */
static void turn_want_all(void)
{
	struct svc_conn *c;

	for (c = svc_conn_next(NULL); c; c = svc_conn_next(c))
		if (c->priv && events_due(c->priv)) /* NULL: being closed */
			turn_want(c->priv);
}

/* ---- out --------------------------------------------------------------------------------- */

/* 0; -SK_E_AGAIN, after asking the client to signal when there is room; or -SK_E_PEER. */
static int send(struct client *cl, const struct xs_native *native, const struct reply *reply)
{
	struct ring *ring = &cl->conn->rsp;
	uint32_t len = (uint32_t)reply_size(reply);
	int rc;

	do
		rc = ring_put2(ring, native, sizeof(*native), reply, len);
	while (rc == -SK_E_AGAIN && ring_room_idle(ring, sizeof(*native) + len));
	return rc;
}

static int send_events(struct client *cl, enum xs_role role)
{
	const struct xs_native native = { .role = role };
	struct session *sess = cl->session[role];
	struct reply reply;
	int rc = 0;

	while (!rc && sess && session_event(sess, &reply)) {
		rc = send(cl, &native, &reply);
		if (!rc)
			event_pop(sess);
	}
	return rc;
}

static int send_due(struct client *cl)
{
	int role, rc;

	if (cl->unsent) {
		rc = send(cl, &cl->native, &cl->reply);
		if (rc)
			return rc;
		cl->unsent = false;
	}
	for (role = XS_ROLE_GUEST, rc = 0; role <= XS_ROLE_DOM0 && !rc; role++)
		rc = send_events(cl, role);
	return rc;
}

/* ---- in ---------------------------------------------------------------------------------- */

static int request_take(struct client *cl)
{
	static struct record rec;
	struct session *sess;
	int len = ring_get(&cl->conn->req, &rec, sizeof(rec));

	if (len < 0)
		return len;
	if ((size_t)len < sizeof(rec.native) || rec.native.reserved ||
		rec.native.role > XS_ROLE_DOM0)
		return -SK_E_PEER;
	sess = cl->session[rec.native.role];
	if (!sess)
		return -SK_E_PEER;
	if (session_request(&store, sess, rec.native.seq, rec.msg,
		    (size_t)len - sizeof(rec.native), &cl->reply))
		return -SK_E_PEER;
	cl->native = rec.native;
	cl->unsent = true;
	return 0;
}

/* One turn. True: the client wants another. */
static bool turn_serve(struct client *cl)
{
	uint64_t fired = store.fired;
	struct svc_conn *c = cl->conn;
	bool more = true;
	int rc = send_due(cl);

	if (!rc)
		rc = request_take(cl); /* XSMAIN2 */
	else if (rc == -SK_E_AGAIN)
		more = false;
	if (!rc) {
		rc = send_due(cl); /* XSMAIN3 */
		if (store.fired != fired)
			turn_want_all();
	} else if (rc == -SK_E_AGAIN && more) {
		more = svc_more(c);
	}
	if (rc && rc != -SK_E_AGAIN) {
		svc_conn_kill(c, "not a xenstore message");
		return false;
	}
	svc_settle(c);
	return more;
}

/* XSMAIN1 */
static void work(void *ctx)
{
	struct client *cl = TAILQ_FIRST(&turns), *last = TAILQ_LAST(&turns, turn_list), *next;

	(void)ctx;
	for (; cl; cl = next) {
		next = cl == last ? NULL : TAILQ_NEXT(cl, turn);
		TAILQ_REMOVE(&turns, cl, turn);
		cl->queued = false;
		svc_work_for(cl->conn);
		if (!cl->conn->dead && turn_serve(cl))
			turn_want(cl);
	}
	if (!TAILQ_EMPTY(&turns))
		work_raise();
}

static int client_event(struct svc_conn *c)
{
	turn_want(c->priv);
	return 0;
}

/* ---- connections ------------------------------------------------------------------------- */

/* Checks who the client is according to the connector; only init may connect the scribe. */
static int params_check(
	const struct svc_conn *c, const void *bytes, uint32_t len, struct xs_params *p)
{
	if (len != sizeof(*p))
		return -SK_E_INVAL;
	memcpy(p, bytes, sizeof(*p));
	if (p->privileged)
		return p->privileged == 1 && !p->domid && c->badge == SVC_BADGE_INIT
			       ? 0
			       : -SK_E_DENIED;
	return p->domid && p->domid <= DOMID_MAX ? 0 : -SK_E_INVAL;
}

static int session_take(struct client *cl, enum xs_role as, enum role role, uint16_t domid)
{
	uint32_t key = cl->conn->client;
	int rc;

	if (!cl->conn->epoch) /* XSMAIN4 */
		session_discard(&store, key, role, domid);
	rc = session_open(&store, key, role, domid, &cl->session[as]);
	if (rc == ENOMEM)
		return -SK_E_NO_MEM;
	return rc == EBUSY ? -SK_E_EXISTS : rc ? -SK_E_INVAL : 0;
}

static int sessions_open(struct client *cl, const struct xs_params *p)
{
	int rc;

	if (p->privileged)
		return session_take(cl, XS_ROLE_DOM0, ROLE_CONTROL, 0);
	rc = session_take(cl, XS_ROLE_GUEST, ROLE_GUEST, (uint16_t)p->domid);
	if (!rc)
		rc = session_take(cl, XS_ROLE_BACKEND, ROLE_BACKEND, (uint16_t)p->domid);
	if (rc && cl->session[XS_ROLE_GUEST])
		session_close(&store, cl->session[XS_ROLE_GUEST]);
	return rc;
}

static int client_open(struct svc_conn *c, const void *bytes, uint32_t len, uint64_t result[2])
{
	struct xs_params params;
	struct client *cl;
	int rc = params_check(c, bytes, len, &params);

	(void)result;
	if (rc)
		return rc;
	if (ring_record_max(&c->rsp) < XS_RECORD_MAX ||
		ring_record_max(&c->req) < XS_RECORD_MAX)
		return -SK_E_INVAL;
	cl = calloc(1, sizeof(*cl));
	if (!cl)
		return -SK_E_NO_MEM;
	cl->conn = c;
	rc = sessions_open(cl, &params);
	if (rc) {
		free(cl);
		return rc;
	}
	c->priv = cl;
	turn_want(cl);
	return 0;
}

static int client_close(struct svc_conn *c)
{
	struct client *cl = c->priv;
	struct session *guest = cl->session[XS_ROLE_GUEST];
	uint16_t domid = guest ? guest->domid : 0;
	size_t i;

	if (cl->queued)
		TAILQ_REMOVE(&turns, cl, turn);
	for (i = 0; i <= XS_ROLE_DOM0; i++)
		if (cl->session[i])
			session_close(&store, cl->session[i]);
	c->priv = NULL;
	free(cl);
	if (domid)
		(void)store_release(&store, NULL, domid);
	turn_want_all();
	return 0;
}

/*
 * For the store: bytes in use, and domains. For the connection's domain: bytes charged, and
 * refusals because of a quota.
 */
static uint32_t client_stats(struct svc_conn *c, uint64_t *mr)
{
	const struct client *cl = c ? c->priv : NULL;
	const struct session *guest = cl ? cl->session[XS_ROLE_GUEST] : NULL;

	mr[1] = mem_used();
	mr[2] = HASH_COUNT(store.domains);
	mr[3] = guest ? guest->dom->bytes : 0;
	mr[4] = guest ? guest->dom->refused : 0;
	return 4;
}

static const struct svc_service service = {
	.proto = SVC_PROTO_XS,
	.open = client_open,
	.event = client_event,
	.close = client_close,
	.stats = client_stats,
};

/* ---- start ------------------------------------------------------------------------------- */

/*
 * The journal is a channel without rings: memory that init keeps across restarts of this
 * domain.
 */
static const struct domain_channel *journal_find(void)
{
	const struct domain_info *info = svc_info();
	uint32_t i;

	for (i = 0; i < info->n_channels && i < DOMAIN_CHANNELS_MAX; i++)
		if (!strcmp(info->channel[i].name, "journal"))
			return &info->channel[i];
	return NULL;
}

static int journal_start(void)
{
	const struct domain_channel *ch = journal_find();
	struct journal_report report = { 0 };
	void *mem;
	int rc;

	if (!ch) {
		printf("xenstore: no journal: a restart would lose everything\n");
		return 0;
	}
	mem = (void *)(uintptr_t)ch->data_vaddr;
	rc = journal_attach(&journal, mem, ch->data_size);
	if (rc == EINVAL)
		printf("xenstore: the journal's head is damaged; starting empty\n");
	if (rc)
		rc = journal_format(&journal, mem, ch->data_size);
	if (rc)
		return rc;
	persist_replay(&store, &journal, &report);
	if (report.applied || report.quarantined)
		printf("xenstore: %lu changes replayed, %lu places (%lu bytes) set aside\n",
			(unsigned long)report.applied, (unsigned long)report.quarantined,
			(unsigned long)report.quarantined_bytes);
	return 0;
}

/* Called once for each domain, because a guest can cause any number of refusals. */
static void refused(const struct domain *dom)
{
	printf("xenstore: domain %u has reached its quota of %s; what else it is refused is only counted\n",
		dom->domid, quota_name(dom->refused_for));
}

static size_t memory_given(void)
{
	const struct domain_info *info = svc_info();
	size_t bytes = 0;
	uint32_t i;

	for (i = 0; i < info->n_untyped && i < DOMAIN_UNTYPED_MAX; i++)
		bytes += (size_t)1 << info->untyped_order[i];
	return bytes;
}

/*
 * Sets how many bytes of charges the memory can hold. Events and snapshots take memory as well,
 * and a quarter of the rest is for gaps between blocks. The last sixteenth of the memory is for
 * removals and control.
 */
static void memory_divide(size_t given)
{
	const struct quota *q = &store.quota;
	size_t besides = MEMORY_BESIDES + q->domains * MEMORY_CLIENT;
	size_t own = given > 2 * besides ? given - besides : given / 2;
	size_t others = q->snapshot + 2 * (q->domains + 1) * q->event_bytes;

	mem_set_limit(own);
	mem_set_reserve(own / 16);
	own = own > 2 * others ? own - others : own / 2;
	quota_set_room(&store, own / 4 * 3);
}

static void shares_show(size_t given)
{
	const struct shares *sh = quota_shares(&store);

	printf("xenstore: each of %u guests is sure of %lu KiB and may have up to %lu; %lu KiB are for all, %lu for control"
	       " (memory %lu KiB, journal %lu)\n",
		(unsigned int)store.quota.domains, (unsigned long)(sh->sure / KIB),
		(unsigned long)(store.quota.memory / KIB), (unsigned long)(sh->pool / KIB),
		(unsigned long)(sh->reserve / KIB), (unsigned long)(given / KIB),
		(unsigned long)(journal.half_size * 2 / KIB));
	if (sh->sure < SURE_MIN)
		printf("xenstore: that is too little for all of them: it wants more memory, or a larger journal\n");
}

/*
 * For how many guests the manifest wants room. All of them together have room for as many
 * events as the guests of the usual number.
 */
static struct quota quota_wanted(void)
{
	struct quota q = quota_default;
	char text[8];

	if (svc_arg("guests", text, sizeof(text)))
		q.domains = (uint32_t)strtoul(text, NULL, 10);
	if (q.domains > quota_default.domains)
		q.event_bytes = q.event_bytes * quota_default.domains / q.domains;
	return q;
}

int main(void)
{
	const struct quota quota = quota_wanted();
	size_t given = memory_given();

	if (!quota.domains) {
		printf("xenstore: the argument guests is not a number above 0\n");
		return 1;
	}
	if (store_init(&store, &quota)) {
		printf("xenstore: no memory for an empty store\n");
		return 1;
	}
	store.refused = refused;
	memory_divide(given);
	if (journal_start()) {
		printf("xenstore: the journal's memory is too small\n");
		return 1;
	}
	shares_show(given);
	if (svc_on_bit(WORK_BIT, work, NULL, "turns") || svc_serve(&service)) {
		printf("xenstore: the event loop refused its handlers\n");
		return 1;
	}
	return svc_run() ? 1 : 0;
}
