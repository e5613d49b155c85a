/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * error.h - errors in words
 */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

/* The meaning of a result of 0 or -SK_E_*, for messages: "no disk: the deadline passed". */
const char *sk_error_text(int rc);

#endif
