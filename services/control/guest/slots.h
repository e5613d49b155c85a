/* SPDX-License-Identifier: BSD-2-Clause */
/* slots.h - objects that outlive control, in slots of its CNode that the table names */
#ifndef CONTROL_SLOTS_H
#define CONTROL_SLOTS_H

#include <sk/object.h>
#include <sk/types.h>
#include <stdint.h>

/* An object out of this memory, with its slot in *out. */
int slot_object(sk_cap_t untyped, uint32_t type, uint32_t order, sk_cap_t *out) must_check;
/*
 * What an earlier life had there; each slot is taken over once. 0: it has no object of this
 * type, or the slot is another's.
 */
sk_cap_t slot_take_over(sk_cap_t slot, uint32_t type);

#endif
