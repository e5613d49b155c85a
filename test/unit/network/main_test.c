/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * main_test.c - the domain network
 */
#include "harness.h"

int main(void) { return frames_tests() + ports_tests() + driver_tests() + limits_tests(); }
