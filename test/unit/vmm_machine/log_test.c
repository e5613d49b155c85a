/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * log_test.c - how much a guest can write into the log, and which lines it cannot crowd out
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "log.h"
#include "machine/vm.h"

struct vm vm;

void mutex_lock(struct mutex *m)
{
	assert_int_equal(m->word, 0);
	m->word = 1;
}

void mutex_unlock(struct mutex *m) { m->word = 0; }

/* Lines that fn() writes, and whether one of them is `line`. */
static unsigned int lines_of(void (*fn)(void), const char *line, bool *found)
{
	FILE *f = tmpfile();
	int out = dup(1);
	char buf[256];
	unsigned int n = 0;

	assert_non_null(f);
	fflush(stdout);
	dup2(fileno(f), 1);
	fn();
	fflush(stdout);
	dup2(out, 1);
	close(out);
	rewind(f);
	*found = false;
	while (fgets(buf, sizeof(buf), f)) {
		n++;
		*found = *found || !strcmp(buf, line);
	}
	fclose(f);
	return n;
}

static void flood(void)
{
	int i;

	for (i = 0; i < 100000; i++)
		vm_log("line %d", i);
}

static void same_note(void)
{
	int i;

	for (i = 0; i < 100; i++)
		vm_note(NOTE_PORT, 0x3f8, "port %#x", 0x3f8);
	vm_note(NOTE_MSR_READ, 0x3f8, "another kind");
}

static void many_notes(void)
{
	unsigned int i;

	for (i = 0; i < 1000; i++)
		vm_note(NOTE_MSR_READ, 0x1000 + i, "register %u", i);
}

static void crash_notes(void)
{
	unsigned int i;

	for (i = 0; i < 100; i++)
		vm_note(NOTE_CRASH, i, "crash %u", i);
}

static void lines_are_bounded(void **state)
{
	uint64_t counts[VMCTL_UNKNOWN_KINDS] = { 0 };
	bool found;

	(void)state;
	vm.tsc_hz = 1ull << 60; /* time stands still */
	assert_true(lines_of(flood, "line 0\n", &found) <= 100);
	assert_true(found);
	/* the bucket is empty now, but notes are written all the same, each once */
	assert_int_equal(lines_of(same_note, "port 0x3f8\n", &found), 3);
	assert_true(found);
	assert_int_equal(lines_of(same_note, "", &found), 0);
	assert_int_equal(lines_of(many_notes,
				 "no more lines about features that do not exist\n", &found),
		VM_NOTES - 2 + 1);
	assert_true(found);
	assert_int_equal(lines_of(many_notes, "", &found), 0);
	/* all are counted, whether written or not, each kind separately */
	vm_notes_counts(counts);
	assert_int_equal(counts[VMCTL_UNKNOWN_PORT], 200);
	assert_int_equal(counts[VMCTL_UNKNOWN_MSR_READ], 2002);
	assert_int_equal(counts[VMCTL_UNKNOWN_HYPERCALL], 0);
	/* the log still says why a guest ended that has used up all notes */
	assert_int_equal(lines_of(crash_notes, "crash 0\n", &found), VM_CRASH_NOTES);
	assert_true(found);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(lines_are_bounded) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
