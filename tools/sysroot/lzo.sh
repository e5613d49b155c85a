#!/bin/bash
# lzo.sh SYSROOT - the LZO1X decoder
. "$(dirname "$0")/common.sh"

unpack lzo2 lzo
cd "$work/lzo"
headers lzo include/lzo/lzo1x.h include/lzo/lzoconf.h include/lzo/lzodefs.h
archive lzo2 "-Iinclude -Isrc" src/lzo1x_d2.c
