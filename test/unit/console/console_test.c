/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * console_test.c - the console domain among played parties: what reaches the terminal, the
 * shell, and the log
 */
#include "harness.h"

int main(void)
{
	return conlog_tests() + guest_tests() + log_tests() + restart_tests() +
	       uart_restart_tests();
}
