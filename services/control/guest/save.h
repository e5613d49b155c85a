/* SPDX-License-Identifier: BSD-2-Clause */
/* save.h - saving a guest on a partition */
#ifndef CONTROL_SAVE_H
#define CONTROL_SAVE_H

#include "guest/guest.h"

/*
 * Begin to save a guest that runs on the partition with this label. Of *save: what becomes of
 * it, the configuration to save with it, which is taken over, and fn(domid, why), which is
 * called at the end, also when the guest ends first. 0, or -1 with *m and nothing begun.
 */
int guest_save(struct guest *g, const char *label, const struct guest_save *save,
	struct msg *m) must_check;

/* ---- reports from the other parts of a guest ---- */

/* The volume is open. */
void save_opened(struct guest *g);
/* The VMM has written the memory, and the guest is to stop. */
void save_copied(struct guest *g);
/* The guest has shut down, for whatever reason, or its VMM is dead. */
void save_down(struct guest *g);
/*
 * The VMM wants the configuration from this byte on. 0, or -SK_E_PEER: there is no such byte.
 */
int save_text_wanted(struct guest *g, uint32_t at) must_check;
/* The VMM has saved the guest, or why not. */
void save_heard(struct guest *g, const char *why, uint32_t len);
/* A restored guest is there: close the volume, then its creation has passed. */
void save_restored(struct guest *g);
/* An earlier life of control was saving it; the volume is closed. plug_done_fn. */
void save_undone(uint32_t domid, const char *why);

#endif
