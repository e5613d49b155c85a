/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * iotables.c - DMAR and IVRS, read as hostile input; and which unit a device belongs to
 *
 * Every structure is bounded by its own length field, which is bounded by the table. A mistake
 * in the table means that the kernel uses no IOMMU, and says so. Pure: also built for host
 * tests.
 *
 * Source: Intel Virtualization Technology for Directed I/O, chapter 8; AMD I/O Virtualization
 * Technology (IOMMU) Specification, chapter 5.
 */
#include "iotables.h"
#include "madt.h"

enum { FIRST = 48, DRHD = 0, RMRR = 1, DRHD_SIZE = 16, RMRR_SIZE = 24, DRHD_ALL = 1 };
enum { FLAGS = 37, REMAPS = 1, ENDPOINT = 1, BRIDGE = 2, IOAPIC = 3 };
enum { SCOPE_SIZE = 6, PATH_STEPS = 8 };
enum { CONFIG_SECONDARY = 0x19, CONFIG_SUBORDINATE = 0x1a };

static void scope_add(struct io_tables *out, const struct io_scope *s)
{
	if (out->n_scopes < IO_SCOPES)
		out->scope[out->n_scopes++] = *s;
}

/* A unit may be described twice. */
static void ioapic_add(struct io_tables *out, uint8_t id, uint32_t rid)
{
	if (out->n_ioapics == IO_IOAPICS || io_ioapic_rid(out, id) != IO_NO_ALIAS)
		return;
	out->ioapic[out->n_ioapics].id = id;
	out->ioapic[out->n_ioapics++].rid = rid;
}

/*
 * A device is named by the way to it: from a bus on through bridges, whose buses the firmware
 * has numbered.
 */
static void device_add(struct io_tables *out, const uint8_t *e, uint32_t segment, uint8_t unit,
	io_config_fn *config)
{
	uint32_t size = e[1], rid = 0, bus = e[5];
	struct io_scope s = { 0, 0, IO_NO_ALIAS, unit };

	if (e[0] < ENDPOINT || e[0] > IOAPIC || size < SCOPE_SIZE + 2 || size & 1 ||
		size > SCOPE_SIZE + 2 * PATH_STEPS || (size > SCOPE_SIZE + 2 && segment))
		return;
	for (uint32_t at = SCOPE_SIZE; at < size; at += 2) {
		if (at > SCOPE_SIZE)
			bus = config((uint16_t)rid, CONFIG_SECONDARY);
		rid = bus << 8 | (e[at] & 31u) << 3 | (e[at + 1] & 7u);
	}
	s.first = s.last = segment | rid;
	scope_add(out, &s);
	if (e[0] == IOAPIC && unit != IO_RESERVED)
		ioapic_add(out, e[4], segment | rid);
	if (e[0] != BRIDGE || segment)
		return;
	s.first = (uint32_t)config((uint16_t)rid, CONFIG_SECONDARY) << 8;
	s.last = (uint32_t)config((uint16_t)rid, CONFIG_SUBORDINATE) << 8 | 0xff;
	if (s.first && s.first <= s.last)
		scope_add(out, &s);
}

static const char *devices_add(struct io_tables *out, const uint8_t *e, uint32_t from,
	uint32_t size, uint8_t unit, io_config_fn *config)
{
	uint32_t segment = (uint32_t)boot_number(e + 6, 2) << 16;

	for (uint32_t at = from; at < size; at += e[at + 1]) {
		if (size - at < SCOPE_SIZE || e[at + 1] < SCOPE_SIZE || e[at + 1] > size - at)
			return "ACPI: a device of the DMAR runs over the end";
		device_add(out, e + at, segment, unit, config);
	}
	return NULL;
}

static const char *unit_add(
	struct io_tables *out, const uint8_t *e, uint32_t size, io_config_fn *config)
{
	struct io_unit *u = &out->unit[out->n_units];

	if (out->n_units == IO_UNITS)
		return "ACPI: the DMAR lists too many IOMMUs";
	u->paddr = boot_number(e + 8, 8);
	u->rid = (uint32_t)boot_number(e + 6, 2) << 16;
	u->all = e[4] & DRHD_ALL;
	if (!u->paddr || u->paddr & 0xfff)
		return "ACPI: the DMAR has a bad address";
	return devices_add(out, e, DRHD_SIZE, size, (uint8_t)out->n_units++, config);
}

const char *dmar_parse(
	const struct boot_phys *p, uint64_t paddr, io_config_fn *config, struct io_tables *out)
{
	uint32_t size, n;
	const uint8_t *t = acpi_table(p, paddr, &size), *e;
	const char *err = NULL;

	__builtin_memset(out, 0, sizeof(*out));
	if (!t || size < FIRST)
		return "ACPI: the DMAR is damaged or out of reach";
	out->remaps = t[FLAGS] & REMAPS;
	for (uint32_t at = FIRST; !err && at < size; at += n) {
		e = t + at;
		n = size - at < 4 ? 0 : (uint32_t)boot_number(e + 2, 2);
		if (n < 4 || n > size - at)
			return "ACPI: a DMAR entry runs over the end";
		if (boot_number(e, 2) == DRHD && n >= DRHD_SIZE)
			err = unit_add(out, e, n, config);
		else if (boot_number(e, 2) == RMRR && n >= RMRR_SIZE)
			err = devices_add(out, e, RMRR_SIZE, n, IO_RESERVED, config);
	}
	return err;
}

/* --- AMD-Vi ------------------------------------------------------------------------------- */

enum {
	IVHD_OLD = 0x10,
	IVHD_WIDE = 0x11,
	IVHD_LAST = 0x40,
	IVHD_SIZE = 24,
	IVHD_WIDE_SIZE = 40
};
enum { IVMD_ALL = 0x20, IVMD_ONE, IVMD_RANGE, IVMD_SIZE = 32 };
enum { DEV_ALL = 1, DEV_ONE, DEV_FIRST, DEV_LAST, DEV_ALIAS = 66, DEV_ALIAS_FIRST = 67 };
enum { DEV_EXTENDED = 70, DEV_EXTENDED_FIRST = 71, DEV_SPECIAL = 72 };
enum { SPECIAL_IOAPIC = 1, DEV_NAMED = 240, DEV_NAMED_SIZE = 22 };

/* Bytes of an entry; 0: it does not fit. */
static uint32_t entry_size(const uint8_t *e, uint32_t room)
{
	uint32_t n = 4u << (e[0] >> 6);

	if (e[0] == DEV_NAMED)
		n = room < DEV_NAMED_SIZE ? room + 1 : DEV_NAMED_SIZE + (uint32_t)e[21];
	return n > room ? 0 : n;
}

/* Add a device; of a range, keep the first one until the last comes. */
static void entry_add(struct io_tables *out, const uint8_t *e, struct io_scope *range)
{
	uint32_t rid = (uint32_t)boot_number(e + 1, 2);

	if (e[0] == DEV_LAST) {
		range->last = rid;
		scope_add(out, range);
		return;
	}
	if (e[0] == DEV_SPECIAL)
		rid = (uint32_t)boot_number(e + 5, 2);
	if (e[0] == DEV_SPECIAL && e[7] == SPECIAL_IOAPIC)
		ioapic_add(out, e[4], rid);
	range->first = e[0] == DEV_ALL ? 0 : rid;
	range->last = e[0] == DEV_ALL ? 0xffff : rid;
	range->alias = IO_NO_ALIAS;
	if (e[0] == DEV_ALIAS || e[0] == DEV_ALIAS_FIRST)
		range->alias = (uint32_t)boot_number(e + 5, 2);
	if (e[0] == DEV_ALL || e[0] == DEV_ONE || e[0] == DEV_ALIAS || e[0] == DEV_EXTENDED ||
		e[0] == DEV_SPECIAL)
		scope_add(out, range);
}

/* A unit may be described more than once, by an older and by a newer kind of entry. */
static const char *amd_unit_add(struct io_tables *out, const uint8_t *e, uint32_t size)
{
	uint64_t paddr = boot_number(e + 8, 8);
	struct io_scope range = { 0, 0, IO_NO_ALIAS, 0 };
	uint32_t i = 0, n;

	while (i < out->n_units && out->unit[i].paddr != paddr)
		i++;
	if (i == IO_UNITS || boot_number(e + 16, 2))
		return "ACPI: the IVRS lists too many IOMMUs or bus segments";
	if (!paddr || paddr & 0x3fff)
		return "ACPI: the IVRS has a bad address";
	out->unit[i].paddr = paddr;
	out->unit[i].rid = (uint32_t)boot_number(e + 4, 2);
	out->unit[i].cap = (uint16_t)boot_number(e + 6, 2);
	if (i == out->n_units)
		out->n_units++;
	range.unit = (uint8_t)i;
	for (uint32_t at = e[0] == IVHD_OLD ? IVHD_SIZE : IVHD_WIDE_SIZE; at < size; at += n) {
		n = size - at < 4 ? 0 : entry_size(e + at, size - at);
		if (!n)
			return "ACPI: a device of the IVRS runs over the end";
		entry_add(out, e + at, &range);
	}
	return NULL;
}

static void amd_reserved_add(struct io_tables *out, const uint8_t *e)
{
	uint32_t first = (uint32_t)boot_number(e + 4, 2),
		 last = (uint32_t)boot_number(e + 6, 2);
	struct io_scope s = { e[0] == IVMD_ALL ? 0 : first, first, IO_NO_ALIAS, IO_RESERVED };

	if (e[0] != IVMD_ONE)
		s.last = e[0] == IVMD_ALL ? 0xffff : last;
	scope_add(out, &s);
}

const char *ivrs_parse(const struct boot_phys *p, uint64_t paddr, struct io_tables *out)
{
	uint32_t size, n;
	const uint8_t *t = acpi_table(p, paddr, &size), *e;
	const char *err = NULL;

	__builtin_memset(out, 0, sizeof(*out));
	out->amd = out->remaps = true;
	if (!t || size < FIRST)
		return "ACPI: the IVRS is damaged or out of reach";
	for (uint32_t at = FIRST; !err && at < size; at += n) {
		e = t + at;
		n = size - at < 4 ? 0 : (uint32_t)boot_number(e + 2, 2);
		if (n < 4 || n > size - at)
			return "ACPI: an IVRS entry runs over the end";
		if ((e[0] == IVHD_OLD && n >= IVHD_SIZE) ||
			((e[0] == IVHD_WIDE || e[0] == IVHD_LAST) && n >= IVHD_WIDE_SIZE))
			err = amd_unit_add(out, e, n);
		else if (e[0] >= IVMD_ALL && e[0] <= IVMD_RANGE && n >= IVMD_SIZE)
			amd_reserved_add(out, e);
	}
	return err;
}

/* --- look-up ------------------------------------------------------------------------------ */

static bool scope_has(const struct io_scope *s, uint32_t rid)
{
	return rid >= s->first && rid <= s->last;
}

int io_unit_of(const struct io_tables *t, uint32_t *rid)
{
	for (const struct io_scope *s = t->scope; s < t->scope + t->n_scopes; s++) {
		if (s->unit == IO_RESERVED || !scope_has(s, *rid))
			continue;
		if (s->alias != IO_NO_ALIAS)
			*rid = s->alias;
		return s->unit;
	}
	for (uint32_t i = 0; i < t->n_units; i++)
		if (t->unit[i].all && t->unit[i].rid >> 16 == *rid >> 16)
			return (int)i;
	return -1;
}

uint32_t io_ioapic_rid(const struct io_tables *t, uint8_t id)
{
	for (uint32_t i = 0; i < t->n_ioapics; i++)
		if (t->ioapic[i].id == id)
			return t->ioapic[i].rid;
	return IO_NO_ALIAS;
}

bool io_reserved(const struct io_tables *t, uint32_t rid)
{
	for (const struct io_scope *s = t->scope; s < t->scope + t->n_scopes; s++)
		if (s->unit == IO_RESERVED && scope_has(s, rid))
			return true;
	return false;
}
