/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lives.c - what each life does of a rogue that init starts again
 *
 * The first life, in which the machine starts, does no harm. The second makes the tries, each
 * of the next ones has a fault, and then come the attacks. If the honest program is there, it
 * is the first life and one before each attack, the attacks begin again when all are done, and
 * the rogue ends its lives itself.
 */
#include <stdlib.h>
#include <string.h>
#include "rogue.h"

enum { FIRST_FAULT = 2, LIFE_MS = 2000 };

static uint32_t number(const char *key, uint32_t otherwise)
{
	char text[12];

	return svc_arg(key, text, sizeof(text)) ? (uint32_t)strtoul(text, NULL, 10) : otherwise;
}

/* The argument `attack` names the only attack, in every life. */
static bool only_attack(struct plan *p)
{
	char name[16];

	if (!svc_arg("attack", name, sizeof(name)))
		return false;
	*p = (struct plan){ .kind = PLAN_ATTACK, .index = attack_find(name) };
	return true;
}

struct plan plan_make(bool honest)
{
	const uint32_t n = svc_info()->epoch, first_attack = FIRST_FAULT + faults_count();
	/*
	 * Lives for each attack: more than one, if others may end a life before its attack, or
	 * the honest program has one.
	 */
	const uint32_t each = honest ? 2 : number("lives", 1);
	const struct plan nothing = { .kind = honest ? PLAN_HONEST : PLAN_NOTHING };
	/* In place of console no shell restarts it, so it ends each life but the last one. */
	struct plan p = { .kind = PLAN_TRIES, .life_ms = number("life", honest ? LIFE_MS : 0) };

	if (only_attack(&p))
		return p;
	if (!honest && n >= first_attack + each * attacks_count())
		return nothing;
	if (!n)
		p.kind = nothing.kind;
	if (n >= first_attack) {
		if (honest && (n - first_attack) % each == 0)
			return nothing;
		p.kind = PLAN_ATTACK;
		p.index = (n - first_attack) / each % attacks_count();
	} else if (n >= FIRST_FAULT) {
		p.kind = PLAN_FAULT;
		p.index = n - FIRST_FAULT;
	}
	return p;
}
