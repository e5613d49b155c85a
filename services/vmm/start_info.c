/*
 * start_info.c - the guest's memory map and the hvm_start_info that points to it
 *
 * Objects     none: pure functions over buffers.
 * Invariants  S1 everything that start_info points to lies in the same buffer, so below 4 GiB
 */
#include "boot_info.h"

#include <string.h>
#include <xen/xen.h>
#include <xen/arch-x86/hvm/start_info.h>

uint32_t map_make(uint64_t low_size, uint64_t high_size, struct vm_range *map)
{
	uint32_t n = 0;

	map[n++] = (struct vm_range){ 0, low_size, XEN_HVM_MEMMAP_TYPE_RAM };
	map[n++] = (struct vm_range){ VM_ACPI_GPA, VM_ACPI_PAGES * VM_PAGE,
		XEN_HVM_MEMMAP_TYPE_ACPI };
	map[n++] = (struct vm_range){ VM_LAPIC_GPA, VM_PAGE, XEN_HVM_MEMMAP_TYPE_RESERVED };
	map[n++] = (struct vm_range){ VM_SPECIAL_GPA, VM_SPECIAL_PAGES * VM_PAGE,
		XEN_HVM_MEMMAP_TYPE_RESERVED };
	if (high_size)
		map[n++] = (struct vm_range){ VM_HIGH_GPA, high_size, XEN_HVM_MEMMAP_TYPE_RAM };
	return n;
}

/* Room for n bytes, 8-byte aligned: the offset in the buffer, or UINT64_MAX. */
static uint64_t take(uint64_t *used, size_t size, uint64_t n)
{
	uint64_t at = (*used + 7) & ~7ull;

	if (at > size || n > size - at)
		return UINT64_MAX;
	*used = at + n;
	return at;
}

int64_t start_info_make(uint8_t *buf, size_t size, const struct start_info_args *a)
{
	uint64_t used = 0, at_info, at_mod, at_map, at_cmd, n_cmd = strlen(a->cmdline) + 1;
	struct hvm_start_info si = { .magic = XEN_HVM_START_MAGIC_VALUE, .version = 1 };
	struct hvm_modlist_entry mod = { .paddr = a->ramdisk, .size = a->ramdisk_size };
	uint32_t i;

	at_info = take(&used, size, sizeof(si));
	at_mod = take(&used, size, sizeof(mod));
	at_map = take(&used, size, a->n_map * sizeof(struct hvm_memmap_table_entry));
	at_cmd = take(&used, size, n_cmd);
	if (at_info == UINT64_MAX || at_mod == UINT64_MAX || at_map == UINT64_MAX ||
		at_cmd == UINT64_MAX)
		return -SK_E_RANGE;
	if (a->ramdisk_size) {
		si.nr_modules = 1;
		si.modlist_paddr = a->gpa + at_mod;
	}
	si.cmdline_paddr = a->gpa + at_cmd;
	si.rsdp_paddr = a->rsdp;
	si.memmap_paddr = a->gpa + at_map;
	si.memmap_entries = a->n_map;
	memset(buf, 0, used);
	memcpy(buf + at_info, &si, sizeof(si));
	if (a->ramdisk_size)
		memcpy(buf + at_mod, &mod, sizeof(mod));
	for (i = 0; i < a->n_map; i++) {
		struct hvm_memmap_table_entry e = { a->map[i].addr, a->map[i].size,
			a->map[i].type, 0 };

		memcpy(buf + at_map + i * sizeof(e), &e, sizeof(e));
	}
	memcpy(buf + at_cmd, a->cmdline, n_cmd);
	return (int64_t)used;
}
