/*
 * bootlog.h - the boot and service log: the kernel's lines and those of every domain, in order of arrival
 */
#ifndef CONSOLE_BOOTLOG_H
#define CONSOLE_BOOTLOG_H

#include "textlog.h"
#include <sk/boot.h>

#define BOOTLOG_LINE_MAX 200u

/* The end of a line that a domain has not finished yet. */
struct bootlog_line {
	uint32_t len;
	char text[BOOTLOG_LINE_MAX];
};

/* Text of a domain: whole lines go to the log as "(name) line"; control characters become dots. */
void bootlog_text(struct textlog *log, struct bootlog_line *line, const char *name,
	const char *text, size_t len);
/* What is left of a line when its domain goes. */
void bootlog_finish(struct textlog *log, struct bootlog_line *line, const char *name);
/* Take what the kernel wrote to its ring since the last call; *pos is the reader's place in it. */
void bootlog_kernel(struct textlog *log, const volatile struct sk_klog *ring, uint64_t *pos);

#endif
