/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * blkback.h - disks of the guest; on the I/O thread
 */
#ifndef VMM_BLKBACK_H
#define VMM_BLKBACK_H

#include <sk/types.h>

#include "proto/vmctl.h"

struct svc_conn;
struct xb_dev;
/*
 * A disk of which conn is the connection to storage. After an error the connection is not used,
 * and there is no disk. *out: its device on xenbus, for xb_remove().
 */
int blkback_add(
	const struct vm_disk *disk, struct svc_conn *conn, struct xb_dev **out) must_check;

#endif
