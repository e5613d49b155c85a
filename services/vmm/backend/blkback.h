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
 * A disk of which conn is the connection to storage; NULL: a drive that is empty. After an
 * error the connection is not used, and there is no disk. *out: its device on xenbus, for
 * xb_remove().
 */
int blkback_add(
	const struct vm_disk *disk, struct svc_conn *conn, struct xb_dev **out) must_check;
void blkback_stats(const struct xb_dev *dev, struct vmctl_disk_stats *s);

enum drive_state { DRIVE_EMPTY, DRIVE_FULL, DRIVE_CHANGING };
/*
 * The medium behind conn comes into an empty drive. It is there when blkback_settle() says so;
 * if it cannot be used, the drive is empty again. After an error conn is not used.
 */
int blkback_insert(struct xb_dev *dev, struct svc_conn *conn) must_check;
/* The medium goes when no request for it is in flight. */
void blkback_eject(struct xb_dev *dev);
/*
 * Drop the connection of a medium that has gone. It is time to call it after
 * edge_devices_changed().
 */
enum drive_state blkback_settle(struct xb_dev *dev);

#endif
