/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * netback.h - network interfaces of the guest; on the I/O thread
 */
#ifndef VMM_NETBACK_H
#define VMM_NETBACK_H

#include <sk/types.h>

#include "proto/vmctl.h"

int netback_add(const struct vm_vif *vif) must_check;

#endif
