#!/bin/bash
# e2fsprogs.sh SYSROOT - libext2fs and com_err for reading ext2, ext3 and ext4
. "$(dirname "$0")/common.sh"

unpack e2fsprogs e2
cp -r "$work/e2" "$work/host"
