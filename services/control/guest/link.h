/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * link.h - what a VMM asks of services: one connection after the other, by the number of a step
 */
#ifndef CONTROL_LINK_H
#define CONTROL_LINK_H

#include "guest/guest.h"

/*
 * The numbers of steps are below this. One that the guest does not have is left out: it stands
 * for a device or a module that may be there in another guest.
 */
uint32_t link_steps(void);
bool link_has(const struct guest *g, uint32_t step);
/* The first step from this one on that the guest has; link_steps(): there is none. */
uint32_t link_next(const struct guest *g, uint32_t step);
/* The step of the device in a seat. */
uint32_t link_seat_step(uint32_t seat);
/* Which of them is the guest's console. */
uint32_t link_console_step(void);
uint32_t link_kernel_step(void);
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
