/* SPDX-License-Identifier: BSD-2-Clause */
/* connect.h - the connections of a guest's VMM with services */
#ifndef CONTROL_CONNECT_H
#define CONTROL_CONNECT_H

#include "guest/guest.h"

/*
 * Begin to make all of them. creation_passed() is called when all are made, creation_failed()
 * when one cannot be made. 0, or -1 with *m: not even the first one can be asked for.
 */
int guest_connect(struct guest *g, struct msg *m) must_check;
/*
 * Close all of them, even one that is being made. guest_disconnected() is called at the end,
 * which may take long.
 */
void guest_disconnect(struct guest *g);
/* Has the connection of its console been made? */
bool guest_has_console(const struct guest *g);

#endif
