/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * acpi.c - the guest's ACPI tables: RSDP, XSDT, FADT (reduced hardware), MADT, DSDT
 *
 * Objects     struct table: the buffer that is being filled. A small encoder writes AML: names,
 *             integers, and packages, whose length is filled in afterwards.
 * Invariants  ACPI1 a write past the buffer sets `full` and nothing else; acpi_make() then
 *                   fails
 *             ACPI2 every table's bytes add up to 0
 */
#include "load/acpi.h"

#include <stdbool.h>
#include <string.h>

#include "guest.h"

struct table {
	uint8_t *buf;
	size_t size, used;
	bool full;
};

static void put(struct table *t, const void *p, size_t n)
{
	if (n > t->size - t->used) {
		t->full = true; /* ACPI1 */
		return;
	}
	memcpy(t->buf + t->used, p, n);
	t->used += n;
}

static void put8(struct table *t, uint8_t v) { put(t, &v, 1); }

static void put16(struct table *t, uint16_t v) { put(t, &v, 2); }

static void put32(struct table *t, uint32_t v) { put(t, &v, 4); }

static void put64(struct table *t, uint64_t v) { put(t, &v, 8); }

static void put_zero(struct table *t, size_t n)
{
	while (n--)
		put8(t, 0);
}

static uint8_t sum(const uint8_t *p, size_t n)
{
	uint8_t s = 0;

	while (n--)
		s = (uint8_t)(s + *p++);
	return s;
}

/* ---- tables ------------------------------------------------------------------------------ */

enum { HEADER_SIZE = 36, HEADER_LENGTH = 4, HEADER_CHECKSUM = 9 };

/* Write the header of a system table; table_end() fills in the length and the checksum. */
static size_t table_begin(struct table *t, const char *signature, uint8_t revision)
{
	size_t at;

	while (t->used % 16 && !t->full)
		put8(t, 0);
	at = t->used;
	put(t, signature, 4);
	put32(t, 0);
	put8(t, revision);
	put8(t, 0);
	put(t, "Skerry", 6);
	put(t, "PVHGUEST", 8);
	put32(t, 1);
	put(t, "SKRY", 4);
	put32(t, 1);
	return at;
}

static void table_end(struct table *t, size_t at)
{
	uint32_t length = (uint32_t)(t->used - at);

	if (t->full)
		return;
	memcpy(t->buf + at + HEADER_LENGTH, &length, 4);
	t->buf[at + HEADER_CHECKSUM] = (uint8_t)-sum(t->buf + at, length); /* ACPI2 */
}

static size_t madt_make(struct table *t, uint32_t n_vcpus)
{
	size_t at = table_begin(t, "APIC", 3);

	put32(t, (uint32_t)VM_LAPIC_GPA);
	put32(t, 0); /* no PC-AT interrupt controllers */
	for (uint32_t i = 0; i < n_vcpus; i++) {
		put8(t, 0); /* local APIC: UID, APIC ID, enabled */
		put8(t, 8);
		put8(t, (uint8_t)i);
		put8(t, (uint8_t)(2 * i));
		put32(t, 1);
	}
	table_end(t, at);
	return at;
}

static void put_port(struct table *t, uint32_t port)
{
	put8(t, 1); /* generic address: I/O space, 8 bits wide, byte access */
	put8(t, 8);
	put8(t, 0);
	put8(t, 1);
	put64(t, port);
}

static size_t fadt_make(struct table *t, uint64_t dsdt)
{
	enum { BOOT_NO_VGA = 1 << 2, BOOT_NO_CMOS = 1 << 5 };
	enum { WBINVD = 1 << 0, RESET_REG = 1 << 10, HW_REDUCED = 1 << 20 };
	size_t at = table_begin(t, "FACP", 5);

	put32(t, 0); /* no FACS */
	put32(t, (uint32_t)dsdt);
	put8(t, 0);
	put8(t, 0);            /* profile: unspecified */
	put_zero(t, 109 - 46); /* SCI to CENTURY: fixed hardware, which is absent */
	put16(t, BOOT_NO_VGA | BOOT_NO_CMOS);
	put8(t, 0);
	put32(t, WBINVD | RESET_REG | HW_REDUCED);
	put_port(t, ACPI_RESET_PORT);
	put8(t, ACPI_RESET_VALUE);
	put16(t, 0);
	put8(t, 1); /* minor version 5.1 */
	put64(t, 0);
	put64(t, dsdt);
	put_zero(t, 244 - 148); /* X_PM1a_EVT to X_GPE1 */
	put_port(t, ACPI_SLEEP_PORT);
	put_port(t, ACPI_SLEEP_PORT + 1);
	table_end(t, at);
	return at;
}

/* ---- AML --------------------------------------------------------------------------------- */

enum {
	AML_NAME = 0x08,
	AML_BYTE = 0x0a,
	AML_STRING = 0x0d,
	AML_SCOPE = 0x10,
	AML_PACKAGE = 0x12,
	AML_EXT = 0x5b,
	AML_DEVICE = 0x82
};

/* Two bytes for the length, which includes itself and is filled in by aml_end(). */
static size_t aml_begin(struct table *t)
{
	size_t at = t->used;

	put16(t, 0);
	return at;
}

static void aml_end(struct table *t, size_t at)
{
	size_t n = t->used - at;

	if (n > 0xfff)
		t->full = true;
	if (t->full)
		return;
	t->buf[at] = (uint8_t)(0x40 | (n & 15));
	t->buf[at + 1] = (uint8_t)(n >> 4);
}

static void aml_byte(struct table *t, uint8_t v)
{
	put8(t, AML_BYTE);
	put8(t, v);
}

static void aml_name(struct table *t, const char *name)
{
	put8(t, AML_NAME);
	put(t, name, strlen(name));
}

static void aml_processor(struct table *t, uint8_t uid)
{
	static const char hex[] = "0123456789ABCDEF";
	char name[] = { 'C', 'P', hex[uid >> 4], hex[uid & 15] };
	size_t at;

	put8(t, AML_EXT);
	put8(t, AML_DEVICE);
	at = aml_begin(t);
	put(t, name, sizeof(name));
	aml_name(t, "_HID");
	put8(t, AML_STRING);
	put(t, "ACPI0007", 9);
	aml_name(t, "_UID");
	aml_byte(t, uid);
	aml_name(t, "_STA");
	aml_byte(t, 0x0f);
	aml_end(t, at);
}

static size_t dsdt_make(struct table *t, uint32_t n_vcpus)
{
	size_t at = table_begin(t, "DSDT", 2), scope;

	put8(t, AML_SCOPE);
	scope = aml_begin(t);
	put(t, "\\_SB_", 5);
	for (uint32_t i = 0; i < n_vcpus; i++)
		aml_processor(t, (uint8_t)i);
	aml_end(t, scope);
	aml_name(t, "\\_S5_");
	put8(t, AML_PACKAGE);
	scope = aml_begin(t);
	put8(t, 4);
	aml_byte(t, ACPI_S5_TYPE);
	for (uint32_t i = 0; i < 3; i++)
		aml_byte(t, 0);
	aml_end(t, scope);
	table_end(t, at);
	return at;
}

/* ---- the whole --------------------------------------------------------------------------- */

enum { RSDP_SIZE = 36, RSDP_V1_SIZE = 20 };

static void rsdp_write(uint8_t *p, uint64_t xsdt)
{
	uint32_t length = RSDP_SIZE;

	memset(p, 0, RSDP_SIZE);
	memcpy(p, "RSD PTR ", 8);
	memcpy(p + 9, "Skerry", 6);
	p[15] = 2;
	memcpy(p + 20, &length, 4);
	memcpy(p + 24, &xsdt, 8);
	p[8] = (uint8_t)-sum(p, RSDP_V1_SIZE);
	p[32] = (uint8_t)-sum(p, RSDP_SIZE);
}

int64_t acpi_make(uint8_t *buf, size_t size, uint64_t gpa, uint32_t n_vcpus)
{
	struct table t = { .buf = buf, .size = size };
	size_t dsdt, fadt, madt, xsdt;

	put_zero(&t, RSDP_SIZE);
	dsdt = dsdt_make(&t, n_vcpus);
	fadt = fadt_make(&t, gpa + dsdt);
	madt = madt_make(&t, n_vcpus);
	xsdt = table_begin(&t, "XSDT", 1);
	put64(&t, gpa + fadt);
	put64(&t, gpa + madt);
	table_end(&t, xsdt);
	if (t.full)
		return -SK_E_RANGE;
	rsdp_write(buf, gpa + xsdt);
	return (int64_t)t.used;
}
