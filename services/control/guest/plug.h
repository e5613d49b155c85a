/* SPDX-License-Identifier: BSD-2-Clause */
/* plug.h - devices that a guest gets and loses while it runs */
#ifndef CONTROL_PLUG_H
#define CONTROL_PLUG_H

#include "guest/guest.h"

/*
 * Begin to attach a device to a guest that runs. fn(domid, why) is called at the end, unless
 * the guest ends first: why is NULL if the guest has the device, and else says what is wrong.
 * 0, or -1 with *m and nothing begun.
 */
int guest_plug_disk(
	struct guest *g, const struct guest_disk *d, plug_done_fn fn, struct msg *m) must_check;
int guest_plug_vif(
	struct guest *g, const struct vif_spec *v, plug_done_fn fn, struct msg *m) must_check;
/*
 * Begin to detach the device in a seat. forced: even if the guest goes on to use it. It may be
 * forced later. If the guest does not let go of a disk, fn says so after a while, and the disk
 * goes when the guest does let go.
 */
int guest_unplug(
	struct guest *g, uint32_t seat, bool forced, plug_done_fn fn, struct msg *m) must_check;
/*
 * The medium of a cdrom drive, which itself stays: insert one into an empty drive (medium->seat
 * says which), or eject it. As guest_plug_disk().
 */
int guest_insert(struct guest *g, const struct guest_disk *medium, plug_done_fn fn,
	struct msg *m) must_check;
int guest_eject(struct guest *g, uint32_t seat, plug_done_fn fn, struct msg *m) must_check;
/*
 * The volume on which a guest is saved. When it is open, save_opened() is called; fn when it
 * could not be opened, or when it is closed again.
 */
int guest_plug_image(
	struct guest *g, const char *label, plug_done_fn fn, struct msg *m) must_check;
/* The VMM does not use it any more: close it. */
void guest_unplug_image(struct guest *g, plug_done_fn fn);

/* The VMM has these devices (DEVICES of vmctl.h), after the PLUG or UNPLUG of that number. */
void plug_heard(struct guest *g, uint32_t seats, uint32_t number);
/* The connection that was to be closed is gone, or it may be closed now. */
void plug_closed(struct guest *g);
void plug_close(struct guest *g);
/* The guest ends. */
void plug_over(struct guest *g);

/*
 * A guest of an earlier life: forget devices that it does not have, before its memory is looked
 * at; then take out those that were being attached or detached.
 */
void plug_adopt(struct guest *g);
void plug_resume(struct guest *g);

#endif
