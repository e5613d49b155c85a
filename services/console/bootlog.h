/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bootlog.h - lines for a log: those of the kernel and of every domain, each with the time at
 * which it came
 */
#ifndef CONSOLE_BOOTLOG_H
#define CONSOLE_BOOTLOG_H

#include "textlog.h"
#include <sk/boot.h>

#define BOOTLOG_LINE_MAX 200u
/* Of a whole line in the log, with time, name, and the newline. */
#define BOOTLOG_TEXT_MAX 320u

/* The end of a line that a domain has not finished yet. */
struct bootlog_line {
	uint32_t len;
	char text[BOOTLOG_LINE_MAX];
};

/*
 * Text of a domain: whole lines go to the log as "[    1.234567] (name) line"; control
 * characters become dots. now_ns: since boot. name: NULL for the kernel, whose lines have no
 * name.
 */
void bootlog_text(struct textlog *log, struct bootlog_line *line, const char *name,
	uint64_t now_ns, const char *text, size_t len);
/* What is left of a line when its domain goes. */
void bootlog_finish(
	struct textlog *log, struct bootlog_line *line, const char *name, uint64_t now_ns);
/*
 * Take what the kernel wrote to its ring since the last call; *pos is the reader's place in it.
 * The kernel does not say when: its lines get the time at which they are taken.
 */
void bootlog_kernel(struct textlog *log, struct bootlog_line *line,
	const volatile struct sk_klog *ring, uint64_t *pos, uint64_t now_ns);
/* Microseconds of a line that was written here; UINT64_MAX: it does not begin with a time. */
uint64_t bootlog_time(const char *text, size_t len);

#endif
