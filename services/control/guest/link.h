/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * link.h - what a VMM asks of services: one connection after the other, by the number of a step
 */
#ifndef CONTROL_LINK_H
#define CONTROL_LINK_H

#include "guest/guest.h"

/*
 * Steps in their order. Modules come last, because the VMM reads them before it handles events,
 * and uses the high signal bits for itself after that. A step that the guest does not have is
 * left out: it stands for a device or a module that may be there in another guest.
 */
enum {
	LINK_LOG,
	LINK_CONSOLE,
	LINK_STORE,
	LINK_KERNEL,
	LINK_SEAT, /* the device in seat 0; the others follow, and the volume of a save */
	LINK_MODULE = LINK_SEAT + GUEST_SEAT_IMAGE + 1,
	LINK_STEPS = LINK_MODULE + GUEST_MODULES_MAX
};
bool link_has(const struct guest *g, uint32_t step);
/* The first step from this one on that the guest has; LINK_STEPS: there is none. */
uint32_t link_next(const struct guest *g, uint32_t step);
/* The seat in whose memory the data of a connection are; GUEST_PIECES: in none. */
uint32_t link_piece(uint32_t step);
enum service link_service(uint32_t step);
/*
 * From here on, step is one that the guest has.
 *
 * Fill *l with the request for a connection, except for its memory; the call has its service
 * and endpoint. 0, or -1 with *m.
 */
int link_prepare(const struct guest *g, uint32_t step, struct guest_link *l, struct msg *m);
/* The name of a connection for messages; text is room for it. */
const char *link_subject(const struct guest *g, uint32_t step, char text[24]);
/* What it means that the service did not make the connection. */
void link_refused(const struct guest *g, uint32_t step, int rc, struct msg *m);
/* Can the guest lose data if the service ends this connection without a last flush? */
bool link_writes(const struct guest *g, uint32_t step);
/* When several connections are opened again, those with the highest number come first. */
uint32_t link_urgency(const struct guest *g, uint32_t step);

#endif
