/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * images.h - kernels that were unpacked, for other guests that boot from the same file
 *
 * The first VMM that unpacks a kernel does so into memory of the guests' pool. It loses the
 * right to write there before anybody else can read it, and before its guest runs. From then on
 * each VMM whose guest boots from the same file gets the memory read-only while it loads its
 * guest. Memory of an image that no VMM reads is free: it is given back when a guest needs it.
 */
#ifndef CONTROL_IMAGES_H
#define CONTROL_IMAGES_H

#include <stdbool.h>
#include <stdint.h>

#include "guest/guest.h"

/*
 * Before the VMM starts: bytes of the kernel that it finds unpacked; 0: it unpacks it itself.
 */
uint64_t image_give(struct guest *g);
/* Its VMM asks for room for `size` bytes: as many, or 0. */
uint32_t image_room(struct guest *g, uint32_t size);
/* It has unpacked the kernel there: `size`, and it may be read; or 0, and it is gone. */
uint32_t image_filled(struct guest *g, uint32_t size);
/* The VMM has loaded the guest, or has ended. */
void image_leave(struct guest *g);

/* Give back the image that was used least recently. False: all of them are being used. */
bool images_give_back(void);
/* Bytes that can be given back, and bytes that will be when guests are ready. */
uint64_t images_idle(void);
uint64_t images_busy(void);

#endif
