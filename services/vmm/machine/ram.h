/*
 * ram.h - the guest's RAM comes into being
 */
#ifndef VMM_RAM_H
#define VMM_RAM_H

#include "machine/vm.h"

/* Frames out of the untypeds that the configuration names, mapped here and for the guest. Sets vm.low_size etc. */
int ram_init(const struct vm_config *cfg) must_check;

#endif
