/* SPDX-License-Identifier: BSD-2-Clause */
/* event.c - the end of an event */
#include "event.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

/* The largest object of control, the configuration of a guest, has room in it. */
enum { ROOM_BYTES = 16384 };

static void (*on_end)(void);

/*
 * Without memory control can manage nothing. Guests go on when it ends, and its next life has
 * all of its memory. If that is not enough, no further life helps.
 */
static void memory_check(void)
{
	static bool had; /* at the end of the last event */
	void *volatile room = malloc(ROOM_BYTES);
	const bool has = room != NULL;

	free(room);
	if (had && !has) {
		printf("control has lost its memory, so it ends\n");
		exit(1);
	}
	had = has;
}

void event_on_end(void (*fn)(void))
{
	on_end = fn;
	memory_check(); /* what this life has at its beginning */
}

void event_end(void)
{
	if (on_end)
		on_end();
	memory_check();
}
