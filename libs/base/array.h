/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * array.h - the number of elements of an array
 */
#ifndef BASE_ARRAY_H
#define BASE_ARRAY_H

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#endif
