/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * path.h - names of nodes: which are allowed, and which node is below which
 */
#ifndef XS_PATH_H
#define XS_PATH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <xen/io/xs_wire.h>

enum {
	/* A buffer that holds any path. */
	PATH_SIZE = XENSTORE_ABS_PATH_MAX + 1,
	/* Components; bounds every recursion over the tree. */
	PATH_DEPTH_MAX = 64,
};

/*
 * Writes the absolute form of the string `in` to `out`, which has PATH_SIZE bytes. Relative
 * paths start in /local/domain/<domid>. `relative`, if given, says whether `in` was relative.
 * 0, EINVAL if it is not a path, or ENOSPC if it has more than PATH_DEPTH_MAX components.
 */
int path_canon(const char *in, uint16_t domid, char *out, bool *relative);

/* Length of the component that begins at `at`. */
size_t path_name_len(const char *at);

/* True if `path` is `parent` or lies below it. */
bool path_below(const char *path, const char *parent);

/*
 * The length of the part of `path` that names its parent; "/" has none and gives 0, "/a" gives
 * 1.
 */
size_t path_parent_len(const char *path);

/* The last component. */
const char *path_leaf(const char *path);

/* Length of the "/local/domain/<domid>/" that relative paths of this domain leave out. */
size_t path_base_len(uint16_t domid);

/*
 * True if `path` belongs to the keys that the back ends of guest `domid` own:
 * /local/domain/0/backend/<type>/<domid>, the guest's device, console and store, and all nodes
 * below these.
 */
bool path_in_backend_area(const char *path, uint16_t domid);

/* A decimal domain id without sign or leading blanks, at most 65535. 0 or EINVAL. */
int path_parse_domid(const char *s, uint16_t *domid);

#endif
