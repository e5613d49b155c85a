/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * filter_test.c - which frames pass a filter of source addresses
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "filter.h"

#define V4(a, b, c, d) \
	{ \
		[10] = 0xff, 0xff, a, b, c, d \
	}

static struct net_params params;
static struct filter f;

static void allow(const struct net_range *source, uint32_t n)
{
	memset(&params, 0, sizeof(params));
	params.n_sources = n;
	for (uint32_t i = 0; i < n; i++)
		params.source[i] = source[i];
	assert_int_equal(filter_init(&f, &params), 0);
}

static void allow_v4(void)
{
	const struct net_range source[] = { { V4(10, 0, 0, 5), 128 },
		{ V4(192, 168, 4, 0), 96 + 22 } };

	allow(source, 2);
}

/* A frame in a buffer of its own size, so that a read beyond it is seen. */
static bool passes(const uint8_t *bytes, uint32_t length)
{
	uint8_t *copy = malloc(length);
	bool rc;

	memcpy(copy, bytes, length);
	rc = filter_passes(&f, copy, length);
	free(copy);
	return rc;
}

struct packet {
	uint8_t bytes[128];
	uint32_t length;
};

static void add(struct packet *p, const void *bytes, uint32_t n)
{
	memcpy(p->bytes + p->length, bytes, n);
	p->length += n;
}

static void add16(struct packet *p, unsigned int v)
{
	const uint8_t b[2] = { (uint8_t)(v >> 8), (uint8_t)v };

	add(p, b, 2);
}

/* Addresses, tags (0: none), and the type. */
static struct packet ether(unsigned int tags, unsigned int type)
{
	static const uint8_t macs[12] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0x16, 0x3e };
	struct packet p = { .length = 0 };

	add(&p, macs, sizeof(macs));
	for (; tags; tags--) {
		add16(&p, tags == 2 ? 0x88a8 : 0x8100);
		add16(&p, 7);
	}
	add16(&p, type);
	return p;
}

static struct packet ipv4(unsigned int tags, const uint8_t source[4], uint8_t protocol)
{
	struct packet p = ether(tags, 0x0800);
	const uint8_t head[12] = { 0x45, 0, 0, 28, 0, 0, 0, 0, 64, protocol };

	add(&p, head, sizeof(head));
	add(&p, source, 4);
	add(&p, (uint8_t[4]){ 10, 0, 0, 1 }, 4);
	return p;
}

static bool ipv4_passes(unsigned int tags, uint8_t a, uint8_t b, uint8_t c, uint8_t d)
{
	struct packet p = ipv4(tags, (uint8_t[4]){ a, b, c, d }, 6);

	return passes(p.bytes, p.length);
}

static void without_addresses_all_pass(void **state)
{
	(void)state;
	allow(NULL, 0);
	assert_true(ipv4_passes(0, 10, 0, 0, 6));
	assert_true(passes(ether(0, 0x0800).bytes, 14));
}

static void own_addresses_of_ipv4(void **state)
{
	(void)state;
	allow_v4();
	for (unsigned int tags = 0; tags <= 2; tags++) {
		assert_true(ipv4_passes(tags, 10, 0, 0, 5));
		assert_false(ipv4_passes(tags, 10, 0, 0, 4));
		assert_true(ipv4_passes(tags, 192, 168, 7, 255));
		assert_false(ipv4_passes(tags, 192, 168, 8, 0));
		assert_false(ipv4_passes(tags, 0, 0, 0, 0));
	}
	assert_false(ipv4_passes(3, 10, 0, 0, 5));
}

static void packets_that_are_cut_off(void **state)
{
	struct packet p;

	(void)state;
	allow_v4();
	for (unsigned int tags = 0; tags <= 2; tags++) {
		p = ipv4(tags, (uint8_t[4]){ 10, 0, 0, 5 }, 6);
		for (uint32_t n = 14; n < p.length; n++)
			assert_false(passes(p.bytes, n));
	}
}

static struct packet udp(const uint8_t source[4], unsigned int from, unsigned int to)
{
	struct packet p = ipv4(0, source, 17);

	add16(&p, from);
	add16(&p, to);
	return p;
}

static void asking_for_an_address(void **state)
{
	static const uint8_t none[4], other[4] = { 10, 0, 0, 6 };
	struct packet p = udp(none, 68, 67);

	(void)state;
	allow_v4();
	assert_true(passes(p.bytes, p.length));
	for (uint32_t n = 14; n < p.length; n++)
		assert_false(passes(p.bytes, n));
	p.bytes[14 + 7] = 1; /* a later fragment */
	assert_false(passes(p.bytes, p.length));
	p = udp(none, 68, 67);
	p.bytes[14] = 0x4f; /* a header beyond the end */
	assert_false(passes(p.bytes, p.length));
	p = udp(none, 67, 68);
	assert_false(passes(p.bytes, p.length));
	p = udp(none, 68, 53);
	assert_false(passes(p.bytes, p.length));
	p = udp(other, 68, 67);
	assert_false(passes(p.bytes, p.length));
	p = udp(none, 68, 67);
	p.bytes[14 + 9] = 6;
	assert_false(passes(p.bytes, p.length));
}

static struct packet arp(unsigned int type, const uint8_t source[4])
{
	struct packet p = ether(0, type);

	add16(&p, 1);
	add16(&p, 0x0800);
	add(&p, (uint8_t[2]){ 6, 4 }, 2);
	add16(&p, 1);
	add(&p, p.bytes + 6, 6);
	add(&p, source, 4);
	add(&p, (uint8_t[10]){ 0 }, 10);
	return p;
}

static void claims_by_arp(void **state)
{
	static const unsigned int types[] = { 0x0806, 0x8035 };

	(void)state;
	allow_v4();
	for (unsigned int i = 0; i < 2; i++) {
		struct packet p = arp(types[i], (uint8_t[4]){ 10, 0, 0, 5 });

		assert_true(passes(p.bytes, p.length));
		for (uint32_t n = 14; n < p.length; n++)
			assert_false(passes(p.bytes, n));
		p.bytes[14 + 5] = 16; /* the addresses lie elsewhere then */
		assert_false(passes(p.bytes, p.length));
		p = arp(types[i], (uint8_t[4]){ 10, 0, 0, 1 });
		assert_false(passes(p.bytes, p.length));
		p = arp(types[i], (uint8_t[4]){ 0 });
		assert_true(passes(p.bytes, p.length));
		p.bytes[14 + 2] = 0x86;
		assert_false(passes(p.bytes, p.length));
		p = arp(types[i], (uint8_t[4]){ 10, 0, 0, 5 });
		p.bytes[14 + 4] = 8;
		assert_false(passes(p.bytes, p.length));
	}
}

static bool ipv6_passes(const uint8_t source[16])
{
	struct packet p = ether(0, 0x86dd);

	add(&p, (uint8_t[8]){ 0x60 }, 8);
	add(&p, source, 16);
	add(&p, (uint8_t[16]){ 0xff, 2 }, 16);
	if (!passes(p.bytes, p.length))
		return false;
	assert_int_equal(passes(p.bytes, p.length - 1), params.n_sources < 3);
	return true;
}

static void addresses_of_ipv6(void **state)
{
	static const uint8_t net[16] = { 0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0x18, [15] = 1 },
			     outside[16] = { 0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0x20, [15] = 1 },
			     link[16] = { 0xfe, 0xbf, [15] = 1 }, none[16],
			     beyond_link[16] = { 0xfe, 0xc0, [15] = 1 };
	const struct net_range source[] = { { V4(10, 0, 0, 5), 128 }, { V4(10, 0, 0, 6), 128 },
		{ { 0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0x10 }, 60 } };

	(void)state;
	allow(source, 2);
	assert_true(ipv6_passes(outside)); /* not restricted */
	allow(source, 3);
	assert_true(ipv6_passes(net));
	assert_true(ipv6_passes(link));
	assert_true(ipv6_passes(none));
	assert_false(ipv6_passes(outside));
	assert_false(ipv6_passes(beyond_link));
	assert_true(ipv4_passes(0, 10, 0, 0, 6));
	assert_false(ipv4_passes(0, 10, 0, 0, 7));
}

static void other_protocols_pass(void **state)
{
	struct packet p = ether(1, 0x88cc);

	(void)state;
	allow_v4();
	assert_true(passes(p.bytes, p.length));
}

static void ranges_that_are_none(void **state)
{
	(void)state;
	memset(&params, 0, sizeof(params));
	params.n_sources = NET_RANGES + 1;
	assert_int_equal(filter_init(&f, &params), -SK_E_INVAL);
	params.n_sources = 1;
	params.source[0].bits = 129;
	assert_int_equal(filter_init(&f, &params), -SK_E_INVAL);
	params.source[0].bits = 128;
	assert_int_equal(filter_init(&f, &params), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_addresses_all_pass),
		cmocka_unit_test(own_addresses_of_ipv4),
		cmocka_unit_test(packets_that_are_cut_off),
		cmocka_unit_test(asking_for_an_address),
		cmocka_unit_test(claims_by_arp),
		cmocka_unit_test(addresses_of_ipv6),
		cmocka_unit_test(other_protocols_pass),
		cmocka_unit_test(ranges_that_are_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
