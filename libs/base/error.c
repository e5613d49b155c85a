/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * error.c - errors in words, from the kernel's list and the one of user land
 */
#include <sk/types.h>
#include "base/array.h"
#include "base/error.h"

static const char *const texts[] = { [SK_E_OK] = "no error",
#define X(name, num, text) [num] = (text),
	SK_ERRORS(X) BASE_ERRORS(X)
#undef X
};
_Static_assert((int)SK_E_RESTARTED >= (int)SK_E_END, "not a number of the kernel's");

const char *sk_error_text(int rc)
{
	unsigned int error = -(unsigned int)rc;

	return error < ARRAY_SIZE(texts) && texts[error] ? texts[error] : "unknown error";
}
