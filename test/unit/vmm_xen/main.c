/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * main.c - all cases of the Xen half of the VMM
 */
#include "case.h"

int main(void)
{
	int failed = hypercall_tests();

	failed += memory_op_tests();
	failed += vcpu_op_tests();
	failed += compat_tests();
	failed += evtchn_tests();
	failed += grant_tests();
	failed += gring_tests();
	failed += console_ring_tests();
	failed += store_ring_tests();
	failed += blkback_tests();
	failed += remove_tests();
	failed += drive_tests();
	failed += blk_restart_tests();
	failed += netback_tests();
	failed += net_large_tests();
	failed += breach_tests();
	failed += net_poll_tests();
	return failed != 0;
}
