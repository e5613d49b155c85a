#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# zstd.sh SYSROOT - the zstd decoder
. "$(dirname "$0")/common.sh"

unpack libzstd zstd
cd "$work/zstd/lib"
headers . zstd.h zstd_errors.h
archive zstd "-DZSTD_DISABLE_ASM=1 -DDYNAMIC_BMI2=0" $(ls decompress/*.c) common/debug.c common/entropy_common.c \
	common/error_private.c common/fse_decompress.c common/xxhash.c common/zstd_common.c
