#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# newlib.sh SYSROOT - the C library: per-thread _reent through __getreent(), retargetable locks, no system calls
. "$(dirname "$0")/common.sh"

tarball=$(ls /usr/src/newlib/newlib-*.tar.xz | sort -V | tail -n 1)
mkdir "$work/src" "$work/build"
tar -C "$work/src" --strip-components=1 -xf "$tarball" --exclude='*/testsuite/*' --exclude='*/libgloss/*' --exclude='*/winsup/*'
cd "$work/build"
../src/configure --target=x86_64-elf --prefix="$work/out" \
	--disable-multilib --disable-libgloss --disable-nls --disable-shared \
	--disable-newlib-supplied-syscalls --enable-newlib-retargetable-locking \
	--enable-newlib-global-stdio-streams --enable-newlib-io-long-long --enable-newlib-io-c99-formats \
	CC_FOR_TARGET="${tool}gcc -nostdinc -isystem $gccinc $not_linux" \
	AR_FOR_TARGET=${tool}ar RANLIB_FOR_TARGET=${tool}ranlib AS_FOR_TARGET=${tool}as LD_FOR_TARGET=${tool}ld \
	NM_FOR_TARGET=${tool}nm STRIP_FOR_TARGET=${tool}strip READELF_FOR_TARGET=${tool}readelf \
	OBJDUMP_FOR_TARGET=${tool}objdump \
	CFLAGS_FOR_TARGET="-ffreestanding $(echo $codegen)" MAKEINFO=true
make -j"$(nproc)" all-target-newlib MAKEINFO=true
make install-target-newlib MAKEINFO=true
cp -r "$work/out/x86_64-elf/include/." "$root/include/"
cp "$work/out/x86_64-elf/lib/libc.a" "$work/out/x86_64-elf/lib/libm.a" "$root/lib/"
# libs/rt supplies these two; libc's own versions do nothing and would clash
${tool}ar dD "$root/lib/libc.a" lib_a-lock.o lib_a-getreent.o

# other people's headers, each visible by itself and without the rest of /usr/include
mkdir -p "$root/xeninc" "$root/zycore"
ln -sfn /usr/include/xen "$root/xeninc/xen"
ln -sfn /usr/include/Zycore "$root/zycore/Zycore"
