/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dmesg.h - several logs merged into one, ordered by the times of their lines
 */
#ifndef CONSOLE_DMESG_H
#define CONSOLE_DMESG_H

#include "guestlog.h"

struct dmesg {
	uint32_t n;
	struct dmesg_source {
		const struct textlog *log;
		/* Where the next line begins, and where the log ended at dmesg_begin(). */
		uint64_t pos, end;
	} source[1 + GUESTLOG_MAX];
	/* The source of the line that dmesg_peek() returned. */
	uint32_t next;
	size_t taken; /* its length */
};

/* Starts a walk over the logs of the host and of all guests, up to their present ends. */
void dmesg_begin(struct dmesg *d, const struct textlog *host);
/*
 * Copies the next line and returns its length, 0 at the end. dmesg_take() moves past the line.
 */
size_t dmesg_peek(struct dmesg *d, char line[BOOTLOG_TEXT_MAX]);
void dmesg_take(struct dmesg *d);

#endif
