/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * journal.h - records in memory that outlives its writer
 *
 * The memory has a head and two halves. Records are appended to the live half. Compaction
 * writes the current state into the other half and makes that one live by a single store.
 *
 * In a half, payloads grow upwards from the start, and the list of their slots grows downwards
 * from the end. Only a slot makes bytes a record, and one store makes a slot valid. A reader
 * never searches payloads, because a client chose their bytes and could imitate a record.
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
	/*
	 * Number of the first record of each half, with a checksum; the half with the higher
	 * number is live.
	 */
	uint64_t start[2];
};

struct journal {
	/* The caller's memory. */
	struct journal_head *head;
	uint8_t *half[2];
	size_t half_size;
	/* The half that is read and appended to. */
	unsigned int live;
	/* The half that records are written to; differs from `live` during a compaction. */
	unsigned int writing;
	/*
	 * Of each half: the number of its first record, its slots, and the end of its payloads.
	 */
	struct journal_fill {
		uint64_t start;
		size_t n_slots, end;
	} fill[2];
	/* Payload so far of the record that is being written. */
	size_t len;
	bool overflow;
	/* Compactions that were begun. */
	uint32_t compactions;
};

struct journal_report {
	uint32_t applied;
	/* Damaged slots and payloads, and records that the reader refused. */
	uint32_t quarantined;
	size_t quarantined_bytes;
};

/*
 * Formats memory (8-aligned), which is zero or was a journal, as an empty journal. EINVAL if it
 * is too small or too large.
 */
int journal_format(struct journal *j, void *mem, size_t size);

/*
 * Opens memory that may hold a journal. ENOENT if its head is empty, EINVAL if it is not a
 * journal.
 */
int journal_attach(struct journal *j, void *mem, size_t size);

/*
 * The most bytes that the caller's whole state may take as records. The rest of a half is for
 * records that are appended between two compactions, so that these stay rare.
 */
size_t journal_capacity(const struct journal *j);
/* Bytes of the live half that are in use. */
size_t journal_used(const struct journal *j);

/*
 * Returns 0, or nonzero to have the record quarantined. `payload` is 8-aligned and lies in the
 * journal.
 */
typedef int (*journal_fn)(void *ctx, const void *payload, size_t len);

/* Calls `fn` for all valid records in order; appending continues after the last. */
void journal_replay(struct journal *j, journal_fn fn, void *ctx, struct journal_report *report);

/*
 * To write a record: begin, put its payload, commit. ENOSPC if it did not fit; then the journal
 * holds what it held before.
 */
void journal_begin(struct journal *j);
void journal_put(struct journal *j, const void *bytes, size_t len);
int journal_commit(struct journal *j);

/* Between these, records go to the other half. If `ok` is false, they are dropped. */
void journal_compact_begin(struct journal *j);
void journal_compact_end(struct journal *j, bool ok);

#endif
