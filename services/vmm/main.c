/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * main.c - one guest: built from its configuration, then served until control takes it away
 *
 * Objects     struct vm, the one guest; pages of the VMM that the guest sees from the start.
 * Lifecycle   The order is memory, kernel and modules (or a saved guest), vCPUs, the Xen half,
 *             then the threads of the vCPUs. This thread becomes the I/O thread. If a step
 *             fails, control is told and ends this domain.
 */
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "load/acpi.h"
#include "load/file.h"
#include "load/load.h"
#include "load/start_info.h"
#include "machine/cpuid.h"
#include "machine/guest_memory.h"
#include "machine/physmap.h"
#include "machine/ram.h"
#include "machine/vcpu.h"
#include "machine/vmctl.h"
#include "proto/domain.h"
#include "machine/save.h"
#include "svc/svc.h"
#include "xen.h"
#include "sys/clock.h"

struct vm vm;

/* The VMM's layout must agree with the numbers that control writes to xenstore. */
_Static_assert(VM_XENSTORE_GPA == (uint64_t)VM_STORE_GFN << SK_PAGE_ORDER, "page of xenstore");
_Static_assert(
	VM_CONSOLE_GPA == (uint64_t)VM_CONSOLE_GFN << SK_PAGE_ORDER, "page of the console");

static struct guest_page acpi_page[VM_ACPI_PAGES], store_page, console_page;

static uint64_t page_up(uint64_t v) { return (v + SK_PAGE_SIZE - 1) & ~(SK_PAGE_SIZE - 1); }

static int build_fail(struct load_error *e, int rc, const char *what)
{
	load_fail(e, "%s: %s", what, sk_error_text(rc));
	return rc;
}

static int config_check(struct load_error *e)
{
	const struct vm_config *cfg = (const struct vm_config *)VM_CONFIG_VADDR;
	struct cpuid_env env = { .host = host_cpuid };

	if (cfg->magic != VM_CONFIG_MAGIC || !cfg->n_vcpus || cfg->n_vcpus > VM_VCPUS_MAX ||
		!memchr(cfg->cmdline, 0, sizeof(cfg->cmdline)) ||
		cfg->n_modules > VM_MODULES_MAX || cfg->restore > VM_READ_CONFIG)
		return build_fail(e, -SK_E_INVAL, "configuration page is not valid");
	for (uint32_t i = 0; i < cfg->n_modules; i++)
		if (!memchr(cfg->module_args[i], 0, VM_MODULE_ARGS_MAX))
			return build_fail(e, -SK_E_INVAL, "configuration page is not valid");
	vm.cfg = cfg;
	vm.info = sys_info();
	vm.n_vcpus = cfg->n_vcpus;
	vm.tsc_hz = vm.info->tsc_hz;
	vm.amd = cpuid_vendor_amd(&env);
	env.xcr0_max = vm.info->xcr0;
	env.n_vcpus = vm.n_vcpus;
	vm.cr4_bits = cpuid_cr4_bits(&env);
	return 0;
}

/* Pages that are not RAM: ACPI tables, the rings of xenstore and console. */
static int pages_make(struct load_error *e)
{
	static uint8_t tables[VM_ACPI_PAGES * SK_PAGE_SIZE];
	int rc = 0;

	if (acpi_make(tables, sizeof(tables), VM_ACPI_GPA, vm.n_vcpus) < 0)
		return build_fail(e, -SK_E_RANGE, "ACPI tables do not fit");
	for (uint32_t i = 0; !rc && i < VM_ACPI_PAGES; i++) {
		rc = physmap_page_alloc(&acpi_page[i]);
		if (!rc)
			memcpy(acpi_page[i].addr, tables + i * SK_PAGE_SIZE, SK_PAGE_SIZE);
		if (!rc)
			rc = physmap_page_show(VM_ACPI_GPA + i * SK_PAGE_SIZE, &acpi_page[i]);
	}
	if (!rc)
		rc = physmap_page_alloc(&store_page);
	if (!rc)
		rc = physmap_page_show(VM_XENSTORE_GPA, &store_page);
	if (!rc)
		rc = physmap_page_alloc(&console_page);
	if (!rc)
		rc = physmap_page_show(VM_CONSOLE_GPA, &console_page);
	return rc ? build_fail(e, rc, "no memory for the guest's special pages") : 0;
}

/* Load the modules one after the other from *at, each at the beginning of a page. */
static int modules_load(struct load_space *sp, struct start_info_module m[VM_MODULES_MAX],
	uint64_t *at, struct load_error *e)
{
	struct file f;
	int rc = 0;

	for (uint32_t i = 0; !rc && i < vm.cfg->n_modules; i++) {
		char name[20] = "ramdisk";

		if (i)
			snprintf(name, sizeof(name), "module%u", i);
		rc = file_open(&f, name);
		if (rc)
			return build_fail(e, rc, "a module cannot be opened");
		rc = load_file(&f.src, sp, *at, e);
		m[i] = (struct start_info_module){ *at, f.src.size, vm.cfg->module_args[i] };
		*at = page_up(*at + f.src.size);
	}
	return rc;
}

/* Another guest may have unpacked it before. */
static int kernel_load(struct load_space *sp, uint64_t *entry, struct load_error *e)
{
	static const struct load_shelf shelf = { vm_image_room, vm_image_filled };
	struct load_source unpacked;
	struct file kernel;
	int rc;

	if (vm.cfg->image_size) {
		load_memory(&unpacked, (void *)VM_IMAGE_VADDR, vm.cfg->image_size);
		return load_kernel(&unpacked, sp, NULL, entry, e);
	}
	rc = file_open(&kernel, "kernel");
	if (rc)
		return build_fail(e, rc, "the kernel cannot be opened");
	return load_kernel(&kernel.src, sp, &shelf, entry, e);
}

/* Load the kernel, the modules and the start info, in this order from below. */
static int software_load(uint64_t *entry, uint64_t *start_info, struct load_error *e)
{
	struct load_space sp;
	struct start_info_module m[VM_MODULES_MAX];
	struct start_info_args a = { .cmdline = vm.cfg->cmdline,
		.module = m,
		.n_modules = vm.cfg->n_modules,
		.rsdp = VM_ACPI_GPA };
	uint64_t room;
	int64_t n;
	int rc;

	load_space_init(&sp, vm.ram, vm.low_size);
	sp.touch = gmem;
	rc = kernel_load(&sp, entry, e);
	if (rc)
		return rc;
	a.gpa = page_up(sp.floor);
	rc = modules_load(&sp, m, &a.gpa, e);
	if (rc)
		return rc;
	a.map = vm.map;
	a.n_map = vm.n_map;
	room = a.gpa < vm.low_size ? vm.low_size - a.gpa : 0;
	if (room > START_INFO_MAX)
		room = START_INFO_MAX;
	n = start_info_make(load_at(&sp, a.gpa, room), room, &a);
	if (n < 0)
		return build_fail(e, (int)n, "start info does not fit into the guest's memory");
	*start_info = a.gpa;
	return 0;
}

static int vcpus_make(struct load_error *e)
{
	int rc = 0;

	for (uint32_t i = 0; !rc && i < vm.n_vcpus; i++)
		rc = vcpu_make(&vm.vcpu[i], i);
	return rc ? build_fail(e, rc, "vCPUs cannot be made") : 0;
}

static int xen_make(uint64_t elapsed_ns, struct load_error *e)
{
	const struct vm_config *cfg = vm.cfg;
	struct xen_params p = {
		.domid = cfg->domid,
		.n_vcpus = cfg->n_vcpus,
		.tsc_hz = vm.tsc_hz,
		.start_tsc = vm.start_tsc,
		.elapsed_ns = elapsed_ns,
		.tsc_stable = true,
		.max_pages = cfg->maxmem / SK_PAGE_SIZE,
		.store_pfn = VM_XENSTORE_GPA / SK_PAGE_SIZE,
		.console_pfn = VM_CONSOLE_GPA / SK_PAGE_SIZE,
	};
	uint64_t since = vm.start_tsc - vm.info->boot_tsc;
	int rc;

	if (cfg->wallclock_known)
		p.wallclock_start_ns = cfg->wallclock_boot_ns + clock_ticks_to_ns(since) -
				       elapsed_ns;
	memcpy(p.uuid, cfg->uuid, sizeof(p.uuid));
	rc = xen_init(&p);
	if (!rc)
		rc = xen_io_init();
	return rc ? build_fail(e, rc, "back ends cannot be set up") : 0;
}

static int memory_make(struct load_error *e)
{
	int rc = ram_init(vm.cfg);

	if (rc)
		return build_fail(e, rc, "guest memory cannot be set up");
	vm.n_map = map_make(vm.low_size, vm.high_size, vm.map);
	return pages_make(e);
}

static int guest_build(struct load_error *e)
{
	uint64_t entry = 0, start_info = 0;
	int rc = memory_make(e);

	if (!rc)
		rc = software_load(&entry, &start_info, e);
	vm.start_tsc = vm_rdtsc(); /* the guest's time begins */
	vm.tsc_offset = -vm.start_tsc;
	if (!rc)
		rc = vcpus_make(e);
	if (rc)
		return rc;
	vcpu_pvh_entry(&vm.vcpu[0], entry, start_info);
	vm.vcpu[0].run = VCPU_RUNNABLE;
	return xen_make(0, e);
}

/* The header comes first: what is no saved guest costs no memory. */
static int guest_restore(struct load_error *e)
{
	uint64_t elapsed_ns = 0;
	int rc = restore_open(e);

	if (rc || vm.cfg->restore == VM_READ_CONFIG)
		return rc;
	rc = memory_make(e);
	if (!rc)
		rc = restore_read(&elapsed_ns, e);
	if (!rc)
		rc = vcpus_make(e);
	if (!rc)
		rc = xen_make(elapsed_ns, e);
	return rc ? rc : restore_vcpus(e);
}

static int threads_start(struct load_error *e)
{
	int rc = 0;

	for (uint32_t i = 0; !rc && i < vm.n_vcpus; i++)
		rc = vcpu_start_thread(&vm.vcpu[i]);
	return rc ? build_fail(e, rc, "vCPU threads cannot be started") : 0;
}

/* Control is told, now or soon. */
static void guest_announce(void)
{
	if (vm.cfg->restore == VM_BOOT)
		vmctl_ready();
	else if (vm.cfg->restore == VM_RESTORE)
		restore_finish();
	else
		restore_config_send();
}

int main(void)
{
	static struct load_error e;
	int rc;

	rc = config_check(&e);
	if (!rc)
		rc = vmctl_init();
	if (!rc)
		rc = vm.cfg->restore == VM_BOOT ? guest_build(&e) : guest_restore(&e);
	if (!rc && vm.cfg->restore != VM_READ_CONFIG)
		rc = threads_start(&e);
	if (!rc)
		rc = vmctl_listen();
	if (rc)
		vmctl_failed(e.text[0] ? e.text : "no connection to control");
	else
		guest_announce();
	return svc_run();
}
