/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * guest_keys.h - the keys of a guest's configuration: those that this host acts on, and the
 * treatment of all others
 */
#ifndef SHELL_GUEST_KEYS_H
#define SHELL_GUEST_KEYS_H

#include "config/cfg.h"

/*
 * The keys that this host acts on. The parser, the help of `create` and the remark about a
 * misspelt key are made from this list; a test compares it with the table in docs/guests.md.
 * guest_cfg.c has a function take_KEY for each.
 */
#define GUEST_KEYS(X) \
	X(name) \
	X(type) \
	X(builder) \
	X(memory) \
	X(maxmem) \
	X(vcpus) \
	X(maxvcpus) \
	X(kernel) \
	X(ramdisk) \
	X(bootloader) \
	X(firmware) \
	X(pvshim) \
	X(pvshim_path) \
	X(pvshim_cmdline) \
	X(pvshim_extra) \
	X(cmdline) \
	X(root) \
	X(extra) \
	X(disk) \
	X(vif) \
	X(uuid) \
	X(on_poweroff) \
	X(on_reboot) \
	X(on_watchdog) \
	X(on_crash) \
	X(cpus) \
	X(cpus_soft) \
	X(cpu_weight) \
	X(cap)

enum guest_key_fate {
	KEY_DONE,    /* this host acts on it */
	KEY_IGNORED, /* with a remark */
	KEY_REFUSED, /* is a mistake */
};

struct guest_key {
	char name[CFG_KEY_MAX + 1];
	enum guest_key_fate fate;
	/* The remark or the mistake; NULL for KEY_DONE. */
	const char *text;
	/* Values that are neither ignored nor refused, because they ask for nothing. */
	const char *off;
};

/* Key number i of all that xl or this host knows. False: there are fewer. */
bool guest_key_at(unsigned int i, struct guest_key *k);

/*
 * Report any other key: a remark when xl, or this host, can make the guest as if the key were
 * not there, a mistake when that would be a different guest.
 */
void guest_key_foreign(const struct cfg_setting *s, struct report *r);

#endif
