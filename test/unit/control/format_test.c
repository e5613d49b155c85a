/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * format_test.c - tables, facts, JSON
 *
 * Objects     expected texts.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include <sk/boot.h>

#include "cli/format_top.h"
#include "text_sink.h"
#include "toolstack/guest_text.h"

static struct text_sink s;
static const uint8_t uuid[UUID_SIZE] = { 0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef, 0x01,
	0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef };

static void list(void **state)
{
	struct list_row r = { .name = "Domain-0",
		.memory = 457ull << 20,
		.vcpus = 2,
		.running = true,
		.cpu_ns = 2712900000000ull,
		.uuid = uuid };
	struct out o = text_sink_out(&s);
	struct table t;

	(void)state;
	table_begin(&t, &o, TABLE_TEXT);
	format_list_head(&t, (struct list_more){ .pool = false });
	format_list_row(&t, &r, (struct list_more){ .pool = false });
	r = (struct list_row){ .name = "linux",
		.domid = 2,
		.memory = (2048ull << 20) - 12288,
		.vcpus = 2,
		.blocked = true,
		.cpu_ns = 5624200000000ull,
		.uuid = uuid };
	format_list_row(&t, &r, (struct list_more){ .pool = false });
	r = (struct list_row){ .name = "x",
		.domid = 12345,
		.paused = true,
		.shutdown = true,
		.reason = 3,
		.dying = true,
		.uuid = uuid };
	format_list_row(&t, &r, (struct list_more){ .pool = false });
	assert_string_equal(s.text,
		"Name                                        ID   Mem VCPUs\tState\tTime(s)\n"
		"Domain-0                                     0   457     2     r-----    2712.9\n"
		"linux                                        2  2048     2     -b----    5624.2\n"
		"x                                        12345     0     0     --pscd       0.0\n");
}

static void list_verbose(void **state)
{
	struct list_row r = {
		.name = "a", .domid = 1, .shutdown = true, .reason = 1, .uuid = uuid
	};
	struct out o = text_sink_out(&s);
	struct table t;

	(void)state;
	table_begin(&t, &o, TABLE_TEXT);
	format_list_row(&t, &r, (struct list_more){ .verbose = true });
	assert_string_equal(s.text,
		"a                                            1     0     0     ---sr-       0.0"
		" 01234567-89ab-cdef-0123-456789abcdef        1                -\n");
}

static void pools(void **state)
{
	const struct list_row r = { .name = "a", .uuid = uuid };
	struct out o = text_sink_out(&s);
	struct table t;

	(void)state;
	table_begin(&t, &o, TABLE_TEXT);
	format_list_head(&t, (struct list_more){ .pool = true });
	format_list_row(&t, &r, (struct list_more){ .pool = true });
	format_pool(&t, 8, 3, false);
	format_pool(&t, 3, 3, true);
	assert_string_equal(s.text,
		"Name                                        ID   Mem VCPUs\tState\tTime(s)         Cpupool\n"
		"a                                            0     0     0     ------       0.0          Pool-0\n"
		"Name               CPUs   Sched     Active   Domain count\n"
		"Pool-0               8   credit2       y          3\n"
		"Name               CPU list\n"
		"Pool-0             0,1,2\n");
}

static void vcpus(void **state)
{
	struct vcpu_row r = { .name = "alice",
		.domid = 4,
		.vcpu = 0,
		.cpu = 2,
		.online = true,
		.blocked = true,
		.cpu_ns = 1900000000 };
	struct out o = text_sink_out(&s);
	struct table t;

	(void)state;
	table_begin(&t, &o, TABLE_TEXT);
	format_vcpu_head(&t);
	format_vcpu_row(&t, &r, 8);
	r.vcpu = 1;
	r.online = false;
	r.hard = 0x1c;
	r.soft = 0xff;
	format_vcpu_row(&t, &r, 8);
	assert_string_equal(s.text,
		"Name                                ID  VCPU   CPU State   Time(s) Affinity (Hard / Soft)\n"
		"alice                                4     0    2   -b-       1.9  all / all\n"
		"alice                                4     1    -   --p       1.9  2-4 / all\n");
}

/* As xentop 4.17 prints them. */
static void top(void **state)
{
	struct ctl_guest g = { .config = { .maxmem = 128,
				       .n_disks = 2,
				       .n_vifs = 1,
				       .vifs = { { .devid = 2 } },
				       .disks = { { .spec.number = 51712, .seat = 0 },
					       { .spec.number = 51728, .seat = 3 } } },
		.vif[2] = { 11, 22528, 1, 12, 33000, 2 },
		.disk[0] = { 1, 2, 3, 8, 16, 4 },
		.disk[3] = { 10, 20, 30, 80, 160, 0 } };
	struct ctl_dom d = { .n_vcpus = 3,
		.vcpu = { { 0, 1, 5900000000 }, { 2, 0, 7000000000 }, { 1, 0, 1000000000 } } };
	struct top_row r = { .list = { .name = "a-long-name",
				     .vcpus = 2,
				     .blocked = true,
				     .memory = 64 << 20,
				     .cpu_ns = 12345678901 },
		.cpu_percent = 12.34,
		.total_memory = 512 << 20,
		.has = &g };
	struct out o = text_sink_out(&s);
	struct table t;

	(void)state;
	table_begin(&t, &o, TABLE_TEXT);
	format_top_head(&t);
	format_top_row(&t, &r, false);
	format_top_row_end(&t);
	assert_string_equal(s.text,
		"      NAME  STATE   CPU(sec) CPU(%)     MEM(k) MEM(%)  MAXMEM(k) MAXMEM(%) VCPUS NETS NETTX(k) NETRX(k) VBDS   VBD_OO   VBD_RD   VBD_WR  VBD_RSECT  VBD_WSECT SSID\n"
		"a-long-nam --b---         12   12.3      65536   12.5     131072      25.0     2    1       22       32    2        4       11       22         88        176    0\n");
	o = text_sink_out(&s);
	r.has = NULL;
	r.list.shutdown = r.list.dying = true;
	r.list.blocked = false;
	r.list.reason = 3;
	format_top_row(&t, &r, true);
	assert_memory_equal(s.text,
		"a-long-name d--c--         12   12.3      65536   12.5   no limit       n/a     2    0        0 ",
		96);
	o = text_sink_out(&s);
	format_top_vcpus(&t, &d);
	format_top_nets(&t, &g);
	format_top_vbds(&t, &g);
	assert_string_equal(s.text,
		"VCPUs(sec):   0:          5s  2:          1s\n"
		"Net2 RX:    33000bytes       12pkts        0err        2drop  TX:    22528bytes       11pkts        0err        1drop\n"
		"VBD BlkBack 51712 [ca: 0]  OO:        4   RD:        1   WR:        2  RSECT:          8  WSECT:         16\n"
		"VBD BlkBack 51728 [ca:10]  OO:        0   RD:       10   WR:       20  RSECT:         80  WSECT:        160\n");
	o = text_sink_out(&s);
	r.has = &g;
	table_begin(&t, &o, TABLE_JSON);
	format_top_head(&t);
	format_top_row(&t, &r, false);
	format_top_vcpus(&t, &d);
	format_top_nets(&t, &g);
	format_top_row_end(&t);
	table_end(&t);
	assert_non_null(strstr(s.text, "[\n    {\n        \"name\": \"a-long-name\",\n"));
	assert_non_null(strstr(s.text, "\"state\": \"d--c--\",\n        \"cpu_s\": 12,\n"));
	assert_non_null(strstr(s.text, "\"max_memory_percent\": 25.0,\n"));
	assert_non_null(strstr(s.text,
		"        \"vcpu_list\": [\n            {\n                \"vcpu\": 0,\n                \"cpu_s\": 5\n            },\n"));
	assert_non_null(
		strstr(s.text, "\"rx_frames\": 12,\n                \"rx_dropped\": 2,"));
	assert_non_null(strstr(s.text, "            }\n        ]\n    }\n]\n"));
	assert_null(strstr(s.text, "SSID"));
}

static void uptime(void **state)
{
	struct out o = text_sink_out(&s);
	struct table t;

	(void)state;
	table_begin(&t, &o, TABLE_TEXT);
	format_uptime_head(&t);
	format_uptime_row(&t, "Domain-0", 0, 2 * 86400 + 3 * 3600 + 4 * 60 + 5, false, 0);
	format_uptime_row(&t, "a", 1, 86400, false, 0);
	format_uptime_row(&t, "b", 2, 3661, true, 86400 * 3 + 13 * 3600 + 5 * 60 + 9);
	assert_string_equal(s.text, "Name                                ID Uptime\n"
				    "Domain-0                             0 2 days,  3:04:05\n"
				    "a                                    1 1 day,  0:00:00\n"
				    " 13:05:09 up  1:01, b (2)\n");
}

/* The same rows as JSON. */
/* A row is written as a whole; one that is longer than a line, in parts. */
static void long_rows(void **state)
{
	struct out o = text_sink_out(&s);
	struct table t;

	(void)state;
	table_begin(&t, &o, TABLE_TEXT);
	table_row(&t);
	table_text(&t, "a", "%600s", "a");
	table_text(&t, "b", "%424s", "b");
	table_text(&t, "c", "%600s", "c");
	table_text(&t, "d", "%3000s", "d"); /* is cut */
	table_text(&t, "e", "%s", "e");
	table_end(&t);
	assert_int_equal(strlen(s.text), 600 + 424 + 600 + OUT_LINE_MAX + 1 + 1);
	assert_int_equal(s.text[599], 'a');
	assert_int_equal(s.text[1023], 'b');
	assert_int_equal(s.text[1623], 'c');
	assert_string_equal(s.text + 1624 + OUT_LINE_MAX, "e\n");
}

static void rows_as_json(void **state)
{
	struct list_row r = { .name = "a\"\xff", .domid = 1, .memory = 3 << 20, .vcpus = 1 };
	struct vcpu_row v = { .name = "b", .domid = 2, .vcpu = 1 };
	struct device_row d = { .domid = 3, .devid = 51712, .state = -1 };
	struct out o = text_sink_out(&s);
	struct table t;

	(void)state;
	table_begin(&t, &o, TABLE_JSON);
	format_list_head(&t, (struct list_more){ .pool = false });
	format_list_row(&t, &r, (struct list_more){ .pool = false });
	r.name = "c";
	r.rest_seconds = 9;
	format_list_row(&t, &r, (struct list_more){ .pool = false });
	format_resting(&t, "c", 3, 60, 9);
	format_given_up(&t, "storage");
	table_end(&t);
	assert_string_equal(s.text,
		"[\n    {\n        \"name\": \"a\\\"\\ufffd\",\n        \"domid\": 1,\n        \"memory\": 3,\n"
		"        \"vcpus\": 1,\n        \"state\": \"------\",\n        \"time\": 0.0\n    },\n"
		"    {\n        \"name\": \"c\",\n        \"domid\": 1,\n        \"memory\": 3,\n"
		"        \"vcpus\": 1,\n        \"state\": \"------\",\n        \"time\": 0.0,\n"
		"        \"restarts_in\": 9\n    }\n]\n");
	o = text_sink_out(&s);
	table_begin(&t, &o, TABLE_JSON);
	format_vcpu_row(&t, &v, 2);
	format_disk_row(&t, &d);
	table_end(&t);
	assert_non_null(strstr(s.text, "\"vcpu\": 1,\n        \"state\": \"--p\",\n"));
	assert_non_null(strstr(s.text, "\"state\": -1,\n"));
	o = text_sink_out(&s);
	table_begin(&t, &o, TABLE_JSON);
	table_row(&t); /* given up */
	table_text(&t, "key", "  %s ", "of two words");
	table_end(&t);
	assert_string_equal(s.text, "[\n    {\n        \"key\": \"of two words\"\n    }\n]\n");
	o = text_sink_out(&s);
	table_begin(&t, &o, TABLE_JSON);
	table_end(&t);
	assert_string_equal(s.text, "[\n]\n");
}

static void strings_of_json(void **state)
{
	static const struct {
		const char *in, *out;
	} rows[] = {
		{ "a\"\\\n\x7f", "\"a\\\"\\\\\\u000a\\u007f\"" },
		{ "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80",
			"\"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\"" },
		{ "\xff", "\"\\ufffd\"" },
		{ "\xc3", "\"\\ufffd\"" }, /* cut off */
		{ "\xe2\x82", "\"\\ufffd\\ufffd\"" },
		{ "\xc3x", "\"\\ufffdx\"" },          /* no second byte */
		{ "\xc0\xaf", "\"\\ufffd\\ufffd\"" }, /* longer than needed */
		{ "\xe0\x80\xaf", "\"\\ufffd\\ufffd\\ufffd\"" },
		{ "\xf0\x80\x80\xaf", "\"\\ufffd\\ufffd\\ufffd\\ufffd\"" },
		{ "\xed\xa0\x80", "\"\\ufffd\\ufffd\\ufffd\"" }, /* a surrogate */
		{ "\xf4\x90\x80\x80", "\"\\ufffd\\ufffd\\ufffd\\ufffd\"" },
		{ "\xf5\x80\x80\x80", "\"\\ufffd\\ufffd\\ufffd\\ufffd\"" },
	};
	struct out o;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		o = text_sink_out(&s);
		json_string(&o, rows[i].in);
		assert_string_equal(s.text, rows[i].out);
	}
	o = text_sink_out(&s);
	json_bytes(&o, "a\0b", 3);
	assert_string_equal(s.text, "\"a\\u0000b\"");
}

static void info(void **state)
{
	const struct ctl_system h = { .n_cpus = 2,
		.host_memory = 47ull << 20,
		.guest_memory = 2000ull << 20,
		.free_memory = 1024ull << 20,
		.image_memory = 48ull << 20,
		.on_ns = 12345678901,
		.idle_ns = { 70000000, 12000000001 } };
	const struct sk_info k = { .tsc_hz = 2000123000, .features = SK_FEAT_SVM };
	struct out o = text_sink_out(&s);

	(void)state;
	format_info(&o, &h, &k, INFO_LINES, NULL, TABLE_TEXT);
	assert_null(strstr(s.text, "numa_info"));
	assert_non_null(strstr(s.text, "host                   : skerry\n"));
	assert_non_null(strstr(s.text, "max_cpu_id             : 1\n"));
	assert_non_null(strstr(s.text, "cpu_mhz                : 2000.123\n"));
	assert_non_null(strstr(s.text, "total_memory           : 2047\n"));
	assert_non_null(strstr(s.text, "free_memory            : 1024\n"));
	assert_non_null(strstr(s.text, "unpacked_kernels       : 48\n"));
	assert_non_null(strstr(s.text, "virt_caps              : pv pvh hap gnttab-v1\n"));
	assert_non_null(strstr(s.text, "iommu                  : none, devices can reach all"));
	assert_non_null(strstr(s.text, "interrupts             : not remapped"));
	assert_null(strstr(s.text, "hvm")); /* no guest of this type can be made */
	assert_non_null(strstr(s.text, "cpu_time               : 12.345678901\n"
				       "cpu_idle               : 0.070000000 12.000000001\n"));
	assert_non_null(strstr(s.text,
		"xen_major              : 4\nxen_minor              : 17\n"
		"xen_extra              : -skerry\nxen_version            : 4.17-skerry\n"));
	o = text_sink_out(&s);
	format_info(&o, &h, &k, INFO_NODES, NULL, TABLE_TEXT);
	assert_non_null(strstr(s.text, "free_cpus              : 0\n"
				       "cpu_topology           :\n"
				       "cpu:    core    socket     node\n"
				       "  0:       0        0        0\n"
				       "  1:       1        0        0\n"
				       "device topology        :\n"
				       "device           node\n"
				       "No device topology data available\n"
				       "numa_info              :\n"
				       "node:    memsize    memfree    distances\n"
				       "   0:      2047       1024      10\n"
				       "xen_major              : 4\n"));
	o = text_sink_out(&s);
	format_info(&o, &h, &k, INFO_NODES, "free_memory", TABLE_TEXT);
	assert_string_equal(s.text, "1024\n");
	o = text_sink_out(&s);
	format_info(&o, &h, &k, INFO_NODES, "cpu_", TABLE_JSON);
	assert_string_equal(s.text,
		"{\n    \"cpu_mhz\": 2000.123,\n    \"cpu_time\": 12.345678901,\n"
		"    \"cpu_idle\": \"0.070000000 12.000000001\"\n}\n");
}

static struct guest_config config(void)
{
	struct guest_config g = { .name = "we\"b",
		.memory = 512,
		.maxmem = 1024,
		.vcpus = 1,
		.maxvcpus = 2,
		.kernel = "/guests/k",
		.cmdline = "a\\b\n",
		.weight = 256,
		.on_reboot = ACTION_RENAME_RESTART,
		.on_crash = ACTION_COREDUMP_DESTROY,
		.n_disks = 2,
		.n_vifs = 1 };
	struct msg m, ignored;

	assert_int_equal(
		disk_spec_parse(&g.disks[0].spec, "/dev/disk/by-partlabel/r,,xvda", &m), 0);
	assert_int_equal(
		disk_spec_parse(&g.disks[1].spec, "/dev/disk/by-partlabel/c,,hdc,cdrom", &m),
		0);
	assert_int_equal(
		vif_spec_parse(&g.vifs[0], "mac=00:16:3e:00:00:01,ip=192.0.2.7,gatewaydev=eth1",
			&ignored, &m),
		0);
	g.vifs[0].devid = 0;
	memcpy(g.uuid, uuid, UUID_SIZE);
	return g;
}

static void json(void **state)
{
	const struct ctl_guest g = { .config = config() };
	const struct ctl_dom d = { .domid = 7 };
	struct out o = text_sink_out(&s);

	(void)state;
	format_config_json(&o, &d, &g, 7);
	assert_memory_equal(
		s.text, "    {\n        \"domid\": 7,\n        \"config\": {\n", 45);
	assert_non_null(strstr(s.text, "\"name\": \"we\\\"b\",\n"));
	assert_non_null(strstr(s.text, "\"cmdline\": \"a\\\\b\\u000a\",\n"));
	assert_non_null(strstr(s.text, "\"max_memkb\": 1048576,\n"));
	assert_non_null(strstr(s.text, "\"vdev\": \"hdc\",\n"));
	assert_non_null(strstr(s.text, "\"mac\": \"00:16:3e:00:00:01\",\n"));
	assert_non_null(strstr(s.text, "\"ip\": \"192.0.2.7\",\n"));
	assert_non_null(strstr(s.text, "\"on_reboot\": \"restart_rename\",\n"));
	assert_non_null(strstr(s.text, "\"on_crash\": \"coredump_destroy\"\n        }\n    }"));
}

static void escapes(void **state)
{
	struct out o = text_sink_out(&s);

	(void)state;
	format_escaped(&o, "a\"\\\n\t\r\0\x7f\xff", 9);
	assert_string_equal(s.text, "a\\\"\\\\\\n\\t\\r\\000\\177\\377");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(list),
		cmocka_unit_test(list_verbose),
		cmocka_unit_test(pools),
		cmocka_unit_test(vcpus),
		cmocka_unit_test(top),
		cmocka_unit_test(uptime),
		cmocka_unit_test(info),
		cmocka_unit_test(long_rows),
		cmocka_unit_test(rows_as_json),
		cmocka_unit_test(strings_of_json),
		cmocka_unit_test(json),
		cmocka_unit_test(escapes),
	};

	return cmocka_run_group_tests_name("control format", tests, NULL, NULL);
}
