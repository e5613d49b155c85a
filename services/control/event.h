/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * event.h - what all event handlers of this domain share: notification bits, and what is done
 * at the end of each event
 *
 * One thread runs all of control, except for the threads of vmm_guard.c and caller.c. Its
 * handlers run to completion; work that takes time is a state of an object. No handler waits
 * for a service.
 */
#ifndef CONTROL_EVENT_H
#define CONTROL_EVENT_H

/* The domain's own notification bits, above those of its channels. */
enum {
	/* VMMs share these: a guest's is the remainder of its number. */
	BIT_VMCTL = 8,
	BITS_VMCTL = 10,
	BIT_CALLS = 19,
	BIT_VMM_GUARD = 21,
};

/* Register `fn`, which event_end() calls. */
void event_on_end(void (*fn)(void));
/* Every handler of a channel, bit or timer that may have changed something calls this last. */
void event_end(void);

#endif
