/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * machine_test.c - what a guest's VMM loads: a kernel, GRUB, or the shim with one of them
 * inside
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "config/guest_boot.h"
#include "guest/machine.h"
#include "guest_make.h"

#define DISK "disk=['phy:/dev/disk/by-partlabel/a,xvda,w']\n"
#define BARE "name='a'\ntype='pvh'\n"

static void boots(const char *kernel, uint32_t modules, const char *cmdline)
{
	assert_string_equal(g.kernel, kernel);
	assert_int_equal(g.n_modules, modules);
	assert_string_equal(g.cmdline, cmdline);
}

/* A guest that boots from its own disk starts PVH GRUB. */
static void boot_from_the_own_disk(void **state)
{
	static const char *const grubs[] = { "/usr/lib/grub-xen/grub-x86_64-xen.bin",
		"/usr/lib/grub-xen/grub-i386-xen_pvh.bin", "/etc/xen/grub.xen",
		"/usr/lib/xen-4.17/boot/pv-grub-x86_64.gz", "/usr/lib/xen/boot/pvgrub64.bin" };
	char text[256];

	(void)state;
	quiet(BARE DISK);
	boots(GRUB_FILE, 0, "");
	quiet(BARE DISK "kernel=''\nbootloader=''\nfirmware=''");
	boots(GRUB_FILE, 0, "");
	quiet(BARE DISK "bootloader='/usr/bin/pygrub'");
	boots(GRUB_FILE, 0, "");
	assert_string_equal(g.bootloader, "/usr/bin/pygrub");
	quiet(BARE DISK "firmware='pvgrub32'");
	boots(GRUB_FILE, 0, "");
	quiet(BARE DISK "firmware='pvgrub64'");
	boots(GRUB_FILE, 0, "");
	for (size_t i = 0; i < sizeof(grubs) / sizeof(grubs[0]); i++) {
		snprintf(text, sizeof(text), BARE DISK "kernel='%s'\nextra='(hd0)/menu.lst'",
			grubs[i]);
		quiet(text);
		boots(GRUB_FILE, 0, "(hd0)/menu.lst");
	}
	quiet(BARE DISK "kernel='/usr/lib/vmlinuz-grub'");
	boots("/usr/lib/vmlinuz-grub", 0, "");
	quiet(BARE DISK "kernel='grub.xen'");
	boots("/guests/grub.xen", 0, "");
}

/* What the VMM loads. */
static void machine(const char *kernel, const char *cmdline, uint32_t modules, uint32_t memory)
{
	char text[VM_CMDLINE_MAX];

	machine_cmdline(&g, text);
	assert_string_equal(machine_kernel(&g), kernel);
	assert_string_equal(text, cmdline);
	assert_int_equal(guest_modules(&g), modules);
	assert_int_equal(machine_memory(&g), memory);
}

static void module(uint32_t i, const char *path, const char *args)
{
	assert_string_equal(machine_module(&g, i), path);
	assert_string_equal(machine_module_args(&g, i), args);
}

/* A pvh guest is the machine; a pv guest runs in the shim, which needs memory of its own. */
static void machines(void **state)
{
	(void)state;
	quiet(BASE "ramdisk='r'\nextra='x'\nmemory=300\nmaxmem=500");
	machine("/guests/vmlinuz", "x", 1, 300);
	module(0, "/guests/r", "");
	assert_int_equal(machine_maxmem(&g), 500);
	assert_int_equal(machine_shim_memory(&g), 0);
	quiet(PV "ramdisk=['r','s two']\nextra='x'\nmemory=300\nmaxmem=500");
	machine(SHIM_FILE, "shim_mem=30M loglvl=error pv-shim console=xen,pv", 3, 530);
	module(0, "/guests/vmlinuz", "x");
	module(1, "/guests/r", "");
	module(2, "/guests/s", "two");
	assert_int_equal(machine_maxmem(&g), 530);
	quiet(PV);
	machine(SHIM_FILE, "shim_mem=24M loglvl=error pv-shim console=xen,pv", 1, 56);
	module(0, "/guests/vmlinuz", "");
	quiet(PV "memory=78");
	assert_int_equal(machine_memory(&g), 102);
	/* room to unpack a kernel */
	quiet(PV "memory=80");
	assert_int_equal(machine_memory(&g), 250);
	quiet(PV "memory=222");
	assert_int_equal(machine_memory(&g), 250);
	quiet(PV "memory=224");
	assert_int_equal(machine_memory(&g), 250);
	quiet(PV "memory=226");
	assert_int_equal(machine_memory(&g), 252);
	quiet(PV "memory=8192");
	assert_int_equal(machine_memory(&g), 8192 + 126);
	/* the guest's kernel is one more module */
	good(PV "ramdisk=['/1','/2','/3','/4','/5','/6']");
	bad(PV "ramdisk=['/1','/2','/3','/4','/5','/6','/7']",
		"g.cfg:4: key 'ramdisk': ", "at most 6 modules");
	good(PV "ramdisk=['/1','/2','/3','/4']\n" PARTS);
	bad(PV "ramdisk=['/1','/2','/3','/4','/5']\n" PARTS,
		"g.cfg:4: key 'ramdisk': 18 disks, vifs and modules are too many", "17");
}

static void keys_of_the_shim(void **state)
{
	(void)state;
	quiet(BASE "pvshim=1\nextra='x'");
	assert_int_equal(g.type, GUEST_PVH);
	machine(SHIM_FILE, "shim_mem=24M loglvl=error pv-shim console=xen,pv", 1, 56);
	module(0, "/guests/vmlinuz", "x");
	quiet(BASE "pvshim=1\npvshim_extra='loglvl=all'");
	machine(SHIM_FILE, "shim_mem=24M loglvl=error pv-shim console=xen,pv loglvl=all", 1,
		56);
	quiet(BASE "pvshim=1\npvshim_extra='b'\npvshim_cmdline='a'\npvshim_path='my'");
	machine("/guests/my", "shim_mem=24M loglvl=error a b", 1, 56);
	quiet(BASE "pvshim='1'\npvshim_path='/usr/lib/xen-4.17/boot/xen-shim'");
	machine(SHIM_FILE, "shim_mem=24M loglvl=error pv-shim console=xen,pv", 1, 56);
	quiet(BASE "pvshim=1\npvshim_path='/guests/old/xen-shim'");
	assert_string_equal(machine_kernel(&g), "/guests/old/xen-shim");
	quiet(BASE "pvshim=0");
	machine("/guests/vmlinuz", "", 0, 32);
	bad(BASE "pvshim=2", "g.cfg:4: key 'pvshim': ", "0 to 1");
	/* as with xl, they mean nothing otherwise */
	remarked(BASE "pvshim_path='/x'", "g.cfg:4: key 'pvshim_path': ", "pvshim=1");
	remarked(PV "pvshim_extra='x'", "g.cfg:4: key 'pvshim_extra': ", "pvshim=1");
	machine(SHIM_FILE, "shim_mem=24M loglvl=error pv-shim console=xen,pv", 1, 56);
	remarked(PV "pvshim=1", "g.cfg:4: key 'pvshim': ", "pv guests always");
	quiet(PV "pvshim=0");
	remarked(BASE "pvshim_cmdline='x'", "g.cfg:4: key 'pvshim_cmdline': ", "ignored");
	machine("/guests/vmlinuz", "", 0, 32);
}

#define PV_BARE "name='a'\ntype='pv'\n"

/* A pv guest that boots from its own disk starts PV GRUB of the width that the file says. */
static void pv_grub(void **state)
{
	static const char *const wide[] = { "bootloader='pygrub'", "bootloader='pvgrub'",
		"firmware='pvgrub64'", "", "kernel='/usr/lib/grub-xen/grub-x86_64-xen.bin'",
		"kernel='/usr/lib/xen-4.17/boot/pv-grub-x86_64.gz'" };
	static const char *const narrow[] = { "firmware='pvgrub32'",
		"kernel='/usr/lib/grub-xen/grub-i386-xen.bin'",
		"kernel='/usr/lib/xen/boot/pvgrub32.bin'",
		"kernel='/usr/lib/xen-4.17/boot/pv-grub-x86_32.gz'" };
	char text[256];

	(void)state;
	for (size_t i = 0; i < sizeof(wide) / sizeof(wide[0]); i++) {
		snprintf(text, sizeof(text), PV_BARE DISK "%s\nmemory=256", wide[i]);
		quiet(text);
		boots(GRUB_PV_FILE, 0, "");
	}
	for (size_t i = 0; i < sizeof(narrow) / sizeof(narrow[0]); i++) {
		snprintf(text, sizeof(text), PV_BARE DISK "%s\nmemory=256", narrow[i]);
		quiet(text);
		boots(GRUB_PV32_FILE, 0, "");
	}
	quiet(BARE DISK "pvshim=1\nbootloader='pygrub'");
	boots(GRUB_PV_FILE, 0, "");
}

/* As in Xen, a boot loader comes before what the file says about a kernel. */
static void boot_loaders(void **state)
{
	(void)state;
	good(BASE DISK "bootloader='pygrub'\nramdisk='r'\nroot='/dev/xvda'\nextra='x'");
	boots(GRUB_FILE, 0, "");
	assert_int_equal(r.n, 4);
	assert_non_null(strstr(said.text, "g.cfg:3: key 'kernel': ignored: with bootloader="));
	assert_non_null(strstr(said.text, "g.cfg:8: key 'extra': ignored: with bootloader="));
	remarked(BARE DISK "bootloader='pygrub'\ncmdline='x'",
		"g.cfg:5: key 'cmdline': ", "ignored");
	boots(GRUB_FILE, 0, "");
	remarked(BASE "bootloader='/usr/bin/pygrub'",
		"g.cfg:4: key 'bootloader': ", "kernel= is booted");
	boots("/guests/vmlinuz", 0, "");
	remarked(BASE "firmware='pvgrub64'\ndisk=[]",
		"g.cfg:4: key 'firmware': ", "kernel= is booted");
	bad(BARE "bootloader='pygrub'", "g.cfg: key 'kernel' is missing",
		"no disk to boot from");
	bad(BARE DISK "firmware='uefi'", "g.cfg:4: key 'firmware': ", "hvm guests");
	bad(BARE DISK "bootloader=['x']", "g.cfg:4: key 'bootloader': ", "a list");
	/* a mistake in the disk is the only one */
	bad(BARE "disk=['x']", "g.cfg:3: key 'disk': ", "no vdev");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(boot_from_the_own_disk),
		cmocka_unit_test(boot_loaders),
		cmocka_unit_test(machines),
		cmocka_unit_test(keys_of_the_shim),
		cmocka_unit_test(pv_grub),
	};

	return cmocka_run_group_tests_name("control machine", tests, NULL, NULL);
}
