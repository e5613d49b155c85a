/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * log.c - lines of the VMM's log that a guest can cause, at a bounded rate or of a bounded
 * number
 *
 * Objects     a bucket of lines that refills with time; the notes that were made; how often
 *             each kind was made.
 * Locks       its own. Only output is called while it is held.
 * Invariants  LOG1 notes do not take from the bucket: a guest that floods the log cannot hide
 *                  why it ends
 */
#include "log.h"

#include <stdarg.h>
#include <stdio.h>

#include "machine/vm.h"

enum {
	/* lines in a full bucket */
	BURST = 100,
	/* lines that the bucket gains */
	PER_SECOND = 4,
};

static struct mutex lock;
static uint64_t bucket = BURST, last, dropped;

/* Under the lock: may this line be written? */
static bool line_permitted(void)
{
	uint64_t now = vm_rdtsc(), step = vm.tsc_hz ? vm.tsc_hz / PER_SECOND : UINT64_MAX,
		 n = (now - last) / step;

	if (n) {
		bucket = bucket + n < BURST ? bucket + n : BURST;
		last = now;
	}
	if (!bucket) {
		dropped++;
		return false;
	}
	bucket--;
	return true;
}

static void line_write(const char *fmt, va_list ap)
{
	if (dropped)
		printf("%llu lines dropped\n", (unsigned long long)dropped);
	dropped = 0;
	vprintf(fmt, ap);
	putchar('\n');
	fflush(stdout);
}

void vm_log(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	mutex_lock(&lock);
	if (line_permitted())
		line_write(fmt, ap);
	mutex_unlock(&lock);
	va_end(ap);
}

static struct note {
	enum vm_note kind;
	uint64_t number;
} notes[VM_NOTES + VM_CRASH_NOTES];
static uint32_t n_notes;
static uint64_t counts_of[NOTE_CRASH + 1];

/* Under the lock: is the note new, and is there room to remember it? */
static bool note_add(enum vm_note kind, uint64_t number)
{
	uint32_t i, room = kind == NOTE_CRASH ? VM_NOTES + VM_CRASH_NOTES : VM_NOTES;

	for (i = 0; i < n_notes; i++)
		if (notes[i].kind == kind && notes[i].number == number)
			return false;
	if (n_notes >= room)
		return false;
	notes[n_notes++] = (struct note){ kind, number };
	return true;
}

void vm_note(enum vm_note kind, uint64_t number, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	mutex_lock(&lock);
	counts_of[kind]++;
	if (note_add(kind, number)) { /* LOG1 */
		line_write(fmt, ap);
		if (n_notes == VM_NOTES) {
			puts("no more lines about features that do not exist");
			fflush(stdout);
		}
	}
	mutex_unlock(&lock);
	va_end(ap);
}

void vm_notes_counts(uint64_t counts[VMCTL_UNKNOWN_KINDS])
{
	mutex_lock(&lock);
	for (uint32_t i = 0; i < VMCTL_UNKNOWN_KINDS; i++)
		counts[i] = counts_of[i];
	mutex_unlock(&lock);
}
