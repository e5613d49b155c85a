/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dmesg.h - several logs as one, in the order of the times of their lines
 */
#ifndef CONSOLE_DMESG_H
#define CONSOLE_DMESG_H

#include "guestlog.h"

struct dmesg {
	uint32_t n;
	struct dmesg_source {
		const struct textlog *log;
		/* Where the next line begins; the end when it began. */
		uint64_t pos, end;
	} source[1 + GUESTLOG_MAX];
	/* Whose line dmesg_peek() gave. */
	uint32_t next;
	size_t taken; /* its length */
};

/* The log of the host and those of all guests, as far as they go now. */
void dmesg_begin(struct dmesg *d, const struct textlog *host);
/*
 * The next line, of BOOTLOG_TEXT_MAX bytes at most; its length, 0 at the end. It comes again
 * until dmesg_take().
 */
size_t dmesg_peek(struct dmesg *d, char line[BOOTLOG_TEXT_MAX]);
void dmesg_take(struct dmesg *d);

#endif
