/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * disk_test.c - disk specifications and virtual device numbers
 *
 * Objects     tables of spellings; their meanings were compared with Xen 4.17's own parser.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "config/disk_spec.h"

static struct disk_spec d;
static struct msg m;

struct good {
	const char *text, *target, *vdev;
	enum disk_format format;
	bool readonly, cdrom;
};

static void spellings(void **state)
{
	static const struct good list[] = {
		{ "/dev/vg/guest-volume,,hda", "/dev/vg/guest-volume", "hda", DISK_RAW, false,
			false },
		{ "/dev/vg/guest-volume,raw,hda,rw", "/dev/vg/guest-volume", "hda", DISK_RAW,
			false, false },
		{ "format=raw, vdev=hda, access=rw, target=/dev/vg/guest-volume",
			"/dev/vg/guest-volume", "hda", DISK_RAW, false, false },
		{ "raw:/dev/vg/guest-volume,hda,w", "/dev/vg/guest-volume", "hda", DISK_RAW,
			false, false },
		{ "/root/image.iso,,hdc,cdrom", "/root/image.iso", "hdc", DISK_RAW, true,
			true },
		{ "/root/image.iso,,hdc,,cdrom", "/root/image.iso", "hdc", DISK_RAW, true,
			true },
		{ "/root/image.iso,raw,hdc,devtype=cdrom", "/root/image.iso", "hdc", DISK_RAW,
			true, true },
		{ "format=raw, vdev=hdc, access=ro, devtype=cdrom, target=/root/image.iso",
			"/root/image.iso", "hdc", DISK_RAW, true, true },
		{ "format=raw,vdev=hdc,access=ro,devtype=cdrom,target=/root/image.iso",
			"/root/image.iso", "hdc", DISK_RAW, true, true },
		{ "/root/image.iso,raw,hdc,ro,cdrom", "/root/image.iso", "hdc", DISK_RAW, true,
			true },
		{ "raw:/root/image.iso,hdc:cdrom,ro", "/root/image.iso", "hdc", DISK_RAW, true,
			true },
		{ "/dev/cdrom,,hdc,cdrom", "/dev/cdrom", "hdc", DISK_RAW, true, true },
		{ "/var/lib/xen/images/sled12.raw,,hda", "/var/lib/xen/images/sled12.raw",
			"hda", DISK_RAW, false, false },
		{ ",hdc:cdrom,r", "", "hdc", DISK_EMPTY, true, true },
		{ ",,hdc,cdrom", "", "hdc", DISK_EMPTY, true, true },
		{ "cdrom,vdev=hdc", "", "hdc", DISK_EMPTY, true, true },
		{ "phy:/dev/disk/by-partlabel/x,xvda,w", "/dev/disk/by-partlabel/x", "xvda",
			DISK_RAW, false, false },
		{ "phy:sdc,xvda,r", "/dev/sdc", "xvda", DISK_RAW, true, false },
		{ "phy:/x,,xvda", "/x", "xvda", DISK_RAW, false, false },
		{ "phy:/x,raw,xvda,ro", "/x", "xvda", DISK_RAW, true, false },
		{ "file:/x,xvda1,r", "/x", "xvda1", DISK_RAW, true, false },
		{ "tap:aio:/x/y,xvda,w", "/x/y", "xvda", DISK_RAW, false, false },
		{ "tap:aio:qcow2:/x/y,xvda,w", "/x/y", "xvda", DISK_QCOW2, false, false },
		{ "tap:cdrom:/dev/sr0,xvdb,r", "/dev/sr0", "xvdb", DISK_RAW, true, true },
		{ "phy:/dev/vg/w,ioemu:hda,w", "/dev/vg/w", "hda", DISK_RAW, false, false },
		{ "file:/vm/disk,ioemu:hda,w", "/vm/disk", "hda", DISK_RAW, false, false },
		{ "phy:/x,ioemu:hda:cdrom,r", "/x", "hda", DISK_RAW, true, true },
		{ "/x,,ioemu:hda,w", "/x", "hda", DISK_RAW, false, false },
		{ "phy:/x,qcow2:hda", "/x", "hda", DISK_QCOW2, false, false },
		{ "phy:/x,hda,ioemu:w", "/x", "hda", DISK_RAW, false, false },
		{ "phy:/x,ioemu:vdev=hda,w", "/x", "hda", DISK_RAW, false, false },
		{ "/x,,hda,r,access=w", "/x", "hda", DISK_RAW, false, false },
		{ "access=r,/x,,hda,w", "/x", "hda", DISK_RAW, false, false },
		{ "tap2:tapdisk:ioemu:/x,xvda,w", "/x", "xvda", DISK_RAW, false, false },
		{ "vhd:/x,xvda,w", "/x", "xvda", DISK_VHD, false, false },
		{ "aio:/x,xvda,w", "/x", "xvda", DISK_RAW, false, false },
		{ "vdev=xvda,/x", "/x", "xvda", DISK_RAW, false, false },
		{ "backendtype=phy,/x,,xvda", "/x", "xvda", DISK_RAW, false, false },
		{ "target=/dev/sr0,vdev=xvdb", "", "", DISK_FORMAT_COUNT, false, false },
		{ "vdev=xvdb,access=ro,target=/a,b:c =d ", "/a,b:c =d ", "xvdb", DISK_RAW, true,
			false },
		{ "  /x ,  raw,xvda ,ro", "/x", "xvda", DISK_RAW, true, false },
		{ "/x,,xvda,", "/x", "xvda", DISK_RAW, false, false },
		{ "access=,vdev=xvda,/x", "/x", "xvda", DISK_RAW, false, false },
		{ "/x,,hdc,rw,cdrom", "/x", "hdc", DISK_RAW, true, true },
		{ "/x,,xvda:disk,w", "/x", "xvda", DISK_RAW, false, false },
		{ "/x,,0xca00,w", "/x", "0xca00", DISK_RAW, false, false },
		{ "/x,qcow2,xvda", "/x", "xvda", DISK_QCOW2, false, false },
		{ "/x,,xvda,no-discard,untrusted,direct-io-safe", "/x", "xvda", DISK_RAW, false,
			false },
		{ ",raw,xvda,r,target=/x", "/x", "xvda", DISK_RAW, true, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
		if (disk_spec_parse(&d, list[i].text, &m)) {
			if (list[i].format != DISK_FORMAT_COUNT)
				fail_msg("'%s' refused: %s", list[i].text, m.text);
			continue;
		}
		if (strcmp(d.target, list[i].target) != 0 ||
			strcmp(d.vdev, list[i].vdev) != 0 || d.format != list[i].format ||
			d.readonly != list[i].readonly || d.cdrom != list[i].cdrom)
			fail_msg("'%s' gave '%s' '%s' %s ro %d cd %d", list[i].text, d.target,
				d.vdev, disk_format_name(d.format), d.readonly, d.cdrom);
	}
}

static void flags(void **state)
{
	(void)state;
	assert_int_equal(disk_spec_parse(&d, "/x,,xvda", &m), 0);
	assert_true(d.discard && d.trusted && !d.direct_io_safe && !d.colo);
	assert_int_equal(
		disk_spec_parse(&d, "no-discard,untrusted,/x,,xvda,direct-io-safe,colo", &m),
		0);
	assert_true(!d.discard && !d.trusted && d.direct_io_safe && d.colo);
	assert_int_equal(disk_spec_parse(&d, "nbd:host,xvda,w", &m), 0);
	assert_string_equal(d.script, "nbd");
	assert_string_equal(d.target, "host");
}

static void refusals(void **state)
{
	static const struct {
		const char *text, *part;
	} list[] = {
		{ "", "no vdev" },
		{ "xvda", "no vdev" },
		{ "/x,raw", "no vdev" },
		{ "vdev=xvda", "no target" },
		{ " ,,xvda", "no target" },
		{ "/x,xvda", "unknown format" },
		{ "/x,raw,xvda,rw,foo", "too many" },
		{ "/x,,xvda,ro,ro", "too many" },
		{ "/x,raw,xvda,rw,foo=1", "unknown parameter" },
		{ "cdrom=1,/x,,xvda", "unknown parameter" },
		{ "/x,raw,xvda,zz", "unknown access" },
		{ "/x,raw,xvda,rw,vdev=xvdb", "twice" },
		{ "/x,,xvda,target=/y", "twice" },
		{ "foo:/x,xvda,w", "unknown prefix" },
		{ "format=raw,format=qcow2,vdev=xvda,/x", "twice" },
		{ "file:/x,hdc:foo,r", "devtype" },
		{ "devtype=foo,/x,,xvda", "devtype" },
		{ "/x,,vda", "not a virtual disk" },
		{ "/x,vmdk,xvda", "unknown format" },
		{ "target=/dev/sr0,vdev=xvdb", "no vdev" },
		{ "cdrom:/x,xvda,r", "unknown prefix" },
		{ "phy:/x,foo:hda", "devtype" },
		{ "/x,,qcow2:hda", "twice" },
	};
	char text[DISK_TARGET_MAX + 64];

	(void)state;
	for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
		if (!disk_spec_parse(&d, list[i].text, &m))
			fail_msg("accepted: %s", list[i].text);
		if (!strstr(m.text, list[i].part))
			fail_msg("'%s' gave '%s'", list[i].text, m.text);
	}
	memset(text, 'a', sizeof(text));
	text[0] = '/';
	strcpy(text + DISK_TARGET_MAX + 1, ",,xvda");
	assert_int_equal(disk_spec_parse(&d, text, &m), -1);
	strcpy(text + DISK_TARGET_MAX, ",,xvda");
	assert_int_equal(disk_spec_parse(&d, text, &m), 0);
	memset(text, 'a', sizeof(text));
	strcpy(text + 251, ",,xvda");
	assert_int_equal(disk_spec_parse(&d, text, &m), -1);
	strcpy(text + 250, ",,xvda");
	assert_int_equal(disk_spec_parse(&d, text, &m), 0);
}

static void check(const char *text, const char *part)
{
	char label[DISK_LABEL_SIZE];

	assert_int_equal(disk_spec_parse(&d, text, &m), 0);
	if (!disk_spec_check(&d, NULL, label, &m))
		fail_msg("accepted: %s", text);
	if (!strstr(m.text, part))
		fail_msg("'%s' gave '%s'", text, m.text);
}

static void disks_that_this_host_serves(void **state)
{
	char label[DISK_LABEL_SIZE], text[256];

	(void)state;
	assert_int_equal(
		disk_spec_parse(&d, "phy:/dev/disk/by-partlabel/rootfs,xvda,w", &m), 0);
	assert_int_equal(disk_spec_check(&d, NULL, label, &m), 0);
	assert_string_equal(label, "rootfs");
	assert_int_equal(disk_spec_parse(&d,
				 "disk/by-partlabel/a b,,xvda,backend=0,backendtype=phy", &m),
		0);
	assert_int_equal(disk_spec_check(&d, NULL, label, &m), 0);
	assert_string_equal(label, "a b");
	snprintf(text, sizeof(text), "/dev/disk/by-partlabel/%036d,,xvda", 1);
	assert_int_equal(disk_spec_parse(&d, text, &m), 0);
	assert_int_equal(disk_spec_check(&d, NULL, label, &m), 0);
	snprintf(text, sizeof(text), "/dev/disk/by-partlabel/%037d,,xvda", 1);
	check(text, "36 characters");
	check("/dev/disk/by-partlabel/,,xvda", "partition name");
	check("/dev/disk/by-partlabel/a/b,,xvda", "partition name");
	check("/dev/sda,,xvda", "is not a partition of this host");
	check("/dev/disk/by-partlabel/x,qcow2,xvda", "format qcow2");
	check("vhd:/dev/disk/by-partlabel/x,xvda,w", "format vhd");
	check("nbd:h,xvda,w", "scripts");
	check("/dev/disk/by-partlabel/x,,xvda,backend=disks", "driver domains");
	check("/dev/disk/by-partlabel/x,,xvda,backendtype=tap", "backendtype=tap");
	check("/dev/disk/by-partlabel/x,,xvda,specification=virtio", "specification=virtio");
	check("/dev/disk/by-partlabel/x,,xvda,colo", "COLO");
	check("/dev/disk/by-partlabel/x,empty,xvda", "may be empty");
}

static void device_numbers(void **state)
{
	static const struct {
		const char *vdev;
		uint32_t number;
	} list[] = {
		{ "xvda", 51712 },
		{ "d0", 51712 },
		{ "d0p0", 51712 },
		{ "xvda1", 51713 },
		{ "xvdb2", 51730 },
		{ "d1p2", 51730 },
		{ "xvdp15", 51967 },
		{ "xvdq", 1 << 28 | 16 << 8 },
		{ "xvda16", 1 << 28 | 16 },
		{ "xvdtq37", 1 << 28 | 536 << 8 | 37 },
		{ "d536p37", 1 << 28 | 536 << 8 | 37 },
		{ "d1048575p255", 1 << 28 | 1048575 << 8 | 255 },
		{ "sda", 2048 },
		{ "sdb3", 2067 },
		{ "sdp15", 2303 },
		{ "hda", 768 },
		{ "hdb", 832 },
		{ "hdb63", 895 },
		{ "hdc", 5632 },
		{ "hdc2", 5634 },
		{ "hdd", 5696 },
		{ "51712", 51712 },
		{ "0xca00", 51712 },
		{ "0145000", 51712 },
	};
	static const char *const bad[] = {
		"",
		"x",
		"xvd",
		"xvdA",
		"xvda0",
		"xvda256",
		"xvda01",
		"xvda1x",
		"xvdbgqxp",
		"xvdbgqxpzzzzzzzz",
		"sdq",
		"sda16",
		"hde",
		"hda64",
		"d",
		"dp1",
		"d0p",
		"d0p256",
		"d1048576",
		"d0p1x",
		"d00",
		"vda",
		"0xzz",
		"536870912",
		"99999999999999999999999",
		"1 ",
		"sd1",
		"xvda-1",
	};
	uint32_t n;

	(void)state;
	for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++)
		if (vdev_number(list[i].vdev, &n) || n != list[i].number)
			fail_msg("%s gave %u", list[i].vdev, n);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (!vdev_number(bad[i], &n))
			fail_msg("accepted: %s", bad[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(spellings),
		cmocka_unit_test(flags),
		cmocka_unit_test(refusals),
		cmocka_unit_test(disks_that_this_host_serves),
		cmocka_unit_test(device_numbers),
	};

	return cmocka_run_group_tests_name("control disk", tests, NULL, NULL);
}
