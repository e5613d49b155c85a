#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# headers.sh SYSROOT - headers of the build machine that domains use as they are, each in a directory of its own
. "$(dirname "$0")/common.sh"

mkdir -p "$root/uthash"
ln -sfn /usr/include/uthash.h "$root/uthash/uthash.h"
