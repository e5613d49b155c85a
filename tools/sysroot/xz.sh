#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# xz.sh SYSROOT - liblzma's decoders: .xz and .lzma, LZMA1/2 and the x86 filter
. "$(dirname "$0")/common.sh"

unpack xz-utils xz
cd "$work/xz/src/liblzma"
headers . api/lzma.h
headers lzma api/lzma/*.h
archive lzma "-DHAVE_STDBOOL_H -DHAVE_STDINT_H -DHAVE_INTTYPES_H -DHAVE_STRING_H -DHAVE_LIMITS_H -DHAVE_VISIBILITY=0
	-DHAVE_CHECK_CRC32 -DHAVE_CHECK_CRC64 -DHAVE_CHECK_SHA256 -DHAVE_DECODERS -DHAVE_DECODER_LZMA1 -DHAVE_DECODER_LZMA2
	-DHAVE_DECODER_X86 -DHAVE_DECODER_DELTA -DTUKLIB_SYMBOL_PREFIX=lzma_ -DTUKLIB_FAST_UNALIGNED_ACCESS -DNDEBUG
	-DPACKAGE_NAME=\\\"xz\\\" -DPACKAGE_URL=\\\"\\\" -DSIZEOF_SIZE_T=8 -DHAVE___BUILTIN_ASSUME_ALIGNED -DHAVE___BUILTIN_BSWAPXX
	-Iapi -Icommon -Icheck -Ilz -Irangecoder -Ilzma -Idelta -Isimple -I../common" \
	common/alone_decoder.c common/auto_decoder.c common/block_decoder.c common/block_header_decoder.c \
	common/block_util.c common/common.c common/easy_decoder_memusage.c common/filter_common.c \
	common/filter_decoder.c common/filter_flags_decoder.c common/index.c common/index_decoder.c common/index_hash.c \
	common/lzip_decoder.c common/stream_buffer_decoder.c common/stream_decoder.c common/stream_flags_common.c \
	common/stream_flags_decoder.c common/vli_decoder.c common/vli_size.c \
	check/check.c check/crc32_fast.c check/crc32_table.c check/crc64_fast.c check/crc64_table.c check/sha256.c \
	lz/lz_decoder.c lzma/lzma_decoder.c lzma/lzma2_decoder.c delta/delta_common.c delta/delta_decoder.c \
	simple/simple_coder.c simple/simple_decoder.c simple/x86.c
