/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * listen.h - news about guests: the shell registers for it, so that guest/ need not know the
 * shell
 */
#ifndef CONTROL_LISTEN_H
#define CONTROL_LISTEN_H

#include "guest/domtab.h"

struct guest_listener {
	/* A guest has shut down, or is gone. */
	void (*note)(const struct dom_action *a);
	/* Some guest may have changed. */
	void (*changed)(void);
	/* The console of a guest can be looked at now. */
	void (*console)(uint32_t domid);
	/* A message for a person who waits for the end of this guest. */
	void (*trouble)(uint32_t domid, const char *text);
	/* The host goes down now: stop waiting. */
	void (*host_down)(void);
	/* It did not go down: -SK_E_*. */
	void (*host_stays)(int rc);
};
/* There is one listener, which is registered before anything happens. */
void guest_listen(const struct guest_listener *l);
const struct guest_listener *guest_listener(void);

#endif
