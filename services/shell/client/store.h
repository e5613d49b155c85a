/* SPDX-License-Identifier: BSD-2-Clause */
/* store.h - requests to xenstore, which control passes on */
#ifndef SHELL_STORE_H
#define SHELL_STORE_H

#include <sk/types.h>
#include <stdint.h>

/*
 * err: NULL, or why it failed: the name of xenstore's error, or a text of control's. data has a
 * terminator.
 */
typedef void (*store_fn)(void *ctx, const char *err, const char *data, uint32_t len);
/*
 * One request at a time. type: enum xsd_sockmsg_type. value: of XS_WRITE; else NULL. 0: fn is
 * called later; -1: path and value are too long, or there is no memory.
 */
int store_ask(
	uint32_t type, const char *path, const char *value, store_fn fn, void *ctx) must_check;
/* What to say about err. */
const char *store_error_text(const char *err);

#endif
