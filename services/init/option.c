/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * option.c - words NAME=NUMBER of the kernel's command line that are for init
 */
#include <stdlib.h>
#include <string.h>
#include "init.h"

uint64_t boot_option(const char *name, uint64_t otherwise)
{
	const char *word = boot_info()->cmdline;
	size_t len = strlen(name);

	for (; *word; word += strcspn(word, " ")) {
		word += strspn(word, " ");
		if (strncmp(word, name, len) == 0 && word[len] == '=')
			return strtoull(word + len + 1, NULL, 10);
	}
	return otherwise;
}
