/* SPDX-License-Identifier: BSD-2-Clause */
/* life.h - guests from creation to end */
#ifndef CONTROL_LIFE_H
#define CONTROL_LIFE_H

#include "guest/guest.h"

extern struct domtab guests;

/* The table is empty, and guests_run() comes at the end of every event. */
void guests_init(void);
/* Carry out what the table of guests has queued. */
void guests_run(void);

/*
 * A guest with its entry in the table, state BUILDING. NULL with *m: there is none. The
 * configuration is the table's. again: struct dom.
 */
struct guest *guest_new(struct guest_config *config, bool again, struct msg *m);
/* Forget a guest that nothing was built for. The configuration is the caller's again. */
void guest_drop(struct guest *g);

void guest_pause(struct dom *d);
void guest_unpause(struct dom *d);
/* xenstore: control/shutdown = how. */
void guest_ask(struct dom *d, const char *how);

/* The guest with this number; NULL: there is none, or it rests. */
static inline struct guest *guest_get(uint32_t domid)
{
	struct dom *d = domtab_get(&guests, domid);

	return d ? guest_of(d) : NULL;
}

/* ---- reports from the other parts of a guest ---- */

/* All its connections are closed. */
void guest_disconnected(struct guest *g);
/* Closing its connections takes long. */
void guest_late(struct guest *g, const char *text);
/* A message for a person who ends this guest. */
void guest_trouble(const struct dom *d, const char *text);
/* how: for the log. */
void guest_vmm_died(uint32_t domid, const char *how);

#endif
