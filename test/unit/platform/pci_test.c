/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pci_test.c - enumeration over a fake configuration space
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "pci.h"

enum { FUNCTIONS = 16 };
struct fake {
	uint16_t rid;
	uint32_t reg[64];
	uint32_t bar_mask[6]; /* the writable bits */
};
static struct fake fn[FUNCTIONS];
static unsigned int n_fn;

static unsigned int n_writes;

static struct fake *find(uint16_t rid)
{
	for (unsigned int i = 0; i < n_fn; i++)
		if (fn[i].rid == rid)
			return &fn[i];
	return NULL;
}

static uint32_t cfg_read(uint16_t rid, uint16_t off)
{
	struct fake *f = find(rid);

	assert_true(off < 256 && off % 4 == 0);
	return f ? f->reg[off / 4] : UINT32_MAX;
}

static void cfg_write(uint16_t rid, uint16_t off, uint32_t v)
{
	struct fake *f = find(rid);

	assert_true(f && off < 256 && off % 4 == 0);
	n_writes++;
	if (off >= 0x10 && off < 0x28) {
		uint32_t mask = f->bar_mask[(off - 0x10) / 4];

		/*
		 * While decoding is on, sizing would make the device answer at a wrong address.
		 */
		assert_false(f->reg[1] & 2);
		f->reg[off / 4] = (f->reg[off / 4] & ~mask) | (v & mask);
	} else if (off == 4) {
		assert_int_equal(v >> 16, 0); /* writing a 1 clears a bit of the status */
		f->reg[1] = (f->reg[1] & ~0xffffu) |
			    (v & 0xffff); /* the status is kept: it is cleared by ones */
	} else {
		f->reg[off / 4] = v;
	}
}

static const struct pci_config cfg = { cfg_read, cfg_write };

static struct fake *add(uint16_t rid, uint32_t header)
{
	struct fake *f = &fn[n_fn++];

	memset(f, 0, sizeof(*f));
	f->rid = rid;
	f->reg[0] = 0x10421af4;
	f->reg[2] = 0x01000001;
	f->reg[3] = header << 16;
	return f;
}

static int reset(void **state)
{
	(void)state;
	n_fn = 0;
	return 0;
}

/* Enumeration disturbs no device. */
static uint32_t find_all(struct pci_device *d, uint32_t max)
{
	uint32_t n;

	n_writes = 0;
	n = pci_enumerate(&cfg, d, max);
	assert_int_equal(n_writes, 0);
	for (uint32_t i = 0; i < n; i++) {
		assert_false(d[i].measured);
		assert_int_equal(d[i].msix, 0);
		pci_measure(&cfg, &d[i]);
		assert_int_equal(d[i].measured, !d[i].bridge);
	}
	return n;
}

static void iommus(void **state)
{
	struct fake *f = add(0x08, 0);
	struct pci_device d[4];

	(void)state;
	f->reg[2] = 0x08060001;
	assert_int_equal(pci_enumerate(&cfg, d, 4), 1);
	assert_true(pci_is_iommu(&d[0]));
	f->reg[2] = 0x08050001;
	assert_int_equal(pci_enumerate(&cfg, d, 4), 1);
	assert_false(pci_is_iommu(&d[0]));
}

static void bars(void **state)
{
	struct fake *f = add(0x08, 0);
	struct pci_device d[4];

	(void)state;
	f->reg[1] = 7;
	f->reg[4] = 0xc041; /* 64 ports */
	f->bar_mask[0] = 0xffc0;
	f->reg[5] = 0xfebd1000; /* 4 KiB */
	f->bar_mask[1] = 0xfffff000;
	f->reg[6] = 0x0000000c; /* 64-bit, 16 KiB */
	f->reg[7] = 0x00000008;
	f->bar_mask[2] = 0xffffc000;
	f->bar_mask[3] = 0xffffffff;
	f->reg[8] = 0xfe001000; /* a broken BAR: its mask has holes */
	f->bar_mask[4] = 0xf0ff0000;
	assert_int_equal(find_all(d, 4), 1);
	assert_true(d[0].bar[0].io);
	assert_int_equal(d[0].bar[0].size, 64);
	assert_int_equal(d[0].bar[1].size, 4096);
	assert_int_equal(d[0].bar[1].base, 0xfebd1000);
	assert_int_equal(d[0].bar[2].size, 16384);
	assert_int_equal(d[0].bar[2].base, 0x800000000);
	assert_int_equal(d[0].bar[3].size, 0);
	assert_int_equal(d[0].bar[4].size, 0);
	assert_int_equal(f->reg[4], 0xc041);
	assert_int_equal(f->reg[7], 8);
	assert_int_equal(f->reg[1] & 4, 0); /* bus mastering stays off until a claim */
}

static void wide_bar_in_the_last_register(void **state)
{
	struct fake *f = add(0x08, 0);
	struct pci_device d[4];

	(void)state;
	f->reg[9] = 0xfe000004; /* says 64-bit, but no register follows */
	f->bar_mask[5] = 0xfffff000;
	f->reg[10] = 5; /* belongs to no BAR */
	assert_int_equal(find_all(d, 4), 1);
	assert_int_equal(d[0].bar[5].size, 4096);
	assert_int_equal(d[0].bar[5].base, 0xfe000000);
}

static void capability_loop_ends(void **state)
{
	struct fake *f = add(0x08, 0);
	struct pci_device d[4];

	(void)state;
	f->reg[1] = 1 << 20;
	f->reg[13] = 0x40;
	f->reg[16] = 0x4005; /* an MSI capability that points to itself */
	assert_int_equal(find_all(d, 4), 1);
	assert_int_equal(d[0].msi, 0x40);
}

static void msix_table_must_lie_in_its_bar(void **state)
{
	struct fake *f = add(0x08, 0);
	struct pci_device d[4];

	(void)state;
	f->reg[1] = 1 << 20;
	f->reg[5] = 0xfebd1000;
	f->bar_mask[1] = 0xfffff000;
	f->reg[13] = 0x98;
	f->reg[0x98 / 4] = 0x00020011; /* 3 entries */
	f->reg[0x9c / 4] = 0x00000fd9; /* BAR 1, where the third entry ends one too late */
	assert_int_equal(find_all(d, 4), 1);
	assert_int_equal(d[0].msix, 0);
	f->reg[0x9c / 4] = 0x00000fd1;
	find_all(d, 4);
	assert_int_equal(d[0].msix, 0x98);
	assert_int_equal(d[0].msix_entries, 3);
	assert_int_equal(d[0].msix_offset, 0xfd0);
	f->reg[0x9c / 4] = 0x00000006; /* there is no such BAR */
	find_all(d, 4);
	assert_int_equal(d[0].msix, 0);
}

static void msix_table_is_in_no_port(void **state)
{
	struct fake *f = add(0x08, 0);
	struct pci_device d[4];

	(void)state;
	f->reg[1] = 1 << 20;
	f->reg[5] = 0xc001; /* 4 Ki ports */
	f->bar_mask[1] = 0xf000;
	f->reg[13] = 0x98;
	f->reg[0x98 / 4] = 0x11;
	f->reg[0x9c / 4] = 1;
	assert_int_equal(find_all(d, 4), 1);
	assert_int_equal(d[0].bar[1].size, 0x1000);
	assert_int_equal(d[0].msix, 0);
}

static void malformed_lists(void **state)
{
	struct fake *f = add(0x08, 0);
	struct pci_device d[4];

	(void)state;
	f->reg[4] = 0xc005; /* reads as an MSI capability */
	f->reg[6] = 0;      /* a BAR without an address */
	f->bar_mask[2] = 0xfffff000;
	f->reg[13] = 0x40;
	f->reg[16] = 0x05;
	assert_int_equal(find_all(d, 4), 1);
	assert_int_equal(d[0].msi, 0); /* according to the status there is no list */
	assert_int_equal(d[0].bar[2].size, 0);
	f->reg[1] = 1 << 20;
	find_all(d, 4);
	assert_int_equal(d[0].msi, 0x40);
	f->reg[13] = 0x10; /* a pointer into the header */
	find_all(d, 4);
	assert_int_equal(d[0].msi, 0);
}

static void bridges_and_loops(void **state)
{
	struct pci_device d[8];
	struct fake *b;

	(void)state;
	b = add(0x10, 1);
	b->reg[6] = 0x00020100; /* secondary bus 1 */
	b = add(0x0108, 1);
	b->reg[6] = 0x00000001; /* a bridge that points back to bus 0 */
	add(0x0110, 0x80);
	add(0x0113, 0); /* function 3 of a multi-function device */
	add(0x0119, 0); /* function 1 of a device without function 0, which is ignored */
	assert_int_equal(find_all(d, 8), 4);
	assert_int_equal(find_all(d, 2), 2);
}

static void bus_mastering(void **state)
{
	struct fake *f = add(0x08, 0);
	struct pci_device d[4];

	(void)state;
	find_all(d, 4);
	pci_enable(&cfg, &d[0]);
	assert_int_equal(f->reg[1] & 6, 6);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup(f, reset)
	const struct CMUnitTest tests[] = {
		CASE(iommus),
		CASE(bars),
		CASE(wide_bar_in_the_last_register),
		CASE(capability_loop_ends),
		CASE(msix_table_must_lie_in_its_bar),
		CASE(msix_table_is_in_no_port),
		CASE(malformed_lists),
		CASE(bridges_and_loops),
		CASE(bus_mastering),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
