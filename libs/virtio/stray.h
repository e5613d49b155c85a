/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * stray.h - addresses that a driver gives its device, which a build for tests can make wrong
 *
 * The build below build/inject/ (SVC_INJECT) has stray.c; in all others an address is what it
 * is.
 */
#ifndef VIRTIO_STRAY_H
#define VIRTIO_STRAY_H

#include "virtio/virtq.h"

#ifdef SVC_INJECT
uint64_t stray_addr(const struct virtq_buf *b);
#else
static inline uint64_t stray_addr(const struct virtq_buf *b) { return b->addr; }
#endif

#endif
