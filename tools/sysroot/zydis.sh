#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# zydis.sh SYSROOT - the x86 instruction decoder, without formatter, encoder and C library
. "$(dirname "$0")/common.sh"

unpack zydis zydis
cd "$work/zydis"
cp -r include/Zydis "$root/include/"
archive Zydis "-DZYAN_NO_LIBC -DZYDIS_STATIC_BUILD -DZYCORE_STATIC_BUILD -Iinclude -Isrc -isystem $root/zycore" \
	src/Decoder.c src/DecoderData.c src/MetaInfo.c src/Mnemonic.c src/Register.c src/SharedData.c src/Utils.c src/Zydis.c
