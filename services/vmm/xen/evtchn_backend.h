/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * evtchn_backend.h - domain 0's ends of event channels; on the I/O thread
 */
#ifndef VMM_EVTCHN_BACKEND_H
#define VMM_EVTCHN_BACKEND_H

#include <stdint.h>
#include <sk/types.h>

#define NO_BACKEND UINT32_MAX

/* Allocate a port that domain 0 may bind, while the guest is being built. 0: none is left. */
uint32_t evtchn_alloc_unbound(void);
/*
 * Bind a back end to the unbound port: fn(ctx) runs on the I/O thread when the guest notifies.
 */
int evtchn_backend_bind(
	uint32_t port, void (*fn)(void *ctx), void *ctx, unsigned int *backend) must_check;
void evtchn_backend_unbind(unsigned int backend);
/* Raise the event in the guest. */
void evtchn_backend_notify(unsigned int backend);
/* Any thread: have fn(ctx) called, after the others that are due. */
void evtchn_backend_wake(unsigned int backend);
/* Call the functions of the back ends that were notified, and the one of evtchn_on_idle(). */
void evtchn_backends_run(void);

/* From now on fn() runs on the I/O thread after a vCPU has gone idle. NULL: nothing does. */
void evtchn_on_idle(void (*fn)(void));
/* On a vCPU's thread that is about to wait. */
void evtchn_vcpu_idles(void);

#endif
