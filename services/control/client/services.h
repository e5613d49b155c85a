/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * services.h - the lives of services: init starts a service again when it has failed
 *
 * init signals DOMAIN_BIT_NEWS when a service has ended, when it runs again and all connections
 * between domains of the host are open again, and when it has given one up. In between, a new
 * life can be known already, but it is not asked for guests' connections: calls.h.
 */
#ifndef CONTROL_SERVICES_H
#define CONTROL_SERVICES_H

#include <stdbool.h>
#include <stdint.h>

#include "client/calls.h"

/* fn(s): the service s has begun a new life, or was given up. */
void services_listen(void (*fn)(enum service s));
int services_init(void) must_check;
/* Ask init for news that it may not have signalled so far. */
void services_look(void);
/*
 * Which life the service is in. It goes up, with gaps, and the numbers of new connections begin
 * with it (proto/svc.h).
 */
uint16_t service_life(enum service s);
/* Is one life later than another? */
static inline bool life_after(uint16_t a, uint16_t b) { return (int16_t)(a - b) > 0; }
/* It does not run any more, and will not again. */
bool service_given_up(enum service s);

#endif
