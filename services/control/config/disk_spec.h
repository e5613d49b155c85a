/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * disk_spec.h - one entry of disk = [ ... ], as in xl-disk-configuration(5)
 *
 * The parser accepts what the manual does. disk_spec_check() then says whether this host can
 * serve it.
 */
#ifndef CONTROL_DISK_SPEC_H
#define CONTROL_DISK_SPEC_H

#include <stdbool.h>
#include <stdint.h>

#include "config/names.h"
#include "msg.h"

enum {
	DISK_TARGET_MAX = 255,
	DISK_VDEV_MAX = 31,
	DISK_WORD_MAX = 63,
	DISK_LABEL_MAX = 36, /* characters of a GPT partition name */
	/* bytes of such a name that storage accepts, with the terminator */
	DISK_LABEL_SIZE = 51,
};

#define DISK_FORMATS(X) \
	X(RAW, "raw") \
	X(QCOW, "qcow") \
	X(QCOW2, "qcow2") \
	X(VHD, "vhd") \
	X(QED, "qed") \
	X(EMPTY, "empty")
#define X(sym, name) DISK_##sym,
enum disk_format { DISK_FORMATS(X) DISK_FORMAT_COUNT };
#undef X

struct disk_spec {
	char target[DISK_TARGET_MAX + 1]; /* an absolute path; empty for an empty cdrom drive */
	char vdev[DISK_VDEV_MAX + 1];     /* as written */
	char script[DISK_WORD_MAX + 1];
	char backend[DISK_WORD_MAX + 1];
	char backendtype[DISK_WORD_MAX + 1];
	char specification[DISK_WORD_MAX + 1];
	enum disk_format format;
	uint32_t number; /* the virtual device number of xen-vbd-interface(7) */
	bool readonly, cdrom, direct_io_safe, discard, trusted, colo;
};

const char *disk_format_name(enum disk_format f);

/* 0, or -1 with the mistake in *m. */
int disk_spec_parse(struct disk_spec *d, const char *text, struct msg *m);

/* An empty cdrom drive. */
static inline bool disk_spec_empty(const struct disk_spec *d)
{
	return d->cdrom && d->format == DISK_EMPTY;
}

/*
 * Can this host serve it? 0 and the GPT partition name in label[DISK_LABEL_SIZE], which is
 * empty for an empty drive, or -1 with *m. The target is a name of *n, or of the directory
 * DISK_DIR. n may be NULL.
 */
#define DISK_DIR "/dev/disk/by-partlabel/"
int disk_spec_check(
	const struct disk_spec *d, const struct names *n, char *label, struct msg *m);

/* "xvda1", "sdb", "d536p37", "0xca00" and so on to a virtual device number. 0 or -1. */
int vdev_number(const char *vdev, uint32_t *number);

#endif
