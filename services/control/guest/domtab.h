/*
 * domtab.h - the table of guests and what happens to them, as events in and actions out
 *
 * Nothing here waits or talks to anybody: each event changes states and queues actions, which
 * the domain's loop carries out, and whose end comes back as another event.
 */
#ifndef CONTROL_DOMTAB_H
#define CONTROL_DOMTAB_H

#include <stdbool.h>
#include <stdint.h>

#include "config/guest_cfg.h"
#include "msg.h"

enum {
	DOMTAB_MAX = 64,         /* guests at a time */
	DOMID_RESERVED = 0x7ff0, /* first of the ids that mean something else (xen.h) */
	DOMTAB_ACTIONS = 4 * DOMTAB_MAX,
};

/* SHUTDOWN_* of xen/sched.h */
enum dom_reason {
	REASON_POWEROFF = 0,
	REASON_REBOOT = 1,
	REASON_SUSPEND = 2,
	REASON_CRASH = 3,
	REASON_WATCHDOG = 4,
	REASON_SOFT_RESET = 5,
};

/*
 * FREE      no guest
 * BUILDING  between dom_add() and dom_ready()
 * LIVE      runs, or is paused
 * DOWN      the guest has shut down; its memory is kept
 * DYING     QUIESCE was queued, dom_quiesced() is to come
 * LEAVING   TEARDOWN was queued, dom_gone() is to come
 * RESTING   gone, to be made again at due_ns; nothing but the entry is left of it
 */
#define DOM_STATES(X) X(FREE) X(BUILDING) X(LIVE) X(DOWN) X(DYING) X(LEAVING) X(RESTING)
#define X(s) DOM_##s,
enum dom_state { DOM_STATES(X) DOM_STATE_COUNT };
#undef X

struct dom {
	enum dom_state state;
	uint32_t domid;
	bool paused;
	bool has_vmm;     /* that runs: somebody to quiesce, whose death is news */
	bool restart;     /* when it is gone */
	uint32_t reason;  /* DOWN and later: enum dom_reason */
	uint64_t born_ns; /* when it was ready */
	uint64_t due_ns;  /* RESTING */
	uint32_t
		short_lives; /* in a row, with those of the guests that it follows: restart.h */
	char name[GUEST_NAME_MAX + 1]; /* rename-restart gives it another than config->name */
	uint8_t uuid[UUID_SIZE];
	struct guest_config *config; /* owned, malloc'ed */
	void *priv;                  /* the builder's */
};

enum dom_do {
	DO_QUIESCE, /* tell its VMM to stop; dom_quiesced() when it has, or is dead */
	DO_TEARDOWN, /* close connections, revoke memory, remove from xenstore; then dom_gone() */
	DO_CREATE, /* a new guest with `config`, which the action owns; domid: it follows that one */
	DO_RENAME,    /* name and uuid of `dom` changed: tell xenstore */
	DO_ASK_DOWN,  /* ask the guest to power off */
	DO_UNPAUSE,   /* let its vCPUs run */
	DO_NOTE_DOWN, /* for those who wait: the guest shut down */
	DO_NOTE_GONE, /* the guest is gone; domid only */
	DO_POWER,     /* all guests are gone, or not waited for: host power off or reboot */
};

struct dom_action {
	enum dom_do what;
	uint32_t domid;
	struct guest_config *config; /* DO_CREATE */
	uint32_t short_lives;        /* DO_CREATE: of those that it follows */
};

/* What the table needs of the world. */
struct domtab_env {
	/* A line about a guest, for the log: what happens to it on its own. */
	void (*log)(uint32_t domid, const char *line);
	guest_random_fn random;
	uint64_t (*now_ns)(void); /* since boot */
};

enum host_stop { HOST_UP, HOST_POWEROFF, HOST_REBOOT };

struct domtab {
	struct dom dom[DOMTAB_MAX];
	uint32_t last_domid;
	enum host_stop stopping;
	bool power_queued;
	struct dom_action queue[DOMTAB_ACTIONS];
	uint32_t head, n_queued;
	const struct domtab_env *env;
};

void domtab_init(struct domtab *t, const struct domtab_env *env);
void domtab_fini(struct domtab *t);

/* A guest by domid; NULL: none. */
struct dom *domtab_get(struct domtab *t, uint32_t domid);
/*
 * By what a person typed: digits are a domid, the rest a name. NULL with *m: none. 0 has no
 * struct dom.
 */
struct dom *domtab_find(struct domtab *t, const char *who, struct msg *m);
bool domtab_is_host(const char *who);
/* Guests in the order of their domids: the first above `domid`; NULL: no more. */
struct dom *domtab_next(struct domtab *t, uint32_t domid);

/*
 * New entry in state BUILDING, taking the config over. NULL with *m (the config stays the
 * caller's).
 */
struct dom *dom_add(struct domtab *t, struct guest_config *config, struct msg *m);
/* Forget an entry that nothing was built for; frees its config. */
void dom_drop(struct dom *d);

/* ---- events ---- */
void dom_started(struct dom *d); /* its VMM runs */
void dom_ready(struct domtab *t, struct dom *d, bool paused);
void dom_failed(struct domtab *t, struct dom *d); /* the VMM could not build the guest */
void dom_down(struct domtab *t, struct dom *d, uint32_t reason, uint64_t wall_seconds);
void dom_vmm_died(struct domtab *t, struct dom *d, uint64_t wall_seconds);
void dom_quiesced(struct domtab *t, struct dom *d);
void dom_gone(struct domtab *t, struct dom *d);
/* The user has asked it to reboot: that is no short life. */
void dom_reboot_asked(struct dom *d);
/* Queue what has become due; when there is something again, in now_ns(); UINT64_MAX: nothing waits. */
uint64_t domtab_due(struct domtab *t);
/* Requests of the user. */
void dom_destroy(struct domtab *t, struct dom *d);
/* 0, or -1 with *m. */
int dom_rename(struct domtab *t, struct dom *d, const char *name, struct msg *m);
/* Stop all guests, then the host. `now`: destroy them. May be repeated to insist. */
void domtab_stop_host(struct domtab *t, enum host_stop how, bool now);
/* Stop the host that is being stopped, though some guests are not gone yet. */
void domtab_stop_waiting(struct domtab *t);

bool domtab_next_action(struct domtab *t, struct dom_action *a);

/* ---- waiting for guests, by those who must not wait ---- */
struct dom_wait {
	uint32_t n;
	struct {
		uint32_t domid;
		bool down; /* told of already */
	} dom[DOMTAB_MAX];
	bool gone_only; /* shutting down is not enough */
};
enum wait_news { WAIT_NO_NEWS, WAIT_DOWN, WAIT_GONE };
void wait_add(struct dom_wait *w, uint32_t domid);
bool wait_has(const struct dom_wait *w, uint32_t domid);
/*
 * An action came by: what to tell of a guest that is waited for. One that shut down is waited for
 * until it is gone, unless it stays (preserved).
 */
enum wait_news wait_note(struct dom_wait *w, const struct dom_action *a, bool stays);

#endif
