/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * saved_config.h - the configuration of a saved guest, from the volume that it is on
 *
 * A VMM reads it, because what is on a volume may be anything: that of a guest of the least
 * size, without a kernel, which is there for this only.
 */
#ifndef CONTROL_SAVED_CONFIG_H
#define CONTROL_SAVED_CONFIG_H

#include "guest/guest.h"

/*
 * The end. why is NULL when text has all len bytes, at most VMCTL_CONFIG_MAX, during the call
 * only; nobody has looked at them.
 */
typedef void (*saved_config_fn)(void *ctx, const char *text, uint32_t len, const char *why);

/* Read it from the partition with this label. 0: fn will be called; -1 with *m: it will not. */
int saved_config_read(
	const char *label, saved_config_fn fn, void *ctx, struct msg *m) must_check;

/* The VMM of this guest has len bytes of it. 0, or -SK_E_PEER: they are not what comes next. */
int saved_config_heard(struct guest *g, uint32_t at, const char *text, uint32_t len) must_check;

#endif
