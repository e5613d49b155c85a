# SPDX-License-Identifier: BSD-2-Clause
domains += files
src-files := services/files/main.c services/files/map.c services/files/tree.c services/files/volume.c
use-files := svc base
extlibs-files := ext2fs com_err
