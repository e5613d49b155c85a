/* guest_keys.h - keys of a guest's configuration: which this host acts on, and what becomes of the others */
#ifndef CONTROL_GUEST_KEYS_H
#define CONTROL_GUEST_KEYS_H

#include "config/cfg.h"

/* Those that it acts on; guest_cfg.c has a function take_KEY for each. */
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
	X(cmdline) \
	X(root) \
	X(extra) \
	X(disk) \
	X(vif) \
	X(uuid) \
	X(on_poweroff) \
	X(on_reboot) \
	X(on_crash) \
	X(cpu_weight) \
	X(cap)

/*
 * Say what becomes of any other key: a remark when xl makes such a guest as if the key were not there, or
 * this host can; a mistake when the guest would be another one.
 */
void guest_key_foreign(const struct cfg_setting *s, struct report *r);

#endif
