/* auto.h - the guests that start with the host, and guests from files */
#ifndef CONTROL_AUTO_H
#define CONTROL_AUTO_H

#include "guest/guest.h"
#include "out.h"

/* Start the guests of /guests/auto, then call fn; earlier, and then again, when one of them takes very long. */
void auto_start(void (*fn)(void));
/* What becomes of a configuration that is right: a guest, or only its description on the terminal. */
enum create_how { CREATE_RUN, CREATE_PAUSED, CREATE_TRY };

/*
 * Read, override, check and create: `create` and auto.c. A name without a leading / is below GUESTS_DIR; n
 * overrides. Mistakes go to the terminal, all of them; remarks to `remarks`. 0: fn will be called; -1 with *m.
 */
int create_from_file(const char *name, char *const *overrides, int n, enum create_how how,
	const struct out *remarks, created_fn fn, void *ctx, struct msg *m) must_check;

#endif
