/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cfg_test.c - the syntax of guest configuration files
 *
 * Objects     one struct cfg per case.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "config/cfg.h"

static struct cfg c;
static struct report r;
static struct msg m;

static int setup(void **state)
{
	(void)state;
	cfg_init(&c);
	report_init(&r);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	cfg_fini(&c);
	return 0;
}

static int parse(const char *text) { return cfg_parse(&c, "g.cfg", text, strlen(text), &r); }

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
	expect_number("h", -1);
	assert_int_equal(parse("i='+5'\nj=' 6'\nk=''\nl='7 '\nm='-'"), 0);
	expect_number("i", 5);
	expect_number("j", 6);
	assert_int_equal(cfg_number(value("k"), &n), -1);
	assert_int_equal(cfg_number(value("l"), &n), -1);
	assert_int_equal(cfg_number(value("m"), &n), -1);
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
	assert_true(cfg_find(&c, "s")->added);
	assert_string_equal(cfg_find(&c, "s")->before->text, "x");
	assert_true(cfg_find(&c, "n")->added);
	assert_null(cfg_find(&c, "n")->before);
	assert_false(cfg_find(&c, "a")->added);
	assert_string_equal(value("l")->first->next->next->text, "r");
	expect_number("n", 3);
	assert_string_equal(value("e")->first->text, "z");
}

static const char *first(void) { return r.line[0].text.text; }

struct bad {
	const char *text, *start, *part;
};

static void errors(void **state)
{
	static const struct bad list[] = {
		{ "a=1\nb=foo", "g.cfg:2: ", "quotes" },
		{ "a=1 b=2", "g.cfg:1: key 'a': ", "behind the value" },
		{ "a='x", "g.cfg:1: ", "closing quote" },
		{ "a='x\nb=3", "g.cfg:1: ", "closing quote" },
		{ "a='\\", "g.cfg:1: ", "closing quote" },
		{ "a='\\q'", "g.cfg:1: ", "escape" },
		{ "a='\\x00'", "g.cfg:1: ", "escape" },
		{ "a='\\777'", "g.cfg:1: ", "escape" },
		{ "\n\na=[ 1,\n2\n", "g.cfg:3: ", "add ]" },
		{ "a=[1 2]", "g.cfg:1: ", "comma" },
		{ "a=[,]", "g.cfg:1: ", "value is missing" },
		{ "a=[1;2]", "g.cfg:1: ", "comma" },
		{ "a=[x]", "g.cfg:1: ", "quotes" },
		{ "a=-5", "g.cfg:1: key 'a': ", "minus" },
		{ "install-method = x", "g.cfg:1: 'install-method' is not a valid key",
			"remove" },
		{ "a.b-c=3", "g.cfg:1: ", "Python" },
		{ "a\xc3\xa4 = 3", "g.cfg:1: 'a\xc3\xa4' is not a valid key", "letters" },
		{ "import os, re", "g.cfg:1: this is Python", "write out" },
		{ "from os import path", "g.cfg:1: this is Python", "write out" },
		{ "if x == 'y':", "g.cfg:1: this is Python", "write out" },
		{ "print \"x\"", "g.cfg:1: this is Python", "write out" },
		{ "os.chdir('/')", "g.cfg:1: this is Python", "write out" },
		{ "def f(x,\n\ty):", "g.cfg:1: this is Python", "write out" },
		{ "a = os.uname()[4]", "g.cfg:1: key 'a': this is Python", "write out" },
		{ "a = f(1; 2)", "g.cfg:1: key 'a': this is Python", "write out" },
		{ "a = int(b)", "g.cfg:1: key 'a': this is Python", "write out" },
		{ "a = ('b')", "g.cfg:1: key 'a': this is Python", "write out" },
		{ "a = 'b' + c", "g.cfg:1: key 'a': this is Python", "write out" },
		{ "a = 'b%s' % c", "g.cfg:1: key 'a': this is Python", "write out" },
		{ "a = 3*4", "g.cfg:1: key 'a': this is Python", "write out" },
		{ "a = 'b'.upper()", "g.cfg:1: key 'a': this is Python", "write out" },
		{ "a = [ 'b%d' % c,\n'd' ]", "g.cfg:1: key 'a': this is Python", "write out" },
		{ "a = f([ 'x',\n 'y' ],\n 3)\nb = 3", "g.cfg:1: key 'a': this is Python",
			"write out" },
		{ "a = 1.5", "g.cfg:1: key 'a': ", "behind the value" },
		{ "a = True", "g.cfg:1: key 'a': 'True' is not a value", "write 1" },
		{ "a = False", "g.cfg:1: key 'a': 'False' is not a value", "write 0" },
		{ "a = /dev/x", "g.cfg:1: key 'a': ", "quotes, as in \"/dev/x\"" },
		{ "a == 3", "g.cfg:1: key 'a': ", "one = is enough" },
		{ "a : 3", "g.cfg:1: key 'a': there is a :", "write a = value" },
		{ "a: 3", "g.cfg:1: key 'a': there is a :", "write a = value" },
		{ "a = foo ';' x", "g.cfg:1: key 'a': 'foo'", "quotes" },
		{ "a = foo # x; y ' [", "g.cfg:1: key 'a': 'foo'", "quotes" },
		{ "a = 'x' \\\n", "g.cfg:1: key 'a': ", "cannot be continued" },
		{ "a = \\\n 'x'", "g.cfg:1: key 'a': ", "cannot be continued" },
		{ "a = [ 'x', \\\n'y', 'z' ]", "g.cfg:1: key 'a': ", "cannot be continued" },
		{ "a = [ 'x' \\\n,'y' ]", "g.cfg:1: key 'a': ", "cannot be continued" },
		{ "a = [ 'x', @ 'y' ]", "g.cfg:1: key 'a': ", "'@'" },
		{ "a = [ 'x', y, 'z' ]", "g.cfg:1: key 'a': 'y'", "quotes" },
		{ "a = [ 'x',\nb = 3\nc = 4", "g.cfg:1: key 'a': ", "add ]" },
		{ "a = [ 'x',\n'y\nb = 3", "g.cfg:2: key 'a': ", "closing quote" },
		{ "a=[1,;2]", "g.cfg:1: key 'a': ", "value is missing" },
		{ "a='\\'", "g.cfg:1: key 'a': ", "closing quote" },
		{ "a='\\x'", "g.cfg:1: key 'a': ", "escape" },
		{ "a='\\0'", "g.cfg:1: key 'a': ", "escape" },
		{ "a = foo \\\n 'x'", "g.cfg:1: key 'a': 'foo'", "quotes" },
		{ "a = [ 'x'\nb += ['y']\nc = 4", "g.cfg:1: key 'a': ", "add ]" },
		{ "a = f(\nb = 3\n", "g.cfg:1: key 'a': this is Python", "write out" },
		{ "Memory = 512", "g.cfg:1: key 'Memory': ", "small letter" },
		{ "_a = 512", "g.cfg:1: key '_a': ", "small letter" },
		{ "a='x", "g.cfg:1: key 'a': ", "closing quote" },
		{ " <domain type='xen'>\n<name>x</name>\n</domain>", "g.cfg:1: this is XML",
			"key = value" },
		{ "(vm (name x)\n(memory 5))", "g.cfg:1: this is SXP", "key = value" },
		{ "{\n \"a\": 1\n}", "g.cfg:1: this is JSON", "key = value" },
		{ "a\nb=1", "g.cfg:1: key 'a': ", "no = behind" },
		{ "a=\nb=1", "g.cfg:1: ", "value is missing" },
		{ "a", "g.cfg:1: key 'a': ", "no = behind" },
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

	(void)state;
	for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
		cfg_fini(&c);
		report_init(&r);
		if (parse(list[i].text) != -1)
			fail_msg("accepted: %s", list[i].text);
		if (r.mistakes != 1 || r.n != 1)
			fail_msg("'%s' gave %u mistakes", list[i].text, r.mistakes);
		if (strncmp(first(), list[i].start, strlen(list[i].start)) != 0 ||
			!strstr(first(), list[i].part))
			fail_msg("'%s' gave '%s'", list[i].text, first());
	}
}

/* Every mistake is reported and causes no other; the lines between and after them are read. */
static void all_mistakes_of_a_file(void **state)
{
	static const unsigned int lines[] = { 2, 4, 6, 8, 10, 13, 18, 20 };
	size_t i;

	(void)state;
	assert_int_equal(
		parse("a=1\nb=foo; bb=2\nc=3\nimport os\nd=4\ne='x\nf=5\n"
		      "g=[ 'x' 'y',\n'z' ]\nh=[ 'x',\ni=6\n"
		      "j='k'\nl=f([1,\n2\nm=8\nn=[[1],\n2]\n-x\np = [1,\n  two ]\nq=9"),
		-1);
	assert_int_equal(r.mistakes, sizeof(lines) / sizeof(lines[0]));
	for (i = 0; i < r.n; i++)
		assert_int_equal(r.line[i].at, lines[i]);
	expect_number("a", 1);
	expect_number("bb", 2);
	expect_number("c", 3);
	expect_number("d", 4);
	expect_number("f", 5);
	expect_number("i", 6);
	expect_text("j", "k");
	expect_number("m", 8);
	expect_number("q", 9);
	assert_null(value("b"));
	assert_null(value("e"));
	assert_null(value("g"));
	assert_null(value("h"));
	assert_null(value("l"));
	assert_null(value("p"));
	assert_true(c.unclear);
}

/* It has no value, whatever was set before or is added later. */
static void a_setting_with_a_mistake_has_no_value(void **state)
{
	(void)state;
	assert_int_equal(parse("a='x'\na+=['y']\nb=foo\nb+='x'\nc='x'\nc=foo\nd=foo\nd='x'\n"
			       "e=[[[[[[[[[1]]]]]]]]]\n-x\nf=3"),
		-1);
	assert_null(value("a"));
	assert_null(value("b"));
	assert_null(value("c"));
	expect_text("d", "x");
	assert_null(value("e"));
	expect_number("f", 3);
	assert_int_equal(r.mistakes, 6);
	assert_int_equal(r.line[5].at, 10);
	report_init(&r);
	assert_int_equal(parse("a = \\\n\n-x"), -1);
	/* the continued line ends with an empty line, and does not swallow the next */
	assert_int_equal(r.mistakes, 2);
}

static void longest_key(void **state)
{
	char text[CFG_KEY_MAX + 8];

	(void)state;
	memset(text, 'k', sizeof(text));
	strcpy(text + CFG_KEY_MAX, "=3");
	assert_int_equal(parse(text), 0);
	text[CFG_KEY_MAX] = '\0';
	expect_number(text, 3);
}

/* What makes all other mistakes pointless stands before them. */
static void decisive_mistakes_come_first(void **state)
{
	static const char *const order[] = { "type", "kernel", "one", "two", "command line" };

	(void)state;
	report_init(&r);
	report_add(&r, REPORT_MISTAKE, 0, "command line");
	report_add(&r, REPORT_MISTAKE, 1, "one");
	report_add(&r, REPORT_DECISIVE, 0, "kernel");
	report_add(&r, REPORT_REMARK, 2, "two");
	report_add(&r, REPORT_DECISIVE, 9, "type");
	for (unsigned int i = 0; i < r.n; i++)
		assert_string_equal(r.line[i].text.text, order[i]);
	assert_int_equal(r.n, 5);
	assert_int_equal(r.mistakes, 4);
	for (unsigned int i = 0; i < 100; i++)
		report_add(&r, REPORT_MISTAKE, i + 3, "mistake");
	report_add(&r, REPORT_DECISIVE, 8, "full");
	assert_string_equal(r.line[0].text.text, "full");
	assert_int_equal(r.n, REPORT_MAX);
	/* once all lines are decisive, the last ones give way */
	for (unsigned int i = 0; i < REPORT_MAX; i++)
		report_add(&r, REPORT_DECISIVE, 7, "more");
	assert_int_equal(r.lost_remarks, 1);
	assert_int_equal(r.mistakes, r.n + r.lost_mistakes);
}

/* A full report keeps the mistakes before the remarks, and the entries of the first lines. */
static void a_report_has_limits(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < REPORT_MAX; i++)
		report_add(&r, REPORT_REMARK, i + 1, "remark");
	assert_int_equal(r.mistakes, 0);
	report_add(&r, REPORT_MISTAKE, 0, "of the command line");
	assert_int_equal(r.line[REPORT_MAX - 1].kind, REPORT_MISTAKE);
	assert_int_equal(r.line[REPORT_MAX - 2].at, REPORT_MAX - 1);
	for (unsigned int i = 100; i > 1; i--)
		report_add(&r, REPORT_MISTAKE, i, "mistake");
	assert_int_equal(r.n, REPORT_MAX);
	assert_int_equal(r.mistakes, 100);
	assert_int_equal(r.lost_mistakes, 100 - REPORT_MAX);
	assert_int_equal(r.lost_remarks, REPORT_MAX);
	for (unsigned int i = 0; i < REPORT_MAX; i++) {
		assert_int_equal(r.line[i].kind, REPORT_MISTAKE);
		assert_int_equal(r.line[i].at, i + 2);
	}
	report_add(&r, REPORT_REMARK, 1, "remark");
	report_add(&r, REPORT_MISTAKE, 2, "second of its line");
	assert_string_equal(r.line[0].text.text, "mistake");
	assert_int_equal(r.lost_remarks, REPORT_MAX + 1);
	report_drop_remarks(&r);
	assert_int_equal(r.n, REPORT_MAX);
	assert_int_equal(r.lost_remarks, 0);
}

static void nesting_limit_is_exact(void **state)
{
	(void)state;
	assert_int_equal(parse("a=[[[[[[[['x']]]]]]]]"), 0);
}

static void nul_byte_is_no_end(void **state)
{
	(void)state;
	assert_int_equal(cfg_parse(&c, "g.cfg", "a=1\n\0b=2", 8, &r), -1);
	assert_int_equal(cfg_parse(&c, "g.cfg", "a='x\0y'", 7, &r), -1);
}

static void too_long_a_file(void **state)
{
	char *text = malloc(CFG_TEXT_MAX + 1);

	(void)state;
	assert_non_null(text);
	memset(text, '\n', CFG_TEXT_MAX + 1);
	assert_int_equal(cfg_parse(&c, "g.cfg", text, CFG_TEXT_MAX, &r), 0);
	assert_int_equal(cfg_parse(&c, "g.cfg", text, CFG_TEXT_MAX + 1, &r), -1);
	free(text);
}

static void overrides(void **state)
{
	(void)state;
	assert_int_equal(parse("name='a'\nmemory=128\ndisk=['x']"), 0);
	assert_int_equal(cfg_override(&c, "memory=256", &r), 0);
	assert_int_equal(cfg_override(&c, "name=web-1", &r), 0);
	assert_int_equal(cfg_override(&c, "cmdline=root=/dev/xvda ro quiet", &r), 0);
	assert_int_equal(
		cfg_override(&c, "cpus=\"0-3\"; pci=[\"01:05.1\",\"01:05.2\"]", &r), 0);
	assert_int_equal(cfg_override(&c, "uuid=12345678-aaaa", &r), 0);
	assert_int_equal(cfg_override(&c, "extra=", &r), 0);
	assert_int_equal(cfg_override(&c, "a=1;b=2", &r), 0);
	assert_int_equal(cfg_override(&c, "disk+=['y']", &r), 0);
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
		"a='x", "Memory=3" };

	(void)state;
	for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
		assert_int_equal(cfg_override(&c, list[i], &r), -1);
		assert_memory_equal(first(), "command line", 12);
		report_init(&r);
	}
}

static void the_command_line_has_no_lines(void **state)
{
	(void)state;
	assert_int_equal(cfg_override(&c, "a='1'\nb=foo", &r), -1);
	assert_string_equal(first(),
		"command line: key 'b': 'foo' is not a value; put words in quotes, as in \"foo\"");
	assert_int_equal(cfg_find(&c, "a")->line, 0);
}

static void complaints(void **state)
{
	(void)state;
	assert_int_equal(parse("\na=1"), 0);
	assert_int_equal(cfg_complain(cfg_find(&c, "a"), &m, "bad; use %d", 2), -1);
	assert_string_equal(m.text, "g.cfg:2: key 'a': bad; use 2");
	assert_int_equal(cfg_override(&c, "a=x", &r), 0);
	assert_int_equal(cfg_complain(cfg_find(&c, "a"), &m, "bad"), -1);
	assert_string_equal(m.text, "command line: key 'a': bad");
	assert_int_equal(cfg_report(cfg_find(&c, "a"), &r, REPORT_REMARK, "odd"), -1);
	assert_int_equal(r.mistakes, 0);
	assert_string_equal(first(), "command line: key 'a': odd");
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
		T(all_mistakes_of_a_file),
		T(a_setting_with_a_mistake_has_no_value),
		T(longest_key),
		T(decisive_mistakes_come_first),
		T(a_report_has_limits),
		T(nesting_limit_is_exact),
		T(nul_byte_is_no_end),
		T(too_long_a_file),
		T(overrides),
		T(bad_overrides),
		T(the_command_line_has_no_lines),
		T(complaints),
	};

	return cmocka_run_group_tests_name("control cfg", tests, NULL, NULL);
}
