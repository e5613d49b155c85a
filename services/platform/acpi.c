/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * acpi.c - reads the ACPI tables without interpreting AML
 *
 * Objects     none kept: facts go to the caller's structure.
 * Trust       firmware tables can be damaged: every length is checked against what was mapped,
 *             every walk is bounded by ACPI_TABLE_MAX and ACPI_TABLES_MAX, checksums are
 *             verified.
 * Source      ACPI specification 6.5: 5.2.5 (RSDP), 5.2.6 (header), 5.2.7-8 (RSDT, XSDT), 5.2.9
 *             (FADT), 7.4.2 (_Sx), 20.2 (AML encoding); PCI firmware specification 3.3, 4.1.2
 *             (MCFG).
 */
#include "acpi.h"
#include "base/bytes.h"

#include <string.h>
#include <sk/types.h>

enum {
	HEADER_SIZE = 36,
	RSDP_SIZE_V1 = 20,
	RSDP_SIZE = 36,
	FADT_MIN = 116,
	FADT_RESET_SUPPORTED = 1 << 10,
};

struct walk {
	const struct acpi_mem *mem;
	struct acpi_facts *facts;
	void (*warn)(const char *table, const char *what);
};

static bool sum_zero(const uint8_t *p, size_t len)
{
	uint8_t sum = 0;

	for (size_t i = 0; i < len; i++)
		sum = (uint8_t)(sum + p[i]);
	return sum == 0;
}

/* Map a whole table and check it; NULL after a warning. The signature goes to sig (5 bytes). */
static const uint8_t *table_map(struct walk *w, uint64_t paddr, char *sig, uint32_t *len)
{
	const uint8_t *h = w->mem->map(w->mem->ctx, paddr, HEADER_SIZE);

	memcpy(sig, "????", 5);
	if (!h) {
		w->warn(sig, "is not in readable memory");
		return NULL;
	}
	for (int i = 0; i < 4; i++)
		sig[i] = h[i] >= 0x20 && h[i] < 0x7f ? (char)h[i] : '?';
	*len = get_le32(h + 4);
	if (*len < HEADER_SIZE || *len > ACPI_TABLE_MAX) {
		w->warn(sig, "has an impossible length");
		return NULL;
	}
	h = w->mem->map(w->mem->ctx, paddr, *len);
	if (!h || !sum_zero(h, *len)) {
		w->warn(sig, h ? "has a wrong checksum" : "is not all in readable memory");
		return NULL;
	}
	return h;
}

static void mcfg_read(struct walk *w, const uint8_t *t, uint32_t len)
{
	for (uint32_t at = HEADER_SIZE + 8; at + 16 <= len; at += 16) {
		uint64_t base = get_le64(t + at);

		/* further segments have no legacy equivalent and are not used */
		if (get_le16(t + at + 8) != 0)
			continue;
		if (base & 0xfffff || t[at + 10] > t[at + 11]) {
			w->warn("MCFG", "has an impossible entry");
			continue;
		}
		w->facts->ecam = true;
		w->facts->ecam_base = base;
		w->facts->bus_first = t[at + 10];
		w->facts->bus_last = t[at + 11];
		return;
	}
}

/* One integer of an AML package; false if it is not a constant. */
static bool aml_integer(const uint8_t **p, const uint8_t *end, uint8_t *out)
{
	if (*p >= end)
		return false;
	switch (**p) {
	case 0x00: /* ZeroOp */
	case 0x01: /* OneOp */
		*out = **p;
		*p += 1;
		return true;
	case 0x0a: /* BytePrefix */
		if (end - *p < 2)
			return false;
		*out = (*p)[1];
		*p += 2;
		return true;
	default:
		return false;
	}
}

/* `p` follows the name _S5_: a package whose first two elements are the sleep types. */
static bool s5_package(const uint8_t *p, const uint8_t *end, struct acpi_facts *f)
{
	uint8_t a, b;

	if (end - p < 3 || p[0] != 0x12) /* PackageOp */
		return false;
	p += 2 + (p[1] >> 6); /* PkgLength: its top two bits count further bytes */
	if (p >= end || *p++ < 2)
		return false;
	if (!aml_integer(&p, end, &a) || !aml_integer(&p, end, &b) || a > 7 || b > 7)
		return false;
	f->s5 = true;
	f->s5_a = a;
	f->s5_b = b;
	return true;
}

static void s5_scan(struct walk *w, const uint8_t *t, uint32_t len)
{
	const uint8_t *end = t + len;

	if (w->facts->s5)
		return;
	for (const uint8_t *p = t + HEADER_SIZE; end - p >= 8; p++) {
		bool named = p[-1] == 0x08 || (p[-1] == '\\' && p[-2] == 0x08);

		if (memcmp(p, "_S5_", 4) == 0 && named && s5_package(p + 4, end, w->facts))
			return;
	}
}

/* A port from a 32-bit legacy field or, if that is 0, from a generic address structure. */
static uint16_t fadt_port(const uint8_t *t, uint32_t len, uint32_t legacy, uint32_t gas)
{
	uint32_t port = get_le32(t + legacy);

	if (port == 0 && gas + 12 <= len && t[gas] == ACPI_SPACE_IO)
		port = (uint32_t)get_le64(t + gas + 4);
	return port <= 0xfffe ? (uint16_t)port : 0;
}

static void fadt_read(struct walk *w, const uint8_t *t, uint32_t len)
{
	struct acpi_facts *f = w->facts;
	uint64_t dsdt;
	uint32_t dsdt_len;
	char sig[5];

	if (len < FADT_MIN) {
		w->warn("FACP", "is too short");
		return;
	}
	f->pm1a_cnt = fadt_port(t, len, 64, 172);
	f->pm1b_cnt = fadt_port(t, len, 68, 184);
	f->smi_cmd = get_le32(t + 48) <= 0xffff ? (uint16_t)get_le32(t + 48) : 0;
	f->acpi_enable = t[52];
	f->century = t[108] < 128 ? t[108] : 0;
	if ((get_le32(t + 112) & FADT_RESET_SUPPORTED) && len >= 129 &&
		t[116] <= ACPI_SPACE_PCI) {
		f->reset = true;
		f->reset_space = t[116];
		f->reset_addr = get_le64(t + 120);
		f->reset_value = t[128];
	}
	dsdt = len >= 148 && get_le64(t + 140) ? get_le64(t + 140) : get_le32(t + 40);
	t = table_map(w, dsdt, sig, &dsdt_len);
	if (!t)
		return;
	if (memcmp(sig, "DSDT", 4) != 0)
		w->warn("DSDT", "is not where FACP says");
	else
		s5_scan(w, t, dsdt_len);
}

static void table_read(struct walk *w, uint64_t paddr)
{
	uint32_t len;
	char sig[5];
	const uint8_t *t = table_map(w, paddr, sig, &len);

	if (!t)
		return;
	if (memcmp(sig, "MCFG", 4) == 0)
		mcfg_read(w, t, len);
	else if (memcmp(sig, "FACP", 4) == 0)
		fadt_read(w, t, len);
	else if (memcmp(sig, "SSDT", 4) == 0)
		s5_scan(w, t, len);
}

static int root_read(struct walk *w, uint64_t paddr, const char *want, unsigned int entry)
{
	uint32_t len, n;
	char sig[5];
	const uint8_t *t = table_map(w, paddr, sig, &len);

	if (!t || memcmp(sig, want, 4) != 0)
		return -SK_E_NOT_FOUND;
	n = (len - HEADER_SIZE) / entry;
	if (n > ACPI_TABLES_MAX) {
		w->warn(want, "lists more tables than are looked at");
		n = ACPI_TABLES_MAX;
	}
	for (uint32_t i = 0; i < n; i++) {
		/*
		 * Reading a table may have replaced the mapping of the root table: map it
		 * again.
		 */
		t = w->mem->map(w->mem->ctx, paddr, len);
		if (!t)
			return 0;
		t += HEADER_SIZE + (size_t)i * entry;
		table_read(w, entry == 8 ? get_le64(t) : get_le32(t));
	}
	return 0;
}

int acpi_parse(const struct acpi_mem *mem, uint64_t rsdp, struct acpi_facts *facts,
	void (*warn)(const char *table, const char *what))
{
	struct walk w = { mem, facts, warn };
	const uint8_t *p = rsdp ? mem->map(mem->ctx, rsdp, RSDP_SIZE_V1) : NULL;
	uint64_t xsdt = 0;
	uint32_t rsdt;

	memset(facts, 0, sizeof(*facts));
	if (!p || memcmp(p, "RSD PTR ", 8) != 0 || !sum_zero(p, RSDP_SIZE_V1)) {
		warn("RSDP", "is missing or damaged");
		return -SK_E_NOT_FOUND;
	}
	rsdt = get_le32(p + 16);
	if (p[15] >= 2) {
		p = mem->map(mem->ctx, rsdp, RSDP_SIZE);
		if (p && sum_zero(p, RSDP_SIZE))
			xsdt = get_le64(p + 24);
	}
	if (xsdt && root_read(&w, xsdt, "XSDT", 8) == 0)
		return 0;
	return root_read(&w, rsdt, "RSDT", 4);
}
