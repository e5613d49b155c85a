/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * log.h - lines of the VMM's log that a guest can cause
 */
#ifndef VMM_LOG_H
#define VMM_LOG_H

#include <stdint.h>

#include "proto/vmctl.h"

/* One line, rate-limited. */
void vm_log(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/*
 * Requests of the guest that were not granted: a line the first time for each kind and number,
 * up to VM_NOTES of them. The rate of other lines does not hold them back, so that a guest that
 * goes silent left a word. The kinds of VMCTL_UNKNOWN are also counted.
 */
#define X(name, key) NOTE_##name = VMCTL_UNKNOWN_##name,
enum vm_note {
	VMCTL_UNKNOWN(X)
	/* The guest ends. */
	NOTE_CRASH
};
#undef X
#define VM_NOTES 64u
#define VM_CRASH_NOTES 16u /* of the last kind, beyond those */
void vm_note(enum vm_note kind, uint64_t number, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* How often a note of each kind was made, whether it was news or not. */
void vm_notes_counts(uint64_t counts[VMCTL_UNKNOWN_KINDS]);

#endif
