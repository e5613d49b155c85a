/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * main_test.c - the whole of ip without lwIP: the address, the timers, incoming frames
 */
#include "world/world.h"

#include <arpa/inet.h>
#include <stdlib.h>

#include "lwip/dhcp.h"
#include "lwip/etharp.h"
#include "lwip/init.h"
#include "lwip/pbuf.h"
#include "lwip/timeouts.h"
#include "netif/ethernet.h"
#include "proto/net.h"

enum { DATA = 256 << 10 };

/* ---- lwIP ---- */
static struct netif *interface;
static unsigned int n_dhcp, n_checks, n_frames, n_up, n_down;
static u32_t sleep_ms = SYS_TIMEOUTS_SLEEPTIME_INFINITE;
static void (*on_status)(struct netif *n);

void lwip_init(void) {}
void etharp_output(void) {}
u32_t sys_timeouts_sleeptime(void) { return sleep_ms; }
void sys_check_timeouts(void) { n_checks++; }
void netif_set_default(struct netif *n) { assert_ptr_equal(n, interface); }
void netif_set_up(struct netif *n) { n_up += n == interface; }
void netif_set_link_down(struct netif *n) { n_down += n == interface; }
void netif_set_status_callback(struct netif *n, void (*fn)(struct netif *n))
{
	(void)n;
	on_status = fn;
}
struct netif *netif_add_noaddr(struct netif *n, void *state, err_t (*init)(struct netif *n),
	err_t (*input)(struct pbuf *p, struct netif *n))
{
	n->state = state;
	n->input = input;
	interface = n;
	return init(n) == ERR_OK ? n : NULL;
}
void netif_set_addr(struct netif *n, const ip4_addr_t *address, const ip4_addr_t *mask,
	const ip4_addr_t *gateway)
{
	n->address = *address;
	n->mask = *mask;
	n->gateway = *gateway;
	on_status(n);
}
err_t dhcp_start(struct netif *n)
{
	assert_ptr_equal(n, interface);
	assert_int_equal(n_up, 1);
	n_dhcp++;
	return ERR_OK;
}
err_t ethernet_input(struct pbuf *p, struct netif *n)
{
	assert_ptr_equal(n, interface);
	n_frames++;
	return pbuf_free(p) ? ERR_OK : ERR_MEM;
}
struct pbuf *pbuf_alloc(int layer, u16_t length, int type)
{
	struct pbuf *p = calloc(1, sizeof(*p));

	(void)layer, (void)type;
	p->tot_len = length;
	return p;
}
u8_t pbuf_free(struct pbuf *p)
{
	free(p);
	return 1;
}
err_t pbuf_take(struct pbuf *p, const void *data, u16_t len)
{
	memcpy(p->bytes, data, len);
	return ERR_OK;
}
u16_t pbuf_copy_partial(const struct pbuf *p, void *data, u16_t len, u16_t offset)
{
	memcpy(data, p->bytes + offset, len);
	return len;
}
int ip4addr_aton(const char *text, ip4_addr_t *out)
{
	struct in_addr a;

	if (!inet_aton(text, &a))
		return 0;
	out->addr = a.s_addr;
	return 1;
}
char *ip4addr_ntoa_r(const ip4_addr_t *a, char *buf, int size)
{
	struct in_addr in = { a->addr };

	snprintf(buf, (size_t)size, "%s", inet_ntoa(in));
	return buf;
}
char *ip4addr_ntoa(const ip4_addr_t *a)
{
	struct in_addr in = { a->addr };

	return inet_ntoa(in);
}
uint64_t clock_ns_to_ticks(uint64_t ns) { return ns / (1000000000 / WORLD_HZ); }

/* ---- cases ---- */
static struct peer net;

static void start(void)
{
	world_channel(&net, "net", SVC_PROTO_NET, DATA);
	world_start();
}

static void address_by_dhcp(void)
{
	static const uint8_t own[] = { 0x02, 0x73, 0x6b, 0, 0, 1 };

	start();
	assert_false(world_ended());
	assert_int_equal(n_dhcp, 1);
	assert_int_equal(interface->address.addr, 0);
	assert_memory_equal(interface->hwaddr, own, 6);
}

static void a_fixed_address(void)
{
	world_arg("address=10.0.2.9");
	world_arg("netmask=255.255.255.0");
	world_arg("gateway=10.0.2.2");
	world_arg("mac=02:aa:Bb:0c:d:0e");
	start();
	assert_false(world_ended());
	assert_int_equal(n_dhcp, 0);
	assert_int_equal(interface->address.addr, inet_addr("10.0.2.9"));
	assert_int_equal(interface->mask.addr, inet_addr("255.255.255.0"));
	assert_int_equal(interface->gateway.addr, inet_addr("10.0.2.2"));
	assert_memory_equal(interface->hwaddr, "\x02\xaa\xbb\x0c\x0d\x0e", 6);
}

static void without_a_gateway(void)
{
	world_arg("address=10.0.2.9");
	world_arg("netmask=255.255.255.0");
	start();
	assert_false(world_ended());
	assert_int_equal(interface->address.addr, inet_addr("10.0.2.9"));
	assert_int_equal(interface->gateway.addr, 0);
}

static void refused(const char *line)
{
	world_arg(line);
	start();
	assert_true(world_ended());
}

static void no_address(void) { refused("address=10.0.2.900"); }

static void no_netmask(void) { refused("address=10.0.2.9"); }

static void a_group_address(void) { refused("mac=03:00:00:00:00:01"); }

static void five_bytes(void) { refused("mac=02:00:00:00:01"); }

static void seven_bytes(void) { refused("mac=02:00:00:00:00:01:0"); }

static void no_channel(void)
{
	world_start();
	assert_true(world_ended());
}

static void a_region_too_small(void)
{
	world_channel(&net, "net", SVC_PROTO_NET, 4096);
	world_start();
	assert_true(world_ended());
}

/* lwIP's timers run from the loop; after an event they may be due at another time. */
static void timers(void)
{
	sleep_ms = 50;
	start();
	world_run();
	assert_int_equal(n_checks, 0);
	world.now += 49 * WORLD_HZ / 1000;
	world_run();
	assert_int_equal(n_checks, 0);
	world.now += 2 * WORLD_HZ / 1000;
	world_run();
	assert_int_equal(n_checks, 1);
	world.now += 51 * WORLD_HZ / 1000; /* without another event */
	world_run();
	assert_int_equal(n_checks, 2);
	sleep_ms = 10;
	peer_signal(&net);
	world.now += 11 * WORLD_HZ / 1000;
	sleep_ms = SYS_TIMEOUTS_SLEEPTIME_INFINITE;
	world_run();
	assert_int_equal(n_checks, 3);
	world.now += 1000 * WORLD_HZ;
	world_run();
	assert_int_equal(n_checks, 3);
}

static void frames_come_in(void)
{
	struct net_desc d, answer = { .op = NET_RX, .length = 60 };
	unsigned int posted = 0;

	start();
	while (peer_take(&net, &d, sizeof(d)))
		posted += d.op == NET_RX_POST;
	assert_int_equal(posted, 64);
	answer.id = d.id;
	answer.offset = d.offset;
	peer_put(&net, &answer, sizeof(answer));
	peer_flush(&net);
	assert_int_equal(n_frames, 1);
	assert_true(peer_take(&net, &d, sizeof(d))); /* the buffer is posted again */
	assert_int_equal(d.op, NET_RX_POST);
}

static unsigned int posted_again(void)
{
	bool seen[64] = { false };
	unsigned int posted = 0;
	struct net_desc d;

	while (peer_take(&net, &d, sizeof(d))) {
		assert_int_equal(d.op, NET_RX_POST);
		assert_true(d.id < 64 && !seen[d.id]);
		seen[d.id] = true;
		posted++;
	}
	return posted;
}

/* The address stays; every buffer is there again, whatever was in flight. */
static void the_switch_is_restarted(void)
{
	struct pbuf p = { .tot_len = 100 };

	start();
	assert_int_equal(posted_again(), 64);
	for (unsigned int n = 0; n <= 64; n += 8) {
		for (unsigned int i = 0; i < n; i++)
			assert_int_equal(interface->linkoutput(interface, &p), ERR_OK);
		if (n % 16)
			peer_restart(&net); /* it dies again before ip has noticed */
		world_restart(&net);
		assert_int_equal(posted_again(), 64);
	}
	for (unsigned int i = 0; i < 64; i++)
		assert_int_equal(interface->linkoutput(interface, &p), ERR_OK);
	assert_int_equal(interface->linkoutput(interface, &p), ERR_MEM);
	assert_int_equal(n_dhcp, 1);
	assert_int_equal(n_down, 0);
}

static void the_switch_does_not_come_back(void)
{
	struct pbuf p = { .tot_len = 100 };

	start();
	world_end(&net, SVC_END_GIVEN_UP);
	assert_int_equal(n_down, 1);
	assert_int_not_equal(interface->linkoutput(interface, &p), ERR_OK);
	assert_false(world_ended());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(address_by_dhcp),
		CASE(a_fixed_address),
		CASE(without_a_gateway),
		CASE(no_address),
		CASE(no_netmask),
		CASE(a_group_address),
		CASE(five_bytes),
		CASE(seven_bytes),
		CASE(no_channel),
		CASE(a_region_too_small),
		CASE(timers),
		CASE(frames_come_in),
		CASE(the_switch_is_restarted),
		CASE(the_switch_does_not_come_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
