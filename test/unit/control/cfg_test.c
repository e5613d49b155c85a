/*
 * cfg_test.c - the syntax of guest configuration files
 *
 * Objects     one struct cfg per case.
 * Locks       none.
 * Lifecycle   a cmocka group.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "cfg.h"

static struct cfg c;
static struct msg m;

static int setup(void **state)
{
	(void)state;
	cfg_init(&c);
	m.text[0] = '\0';
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	cfg_fini(&c);
	return 0;
}

static int parse(const char *text) { return cfg_parse(&c, "g.cfg", text, strlen(text), &m); }

static const struct cfg_value *value(const char *key)
{
	const struct cfg_setting *s = cfg_find(&c, key);

	assert_non_null(s);
	return s->value;
}

static void expect_text(const char *key, const char *text)
{
	assert_string_equal(value(key)->text, text);
}

static void expect_number(const char *key, int64_t n)
{
	int64_t got;

	assert_int_equal(cfg_number(value(key), &got), 0);
	assert_int_equal(got, n);
}

static void strings(void **state)
{
	(void)state;
	assert_int_equal(
		parse("a = \"x\"; b='y \"z\"' ; c=\"tab\\tnl\\nq\\\"b\\\\\"\nd='\\x41\\102\\7'\ne=\"\"\n"),
		0);
	expect_text("a", "x");
	expect_text("b", "y \"z\"");
	expect_text("c", "tab\tnl\nq\"b\\");
	expect_text("d", "AB\a");
	expect_text("e", "");
	assert_null(cfg_find(&c, "f"));
}

static void numbers(void **state)
{
	int64_t n;

	(void)state;
	assert_int_equal(
		parse("a=512\nb = 0x1F\nc=010;d=\"77\"\ne=\"5x\"\nf=99999999999999999999\ng=9g1\nh='-1'"),
		0);
	expect_number("a", 512);
	expect_number("b", 31);
	expect_number("c", 8);
	expect_number("d", 77);
	assert_int_equal(cfg_number(value("e"), &n), -1);
	assert_int_equal(cfg_number(value("f"), &n), -1);
	assert_int_equal(cfg_number(value("g"), &n), -1);
	assert_int_equal(cfg_number(value("h"), &n), -1);
}

static void lists(void **state)
{
	const struct cfg_value *v;

	(void)state;
	assert_int_equal(
		parse("a=[]\nb = [ 'x', # one\n\n 2,\n]\nc=[ [ 'p' , 'q' ] ,\n\n\"r\"\n]\n"),
		0);
	assert_null(value("a")->first);
	v = value("b")->first;
	assert_string_equal(v->text, "x");
	assert_int_equal(v->kind, CFG_STRING);
	assert_int_equal(v->line, 2);
	v = v->next;
	assert_string_equal(v->text, "2");
	assert_int_equal(v->kind, CFG_NUMBER);
	assert_int_equal(v->line, 4);
	assert_null(v->next);
	v = value("c")->first;
	assert_int_equal(v->kind, CFG_LIST);
	assert_string_equal(v->first->next->text, "q");
	assert_string_equal(v->next->text, "r");
}

static void separators(void **state)
{
	(void)state;
	assert_int_equal(parse("\n;;\n# comment\n a=1;;b=2 # c=3\r\n;\td = 4"), 0);
	expect_number("a", 1);
	expect_number("b", 2);
	expect_number("d", 4);
	assert_null(cfg_find(&c, "c"));
}

static void later_wins_and_appends(void **state)
{
	(void)state;
	assert_int_equal(
		parse("a=1\na=2\ns='x'\ns+=\"y\"\nl=['p']\nl+=['q','r']\nn+=3\ne=[]\ne+=['z']"),
		0);
	expect_number("a", 2);
	assert_int_equal(cfg_find(&c, "a")->line, 2);
	expect_text("s", "xy");
	assert_string_equal(value("l")->first->next->next->text, "r");
	expect_number("n", 3);
	assert_string_equal(value("e")->first->text, "z");
}

struct bad {
	const char *text, *start, *part;
};

static void errors(void **state)
{
	static const struct bad list[] = {
		{ "a=1\nb=foo", "g.cfg:2: ", "quotes" },
		{ "a=1 b=2", "g.cfg:1: key 'a': ", "follows the value" },
		{ "a='x", "g.cfg:1: ", "closing quote" },
		{ "a='x\n'", "g.cfg:1: ", "closing quote" },
		{ "a='\\", "g.cfg:1: ", "closing quote" },
		{ "a='\\q'", "g.cfg:1: ", "escape" },
		{ "a='\\x00'", "g.cfg:1: ", "escape" },
		{ "a='\\777'", "g.cfg:1: ", "escape" },
		{ "\n\na=[ 1,\n2\n", "g.cfg:3: ", "add ]" },
		{ "a=[1 2]", "g.cfg:1: ", "comma" },
		{ "a=[,]", "g.cfg:1: ", "value is missing" },
		{ "a=[1;2]", "g.cfg:1: ", "comma" },
		{ "a=[x]", "g.cfg:1: ", "quotes" },
		{ "a=-5", "g.cfg:1: ", "minus" },
		{ "a\n=1", "g.cfg:1: key 'a': ", "no = follows" },
		{ "a=\n1", "g.cfg:1: ", "value is missing" },
		{ "a", "g.cfg:1: key 'a': ", "no = follows" },
		{ "=1", "g.cfg:1: ", "key" },
		{ "'a'=1", "g.cfg:1: ", "key" },
		{ "a=1\n\x01", "g.cfg:2: ", "0x01" },
		{ "a=@", "g.cfg:1: ", "'@'" },
		{ "s='x'\ns+=['y']", "g.cfg:2: key 's': ", "+=" },
		{ "s=['x']\ns+='y'", "g.cfg:2: key 's': ", "+=" },
		{ "a=[[[[[[[[[1]]]]]]]]]", "g.cfg:1: ", "nested" },
		{ "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa=1",
			"g.cfg:1: ", "long" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
		cfg_fini(&c);
		if (parse(list[i].text) != -1)
			fail_msg("accepted: %s", list[i].text);
		if (strncmp(m.text, list[i].start, strlen(list[i].start)) != 0 ||
			!strstr(m.text, list[i].part))
			fail_msg("'%s' gave '%s'", list[i].text, m.text);
	}
}

static void nesting_limit_is_exact(void **state)
{
	(void)state;
	assert_int_equal(parse("a=[[[[[[[['x']]]]]]]]"), 0);
}

static void nul_byte_is_no_end(void **state)
{
	(void)state;
	assert_int_equal(cfg_parse(&c, "g.cfg", "a=1\n\0b=2", 8, &m), -1);
	assert_int_equal(cfg_parse(&c, "g.cfg", "a='x\0y'", 7, &m), -1);
}

static void too_long_a_file(void **state)
{
	char *text = malloc(CFG_TEXT_MAX + 1);

	(void)state;
	assert_non_null(text);
	memset(text, '\n', CFG_TEXT_MAX + 1);
	assert_int_equal(cfg_parse(&c, "g.cfg", text, CFG_TEXT_MAX, &m), 0);
	assert_int_equal(cfg_parse(&c, "g.cfg", text, CFG_TEXT_MAX + 1, &m), -1);
	free(text);
}

static void overrides(void **state)
{
	(void)state;
	assert_int_equal(parse("name='a'\nmemory=128\ndisk=['x']"), 0);
	assert_int_equal(cfg_override(&c, "memory=256", &m), 0);
	assert_int_equal(cfg_override(&c, "name=web-1", &m), 0);
	assert_int_equal(cfg_override(&c, "cmdline=root=/dev/xvda ro quiet", &m), 0);
	assert_int_equal(
		cfg_override(&c, "cpus=\"0-3\"; pci=[\"01:05.1\",\"01:05.2\"]", &m), 0);
	assert_int_equal(cfg_override(&c, "uuid=12345678-aaaa", &m), 0);
	assert_int_equal(cfg_override(&c, "extra=", &m), 0);
	assert_int_equal(cfg_override(&c, "a=1;b=2", &m), 0);
	assert_int_equal(cfg_override(&c, "disk+=['y']", &m), 0);
	expect_number("memory", 256);
	expect_text("name", "web-1");
	expect_text("cmdline", "root=/dev/xvda ro quiet");
	expect_text("cpus", "0-3");
	assert_string_equal(value("pci")->first->next->text, "01:05.2");
	expect_text("uuid", "12345678-aaaa");
	expect_text("extra", "");
	expect_number("b", 2);
	assert_string_equal(value("disk")->first->next->text, "y");
	assert_int_equal(cfg_find(&c, "name")->line, 0);
	assert_string_equal(cfg_find(&c, "name")->source, "command line");
}

static void bad_overrides(void **state)
{
	static const char *const list[] = { "", "=", "foo", "=x", "1=2", "a-b=1", "disk=['x",
		"a='x" };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
		assert_int_equal(cfg_override(&c, list[i], &m), -1);
		assert_memory_equal(m.text, "command line", 12);
	}
}

static void complaints(void **state)
{
	(void)state;
	assert_int_equal(parse("\na=1"), 0);
	assert_int_equal(cfg_complain(cfg_find(&c, "a"), &m, "bad; use %d", 2), -1);
	assert_string_equal(m.text, "g.cfg:2: key 'a': bad; use 2");
	assert_int_equal(cfg_override(&c, "a=x", &m), 0);
	assert_int_equal(cfg_complain(cfg_find(&c, "a"), &m, "bad"), -1);
	assert_string_equal(m.text, "command line: key 'a': bad");
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
int main(void)
{
	const struct CMUnitTest tests[] = {
		T(strings),
		T(numbers),
		T(lists),
		T(separators),
		T(later_wins_and_appends),
		T(errors),
		T(nesting_limit_is_exact),
		T(nul_byte_is_no_end),
		T(too_long_a_file),
		T(overrides),
		T(bad_overrides),
		T(complaints),
	};

	return cmocka_run_group_tests_name("control cfg", tests, NULL, NULL);
}
