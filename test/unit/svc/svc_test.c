/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * svc_test.c - libs/svc on a scripted kernel
 */
#include "harness.h"

int main(void)
{
	return open_tests() + events_tests() + close_tests() + loop_tests() + channel_tests() +
	       restart_tests() + connect_tests() + account_tests();
}
