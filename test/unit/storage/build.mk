# SPDX-License-Identifier: BSD-2-Clause
unit-tests += storage_gpt storage_volume storage_main
src-unit-storage_gpt := test/unit/storage/gpt_test.c services/storage/gpt.c
inc-unit-storage_gpt := services/storage
ldlibs-unit-storage_gpt := -lz
src-unit-storage_volume := test/unit/storage/volume_test.c services/storage/volume.c
inc-unit-storage_volume := services/storage
src-unit-storage_main = test/unit/storage/main_test.c $(world) services/storage/main.c services/storage/client.c \
	services/storage/disk.c services/storage/volume.c services/storage/gpt.c
inc-unit-storage_main := services/storage test/unit
cflags-unit-storage_main = $(world-cflags)
ldlibs-unit-storage_main := -lz
