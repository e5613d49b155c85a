/* SPDX-License-Identifier: BSD-2-Clause */
/* guest_json.h - a guest's configuration as JSON, in the form of libxl 4.17 */
#ifndef SHELL_GUEST_JSON_H
#define SHELL_GUEST_JSON_H

#include "config/guest_cfg.h"
#include "json.h"

/*
 * The members of an object that the caller began. They have libxl's names and values. libxl
 * leaves out what has its default value; here such members are written, too.
 */
void guest_json(struct json *j, const struct guest_config *g);
/* The same of one device. */
void guest_json_disk(struct json *j, const struct disk_spec *d);
void guest_json_vif(struct json *j, const struct vif_spec *v);

#endif
