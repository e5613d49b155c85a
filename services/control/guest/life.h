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
 * Take a configuration over and make a guest of it. 0: `fn` will be called; -1 with *m: config
 * not taken.
 */
int guest_create(
	struct guest_config *config, bool paused, created_fn fn, void *ctx, struct msg *m);
void guest_ready(struct guest *g);
void guest_pause(struct dom *d, bool pause);
/* xenstore: control/shutdown = how. */
void guest_ask(struct dom *d, const char *how);

/* ---- what the other parts of a guest tell ---- */

void guest_connected(struct guest *g);
/* All its nodes are in xenstore; `text`: why they are not. */
void guest_stored(struct guest *g, const char *text);
void guest_failed(struct guest *g, const char *text);
void guest_disconnected(struct guest *g);
/* It takes long. */
void guest_late(struct guest *g, const char *text);
/* Something that whoever ends this guest has to know. */
void guest_trouble(const struct dom *d, const char *text);
void guest_vmm_died(uint32_t domid, uint64_t rip, uint64_t address, bool fault);

#endif
