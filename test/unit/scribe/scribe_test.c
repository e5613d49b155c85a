/* SPDX-License-Identifier: BSD-2-Clause */
/* scribe_test.c - all tests of the scribe */
#include "scribe_tests.h"

int main(void) { return layout_tests() + requests_tests(); }
