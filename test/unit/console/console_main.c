/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * console_main.c - the console domain's main.c, whose main() the test calls
 */
int console_main(void);
#define main console_main
#include "main.c"
