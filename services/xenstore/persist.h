/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * persist.h - writing changes of the store into its journal, and rebuilding the store from it
 */
#ifndef XS_PERSIST_H
#define XS_PERSIST_H

#include "journal.h"
#include "store.h"

/*
 * Appends one record: the nodes in which `root` differs from the live tree, `change`, and the
 * note of `by`.
 */
int persist_append(
	struct store *s, struct session *by, struct node *root, const struct change *change);

/*
 * Writes the whole store into the other half. 0 or ENOSPC. The cost grows with the size of the
 * store, so after a failure a number of calls fail at once, unless much has been removed
 * meanwhile; that number doubles with each failure.
 */
int persist_compact(struct store *s);
/* Has the journal become so long that a compaction is due to keep its replay short? */
bool persist_long(const struct store *s);

/*
 * The most bytes that a session takes in the journal, with all its notes and with the record of
 * its domain.
 */
size_t persist_session_size(void);

/*
 * Fills a fresh store from the journal, which the store then uses. All sessions come back
 * without their clients, all transactions come back doomed, and every watch has events due, as
 * watch_fire_all() says.
 */
void persist_replay(struct store *s, struct journal *j, struct journal_report *report);

#endif
