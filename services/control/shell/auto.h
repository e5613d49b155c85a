/* SPDX-License-Identifier: BSD-2-Clause */
/* auto.h - the guests that start with the host */
#ifndef CONTROL_AUTO_H
#define CONTROL_AUTO_H

/*
 * Start the guests of /guests/auto, then call fn. When one takes very long, fn is called early,
 * and again at the end.
 */
void auto_start(void (*fn)(void));

#endif
