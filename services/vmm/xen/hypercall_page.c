/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hypercall_page.c - the page of code by which a guest makes hypercalls, written where the
 * guest asks by its MSR
 */
#include "xen/shinfo.h"
#include "xen/xen_domain.h"

enum {
	ENTRY_SIZE = 32,
	INT3 = 0xcc,
};

/* An entry is: mov $number, %eax; vmcall or vmmcall; ret. Only PV guests have iret. */
static void page_fill(uint8_t *page, bool amd)
{
	uint8_t *p = page;

	memset(page, INT3, SK_PAGE_SIZE);
	for (uint32_t i = 0; i < SK_PAGE_SIZE / ENTRY_SIZE; i++, p += ENTRY_SIZE) {
		p[0] = 0xb8;
		memcpy(p + 1, &i, 4);
		p[5] = 0x0f;
		p[6] = 0x01;
		p[7] = amd ? 0xd9 : 0xc1;
		p[8] = 0xc3;
	}
	p = page + ENTRY_SIZE * __HYPERVISOR_iret;
	p[0] = 0x0f; /* ud2 */
	p[1] = 0x0b;
}

bool xen_hypercall_page_write(unsigned int cpu, uint64_t value, bool amd)
{
	uint64_t number = value % SK_PAGE_SIZE;
	uint8_t *page;

	if (number) {
		vm_log("hypercall page %llu of 1", (unsigned long long)number);
		return false;
	}
	page = edge_gmem(value, SK_PAGE_SIZE);
	if (!page)
		return false;
	shinfo_latch(cpu);
	page_fill(page, amd);
	edge_gmem_wrote(page, SK_PAGE_SIZE);
	return true;
}
