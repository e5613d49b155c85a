/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * config_check.c - each field of a configuration, as if its writer were hostile
 *
 * Invariants  CHECK1 what the check accepts can be copied by strcpy() from any text field
 */
#include "guest/config_check.h"

#include <string.h>

#include "base/array.h"
#include "toolstack/guest_text.h"

#define TEXT_OK(field) (memchr((field), 0, sizeof(field)) != NULL)

/* Rows of a check, in their order; the first that does not hold is the answer. */
struct rule {
	bool holds;
	const char *field;
};

static const char *rules_check(const struct rule *r, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!r[i].holds)
			return r[i].field;
	return NULL;
}

static const char *disk_spec_wrong(const struct disk_spec *d)
{
	const struct rule rules[] = {
		{ TEXT_OK(d->target), "target of a disk" },
		{ TEXT_OK(d->vdev) && d->vdev[0], "vdev of a disk" },
		{ TEXT_OK(d->script), "script of a disk" },
		{ TEXT_OK(d->backend), "backend of a disk" },
		{ TEXT_OK(d->backendtype), "backendtype of a disk" },
		{ TEXT_OK(d->specification), "specification of a disk" },
		{ d->format < DISK_FORMAT_COUNT, "format of a disk" },
		{ (d->readonly | d->cdrom | d->direct_io_safe | d->discard | d->trusted |
			  d->colo) <= 1,
			"switches of a disk" },
	};

	return rules_check(rules, ARRAY_SIZE(rules));
}

bool guest_label_ok(const char label[DISK_LABEL_SIZE])
{
	return label[0] && memchr(label, 0, DISK_LABEL_SIZE) != NULL;
}

const char *guest_disk_check(const struct guest_disk *d)
{
	const char *wrong = disk_spec_wrong(&d->spec);

	if (wrong)
		return wrong;
	if (!TEXT_OK(d->label) || !d->label[0] != disk_spec_empty(&d->spec))
		return "label of a disk";
	return d->seat < GUEST_DISKS_MAX ? NULL : "seat of a disk";
}

static bool sources_ok(const struct vif_spec *v)
{
	if (v->n_sources > NET_RANGES)
		return false;
	for (uint32_t i = 0; i < v->n_sources; i++)
		if (v->source[i].bits > 128)
			return false;
	return true;
}

const char *guest_vif_check(const struct vif_spec *v)
{
	const struct rule rules[] = {
		{ !(v->mac[0] & 1), "mac of a vif" },
		{ (v->mac_given | v->trusted) <= 1, "switches of a vif" },
		{ TEXT_OK(v->bridge) && TEXT_OK(v->network) && v->network[0],
			"bridge of a vif" },
		{ TEXT_OK(v->model), "model of a vif" },
		{ TEXT_OK(v->vifname), "vifname of a vif" },
		{ TEXT_OK(v->gatewaydev), "gatewaydev of a vif" },
		{ TEXT_OK(v->ip) && sources_ok(v), "ip of a vif" },
		{ v->mtu <= VIF_MTU, "mtu of a vif" },
	};

	return rules_check(rules, ARRAY_SIZE(rules));
}

/* Each disk has a seat and a number of its own, and each vif a number. */
static bool seats_ok(const struct guest_config *c)
{
	uint32_t seats = 0, i, k;

	for (i = 0; i < c->n_disks; i++) {
		seats |= 1u << c->disks[i].seat;
		for (k = 0; k < i; k++)
			if (c->disks[k].spec.number == c->disks[i].spec.number)
				return false;
	}
	for (i = 0; i < c->n_vifs; i++) {
		if (c->vifs[i].devid < 0 || c->vifs[i].devid >= GUEST_VIFS_MAX)
			return false;
		seats |= 1u << (GUEST_DISKS_MAX + c->vifs[i].devid);
	}
	return (uint32_t)__builtin_popcount(seats) == c->n_disks + c->n_vifs;
}

static const char *devices_check(const struct guest_config *c)
{
	const char *wrong = NULL;

	for (uint32_t i = 0; !wrong && i < c->n_disks; i++)
		wrong = guest_disk_check(&c->disks[i]);
	for (uint32_t i = 0; !wrong && i < c->n_vifs; i++)
		wrong = guest_vif_check(&c->vifs[i]);
	return wrong ? wrong : seats_ok(c) ? NULL : "number of a device";
}

static const char *parts_check(const struct guest_config *c)
{
	const struct rule rules[] = {
		{ c->n_modules <= GUEST_MODULES_MAX && guest_modules(c) <= GUEST_MODULES_MAX,
			"number of modules" },
		{ c->n_disks <= GUEST_DISKS_MAX, "number of disks" },
		{ c->n_vifs <= GUEST_VIFS_MAX, "number of vifs" },
	};
	const char *wrong = rules_check(rules, ARRAY_SIZE(rules));

	if (wrong)
		return wrong;
	if (guest_modules(c) + c->n_disks + c->n_vifs > GUEST_PARTS_MAX)
		return "number of disks, vifs and modules";
	for (uint32_t i = 0; i < c->n_modules; i++)
		if (!TEXT_OK(c->modules[i].path) || !TEXT_OK(c->modules[i].args))
			return "path of a module";
	return devices_check(c);
}

static bool name_ok(const char *name, size_t size)
{
	struct msg why;

	return memchr(name, 0, size) && guest_name_check(name, &why) == 0;
}

const char *guest_config_check(const struct guest_config *c)
{
	const struct rule rules[] = {
		{ c->type < GUEST_TYPE_COUNT, "type" },
		{ name_ok(c->name, sizeof(c->name)), "name" },
		{ c->shim.wanted <= 1 && TEXT_OK(c->shim.path) && TEXT_OK(c->shim.cmdline) &&
				TEXT_OK(c->shim.extra),
			"pvshim" },
		{ TEXT_OK(c->kernel) && c->kernel[0], "kernel" },
		{ TEXT_OK(c->bootloader), "bootloader" },
		{ TEXT_OK(c->cmdline), "cmdline" },
		{ c->vcpus && c->vcpus <= c->maxvcpus && c->maxvcpus <= GUEST_VCPUS_MAX,
			"vcpus" },
		{ c->memory && c->memory <= c->maxmem && c->maxmem <= GUEST_MEMORY_MAX &&
				!((c->memory | c->maxmem) & 1),
			"memory" },
		{ c->mem_max <= c->maxmem && !(c->mem_max & 1), "mem-max" },
		{ c->weight && c->weight <= GUEST_WEIGHT_MAX, "cpu_weight" },
		{ c->cap <= GUEST_CAP_MAX, "cap" },
		{ c->on_poweroff < ACTION_COUNT, "on_poweroff" },
		{ c->on_reboot < ACTION_COUNT, "on_reboot" },
		{ c->on_watchdog < ACTION_COUNT, "on_watchdog" },
		{ c->on_crash < ACTION_COUNT, "on_crash" },
		{ TEXT_OK(c->core_label), "label of the partition for cores" },
	};
	const char *wrong = rules_check(rules, ARRAY_SIZE(rules));

	return wrong ? wrong : parts_check(c);
}
