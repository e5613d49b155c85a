/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * error.h - errors in words
 */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

/* Errors that the kernel does not give, in the same name space and above its numbers. */
#define BASE_ERRORS(X) \
	X(RESTARTED, 64, \
		"the service has started again; what it has not answered is to be repeated")

#define X(name, num, text) SK_E_##name = (num),
enum base_error { BASE_ERRORS(X) };
#undef X

/* The meaning of a result of 0 or -SK_E_*, for messages: "no disk: the deadline passed". */
const char *sk_error_text(int rc);

#endif
