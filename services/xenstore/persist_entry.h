/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * persist_entry.h - the kinds of entries in a record; never renumbered, because a journal
 * outlives the program
 */
#ifndef XS_PERSIST_ENTRY_H
#define XS_PERSIST_ENTRY_H

enum entry {
	ENTRY_CLEAR = 1,
	ENTRY_NODE,
	ENTRY_REMOVE,
	ENTRY_SESSION,
	ENTRY_SESSION_END,
	ENTRY_WATCH,
	ENTRY_UNWATCH,
	ENTRY_RESET,
	ENTRY_TXN_START,
	ENTRY_TXN_END,
	ENTRY_DOMAIN,
	ENTRY_SPECIAL,
	ENTRY_NOTE,
	ENTRY_PURGE,
};

#endif
