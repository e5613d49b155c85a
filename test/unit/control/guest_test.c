/*
 * guest_test.c - what guest configurations mean: keys, defaults, limits, network interfaces,
 * UUIDs
 *
 * Objects     one struct guest_config, made anew by each case.
 * Locks       none.
 * Lifecycle   a cmocka group.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "guest_cfg.h"
#include "text_sink.h"

#define BASE "name='g1'\ntype='pvh'\nkernel='/guests/vmlinuz'\n"

static struct guest_config g;
static struct text_sink warnings;
static struct msg m;

static void fake_random(void *buf, size_t size) { memset(buf, 0xff, size); }

static int make(const char *text)
{
	struct out warn = text_sink_out(&warnings);
	struct cfg c;
	int rc;

	cfg_init(&c);
	rc = cfg_parse(&c, "g.cfg", text, strlen(text), &m);
	if (!rc)
		rc = guest_config_make(&g, &c, fake_random, &warn, &m);
	cfg_fini(&c);
	return rc;
}

static void good(const char *text)
{
	if (make(text))
		fail_msg("refused: %s", m.text);
}

static void bad(const char *text, const char *start, const char *part)
{
	if (!make(text))
		fail_msg("accepted: %s", text);
	if (strncmp(m.text, start, strlen(start)) != 0 || !strstr(m.text, part))
		fail_msg("'%s' gave '%s'", text, m.text);
}

static void defaults(void **state)
{
	char uuid[UUID_TEXT];

	(void)state;
	good(BASE);
	assert_string_equal(g.name, "g1");
	assert_string_equal(g.kernel, "/guests/vmlinuz");
	assert_string_equal(g.ramdisk, "");
	assert_string_equal(g.cmdline, "");
	assert_int_equal(g.memory, 32);
	assert_int_equal(g.maxmem, 32);
	assert_int_equal(g.vcpus, 1);
	assert_int_equal(g.maxvcpus, 1);
	assert_int_equal(g.weight, 256);
	assert_int_equal(g.cap, 0);
	assert_int_equal(g.on_poweroff, ACTION_DESTROY);
	assert_int_equal(g.on_reboot, ACTION_RESTART);
	assert_int_equal(g.on_crash, ACTION_DESTROY);
	assert_int_equal(g.n_disks, 0);
	assert_int_equal(g.n_vifs, 0);
	uuid_format(g.uuid, uuid);
	assert_string_equal(uuid, "ffffffff-ffff-4fff-bfff-ffffffffffff");
	assert_string_equal(warnings.text, "");
}

static void everything(void **state)
{
	char uuid[UUID_TEXT];

	(void)state;
	good(BASE
		"memory=512; maxmem='1024'\nvcpus=2\nmaxvcpus=4\nramdisk='/guests/i'\nroot='/dev/xvda ro'\n"
		"extra='quiet'\ncpu_weight=512\ncap=50\nuuid='01234567-89ab-CDEF-0123-456789abcdef'\n"
		"on_poweroff='preserve'\non_reboot='rename-restart'\non_crash='restart'\n"
		"disk=['phy:/dev/disk/by-partlabel/r,xvda,w',\n'/dev/disk/by-partlabel/d,,xvdb,ro']\n"
		"vif=['mac=00:16:3E:01:02:0a,bridge=br1,type=vif,model=e1000','']\n");
	assert_int_equal(g.memory, 512);
	assert_int_equal(g.maxmem, 1024);
	assert_int_equal(g.vcpus, 2);
	assert_int_equal(g.maxvcpus, 4);
	assert_string_equal(g.ramdisk, "/guests/i");
	assert_string_equal(g.cmdline, "root=/dev/xvda ro quiet");
	assert_int_equal(g.weight, 512);
	assert_int_equal(g.cap, 50);
	uuid_format(g.uuid, uuid);
	assert_string_equal(uuid, "01234567-89ab-cdef-0123-456789abcdef");
	assert_int_equal(g.on_poweroff, ACTION_PRESERVE);
	assert_int_equal(g.on_reboot, ACTION_RENAME_RESTART);
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

static void command_lines(void **state)
{
	(void)state;
	good(BASE "root='/dev/xvda'");
	assert_string_equal(g.cmdline, "root=/dev/xvda");
	good(BASE "extra='a b'");
	assert_string_equal(g.cmdline, "a b");
	good(BASE "extra='a b'\ncmdline='c'\nroot='d'");
	assert_string_equal(g.cmdline, "c");
	assert_non_null(strstr(warnings.text, "ignored"));
	good(BASE "extra='a b'\ncmdline=''");
	assert_string_equal(g.cmdline, "");
}

static void sizes(void **state)
{
	(void)state;
	good(BASE "maxmem=64");
	assert_int_equal(g.memory, 64);
	good(BASE "memory=63\nmaxmem=63");
	assert_int_equal(g.memory, 64); /* pieces of 2 MiB */
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
	bad("name='a'\nkernel='/k'", "g.cfg: ", "type=\"pvh\"");
	bad("name='a'\ntype='pv'\nkernel='/k'", "g.cfg:2: key 'type': pv", "type=\"pvh\"");
	bad("type='hvm'", "g.cfg:1: key 'type': hvm", "type=\"pvh\"");
	bad("type='x'", "g.cfg:1: key 'type': unknown", "type=\"pvh\"");
	bad("type=['pvh']", "g.cfg:1: key 'type': ", "type=\"pvh\"");
	bad("builder='hvm'", "g.cfg:1: key 'builder': ", "type=\"pvh\"");
	bad("type='pvh'\nkernel='/k'", "g.cfg: key 'name'", "missing");
	bad("type='pvh'\nname='a'", "g.cfg: key 'kernel'", "missing");
	bad("", "g.cfg: ", "type=\"pvh\"");
}

static void names(void **state)
{
	(void)state;
	good("type='pvh'\nkernel='/k'\nname='deb-12.test_x'");
	bad("name=''", "g.cfg:1: key 'name': ", "empty");
	bad("name='a/b'", "g.cfg:1: key 'name': ", "'/'");
	bad("name='a b'", "g.cfg:1: key 'name': ", "spaces");
	bad("name='a\\x01'", "g.cfg:1: key 'name': ", "control");
	bad("name=12", "g.cfg:1: key 'name': ", "domain id");
	bad("name='Domain-0'", "g.cfg:1: key 'name': ", "host");
	good("type='pvh'\nkernel='/k'\nname='a23456789012345678901234567890123456789012345678901234567890123'");
	bad("name='a234567890123456789012345678901234567890123456789012345678901234'",
		"g.cfg:1: key 'name': ", "63");
	bad("name=['a']", "g.cfg:1: key 'name': ", "list");
}

static void keys(void **state)
{
	(void)state;
	bad(BASE "\ncpus='0-3'", "g.cfg:5: key 'cpus': ", "known to Xen but not supported");
	bad(BASE "pci=['01:05.1']", "g.cfg:4: key 'pci': ", "known to Xen");
	bad(BASE "acpi=1", "g.cfg:4: key 'acpi': ", "known to Xen");
	bad(BASE "xend_suspend_evtchn_compat=1", "g.cfg:4: ", "known to Xen");
	bad(BASE "vfb=['vnc=1']", "g.cfg:4: ", "known to Xen");
	bad(BASE "tsc_mode=1", "g.cfg:4: ", "known to Xen");
	bad(BASE "memroy=1", "g.cfg:4: key 'memroy': ", "unknown key");
	bad(BASE "cp=1", "g.cfg:4: key 'cp': ", "unknown key");
	bad(BASE "kernel='vmlinuz'", "g.cfg:4: key 'kernel': ", "full path");
	bad(BASE "uuid='1234'", "g.cfg:4: key 'uuid': ", "UUID");
	bad(BASE "uuid='01234567-89ab-cdef-0123-456789abcdef0'",
		"g.cfg:4: key 'uuid': ", "UUID");
	bad(BASE "uuid='0123456789abcdef0123456789abcdef'", "g.cfg:4: key 'uuid': ", "UUID");
	bad(BASE "uuid='01234567-89ab-cdef-0123-456789abcdeg'",
		"g.cfg:4: key 'uuid': ", "UUID");
}

static void actions(void **state)
{
	(void)state;
	good(BASE "on_crash='coredump-restart'");
	assert_int_equal(g.on_crash, ACTION_COREDUMP_RESTART);
	assert_non_null(strstr(warnings.text, "no core"));
	bad(BASE "on_crash='explode'", "g.cfg:4: key 'on_crash': ", "rename-restart");
	bad(BASE "on_reboot='soft-reset'", "g.cfg:4: key 'on_reboot': ", "not supported");
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
		"g.cfg:4: key 'disk': entry 0: ", "does not exist");
	bad(BASE "disk=['a','a','a','a','a','a','a','a','a']",
		"g.cfg:4: key 'disk': ", "at most 8");
	bad(BASE "vif=['','','','','']", "g.cfg:4: key 'vif': ", "at most 4");
	bad(BASE "vif=['mac=00:16:3e:00:00']", "g.cfg:4: key 'vif': entry 0: ", "six pairs");
	bad(BASE "vif=['', 'mac=00:16:3e:00:00:07',\n'mac=00:16:3E:00:00:07']",
		"g.cfg:5: key 'vif': entry 2: entry 1 has this mac", "mac=");
}

static struct vif_spec v;

static void vif_bad(const char *text, const char *part)
{
	if (!vif_spec_parse(&v, text, &m))
		fail_msg("accepted: %s", text);
	if (!strstr(m.text, part))
		fail_msg("'%s' gave '%s'", text, m.text);
}

static void vifs(void **state)
{
	char mac[VIF_MAC_TEXT];

	(void)state;
	assert_int_equal(vif_spec_parse(&v,
				 " mac=00:16:3E:74:3d:76 , model=rtl8139,\tbridge=xenbr1 ", &m),
		0);
	vif_mac_format(v.mac, mac);
	assert_string_equal(mac, "00:16:3e:74:3d:76");
	assert_string_equal(v.bridge, "xenbr1");
	assert_true(v.mac_given && v.trusted);
	assert_int_equal(
		vif_spec_parse(&v,
			"untrusted,script=vif-bridge,backend=0,mtu=1500,vifname=web.0,", &m),
		0);
	assert_false(v.trusted);
	assert_false(v.mac_given);
	assert_string_equal(v.vifname, "web.0");
	vif_bad("mac=00:16:3e:00:00:00:00", "six pairs");
	vif_bad("mac=00-16-3e-00-00-00", "six pairs");
	vif_bad("mac=0:16:3e:00:00:00", "six pairs");
	vif_bad("mac=", "six pairs");
	vif_bad("mac=01:16:3e:00:00:00", "multicast");
	vif_bad("mac=ff:ff:ff:ff:ff:ff", "multicast");
	vif_bad("mac=00:00:00:00:00:00", "no address");
	vif_bad("type=ioemu", "type=vif");
	vif_bad("type=x", "unknown type");
	vif_bad("rate=100Mb/s@20ms", "rate limit");
	vif_bad("ip=10.0.0.1", "not filtered");
	vif_bad("backend=net", "driver domains");
	vif_bad("script=vif-route", "scripts");
	vif_bad("mtu=9000", "1500");
	vif_bad("bridge=", "empty");
	vif_bad("bridge=a2345678901234567890123456789012", "too long");
	vif_bad("xenbr0", "key=value");
	vif_bad("foo=1", "unknown parameter");
	vif_bad("gatewaydev=eth0", "routed");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults),
		cmocka_unit_test(everything),
		cmocka_unit_test(command_lines),
		cmocka_unit_test(sizes),
		cmocka_unit_test(types),
		cmocka_unit_test(names),
		cmocka_unit_test(keys),
		cmocka_unit_test(actions),
		cmocka_unit_test(devices),
		cmocka_unit_test(vifs),
	};

	return cmocka_run_group_tests_name("control guest", tests, NULL, NULL);
}
