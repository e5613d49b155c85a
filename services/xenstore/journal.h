/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * journal.h - records in memory that outlives its writer
 *
 * The memory has a head and two halves. Records are appended to the live half; compaction
 * writes what is still true into the other one and makes it the live one by a single store. A
 * record counts when its check holds and its number is higher than that of the record before
 * it.
 */
#ifndef XS_JOURNAL_H
#define XS_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { JOURNAL_SIZE_MIN = 4096 };

struct journal_head {
	uint64_t magic;
	uint32_t version;
	uint32_t reserved; /* zero */
	uint64_t size;
	/* Number of the first record of each half, with a check; the higher is live. */
	uint64_t start[2];
};

struct journal {
	/* The caller's memory. */
	struct journal_head *head;
	uint8_t *half[2];
	size_t half_size;
	/* The half that is read and appended to. */
	unsigned int live;
	/* The half that records go to: differs from live in a compaction. */
	unsigned int writing;
	/* Of the records in `writing`. */
	size_t end;
	size_t live_end;
	/* Payload of the record being written. */
	size_t len;
	bool overflow;
	/* Just formatted: there is nothing to look for. */
	bool empty;
	/* Of the next record. */
	uint64_t number;
};

struct journal_report {
	uint32_t applied;
	/* Stretches that hold no valid record, or that the reader refused. */
	uint32_t quarantined;
	size_t quarantined_bytes;
};

/* Takes memory (8-aligned) as an empty journal. EINVAL if it is too small. */
int journal_format(struct journal *j, void *mem, size_t size);

/* Takes memory that may hold a journal. ENOENT if it is all zero, EINVAL if it is not one. */
int journal_attach(struct journal *j, void *mem, size_t size);

/*
 * How much the caller's own state may come to as records: the rest of a half is room for what
 * is appended between two compactions, so that these stay rare.
 */
size_t journal_capacity(const struct journal *j);

/*
 * 0, or nonzero to have the record quarantined. `payload` stays where it is, and is 8-aligned.
 */
typedef int (*journal_fn)(void *ctx, const void *payload, size_t len);

/* Hands out all valid records in order; appending goes on behind the last. */
void journal_replay(struct journal *j, journal_fn fn, void *ctx, struct journal_report *report);

/*
 * One record: begin, put what it holds, commit. ENOSPC: it did not fit, and nothing was
 * written.
 */
void journal_begin(struct journal *j);
void journal_put(struct journal *j, const void *bytes, size_t len);
int journal_commit(struct journal *j);

/*
 * Between these, records go to the other half. Without `ok` it is as if nothing had been
 * written.
 */
void journal_compact_begin(struct journal *j);
void journal_compact_end(struct journal *j, bool ok);

#endif
