/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * guest_test.c - what guest configurations mean: keys, defaults, limits, network interfaces,
 * UUIDs
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "guest_make.h"

#define REST "type='pvh'\nkernel='/guests/vmlinuz'\n"

static void defaults(void **state)
{
	char uuid[UUID_TEXT];

	(void)state;
	good(BASE);
	assert_string_equal(g.name, "g1");
	assert_string_equal(g.kernel, "/guests/vmlinuz");
	assert_int_equal(g.n_modules, 0);
	assert_string_equal(g.cmdline, "");
	assert_int_equal(g.memory, 32);
	assert_int_equal(g.maxmem, 32);
	assert_int_equal(g.vcpus, 1);
	assert_int_equal(g.maxvcpus, 1);
	assert_int_equal(g.weight, 256);
	assert_int_equal(g.cap, 0);
	assert_int_equal(g.on_poweroff, ACTION_DESTROY);
	assert_int_equal(g.on_reboot, ACTION_RESTART);
	assert_int_equal(g.on_watchdog, ACTION_DESTROY);
	assert_int_equal(g.on_crash, ACTION_DESTROY);
	assert_int_equal(g.n_disks, 0);
	assert_int_equal(g.n_vifs, 0);
	uuid_format(g.uuid, uuid);
	assert_string_equal(uuid, "ffffffff-ffff-4fff-bfff-ffffffffffff");
	assert_string_equal(said.text, "");
}

static void everything(void **state)
{
	char uuid[UUID_TEXT];

	(void)state;
	good(BASE
		"memory=512; maxmem='1024'\nvcpus=2\nmaxvcpus=4\nramdisk='/guests/i'\nroot='/dev/xvda ro'\n"
		"extra='quiet'\ncpu_weight=512\ncap=50\nuuid='01234567-89ab-CDEF-0123-456789abcdef'\n"
		"on_poweroff='preserve'\non_reboot='rename-restart'\non_watchdog='preserve'\non_crash='restart'\n"
		"disk=['phy:/dev/disk/by-partlabel/r,xvda,w',\n'/dev/disk/by-partlabel/d,,xvdb,ro']\n"
		"vif=['mac=00:16:3E:01:02:0a,bridge=br1,type=vif,model=e1000','']\n");
	assert_int_equal(g.memory, 512);
	assert_int_equal(g.maxmem, 1024);
	assert_int_equal(g.vcpus, 2);
	assert_int_equal(g.maxvcpus, 4);
	assert_int_equal(g.n_modules, 1);
	assert_string_equal(g.modules[0].path, "/guests/i");
	assert_string_equal(g.modules[0].args, "");
	assert_string_equal(g.cmdline, "root=/dev/xvda ro quiet");
	assert_int_equal(g.weight, 512);
	assert_int_equal(g.cap, 50);
	uuid_format(g.uuid, uuid);
	assert_string_equal(uuid, "01234567-89ab-cdef-0123-456789abcdef");
	assert_int_equal(g.on_poweroff, ACTION_PRESERVE);
	assert_int_equal(g.on_reboot, ACTION_RENAME_RESTART);
	assert_int_equal(g.on_watchdog, ACTION_PRESERVE);
	assert_int_equal(g.on_crash, ACTION_RESTART);
	assert_int_equal(g.n_disks, 2);
	assert_string_equal(g.disks[0].label, "r");
	assert_int_equal(g.disks[1].spec.number, 51728);
	assert_true(g.disks[1].spec.readonly);
	assert_int_equal(g.n_vifs, 2);
	assert_string_equal(g.vifs[0].bridge, "br1");
	assert_int_equal(g.vifs[0].mac[5], 0x0a);
	assert_string_equal(g.vifs[1].bridge, "xenbr0");
	assert_memory_equal(g.vifs[1].mac, "\x00\x16\x3e\x7f\xff\xff", 6);
}

/* xl has one ramdisk; our extension is a list of modules with arguments. */
static void modules(void **state)
{
	(void)state;
	good(BASE "ramdisk=['/guests/a', '/guests/b  two words', '/guests/c ']");
	assert_int_equal(g.n_modules, 3);
	assert_string_equal(g.modules[0].path, "/guests/a");
	assert_string_equal(g.modules[1].path, "/guests/b");
	assert_string_equal(g.modules[1].args, "two words");
	assert_string_equal(g.modules[2].path, "/guests/c");
	assert_string_equal(g.modules[2].args, "");
	good(BASE "ramdisk='/guests/a file'"); /* one path that contains a blank */
	assert_string_equal(g.modules[0].path, "/guests/a file");
	good(BASE "ramdisk=''");
	assert_int_equal(g.n_modules, 0);
	good(BASE "ramdisk=['/1','/2','/3','/4','/5','/6','/7']");
	assert_int_equal(g.n_modules, GUEST_MODULES_MAX);
	bad(BASE "ramdisk=['/1','/2','/3','/4','/5','/6','/7','/8']",
		"g.cfg:4: key 'ramdisk': ", "too many");
	/* each is a channel of the VMM, like disks and vifs */
	good(BASE "ramdisk=['/1','/2','/3','/4','/5']\n" PARTS);
	bad(BASE "ramdisk=['/1','/2','/3','/4','/5','/6']\n" PARTS,
		"g.cfg:4: key 'ramdisk': 18 disks, vifs and modules are too many",
		"at most 17");
	good(BASE "ramdisk=['./d']"); /* relative to /guests, as everywhere */
	assert_string_equal(g.modules[0].path, "/guests/d");
	bad(BASE "ramdisk=['/1',' a']", "g.cfg:4: key 'ramdisk': entry 1",
		"does not begin with a path");
	bad(BASE "ramdisk=[3]", "g.cfg:4: key 'ramdisk': ", "string");
}

static void command_lines(void **state)
{
	(void)state;
	good(BASE "root='/dev/xvda'");
	assert_string_equal(g.cmdline, "root=/dev/xvda");
	good(BASE "extra='a b'");
	assert_string_equal(g.cmdline, "a b");
	good(BASE "extra='a b'\ncmdline='c'\nroot='d'");
	assert_string_equal(g.cmdline, "c");
	assert_non_null(strstr(said.text, "ignored"));
	good(BASE "extra='a b'\ncmdline=''");
	assert_string_equal(g.cmdline, "");
}

static void sizes(void **state)
{
	(void)state;
	good(BASE "maxmem=64");
	assert_int_equal(g.memory, 64);
	good(BASE "memory=63\nmaxmem=63");
	assert_int_equal(g.memory, 64); /* rounded up to pieces of 2 MiB */
	assert_int_equal(g.maxmem, 64);
	good(BASE "maxvcpus=3");
	assert_int_equal(g.vcpus, 1);
	assert_int_equal(g.maxvcpus, 3);
	bad(BASE "memory=128\nmaxmem=64", "g.cfg:5: key 'maxmem': ", "memory=128");
	bad(BASE "maxvcpus=2\nvcpus=3", "g.cfg:4: key 'maxvcpus': ", "vcpus=3");
	bad(BASE "vcpus=0", "g.cfg:4: key 'vcpus': ", "from 1 to 8");
	bad(BASE "vcpus=9", "g.cfg:4: key 'vcpus': ", "from 1 to 8");
	bad(BASE "memory=0", "g.cfg:4: key 'memory': ", "out of range");
	bad(BASE "memory=1048577", "g.cfg:4: key 'memory': ", "out of range");
	bad(BASE "memory=4294967808", "g.cfg:4: key 'memory': ", "out of range");
	bad(BASE "memory='lots'", "g.cfg:4: key 'memory': ", "not a number");
	bad(BASE "memory=[512]", "g.cfg:4: key 'memory': ", "not a number");
	bad(BASE "cpu_weight=0", "g.cfg:4: key 'cpu_weight': ", "from 1 to 65535");
	bad(BASE "cpu_weight=65536", "g.cfg:4: key 'cpu_weight': ", "from 1 to 65535");
	bad(BASE "cap=6401", "g.cfg:4: key 'cap': ", "from 0 to 6400");
}

static void types(void **state)
{
	(void)state;
	quiet(BASE);
	assert_int_equal(g.type, GUEST_PVH);
	quiet("name='a'\ntype='pv'\nkernel='/k'");
	assert_int_equal(g.type, GUEST_PV);
	/* as for xl */
	remarked("name='a'\nkernel='/k'", "g.cfg: key 'type' is missing", "type=\"pvh\"");
	assert_int_equal(g.type, GUEST_PV);
	quiet("name='a'\nbuilder='generic'\nkernel='/k'");
	assert_int_equal(g.type, GUEST_PV);
	quiet("name='a'\nbuilder='generic'\ntype='pv'\nkernel='/k'");
	bad(BASE "builder='generic'", "g.cfg:4: key 'builder': ", "contradicts type=\"pvh\"");
	bad(BASE "builder='linux'", "g.cfg:4: key 'builder': unknown", "'linux'");
	bad("name='a'\ntype='hvm'\nkernel='/k'", "g.cfg:2: key 'type': hvm", "type=\"pvh\"");
	bad("name='a'\ntype='x'\nkernel='/k'", "g.cfg:2: key 'type': unknown", "\"pvh\" or");
	bad("name='a'\ntype='generic'\nkernel='/k'", "g.cfg:2: key 'type': unknown", "\"pvh\"");
	bad("name='a'\ntype=['pvh']\nkernel='/k'", "g.cfg:2: key 'type': ", "\"pvh\"");
	bad("name='a'\nbuilder='hvm'\nkernel='/k'", "g.cfg:2: key 'builder': hvm",
		"type=\"pvh\"");
	bad("name='a'\nbuilder='pv'\nkernel='/k'", "g.cfg:2: key 'builder': unknown", "'pv'");
	bad("type='pvh'\nkernel='/k'", "g.cfg: key 'name'", "missing");
	bad("type='pvh'\nname='a'", "g.cfg: key 'kernel'", "missing");
	bad("type='pvh'\nname='a'\nkernel=''", "g.cfg: key 'kernel'", "missing");
	/* remarks describe pvh guests, so they would mislead here */
	bad("name='a'\nbuilder='hvm'\nkernel='/k'\nvnc=1\nboot='c'",
		"g.cfg:2: key 'builder': ", "hvm");
	assert_int_equal(r.n, 1);
	bad("name='a'\ntype='hvm'\nkernel='/k'\nvnc=1\nboot='c'",
		"g.cfg:2: key 'type': ", "hvm");
	assert_int_equal(r.n, 1);
	assert_int_equal(make(""), -1);
	assert_int_equal(r.mistakes, 2);
	assert_non_null(strstr(said.text, "g.cfg: key 'type' is missing"));
	assert_non_null(strstr(said.text, "g.cfg: key 'name' is missing"));
	assert_non_null(strstr(said.text, "g.cfg: key 'kernel' is missing"));
}

static void names(void **state)
{
	(void)state;
	good("type='pvh'\nkernel='/k'\nname='deb-12.test_x'");
	bad(REST "name=''", "g.cfg:3: key 'name': ", "empty");
	bad(REST "name='a/b'", "g.cfg:3: key 'name': ", "'/'");
	bad(REST "name='a b'", "g.cfg:3: key 'name': ", "spaces");
	bad(REST "name='a\\x01'", "g.cfg:3: key 'name': ", "control");
	bad(REST "name=12", "g.cfg:3: key 'name': ", "domain id");
	bad(REST "name='Domain-0'", "g.cfg:3: key 'name': ", "host");
	good("type='pvh'\nkernel='/k'\nname='a23456789012345678901234567890123456789012345678901234567890123'");
	bad(REST "name='a234567890123456789012345678901234567890123456789012345678901234'",
		"g.cfg:3: key 'name': ", "63");
	bad(REST "name=['a']", "g.cfg:3: key 'name': ", "list");
}

static void keys(void **state)
{
	(void)state;
	remarked(BASE "flavour='sweet'", "g.cfg:4: key 'flavour': ", "unknown key, ignored");
	remarked(BASE "memroy=1", "g.cfg:4: key 'memroy': unknown key", "'memory'");
	remarked(BASE "memmory=1", "g.cfg:4: key 'memmory': unknown key", "'memory'");
	remarked(BASE "vif22=1", "g.cfg:4: key 'vif22': unknown key", "as by xl\n");
	remarked(BASE "vcpu=1", "g.cfg:4: key 'vcpu': unknown key", "'vcpus'");
	remarked(BASE "disks=[]", "g.cfg:4: key 'disks': unknown key", "'disk'");
	remarked(BASE "kermel='x'", "g.cfg:4: key 'kermel': unknown key", "'kernel'");
	remarked(BASE "cp=1", "g.cfg:4: key 'cp': unknown key", "'cap'");
	remarked(BASE "ca=[1]", "g.cfg:4: key 'ca': unknown key", "'cap'");
	bad(BASE "kernel=['vmlinuz']", "g.cfg:4: key 'kernel': ", "list");
	bad(BASE "uuid='1234'", "g.cfg:4: key 'uuid': ", "UUID");
	bad(BASE "uuid='01234567-89ab-cdef-0123-456789abcdef0'",
		"g.cfg:4: key 'uuid': ", "UUID");
	bad(BASE "uuid='0123456789abcdef0123456789abcdef'", "g.cfg:4: key 'uuid': ", "UUID");
	bad(BASE "uuid='01234567-89ab-cdef-0123-456789abcdeg'",
		"g.cfg:4: key 'uuid': ", "UUID");
}

/* Tried with xl: none of these keys changes a pvh guest. */
static void keys_that_xl_ignores(void **state)
{
	static const char *const ignored_there[] = { "serial='pty'", "boot='c'", "vnc=1",
		"vncpasswd='x'", "sdl=0", "pae=1", "apic=1", "stdvga=0", "usb=1",
		"usbdevice='tablet'", "viridian=['all']", "viridian=1", "display=':0'",
		"xauthority='x'", "device_model='/usr/lib/qemu-dm'", "keymap='de'",
		"bios='ovmf'", "gic_version='v3'", "device_tree='/x.dtb'", "parallel='none'",
		"on_xend_stop='ignore'", "on_xend_start='start'", "hostname='x'",
		"arch='x86_64'", "vif2=['x']", "description='x'", "features=''", "pvh=1",
		"nographic=1" };
	static const char *const no_matter[] = { "slice=3", "period=3", "latency=3",
		"extratime=1", "nomigrate=0", "nomigrate=1", "localtime=0", "localtime=1",
		"seclabel='system_u:system_r:domU_t'", "hap=1", "oos=1", "shadow_memory=8",
		"timer_mode=1", "on_soft_reset='restart'", "max_grant_frames=64",
		"pci_msitranslate=1", "xend_suspend_evtchn_compat=1", "bootloader_args=['-q']",
		"e820_host=1" };
	char text[256];

	(void)state;
	for (size_t i = 0; i < sizeof(ignored_there) / sizeof(ignored_there[0]); i++) {
		snprintf(text, sizeof(text), BASE "%s\n", ignored_there[i]);
		remarked(text, "g.cfg:4: key '", "ignored");
		assert_null(strstr(said.text, "unknown"));
	}
	for (size_t i = 0; i < sizeof(no_matter) / sizeof(no_matter[0]); i++) {
		snprintf(text, sizeof(text), BASE "%s\n", no_matter[i]);
		remarked(text, "g.cfg:4: key '", "has no effect on this host");
	}
	remarked(BASE "acpi=0", "g.cfg:4: key 'acpi': ", "ACPI");
	quiet(BASE "acpi=1");
}

/*
 * These keys would make xl build a different guest, so they are refused unless the value asks
 * for nothing.
 */
static void keys_that_change_the_guest(void **state)
{
	static const char *const asks[] = { "pci=['01:05.1']", "vfb=['vnc=1']",
		"cpuid='host,tm=0'", "tsc_mode=1", "tsc_mode='always_emulate'", "pool='p'",
		"rtc_timeoffset=3600", "rtc_timeoffset='-3600'", "nestedhvm=1",
		"driver_domain=1", "altp2m='mixed'", "vpmu=1", "usbdev=['x']", "usbctrl=['x']",
		"iomem=['x']", "ioports=['x']", "irqs=[3]", "dtdev=['x']", "vtpm=['x']",
		"p9=['x']", "channel=['x']", "vnuma=[['x']]", "vkb=['x']", "vsnd=[['x']]",
		"vdispl=['x']", "pvcalls=['x']", "cpuid=['0:eax=x']" };
	char text[256], key[32];

	(void)state;
	for (size_t i = 0; i < sizeof(asks) / sizeof(asks[0]); i++) {
		snprintf(text, sizeof(text), BASE "%s\n", asks[i]);
		snprintf(key, sizeof(key), "g.cfg:4: key '%.*s': ", (int)strcspn(asks[i], "="),
			asks[i]);
		bad(text, key, "here");
	}
	quiet(BASE
		"pci=[]\nvfb=[]\ncpuid='host'\ntsc_mode=0\npool='Pool-0'\n"
		"rtc_timeoffset=0\nnestedhvm=0\ndriver_domain=0\naltp2m=0\npvshim=0\nvpmu=0\n"
		"usbdev=[]\niomem=[]\nirqs=[]\nvtpm=[]\np9=[]\nchannel=[]\nvkb=[]");
	quiet(BASE "tsc_mode='native'\naltp2m='disabled'\ncpuid=''");
}

/* The host has six CPUs. */
static void cpus_of_vcpus(void **state)
{
	(void)state;
	quiet(BASE "cpus='1-2'\nvcpus=2\nmaxvcpus=3\ncpus_soft='2'");
	assert_true(g.cpus[0] == 6 && g.cpus[1] == 6 && g.cpus[2] == 6 && !g.cpus[3]);
	assert_true(g.cpus_soft[2] == 4 && !g.cpus_soft[3]);
	quiet(BASE "vcpus=3\ncpus=['0', 2]\ncpus_soft=['all']");
	assert_true(g.cpus[0] == 1 && g.cpus[1] == 4 && !g.cpus[2]);
	assert_true(g.cpus_soft[0] == 63 && !g.cpus_soft[1]);
	/* sets without a vCPU are not looked at; some CPUs may be missing */
	quiet(BASE "cpus=['0-99','1','2','3','4','5','0','0','x']");
	assert_true(g.cpus[0] == 63 && !g.cpus[1]);
	quiet(BASE "cpus=[]\ncpus_soft='^1'");
	assert_true(!g.cpus[0] && !g.cpus_soft[0]);
	bad(BASE "cpus='6-9'", "g.cfg:4: key 'cpus': ", "which has 6: 0 to 5");
	bad(BASE "cpus=''", "g.cfg:4: key 'cpus': ", "names no CPU");
	bad(BASE "cpus='a'", "g.cfg:4: key 'cpus': ", "'a' is not a range");
	bad(BASE "vcpus=2\ncpus=['0',\n'7']", "g.cfg:6: key 'cpus': entry 1: ", "names no CPU");
	bad(BASE "cpus_soft=[['0']]", "g.cfg:4: key 'cpus_soft': entry 0: ", "list");
}

/* What the guest is comes before what is wrong in it. */
static void another_kind_of_guest_comes_first(void **state)
{
	static const struct {
		const char *text, *first;
	} files[] = { { "vcpus=99\nname='a'\nmemory='x'\ntype='hvm'",
			      "g.cfg:4: key 'type': hvm" },
		{ "vcpus=99\nname='a'\nkernel='/k'\ntype='x'", "g.cfg:4: key 'type': unknown" },
		{ "vcpus=99\nname='a'\nkernel='/k'\nbuilder='hvm'",
			"g.cfg:4: key 'builder': " },
		{ "vcpus=99\nname='a'\ntype='pvh'", "g.cfg: key 'kernel' is missing" } };

	(void)state;
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		assert_int_equal(make(files[i].text), -1);
		if (strncmp(said.text, files[i].first, strlen(files[i].first)) != 0 ||
			!strstr(said.text, "\ng.cfg:1: key 'vcpus': "))
			fail_msg("'%s' gave '%s'", files[i].text, said.text);
	}
}

static void names_of_files(void **state)
{
	char text[512];

	(void)state;
	good(BASE "kernel='vmlinuz'\nramdisk='./debian/initrd'");
	assert_string_equal(g.kernel, "/guests/vmlinuz");
	assert_string_equal(g.modules[0].path, "/guests/debian/initrd");
	good(BASE "kernel='/a/b'\nramdisk=''");
	assert_string_equal(g.kernel, "/a/b");
	assert_string_equal(g.modules[0].path, "");
	memset(text, 'p', sizeof(text));
	memcpy(text, BASE "ramdisk='", strlen(BASE "ramdisk='"));
	strcpy(text + strlen(BASE "ramdisk='") + GUEST_PATH_MAX - strlen("/guests/"), "'");
	good(text);
	assert_int_equal(strlen(g.modules[0].path), GUEST_PATH_MAX);
	strcpy(text + strlen(BASE "ramdisk='") + GUEST_PATH_MAX - strlen("/guests/"), "p'");
	bad(text, "g.cfg:4: key 'ramdisk': ", "too long");
}

static void numbers_are_not_joined(void **state)
{
	(void)state;
	remarked(BASE "memory=512\nmemory+=256", "g.cfg:5: key 'memory': += does not add",
		"stays 512");
	assert_int_equal(g.memory, 512);
	remarked(BASE "memory='512'\nmemory+='256'", "g.cfg:5: key 'memory': ", "stays 512");
	assert_int_equal(g.memory, 512);
	remarked(BASE "memory=512\nmemory+=1\nmemory+=2",
		"g.cfg:6: key 'memory': ", "stays 512");
	assert_int_equal(g.memory, 512);
	remarked(BASE "maxmem=64\nmemory+=256", "g.cfg:5: key 'memory': ", "line is ignored");
	assert_int_equal(g.memory, 64);
	remarked(BASE "cap=5\ncap+=5", "g.cfg:5: key 'cap': ", "stays 5");
	assert_int_equal(g.cap, 5);
	remarked(BASE "vcpus=1\nvcpus+=2", "g.cfg:5: key 'vcpus': ", "stays 1");
	remarked(BASE "cpu_weight=256\ncpu_weight+=256",
		"g.cfg:5: key 'cpu_weight': ", "stays 256");
	bad(BASE "memory='lots'\nmemory+=256", "g.cfg:5: key 'memory': ", "+=");
	quiet(BASE "memory=512\nmemory+=256\nmemory=64");
	assert_int_equal(g.memory, 64);
	good(BASE "extra=5\nextra+=6");
	assert_string_equal(g.cmdline, "56");
	good(BASE
		"disk=['/dev/disk/by-partlabel/a,,xvda']\ndisk+=['/dev/disk/by-partlabel/b,,xvdb']");
	assert_int_equal(g.n_disks, 2);
	bad(BASE "memory=512MB", "g.cfg:4: key 'memory': '512MB'", "write 512");
	bad(BASE "memory='1G'", "g.cfg:4: key 'memory': '1G'", "MiB");
	bad(BASE "memory=-5", "g.cfg:4: key 'memory': ", "minus");
	bad(BASE "memory='-5'", "g.cfg:4: key 'memory': ", "out of range");
}

/* All mistakes are reported at once, in the order of the file. */
static void all_mistakes_at_once(void **state)
{
	static const char *const parts[] = { "g.cfg:1: this is Python", "g.cfg:2: key 'name': ",
		"g.cfg:4: key 'memory': ", "g.cfg:5: key 'vcpus': ", "g.cfg:6: key 'kernel': ",
		"g.cfg:7: key 'serial': ", "g.cfg:9: key 'disk': entry 0: ",
		"g.cfg:11: key 'disk': entry 2: ", "g.cfg:13: key 'vif': entry 0: ",
		"g.cfg:13: key 'vif': entry 1: ", "g.cfg:14: key 'on_crash': ",
		"g.cfg:15: key 'pci': ", "g.cfg:16: key 'extra': " };
	const char *at;
	size_t i;

	(void)state;
	assert_int_equal(
		make("import os\nname='a b'\ntype='pvh'\nmemory='lots'\nvcpus=900\n"
		     "kernel=vmlinuz\nserial='pty'\ndisk=[\n'/x,vmdk,xvda',\n"
		     "'/dev/disk/by-partlabel/a,,xvda',\n'/dev/disk/by-partlabel/b,,xvda',\n]\n"
		     "vif=['mac=zz','type=ioemu','']\non_crash='panic'\npci=['1']\n"
		     "extra='x\n"),
		-1);
	for (i = 0, at = said.text; i < sizeof(parts) / sizeof(parts[0]); i++) {
		if (strncmp(at, parts[i], strlen(parts[i])) != 0)
			fail_msg("not '%s' but: %s", parts[i], at);
		at = strchr(at, '\n') + 1;
	}
	assert_string_equal(at, "");
	assert_int_equal(r.mistakes, i - 1);
}

/* A key with a mistake is not reported as missing as well. */
static void broken_is_not_missing(void **state)
{
	(void)state;
	bad("name=web\ntype='pvh'\nkernel='/k'", "g.cfg:1: key 'name': ", "quotes");
	bad("name='web'\ntype=pvh\nkernel='/k'", "g.cfg:2: key 'type': ", "quotes");
	bad("name='web'\ntype='pvh'\nkernel=/k", "g.cfg:3: key 'kernel': ", "quotes");
	bad("name='web'\ntype='pvh'\n'kernel'='/k'", "g.cfg:3: ", "starts with its key");
	bad("<xml>", "g.cfg:1: this is XML", "key = value");
	bad(BASE "memory=512\nmaxmem='x'", "g.cfg:5: key 'maxmem': ", "not a number");
}

static void actions(void **state)
{
	(void)state;
	good(BASE "on_crash='coredump-restart'");
	assert_int_equal(g.on_crash, ACTION_COREDUMP_RESTART);
	assert_non_null(strstr(said.text, "disk /var/lib/xen/dump/g1 PARTITION"));
	assert_string_equal(g.core_label, "");
	bad(BASE "on_crash='explode'", "g.cfg:4: key 'on_crash': ", "rename-restart");
	bad(BASE "on_reboot='soft-reset'", "g.cfg:4: key 'on_reboot': ", "not supported");
}

/* What files of other hosts name is looked up in the table of this host. */
static void names_of_other_hosts(void **state)
{
	static const char table[] =
		"disk /dev/vg/* vg-*\ndisk /srv/web.img web\nbridge br1 lan0\ndisk /var/lib/xen/dump/* core-*\n"
		"bridge br0 lan0\nnonsense\ndisk /dev/sdb a/b\n";
	struct names n;

	(void)state;
	quiet(BASE
		"vif=['bridge=br0','mac=2:0:0:0:0:1,bridge=virbr0','mac=2:0:0:0:0:2,bridge=x']");
	assert_string_equal(g.vifs[0].bridge, "br0");
	assert_string_equal(g.vifs[0].network, "xenbr0");
	assert_string_equal(g.vifs[1].network, "xenbr0");
	assert_string_equal(g.vifs[2].network, "x");
	assert_int_equal(names_init(&n, table, strlen(table)), 0);
	names_of_host = &n;
	remarked(BASE
		"disk=['phy:vg/root,xvda,w','file:/srv/web.img,xvdb,w','/dev/disk/by-partlabel/c,,xvdc']\n"
		"vif=['bridge=br1','mac=2:0:0:0:0:1,bridge=br0','mac=2:0:0:0:0:2,bridge=virbr0']",
		NAMES_FILE ":6: ", "says nothing");
	assert_string_equal(g.disks[0].label, "vg-root");
	assert_string_equal(g.disks[0].spec.target, "/dev/vg/root");
	assert_string_equal(g.disks[1].label, "web");
	assert_string_equal(g.disks[2].label, "c");
	assert_string_equal(g.vifs[0].bridge, "br1");
	assert_string_equal(g.vifs[0].network, "lan0");
	assert_string_equal(g.vifs[1].network, "lan0");
	assert_string_equal(g.vifs[2].network, "xenbr0");
	remarked(BASE "on_reboot='coredump-restart'", NAMES_FILE ":6: ", "says nothing");
	assert_string_equal(g.core_label, "core-g1");
	bad(BASE "disk=['/dev/sdb,,xvda']", "g.cfg:4: key 'disk': entry 0: ", "'a/b'");
	bad(BASE "disk=['/dev/vg/0123456789012345678901234567890123,,xvda']",
		"g.cfg:4: key 'disk': entry 0: ", "36 characters");
	names_of_host = NULL;
	names_fini(&n);
}

static void empty_drives(void **state)
{
	(void)state;
	quiet(BASE "disk=['vdev=hdc,cdrom','/dev/disk/by-partlabel/a,,xvda']");
	assert_int_equal(g.n_disks, 2);
	assert_true(disk_spec_empty(&g.disks[0].spec));
	assert_string_equal(g.disks[0].label, "");
	assert_string_equal(g.disks[1].label, "a");
	assert_int_equal(g.disks[1].seat, 1);
	bad(BASE "disk=['vdev=hdc,cdrom','/dev/disk/by-partlabel/a,,hdc']",
		"g.cfg:4: key 'disk': entry 1: ", "two disks");
}

static void devices(void **state)
{
	(void)state;
	bad(BASE "disk='x'", "g.cfg:4: key 'disk': ", "list");
	bad(BASE "disk=[1]", "g.cfg:4: key 'disk': ", "string");
	bad(BASE
		"disk=[\n'/dev/disk/by-partlabel/a,,xvda',\n'/dev/disk/by-partlabel/b,,d0p0',\n]",
		"g.cfg:6: key 'disk': entry 1: ", "two disks");
	bad(BASE "disk=['/dev/cdrom,,hdc,cdrom']",
		"g.cfg:4: key 'disk': entry 0: ", "disk /dev/cdrom NAME");
	bad(BASE "disk=['a','a','a','a','a','a','a','a','a']",
		"g.cfg:4: key 'disk': ", "at most 8");
	bad(BASE "disk=['/dev/disk/by-partlabel/a,,xvda',[]]",
		"g.cfg:4: key 'disk': entry 1: ", "string");
	bad(BASE "vif=['',3]", "g.cfg:4: key 'vif': entry 1: ", "string");
	quiet(BASE "vif=['devid=0','devid=1,mac=2:0:0:0:0:1']");
	bad(BASE "vif=['','devid=0']", "g.cfg:4: key 'vif': entry 1: ", "order of the list");
	remarked(BASE "vif=['','bridge=a,speed=9,mac=2:0:0:0:0:1,x']",
		"g.cfg:4: key 'vif': entry 1: ", "ignored as by xl: 'speed', 'x'");
	assert_string_equal(g.vifs[1].bridge, "a");
	quiet(BASE "vif=['ip=192.0.2.7,mac=00:16:3e:00:00:07,bridge=xenbr0']");
	assert_string_equal(g.vifs[0].ip, "192.0.2.7");
	bad(BASE "disk=['phy:/dev/vg/w,ioemu:hda,w']",
		"g.cfg:4: key 'disk': entry 0: hda: ", "disk /dev/vg/w NAME");
	bad(BASE "vif=['','','','','']", "g.cfg:4: key 'vif': ", "at most 4");
	quiet(BASE
		"vif=['mac=2:0:0:0:0:1','mac=2:0:0:0:0:2','mac=2:0:0:0:0:3','mac=2:0:0:0:0:4']");
	assert_int_equal(g.n_vifs, 4);
	bad(BASE "vif=['mac=00:16:3e:00:00']", "g.cfg:4: key 'vif': entry 0: ", "six pairs");
	bad(BASE "vif=['', 'mac=00:16:3e:00:00:07',\n'mac=00:16:3E:00:00:07']",
		"g.cfg:5: key 'vif': entry 2: entry 1 has this mac", "mac=");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults),
		cmocka_unit_test(everything),
		cmocka_unit_test(modules),
		cmocka_unit_test(command_lines),
		cmocka_unit_test(sizes),
		cmocka_unit_test(types),
		cmocka_unit_test(names),
		cmocka_unit_test(keys),
		cmocka_unit_test(keys_that_xl_ignores),
		cmocka_unit_test(keys_that_change_the_guest),
		cmocka_unit_test(cpus_of_vcpus),
		cmocka_unit_test(another_kind_of_guest_comes_first),
		cmocka_unit_test(names_of_files),
		cmocka_unit_test(numbers_are_not_joined),
		cmocka_unit_test(all_mistakes_at_once),
		cmocka_unit_test(broken_is_not_missing),
		cmocka_unit_test(actions),
		cmocka_unit_test(devices),
		cmocka_unit_test(names_of_other_hosts),
		cmocka_unit_test(empty_drives),
	};

	return cmocka_run_group_tests_name("control guest", tests, NULL, NULL);
}
