/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * perm.c - the rights of a domain at a node
 *
 * Objects     none; permissions live in struct data.
 * Lifecycle   none.
 * Invariants  PERM1 a back-end session is dom0 only inside path_in_backend_area() of its own
 *                   guest; everywhere else it is that guest
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "store.h"
#include "wire.h"

bool session_is_dom0_at(const struct session *sess, const char *path)
{
	if (sess->role == ROLE_CONTROL)
		return true;
	return sess->role == ROLE_BACKEND &&
	       path_in_backend_area(path, sess->domid); /* PERM1 */
}

unsigned int perm_bits(const struct session *sess, const char *path, const struct data *data)
{
	const struct domain *dom = sess->dom;
	unsigned int i;

	if (session_is_dom0_at(sess, path) || data->perms[0].domid == sess->domid)
		return PERM_ALL;
	if (dom->has_target && data->perms[0].domid == dom->target)
		return PERM_ALL;
	for (i = 1; i < data->n_perms; i++)
		if (data->perms[i].domid == sess->domid ||
			(dom->has_target && data->perms[i].domid == dom->target))
			return data->perms[i].bits;
	return data->perms[0].bits;
}

static int perm_parse_one(const char *s, struct perm *perm)
{
	static const char letters[] = "nrwb"; /* the index is the bits */
	const char *letter = *s ? strchr(letters, *s) : NULL;

	if (!letter)
		return EINVAL;
	perm->bits = (uint8_t)(letter - letters);
	return path_parse_domid(s + 1, &perm->domid);
}

int perm_parse(const char *at, const char *end, struct perm_list *list)
{
	const char *s;
	int rc;

	list->n = 0;
	while (at < end) {
		s = wire_string(&at, end);
		if (!s)
			return EINVAL;
		if (list->n == TREE_PERMS_MAX)
			return ENOSPC;
		rc = perm_parse_one(s, &list->p[list->n]);
		if (rc)
			return rc;
		list->n++;
	}
	return list->n ? 0 : EINVAL;
}

size_t perm_format(const struct perm *perm, char *out)
{
	return (size_t)sprintf(out, "%c%u", "nrwb"[perm->bits & 3], perm -> domid) + 1;
}
