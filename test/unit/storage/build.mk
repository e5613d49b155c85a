unit-tests += storage_gpt storage_volume storage_disk
src-unit-storage_gpt := test/unit/storage/gpt_test.c services/storage/gpt.c
inc-unit-storage_gpt := services/storage
ldlibs-unit-storage_gpt := -lz
src-unit-storage_volume := test/unit/storage/volume_test.c services/storage/volume.c
inc-unit-storage_volume := services/storage
src-unit-storage_disk := test/unit/storage/disk_test.c services/storage/disk.c libs/ring/ring.c
inc-unit-storage_disk := services/storage libs
