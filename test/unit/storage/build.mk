# SPDX-License-Identifier: BSD-2-Clause
unit-tests += storage_gpt storage_volume storage_main storage_restart storage_replay
src-unit-storage_gpt := test/unit/storage/gpt_test.c services/storage/gpt.c
inc-unit-storage_gpt := services/storage
ldlibs-unit-storage_gpt := -lz
src-unit-storage_volume := test/unit/storage/volume_test.c services/storage/volume.c
inc-unit-storage_volume := services/storage
# All of storage, with the drivers of its disks and its clients.
storage-world = test/unit/storage/drives.c $(world) $(addprefix services/storage/,main.c client.c disk.c region.c volume.c gpt.c)
src-unit-storage_main = test/unit/storage/main_test.c $(storage-world)
src-unit-storage_restart = test/unit/storage/restart_test.c $(storage-world)
src-unit-storage_replay = test/unit/storage/replay_test.c $(storage-world)
inc-unit-storage_main := services/storage test/unit test/unit/storage
inc-unit-storage_restart := services/storage test/unit test/unit/storage
inc-unit-storage_replay := services/storage test/unit test/unit/storage
cflags-unit-storage_main = $(world-cflags)
cflags-unit-storage_restart = $(world-cflags)
cflags-unit-storage_replay = $(world-cflags)
ldlibs-unit-storage_main := -lz
ldlibs-unit-storage_restart := -lz
ldlibs-unit-storage_replay := -lz
