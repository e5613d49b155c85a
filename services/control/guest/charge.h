/* SPDX-License-Identifier: BSD-2-Clause */
/* charge.h - what services do for guests is charged to these */
#ifndef CONTROL_CHARGE_H
#define CONTROL_CHARGE_H

/*
 * Ask each service how long it has worked for guests. The answers come later, and are added to
 * guest.served. A service that has not answered the last time is not asked again.
 */
void charges_ask(void);

#endif
