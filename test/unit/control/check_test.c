/* SPDX-License-Identifier: BSD-2-Clause */
/* check_test.c - configurations that a hostile client of control may send */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "guest/config_check.h"
#include "guest_make.h"

#define PARTS_OF_THREE \
	"vif=['mac=00:16:3e:00:00:01,ip=192.0.2.7','mac=00:16:3e:00:00:02']\n" \
	"disk=['" LABEL "a,,xvda','" LABEL "b,,xvdb',',,hdc,cdrom']\n" \
	"ramdisk='/guests/i'\n"

static void begin(void) { good(BASE PARTS_OF_THREE); }

/* The configuration as it was changed since begin() is refused, for this field. */
static void wrong(const char *field)
{
	const char *said_wrong = guest_config_check(&g);

	if (!said_wrong || strcmp(said_wrong, field) != 0)
		fail_msg("%s instead of %s", said_wrong ? said_wrong : "accepted", field);
	begin();
}

static void fill(char *text, size_t size) { memset(text, 'x', size); }
#define FILL(field) fill(field, sizeof(field))

static void what_the_parser_makes(void **state)
{
	(void)state;
	begin();
	assert_null(guest_config_check(&g));
	good(PV PARTS_OF_THREE "pvshim=1\nmemory=5\nmaxmem=7\nvcpus=2\nmaxvcpus=8\n");
	assert_null(guest_config_check(&g));
	assert_int_equal(g.memory, 6);
}

static void texts_without_an_end(void **state)
{
	(void)state;
	begin();
	FILL(g.name), wrong("name");
	FILL(g.kernel), wrong("kernel");
	FILL(g.bootloader), wrong("bootloader");
	FILL(g.cmdline), wrong("cmdline");
	FILL(g.shim.path), wrong("pvshim");
	FILL(g.shim.cmdline), wrong("pvshim");
	FILL(g.shim.extra), wrong("pvshim");
	FILL(g.modules[0].path), wrong("path of a module");
	FILL(g.modules[0].args), wrong("path of a module");
	FILL(g.disks[1].spec.target), wrong("target of a disk");
	FILL(g.disks[1].spec.vdev), wrong("vdev of a disk");
	FILL(g.disks[1].spec.script), wrong("script of a disk");
	FILL(g.disks[1].spec.backend), wrong("backend of a disk");
	FILL(g.disks[1].spec.backendtype), wrong("backendtype of a disk");
	FILL(g.disks[1].spec.specification), wrong("specification of a disk");
	FILL(g.disks[1].label), wrong("label of a disk");
	FILL(g.disks[2].spec.vdev), wrong("vdev of a disk");
	FILL(g.vifs[1].bridge), wrong("bridge of a vif");
	FILL(g.vifs[1].network), wrong("bridge of a vif");
	FILL(g.vifs[1].model), wrong("model of a vif");
	FILL(g.vifs[1].vifname), wrong("vifname of a vif");
	FILL(g.vifs[1].gatewaydev), wrong("gatewaydev of a vif");
	FILL(g.vifs[1].ip), wrong("ip of a vif");
}

static void numbers_out_of_range(void **state)
{
	(void)state;
	begin();
	g.type = GUEST_TYPE_COUNT, wrong("type");
	g.vcpus = 0, wrong("vcpus");
	g.vcpus = g.maxvcpus + 1, wrong("vcpus");
	g.maxvcpus = GUEST_VCPUS_MAX + 1, wrong("vcpus");
	g.memory = 0, wrong("memory");
	g.memory = g.maxmem + 2, wrong("memory");
	g.memory = 31, wrong("memory");
	g.maxmem = GUEST_MEMORY_MAX + 2, wrong("memory");
	g.weight = 0, wrong("cpu_weight");
	g.weight = GUEST_WEIGHT_MAX + 1, wrong("cpu_weight");
	g.cap = GUEST_CAP_MAX + 1, wrong("cap");
	g.on_poweroff = ACTION_COUNT, wrong("on_poweroff");
	g.on_reboot = ACTION_COUNT, wrong("on_reboot");
	g.on_watchdog = ACTION_COUNT, wrong("on_watchdog");
	g.on_crash = ACTION_COUNT, wrong("on_crash");
	g.shim.wanted = 2, wrong("pvshim");
	g.name[0] = '/', wrong("name");
	g.name[0] = '\0', wrong("name");
	g.kernel[0] = '\0', wrong("kernel");
}

static void numbers_of_parts(void **state)
{
	(void)state;
	begin();
	g.n_modules = UINT32_MAX, wrong("number of modules");
	g.n_modules = GUEST_MODULES_MAX, g.shim.wanted = 1, wrong("number of modules");
	g.n_disks = GUEST_DISKS_MAX + 1, wrong("number of disks");
	g.n_vifs = GUEST_VIFS_MAX + 1, wrong("number of vifs");
	good(BASE PARTS);
	g.n_modules = GUEST_MODULES_MAX, wrong("number of disks, vifs and modules");
}

static void devices(void **state)
{
	(void)state;
	begin();
	g.disks[1].spec.format = DISK_FORMAT_COUNT, wrong("format of a disk");
	g.disks[1].spec.trusted = 2, wrong("switches of a disk");
	g.disks[1].label[0] = '\0', wrong("label of a disk");
	g.disks[1].seat = GUEST_DISKS_MAX, wrong("seat of a disk");
	g.disks[1].seat = g.disks[0].seat, wrong("number of a device");
	g.disks[1].spec.number = g.disks[0].spec.number, wrong("number of a device");
	g.disks[2].spec.cdrom = 0, wrong("label of a disk");
	g.disks[2].label[0] = 'x', wrong("label of a disk");
	g.vifs[1].devid = -1, wrong("number of a device");
	g.vifs[1].devid = GUEST_VIFS_MAX, wrong("number of a device");
	g.vifs[1].devid = 0, wrong("number of a device");
	g.vifs[1].mac[0] = 1, wrong("mac of a vif");
	g.vifs[1].trusted = 2, wrong("switches of a vif");
	g.vifs[1].network[0] = '\0', wrong("bridge of a vif");
	g.vifs[1].mtu = VIF_MTU + 1, wrong("mtu of a vif");
	g.vifs[0].n_sources = NET_RANGES + 1, wrong("ip of a vif");
	g.vifs[0].source[0].bits = 129, wrong("ip of a vif");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_the_parser_makes),
		cmocka_unit_test(texts_without_an_end),
		cmocka_unit_test(numbers_out_of_range),
		cmocka_unit_test(numbers_of_parts),
		cmocka_unit_test(devices),
	};

	return cmocka_run_group_tests_name("checks of configurations", tests, NULL, NULL);
}
