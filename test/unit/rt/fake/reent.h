/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * reent.h - as much of newlib's as libs/sys asks for
 */
#ifndef FAKE_REENT_H
#define FAKE_REENT_H

struct _reent {
	int made;
};
#define _REENT_INIT_PTR(r) ((r)->made = 1)

#endif
