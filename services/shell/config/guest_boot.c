/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * guest_boot.c - what a guest boots
 *
 * In files for Xen the guest boots from its own disk if there is a bootloader=, which Xen runs
 * in dom0 (pygrub) or in the guest (pvgrub), or if the kernel is a GRUB of the host.
 */
#include "config/guest_boot.h"

#include <string.h>

#include "base/array.h"

/* "" if the key is absent, or has a mistake. */
static const char *key_text(const struct cfg *c, const char *key)
{
	const struct cfg_setting *s = cfg_find(c, key);

	return s && s->value && s->value->kind != CFG_LIST ? s->value->text : "";
}

/* Is there a value that was understood, or one with a mistake, which was reported? */
static bool key_given(const struct cfg *c, const char *key)
{
	const struct cfg_setting *s = cfg_find(c, key);

	return s && (!s->value || (s->value->kind == CFG_LIST ? s->value->first != NULL
							      : s->value->text[0] != '\0'));
}

/* A GRUB of another host, as its packages or its administrator name it. */
static bool kernel_is_grub(const char *kernel)
{
	static const char *const names[] = { "grub", "pvgrub", "pv-grub" };
	const char *base = strrchr(kernel, '/');

	if (!base || strncmp(kernel, GUESTS_DIR "/", strlen(GUESTS_DIR "/")) == 0)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (strncmp(base + 1, names[i], strlen(names[i])) == 0)
			return true;
	return false;
}

/*
 * PV GRUB starts only kernels of its own width. The file says it by its name for GRUB; else it
 * is 64-bit.
 */
static const char *grub_file(const struct guest_config *g, const char *said)
{
	if (!guest_in_shim(g))
		return GRUB_FILE;
	return strstr(said, "i386") || strstr(said, "x86_32") || strstr(said, "pvgrub32")
		       ? GRUB_PV32_FILE
		       : GRUB_PV_FILE;
}

/* Keys that say what a kernel gets, when GRUB reads that from the guest's disk. */
static void kernel_keys_ignore(struct guest_config *g, const struct cfg *c, struct report *r)
{
	static const char *const keys[] = { "kernel", "ramdisk", "cmdline", "root", "extra" };

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		if (key_given(c, keys[i]))
			(void)cfg_report(cfg_find(c, keys[i]), r, REPORT_REMARK,
				"ignored: with bootloader= or firmware=, the grub.cfg on the guest's disk decides");
	g->n_modules = 0;
	memset(g->modules, 0, sizeof(g->modules));
	g->cmdline[0] = '\0';
}

static void kernel_missing(const struct cfg *c, struct report *r)
{
	struct msg m;

	(void)msg_fail(&m,
		"%.150s: key 'kernel' is missing, and there is no disk to boot from; add "
		"kernel=\"/guests/...\"",
		c->file ? c->file : "configuration");
	report_add(r, REPORT_DECISIVE, 0, m.text);
}

void guest_boot_choose(struct guest_config *g, const struct cfg *c, struct report *r)
{
	const char *loader = key_text(c, "bootloader")[0] ? "bootloader" : "firmware";
	bool disk = key_given(c, "disk"), kernel = key_given(c, "kernel");

	if (key_text(c, loader)[0] && disk) {
		kernel_keys_ignore(g, c, r);
		strcpy(g->kernel, grub_file(g, key_text(c, "firmware")));
	} else if (kernel && kernel_is_grub(g->kernel)) {
		strcpy(g->kernel, grub_file(g, g->kernel));
	} else if (kernel && key_text(c, loader)[0]) {
		(void)cfg_report(cfg_find(c, loader), r, REPORT_REMARK,
			"ignored: there is no disk to boot from, so kernel= is booted");
	} else if (!kernel && disk) {
		strcpy(g->kernel, grub_file(g, ""));
	} else if (!kernel && !c->unclear) {
		kernel_missing(c, r);
	}
}
