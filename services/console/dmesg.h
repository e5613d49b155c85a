/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dmesg.h - several logs merged into one, ordered by the times of their lines
 */
#ifndef CONSOLE_DMESG_H
#define CONSOLE_DMESG_H

#include "guestlog.h"

struct dmesg {
	bool running; /* from dmesg_begin() to dmesg_end() */
	bool forget;
	uint32_t n;
	struct dmesg_source {
		struct textlog *log;
		/* Where the next line begins, and where the log ended at dmesg_begin(). */
		uint64_t pos, end;
		/* Of the line there, if it is known; UINT64_MAX: there is none. */
		uint64_t time;
		bool known;
	} source[1 + GUESTLOG_MAX];
	/* The source of the line that dmesg_peek() returned. */
	uint32_t next;
	size_t taken; /* its length */
};

/*
 * Starts a walk over the logs of the host and of all guests, up to their present ends. forget:
 * the lines that are taken are in no log any more after dmesg_end().
 */
void dmesg_begin(struct dmesg *d, struct textlog *host, bool forget);
/*
 * Copies the next line and returns its length, 0 at the end. dmesg_take() moves past the line.
 */
size_t dmesg_peek(struct dmesg *d, char line[BOOTLOG_TEXT_MAX]);
void dmesg_take(struct dmesg *d);
void dmesg_end(struct dmesg *d);

#endif
