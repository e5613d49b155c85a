/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * path.c - names of nodes
 *
 * Objects     none; pure functions over strings.
 * Lifecycle   none.
 * Invariants  PATH1 a path from path_canon() begins with '/', has no empty component, no
 *                   trailing '/' (except "/" itself), and at most XENSTORE_ABS_PATH_MAX bytes
 *                   and PATH_DEPTH_MAX components
 */
#include "path.h"
#include "base/array.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static bool char_ok(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       (c && strchr("-/_@", c));
}

static int absolute_check(const char *path)
{
	size_t i, depth = 0;

	if (path[0] == '/' && !path[1])
		return 0;
	for (i = 0; path[i]; i++) {
		if (!char_ok(path[i]))
			return EINVAL;
		if (path[i] != '/')
			continue;
		depth++;
		if (path[i + 1] == '/' || !path[i + 1])
			return EINVAL;
	}
	return depth > PATH_DEPTH_MAX ? ENOSPC : 0;
}

int path_canon(const char *in, uint16_t domid, char *out, bool *relative)
{
	bool rel = in[0] != '/';
	size_t len = strlen(in);
	int n = 0;

	if (!len || len > (rel ? XENSTORE_REL_PATH_MAX : XENSTORE_ABS_PATH_MAX))
		return EINVAL;
	if (rel)
		n = snprintf(out, PATH_SIZE, "/local/domain/%u/", domid);
	memcpy(out + n, in, len + 1);
	if (relative)
		*relative = rel;
	return absolute_check(out);
}

size_t path_name_len(const char *at)
{
	size_t n = 0;

	while (at[n] && at[n] != '/')
		n++;
	return n;
}

bool path_below(const char *path, const char *parent)
{
	size_t len = strlen(parent);

	if (len == 1)
		return path[0] == '/';
	return !strncmp(path, parent, len) && (path[len] == '/' || !path[len]);
}

size_t path_parent_len(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (!path[1])
		return 0;
	return slash == path ? 1 : (size_t)(slash - path);
}

const char *path_leaf(const char *path) { return strrchr(path, '/') + 1; }

size_t path_base_len(uint16_t domid)
{
	char base[32];

	return (size_t)snprintf(base, sizeof(base), "/local/domain/%u/", domid);
}

/* The rest of `path` after `prefix`; NULL if it does not begin with `prefix`. */
static const char *after(const char *path, const char *prefix)
{
	size_t len = strlen(prefix);

	return strncmp(path, prefix, len) ? NULL : path + len;
}

/*
 * The rest of the path after a component that is `domid` in decimal without leading zeros; NULL
 * if `at` does not begin with it.
 */
static const char *after_domid(const char *at, uint16_t domid)
{
	unsigned long v = 0;
	const char *first = at;

	for (; *at >= '0' && *at <= '9' && v <= UINT16_MAX; at++)
		v = v * 10 + (unsigned long)(*at - '0');
	if (at == first || v != domid || (*first == '0' && at > first + 1))
		return NULL;
	return *at == '/' || !*at ? at : NULL;
}

bool path_in_backend_area(const char *path, uint16_t domid)
{
	static const char *const own[] = { "/device", "/console", "/store" };
	const char *at = after(path, "/local/domain/"), *below;
	size_t i;

	if (!at)
		return false;
	below = after(at, "0/backend/");
	if (below) {
		below = strchr(below, '/');
		return below && after_domid(below + 1, domid);
	}
	below = after_domid(at, domid);
	for (i = 0; below && i < ARRAY_SIZE(own); i++)
		if (path_below(below, own[i]))
			return true;
	return false;
}

int path_parse_domid(const char *s, uint16_t *domid)
{
	unsigned long v = 0;

	if (!*s)
		return EINVAL;
	for (; *s; s++) {
		if (*s < '0' || *s > '9')
			return EINVAL;
		v = v * 10 + (unsigned long)(*s - '0');
		if (v > UINT16_MAX)
			return EINVAL;
	}
	*domid = (uint16_t)v;
	return 0;
}
