/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * madt_fuzz.c - the input is a MADT; the target corrects its length and checksum, so that
 * entries are read
 */
#include <stdlib.h>
#include <string.h>

#include "madt.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct madt madt;
	uint8_t *copy = malloc(size ? size : 1), sum = 0;
	struct boot_phys phys = { (uintptr_t)copy, size };
	uint64_t at;

	memcpy(copy, data, size);
	(void)acpi_find(&phys, 0, "APIC", &at);
	if (size >= 36) {
		uint32_t length = (uint32_t)size;

		memcpy(copy + 4, &length, sizeof(length));
		for (size_t i = 0; i < size; i++)
			sum = (uint8_t)(sum + copy[i]);
		copy[9] = (uint8_t)(copy[9] - sum);
	}
	if (!madt_parse(&phys, 0, &madt) &&
		(madt.n_cpus > MADT_CPUS || madt.n_ioapics > MADT_IOAPICS ||
			madt.n_overrides > MADT_OVERRIDES))
		abort();
	free(copy);
	return 0;
}
