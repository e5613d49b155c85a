/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * args.c - the manifest's arguments, which are lines of key=value in the start-up page
 */
#include <stdlib.h>
#include <string.h>
#include "svc/svc.h"

bool svc_arg(const char *key, char *buf, size_t size)
{
	const char *line = svc_info()->args, *end = line + strnlen(line, DOMAIN_ARGS_MAX);
	size_t key_len = strlen(key);

	while (line < end) {
		const char *stop = memchr(line, '\n', (size_t)(end - line));
		size_t len = (size_t)((stop ? stop : end) - line);

		if (len > key_len && memcmp(line, key, key_len) == 0 && line[key_len] == '=') {
			len -= key_len + 1;
			if (len >= size)
				return false;
			memcpy(buf, line + key_len + 1, len);
			buf[len] = '\0';
			return true;
		}
		line += len + 1;
	}
	return false;
}

sk_cap_t svc_cap(const char *name, uint32_t *count)
{
	char key[48] = "cap.", value[32], *rest;
	sk_cap_t slot;

	if (strlen(name) >= sizeof(key) - 4)
		return 0;
	strcpy(key + 4, name);
	if (!svc_arg(key, value, sizeof(value)))
		return 0;
	slot = (sk_cap_t)strtoul(value, &rest, 10);
	if (count)
		*count = *rest == ',' ? (uint32_t)strtoul(rest + 1, NULL, 10) : 1;
	return slot;
}
