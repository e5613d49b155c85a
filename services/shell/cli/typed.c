/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * typed.c - slots for texts
 *
 * Objects     struct slot: a text; the one with number 0 is empty.
 * Invariants  TYPED1 a slot that is not empty was checked: by this life when it was filled, by
 *                typed_init() when an earlier life left it
 *             TYPED2 one slot is always empty, so that a new text has a place beside the old
 */
#include "cli/typed.h"

#include <stdbool.h>
#include <string.h>

#include "base/sum.h"
#include "svc/svc.h"

struct slot {
	uint32_t number; /* goes up with each store; 0: empty */
	uint32_t sum;
	uint32_t len;
	char name[TYPED_NAME_MAX + 1];
	char text[TYPED_TEXT_MAX];
};
_Static_assert(sizeof(struct slot) == TYPED_SLOT, "no padding");

static struct slot *slots;
static uint32_t last_number;

static uint32_t slot_sum(const struct slot *s)
{
	return sum_fnv1a(s->number, &s->len, sizeof(s->len) + sizeof(s->name) + s->len);
}

static void slot_clear(struct slot *s) { __atomic_store_n(&s->number, 0, __ATOMIC_SEQ_CST); }

static struct slot *slot_of(const char *name)
{
	for (uint32_t i = 0; slots && i < TYPED_SLOTS; i++)
		if (slots[i].number && strcmp(slots[i].name, name) == 0)
			return &slots[i];
	return NULL;
}

static bool slot_ok(const struct slot *s)
{
	return s->len <= TYPED_TEXT_MAX && s->name[0] && memchr(s->name, 0, sizeof(s->name)) &&
	       s->sum == slot_sum(s);
}

void typed_init(void *mem, size_t size)
{
	slots = mem && size >= TYPED_SLOTS * sizeof(*slots) ? mem : NULL;
	last_number = 0;
	for (uint32_t i = 0; slots && i < TYPED_SLOTS; i++) {
		struct slot *s = &slots[i], *other;

		if (!s->number)
			continue;
		if (!slot_ok(s)) {
			slot_clear(s);
			continue;
		}
		if (s->number > last_number)
			last_number = s->number;
		/* the earlier life ended before it had cleared the old text */
		other = slot_of(s->name);
		if (other != s)
			slot_clear(other->number < s->number ? other : s);
	}
}

void typed_open(void)
{
	const struct domain_info *info = svc_info();

	typed_init(NULL, 0);
	for (uint32_t i = 0; i < info->n_channels && i < DOMAIN_CHANNELS_MAX; i++)
		if (strncmp(info->channel[i].name, "configs", sizeof(info->channel[i].name)) ==
			0)
			typed_init((void *)(uintptr_t)info->channel[i].data_vaddr,
				info->channel[i].data_size);
}

static struct slot *slot_free(void)
{
	struct slot *found = NULL;
	uint32_t n = 0;

	for (uint32_t i = 0; slots && i < TYPED_SLOTS; i++)
		if (!slots[i].number) {
			found = &slots[i];
			n++;
		}
	return n > 1 ? found : NULL;
}

int typed_store(const char *name, const char *text, size_t len, struct msg *m)
{
	struct slot *old = slot_of(name), *to;

	if (!slots)
		return msg_fail(m, "the manifest has no kept-memory `configs` of %d bytes",
			TYPED_SLOTS * TYPED_SLOT);
	if (!*name || strlen(name) > TYPED_NAME_MAX || strpbrk(name, "/ "))
		return msg_fail(m,
			"'%.64s' is no name for a configuration; use up to %d bytes without / and blanks",
			name, TYPED_NAME_MAX);
	if (len > TYPED_TEXT_MAX)
		return msg_fail(m, "the text is longer than %d bytes", TYPED_TEXT_MAX);
	to = old ? &slots[0] : slot_free();
	for (; old && to->number; to++) /* TYPED2 */
		continue;
	if (!to)
		return msg_fail(m, "there are %d configurations; remove one: edit -r NAME",
			TYPED_SLOTS - 1);
	memset(to->name, 0, sizeof(to->name));
	strcpy(to->name, name);
	memcpy(to->text, text, len);
	to->len = (uint32_t)len;
	to->sum = sum_fnv1a(++last_number, &to->len, sizeof(to->len) + sizeof(to->name) + len);
	__atomic_store_n(&to->number, last_number, __ATOMIC_SEQ_CST);
	if (old)
		slot_clear(old);
	return 0;
}

int typed_remove(const char *name, struct msg *m)
{
	struct slot *s = slot_of(name);

	if (!s)
		return msg_fail(
			m, "there is no configuration '%.64s'; edit -l lists them", name);
	slot_clear(s);
	return 0;
}

const char *typed_find(const char *name, size_t *len)
{
	const struct slot *s = slot_of(name);

	if (!s)
		return NULL;
	*len = s->len;
	return s->text;
}

const char *typed_name(uint32_t i)
{
	return slots && i < TYPED_SLOTS && slots[i].number ? slots[i].name : NULL;
}
