/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * config_check.h - is a guest's configuration one that a guest may have?
 *
 * It comes from a client of control, or from memory that outlives control, and may be anything.
 */
#ifndef CONTROL_CONFIG_CHECK_H
#define CONTROL_CONFIG_CHECK_H

#include "proto/guest_config.h"

/*
 * NULL: each field is in its range, and they fit together. Otherwise the name of one that is
 * wrong.
 */
const char *guest_config_check(const struct guest_config *c);
/* The same for one device. */
const char *guest_disk_check(const struct guest_disk *d);
const char *guest_vif_check(const struct vif_spec *v);
/* Is it the label of a partition, with its end in the field? */
bool guest_label_ok(const char label[DISK_LABEL_SIZE]);

#endif
