#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# lz4.sh SYSROOT - LZ4 blocks and frames
. "$(dirname "$0")/common.sh"

unpack lz4 lz4
cd "$work/lz4/lib"
headers . lz4.h lz4frame.h lz4hc.h
archive lz4 "-DXXH_NAMESPACE=LZ4_" lz4.c lz4hc.c lz4frame.c xxhash.c
