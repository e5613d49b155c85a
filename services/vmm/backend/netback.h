/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * netback.h - network interfaces of the guest; on the I/O thread
 */
#ifndef VMM_NETBACK_H
#define VMM_NETBACK_H

#include <sk/types.h>

#include "proto/vmctl.h"

struct svc_conn;
struct xb_dev;
/* The same as blkback_add(), for an interface and its connection to the switch. */
int netback_add(
	const struct vm_vif *vif, struct svc_conn *conn, struct xb_dev **out) must_check;
void netback_stats(const struct xb_dev *dev, struct vmctl_vif_stats *s);

#endif
