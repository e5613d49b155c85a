/* SPDX-License-Identifier: BSD-2-Clause */
/* path.c - names of files as people type them */
#include "config/path.h"

#include <stdio.h>
#include <string.h>

int path_full(char *to, size_t size, const char *name, struct msg *m)
{
	int n;

	while (name[0] == '.' && name[1] == '/')
		for (name += 2; *name == '/'; name++)
			continue;
	n = snprintf(to, size, "%s%s", *name == '/' ? "" : GUESTS_DIR "/", name);
	if (n < 0 || (size_t)n >= size)
		return msg_fail(m, "the path '%.60s...' is too long; at most %zu bytes", name,
			size - 1);
	return 0;
}
