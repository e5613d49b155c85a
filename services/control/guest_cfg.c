/*
 * guest_cfg.c - the keys of a guest's configuration: meaning, defaults, limits
 *
 * Objects     struct make: one configuration being checked; a table of supported keys, a list
 *             of known ones.
 * Locks       none.
 * Lifecycle   pure, but for the random function that the caller passes.
 * Invariants  G1 *g is complete only after 0 was returned
 */
#include <stdio.h>
#include <string.h>

#include "guest_cfg.h"

struct make {
	struct guest_config *g;
	const struct cfg *c;
	guest_random_fn random;
	const struct out *warn;
	struct msg *m;
	bool have_uuid, have_memory, have_maxmem, have_vcpus, have_maxvcpus, have_cmdline;
	char root[GUEST_CMDLINE_MAX + 1], extra[GUEST_CMDLINE_MAX + 1];
};

#define X(sym, name) name,
static const char *const action_names[] = { GUEST_ACTIONS(X) };
#undef X

/* Keys of xl.cfg(5) that this host does not act on. */
static const char known_keys[] =
	" acpi acpi_firmware acpi_laptop_slate acpi_s3 acpi_s4 altp2m altp2mhvm apic bios "
	"bios_path_override boot bootloader bootloader_args channel claim_mode "
	"console_keymap cpuid cpus cpus_soft description device_model device_model_args "
	"device_model_args_hvm device_model_args_pv device_model_override "
	"device_model_stubdomain_override device_model_stubdomain_seclabel "
	"device_model_user device_model_version device_tree dm_restrict driver_domain dtdev "
	"e820_host features firmware firmware_override gfx_passthru gic_version hap hdtype "
	"hpet init_seclabel iomem ioports irqs keymap localtime max_event_channels "
	"max_grant_frames max_grant_version max_maptrack_frames mca_caps mmio_hole "
	"ms_vm_genid msr_relaxed nestedhvm nodes nographic nomigrate nx on_soft_reset "
	"on_watchdog oos opengl p9 pae passthrough pci pci_msitranslate pci_permissive "
	"pci_power_mgmt pci_seize pool pvcalls pvh pvshim pvshim_cmdline pvshim_extra "
	"pvshim_path rdm rdm_mem_boundary rtc_timeoffset sched scsi sdl seclabel serial "
	"shadow_memory smbios_firmware soundhw spice spice_clipboard_sharing "
	"spice_image_compression spice_streaming_video spiceagent_mouse "
	"spicedisable_ticketing spicehost spicepasswd spiceport spicetls_port "
	"spiceusbredirection spicevdagent stdvga stubdomain_cmdline stubdomain_kernel "
	"stubdomain_memory stubdomain_ramdisk suppress_spurious_page_faults tee timer_mode "
	"tsc_mode usb usbctrl usbdev usbdevice usbversion vcpu_hard_affinity vdispl "
	"vendor_device vfb vga videoram viridian virtio vkb vkb_device vmtrace_buf_kb vnc "
	"vncconsole vncdisplay vnclisten vncpasswd vncunused vncviewer vnuma vpmu vpt_align "
	"vscsi vsnd vtpm vuart xen_platform_pci xend_suspend_evtchn_compat ";

const char *guest_action_name(enum guest_action a)
{
	return a < ACTION_COUNT ? action_names[a] : "?";
}

static int text_value(struct make *k, const struct cfg_setting *s, char *to, size_t size)
{
	if (s->value->kind == CFG_LIST)
		return cfg_complain(
			s, k->m, "a list is not allowed here; give a string in quotes");
	if (strlen(s->value->text) >= size)
		return cfg_complain(s, k->m, "too long; at most %zu bytes", size - 1);
	strcpy(to, s->value->text);
	return 0;
}

static int number_value(
	struct make *k, const struct cfg_setting *s, uint32_t low, uint32_t high, uint32_t *to)
{
	int64_t n;

	if (cfg_number(s->value, &n))
		return cfg_complain(s, k->m, "'%.40s' is not a number; give one from %u to %u",
			s->value->kind == CFG_LIST ? "[...]" : s->value->text, low, high);
	if (n < low || n > high)
		return cfg_complain(s, k->m,
			"%lld is out of range; give a number from %u to %u", (long long)n, low,
			high);
	*to = (uint32_t)n;
	return 0;
}

int guest_name_check(const char *name, struct msg *m)
{
	const char *p;
	bool digits = true;

	if (!*name)
		return msg_fail(m, "a guest's name cannot be empty; give it one");
	if (strlen(name) > GUEST_NAME_MAX)
		return msg_fail(
			m, "a guest's name has at most %d bytes; shorten it", GUEST_NAME_MAX);
	for (p = name; *p; p++) {
		if ((unsigned char)*p <= ' ' || *p == 127 || *p == '/')
			return msg_fail(m,
				"a guest's name cannot contain '/', spaces or control characters; "
				"use letters, digits, - _ .");
		digits = digits && *p >= '0' && *p <= '9';
	}
	if (digits)
		return msg_fail(
			m, "the name '%s' would be taken for a domain id; add a letter", name);
	if (strcmp(name, "Domain-0") == 0)
		return msg_fail(m, "the name Domain-0 is the host's own; choose another");
	return 0;
}

static int take_name(struct make *k, const struct cfg_setting *s)
{
	struct msg why;
	int rc = text_value(k, s, k->g->name, sizeof(k->g->name));

	if (rc)
		return rc;
	if (guest_name_check(k->g->name, &why))
		return cfg_complain(s, k->m, "%s", why.text);
	return 0;
}

static int take_type(struct make *k, const struct cfg_setting *s)
{
	const char *text = s->value->kind == CFG_LIST ? "[...]" : s->value->text;

	if (strcmp(text, "pvh") == 0)
		return 0;
	if (strcmp(text, "pv") == 0 || strcmp(text, "hvm") == 0)
		return cfg_complain(
			s, k->m, "%s guests are not supported yet; use type=\"pvh\"", text);
	return cfg_complain(s, k->m, "unknown guest type '%.40s'; use type=\"pvh\"", text);
}

/* The older spelling of type=. */
static int take_builder(struct make *k, const struct cfg_setting *s)
{
	return cfg_complain(s, k->m, "this key is obsolete; remove it and use type=\"pvh\"");
}

static int take_memory(struct make *k, const struct cfg_setting *s)
{
	k->have_memory = true;
	return number_value(k, s, 4, GUEST_MEMORY_MAX, &k->g->memory);
}

static int take_maxmem(struct make *k, const struct cfg_setting *s)
{
	k->have_maxmem = true;
	return number_value(k, s, 4, GUEST_MEMORY_MAX, &k->g->maxmem);
}

static int take_vcpus(struct make *k, const struct cfg_setting *s)
{
	k->have_vcpus = true;
	return number_value(k, s, 1, GUEST_VCPUS_MAX, &k->g->vcpus);
}

static int take_maxvcpus(struct make *k, const struct cfg_setting *s)
{
	k->have_maxvcpus = true;
	return number_value(k, s, 1, GUEST_VCPUS_MAX, &k->g->maxvcpus);
}

static int path_value(struct make *k, const struct cfg_setting *s, char *to, size_t size)
{
	int rc = text_value(k, s, to, size);

	if (!rc && *to && *to != '/')
		return cfg_complain(s, k->m,
			"'%.100s' is not a full path; write it like /guests/vmlinuz", to);
	return rc;
}

static int take_kernel(struct make *k, const struct cfg_setting *s)
{
	return path_value(k, s, k->g->kernel, sizeof(k->g->kernel));
}

static int take_ramdisk(struct make *k, const struct cfg_setting *s)
{
	return path_value(k, s, k->g->ramdisk, sizeof(k->g->ramdisk));
}

static int take_cmdline(struct make *k, const struct cfg_setting *s)
{
	k->have_cmdline = true;
	return text_value(k, s, k->g->cmdline, sizeof(k->g->cmdline));
}

static int take_root(struct make *k, const struct cfg_setting *s)
{
	return text_value(k, s, k->root, sizeof(k->root));
}

static int take_extra(struct make *k, const struct cfg_setting *s)
{
	return text_value(k, s, k->extra, sizeof(k->extra));
}

static int take_uuid(struct make *k, const struct cfg_setting *s)
{
	k->have_uuid = true;
	if (s->value->kind == CFG_LIST || uuid_parse_text(s->value->text, k->g->uuid))
		return cfg_complain(s, k->m,
			"not a UUID; write 8-4-4-4-12 hexadecimal digits, or remove it");
	return 0;
}

static int take_action(struct make *k, const struct cfg_setting *s, enum guest_action *to)
{
	const char *text = s->value->kind == CFG_LIST ? "[...]" : s->value->text;
	int i;

	if (strcmp(text, "soft-reset") == 0)
		return cfg_complain(
			s, k->m, "soft-reset is not supported; use destroy or restart");
	for (i = 0; i < ACTION_COUNT && strcmp(text, action_names[i]) != 0; i++)
		continue;
	if (i == ACTION_COUNT)
		return cfg_complain(s, k->m,
			"unknown action '%.40s'; use destroy, restart, rename-restart, "
			"preserve, coredump-destroy or coredump-restart",
			text);
	*to = (enum guest_action)i;
	if (i == ACTION_COREDUMP_DESTROY || i == ACTION_COREDUMP_RESTART)
		out_fmt(k->warn,
			"%s:%u: key '%s': no core is written on this host; the guest is just %s\n",
			s->source, s->line, s->key,
			i == ACTION_COREDUMP_DESTROY ? "destroyed" : "restarted");
	return 0;
}

static int take_on_poweroff(struct make *k, const struct cfg_setting *s)
{
	return take_action(k, s, &k->g->on_poweroff);
}

static int take_on_reboot(struct make *k, const struct cfg_setting *s)
{
	return take_action(k, s, &k->g->on_reboot);
}

static int take_on_crash(struct make *k, const struct cfg_setting *s)
{
	return take_action(k, s, &k->g->on_crash);
}

static int take_weight(struct make *k, const struct cfg_setting *s)
{
	return number_value(k, s, 1, 65535, &k->g->weight);
}

static int take_cap(struct make *k, const struct cfg_setting *s)
{
	return number_value(k, s, 0, GUEST_CAP_MAX, &k->g->cap);
}

/* Errors of a list's item name its line. */
static int item_fail(struct make *k, const struct cfg_setting *s, const struct cfg_value *item,
	unsigned int index, const struct msg *why)
{
	struct cfg_setting at = *s;

	if (at.line)
		at.line = item->line;
	return cfg_complain(&at, k->m, "entry %u: %s", index, why->text);
}

static int check_list(struct make *k, const struct cfg_setting *s, unsigned int most)
{
	const struct cfg_value *item;
	unsigned int n = 0;

	if (s->value->kind != CFG_LIST)
		return cfg_complain(s, k->m, "must be a list; write %s = [ '...' ]", s->key);
	for (item = s->value->first; item; item = item->next, n++)
		if (item->kind != CFG_STRING)
			return cfg_complain(
				s, k->m, "entry %u must be a string; put it in quotes", n);
	if (n > most)
		return cfg_complain(s, k->m, "%u entries are too many; at most %u", n, most);
	return 0;
}

static int check_disk(
	struct make *k, const struct cfg_value *item, struct guest_disk *d, struct msg *why)
{
	const struct guest_disk *other;
	int rc;

	rc = disk_spec_parse(&d->spec, item->text, why);
	if (!rc)
		rc = disk_spec_check(&d->spec, d->label, why);
	for (other = k->g->disks; !rc && other < d; other++)
		if (other->spec.number == d->spec.number)
			rc = msg_fail(why, "vdev %s is used by two disks; give each its own",
				d->spec.vdev);
	return rc;
}

static int take_disk(struct make *k, const struct cfg_setting *s)
{
	const struct cfg_value *item;
	struct msg why;
	int rc = check_list(k, s, GUEST_DISKS_MAX);

	if (rc)
		return rc;
	for (item = s->value->first; item; item = item->next, k->g->n_disks++)
		if (check_disk(k, item, &k->g->disks[k->g->n_disks], &why))
			return item_fail(k, s, item, k->g->n_disks, &why);
	return 0;
}

/* No two of one guest have the same address; the one before, or -1. */
static int same_mac(const struct guest_config *g, const struct vif_spec *v)
{
	for (uint32_t i = 0; i < g->n_vifs; i++)
		if (memcmp(g->vifs[i].mac, v->mac, sizeof(v->mac)) == 0)
			return (int)i;
	return -1;
}

static int take_vif(struct make *k, const struct cfg_setting *s)
{
	const struct cfg_value *item;
	struct vif_spec *v;
	struct msg why;
	uint8_t bytes[3];
	int rc = check_list(k, s, GUEST_VIFS_MAX);

	if (rc)
		return rc;
	for (item = s->value->first; item; item = item->next, k->g->n_vifs++) {
		v = &k->g->vifs[k->g->n_vifs];
		if (vif_spec_parse(v, item->text, &why))
			return item_fail(k, s, item, k->g->n_vifs, &why);
		if (!v->mac_given) {
			k->random(bytes, sizeof(bytes));
			vif_spec_random_mac(v, bytes);
		}
		if (same_mac(k->g, v) >= 0) {
			msg_fail(&why, "entry %d has this mac already; change mac=",
				same_mac(k->g, v));
			return item_fail(k, s, item, k->g->n_vifs, &why);
		}
	}
	return 0;
}

#define GUEST_KEYS(X) \
	X(name) \
	X(type) \
	X(memory) \
	X(maxmem) \
	X(vcpus) \
	X(maxvcpus) \
	X(kernel) \
	X(ramdisk) \
	X(cmdline) \
	X(root) X(extra) X(disk) X(vif) X(uuid) X(on_poweroff) X(on_reboot) X(on_crash)

#define X(key) { #key, take_##key },
static const struct {
	const char *key;
	int (*take)(struct make *, const struct cfg_setting *);
} keys[] = {
	GUEST_KEYS(X){ "cpu_weight", take_weight },
	{ "cap", take_cap },
	{ "builder", take_builder },
};
#undef X

static int take(struct make *k, const struct cfg_setting *s)
{
	char word[CFG_KEY_MAX + 3];
	size_t i;

	for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (strcmp(s->key, keys[i].key) == 0)
			return keys[i].take(k, s);
	snprintf(word, sizeof(word), " %.63s ", s->key);
	if (strstr(known_keys, word))
		return cfg_complain(
			s, k->m, "known to Xen but not supported here; remove this line");
	return cfg_complain(
		s, k->m, "unknown key; check its spelling, or see `help create` for the keys");
}

static const char *source_of(const struct cfg *c)
{
	return c->file ? c->file : "configuration";
}

static int finish_sizes(struct make *k)
{
	struct guest_config *g = k->g;

	if (!k->have_memory)
		g->memory = k->have_maxmem ? g->maxmem : 32;
	if (!k->have_maxmem)
		g->maxmem = g->memory;
	if (g->maxmem < g->memory)
		return cfg_complain(cfg_find(k->c, "maxmem"), k->m,
			"%u is less than memory=%u; raise it", g->maxmem, g->memory);
	g->memory = guest_memory_round(g->memory);
	g->maxmem = guest_memory_round(g->maxmem);
	if (!k->have_vcpus)
		g->vcpus = 1;
	if (!k->have_maxvcpus)
		g->maxvcpus = g->vcpus;
	if (g->maxvcpus < g->vcpus)
		return cfg_complain(cfg_find(k->c, "maxvcpus"), k->m,
			"%u is less than vcpus=%u; raise it", g->maxvcpus, g->vcpus);
	return 0;
}

/* cmdline= alone, or root= and extra= together. */
static int finish_cmdline(struct make *k)
{
	char *to = k->g->cmdline;
	size_t size = sizeof(k->g->cmdline);
	int n;

	if (k->have_cmdline) {
		if (k->root[0] || k->extra[0])
			out_fmt(k->warn,
				"%s: root= and extra= are ignored, since cmdline= is given\n",
				source_of(k->c));
		return 0;
	}
	n = snprintf(to, size, "%s%s%s%s", k->root[0] ? "root=" : "", k->root,
		k->root[0] && k->extra[0] ? " " : "", k->extra);
	if (n < 0 || (size_t)n >= size)
		return cfg_complain(cfg_find(k->c, "extra"), k->m,
			"root= and extra= together are too long; at most "
			"%d bytes",
			GUEST_CMDLINE_MAX);
	return 0;
}

static int missing(struct make *k, const char *what)
{
	return msg_fail(k->m, "%s: %s", source_of(k->c), what);
}

static int finish(struct make *k)
{
	int rc;

	if (!cfg_find(k->c, "type"))
		return missing(k,
			"key 'type' is missing, which means a pv guest; pv is not supported yet, "
			"add type=\"pvh\"");
	if (!k->g->name[0])
		return missing(k, "key 'name' is missing; add name=\"...\"");
	if (!k->g->kernel[0])
		return missing(k,
			"key 'kernel' is missing; add kernel=\"/guests/...\", a pvh guest has no firmware");
	rc = finish_sizes(k);
	if (!rc)
		rc = finish_cmdline(k);
	if (!rc && !k->have_uuid)
		uuid_make_random(k->g->uuid, k->random);
	return rc;
}

int guest_config_make(struct guest_config *g, const struct cfg *c, guest_random_fn random,
	const struct out *warn, struct msg *m)
{
	struct make k = { .g = g, .c = c, .random = random, .warn = warn, .m = m };
	const struct cfg_setting *s;
	int rc;

	memset(g, 0, sizeof(*g));
	g->weight = GUEST_WEIGHT_DEFAULT;
	g->on_poweroff = ACTION_DESTROY;
	g->on_reboot = ACTION_RESTART;
	g->on_crash = ACTION_DESTROY;
	for (s = c->first; s; s = s->next) {
		rc = take(&k, s);
		if (rc)
			return rc;
	}
	return finish(&k); /* G1 */
}
