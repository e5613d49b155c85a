/* SPDX-License-Identifier: BSD-2-Clause */
/* accuse.h - guests' VMMs say that a service broke the protocol */
#ifndef CONTROL_ACCUSE_H
#define CONTROL_ACCUSE_H

#include "guest/guest.h"

void accuse_init(void);
/* The guest's VMM says so of the service of a channel, in this epoch of the connection. */
void guest_accuses(struct guest *g, uint32_t channel, uint32_t epoch);

#endif
