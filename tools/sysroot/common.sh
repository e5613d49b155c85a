# SPDX-License-Identifier: BSD-2-Clause
# common.sh - what every recipe here shares; sourced with SYSROOT as the first argument
#
# Gives: root (the sysroot), work (an empty work directory, removed at the end), tool (the prefix of
# the target's binutils and compiler), tcflags (how library code for the target is compiled), and
#   unpack PACKAGE DIR        Debian source package, patched as Debian does, into $work/DIR
#   archive NAME FLAGS FILES  compile FILES (below the current directory) into lib/libNAME.a
#   headers DIR FILES         install FILES into include/DIR

set -euo pipefail
recipes=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(realpath -m "${1:?usage: RECIPE SYSROOT}")
tool=${CROSS_COMPILE-x86_64-linux-gnu-}
mkdir -p "$root/include" "$root/lib"
work=$(mktemp -d "$root/work.XXXXXX")
trap 'rm -rf "$work"' EXIT
export SOURCE_DATE_EPOCH=0 LC_ALL=C

gccinc=$(${tool}gcc -print-file-name=include)
not_linux="-U__linux__ -U__gnu_linux__ -U__unix__ -Ulinux -Uunix -U__linux -U__unix"
codegen="-O2 -g -fno-pic -fno-pie -fno-stack-protector -fno-asynchronous-unwind-tables
	-fcf-protection=none -ftls-model=local-exec -ffunction-sections -fdata-sections
	-D_FORTIFY_SOURCE=0 -D__DYNAMIC_REENT__ -ffile-prefix-map=$root=sysroot -ffile-prefix-map=$work=."
tcflags="-std=gnu11 -nostdinc -isystem $gccinc -isystem $root/include $not_linux $codegen"

unpack() {
	local dsc
	dsc=$(bash "$recipes/../deb-source" "$root/../dl" "$1")
	dpkg-source --no-check -x "$dsc" "$work/$2"
}

# the objects are named after the whole path, so that equal file names do not meet in the archive
archive() {
	local name=$1 flags=$2
	shift 2
	printf '%s\n' "$@" | xargs -P "$(nproc)" -I{} sh -c \
		'o=$(echo "{}" | tr / _); exec '"${tool}gcc $(echo $tcflags $flags)"' -w -c "{}" -o "'"$work"'/'"$name"'-${o%.*}.o"'
	rm -f "$root/lib/lib$name.a"
	(cd "$work" && ${tool}ar rcsD "$root/lib/lib$name.a" $(ls "$name"-*.o | LC_ALL=C sort))
}

headers() {
	local dir=$root/include/$1
	shift
	mkdir -p "$dir"
	cp "$@" "$dir/"
}
