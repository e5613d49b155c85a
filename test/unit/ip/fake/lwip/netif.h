/* SPDX-License-Identifier: BSD-2-Clause */
/* netif.h - the part of lwIP that port_if.c uses; port_test.c plays it */
#ifndef FAKE_LWIP_NETIF_H
#define FAKE_LWIP_NETIF_H

#include <stdint.h>
#include "lwip/ip4_addr.h"

typedef int8_t err_t;
typedef uint8_t u8_t;
typedef uint16_t u16_t;
enum { ERR_OK = 0, ERR_MEM = -1, ERR_IF = -12 };
enum {
	NETIF_FLAG_BROADCAST = 2,
	NETIF_FLAG_LINK_UP = 4,
	NETIF_FLAG_ETHARP = 8,
	NETIF_FLAG_ETHERNET = 16
};

struct pbuf {
	u16_t tot_len;
	uint8_t bytes[2048];
};
struct netif {
	void *state;
	err_t (*input)(struct pbuf *p, struct netif *n);
	void (*output)(void);
	err_t (*linkoutput)(struct netif *n, struct pbuf *p);
	char name[2];
	u16_t mtu;
	u8_t hwaddr[6], hwaddr_len, flags;
	ip4_addr_t address, mask, gateway;
};

#define netif_ip4_addr(n) (&(n)->address)
#define netif_ip4_netmask(n) (&(n)->mask)
#define netif_ip4_gw(n) (&(n)->gateway)
struct netif *netif_add_noaddr(struct netif *n, void *state, err_t (*init)(struct netif *n),
	err_t (*input)(struct pbuf *p, struct netif *n));
void netif_set_default(struct netif *n);
void netif_set_status_callback(struct netif *n, void (*fn)(struct netif *n));
void netif_set_up(struct netif *n);
void netif_set_link_down(struct netif *n);
void netif_set_addr(struct netif *n, const ip4_addr_t *address, const ip4_addr_t *mask,
	const ip4_addr_t *gateway);

#endif
