/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * volume.h - where the blocks of the file system come from: a storage volume, or memory
 */
#ifndef FILES_VOLUME_H
#define FILES_VOLUME_H

#include <stdint.h>
#include <ext2fs/ext2fs.h>
#include "svc/svc.h"

/* The io_manager to open the file system with; exactly one of the two set-ups comes first. */
extern struct struct_io_manager volume_io;
int volume_use_channel(struct svc_conn *storage) must_check;
void volume_use_memory(const void *image, uint64_t size);
/*
 * Read `bytes` from byte `at` of the volume, both multiples of 512. 0, -SK_E_RANGE beyond the
 * end, or the medium's error.
 */
int volume_read(uint64_t at, uint32_t bytes, void *out) must_check;

#endif
