/* SPDX-License-Identifier: BSD-2-Clause */
/* event.c - the end of an event */
#include "event.h"

#include <stddef.h>

static void (*on_end)(void);

void event_on_end(void (*fn)(void)) { on_end = fn; }

void event_end(void)
{
	if (on_end)
		on_end();
}
