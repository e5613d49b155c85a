/* SPDX-License-Identifier: BSD-2-Clause */
/* reopen.h - guests' connections with a service that has been started again */
#ifndef CONTROL_REOPEN_H
#define CONTROL_REOPEN_H

#include "guest/guest.h"

/* Follow the lives of services from now on. */
void reopen_init(void);
/* Its service has begun a new life since it was open the last time. */
bool reopen_stale(const struct guest_conn *c);
/*
 * The connection is stale and has to be opened again, which reopen.c does by itself. Of a guest
 * that is at its end, this is true only for disks that it wrote, which need a last flush.
 */
bool reopen_wanted(const struct guest *g, const struct guest_conn *c);
/* Look for connections of this service that are wanted. */
void reopen_service(enum service s);

/* connect.c: one of the guest's connections is open again, or lost. */
void guest_reopened(struct guest *g);

#endif
