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
/* Close this one of a guest that goes on; plug_closed() is called when it is gone. */
void guest_disconnect_one(struct guest *g, struct guest_conn *c);

/* For plug.c, which makes a connection itself. */
struct guest_conn *guest_conn_add(struct guest *g, enum service service, uint32_t step,
	const struct proc_connection *made);
/* The service has not answered, or its answer does not say whether it made the connection. */
bool answer_doubtful(int rc);
/* It was made before those of storage's earlier life were open again: CONNECT3. */
bool opened_too_early(const struct call *call);
/* The guest ends, and the call that was under way has come back. */
void guest_disconnect_more(struct guest *g);
/* Has the connection of its console been made? */
bool guest_has_console(const struct guest *g);

#endif
