/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * error.c - errors in words, from the kernel's list
 */
#include <sk/types.h>
#include "base/array.h"
#include "base/error.h"

static const char *const texts[] = { [SK_E_OK] = "no error",
#define X(name, num, text) [num] = (text),
	SK_ERRORS(X)
#undef X
};

const char *sk_error_text(int rc)
{
	unsigned int error = -(unsigned int)rc;

	return error < ARRAY_SIZE(texts) && texts[error] ? texts[error] : "unknown error";
}
