/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * iotables_fuzz.c - the input is a byte that chooses DMAR or IVRS, and the table; the target
 * corrects its length and checksum, so that entries are read
 *
 * What a bridge says of its buses comes from the input, too. Whatever was read, the bounds of
 * the result hold, and no requester leads to a unit that there is not.
 */
#include <stdlib.h>
#include <string.h>

#include "iotables.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint8_t *input;
static size_t input_size;

static uint8_t config(uint16_t rid, uint8_t offset)
{
	return input[(rid * 7u + offset) % input_size];
}

static void must(bool right)
{
	if (!right)
		abort();
}

static void result_check(const struct io_tables *t)
{
	must(t->n_units <= IO_UNITS && t->n_scopes <= IO_SCOPES && t->n_ioapics <= IO_IOAPICS);
	for (uint32_t i = 0; i < t->n_units; i++)
		must(t->unit[i].paddr && !(t->unit[i].paddr & 0xfff));
	for (uint32_t i = 0; i < t->n_scopes; i++)
		must(t->scope[i].unit < t->n_units || t->scope[i].unit == IO_RESERVED);
	for (uint32_t id = 0; id < 256; id++) {
		uint32_t rid = io_ioapic_rid(t, (uint8_t)id);

		must(io_unit_of(t, &rid) < (int)t->n_units);
	}
	for (uint32_t at = 0; at < 0x20000; at += 257) {
		uint32_t rid = at;
		int unit = io_unit_of(t, &rid);

		must(unit >= -1 && unit < (int)t->n_units);
		(void)io_reserved(t, at);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct io_tables tables;
	uint32_t length = (uint32_t)size - 1;
	uint8_t *table, sum = 0;
	struct boot_phys phys;

	if (size < 1 + 36)
		return 0;
	input = data;
	input_size = size;
	table = malloc(length);
	memcpy(table, data + 1, length);
	memcpy(table + 4, &length, sizeof(length));
	for (uint32_t i = 0; i < length; i++)
		sum = (uint8_t)(sum + table[i]);
	table[9] = (uint8_t)(table[9] - sum);
	phys = (struct boot_phys){ (uintptr_t)table, length };
	if (data[0] & 1 ? !ivrs_parse(&phys, 0, &tables)
			: !dmar_parse(&phys, 0, config, &tables))
		result_check(&tables);
	free(table);
	return 0;
}
