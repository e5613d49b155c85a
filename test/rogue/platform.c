/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * platform.c - in place of platform: what its memory must not reach, and lies in its answers to
 * init, whom nothing else connects with it
 *
 * It always says that a device is quiet and has been reset, which it is not.
 */
#include <string.h>
#include "base/array.h"
#include "caps/caps.h"
#include "proto/platform.h"
#include "rogue.h"
#include "rt/sleep.h"
#include "sys/sk.h"

enum { SILENCE_MS = 15000, VIRTIO = 0x1af4, BAR_BYTES = 16384 };

/* ---- memory ------------------------------------------------------------------------------ */
static const struct platform_resources *resources(void)
{
	return (const struct platform_resources *)PLATFORM_RES_VADDR;
}

static bool has(uint64_t from, uint64_t to)
{
	const struct platform_resources *r = resources();

	for (uint32_t i = 0; i < r->n_mem && i < PLATFORM_MEM_MAX; i++)
		if (r->mem[i].paddr < to && from < r->mem[i].paddr + (1ull << r->mem[i].order))
			return true;
	return false;
}

/* RAM of every machine of the tests, and the registers by which interrupts are sent. */
static void ranges_try(void)
{
	static const uint64_t range[][2] = { { 1ull << 20, 1ull << 30 },
		{ 0xfee00000, 0xfef00000 }, { 0xfec00000, 0xfec01000 } };
	struct score s = { .what = "memory of others" };

	for (uint32_t i = 0; i < ARRAY_SIZE(range); i++)
		score_add(&s, has(range[i][0], range[i][1]) ? 0 : -1, range[i][0], i);
	score_say(&s);
}

/* What the kernel keeps in an object must not be where the rogue can write, or a device. */
static void objects_try(void)
{
	struct score s = { .what = "objects in device memory" };
	const struct platform_resources *r = resources();
	sk_cap_t to = slot_alloc(1);

	for (uint32_t i = 0; i < r->n_mem && i < PLATFORM_MEM_MAX; i++)
		for (uint32_t type = SK_OBJ_NULL; type < SK_OBJ_END; type++) {
			if (type == SK_OBJ_FRAME || type == SK_OBJ_UNTYPED)
				continue;
			score_add(&s,
				sk_retype(r->mem[i].slot, type, type == SK_OBJ_CNODE ? 4 : 0,
					SK_CAP_CNODE, to, 1, 0),
				type, r->mem[i].slot);
			(void)sk_delete(SK_CAP_CNODE, to);
		}
	slot_free(to, 1);
	score_say(&s);
}

bool own_try_ready(void) { return true; }

void own_try(void)
{
	ranges_try();
	objects_try();
}

/* ---- answers ----------------------------------------------------------------------------- */
/* The answer to a claim that init has no reason to doubt. */
static void claim_fill(uint64_t *mr, uint64_t rid, uint64_t n_irqs)
{
	memset(mr, 0, 42 * 8);
	mr[1] = rid;
	mr[2] = VIRTIO | 0x1041ull << 16 | rid << 32;
	mr[3] = n_irqs;
	mr[4] = BAR_BYTES;
}

static int say_silence(uint32_t label, uint64_t *mr, struct svc_caps *caps)
{
	(void)label;
	(void)mr;
	(void)caps;
	rt_sleep_until(svc_in_ms(SILENCE_MS));
	return 0;
}

static int say_ones(uint32_t label, uint64_t *mr, struct svc_caps *caps)
{
	(void)label;
	(void)caps;
	memset(mr, 0xff, SK_MR_MAX * 8);
	return 0;
}

static int say_zeros(uint32_t label, uint64_t *mr, struct svc_caps *caps)
{
	(void)label;
	(void)caps;
	memset(mr, 0, SK_MR_MAX * 8);
	return 0;
}

/* Its own objects, where init wants none, or a frame. */
static int say_objects(uint32_t label, uint64_t *mr, struct svc_caps *caps)
{
	claim_fill(mr, 8, 1);
	if (label == PLATFORM_BAR) {
		mr[1] = 2;
		mr[2] = 0;
		mr[3] = SK_PAGE_ORDER;
	}
	caps->out[0] = label == PLATFORM_BAR ? DOMAIN_CAP_NTFN : SK_CAP_SPACE;
	caps->n_out = label == PLATFORM_BAR ? 1 : 4;
	caps->out[1] = caps->out[2] = caps->out[3] = SK_CAP_CNODE;
	return 0;
}

/* In place of registers, memory of the rogue: more than there is, or beside the BAR. */
static int bar_lie(uint64_t *mr, struct svc_caps *caps, uint64_t offset, uint64_t order)
{
	sk_cap_t frame;

	if (object_make(SK_OBJ_FRAME, SK_PAGE_ORDER, &frame))
		return -SK_E_NO_MEM;
	caps->out[0] = frame;
	caps->n_out = 1;
	caps->move_out = true;
	mr[1] = UINT64_MAX;
	mr[2] = offset;
	mr[3] = order;
	return 0;
}

static int say_ram(uint32_t label, uint64_t *mr, struct svc_caps *caps)
{
	const uint64_t piece = mr[2];

	claim_fill(mr, 8, 1);
	return label == PLATFORM_BAR ? bar_lie(mr, caps, piece * 4096 % BAR_BYTES, 12) : 0;
}

static int say_wide(uint32_t label, uint64_t *mr, struct svc_caps *caps)
{
	claim_fill(mr, 8, 1);
	return label == PLATFORM_BAR ? bar_lie(mr, caps, 0, 14) : 0;
}

static int say_beside(uint32_t label, uint64_t *mr, struct svc_caps *caps)
{
	claim_fill(mr, 8, 1);
	return label == PLATFORM_BAR ? bar_lie(mr, caps, UINT64_MAX - 4095, 63) : 0;
}

/* The device of somebody else: the numbers of all functions that there may be. */
static int say_other(uint32_t label, uint64_t *mr, struct svc_caps *caps)
{
	static uint64_t rid;

	(void)caps;
	if (label == PLATFORM_CLAIM)
		rid = (rid + 8) % 256;
	claim_fill(mr, rid, 1);
	return label == PLATFORM_BAR ? -SK_E_RANGE : 0;
}

static int say_errors(uint32_t label, uint64_t *mr, struct svc_caps *caps)
{
	static int rc = 0;

	(void)label;
	(void)mr;
	(void)caps;
	rc = rc > -40 ? rc - 1 : INT32_MIN;
	return rc;
}

/* ---- the list ---------------------------------------------------------------------------- */
#define ATTACKS(X) \
	X(ones) X(zeros) X(objects) X(ram) X(wide) X(beside) X(other) X(errors) X(silence)

static const struct {
	const char *name;
	int (*say)(uint32_t label, uint64_t *mr, struct svc_caps *caps);
} attacks[] = {
#define X(name) { #name, say_##name },
	ATTACKS(X)
#undef X
};

uint32_t attacks_count(void) { return ARRAY_SIZE(attacks); }

const char *attack_name(uint32_t i) { return attacks[i].name; }

uint32_t attack_find(const char *name)
{
	uint32_t i = 0;

	while (i < ARRAY_SIZE(attacks) && strcmp(attacks[i].name, name) != 0)
		i++;
	return i;
}

int attack_call(uint32_t i, uint32_t label, uint64_t *mr, uint32_t *n_mr, struct svc_caps *caps)
{
	static uint32_t n;
	int rc;

	if (i >= ARRAY_SIZE(attacks))
		return -SK_E_NO_SYS;
	say("attack %s on %u", attack_name(i), (unsigned int)++n);
	rc = attacks[i].say(label, mr, caps);
	*n_mr = SK_MR_MAX;
	return label == PLATFORM_QUIESCE || label == PLATFORM_RESET ? 0 : rc;
}

void attack_do(uint32_t i, struct svc_conn *c)
{
	(void)i;
	(void)c;
}

int attack_event(uint32_t i, struct svc_conn *c)
{
	(void)i;
	(void)c;
	return 0;
}

void attack_tick(uint32_t i, struct svc_conn *c)
{
	(void)i;
	(void)c;
}
