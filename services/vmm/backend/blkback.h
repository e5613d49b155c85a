/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * blkback.h - disks of the guest; on the I/O thread
 */
#ifndef VMM_BLKBACK_H
#define VMM_BLKBACK_H

#include <sk/types.h>

#include "proto/vmctl.h"

int blkback_add(const struct vm_disk *disk) must_check;

#endif
