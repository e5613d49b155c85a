/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * volume.h - volumes and their attachments
 */
#ifndef STORAGE_VOLUME_H
#define STORAGE_VOLUME_H

#include <stdbool.h>
#include <stdint.h>
#include "gpt.h"
#include "proto/blk.h"

#define VOLUMES_MAX 128u

struct volume {
	/* Without "by-partlabel/". */
	char name[GPT_NAME_MAX];
	uint32_t disk;
	uint64_t first, sectors;
	uint32_t block; /* bytes */
	bool read_only; /* the disk is */
	uint32_t readers;
	bool writer;
};

/*
 * The volume that `path` ("by-partlabel/NAME", size bytes with a zero among them) names, or
 * NULL.
 */
struct volume *volume_find(struct volume *volumes, uint32_t n, const char *path, uint32_t size);
/*
 * Attach for reading or writing, as Xen's block script shares devices: a writer is alone, and
 * readers share. -SK_E_BUSY: another client's attachment forbids it; -SK_E_DENIED: writing to a
 * read-only disk.
 */
int volume_attach(struct volume *v, bool writable) must_check;
void volume_detach(struct volume *v, bool writable);
/*
 * Check a client's request on a volume and turn it into one for the disk by moving its sector.
 * 0 or the error to answer with.
 */
int volume_translate(const struct volume *v, bool writable, uint64_t data_size,
	struct blk_req *q) must_check;

#endif
