/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * domtab.h - the table of guests and what happens to them: events come in, actions go out
 *
 * No function here waits or communicates. Each event changes states and queues actions. The
 * domain's loop carries the actions out, and their completion comes back as further events.
 */
#ifndef CONTROL_DOMTAB_H
#define CONTROL_DOMTAB_H

#include <stdbool.h>
#include <stdint.h>

#include "toolstack/guest_text.h"
#include "toolstack/msg.h"
#include "proto/ctl.h"

enum {
	DOMTAB_MAX = CTL_GUESTS_MAX,
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
 * enum dom_state is in ctl.h. Here: BUILDING is between dom_add() and dom_ready(); in DYING
 * dom_quiesced() is to come, in LEAVING dom_gone(); a RESTING guest is created at due_ns.
 */

struct dom {
	enum dom_state state;
	uint32_t domid;
	bool paused;
	bool has_vmm; /* its VMM runs: it must quiesce, and its death matters */
	bool restart; /* create it again when it is gone */
	/* BUILDING: nobody waits for it. If control ends meanwhile, it is created again. */
	bool again;
	bool config_kept;     /* keep.c: the configuration has not changed since it was kept */
	bool touched;         /* keep.c: it may have changed since it was kept */
	uint32_t reason;      /* DOWN and later: enum dom_reason */
	uint64_t born_ns;     /* when it was ready */
	uint64_t due_ns;      /* RESTING */
	uint32_t short_lives; /* in a row, including those of the guests before it: restart.h */
	char name[GUEST_NAME_MAX + 1]; /* differs from config->name after rename-restart */
	uint8_t uuid[UUID_SIZE];
	struct guest_config *config; /* owned, malloc'ed */
	/*
	 * Likewise: with which it is started again; NULL: with the same. It ends with control.
	 */
	struct guest_config *next;
	void *priv; /* struct guest: guest.h */
};

enum dom_do {
	DO_QUIESCE, /* tell its VMM to stop; dom_quiesced() when it has stopped, or is dead */
	/* close connections, revoke memory, remove from xenstore; then dom_gone() */
	DO_TEARDOWN,
	/* a new guest with `config`, which the action owns; domid: of the guest before it */
	DO_CREATE,
	DO_RENAME,    /* name and uuid of `dom` changed: tell xenstore */
	DO_ASK_DOWN,  /* ask the guest to power off */
	DO_DUMP,      /* write a core of it to its partition; then dom_dumped() */
	DO_UNPAUSE,   /* let its vCPUs run */
	DO_NOTE_DOWN, /* tell waiting commands that the guest shut down */
	DO_NOTE_GONE, /* tell waiting commands that the guest is gone; domid only */
	/* all guests are gone, or no longer waited for: power off or reboot the host */
	DO_POWER,
};

struct dom_action {
	enum dom_do what;
	uint32_t domid;
	struct guest_config *config; /* DO_CREATE */
	uint32_t short_lives;        /* DO_CREATE: of the guests before it */
};

/* What the table needs from its surroundings. */
struct domtab_env {
	/* Log a line about a guest: something that happened without a command. */
	void (*log)(uint32_t domid, const char *line);
	guest_random_fn random;
	uint64_t (*now_ns)(void); /* since boot */
	/*
	 * Make room for this many entries where they outlive control. Returns for how many
	 * there is. NULL: for all.
	 */
	uint32_t (*places)(uint32_t wanted);
};

enum host_stop { HOST_UP, HOST_POWEROFF, HOST_REBOOT };

struct domtab {
	struct dom dom[DOMTAB_MAX];
	/*
	 * Places in `dom` of the guests that there are, in the order of their domids: DOMTAB5.
	 */
	uint16_t order[DOMTAB_MAX];
	uint32_t n_doms;
	/* An entry has become free since this was false. */
	bool some_free;
	uint32_t next; /* in `order`: domtab_next() */
	uint32_t last_domid;
	enum host_stop stopping;
	bool power_queued;
	struct dom_action queue[DOMTAB_ACTIONS];
	uint32_t head, n_queued;
	const struct domtab_env *env;
};

void domtab_init(struct domtab *t, const struct domtab_env *env);
void domtab_fini(struct domtab *t);

/*
 * Guests that are found by these count as touched: keep.c looks whether they have changed.
 * domtab_get(): by domid; NULL: none.
 */
struct dom *domtab_get(struct domtab *t, uint32_t domid);
/* By its name; NULL: none. */
struct dom *domtab_named(struct domtab *t, const char *name);
/* In the order of their domids: the first above `domid`; NULL: there is none. */
struct dom *domtab_next(struct domtab *t, uint32_t domid);
/* The same for who changes nothing that is kept, or says so by dom_touch(). */
struct dom *domtab_look(struct domtab *t, uint32_t domid);
static inline void dom_touch(struct dom *d) { d->touched = true; }

/*
 * A new entry in state BUILDING, which takes the config over. NULL with *m: the config stays
 * the caller's.
 */
struct dom *dom_add(struct domtab *t, struct guest_config *config, struct msg *m);
/* May a guest get a vif with this address? 0, or -1 with *m: another one has it. */
int domtab_mac_check(struct domtab *t, const struct vif_spec *v, struct msg *m);
/* Forget an entry for which nothing was built, and free its config. */
void dom_drop(struct domtab *t, struct dom *d);
/*
 * An entry as an earlier life of control left it, at the same place of the table. NULL: the
 * place is taken, or there is such a guest already; the config stays the caller's.
 */
struct dom *dom_adopt(struct domtab *t, uint32_t place, const struct dom *as);
/*
 * Go on with an adopted guest: one that was being created is taken back, one that was ending
 * goes on to end. damaged: it has lost something that it needs, so it ends, too.
 */
void dom_resume(struct domtab *t, struct dom *d, bool damaged, uint64_t wall_seconds);

/* ---- events ---- */
void dom_started(struct dom *d); /* its VMM runs */
void dom_ready(struct domtab *t, struct dom *d, bool paused);
void dom_failed(struct domtab *t, struct dom *d); /* the VMM could not build the guest */
void dom_down(struct domtab *t, struct dom *d, uint32_t reason, uint64_t wall_seconds);
void dom_vmm_died(struct domtab *t, struct dom *d, uint64_t wall_seconds);
/* Its core is written, or cannot be; NULL: it is gone. */
void dom_dumped(struct domtab *t, struct dom *d);
/* It has stopped to be saved, and can go on; it goes on. */
bool dom_suspended(const struct dom *d);
void dom_unsuspended(struct dom *d, bool paused);
void dom_quiesced(struct domtab *t, struct dom *d);
void dom_gone(struct domtab *t, struct dom *d);
/*
 * A guest that could not be created again will be tried again a second later. 0, or -1: the
 * config stays the caller's.
 */
int dom_rest(struct domtab *t, struct guest_config *config, uint32_t short_lives) must_check;
/* The user has asked it to reboot, so this is not a short life. */
void dom_reboot_asked(struct dom *d);
/*
 * Queue the creation of guests that are due. Returns the time (of now_ns()) when the next one
 * is due, or UINT64_MAX.
 */
uint64_t domtab_due(struct domtab *t);
/* Requests of the user. */
void dom_destroy(struct domtab *t, struct dom *d);
/* 0, or -1 with *m. */
int dom_rename(struct domtab *t, struct dom *d, const char *name, struct msg *m);
/* Takes the configuration over, for when the guest is started again; it keeps its identity. */
void dom_update(struct dom *d, struct guest_config *config);
/* Ask all guests to shut down, then stop the host. */
void domtab_stop_host(struct domtab *t, enum host_stop how);
/* Destroy all guests, even those that were asked to shut down before, then stop the host. */
void domtab_stop_host_now(struct domtab *t, enum host_stop how);
/* The host is being stopped: do not wait for the guests that are not gone yet. */
void domtab_stop_waiting(struct domtab *t);

bool domtab_next_action(struct domtab *t, struct dom_action *a);

/* ---- a list of guests that a command waits for ---- */
struct dom_wait {
	uint32_t n;
	struct {
		uint32_t domid;
		bool down; /* this was reported already */
	} dom[DOMTAB_MAX];
	bool gone_only; /* shutting down is not enough */
};
enum wait_news { WAIT_NO_NEWS, WAIT_DOWN, WAIT_GONE };
void wait_add(struct dom_wait *w, uint32_t domid);
bool wait_has(const struct dom_wait *w, uint32_t domid);
/*
 * What an action means for a guest that a command waits for. A guest that shut down stays on
 * the list until it is gone, unless it is preserved (`stays`).
 */
enum wait_news wait_note(struct dom_wait *w, const struct dom_action *a, bool stays);

#endif
