/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bootlog.h - log lines of the kernel and of every domain, each with the time at which it came
 */
#ifndef CONSOLE_BOOTLOG_H
#define CONSOLE_BOOTLOG_H

#include "textlog.h"
#include <sk/boot.h>

#define BOOTLOG_LINE_MAX 200u
/* The longest line in the log, with its time, name and newline. */
#define BOOTLOG_TEXT_MAX 320u

/* A line that a domain has not finished, as far as it has come. */
struct bootlog_line {
	uint32_t len;
	/* The bytes that it was made from. */
	uint32_t raw;
	char text[BOOTLOG_LINE_MAX];
};

/*
 * Text of a domain: whole lines go to the log as "[    1.234567] (name) line"; control
 * characters become dots. now_ns is the time since boot. name is NULL for the kernel, whose
 * lines have no name.
 */
void bootlog_text(struct textlog *log, struct bootlog_line *line, const char *name,
	uint64_t now_ns, const char *text, size_t len);
/* Ends the line that is not finished, for instance because its domain has ended. */
void bootlog_finish(
	struct textlog *log, struct bootlog_line *line, const char *name, uint64_t now_ns);
/*
 * Take what the kernel wrote to its ring since the last call; *pos is the reader's place in it.
 * The kernel records no times, so its lines get the time at which they are taken.
 */
void bootlog_kernel(struct textlog *log, struct bootlog_line *line,
	const volatile struct sk_klog *ring, uint64_t *pos, uint64_t now_ns);
/*
 * The time of a line that was written here, in microseconds; UINT64_MAX if it does not begin
 * with a time.
 */
uint64_t bootlog_time(const char *text, size_t len);

#endif
