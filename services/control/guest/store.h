/* SPDX-License-Identifier: BSD-2-Clause */
/* store.h - a guest's nodes in xenstore, which the scribe writes */
#ifndef CONTROL_STORE_H
#define CONTROL_STORE_H

#include "client/scribe.h"
#include "guest/guest.h"

/*
 * Write them all and introduce the guest; creation_passed() or creation_failed() when that is
 * answered. 0, or -1 with *m.
 */
int guest_store_write(struct guest *g, struct msg *m);
/* Its name or uuid changed. */
void guest_store_rename(const struct dom *d);
/* Release the guest and remove its nodes. It is in kept_gone until xenstore has answered. */
void guest_store_remove(uint32_t domid, const uint8_t *uuid);
/* Go on with what an earlier life of control has not finished. */
void guest_store_resume(void);

/*
 * The guest that a request is for, by the ctx of its answer; NULL: it was destroyed meanwhile.
 */
struct guest *guest_nodes_owner(void *ctx);
/*
 * Write the nodes of the device in a seat. 0: fn is called with the answer, and with a ctx for
 * guest_nodes_owner(). -1: no memory.
 */
int guest_store_plug(const struct guest *g, uint32_t seat, scribe_fn fn);
/* Ask the guest to let go of it. */
void guest_store_offline(const struct guest *g, uint32_t seat);
/* Remove them. */
void guest_store_unplug(const struct guest *g, uint32_t seat);
/* A drive has another medium; "": none. As guest_store_plug(), but fn may be NULL. */
int guest_store_medium(const struct guest *g, uint32_t seat, const char *target, scribe_fn fn);
/* What it is asked to do; "": nothing any more. */
void guest_store_shutdown(const struct dom *d, const char *how);

#endif
