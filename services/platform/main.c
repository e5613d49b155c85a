/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * main.c - platform: owns the machine's firmware tables, PCI configuration space, MSI-X tables
 * and power
 *
 * Objects     devs[]: every PCI function. A handle is the function's number on the bus, so it
 *             means the same in each life.
 * Lifecycle   tables and devices are read once at start; afterwards only init calls. A function
 *             that was claimed in an earlier life is only read until its claim ends.
 * Trust       only SVC_BADGE_INIT may call; drivers never see an MSI-X table, because a page
 *             that holds one is in no piece that PLATFORM_BAR hands out.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "acpi.h"
#include "caps/caps.h"
#include "devmem.h"
#include "pci.h"
#include "proto/platform.h"
#include "reset.h"
#include "rtc.h"
#include "rt/sleep.h"
#include "svc/svc.h"
#include "sys/clock.h"
#include "sys/sk.h"

enum {
	VECTORS_MAX = 8,
	MSIX_ENTRY = 16,
	PORT_CONFIG_ADDRESS = 0xcf8,
	PORT_CONFIG_DATA = 0xcfc,
	PORT_RESET = 0xcf9,
	PORT_CMOS = 0x70,
	PM1_SCI_EN = 1 << 0,
	PM1_SLP_EN = 1 << 13,
	ENABLE_POLLS = 3000000,
	POWER_MS = 5000,
	CLAIMED_MAX = 256,
};

static struct acpi_facts facts;
static struct pci_device devs[PCI_MAX_DEVICES];
/* How many vectors PLATFORM_VECTOR takes for each function. */
static uint32_t n_vectors[PCI_MAX_DEVICES];
static uint32_t n_devs;
static uint64_t wallclock_boot_ns;

/* ---- ports ---- */

static uint32_t port_in(uint16_t port, unsigned int size)
{
	uint32_t value = UINT32_MAX;

	if (sk_port_in(PLATFORM_CAP_IOPORT, port, size, &value))
		printf("port %#x: not ours to read\n", port);
	return value;
}

static void port_out(uint16_t port, unsigned int size, uint32_t value)
{
	if (sk_port_out(PLATFORM_CAP_IOPORT, port, size, value))
		printf("port %#x: not ours to write\n", port);
}

static uint8_t cmos_read(uint8_t index)
{
	port_out(PORT_CMOS, 1, index);
	return (uint8_t)port_in(PORT_CMOS + 1, 1);
}

static void wait_ms(uint32_t ms) { rt_sleep_until(clock_in_ms(ms)); }

/* ---- configuration space: by ECAM if the tables name it, by ports otherwise ---- */

static volatile uint32_t *ecam(uint16_t rid, uint16_t off)
{
	uint8_t bus = (uint8_t)(rid >> 8);

	if (!facts.ecam || bus < facts.bus_first || bus > facts.bus_last)
		return NULL;
	return devmem_map(
		facts.ecam_base + ((uint64_t)(rid - (facts.bus_first << 8)) << 12) + off, 4);
}

static uint32_t config_read(uint16_t rid, uint16_t off)
{
	volatile uint32_t *reg = ecam(rid, off);

	if (reg)
		return *reg;
	port_out(PORT_CONFIG_ADDRESS, 4, 0x80000000u | (uint32_t)rid << 8 | off);
	return port_in(PORT_CONFIG_DATA, 4);
}

static void config_write(uint16_t rid, uint16_t off, uint32_t value)
{
	volatile uint32_t *reg = ecam(rid, off);

	if (reg) {
		*reg = value;
		return;
	}
	port_out(PORT_CONFIG_ADDRESS, 4, 0x80000000u | (uint32_t)rid << 8 | off);
	port_out(PORT_CONFIG_DATA, 4, value);
}

static const struct pci_config config = { config_read, config_write };

/* ---- claiming a device ---- */

static bool matches(const struct pci_device *d, uint64_t ids, uint64_t class_code)
{
	uint16_t vendor = (uint16_t)ids, device = (uint16_t)(ids >> 16);

	return (vendor == 0xffff || d->vendor == vendor) &&
	       (device == 0xffff || d->device == device) &&
	       ((uint32_t)class_code == UINT32_MAX || d->class_code == class_code);
}

static volatile uint32_t *vector_table(const struct pci_device *d, uint32_t n)
{
	if (!d->msix)
		return NULL;
	return devmem_map(d->bar[d->msix_bar].base + d->msix_offset, (size_t)n * MSIX_ENTRY);
}

/* As many as it has; MSI-X is preferred to MSI. */
static uint32_t vectors_of(const struct pci_device *d, uint64_t want)
{
	uint32_t n = want < VECTORS_MAX ? (uint32_t)want : VECTORS_MAX;

	if (d->msix && n > d->msix_entries)
		n = d->msix_entries;
	if (!n || vector_table(d, n))
		return n;
	return d->msi ? 1 : 0;
}

static int vector_call(const struct pci_device *d, const uint64_t *mr)
{
	uint32_t n = n_vectors[d - devs];
	volatile uint32_t *entry;

	if (mr[1] >= n)
		return -SK_E_RANGE;
	entry = vector_table(d, n);
	if (!entry) {
		pci_msi_program(&config, d, mr[2], (uint32_t)mr[3]);
		return 0;
	}
	entry += mr[1] * 4;
	entry[0] = (uint32_t)mr[2];
	entry[1] = (uint32_t)(mr[2] >> 32);
	entry[2] = (uint32_t)mr[3];
	entry[3] = 0; /* unmasked */
	pci_msix_enable(&config, d);
	return 0;
}

static int claim_call(uint64_t *mr, uint32_t *n_mr)
{
	uint64_t index = mr[2], want = mr[3];
	uint32_t i;

	for (i = 0; i < n_devs; i++)
		if (matches(&devs[i], mr[0], mr[1]) && index-- == 0)
			break;
	if (i == n_devs)
		return -SK_E_NOT_FOUND;
	if (devs[i].claimed)
		return -SK_E_BUSY;
	devs[i].claimed = true;
	pci_enable(&config, &devs[i]);
	n_vectors[i] = vectors_of(&devs[i], want);
	mr[1] = devs[i].rid;
	mr[2] = devs[i].vendor | (uint64_t)devs[i].device << 16 | (uint64_t)devs[i].rid << 32;
	mr[3] = n_vectors[i];
	for (uint32_t b = 0; b < PCI_BARS; b++) {
		bool usable = !devs[i].bar[b].io && devs[i].bar[b].size >= SK_PAGE_SIZE;

		mr[4 + b] = usable ? devs[i].bar[b].size : 0;
	}
	for (uint16_t off = 0; off < 256; off = (uint16_t)(off + 8))
		mr[10 + off / 8] = config_read(devs[i].rid, off) |
				   (uint64_t)config_read(devs[i].rid, (uint16_t)(off + 4))
					   << 32;
	*n_mr = 42;
	return 0;
}

/*
 * Cut [0, size) of a BAR into naturally aligned power-of-two pieces, leaving out the pages from
 * skip_first to skip_end. Returns the number of pieces; fills *offset and *order for piece
 * `want`.
 */
static uint64_t pieces(const struct pci_bar *bar, uint64_t skip_first, uint64_t skip_end,
	uint64_t want, uint64_t *offset, uint32_t *order)
{
	uint64_t n = 0, at = 0;

	while (at < bar->size) {
		uint64_t end = at < skip_first ? skip_first : bar->size;
		uint32_t o = SK_PAGE_ORDER;

		if (at >= skip_first && at < skip_end) {
			at = skip_end;
			continue;
		}
		while (o < SK_HUGE_ORDER && !((bar->base + at) & (1ull << o)) &&
			(2ull << o) <= end - at)
			o++;
		if (n++ == want) {
			*offset = at;
			*order = o;
		}
		at += 1ull << o;
	}
	return n;
}

static int bar_call(
	const struct pci_device *d, uint64_t *mr, uint32_t *n_mr, struct svc_caps *caps)
{
	const struct pci_bar *bar = &d->bar[mr[1]];
	uint64_t skip_first = bar->size, skip_end = bar->size, n, offset = 0;
	uint32_t order = 0;
	int rc;

	if (bar->io || bar->size < SK_PAGE_SIZE)
		return -SK_E_NOT_FOUND;
	if (d->msix && d->msix_bar == mr[1]) {
		skip_first = d->msix_offset & ~(SK_PAGE_SIZE - 1);
		skip_end = (d->msix_offset + d->msix_entries * (uint64_t)MSIX_ENTRY +
				   SK_PAGE_SIZE - 1) &
			   ~(SK_PAGE_SIZE - 1);
	}
	n = pieces(bar, skip_first, skip_end, mr[2], &offset, &order);
	if (mr[2] >= n)
		return -SK_E_RANGE;
	rc = devmem_frame(bar->base + offset, order, &caps->out[0]);
	if (rc)
		return rc;
	caps->n_out = 1;
	caps->move_out = true;
	mr[1] = n;
	mr[2] = offset;
	mr[3] = order;
	*n_mr = 4;
	return 0;
}

/* ---- the end of a claim ---- */

static int reset_call(struct pci_device *d, uint64_t *mr, uint32_t *n_mr)
{
	const struct reset_machine machine = { &config, devs, n_devs, wait_ms, devmem_map };
	uint32_t saved[RESET_CONFIG_WORDS];
	enum platform_reset how;
	int rc;

	memcpy(saved, &mr[1], sizeof(saved));
	rc = reset_function(&machine, d, saved, &how);
	if (rc)
		return rc;
	d->claimed = false;
	mr[1] = how;
	*n_mr = 2;
	return 0;
}

/* ---- power ---- */

static void acpi_mode_on(void)
{
	if (!facts.smi_cmd || !facts.acpi_enable || port_in(facts.pm1a_cnt, 2) & PM1_SCI_EN)
		return;
	port_out(facts.smi_cmd, 1, facts.acpi_enable);
	for (unsigned int i = 0; i < ENABLE_POLLS; i++)
		if (port_in(facts.pm1a_cnt, 2) & PM1_SCI_EN)
			return;
}

static void power_off(void)
{
	if (!facts.s5 || !facts.pm1a_cnt) {
		printf("power off: the ACPI tables do not say how; switch the machine off by hand\n");
		return;
	}
	acpi_mode_on();
	port_out(facts.pm1a_cnt, 2, (uint32_t)facts.s5_a << 10 | PM1_SLP_EN);
	if (facts.pm1b_cnt)
		port_out(facts.pm1b_cnt, 2, (uint32_t)facts.s5_b << 10 | PM1_SLP_EN);
}

static void reboot(void)
{
	if (facts.reset && facts.reset_space == ACPI_SPACE_IO && facts.reset_addr <= 0xffff) {
		port_out((uint16_t)facts.reset_addr, 1, facts.reset_value);
	} else if (facts.reset && facts.reset_space == ACPI_SPACE_MEMORY) {
		volatile uint8_t *reg = devmem_map(facts.reset_addr, 1);

		if (reg)
			*reg = facts.reset_value;
	}
	/* the chipset's own reset, in case the above did nothing */
	port_out(PORT_RESET, 1, 0x06);
}

/* ---- the service ---- */

static struct pci_device *claimed_device(uint64_t handle)
{
	for (uint32_t i = 0; i < n_devs; i++)
		if (devs[i].rid == handle && devs[i].claimed)
			return &devs[i];
	return NULL;
}

static int platform_call(
	uint32_t label, uint32_t badge, uint64_t *mr, uint32_t *n_mr, struct svc_caps *caps)
{
	bool has_handle = label == PLATFORM_BAR || label == PLATFORM_VECTOR ||
			  label == PLATFORM_QUIESCE || label == PLATFORM_RESET;
	struct pci_device *d = has_handle ? claimed_device(mr[0]) : NULL;

	if (badge != SVC_BADGE_INIT)
		return -SK_E_DENIED;
	if (has_handle && !d)
		return -SK_E_NOT_FOUND;
	switch (label) {
	case PLATFORM_CLAIM:
		return claim_call(mr, n_mr);
	case PLATFORM_BAR:
		return mr[1] < PCI_BARS ? bar_call(d, mr, n_mr, caps) : -SK_E_RANGE;
	case PLATFORM_VECTOR:
		return vector_call(d, mr);
	case PLATFORM_QUIESCE:
		pci_quiesce(&config, d);
		return 0;
	case PLATFORM_RESET:
		return reset_call(d, mr, n_mr);
	case PLATFORM_POWER:
		if (mr[0] == 0)
			power_off();
		else
			reboot();
		wait_ms(POWER_MS); /* the machine needs a moment to obey */
		return -SK_E_IO;
	case PLATFORM_WALLCLOCK:
		if (!wallclock_boot_ns)
			return -SK_E_NOT_FOUND;
		mr[1] = wallclock_boot_ns;
		*n_mr = 2;
		return 0;
	default:
		return -SK_E_NO_SYS;
	}
}

static const struct svc_service service = { .proto = SVC_PROTO_NONE, .call = platform_call };

static const uint8_t *table_map(void *ctx, uint64_t paddr, size_t len)
{
	(void)ctx;
	return (const uint8_t *)devmem_map(paddr, len);
}

static void table_warn(const char *table, const char *what)
{
	printf("ACPI table %s %s: ignored\n", table, what);
}

static void wallclock_read(void)
{
	uint64_t seconds = rtc_seconds(cmos_read, facts.century);

	if (seconds)
		wallclock_boot_ns = seconds * 1000000000ull - clock_ns();
	else
		printf("wall clock: the CMOS clock holds no valid date\n");
}

/* ---- start ------------------------------------------------------------------------------- */
/* Is the function's number in the list `claimed=` of init? */
static bool claimed_before(const struct pci_device *d)
{
	char list[CLAIMED_MAX], *at = list;

	if (!svc_arg("claimed", list, sizeof(list)))
		return false;
	while (*at) {
		if (strtoul(at, &at, 16) == d->rid)
			return true;
		at += strcspn(at, ",");
		at += *at == ',';
	}
	return false;
}

/* What an earlier life was about to do with a function that is not claimed ends here. */
static void devices_find(void)
{
	n_devs = pci_enumerate(&config, devs, PCI_MAX_DEVICES);
	for (uint32_t i = 0; i < n_devs; i++) {
		struct pci_device *d = &devs[i];

		d->claimed = claimed_before(d) || pci_is_iommu(d);
		if (!d->claimed)
			pci_measure(&config, d);
	}
}

int main(void)
{
	const struct platform_resources *r =
		(const struct platform_resources *)PLATFORM_RES_VADDR;
	struct acpi_mem mem = { table_map, NULL };
	int rc = acpi_parse(&mem, r->rsdp, &facts, table_warn);

	if (rc)
		printf("ACPI: no usable tables; power-off will not work\n");
	devices_find();
	wallclock_read();
	printf("%u PCI functions, configuration by %s\n", n_devs,
		facts.ecam ? "ECAM" : "ports");
	rc = svc_serve(&service);
	return rc ? rc : svc_run();
}
