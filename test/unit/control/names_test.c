/* SPDX-License-Identifier: BSD-2-Clause */
/* names_test.c - the host's table of names */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "config/names.h"
#include "text_sink.h"

static struct names n;
static struct report r;
static struct text_sink said;
static char to[NAMES_WORD_MAX + 1];

static void table(const char *text)
{
	struct out o = text_sink_out(&said);

	names_fini(&n);
	assert_int_equal(names_init(&n, text, strlen(text)), 0);
	report_init(&r);
	names_check(&n, &r);
	report_print(&r, &o);
	assert_int_equal(r.mistakes, 0);
}

static void is(enum names_kind kind, const char *name, const char *what)
{
	assert_true(names_find(&n, kind, name, to, sizeof(to)));
	assert_string_equal(to, what);
}

static void is_not(enum names_kind kind, const char *name)
{
	assert_false(names_find(&n, kind, name, to, sizeof(to)));
}

static void lines(void **state)
{
	(void)state;
	table("# a comment\n\n  disk\t/dev/vg/web   web # the web server\r\n"
	      "bridge br1 xenbr0\r\n #disk /dev/x x\ndisk /dev/vg/db db");
	assert_string_equal(said.text, "");
	is(NAMES_DISK, "/dev/vg/web", "web");
	is(NAMES_DISK, "/dev/vg/db", "db");
	is(NAMES_BRIDGE, "br1", "xenbr0");
	is_not(NAMES_BRIDGE, "/dev/vg/web");
	is_not(NAMES_DISK, "br1");
	is_not(NAMES_DISK, "/dev/vg/web2");
	is_not(NAMES_DISK, "/dev/vg/we");
	is_not(NAMES_DISK, "/dev/x");
	is_not(NAMES_DISK, "");
}

static void stars(void **state)
{
	(void)state;
	table("disk /dev/vg/web first\ndisk /dev/vg/* vg-*\ndisk /dev/zvol/* pool\nbridge * xenbr0\n");
	assert_string_equal(said.text, "");
	is(NAMES_DISK, "/dev/vg/web", "first");
	is(NAMES_DISK, "/dev/vg/web2", "vg-web2");
	is(NAMES_DISK, "/dev/vg/", "vg-");
	is(NAMES_DISK, "/dev/zvol/a/b", "pool");
	is(NAMES_BRIDGE, "any", "xenbr0");
	is_not(NAMES_DISK, "/dev/vg");
}

static void too_long(void **state)
{
	char text[600];

	(void)state;
	table("disk /dev/* partition-*\n");
	memset(text, 'x', sizeof(text));
	memcpy(text, "/dev/", 5);
	text[5 + NAMES_WORD_MAX - strlen("partition-")] = '\0';
	assert_true(names_find(&n, NAMES_DISK, text, to, sizeof(to)));
	assert_int_equal(strlen(to), NAMES_WORD_MAX);
	strcat(text, "x");
	is_not(NAMES_DISK, text);
	/* a word of the table that is too long makes its line a bad one */
	snprintf(text, sizeof(text), "disk /dev/a %0256d\n", 1);
	table(text);
	assert_non_null(strstr(said.text, NAMES_FILE ":1: "));
	snprintf(text, sizeof(text), "disk /dev/a %0255d\n", 1);
	table(text);
	assert_string_equal(said.text, "");
}

static void bad_lines(void **state)
{
	static const char *const bad[] = { "disk", "disk /dev/a", "disk /dev/a b c",
		"disc /dev/a b", "disk /dev/* * *", "disk */a *", "disk /dev/a *",
		"disk /dev/a* *b", "DISK a b", "disk /dev/a # b" };
	char text[64];

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		snprintf(text, sizeof(text), "bridge a b\n%s\ndisk /dev/a c\n", bad[i]);
		table(text);
		if (r.n != 1 || !strstr(said.text, NAMES_FILE ":2: this line says nothing"))
			fail_msg("'%s' gave '%s'", bad[i], said.text);
		is(NAMES_DISK, "/dev/a", "c");
	}
}

static void no_table(void **state)
{
	struct names none = { 0 };

	(void)state;
	assert_false(names_find(NULL, NAMES_DISK, "a", to, sizeof(to)));
	assert_false(names_find(&none, NAMES_DISK, "a", to, sizeof(to)));
	table("");
	is_not(NAMES_DISK, "a");
	/* a NUL byte ends the table */
	names_fini(&n);
	assert_int_equal(names_init(&n, "disk a b\n\0disk c d\n", 19), 0);
	is(NAMES_DISK, "a", "b");
	is_not(NAMES_DISK, "c");
	names_fini(&n);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines),
		cmocka_unit_test(stars),
		cmocka_unit_test(too_long),
		cmocka_unit_test(bad_lines),
		cmocka_unit_test(no_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
