/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * init.c - from the boot code to core_init(): sets up the machine step by step
 *
 * Objects     boot_info: what the loader said, then what is left of it; core reads it.
 * Lifecycle   arch_start() runs once on the boot CPU, on the boot stack, in the boot map.
 *             Everything that allocates is done before core_init().
 */
#include "../../../boot/parse.h"
#include "iommu.h"
#include "madt.h"

struct boot_info boot_info;
bool gs_ready;
enum { RSDP_SIZE = 36 };
static struct boot_raw_map raw_map;
static const struct boot_phys phys = { .base = 0, .limit = 4ull << 30 };
extern const char kernel_image_start[], kernel_image_end[];

/* --- boot options ------------------------------------------------------------------------- */

const char *boot_option_value(const char *prefix)
{
	const char *at = boot_info.cmdline;

	while (*at) {
		const char *n = prefix;

		for (; *n && *at == *n; n++)
			at++;
		if (!*n)
			return at;
		while (*at && *at != ' ')
			at++;
		while (*at == ' ')
			at++;
	}
	return NULL;
}

bool boot_option(const char *word)
{
	const char *end = boot_option_value(word);

	return end && (!*end || *end == ' ');
}

/* The value of an option whose name ends in '='. */
static uint64_t option_number(const char *name, uint64_t otherwise)
{
	const char *at = boot_option_value(name);
	uint64_t v = 0;

	if (!at || *at < '0' || *at > '9')
		return otherwise;
	while (*at >= '0' && *at <= '9' && v < 1000000000)
		v = v * 10 + (uint64_t)(*at++ - '0');
	return v;
}

/* --- steps -------------------------------------------------------------------------------- */

static void loader_read(uint32_t multiboot, uint64_t info)
{
	const char *err;

	boot_info.kernel_start = (uint64_t)kernel_image_start - KERNEL_BASE;
	boot_info.kernel_end = (uint64_t)kernel_image_end - KERNEL_BASE;
	err = multiboot ? multiboot2_parse(&phys, info, &raw_map, &boot_info)
			: start_info_parse(&phys, info, &raw_map, &boot_info);
	if (err)
		panic("boot: %s", err);
}

/* Multiboot passes the RSDP inside its information: keep a copy where user land can map it. */
static void rsdp_keep(void)
{
	const void *from = boot_phys_at(&phys, boot_info.rsdp, RSDP_SIZE);
	uint64_t page;

	if (!from)
		return;
	page = boot_page_reserve();
	memcpy(phys_to_virt(page), from, RSDP_SIZE);
	boot_info.rsdp = page;
}

static void acpi_read(void)
{
	const char *err;
	uint64_t at = 0;

	err = boot_info.rsdp ? acpi_find(&phys, boot_info.rsdp, "APIC", &at)
				       ?: madt_parse(&phys, at, &madt)
			     : "ACPI: the loader names no RSDP";
	if (!err)
		return;
	klog("%s; one CPU, no IO-APIC\n", err);
	madt = (struct madt){ .lapic = rdmsr(MSR_APIC_BASE) & 0xffffff000, .n_cpus = 1 };
	madt.apic_id[0] = cpuid(1, 0).b >> 24;
}

static void iommus_find(void)
{
	const char *err = NULL;
	uint64_t at;

	if (boot_info.rsdp && !acpi_find(&phys, boot_info.rsdp, "DMAR", &at))
		err = dmar_parse(&phys, at, io_config_read, &io_tables);
	else if (boot_info.rsdp && !acpi_find(&phys, boot_info.rsdp, "IVRS", &at))
		err = ivrs_parse(&phys, at, &io_tables);
	if (!err)
		return;
	io_tables.n_units = 0;
	klog("%s; no IOMMU is used\n", err);
}

/* This CPU becomes number 0, the others follow as the MADT lists them. */
static void cpus_alloc(void)
{
	uint32_t self = cpuid(1, 0).b >> 24;
	uint64_t max = trampoline_paddr ? option_number("maxcpus=", SK_CPU_MAX) : 1;

	if (features.x2apic && cpuid(0, 0).a >= 0xb)
		self = cpuid(0xb, 0).d;
	cpu_alloc(n_cpus++, self);
	for (uint32_t i = 0; i < madt.n_cpus && n_cpus < min_u64(max, SK_CPU_MAX); i++)
		if (madt.apic_id[i] != self && (features.x2apic || madt.apic_id[i] < 0xff))
			cpu_alloc(n_cpus++, madt.apic_id[i]);
}

void arch_fill_info(struct sk_info *info)
{
	info->n_cpus = n_cpus;
	info->tsc_hz = tsc_hz;
	info->features = (arch_vcpu_available() ? SK_FEAT_SVM | SK_FEAT_NESTED : 0) |
			 (io_limits.levels ? SK_FEAT_IOMMU : 0) |
			 (io_remaps ? SK_FEAT_IRQ_REMAP : 0);
	info->xsave_size = features.xsave_size;
	info->xcr0 = features.xcr0;
	for (uint32_t i = 0; i < n_cpus; i++)
		info->apic_id[i] = cpus[i]->apic_id;
}

static void run_core(void *arg) { core_init(arg); }

void arch_start(uint32_t multiboot, uint64_t info)
{
	uart_init();
	loader_read(multiboot, info);
	features_detect();
	if (!features.nx)
		panic("boot: this CPU (or its firmware's set-up) has no NX");
	acpi_read();
	iommus_find();
	if (multiboot)
		rsdp_keep();
	memory_init();
	cpus_alloc();
	cpu_setup(cpus[0]);
	gs_ready = true;
	pic_mask();
	lapic_init(madt.lapic);
	lapic_setup_cpu();
	ioapic_init();
	time_init();
	iommu_init();
	stack_switch(this_cpu()->kernel_rsp, run_core, &boot_info);
}
