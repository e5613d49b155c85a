/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * acpi_fuzz.c - the input is physical memory from address 0x1000; checksums are corrected on
 * the fly
 *
 * Every mapped table is a copy of exact size, so that ASan sees reads beyond it.
 */
#include <stdlib.h>
#include <string.h>

#include "acpi.h"

enum { BASE = 0x1000, KEPT = 512 };

static const uint8_t *input;
static size_t input_size;
static uint8_t *kept[KEPT];
static unsigned int n_kept;

static const uint8_t *map(void *ctx, uint64_t paddr, size_t len)
{
	uint8_t *copy, sum = 0;

	(void)ctx;
	if (paddr < BASE || len > input_size || paddr - BASE > input_size - len ||
		n_kept == KEPT)
		return NULL;
	copy = malloc(len);
	memcpy(copy, input + (paddr - BASE), len);
	for (size_t i = 0; i < len; i++)
		sum = (uint8_t)(sum + copy[i]);
	copy[len > 36 ? 9 : 8] = (uint8_t)(copy[len > 36 ? 9 : 8] - sum);
	kept[n_kept++] = copy;
	return copy;
}

static void warn(const char *table, const char *what)
{
	(void)table;
	(void)what;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct acpi_mem mem = { map, NULL };
	struct acpi_facts f;

	input = data;
	input_size = size;
	(void)acpi_parse(&mem, BASE, &f, warn);
	if (f.s5 && (f.s5_a > 7 || f.s5_b > 7))
		abort();
	while (n_kept)
		free(kept[--n_kept]);
	return 0;
}
