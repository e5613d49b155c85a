/* SPDX-License-Identifier: BSD-2-Clause */
/* cpu_set.c - sets of the host's CPUs, as xl reads and prints them */
#include "config/cpu_set.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { CPUS_MAX = 64 };

/* As strtoul(): blanks and a + may come first. A number that no CPU has is CPUS_MAX. */
static bool number_take(const char **at, uint32_t *n)
{
	const char *p = *at + strspn(*at, " \t");

	p += *p == '+';
	*at = p;
	for (*n = 0; *p >= '0' && *p <= '9'; p++)
		*n = *n < CPUS_MAX ? 10 * *n + (uint32_t)(*p - '0') : CPUS_MAX;
	if (*n > CPUS_MAX)
		*n = CPUS_MAX;
	if (p == *at)
		return false;
	*at = p;
	return true;
}

/* "2" or "4-6" */
static bool range_take(const char *text, uint32_t *first, uint32_t *last)
{
	if (!number_take(&text, first))
		return false;
	*last = *first;
	if (*text != '-')
		return !*text;
	text++;
	return number_take(&text, last) && !*text && *first <= *last;
}

static uint64_t bits_below(uint32_t n) { return n < CPUS_MAX ? (1ull << n) - 1 : UINT64_MAX; }

static bool skip(const char **text, const char *prefix)
{
	size_t len = strlen(prefix);

	if (strncmp(*text, prefix, len) != 0)
		return false;
	*text += len;
	return true;
}

/* One part of the text. 0, or -1 with *why. */
static int part_take(const char *part, uint64_t all, uint64_t *set, struct msg *why)
{
	const char *rest = part;
	bool without = skip(&rest, "^");
	bool nodes = skip(&rest, "node:") || skip(&rest, "nodes:");
	uint32_t first, last;
	uint64_t these;

	if (strcmp(rest, "all") == 0) {
		*set = all;
		return without ? msg_fail(why, "\"^\" and \"all\" do not go together") : 0;
	}
	if (!range_take(rest, &first, &last))
		return msg_fail(why, "'%.20s' is not a range of CPUs such as 2 or 4-6", part);
	these = bits_below(last + 1) & ~bits_below(first) & all;
	if (nodes)
		these = first ? 0 : all;
	*set = without ? *set & ~these : *set | these;
	return 0;
}

int cpu_set_parse(const char *text, uint32_t n_cpus, uint64_t *set, struct msg *why)
{
	char part[64];
	size_t len;

	*set = 0;
	for (text += strspn(text, ","); *text; text += strspn(text, ",")) {
		len = strcspn(text, ",");
		if (len >= sizeof(part))
			return msg_fail(why,
				"'%.20s...' is not a range of CPUs such as 2 or 4-6", text);
		memcpy(part, text, len);
		part[len] = '\0';
		if (part_take(part, bits_below(n_cpus), set, why))
			return -1;
		text += len;
	}
	return 0;
}

uint32_t cpu_sets_count(const uint64_t *sets, uint32_t n_vcpus)
{
	while (n_vcpus && !sets[n_vcpus - 1])
		n_vcpus--;
	return n_vcpus;
}

void cpu_set_format(uint64_t set, uint32_t n_cpus, char text[CPU_SET_TEXT])
{
	const uint64_t all = bits_below(n_cpus);
	uint32_t first, last;
	size_t used = 0;

	set &= all;
	strcpy(text, set == all ? "all" : "none");
	for (first = 0; set != all && first < n_cpus; first = last + 1) {
		last = first;
		if (!(set >> first & 1))
			continue;
		while (last + 1 < n_cpus && set >> (last + 1) & 1)
			last++;
		used += (size_t)snprintf(text + used, CPU_SET_TEXT - used,
			last > first ? "%s%u-%u" : "%s%u", used ? "," : "", first, last);
	}
}
