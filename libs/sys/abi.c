/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * abi.c - the sizes of the kernel's structures, as programs and kernel were built for them
 *
 * Only assertions. Kernel and programs compile the same headers, so a change of a size is a
 * change of the ABI: SK_ABI_VERSION and docs/abi.md change with it.
 */
#include <sk/boot.h>
#include <sk/ipc.h>
#include <sk/vcpu.h>

#define SIZE(type, bytes) _Static_assert(sizeof(struct type) == (bytes), "ABI: " #type)

SIZE(sk_archive_seg, 40);
SIZE(sk_archive, 48 + SK_ARCHIVE_SEGS * 40);
SIZE(sk_boot_untyped, 16);
SIZE(sk_boot_frame, 8);
SIZE(sk_bootinfo, 56 + SK_BOOT_UNTYPED_MAX * 16 + 64 * 8 + SK_CMDLINE_MAX);
SIZE(sk_info, 48 + SK_CPU_MAX * 4 + 32);
SIZE(sk_klog, 16);
SIZE(sk_send_cap, 8);
SIZE(sk_utcb, 4096);
SIZE(sk_regs, 20 * 8);
SIZE(sk_segment, 16);
SIZE(sk_vcpu_state, 528);
