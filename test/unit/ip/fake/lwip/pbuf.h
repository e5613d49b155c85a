/* SPDX-License-Identifier: BSD-2-Clause */
/* pbuf.h - the part of lwIP that port_if.c uses; port_test.c plays it */
#ifndef FAKE_LWIP_PBUF_H
#define FAKE_LWIP_PBUF_H

#include "lwip/netif.h"

enum { PBUF_RAW, PBUF_POOL };
struct pbuf *pbuf_alloc(int layer, u16_t length, int type);
u8_t pbuf_free(struct pbuf *p);
err_t pbuf_take(struct pbuf *p, const void *data, u16_t len);
u16_t pbuf_copy_partial(const struct pbuf *p, void *data, u16_t len, u16_t offset);

#endif
