#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# compat.sh SYSROOT - what newlib's libc refers to and leaves to the system: posix_memalign()
. "$(dirname "$0")/common.sh"

cat >"$work/posix_memalign.c" <<'C'
#include <errno.h>
#include <malloc.h>
#include <stdlib.h>

int posix_memalign(void **out, size_t align, size_t size);
int posix_memalign(void **out, size_t align, size_t size)
{
	void *block;

	if (align < sizeof(void *) || (align & (align - 1)))
		return EINVAL;
	block = memalign(align, size);
	if (!block)
		return ENOMEM;
	*out = block;
	return 0;
}
C
cd "$work"
${tool}gcc $(echo $tcflags) -Wall -c posix_memalign.c -o sk_posix_memalign.o
${tool}ar rsD "$root/lib/libc.a" sk_posix_memalign.o
