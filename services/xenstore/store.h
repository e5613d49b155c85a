/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * store.h - the xenstore as pure logic: domains, sessions, watches, transactions around the
 * tree of nodes.
 *
 * A connection (one ring) has up to two sessions: a VMM's carries its guest's messages (guest)
 * and those of its own back ends (backend). Every function that can fail answers 0 or a
 * positive errno that the wire can name.
 */
#ifndef XS_STORE_H
#define XS_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "mem.h"
#include "path.h"
#include "tree.h"

struct journal;
struct reply;
struct request;

enum role {
	ROLE_CONTROL = 0, /* acts as dom0 */
	/* Acts as its domid. */
	ROLE_GUEST = 1,
	/* Acts as dom0 on the keys of its own guest's back ends, else as the guest. */
	ROLE_BACKEND = 2,
};

/* What one domain may have; control is limited by what there is (struct shares). */
struct quota {
	/* Guests at a time. */
	uint32_t domains;
	uint32_t nodes;
	/* Path and value of one node. */
	uint32_t node_size;
	uint32_t perms;   /* per node */
	uint32_t watches; /* per session */
	uint32_t txns;    /* per session */
	/* Paths that one transaction touches. */
	uint32_t txn_paths;
	/* That wait for one session. */
	uint32_t events;
	size_t event_bytes;
	/* Nodes, watches, transactions, sessions together. */
	size_t memory;
	/* Of the whole store: what transactions may keep of what changes have replaced. */
	size_t snapshot;
};

extern const struct quota quota_default;

/*
 * How what the journal and the memory can hold is divided. What a domain is charged covers
 * both, so the sum of all charges is never more than both can hold: quota.domains times `sure`,
 * with `pool` and `reserve`.
 */
struct shares {
	const struct journal *of;
	/* Bytes that each guest can have whatever the others do. */
	size_t sure;
	/* For what guests need beyond, up to quota.memory; first come, first served. */
	size_t pool;
	/* Beyond the pool, for control alone. */
	size_t reserve;
};

/* What a request can be refused for; X(name, the words of the log). */
/* clang-format off */
#define QUOTAS(X) \
	X(NODES, "nodes") \
	X(NODE_SIZE, "bytes of a node") \
	X(PERMS, "permissions of a node") \
	X(WATCHES, "watches") \
	X(TXNS, "transactions") \
	X(TXN_PATHS, "paths of a transaction") \
	X(MEMORY, "bytes") \
	X(SHARE, "bytes: all that is not kept for other guests is in use")
/* clang-format on */
#define X(name, words) QUOTA_##name,
enum quota_kind { QUOTAS(X) QUOTA_KINDS };
#undef X
const char *quota_name(enum quota_kind kind);

struct domain {
	UT_hash_handle hh;
	uint16_t domid;
	uint16_t target;
	bool has_target;
	bool introduced;
	/* Gone, but memory to take its nodes out was lacking: try again. */
	bool purge;
	/* References: by sessions, and by code that works on it. */
	unsigned int holds;
	/* Its sessions that quotas apply to. */
	unsigned int guests;
	/* Requests, for a quota. */
	uint32_t refused;
	/* The last of them. */
	enum quota_kind refused_for;
	uint32_t nodes;
	/* Charged: domain_bytes() alone changes it. */
	size_t bytes;
	/* Of the change under way. */
	long pend_nodes, pend_bytes;
	struct domain *pend_next;
	bool pending;
};

struct watch {
	TAILQ_ENTRY(watch) in_session, in_listener;
	struct session *session;
	struct listener *listener;
	/* Grows in the order of the listener's list. */
	uint64_t serial;
	/* Of what events leave out: 0, or that of /local/domain/<domid>/. */
	size_t base_len;
	size_t cost;
	char token[];
};

/*
 * All watches of one session on one path: they are told the same, so an event is kept once for
 * all of them.
 */
struct listener {
	TAILQ_ENTRY(listener) in_group;
	TAILQ_ENTRY(listener) in_collapsed;
	struct session *session;
	struct watch_group *group;
	TAILQ_HEAD(watch_list, watch) watches; /* never empty */
	/* Too many events: one for each watch, on its own path, is due. */
	bool collapsed;
};

/* All watches on one path. */
struct watch_group {
	UT_hash_handle hh;
	TAILQ_HEAD(, listener) listeners; /* never empty */
	char path[];
};

struct event {
	TAILQ_ENTRY(event) link;
	struct listener *listener;
	/* The serial of the first watch that it is for; there is one. */
	uint64_t from;
	uint32_t hash; /* of path */
	size_t size;
	char path[];
};

/* A path that a transaction has looked at, and perhaps changed. */
struct touched {
	UT_hash_handle hh;
	bool written;
	char path[];
};

struct txn {
	TAILQ_ENTRY(txn) in_session;
	/* With a snapshot only, the oldest first. */
	TAILQ_ENTRY(txn) in_store;
	struct session *session;
	uint32_t id;
	/* NULL when doomed: it will end with EAGAIN. */
	struct node *base, *root;
	uint64_t replaced_at_start;
	/* Made less removed, of the session's own domain. */
	long own_nodes;
	size_t cost;
	/* In the order of first touch. */
	struct touched *touched;
	unsigned int n_touched;
};

/* The answer to an applied change, for the case that it is sent again. */
struct note {
	uint64_t seq;
	uint32_t type;
	/* What TRANSACTION_START answered. */
	uint32_t txid;
	uint32_t err;
};

/* A client has no more changes under way than this. */
enum { NOTES = 128 };

struct session {
	TAILQ_ENTRY(session) link;
	/* Names the connection, over restarts. */
	uint32_t key;
	enum role role;
	uint16_t domid;
	/* False: known from the journal, its client has not come back yet. */
	bool attached;
	struct domain *dom;
	TAILQ_HEAD(, watch) watches;
	unsigned int n_watches;
	TAILQ_HEAD(, event) events;
	unsigned int n_events;
	size_t event_bytes;
	/* Told when no event waits any more. */
	TAILQ_HEAD(, listener) collapsed;
	unsigned int n_collapsed;
	/*
	 * the watch that hears of the first event, or of the first collapsed listener, next;
	 * NULL: its first
	 */
	struct watch *cursor;
	/* The change that fire_permitted is about. */
	uint64_t fire_serial;
	bool fire_permitted;
	TAILQ_HEAD(, txn) txns;
	unsigned int n_txns;
	uint32_t last_txid;
	struct note notes[NOTES];
	unsigned int next_note;
};

enum special { SPECIAL_INTRODUCE, SPECIAL_RELEASE, SPECIALS };

struct store {
	struct quota quota;
	/* What the memory can hold of charges; 0: only the journal counts. */
	size_t room;
	struct shares shares;
	/* Bytes that domains have beyond what they are sure of: of pool and reserve. */
	size_t beyond;
	/* Domains with a session that quotas apply to. */
	unsigned int n_guests;
	/* a domain's first refusal for a quota; NULL: nobody is told */
	void (*refused)(const struct domain *dom);
	struct node *root;
	uint64_t gen;
	/* Bytes of node versions that changes have replaced, ever. */
	uint64_t replaced;
	struct domain *domains;
	/* Those that the change under way touches. */
	struct domain *pending;
	/* It makes nodes or gives them new content. */
	bool puts;
	struct watch_group *groups;
	uint64_t watch_serial, fire_serial;
	/* Name and permissions of @introduceDomain, @releaseDomain. */
	struct data *special[SPECIALS];
	TAILQ_HEAD(, session) sessions;
	TAILQ_HEAD(, txn) txns;
	/* NULL: nothing is kept. */
	struct journal *journal;
	/* Lacks something that could not be appended. */
	bool journal_stale;
	/* Attempts to compact that are still left out: the last ones failed. */
	unsigned int compact_wait;
	/* How many were left out the last time. */
	unsigned int compact_delay;
	/* Bytes since the last attempt. */
	size_t freed;
	/* Some domain has `purge` set. */
	bool purge_due;
	/* The journal is being read: what was granted once is granted again. */
	bool replaying;
	/* Of the request under way; seq 0: it has no number. */
	struct note note;
	/* The request has changed something: its note counts. */
	bool change_recorded;
};

/*
 * What a change is besides nodes; one journal record has the nodes, at most one of these, and
 * the note.
 */
enum change_kind {
	CHANGE_NONE,
	CHANGE_SESSION, /* opened */
	CHANGE_SESSION_END,
	CHANGE_WATCH,
	CHANGE_UNWATCH,
	CHANGE_RESET,
	CHANGE_TXN_START,
	CHANGE_TXN_END,
	CHANGE_DOMAIN,
	CHANGE_SPECIAL,
	/* Of a domain's nodes and permissions; the record does not list them. */
	CHANGE_PURGE,
};

struct change {
	enum change_kind kind;
	const struct watch *watch;
	const struct domain *domain;
	uint32_t txid;
	const struct data *special;
};

/* store.c */
int store_init(struct store *s, const struct quota *quota);
void store_fini(struct store *s);
/*
 * Makes `root` (a reference that this takes over) the tree, with `change`, on behalf of `by`
 * (NULL: nobody). Accounts, journals, then commits: when it fails nothing has happened. Events
 * are the caller's to fire.
 */
int store_commit(
	struct store *s, struct session *by, struct node *root, const struct change *change);
/*
 * The same for what has already happened and cannot fail: the journal catches up later if it
 * has to.
 */
void store_record(struct store *s, struct session *by, const struct change *change);
int store_introduce(struct store *s, struct session *by, uint16_t domid);
/* Ends a domain: its nodes, its entries in permissions; then says so to @releaseDomain. */
int store_release(struct store *s, struct session *by, uint16_t domid);
/* Work that lacked memory when it was due. */
void store_housekeep(struct store *s);
/* Recounts everything; 0, or EIO if the books are wrong. For control, and for tests. */
int store_check(struct store *s);

/* quota.c */
static inline bool session_limited(const struct session *sess)
{
	return sess->role != ROLE_CONTROL;
}
/* The domain whose directory relative paths start in. */
static inline uint16_t session_base(const struct session *sess)
{
	return sess->role == ROLE_GUEST ? sess->domid : 0;
}
struct domain *domain_find(struct store *s, uint16_t domid);
struct domain *domain_get(struct store *s, uint16_t domid);
void domain_put(struct store *s, struct domain *dom);
/*
 * A session's own: to be within limits, 0 or ENOSPC; or whatever the limits. Given back by the
 * last.
 */
int session_charge(struct store *s, const struct session *sess, size_t bytes);
void session_charge_always(struct store *s, const struct session *sess, size_t bytes);
void session_refund(struct store *s, const struct session *sess, size_t bytes);
/* A session that quotas apply to came (1) or went (-1): ENOSPC when there are guests enough. */
int domain_count_guest(struct store *s, struct domain *dom, int by);
/* Counts and tells; the errno that the wire has for it. */
int quota_refuse(struct store *s, struct domain *dom, enum quota_kind kind);
/* The division, made anew when the store has got another journal. */
const struct shares *quota_shares(struct store *s);
/* How much the memory can hold of charges. */
void quota_set_room(struct store *s, size_t bytes);
/* Books the change from s->root to `root`; 0, ENOSPC, ENOMEM. Then always the next. */
int quota_prepare(struct store *s, struct node *root, struct session *by);
void quota_settle(struct store *s, bool commit);
/* Nodes of `acct` that `after` has more than `before`. */
long quota_count(struct node *before, struct node *after, uint16_t acct);

/* perm.c */
unsigned int perm_bits(const struct session *sess, const char *path, const struct data *data);
bool session_is_dom0_at(const struct session *sess, const char *path);
/* Reads the strings between `at` and `end`; 0, EINVAL, ENOSPC. */
int perm_parse(const char *at, const char *end, struct perm_list *list);
/* "r5" and the like, with its NUL, in `out` of at least 8 bytes; the length. */
size_t perm_format(const struct perm *perm, char *out);

/* watch.c */
int watch_add(struct store *s, struct session *sess, const char *path, const char *token,
	size_t base_len, struct watch **out);
void watch_remove(struct store *s, struct watch *watch);
struct watch *watch_find(
	struct store *s, struct session *sess, const char *path, const char *token);
void watch_fire(struct store *s, struct node *before, struct node *after, const char *path);
void watch_fire_special(struct store *s, enum special which);
void watch_fire_one(struct store *s, struct watch *watch);
/*
 * The event that is due to this session as a path and a token, or false; event_pop() takes it
 * off.
 */
bool event_peek(struct session *sess, const char **path, const char **token);
void event_pop(struct session *sess);
void events_drop_all(struct session *sess);

/* txn.c */
int txn_start(struct store *s, struct session *sess, struct txn **out);
struct txn *txn_find(struct session *sess, uint32_t id);
struct txn *txn_restore(struct session *sess, uint32_t id);
void txn_drop(struct store *s, struct txn *txn);
int txn_commit(struct store *s, struct txn *txn);
int txn_touch(struct store *s, struct txn *txn, const char *path, struct touched **out);
int txn_update(
	struct store *s, struct txn *txn, const char *path, struct node *root, size_t cost);
void txn_doom_stale(struct store *s);
static inline struct node *txn_root(const struct store *s, const struct txn *txn)
{
	return txn && txn->root ? txn->root : s->root;
}

/* ops.c */
/* Answers one request of `sess`: 0 with a payload in `reply`, or an error. */
int op_handle(
	struct store *s, struct session *sess, const struct request *req, struct reply *reply);

/* session.c */
/*
 * Opens a session or takes up the one that the journal knew. EINVAL if that was another
 * domain's.
 */
int session_open(
	struct store *s, uint32_t key, enum role role, uint16_t domid, struct session **out);
/* Ends it: its watches, its transactions, its events. */
void session_close(struct store *s, struct session *sess);
struct session *session_find(struct store *s, uint32_t key, enum role role);
/* What a session itself is charged. */
size_t session_size(void);
/* Drops watches, events, transactions. */
void session_reset(struct store *s, struct session *sess);
void session_note(struct session *sess, const struct note *note);
/*
 * Answers one message: `len` bytes at `msg`, header and payload, private to the caller. `seq`
 * is its number on its connection (0: unnumbered). 0 with a reply, or EPROTO: not a message,
 * the connection has to go.
 */
int session_request(struct store *s, struct session *sess, uint64_t seq, const void *msg,
	size_t len, struct reply *reply);
/*
 * The next watch event as a message; false if none is due. The caller event_pop()s it once it
 * is sent.
 */
bool session_event(struct session *sess, struct reply *reply);

#endif
