/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * internal.h - what the parts of libs/proc share
 */
#ifndef PROC_INTERNAL_H
#define PROC_INTERNAL_H

#include "proc/proc.h"

/* Move the capability of an own slot into the domain's keep, and free the slot. */
int keep_put(struct proc *p, sk_cap_t cap) must_check;
/* Make an object out of the domain's memory (or `from`) in an own slot. */
int make_own(
	struct proc *p, sk_cap_t from, uint32_t type, uint32_t order, sk_cap_t *out) must_check;
/* Map a part of a frame in an own slot into the domain; tables come from its memory. */
int map_part(struct proc *p, sk_cap_t frame, uint64_t vaddr, uint64_t offset, uint64_t size,
	uint32_t rights) must_check;
/* New pages from vaddr on for mem_size bytes; the first data_size come from data. */
int map_new(struct proc *p, uint64_t vaddr, uint64_t mem_size, const void *data,
	uint64_t data_size, uint32_t rights) must_check;
/* Largest order of a map at vaddr and offset when `size` bytes are left. */
uint32_t map_order(uint64_t vaddr, uint64_t offset, uint64_t size, uint32_t frame_order);

/* connect.c: the order of a frame for so many bytes; the first half of a connection. */
uint32_t order_for(uint64_t size);
int connect_prepare(struct proc *p, uint32_t channel, const struct proc_connect *c,
	struct svc_open_args *a, struct proc_connection *out) must_check;
void boundary_drop(struct proc_connection *out);

int image_map(struct proc *p, const struct proc_image *im) must_check;

#endif
