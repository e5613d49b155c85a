/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * store.h - the store without I/O: domains, sessions, watches and transactions around the tree
 * of nodes
 *
 * A connection (one ring) has up to two sessions: that of a VMM carries messages of its guest
 * (ROLE_GUEST) and of its own back ends (ROLE_BACKEND). Every function that can fail returns 0
 * or a positive errno that the wire has a name for.
 */
#ifndef XS_STORE_H
#define XS_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "mem.h"
#include "path.h"
#include "proto/xs.h"
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

/* What one domain may have. Control is limited only by struct shares. */
struct quota {
	/* Guests at a time, in the whole store. */
	uint32_t domains;
	uint32_t nodes;
	/* Path and value of one node. */
	uint32_t node_size;
	uint32_t perms;   /* per node */
	uint32_t watches; /* per session */
	uint32_t txns;    /* per session */
	/* Paths that one transaction touches. */
	uint32_t txn_paths;
	/* Undelivered events of one session. */
	uint32_t events;
	size_t event_bytes;
	/* Bytes of nodes, watches, transactions and sessions together. */
	size_t memory;
	/*
	 * In the whole store: bytes of replaced nodes that the snapshots of transactions may
	 * keep alive.
	 */
	size_t snapshot;
};

extern const struct quota quota_default;

/*
 * How the capacity of the journal and of the memory is divided. A charge covers both, and
 * quota.domains * sure + pool + reserve is the smaller of the two capacities, so all charges
 * together fit into both.
 */
struct shares {
	const struct journal *of;
	/* Bytes that each guest can have, whatever the others use. */
	size_t sure;
	/*
	 * Shared by guests that need more than `sure`, up to quota.memory each; first come,
	 * first served.
	 */
	size_t pool;
	/* In addition to the pool, for control alone. */
	size_t reserve;
};

/* The reasons for refusing a request: X(name, its words in the log). */
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
	/* Released, but its nodes could not be removed for lack of memory: try again. */
	bool purge;
	/* References from sessions and from code that is working on it. */
	unsigned int holds;
	/* Sessions of this domain that quotas apply to. */
	unsigned int guests;
	/* Requests that were refused because of a quota. */
	uint32_t refused;
	/* The quota of the last refusal. */
	enum quota_kind refused_for;
	uint32_t nodes;
	/* Bytes charged; changed only by domain_bytes(). */
	size_t bytes;
	/* What the change under way adds or, if negative, removes. */
	long pend_nodes, pend_bytes;
	struct domain *pend_next;
	bool pending;
};

struct watch {
	TAILQ_ENTRY(watch) in_session, in_listener;
	struct session *session;
	struct listener *listener;
	/* Increases along the listener's list. */
	uint64_t serial;
	/* Length of the prefix that events leave out: 0, or that of /local/domain/<domid>/. */
	size_t base_len;
	size_t cost;
	char token[];
};

/*
 * All watches of one session on one path. They get the same events, so each event is kept once
 * for all of them.
 */
struct listener {
	TAILQ_ENTRY(listener) in_group;
	TAILQ_ENTRY(listener) in_collapsed;
	struct session *session;
	struct watch_group *group;
	TAILQ_HEAD(watch_list, watch) watches; /* never empty */
	/* There were too many events; each watch gets one on its own path instead. */
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
	/* Serial of the first watch that it is for; at least one such watch exists. */
	uint64_t from;
	uint32_t hash; /* of path */
	size_t size;
	char path[];
};

/* A path that a transaction has read and perhaps changed. */
struct touched {
	UT_hash_handle hh;
	bool written;
	char path[];
};

struct txn {
	TAILQ_ENTRY(txn) in_session;
	/* Only while it has a snapshot; the oldest first. */
	TAILQ_ENTRY(txn) in_store;
	struct session *session;
	uint32_t id;
	/* NULL if the transaction is doomed: it will end with EAGAIN. */
	struct node *base, *root;
	uint64_t replaced_at_start;
	/* Nodes of the session's own domain: made minus removed. */
	long own_nodes;
	size_t cost;
	/* In the order in which they were first touched. */
	struct touched *touched;
	unsigned int n_touched;
};

/* The answer to a request that is not just a question, in case the client sends it again. */
struct note {
	uint64_t seq;
	uint32_t type;
	/* The answer to TRANSACTION_START. */
	uint32_t txid;
	uint32_t err;
	/* It is in the journal. */
	bool kept;
};

enum { NOTES = XS_UNANSWERED_MAX };

struct session {
	TAILQ_ENTRY(session) link;
	/* Identifies the connection across restarts. */
	uint32_t key;
	enum role role;
	uint16_t domid;
	/* False: the session came from the journal, and its client has not come back. */
	bool attached;
	/* Its domain has been released, so it does not come back after a restart. */
	bool released;
	struct domain *dom;
	TAILQ_HEAD(, watch) watches;
	unsigned int n_watches;
	TAILQ_HEAD(, event) events;
	unsigned int n_events;
	size_t event_bytes;
	/* Told once `events` is empty. */
	TAILQ_HEAD(, listener) collapsed;
	unsigned int n_collapsed;
	/*
	 * The watch that is told next of the first event or, without events, of the first
	 * collapsed listener. NULL: the first watch of that listener.
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
	/* Charges that the memory can hold; 0: only the journal is a limit. */
	size_t room;
	struct shares shares;
	/* Bytes that domains use beyond their sure shares, out of pool and reserve. */
	size_t beyond;
	/* Domains with a session that quotas apply to. */
	unsigned int n_guests;
	/* Called at a domain's first refusal because of a quota; may be NULL. */
	void (*refused)(const struct domain *dom);
	struct node *root;
	uint64_t gen;
	/* Total bytes of node versions that changes have replaced. */
	uint64_t replaced;
	struct domain *domains;
	/* Domains that the change under way touches. */
	struct domain *pending;
	/* The change under way makes nodes or gives them new content. */
	bool puts;
	struct watch_group *groups;
	uint64_t watch_serial, fire_serial;
	/* How often an event was to be told to a session. */
	uint64_t fired;
	/* Name and permissions of @introduceDomain, @releaseDomain. */
	struct data *special[SPECIALS];
	TAILQ_HEAD(, session) sessions;
	TAILQ_HEAD(, txn) txns;
	/* NULL: nothing survives a restart. */
	struct journal *journal;
	/* The journal lacks a change that could not be appended. */
	bool journal_stale;
	/* Bytes of the journal after the last compaction. */
	size_t compacted;
	/* Attempts to compact that are still to be skipped, because the last one failed. */
	unsigned int compact_wait;
	/* How many are skipped after the last failure. */
	unsigned int compact_delay;
	/* Bytes freed since the last attempt to compact. */
	size_t freed;
	/* Some domain has `purge` set. */
	bool purge_due;
	/* The journal is being read; quotas do not apply to what they have allowed before. */
	bool replaying;
	/* The note of the request under way; seq 0: the request has no number. */
	struct note note;
};

/*
 * What a change does besides changing nodes. A journal record holds the nodes, at most one of
 * these, and the note.
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
	/* Removes a domain's nodes and permissions; the record does not list them. */
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
 * Makes `root` (whose reference it takes over) the live tree, together with `change`, on behalf
 * of `by` (NULL: no session). It accounts, journals and then commits, so a failure changes
 * nothing. The caller fires the events.
 */
int store_commit(
	struct store *s, struct session *by, struct node *root, const struct change *change);
/*
 * Records a change that has already happened and cannot fail. If the journal has no room, it
 * catches up later.
 */
void store_record(struct store *s, struct session *by, const struct change *change);
int store_introduce(struct store *s, struct session *by, uint16_t domid);
/* Sessions of a domain may ask again, or not any more; then they lose what they have. */
void domain_sessions_admit(struct store *s, const struct domain *dom);
void domain_sessions_release(struct store *s, const struct domain *dom);
/*
 * Ends a domain: removes its nodes and its entries in permissions, then fires @releaseDomain.
 */
int store_release(struct store *s, struct session *by, uint16_t domid);
/* Has the domain a session whose client has not come back after a restart of the store? */
bool store_forgotten(const struct store *s, const struct domain *dom);
/* Retries work that lacked memory or room in the journal when it was due. */
void store_housekeep(struct store *s);
/* Recounts all charges. 0, or EIO if the books are wrong. For control and for tests. */
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
 * What a session itself uses. session_charge() enforces the limits and returns 0 or ENOSPC;
 * session_charge_always() ignores them; session_refund() gives back.
 */
int session_charge(struct store *s, const struct session *sess, size_t bytes);
void session_charge_always(struct store *s, const struct session *sess, size_t bytes);
void session_refund(struct store *s, const struct session *sess, size_t bytes);
/*
 * A session that quotas apply to came (1) or went (-1). ENOSPC if there are already as many
 * guests as allowed.
 */
int domain_count_guest(struct store *s, struct domain *dom, int by);
/* Counts and reports a refusal. Returns the errno for the wire. */
int quota_refuse(struct store *s, struct domain *dom, enum quota_kind kind);
/* The division, recomputed if the store has another journal. */
const struct shares *quota_shares(struct store *s);
/* Sets how many bytes of charges the memory can hold. */
void quota_set_room(struct store *s, size_t bytes);
/*
 * Books the change from s->root to `root`. 0, ENOSPC or ENOMEM; quota_settle() must follow in
 * each case.
 */
int quota_prepare(struct store *s, struct node *root, struct session *by);
void quota_settle(struct store *s, bool commit);
/* Nodes charged to `acct` in `after`, minus those in `before`. */
long quota_count(struct node *before, struct node *after, uint16_t acct);

/* perm.c */
unsigned int perm_bits(const struct session *sess, const char *path, const struct data *data);
bool session_is_dom0_at(const struct session *sess, const char *path);
/* Reads the strings between `at` and `end`; 0, EINVAL, ENOSPC. */
int perm_parse(const char *at, const char *end, struct perm_list *list);
/* Writes a string such as "r5" to `out`, of at least 8 bytes. Returns its size with the NUL. */
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
 * After a restart, when it is not known what the clients were told: tells each watch of its own
 * path and of all nodes below it.
 */
void watch_fire_all(struct store *s);
/*
 * The next event for this session as a path and a token; false if there is none. event_pop()
 * removes it.
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
/* Handles one request of `sess`. 0 with a payload in `reply`, or an error. */
int op_handle(
	struct store *s, struct session *sess, const struct request *req, struct reply *reply);
/* Is a request of this type just a question, which changes nothing whenever it is asked? */
bool op_only_asks(uint32_t type);

/* session.c */
/*
 * Opens a session, or resumes the one from the journal. EINVAL if that belongs to another
 * domain.
 */
int session_open(
	struct store *s, uint32_t key, enum role role, uint16_t domid, struct session **out);
/*
 * A connection begins that is not the continuation of an earlier one: ends what such a one has
 * left here.
 */
void session_discard(struct store *s, uint32_t key, enum role role, uint16_t domid);
/* Ends a session with its watches, transactions and events. */
void session_close(struct store *s, struct session *sess);
struct session *session_find(struct store *s, uint32_t key, enum role role);
/* The charge for a session without its watches and transactions. */
size_t session_size(void);
/* Drops watches, events, transactions. */
void session_reset(struct store *s, struct session *sess);
void session_note(struct session *sess, const struct note *note);
/*
 * Answers one message: header and payload, `len` bytes at `msg`, which no other domain can
 * change. `seq` is its number on its connection (0: unnumbered). 0 with a reply, or EPROTO if
 * this is not a message; then the caller has to end the connection.
 */
int session_request(struct store *s, struct session *sess, uint64_t seq, const void *msg,
	size_t len, struct reply *reply);
/*
 * The next watch event as a message; false if none is due. The caller calls event_pop() once it
 * is sent.
 */
bool session_event(struct session *sess, struct reply *reply);

#endif
