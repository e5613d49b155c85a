/*
 * volume.c - volumes and who has them attached
 *
 * Invariants  V1 writer implies readers == 0.  V2 a translated request lies within its volume.
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
	if (v->writer || (writable && v->readers)) /* V1 */
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

static int transfer_translate(
	const struct volume *v, bool writable, uint64_t data_size, struct blk_req *q)
{
	if (q->length == 0 || q->length % BLK_SECTOR || q->offset % BLK_SECTOR)
		return -SK_E_INVAL;
	if (q->offset > data_size || q->length > data_size - q->offset)
		return -SK_E_RANGE;
	if (q->sector > v->sectors || q->length / BLK_SECTOR > v->sectors - q->sector) /* V2 */
		return -SK_E_RANGE;
	if (q->op == BLK_WRITE && !writable)
		return -SK_E_DENIED;
	q->sector += v->first;
	return 0;
}

int volume_translate(
	const struct volume *v, bool writable, uint64_t data_size, struct blk_req *q)
{
	if (q->flags & ~(unsigned int)BLK_FUA || q->region != 0)
		return -SK_E_INVAL;
	switch (q->op) {
	case BLK_READ:
	case BLK_WRITE:
		return transfer_translate(v, writable, data_size, q);
	case BLK_FLUSH:
		q->sector = q->offset = q->length = 0;
		return 0;
	default:
		return -SK_E_INVAL;
	}
}
