/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * start_info.c - the guest's memory map and the hvm_start_info that points to it
 *
 * Invariants  STARTINFO1 everything that start_info points to lies in the same buffer, and
 *                        therefore below 4 GiB
 */
#include "load/start_info.h"

#include <string.h>
#include <xen/xen.h>
#include <xen/arch-x86/hvm/start_info.h>

uint32_t map_make(uint64_t low_size, uint64_t high_size, struct guest_range *map)
{
	uint32_t n = 0;

	map[n++] = (struct guest_range){ 0, low_size, XEN_HVM_MEMMAP_TYPE_RAM };
	map[n++] = (struct guest_range){ VM_ACPI_GPA, VM_ACPI_PAGES * SK_PAGE_SIZE,
		XEN_HVM_MEMMAP_TYPE_ACPI };
	map[n++] = (struct guest_range){ VM_LAPIC_GPA, SK_PAGE_SIZE,
		XEN_HVM_MEMMAP_TYPE_RESERVED };
	map[n++] = (struct guest_range){ VM_SPECIAL_GPA, VM_SPECIAL_PAGES * SK_PAGE_SIZE,
		XEN_HVM_MEMMAP_TYPE_RESERVED };
	if (high_size)
		map[n++] = (struct guest_range){ VM_HIGH_GPA, high_size,
			XEN_HVM_MEMMAP_TYPE_RAM };
	return n;
}

/* Reserve n bytes, 8-byte aligned. Returns the offset in the buffer, or UINT64_MAX. */
static uint64_t room_take(uint64_t *used, size_t size, uint64_t n)
{
	uint64_t at = (*used + 7) & ~7ull;

	if (at > size || n > size - at)
		return UINT64_MAX;
	*used = at + n;
	return at;
}

/* Append a string. Returns its offset, or UINT64_MAX. */
static uint64_t text_put(uint8_t *buf, size_t size, uint64_t *used, const char *text)
{
	uint64_t n = strlen(text) + 1, at = room_take(used, size, n);

	if (at != UINT64_MAX)
		memcpy(buf + at, text, n);
	return at;
}

/* Write the list of modules at `at`; their command lines are appended to the buffer. */
static int modules_put(
	uint8_t *buf, size_t size, uint64_t at, uint64_t *used, const struct start_info_args *a)
{
	for (uint32_t i = 0; i < a->n_modules; i++) {
		const struct start_info_module *m = &a->module[i];
		struct hvm_modlist_entry e = { .paddr = m->gpa, .size = m->size };
		uint64_t text = m->cmdline[0] ? text_put(buf, size, used, m->cmdline) : 0;

		if (text == UINT64_MAX)
			return -SK_E_RANGE;
		e.cmdline_paddr = text ? a->gpa + text : 0;
		memcpy(buf + at + i * sizeof(e), &e, sizeof(e));
	}
	return 0;
}

int64_t start_info_make(uint8_t *buf, size_t size, const struct start_info_args *a)
{
	uint64_t used = 0, at_info, at_mod, at_map, at_cmd;
	struct hvm_start_info si = { .magic = XEN_HVM_START_MAGIC_VALUE, .version = 1 };
	int rc;

	at_info = room_take(&used, size, sizeof(si));
	at_mod = room_take(&used, size, a->n_modules * sizeof(struct hvm_modlist_entry));
	at_map = room_take(&used, size, a->n_map * sizeof(struct hvm_memmap_table_entry));
	if (at_info == UINT64_MAX || at_mod == UINT64_MAX || at_map == UINT64_MAX)
		return -SK_E_RANGE;
	memset(buf, 0, used);
	at_cmd = text_put(buf, size, &used, a->cmdline);
	if (at_cmd == UINT64_MAX)
		return -SK_E_RANGE;
	rc = modules_put(buf, size, at_mod, &used, a);
	if (rc)
		return rc;
	si.nr_modules = a->n_modules;
	si.modlist_paddr = a->n_modules ? a->gpa + at_mod : 0;
	si.cmdline_paddr = a->gpa + at_cmd;
	si.rsdp_paddr = a->rsdp;
	si.memmap_paddr = a->gpa + at_map;
	si.memmap_entries = a->n_map;
	memcpy(buf + at_info, &si, sizeof(si));
	for (uint32_t i = 0; i < a->n_map; i++) {
		struct hvm_memmap_table_entry e = { a->map[i].addr, a->map[i].size,
			a->map[i].type, 0 };

		memcpy(buf + at_map + i * sizeof(e), &e, sizeof(e));
	}
	return (int64_t)used;
}
