/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * persist.h - the store in its journal: what a record says, and how the store is made from
 * records again
 */
#ifndef XS_PERSIST_H
#define XS_PERSIST_H

#include "journal.h"
#include "store.h"

/*
 * Appends one record: the nodes in which `root` differs from the live tree, `change`, the note
 * of `by`.
 */
int persist_append(
	struct store *s, struct session *by, struct node *root, const struct change *change);

/*
 * Writes the whole store into the other half. 0 or ENOSPC; that costs as much as the store is
 * large, so after a failure ever more calls fail at once, until one is due again or much has
 * been removed.
 */
int persist_compact(struct store *s);

/*
 * Bytes that a session with all its notes takes in a journal, at most; its domain's record
 * among them.
 */
size_t persist_session_size(void);

/*
 * Makes the state of a fresh store from the journal, which then is the store's. All sessions
 * come back without their clients; all transactions come back doomed; every watch has an event
 * due.
 */
void persist_replay(struct store *s, struct journal *j, struct journal_report *report);

#endif
