/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cuts.h - the end of a life of control at any moment that its next life could tell from
 * another: before any store to the memory that outlives it, and around what it does with others
 */
#ifndef CONTROL_CUTS_H
#define CONTROL_CUTS_H

#include <stddef.h>
#include <stdint.h>

/* The status of a process that was cut. */
enum { CUT_STATUS = 77 };

/*
 * From now on each store to this memory (whole pages) is a moment, and so is each call of
 * cut_here(). The process ends at the n-th moment; 0: it does not.
 */
void cuts_begin(void *mem, size_t size, uint32_t n);
void cut_here(void);
/* Moments so far. */
uint32_t cuts_passed(void);

#endif
