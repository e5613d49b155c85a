/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * choice.h - the source of a run's decisions: a fuzzer's bytes, or a seed
 */
#ifndef KHOST_CHOICE_H
#define KHOST_CHOICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

void choose_from_seed(uint64_t seed);
void choose_from_bytes(const uint8_t *data, size_t size);
/* 0 to n - 1. */
uint64_t choose(uint64_t n);
uint64_t choose_word(void);
/* True when the bytes are used up; never with a seed. */
bool choices_end(void);

#endif
