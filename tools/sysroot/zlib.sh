#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# zlib.sh SYSROOT - zlib without its file functions
. "$(dirname "$0")/common.sh"

unpack zlib zlib
cd "$work/zlib"
headers . zlib.h zconf.h
archive z "" adler32.c compress.c crc32.c deflate.c inffast.c inflate.c inftrees.c trees.c uncompr.c zutil.c
