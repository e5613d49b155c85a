# SPDX-License-Identifier: BSD-2-Clause
domains += storage
src-storage := services/storage/main.c services/storage/client.c services/storage/disk.c services/storage/region.c services/storage/volume.c services/storage/gpt.c
use-storage := svc base
extlibs-storage := z
