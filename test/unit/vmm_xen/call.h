/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * call.h - hypercalls of the fake guest
 */
#ifndef CALL_H
#define CALL_H

#include "fake.h"

#define H(name, a, b, c) \
	hypercall(__HYPERVISOR_##name, (uint64_t)(a), (uint64_t)(b), (uint64_t)(c))

/* A hypercall with a structure as its second argument, which the call may change. */
static inline int64_t struct_call(uint32_t nr, uint64_t cmd, void *arg, size_t size)
{
	int64_t rc;

	memcpy(at(ARG), arg, size);
	rc = hypercall(nr, cmd, ARG, 1);
	memcpy(arg, at(ARG), size);
	return rc;
}

#endif
