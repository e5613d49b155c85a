/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * xs_layout.h - what the toolstack writes to xenstore for a PVH guest, as libxl 4.17 does
 *
 * Entries are emitted one by one, parents before children. The caller writes them. There are
 * two differences from a Linux dom0: no `script` keys, because there are no scripts, and
 * `hotplug-status` is "connected" from the start.
 */
#ifndef CONTROL_XS_LAYOUT_H
#define CONTROL_XS_LAYOUT_H

#include "toolstack/guest_text.h"

enum { XS_PATH_MAX = 256, XS_VALUE_MAX = 1100 };

struct xs_entry {
	const char *path;
	const char *value; /* NULL: none, as of a directory */
	const char *perms; /* "n0,r5"; NULL: as the parent's */
};
/* 0, or an error that ends the walk. */
typedef int (*xs_emit_fn)(void *ctx, const struct xs_entry *e);

struct xs_guest {
	const struct guest_config *config;
	const char *name; /* may differ from config's */
	const uint8_t *uuid;
	uint32_t domid;
	uint32_t store_port, console_port;
	uint64_t store_gfn, console_gfn;
	uint64_t start_seconds; /* since 1970 */
};

int xs_layout_create(const struct xs_guest *g, xs_emit_fn emit, void *ctx);
/* Paths to remove, value and perms NULL. */
int xs_layout_remove(uint32_t domid, const uint8_t *uuid, xs_emit_fn emit, void *ctx);
/* One device: entries to write, and paths to remove; kind: "vbd" or "vif". */
int xs_layout_disk(uint32_t domid, const struct guest_config *c, const struct disk_spec *d,
	xs_emit_fn emit, void *ctx);
/* The medium of a drive that is there: entries to write. */
int xs_layout_medium(
	uint32_t domid, uint32_t vdev, const char *target, xs_emit_fn emit, void *ctx);
int xs_layout_vif(uint32_t domid, const struct vif_spec *v, xs_emit_fn emit, void *ctx);
int xs_layout_device_remove(
	uint32_t domid, const char *kind, uint32_t devid, xs_emit_fn emit, void *ctx);
/* A new name: entries to write. */
int xs_layout_rename(
	uint32_t domid, const uint8_t *uuid, const char *name, xs_emit_fn emit, void *ctx);
/* After rename-restart: /vm of the guest that is kept moves to its new uuid. */
int xs_layout_new_uuid(uint32_t domid, const uint8_t *uuid, const char *name,
	uint64_t start_seconds, xs_emit_fn emit, void *ctx);

#endif
