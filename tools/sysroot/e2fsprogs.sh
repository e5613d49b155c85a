#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# e2fsprogs.sh SYSROOT - libext2fs and com_err for reading ext2, ext3 and ext4 through the caller's io_manager
. "$(dirname "$0")/common.sh"

unpack e2fsprogs e2
cd "$work/e2"
# configured for the build machine, only to generate the error table, the CRC table and the type header
./configure --disable-nls --disable-elf-shlibs --disable-uuidd --disable-fuse2fs --disable-debugfs --disable-imager \
	--disable-resizer --disable-defrag --disable-fsck --disable-tdb --disable-mmp --disable-backtrace
make -C util subst
make -C lib/et compile_et
make -C lib/ext2fs ext2_err.h ext2_err.c crc32c_table.h
cp "$recipes/e2fsprogs/config.h" lib/config.h
cp "$recipes/e2fsprogs/readonly.c" lib/ext2fs/readonly.c
rm -f lib/dirpaths.h
touch lib/dirpaths.h

headers et lib/et/com_err.h
headers ext2fs lib/ext2fs/ext2fs.h lib/ext2fs/ext2_fs.h lib/ext2fs/ext3_extents.h lib/ext2fs/ext2_types.h \
	lib/ext2fs/ext2_err.h lib/ext2fs/ext2_io.h lib/ext2fs/ext2_ext_attr.h lib/ext2fs/bitops.h lib/ext2fs/hashmap.h \
	lib/ext2fs/tdb.h

cd lib
skip='bb_compat debug.* dosio dupfs e2image fileio_.* finddev flushb gen_crc32ctable getsectsize getsize imager inode_io
	ismounted mkjournal nt_io progress sha256 sparse_io tdb tdbtool test_io tst_.* undo_io unix_io windows_io write_bb_file
	atexit native bmove brel_ma irel_ma'
archive ext2fs "-DHAVE_CONFIG_H -I. -Iext2fs -Iet" \
	$(ls ext2fs/*.c | grep -vE "^ext2fs/($(echo $skip | tr ' ' '|'))\.c$")
archive com_err "-DHAVE_CONFIG_H -I. -Iet" et/error_message.c et/et_name.c et/init_et.c et/com_err.c
