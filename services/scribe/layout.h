/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * layout.h - what the toolstack writes to xenstore for a PVH guest, as libxl 4.17 does
 *
 * Entries are emitted one by one, parents before children. The caller writes them. There are
 * two differences from a Linux dom0: no `script` keys, because there are no scripts, and
 * `hotplug-status` is "connected" from the start.
 */
#ifndef SCRIBE_LAYOUT_H
#define SCRIBE_LAYOUT_H

#include "proto/scribe.h"

enum { XS_PATH_MAX = 256, XS_VALUE_MAX = 1100 };

struct xs_entry {
	const char *path;
	const char *value; /* NULL: none, as of a directory */
	const char *perms; /* "n0,r5"; NULL: as the parent's */
};
/* 0, or an error that ends the walk. */
typedef int (*xs_emit_fn)(void *ctx, const struct xs_entry *e);

/* Entries to write. Texts are terminated. */
int layout_guest(uint32_t domid, const struct scribe_guest *g, xs_emit_fn emit, void *ctx);
int layout_disk(uint32_t domid, const struct scribe_disk *d, xs_emit_fn emit, void *ctx);
int layout_vif(uint32_t domid, const struct vif_spec *v, xs_emit_fn emit, void *ctx);
/* The medium of a drive that is there. */
int layout_medium(uint32_t domid, const struct scribe_medium *m, xs_emit_fn emit, void *ctx);
/* A new name. */
int layout_rename(uint32_t domid, const struct scribe_name *n, xs_emit_fn emit, void *ctx);
/* After rename-restart: /vm of the guest that is kept moves to its new uuid. */
int layout_keep(uint32_t domid, const struct scribe_name *n, xs_emit_fn emit, void *ctx);
int layout_cpus(uint32_t domid, const struct scribe_cpus *c, xs_emit_fn emit, void *ctx);
/* Paths to remove, value and perms NULL. */
int layout_remove(uint32_t domid, const struct scribe_name *n, xs_emit_fn emit, void *ctx);
int layout_unplug(uint32_t domid, const struct scribe_device *d, xs_emit_fn emit, void *ctx);
/* "vbd" or "vif" */
const char *layout_kind(const struct scribe_device *d);

#endif
