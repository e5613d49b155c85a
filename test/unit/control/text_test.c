/* SPDX-License-Identifier: BSD-2-Clause */
/* text_test.c - a configuration that is written as a text and read again is the same */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "config/guest_json.h"
#include "config/guest_write.h"
#include "guest_make.h"

static struct text_sink json[2], text[2];

static void written(int i)
{
	struct out jo = text_sink_out(&json[i]), to = text_sink_out(&text[i]);
	struct json j = json_object(&jo, 0);

	guest_json(&j, &g);
	json_close(&j, '}');
	guest_config_write(&to, &g);
}

/* Read it, write it, and read what was written. */
static void round_trip(const char *from)
{
	static struct guest_config first;

	good(from);
	written(0);
	first = g;
	good(text[0].text);
	written(1);
	assert_string_equal(json[0].text, json[1].text);
	assert_string_equal(text[0].text, text[1].text);
	assert_int_equal(g.n_modules, first.n_modules);
	assert_memory_equal(g.modules, first.modules, sizeof(g.modules));
	assert_memory_equal(g.uuid, first.uuid, sizeof(g.uuid));
	assert_memory_equal(&g.shim, &first.shim, sizeof(g.shim));
	assert_int_equal(g.type, first.type);
	assert_memory_equal(g.cpus, first.cpus, sizeof(g.cpus));
	assert_memory_equal(g.cpus_soft, first.cpus_soft, sizeof(g.cpus_soft));
	for (uint32_t i = 0; i < g.n_disks; i++) {
		assert_string_equal(g.disks[i].label, first.disks[i].label);
		assert_string_equal(
			g.disks[i].spec.backendtype, first.disks[i].spec.backendtype);
	}
	for (uint32_t i = 0; i < g.n_vifs; i++) {
		assert_int_equal(g.vifs[i].devid, first.vifs[i].devid);
		assert_memory_equal(g.vifs[i].mac, first.vifs[i].mac, VIF_MAC_SIZE);
		assert_string_equal(g.vifs[i].ip, first.vifs[i].ip);
	}
}

static void configurations_stay_the_same(void **state)
{
	(void)state;
	round_trip(BASE);
	round_trip(PV "ramdisk='/guests/i'\nmemory=64\n");
	round_trip(BASE
		"memory=512; maxmem='1024'\nvcpus=2\nmaxvcpus=4\nramdisk='/guests/i'\nroot='/dev/xvda ro'\n"
		"extra='quiet'\ncpu_weight=512\ncap=50\nuuid='01234567-89ab-CDEF-0123-456789abcdef'\n"
		"on_poweroff='preserve'\non_reboot='rename-restart'\non_watchdog='preserve'\non_crash='coredump-restart'\n"
		"disk=['phy:" LABEL "r,xvda,w',\n'" LABEL
		"d,,xvdb,ro,no-discard,untrusted,direct-io-safe,backendtype=phy','vdev=xvdd,format=empty,devtype=cdrom','format=raw,vdev=xvdc,access=ro,devtype=cdrom,target=" LABEL
		"c']\n"
		"vif=['mac=00:16:3E:01:02:0a,bridge=br1,type=vif,model=e1000,rate=10Mb/s@50ms','ip=10.0.0.1 10.0.0.2,mtu=1400,vifname=up,untrusted']\n");
	round_trip(BASE PARTS);
	round_trip(
		"name='g1'\ntype='pvh'\nbootloader='pygrub'\ndisk=['phy:" LABEL "r,xvda,w']\n");
	round_trip(BASE
		"pvshim=1\npvshim_path='/guests/shim'\npvshim_cmdline='a'\npvshim_extra='b c'\n");
	round_trip(BASE "vcpus=4\ncpus=['0','all','0-3,^2']\ncpus_soft='1-2'\n");
	round_trip(BASE "ramdisk=['/guests/i','/guests/m one two']\n");
}

static void strange_characters_are_escaped(void **state)
{
	(void)state;
	round_trip(BASE "cmdline='a \"quoted\" \\'word\\', a \\\\ and \\011 a tab'\n");
	assert_string_equal(g.cmdline, "a \"quoted\" 'word', a \\ and \t a tab");
}

static void rates_do_not_shrink(void **state)
{
	(void)state;
	for (uint64_t bytes = 1; bytes < 100000000; bytes = bytes * 7 + 3)
		for (uint32_t us = 1; us <= 1000000; us = us * 3 + 1) {
			good(BASE "vif=['rate=1MB/s']\n");
			g.vifs[0].rate_bytes = bytes;
			g.vifs[0].rate_us = us;
			written(0);
			if (make(text[0].text))
				continue; /* a rate that no file can ask for */
			assert_int_equal(g.vifs[0].rate_bytes, bytes);
			assert_int_equal(g.vifs[0].rate_us, us);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(configurations_stay_the_same),
		cmocka_unit_test(strange_characters_are_escaped),
		cmocka_unit_test(rates_do_not_shrink),
	};

	return cmocka_run_group_tests_name("guest text", tests, NULL, NULL);
}
