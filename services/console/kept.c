/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kept.c - memory that outlives this domain
 *
 * Objects     the first page has the head; the host's log and the logs of guests follow at
 *             fixed places.
 * Invariants  KEPT1 a position is raised after the text before it is in a log or was passed on,
 *             so that no text counts that a restart has lost
 */
#include "kept.h"

#include <string.h>

#include "svc/svc.h"

#define KEPT_MAGIC 0x7470656b736e6f63ull /* "conskept" */
#define KEPT_VERSION 1u

enum {
	HOST_AT = 4 << 10,
	HOST_SIZE = 128 << 10,
	GUESTS_AT = 256 << 10,
};

struct kept {
	uint64_t magic;
	uint32_t version, reserved;
	uint64_t kernel_pos;
	uint32_t shell_number, shell_taken;
};
_Static_assert(sizeof(struct kept) == 32, "no padding");

static struct kept *kept;
static uint64_t kept_size;
static bool resumed_logs;

static const struct domain_channel *kept_find(void)
{
	const struct domain_info *info = svc_info();

	for (uint32_t i = 0; i < info->n_channels && i < DOMAIN_CHANNELS_MAX; i++)
		if (strcmp(info->channel[i].name, "logs") == 0)
			return &info->channel[i];
	return NULL;
}

void kept_init(void)
{
	const struct domain_channel *ch = kept_find();

	if (!ch || ch->data_size < HOST_AT + HOST_SIZE)
		return;
	kept = (struct kept *)(uintptr_t)ch->data_vaddr;
	kept_size = ch->data_size;
	resumed_logs = kept->magic == KEPT_MAGIC && kept->version == KEPT_VERSION;
	if (!resumed_logs)
		*kept = (struct kept){ .magic = KEPT_MAGIC, .version = KEPT_VERSION };
}

bool kept_resumed(void) { return resumed_logs; }

void *kept_host_log(size_t *size)
{
	*size = HOST_SIZE;
	return kept ? (uint8_t *)kept + HOST_AT : NULL;
}

void *kept_guest_log(uint32_t i, size_t size)
{
	uint64_t at = GUESTS_AT + (uint64_t)i * size;

	return kept && at + size <= kept_size ? (uint8_t *)kept + at : NULL;
}

uint64_t kept_kernel_pos(void) { return kept ? kept->kernel_pos : 0; }

void kept_kernel_note(uint64_t pos)
{
	if (kept)
		kept->kernel_pos = pos;
}

uint32_t *kept_shell(uint32_t number, bool resumed)
{
	if (!kept)
		return NULL;
	if (!resumed || kept->shell_number != number)
		kept->shell_taken = 0;
	kept->shell_number = number;
	return &kept->shell_taken;
}
