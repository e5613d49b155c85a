/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * save.h - saving the guest, and restoring it
 *
 * Functions run on the I/O thread, unless they say otherwise.
 */
#ifndef VMM_MACHINE_SAVE_H
#define VMM_MACHINE_SAVE_H

#include "machine/vm.h"
#include "save/state.h"

/* ---- commands of control: proto/vmctl.h ---- */

void save_begin(const void *body, uint32_t len);
void save_text(uint32_t at, const void *body, uint32_t len);
/*
 * Forget the volume, if a guest is being saved: it is not in use any more when save_busy()
 * ends.
 */
void save_abandon(void);
bool save_busy(void);
void save_resume(void);

/* Something that a save or a restoration waits for may have happened. */
void save_advance(void);
/* Compose TEXT or SAVED; returns the bytes in text[VMCTL_TEXT_MAX]. */
uint32_t save_message(uint32_t type, uint32_t *arg, char *text);

/* ---- the thread of a vCPU that is parked ---- */

void save_job_run(struct vcpu *v);

/* ---- main thread, before the guest runs: restore.c ---- */

/* Open the volume, and read its header. */
int restore_open(struct load_error *e) must_check;
/* VM_READ_CONFIG: send the configuration to control, then FAILED. */
void restore_config_send(void);
/*
 * Read memory and state from the volume, and check that they are complete. Sets vm.start_tsc
 * and vm.tsc_offset; *elapsed_ns is the guest's time.
 */
int restore_read(uint64_t *elapsed_ns, struct load_error *e) must_check;
/* Set the state of vCPUs that were made, and how upcalls reach the guest. */
int restore_vcpus(struct load_error *e) must_check;
/*
 * The threads of the vCPUs were started: the rest of their state is loaded by them, and control
 * is told when that is done.
 */
void restore_finish(void);

/* I/O thread: something that restore_finish() waits for may have happened. */
void restore_advance(void);
/* Compose CONFIG; restore_more(): it was sent; is there another one? */
uint32_t restore_message(uint32_t *arg, char *text);
bool restore_more(void);

/* ---- save.c for restore.c ---- */

/* The order of memory for so many bytes. */
uint32_t save_order(uint32_t size);
/* A guest_state in memory of the VMM's own; save_state_free() gives it back. */
struct guest_state *save_state_alloc(void);
void save_state_free(void);
/* Have all parked vCPU threads do the job. 0, or an error when none was given. */
int save_jobs_start(enum vcpu_job job) must_check;
/* 1: all have done it; 0: not yet; -1: one has failed. The stub is hidden when it is over. */
int save_jobs_end(void);

#endif
