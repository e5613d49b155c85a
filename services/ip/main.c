/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * main.c - ip: the host's own address on one port of the switch
 *
 * Objects     one lwIP instance with one interface; it answers ARP and ICMP echo.
 * Lifecycle   address by DHCP, or fixed by the manifest (args address, netmask, gateway). A
 *             restart of the switch is a pause, in which frames are lost; the address stays.
 * Trust       frames are parsed here, apart from the switch. A malicious frame could only gain
 *             control of this one port.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <lwip/dhcp.h>
#include <lwip/init.h>
#include <lwip/ip4_addr.h>
#include <lwip/timeouts.h>
#include <netif/ethernet.h>

#include "port_if.h"
#include "base/error.h"
#include "sys/clock.h"
#include "sys/sk.h"

static struct netif netif;
static struct port_if port;
static struct svc_timer timer;

/* Set the loop's timer to the next deadline of lwIP's own timers. */
static void timer_rearm(void)
{
	u32_t ms = sys_timeouts_sleeptime();

	svc_timer_set(&timer, ms == SYS_TIMEOUTS_SLEEPTIME_INFINITE
				      ? SK_NO_DEADLINE
				      : sk_now() + clock_ns_to_ticks((uint64_t)ms * 1000000));
}

static void timer_event(void *ctx)
{
	(void)ctx;
	sys_check_timeouts();
	timer_rearm();
}

static void port_event(void *ctx)
{
	(void)ctx;
	port_if_event(&netif);
	timer_rearm();
}

static void switch_restarted(void *ctx)
{
	(void)ctx;
	port_if_restart(&netif);
}

static void switch_ended(void *ctx)
{
	(void)ctx;
	printf("no network any more: %s\n", svc_end_text(svc_end(port.conn)));
	netif_set_link_down(&netif);
	timer_rearm();
}

static void status_changed(struct netif *n)
{
	char mask[IP4ADDR_STRLEN_MAX], gateway[IP4ADDR_STRLEN_MAX];

	if (ip4_addr_isany_val(*netif_ip4_addr(n)))
		return;
	ip4addr_ntoa_r(netif_ip4_netmask(n), mask, sizeof(mask));
	ip4addr_ntoa_r(netif_ip4_gw(n), gateway, sizeof(gateway));
	printf("address %s netmask %s gateway %s\n", ip4addr_ntoa(netif_ip4_addr(n)), mask,
		gateway);
}

static int mac_parse(const char *text, uint8_t mac[6])
{
	unsigned int b[6];
	char end;

	if (sscanf(text, "%2x:%2x:%2x:%2x:%2x:%2x%c", &b[0], &b[1], &b[2], &b[3], &b[4], &b[5],
		    &end) != 6)
		return -SK_E_INVAL;
	for (unsigned int i = 0; i < 6; i++)
		mac[i] = (uint8_t)b[i];
	return mac[0] & 1 ? -SK_E_INVAL : 0;
}

static int address_arg(const char *key, ip4_addr_t *out)
{
	char text[IP4ADDR_STRLEN_MAX];

	if (!svc_arg(key, text, sizeof(text)))
		return -SK_E_NOT_FOUND;
	if (ip4addr_aton(text, out))
		return 0;
	printf("%s=%s in the manifest is no IPv4 address\n", key, text);
	return -SK_E_INVAL;
}

static int address_start(void)
{
	ip4_addr_t address, mask, gateway;
	int rc = address_arg("address", &address);

	if (rc == -SK_E_NOT_FOUND)
		return dhcp_start(&netif) == ERR_OK ? 0 : -SK_E_NO_MEM;
	if (rc)
		return rc;
	rc = address_arg("netmask", &mask);
	if (rc) {
		printf("a fixed address needs a netmask in the manifest too\n");
		return rc;
	}
	if (address_arg("gateway", &gateway))
		ip4_addr_set_zero(&gateway);
	netif_set_addr(&netif, &address, &mask, &gateway);
	return 0;
}

static int interface_start(void)
{
	char mac[20] = "02:73:6b:00:00:01";
	int rc;

	port.conn = svc_channel("net");
	if (!port.conn)
		return -SK_E_NOT_FOUND;
	(void)svc_arg("mac", mac, sizeof(mac));
	rc = mac_parse(mac, port.mac);
	if (rc) {
		printf("mac=%s in the manifest is no unicast address\n", mac);
		return rc;
	}
	srand((unsigned int)sk_now());
	lwip_init();
	if (!netif_add_noaddr(&netif, &port, port_if_init, ethernet_input))
		return -SK_E_NO_MEM;
	netif_set_default(&netif);
	netif_set_status_callback(&netif, status_changed);
	netif_set_up(&netif);
	rc = svc_on_epoch(port.conn, switch_restarted, NULL);
	if (!rc)
		rc = svc_on_end(port.conn, switch_ended, NULL);
	if (!rc)
		rc = svc_on_channel(port.conn, port_event, NULL);
	return rc ? rc : address_start();
}

int main(void)
{
	int rc;

	timer.fn = timer_event;
	rc = interface_start();
	if (rc) {
		printf("no network: %s\n", sk_error_text(rc));
		return 1;
	}
	timer_rearm();
	return svc_run();
}
