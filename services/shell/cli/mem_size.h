/* SPDX-License-Identifier: BSD-2-Clause */
/* mem_size.h - amounts of memory as a person types them */
#ifndef SHELL_MEM_SIZE_H
#define SHELL_MEM_SIZE_H

#include <stdint.h>

/*
 * "512", "512m", "1g": digits and one of b k m g t; without a letter, MiB. KiB into *kib,
 * rounded down. 0 or -1.
 */
int mem_size_parse(const char *text, uint64_t *kib);

#endif
