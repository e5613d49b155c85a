/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * guest_keys.c - keys that this host does not act on
 *
 * `foreign` says what xl 4.17 does with each key in the file of a pvh or pv guest, as found
 * with its dry run. xl silently ignores a key that it does not know. Here there is a remark,
 * because the key may be misspelt.
 */
#include "config/guest_keys.h"

#include <stdio.h>
#include <string.h>

#include "base/array.h"
struct foreign {
	/* each between blanks */
	const char *keys;
	/* values that ask for nothing, each between blanks; 0 stands for every zero */
	const char *off;
	enum report_kind kind;
	const char *text;
};

static const struct foreign foreign[] = {
	{ " acpi_firmware acpi_laptop_slate acpi_s3 acpi_s4 altp2mhvm apic bios bios_path_override boot "
	  "device_model device_model_args device_model_args_hvm device_model_args_pv "
	  "device_model_override device_model_stubdomain_override "
	  "device_model_stubdomain_seclabel device_model_user device_model_version display "
	  "dm_restrict firmware_override gfx_passthru hdtype hpet keymap mca_caps mmio_hole "
	  "ms_vm_genid nographic nx opengl pae rdm rdm_mem_boundary sdl serial smbios_firmware "
	  "soundhw spice spice_clipboard_sharing spice_image_compression spice_streaming_video "
	  "spiceagent_mouse spicedisable_ticketing spicehost spicepasswd spiceport "
	  "spicetls_port spiceusbredirection spicevdagent stdvga stubdomain_cmdline "
	  "stubdomain_kernel stubdomain_memory stubdomain_ramdisk usb usbdevice usbversion "
	  "vendor_device vga videoram viridian vkb_device vnc vncdisplay vnclisten vncpasswd "
	  "vncunused vncviewer vpt_align xauthority xen_platform_pci ",
		"", REPORT_REMARK, "only hvm guests have it; ignored" },
	{ " device_tree gic_version tee vuart ", "", REPORT_REMARK,
		"only ARM hosts have it; ignored" },
	{ " bootloader_args claim_mode e820_host extratime hap init_seclabel latency localtime "
	  "max_event_channels max_grant_frames max_grant_version max_maptrack_frames msr_relaxed "
	  "nomigrate on_soft_reset oos passthrough pci_msitranslate pci_permissive "
	  "pci_power_mgmt pci_seize period seclabel "
	  "shadow_memory slice timer_mode vmtrace_buf_kb xend_suspend_evtchn_compat ",
		"", REPORT_REMARK, "has no effect on this host; ignored" },
	{ " arch console console_keymap cpu cpu_cap description features hostname hvm ioemu irq nfs_root "
	  "nfs_server nics nodes on_xend_start on_xend_stop parallel pvh sched scsi superpages "
	  "suppress_spurious_page_faults uname vcpu_avail vif2 vncconsole vscsi ",
		"", REPORT_REMARK, "only older tools read it; ignored as by xl" },
	{ " acpi ", " 1 ", REPORT_REMARK, "guests always have ACPI tables; ignored" },
	{ " cpuid ", " host ", REPORT_MISTAKE,
		"what CPUID shows cannot be changed here; remove this line" },
	{ " pool ", " Pool-0 ", REPORT_MISTAKE,
		"there is only the pool Pool-0 here; remove this line" },
	{ " tsc_mode ", " 0 2 default native ", REPORT_MISTAKE,
		"guests see the CPU's own time stamps here; remove this line" },
	{ " rtc_timeoffset ", " 0 ", REPORT_MISTAKE,
		"guests have the host's time here; remove this line" },
	{ " altp2m driver_domain nestedhvm vpmu ", " 0 disabled ", REPORT_MISTAKE,
		"not supported here; remove this line, or write 0" },
	{ " dtdev iomem ioports irqs pci usbctrl usbdev ", " 0 ", REPORT_MISTAKE,
		"a device of the host cannot be given to a guest here; remove this line, or write []" },
	{ " vfb vkb vdispl vsnd ", " 0 ", REPORT_MISTAKE,
		"a guest has no screen here, only a console; remove this line, or write []" },
	{ " channel p9 pvcalls vnuma vtpm ", " 0 ", REPORT_MISTAKE,
		"not supported here; remove this line, or write []" },
};

static bool list_has(const char *words, const char *word)
{
	char padded[CFG_KEY_MAX + 3];

	return strlen(word) <= CFG_KEY_MAX && !strchr(word, ' ') &&
	       snprintf(padded, sizeof(padded), " %s ", word) > 0 && strstr(words, padded);
}

/* Does the value ask for nothing? */
static bool value_off(const struct foreign *f, const struct cfg_value *v)
{
	int64_t n;

	if (v->kind == CFG_LIST)
		return !v->first;
	if (cfg_number(v, &n) == 0 && n == 0)
		return list_has(f->off, "0");
	return !v->text[0] || list_has(f->off, v->text);
}

/*
 * Do the words differ by one letter (replaced, added or missing), or by two that are swapped?
 */
static bool words_alike(const char *a, const char *b)
{
	while (*a && *a == *b) {
		a++;
		b++;
	}
	if (!*a || !*b)
		return strlen(a) + strlen(b) == 1;
	return strcmp(a + 1, b + 1) == 0 || strcmp(a + 1, b) == 0 || strcmp(a, b + 1) == 0 ||
	       (a[0] == b[1] && a[1] == b[0] && strcmp(a + 2, b + 2) == 0);
}

#define X(key) #key,
static const char *const own_keys[] = { GUEST_KEYS(X) };
#undef X

/* Word number *i of a list; false: there are fewer, and *i is smaller by their number. */
static bool list_word(const char *words, unsigned int *i, char *word)
{
	size_t len;

	for (const char *p = words + strspn(words, " "); *p; p += strspn(p, " ")) {
		len = strcspn(p, " ");
		if ((*i)-- == 0) {
			snprintf(word, CFG_KEY_MAX + 1, "%.*s", (int)len, p);
			return true;
		}
		p += len;
	}
	return false;
}

bool guest_key_at(unsigned int i, struct guest_key *k)
{
	if (i < ARRAY_SIZE(own_keys)) {
		*k = (struct guest_key){ .fate = KEY_DONE, .off = "" };
		strcpy(k->name, own_keys[i]);
		return true;
	}
	i -= ARRAY_SIZE(own_keys);
	for (size_t f = 0; f < ARRAY_SIZE(foreign); f++) {
		if (!list_word(foreign[f].keys, &i, k->name))
			continue;
		k->fate = foreign[f].kind == REPORT_REMARK ? KEY_IGNORED : KEY_REFUSED;
		k->text = foreign[f].text;
		k->off = foreign[f].off;
		return true;
	}
	return false;
}

static void key_unknown(const struct cfg_setting *s, struct report *r)
{
	struct guest_key k;

	for (unsigned int i = 0; guest_key_at(i, &k); i++) {
		if (k.fate == KEY_DONE && words_alike(s->key, k.name)) {
			(void)cfg_report(s, r, REPORT_REMARK,
				"unknown key, ignored as by xl; did you mean '%s'?", k.name);
			return;
		}
	}
	(void)cfg_report(s, r, REPORT_REMARK, "unknown key, ignored as by xl");
}

void guest_key_foreign(const struct cfg_setting *s, struct report *r)
{
	for (size_t i = 0; i < ARRAY_SIZE(foreign); i++) {
		if (!list_has(foreign[i].keys, s->key))
			continue;
		if (!*foreign[i].off || !value_off(&foreign[i], s->value))
			(void)cfg_report(s, r, foreign[i].kind, "%s", foreign[i].text);
		return;
	}
	key_unknown(s, r);
}
