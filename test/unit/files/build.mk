# SPDX-License-Identifier: BSD-2-Clause
unit-tests += files_tree
src-unit-files_tree := test/unit/files/tree_test.c test/unit/files/no_channel.c services/files/map.c services/files/tree.c services/files/volume.c
inc-unit-files_tree := services/files
ldlibs-unit-files_tree := -lext2fs -lcom_err

unit-tests += files_volume
src-unit-files_volume := test/unit/files/volume_test.c services/files/volume.c libs/ring/ring.c libs/svc/rings.c libs/svc/wait.c
inc-unit-files_volume := services/files
ldlibs-unit-files_volume := -lext2fs -lcom_err

unit-tests += files_main
src-unit-files_main = test/unit/files/main_test.c $(world) services/files/main.c services/files/map.c services/files/tree.c services/files/volume.c
inc-unit-files_main := services/files test/unit
cflags-unit-files_main = $(world-cflags)
ldlibs-unit-files_main := -lext2fs -lcom_err

unit-tests += files_map
src-unit-files_map := test/unit/files/map_test.c test/unit/files/no_channel.c services/files/map.c services/files/tree.c services/files/volume.c
inc-unit-files_map := services/files
ldlibs-unit-files_map := -lext2fs -lcom_err
