/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * textlog.h - a bounded log of text, which keeps the newest bytes
 *
 * A log can lie in memory that outlives this domain. Its positions are then written there, too,
 * so that the next life of the domain goes on with it.
 */
#ifndef CONSOLE_TEXTLOG_H
#define CONSOLE_TEXTLOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sk/types.h>

/* The head of a log that lies in memory of the caller; the text follows. */
struct textlog_head {
	uint64_t magic;
	/* As in struct textlog. */
	uint64_t first, end;
	/* For the user of the log: a position up to which it has passed the text on. */
	uint64_t seen;
	uint64_t reserved[4];
};
_Static_assert(sizeof(struct textlog_head) == 64, "one cache line");

struct textlog {
	char *bytes;
	/* `bytes` was allocated by textlog_init(). */
	bool allocated;
	/* Where the positions are kept; NULL: only here. It is written, and not read again. */
	struct textlog_head *head;
	size_t size;
	/* The number of bytes ever written, which is the position after the last. */
	uint64_t end;
	/* The oldest position that may be read, unless it was overwritten. */
	uint64_t first;
	/* textlog_note() */
	uint64_t seen;
};

/* -SK_E_NO_MEM. */
int textlog_init(struct textlog *l, size_t size) must_check;
/*
 * A new log in memory of the caller, which has to outlive the log. size includes the head.
 * -SK_E_INVAL: there is no room for any text.
 */
int textlog_init_at(struct textlog *l, void *mem, size_t size) must_check;
/*
 * The same, but go on with the log that an earlier life of this domain left there. False: its
 * head makes no sense, and the log is empty now. The text itself may be anything.
 */
bool textlog_resume(struct textlog *l, void *mem, size_t size) must_check;
/* Keep a position for the next life. */
void textlog_note(struct textlog *l, uint64_t seen);
/*
 * Moves the text to other memory of textlog.size bytes, because the caller is about to lose the
 * first.
 */
void textlog_move(struct textlog *l, void *bytes);
void textlog_fini(struct textlog *l);
/* Forget what was written, or what is before pos; positions continue from where they are. */
void textlog_clear(struct textlog *l);
void textlog_forget(struct textlog *l, uint64_t pos);
void textlog_write(struct textlog *l, const char *text, size_t len);
/* Position of the oldest byte that can be read. */
uint64_t textlog_start(const struct textlog *l);
/*
 * Copies up to max bytes from *pos on, moves *pos past them, and returns how many. If the
 * byte at *pos was overwritten, *pos first moves to the oldest byte.
 */
size_t textlog_read(const struct textlog *l, uint64_t *pos, char *out, size_t max);

#endif
