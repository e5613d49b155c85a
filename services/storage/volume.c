/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * volume.c - volumes and their attachments
 *
 * Invariants  VOLUME1 writer implies readers == 0.
 *             VOLUME2 a translated request lies within its volume.
 */
#include "volume.h"

#include <string.h>

#define PREFIX "by-partlabel/"

struct volume *volume_find(struct volume *volumes, uint32_t n, const char *path, uint32_t size)
{
	const char *name = path + sizeof(PREFIX) - 1;

	if (!memchr(path, 0, size) || strncmp(path, PREFIX, sizeof(PREFIX) - 1) != 0)
		return NULL;
	for (uint32_t i = 0; i < n; i++)
		if (strcmp(volumes[i].name, name) == 0)
			return &volumes[i];
	return NULL;
}

int volume_attach(struct volume *v, bool writable)
{
	if (writable && v->read_only)
		return -SK_E_DENIED;
	if (v->writer || (writable && v->readers)) /* VOLUME1 */
		return -SK_E_BUSY;
	if (writable)
		v->writer = true;
	else
		v->readers++;
	return 0;
}

void volume_detach(struct volume *v, bool writable)
{
	if (writable)
		v->writer = false;
	else
		v->readers--;
}

int volume_translate(
	const struct volume *v, bool writable, uint64_t data_size, struct blk_req *q)
{
	const struct blk_target t = { .sectors = v->sectors,
		.region_size = data_size,
		.block = v->block,
		.read_only = !writable };
	int rc = q->region ? -SK_E_INVAL : blk_req_check(q, &t); /* VOLUME2 */

	if (rc)
		return rc;
	switch (q->op) {
	case BLK_READ:
	case BLK_WRITE:
		q->sector += v->first;
		return 0;
	default:
		q->sector = q->offset = q->length = 0;
		return 0;
	}
}
