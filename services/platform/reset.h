/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * reset.h - bringing a PCI function back to the state that it has after power-on
 */
#ifndef PLATFORM_RESET_H
#define PLATFORM_RESET_H

#include <stddef.h>
#include "pci.h"
#include "proto/platform.h"

struct reset_machine {
	const struct pci_config *cfg;
	/* All functions that there are. */
	const struct pci_device *devs;
	uint32_t n_devs;
	void (*wait_ms)(uint32_t ms);
	/* Device memory in this domain's space; NULL: there is none at this address. */
	volatile void *(*map)(uint64_t paddr, size_t len);
};

#define RESET_CONFIG_WORDS 64u

/*
 * config: its configuration space when it was claimed. An earlier life of platform may have
 * ended in a reset, so the function may have no addresses now.
 *
 * Quiesce d and reset it by the first way that works. Afterwards it has its addresses again,
 * and neither bus mastering nor interrupts. 0 with the way in *how; -SK_E_NO_SYS: d has no
 * reset that is known here; -SK_E_IO: it does not come back. It takes up to 8 seconds.
 */
int reset_function(const struct reset_machine *m, struct pci_device *d,
	const uint32_t config[RESET_CONFIG_WORDS], enum platform_reset *how) must_check;

#endif
