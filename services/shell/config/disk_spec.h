/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * disk_spec.h - one entry of disk = [ ... ], as in xl-disk-configuration(5)
 *
 * The parser accepts what the manual does. disk_spec_check() then says whether this host can
 * serve it.
 */
#ifndef SHELL_DISK_SPEC_H
#define SHELL_DISK_SPEC_H

#include <stdbool.h>
#include <stdint.h>

#include "config/names.h"
#include "toolstack/msg.h"
#include "proto/guest_config.h"

const char *disk_format_name(uint32_t f);

/* 0, or -1 with the mistake in *m. */
int disk_spec_parse(struct disk_spec *d, const char *text, struct msg *m);

/*
 * Can this host serve it? 0 and the GPT partition name in label[DISK_LABEL_SIZE], which is
 * empty for an empty drive, or -1 with *m. The target is a name of *n, or of the directory
 * DISK_DIR. n may be NULL.
 */
#define DISK_DIR "/dev/disk/by-partlabel/"
int disk_spec_check(
	const struct disk_spec *d, const struct names *n, char *label, struct msg *m);

/*
 * A partition alone, named as a target is, perhaps with the prefix "phy:" of disk=. *to gets
 * the target. 0, or -1 with *m: the name is too long.
 */
int disk_target_set(char to[DISK_TARGET_MAX + 1], const char *word, struct msg *m);
/* The label of that partition. 0, or -1 with *m. */
int disk_target_label(const char *target, const struct names *n, char *label, struct msg *m);

/* "xvda1", "sdb", "d536p37", "0xca00" and so on to a virtual device number. 0 or -1. */
int vdev_number(const char *vdev, uint32_t *number);

#endif
