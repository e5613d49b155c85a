/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vif_test.c - what the words of a network interface mean
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "config/ip_range.h"
#include "config/vif_spec.h"

static struct msg m, ignored;
static struct vif_spec v;

static void vif_bad(const char *text, const char *part)
{
	if (!vif_spec_parse(&v, text, &ignored, &m))
		fail_msg("accepted: %s", text);
	if (!strstr(m.text, part))
		fail_msg("'%s' gave '%s'", text, m.text);
}

static void vif_mac(const char *text, const char *mac)
{
	char got[VIF_MAC_TEXT];

	if (vif_spec_parse(&v, text, &ignored, &m))
		fail_msg("%s refused: %s", text, m.text);
	vif_mac_format(v.mac, got);
	assert_string_equal(got, mac);
}

static void vifs(void **state)
{
	char mac[VIF_MAC_TEXT];

	(void)state;
	assert_int_equal(
		vif_spec_parse(&v, " mac=00:16:3E:74:3d:76 , model=rtl8139,\tbridge=xenbr1 ",
			&ignored, &m),
		0);
	vif_mac_format(v.mac, mac);
	assert_string_equal(mac, "00:16:3e:74:3d:76");
	assert_string_equal(v.bridge, "xenbr1");
	assert_true(v.mac_given && v.trusted);
	assert_int_equal(
		vif_spec_parse(&v,
			"untrusted,script=vif-bridge,backend=0,mtu=1500,vifname=web.0,",
			&ignored, &m),
		0);
	assert_false(v.trusted);
	assert_false(v.mac_given);
	assert_string_equal(v.vifname, "web.0");
	vif_bad("mac=00:16:3e:00:00:00:00", "six pairs");
	vif_mac("mac=00:16:3e:a0:0:8", "00:16:3e:a0:00:08");
	vif_mac("mac=0:16:3e:0:0:f", "00:16:3e:00:00:0f");
	vif_mac("mac=00-16-3E-00-00-01", "00:16:3e:00:00:01");
	vif_bad("mac=0016:3e:00:00:00:00", "six pairs");
	vif_bad("mac=00.16.3e.00.00.01", "six pairs");
	vif_bad("mac=00:16:3e:00:00", "six pairs");
	vif_bad("mac=00:16:3e:00:00:", "six pairs");
	vif_bad("mac=00:16:3e:00:00:0g", "six pairs");
	vif_bad("mac=00:16::3e:00:00", "six pairs");
	vif_bad("mac=:16:3e:00:00:00", "six pairs");
	vif_bad("mac=00:16:3e:00:00:000", "six pairs");
	vif_bad("mac=", "six pairs");
	vif_bad("mac=01:16:3e:00:00:00", "multicast");
	vif_bad("mac=ff:ff:ff:ff:ff:ff", "multicast");
	vif_bad("mac=00:00:00:00:00:00", "not a valid address");
	vif_bad("type=ioemu", "type=vif");
	vif_bad("ip=", "empty");
	vif_bad("backend=net", "driver domains");
	vif_bad("script=vif-route", "scripts");
	vif_bad("bridge=", "empty");
	vif_bad("vifname=a234567890123456", "at most 15 bytes");
	assert_int_equal(vif_spec_parse(&v, "vifname=a23456789012345", &ignored, &m), 0);
	vif_bad("bridge=a2345678901234567890123456789012", "too long");
	vif_bad("devid=x", "not a number");
	assert_int_equal(
		vif_spec_parse(&v, "xenbr0,foo=1,type=netfront,accel=1,vlan=2,trusted=0",
			&ignored, &m),
		0);
	assert_string_equal(ignored.text,
		"unknown, ignored as by xl: 'xenbr0', 'foo', 'type', 'accel', 'vlan', 'trusted'");
	assert_true(v.trusted);
	assert_int_equal(
		vif_spec_parse(&v, "ip=10.0.0.1 10.0.0.2,netdev=eth0", &ignored, &m), 0);
	assert_string_equal(ignored.text, "");
	assert_string_equal(v.ip, "10.0.0.1 10.0.0.2");
	assert_string_equal(v.gatewaydev, "eth0");
}

static void rate_is(const char *text, uint64_t bytes, uint32_t us)
{
	if (vif_spec_parse(&v, text, &ignored, &m))
		fail_msg("%s refused: %s", text, m.text);
	assert_int_equal(v.rate_bytes, bytes);
	assert_int_equal(v.rate_us, us);
}

static void rates(void **state)
{
	(void)state;
	rate_is("rate=100Mb/s@20ms", 250000, 20000);
	rate_is("rate=10Mb/s", 62500, 50000);
	rate_is("rate=250KB/s", 12500, 50000);
	rate_is("rate=1MB/s@20ms", 20000, 20000);
	rate_is("rate=1GB/s", 50000000, 50000);
	rate_is("rate=4294967295GB/s@1us", 4294967295000, 1);
	rate_is("rate=160b/s", 1, 50000);
	rate_is("rate=100000B/s@1", 100000, 1000000);
	rate_is("rate=100000B/s@1s", 100000, 1000000);
	rate_is("rate=100000B/s@100u", 10, 100);
	rate_is("rate=100000B/s@100us", 10, 100);
	rate_is("rate=1000B/s@4294s", 4294000, 4294000000);
	rate_is("", 0, 0);
	vif_bad("rate=", "100Mb/s");
	vif_bad("rate=100", "100Mb/s");
	vif_bad("rate=100M", "100Mb/s");
	vif_bad("rate=100Mb", "100Mb/s");
	vif_bad("rate=100Mb/sec", "100Mb/s");
	vif_bad("rate=Mb/s", "100Mb/s");
	vif_bad("rate=-1Mb/s", "100Mb/s");
	vif_bad("rate=1.5Mb/s", "100Mb/s");
	vif_bad("rate=100mb/s", "100Mb/s");
	vif_bad("rate=0Mb/s", "100Mb/s");
	vif_bad("rate=4294967296b/s", "100Mb/s");
	vif_bad("rate=100Mb/s@", "100Mb/s");
	vif_bad("rate=100Mb/s@20mss", "100Mb/s");
	vif_bad("rate=100Mb/s@ms", "100Mb/s");
	vif_bad("rate=100Mb/s@0ms", "100Mb/s");
	vif_bad("rate=1Mb/s@4295s", "100Mb/s");
	vif_bad("rate=4294967295GB/s@10s", "100Mb/s");
	vif_bad("rate=8b/s@1ms", "less than a byte");
}

static void mtus(void **state)
{
	(void)state;
	assert_int_equal(vif_spec_parse(&v, "mtu=68", &ignored, &m), 0);
	assert_int_equal(v.mtu, 68);
	assert_int_equal(vif_spec_parse(&v, "mtu=1500", &ignored, &m), 0);
	vif_bad("mtu=67", "68 to 1500");
	vif_bad("mtu=1501", "68 to 1500");
	vif_bad("mtu=9000", "68 to 1500");
	vif_bad("mtu=", "68 to 1500");
	vif_bad("mtu=100x", "68 to 1500");
}

static struct net_range range[NET_RANGES];

static void is_range(const char *text, const uint8_t address[16], uint32_t bits)
{
	if (ip_ranges_parse(text, range, &m) != 1)
		fail_msg("'%s': %s", text, m.text);
	assert_memory_equal(range[0].address, address, 16);
	assert_int_equal(range[0].bits, bits);
}

#define V4(a, b, c, d) ((uint8_t[16]){ [10] = 0xff, 0xff, a, b, c, d })
#define V6(a, b, ...) ((uint8_t[16]){ a, b, __VA_ARGS__ })

static void addresses(void **state)
{
	(void)state;
	is_range("10.0.0.5", V4(10, 0, 0, 5), 128);
	is_range("  255.255.255.255\t", V4(255, 255, 255, 255), 128);
	is_range("10.1.2.3/24", V4(10, 1, 2, 0), 120);
	is_range("10.1.2.255/27", V4(10, 1, 2, 224), 123);
	is_range("10.1.2.3/0", V4(0, 0, 0, 0), 96);
	is_range("2001:db8::1", V6(0x20, 1, 0xd, 0xb8, [15] = 1), 128);
	is_range("2001:DB8:ffff::/33", V6(0x20, 1, 0xd, 0xb8, 0x80), 33);
	is_range("::", V6(0, 0, 0), 128);
	is_range("::1", V6(0, 0, [15] = 1), 128);
	is_range("1::", V6(0, 1, 0), 128);
	is_range("1:2:3:4:5:6:7:8", V6(0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0, 7, 0, 8), 128);
	is_range("1:2::7:8", V6(0, 1, 0, 2, [13] = 7, 0, 8), 128);
	is_range("1:2:3:4:5:6:7::", V6(0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0, 7), 128);
	is_range("::2:3:4:5:6:7:8", V6(0, 0, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0, 7, 0, 8), 128);
	is_range("::ffff:10.0.0.5", V4(10, 0, 0, 5), 128);
	is_range("64:ff9b::192.0.2.1/96", V6(0, 0x64, 0xff, 0x9b), 96);
	is_range(
		"1:2:3:4:5:6:1.2.3.4", V6(0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 1, 2, 3, 4), 128);
}

static void words_that_are_no_addresses(void **state)
{
	static const char *const wrong[] = { "dhcp", "10", "10.0.0", "10.0.0.256", "10.0.0.5.6",
		"10.0.0.", ".0.0.5", "10.0.0.5/", "10.0.0.5/33", "10.0.0.5/x", "10.0.0.5/+1",
		"-1.0.0.5", "00010.0.0.5", "10.0.0.5;", ":", ":::", "1", "1:", "1:2", ":1",
		"1:::2", "1::2::3", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9",
		"1:2:3:4:5:6:7:8::", "::12345", "::g", "::1/129", "::1/",
		"1:2:3:4:5:6:7:1.2.3.4", "::1.2.3", "1.2.3.4::", "1:2:3:4:5:6:7:/64",
		"1111:2222:3333:4444:5555:6666:7777:8888/128000000000000000000000000000" };

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		if (ip_ranges_parse(wrong[i], range, &m) >= 0)
			fail_msg("'%s' was accepted", wrong[i]);
		assert_non_null(strstr(m.text, "is not an address"));
	}
}

static void lists_of_addresses(void **state)
{
	(void)state;
	assert_int_equal(ip_ranges_parse("", range, &m), 0);
	assert_int_equal(ip_ranges_parse("10.0.0.1  ::1", range, &m), 2);
	assert_int_equal(range[1].address[15], 1);
	assert_int_equal(ip_ranges_parse("::1 ::2 ::3 ::4 ::5 ::6 ::7 ::8", range, &m), 8);
	assert_int_equal(range[7].address[15], 8);
	assert_int_equal(ip_ranges_parse("::1 ::2 ::3 ::4 ::5 ::6 ::7 ::8 ::9", range, &m), -1);
	assert_non_null(strstr(m.text, "more than 8"));
	vif_bad("ip=10.0.0.1 x", "'x' is not an address");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(vifs),
		cmocka_unit_test(rates),
		cmocka_unit_test(mtus),
		cmocka_unit_test(addresses),
		cmocka_unit_test(words_that_are_no_addresses),
		cmocka_unit_test(lists_of_addresses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
