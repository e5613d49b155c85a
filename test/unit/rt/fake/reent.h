/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * reent.h - the part of newlib's header that libs/sys uses
 */
#ifndef FAKE_REENT_H
#define FAKE_REENT_H

struct _reent {
	int made;
};
#define _REENT_INIT_PTR(r) ((r)->made = 1)

#endif
