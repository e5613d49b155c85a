/* SPDX-License-Identifier: BSD-2-Clause */
/* number.h - numbers as a person types them */
#ifndef SHELL_NUMBER_H
#define SHELL_NUMBER_H

#include <sk/types.h>
#include <stdint.h>

/* Decimal digits and nothing else, for a number up to `most`. 0, or -1: it is none. */
int number_parse(const char *text, uint32_t most, uint32_t *n) must_check;

#endif
