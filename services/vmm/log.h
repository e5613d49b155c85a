/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * log.h - lines of the VMM's log that a guest can cause; both halves write them
 *
 * machine/log.c implements it; tests of the Xen half have a fake.
 */
#ifndef VMM_LOG_H
#define VMM_LOG_H

#include <stdint.h>

#include "proto/vmctl.h"

/* One line, rate-limited. */
void vm_log(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/*
 * Requests of the guest that were not granted: one line for each kind and number, up to
 * VM_NOTES of them. The rate limit of other lines does not apply, so the log says why a guest
 * went silent. The kinds of VMCTL_UNKNOWN are also counted.
 */
#define X(name, key) NOTE_##name = VMCTL_UNKNOWN_##name,
enum vm_note {
	VMCTL_UNKNOWN(X)
	/* The guest ends. */
	NOTE_CRASH
};
#undef X
#define VM_NOTES 64u
#define VM_CRASH_NOTES 16u /* notes of NOTE_CRASH, in addition to VM_NOTES */
void vm_note(enum vm_note kind, uint64_t number, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* How often a note of each kind was made, including repeated ones. */
void vm_notes_counts(uint64_t counts[VMCTL_UNKNOWN_KINDS]);

#endif
