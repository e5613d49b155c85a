#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# bzip2.sh SYSROOT - libbz2 without its file functions; its internal errors end the domain
. "$(dirname "$0")/common.sh"

unpack bzip2 bzip2
cd "$work/bzip2"
cat >bz_error.c <<'C'
#include <stdlib.h>
void bz_internal_error(int code);
void bz_internal_error(int code)
{
	(void)code;
	abort();
}
C
headers . bzlib.h
archive bz2 "-DBZ_NO_STDIO" blocksort.c bzlib.c compress.c crctable.c decompress.c huffman.c randtable.c bz_error.c
