/* SPDX-License-Identifier: BSD-2-Clause */
/* init.h - the part of lwIP that ip uses; main_test.c plays it */
#ifndef FAKE_LWIP_INIT_H
#define FAKE_LWIP_INIT_H

void lwip_init(void);

#endif
