/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * guest_boot.h - what a guest boots: a kernel of the host's files, or what its own disk has
 *
 * Nothing outside a guest reads its file systems. A guest that boots from its own disk starts
 * GRUB, which finds the guest's grub.cfg: PVH GRUB, or PV GRUB in the shim.
 */
#ifndef SHELL_GUEST_BOOT_H
#define SHELL_GUEST_BOOT_H

#include "config/guest_cfg.h"
#include "config/path.h"

/* GRUB among the host's files: for pvh guests, and for 64-bit and 32-bit pv guests. */
#define GRUB_FILE GUESTS_DIR "/grub-i386-xen_pvh.bin"
#define GRUB_PV_FILE GUESTS_DIR "/grub-x86_64-xen.bin"
#define GRUB_PV32_FILE GUESTS_DIR "/grub-i386-xen.bin"

/*
 * Complete *g, whose settings in *c were read. Mistakes and remarks go to *r; a kernel that is
 * missing is a mistake only if all of the file was understood.
 */
void guest_boot_choose(struct guest_config *g, const struct cfg *c, struct report *r);

#endif
