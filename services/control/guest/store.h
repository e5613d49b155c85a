/* SPDX-License-Identifier: BSD-2-Clause */
/* store.h - a guest's nodes in xenstore: xs_layout.h says what they are */
#ifndef CONTROL_STORE_H
#define CONTROL_STORE_H

#include "client/xenstore.h"
#include "guest/guest.h"

/*
 * Write them all and introduce the guest; creation_passed() or creation_failed() when all is
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
/* One of the requests was answered, with err. Was it the last one? */
bool guest_nodes_answered(struct guest_nodes *n, int err);

/*
 * Write the nodes of the device in a seat; fn(domid, ...) is called for each of *n requests. 0,
 * or -1: no memory. Remove them.
 */
int guest_store_plug(const struct guest *g, uint32_t seat, xs_done_fn fn, uint32_t *n);
void guest_store_unplug(const struct guest *g, uint32_t seat);
/* The drive in this seat has another medium; "": none. As guest_store_plug(). */
int guest_store_medium(
	const struct guest *g, uint32_t seat, const char *target, xs_done_fn fn, uint32_t *n);

#endif
