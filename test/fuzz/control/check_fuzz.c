/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check_fuzz.c - a configuration of any bytes: what control accepts, it can use
 *
 * The input is laid over a configuration that is right, so that single fields go wrong.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "guest/config_check.h"
#include "guest/machine.h"
#include "toolstack/guest_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void good(struct guest_config *c)
{
	*c = (struct guest_config){ .name = "web",
		.kernel = "/guests/vmlinuz",
		.memory = 64,
		.maxmem = 64,
		.vcpus = 1,
		.maxvcpus = 1,
		.weight = 256,
		.n_modules = 1,
		.n_disks = 1,
		.n_vifs = 1,
		.disks = { { .spec = { .vdev = "xvda", .number = 51712 }, .label = "root" } },
		.vifs = { { .network = "xenbr0" } } };
}

static void must(bool holds)
{
	if (!holds)
		abort();
}

/* What building a guest does with its configuration. */
static void use(const struct guest_config *c)
{
	char text[VM_CMDLINE_MAX], mac[VIF_MAC_TEXT], name[GUEST_NAME_MAX + 1];
	char path[GUEST_PATH_MAX + 1], label[DISK_LABEL_SIZE], network[VIF_NAME_MAX + 1];

	strcpy(name, c->name);
	strcpy(path, machine_kernel(c));
	machine_cmdline(c, text);
	must(guest_modules(c) <= VM_MODULES_MAX);
	for (uint32_t i = 0; i < guest_modules(c); i++) {
		strcpy(path, machine_module(c, i));
		must(strlen(machine_module_args(c, i)) < VM_MODULE_ARGS_MAX);
	}
	for (uint32_t i = 0; i < c->n_disks; i++)
		strcpy(label, c->disks[i].label);
	for (uint32_t i = 0; i < c->n_vifs; i++) {
		strcpy(network, c->vifs[i].network);
		vif_mac_format(c->vifs[i].mac, mac);
	}
	must(machine_memory(c) <= machine_maxmem(c) && machine_maxmem(c) >= c->maxmem);
}

/* Two bytes of place, one of length, and so many bytes; again and again. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct guest_config c;

	good(&c);
	while (size > 3) {
		size_t at = (data[0] | (size_t)data[1] << 8) % sizeof(c), n = data[2];

		data += 3;
		size -= 3;
		n = n < size ? n : size;
		n = n < sizeof(c) - at ? n : sizeof(c) - at;
		memcpy((uint8_t *)&c + at, data, n);
		data += n;
		size -= n;
	}
	if (!guest_config_check(&c))
		use(&c);
	return 0;
}
