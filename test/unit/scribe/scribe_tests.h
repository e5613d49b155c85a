/* SPDX-License-Identifier: BSD-2-Clause */
/* scribe_tests.h - the groups of tests of the scribe */
#ifndef SCRIBE_TESTS_H
#define SCRIBE_TESTS_H

int layout_tests(void);
int requests_tests(void);

#endif
