/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * shell_test.c - line editor, word splitting, filters, verb table and options
 *
 * The editor's echo goes to a terminal of one row, so a case can compare what the user sees
 * with what the editor holds.
 *
 * Objects     struct row: the terminal.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "cli/filter.h"
#include "cli/line.h"
#include "text_sink.h"
#include "cli/verbs.h"
#include "cli/words.h"

#define X(name, fn, letters, least, most, complete, effect, args, summary, detail) \
	void verb_##fn(struct shell *sh, const struct options *o) \
	{ \
		(void)sh; \
		(void)o; \
	}
VERBS(X)
#undef X

/* ---- line editor ---- */

struct row {
	char cell[2 * LINE_LEN_MAX];
	size_t col, bells, rows;
};
static struct row row;
static struct out echo;
static struct line l;

static void row_clear(struct row *r)
{
	memset(r->cell, ' ', sizeof(r->cell));
	r->col = 0;
}

static void row_write(void *ctx, const char *text, size_t len)
{
	struct row *r = ctx;

	for (; len; len--, text++) {
		if (*text == '\b') {
			assert_true(r->col > 0);
			r->col--;
		} else if (*text == '\a') {
			r->bells++;
		} else if (*text == '\n' || *text == '\033') {
			row_clear(r);
			r->rows++;
			if (*text == '\033') {
				assert_true(len >= 7 && memcmp(text, "\033[H\033[2J", 7) == 0);
				text += 6;
				len -= 6;
			}
		} else {
			r->cell[r->col++] = *text;
		}
	}
}

static int setup(void **state)
{
	(void)state;
	memset(&row, 0, sizeof(row));
	row_clear(&row);
	echo = (struct out){ .write = row_write, .ctx = &row };
	line_init(&l, &echo, "> ");
	line_start(&l);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	line_fini(&l);
	return 0;
}

static enum line_event type(const char *keys)
{
	enum line_event e = LINE_NONE;

	while (*keys)
		e = line_input(&l, (uint8_t)*keys++);
	return e;
}

/* The terminal shows exactly this text, and both cursors are at `cursor`. */
static void shows(const char *text, size_t cursor)
{
	size_t i, n = strlen(text);

	assert_string_equal(l.text, text);
	assert_int_equal(l.len, n);
	assert_int_equal(l.cursor, cursor);
	assert_memory_equal(row.cell, "> ", 2);
	assert_memory_equal(row.cell + 2, text, n);
	for (i = n + 2; i < sizeof(row.cell); i++)
		assert_int_equal(row.cell[i], ' ');
	assert_int_equal(row.col, cursor + 2);
}

static void editing(void **state)
{
	(void)state;
	type("hello");
	shows("hello", 5);
	type("\x7f\x08");
	shows("hel", 3);
	type("\x01X");
	shows("Xhel", 1);
	type("\033[C\033[C!");
	shows("Xhe!l", 4);
	type("\033[D\033[D\033[3~");
	shows("Xh!l", 2);
	type("\x05 two  words");
	shows("Xh!l two  words", 15);
	type("\x17");
	shows("Xh!l two  ", 10);
	type("\x17");
	shows("Xh!l ", 5);
	type("\x02\x02\x0b");
	shows("Xh!", 3);
	type("\x02\x15");
	shows("!", 0);
	type("\x06\x04");
	shows("!", 1);
	type("\x02\x04");
	shows("", 0);
}

static void home_and_end(void **state)
{
	static const char *const home[] = { "\033[H", "\033[1~", "\033[7~", "\033OH", "\x01" };
	static const char *const end[] = { "\033[F", "\033[4~", "\033[8~", "\033OF", "\x05" };

	(void)state;
	type("abc");
	for (size_t i = 0; i < 5; i++) {
		type(home[i]);
		shows("abc", 0);
		type(end[i]);
		shows("abc", 3);
	}
}

static void ends_of_the_line_hold(void **state)
{
	(void)state;
	type("\x7f\x02\033[D\x0b\x15\x17\033[3~\033[C");
	shows("", 0);
	type("a\033[C\x06\033[3~\x0b");
	shows("a", 1);
}

static void strange_sequences_do_nothing(void **state)
{
	(void)state;
	type("a\033[99~\033[5~\033[2~\033[6~\033[1;5C\033Ox\033x\033[?25h\x1c\x1d\x00");
	shows("a", 1);
	type("\033[\x03");
	shows("a", 1);
	type("b");
	shows("ab", 2);
}

static void utf8_moves_by_character(void **state)
{
	(void)state;
	type("a\xc3\xa4\xe2\x82\xac");
	assert_int_equal(l.len, 6);
	type("\x02");
	assert_int_equal(l.cursor, 3);
	type("\x7f");
	assert_string_equal(l.text, "a\xe2\x82\xac");
	type("\x04");
	assert_string_equal(l.text, "a");
	type("\x01\xa4");
	assert_string_equal(l.text, "a");
}

static void events(void **state)
{
	(void)state;
	assert_int_equal(type("\x04"), LINE_EOF);
	assert_int_equal(type("ls\r"), LINE_ENTER);
	assert_string_equal(l.text, "ls");
	line_start(&l);
	assert_int_equal(type("\n"), LINE_NONE); /* the LF of CR LF */
	assert_int_equal(type("\n"), LINE_ENTER);
	assert_string_equal(l.text, "");
	line_start(&l);
	assert_int_equal(type("abc\x03"), LINE_INTERRUPT);
	assert_string_equal(l.text, "");
	line_start(&l);
	assert_int_equal(type("a\t"), LINE_COMPLETE);
	type("bc\x01");
	line_redraw(&l);
	row_clear(&row);
	type("\x0c");
	shows("abc", 0);
}

static void type_times(const char *keys, size_t n)
{
	while (n--)
		type(keys);
}

static void longest_line(void **state)
{
	(void)state;
	type_times("x", LINE_LEN_MAX);
	assert_int_equal(row.bells, 0);
	type("\x7f\x01y");
	assert_int_equal(l.len, LINE_LEN_MAX);
	assert_int_equal(l.text[0], 'y');
	assert_int_equal(type("\r"), LINE_ENTER);
	assert_int_equal(strlen(l.text), LINE_LEN_MAX);
}

/* A line that was too long is incomplete, so it is not given out, however it is edited. */
static void a_line_that_was_cut_is_refused(void **state)
{
	(void)state;
	type_times("x", LINE_LEN_MAX + 3);
	assert_int_equal(row.bells, 1);
	assert_int_equal(l.len, LINE_LEN_MAX);
	assert_int_equal(type("\r"), LINE_TOO_LONG);
	assert_string_equal(l.text, "");
	line_start(&l);
	type("\x10");
	shows("", 0); /* none of it is in the history */
	type_times("x", LINE_LEN_MAX);
	type("y\x7f\x7f");
	assert_int_equal(type("\r"), LINE_TOO_LONG);
	line_start(&l);
	type_times("x", LINE_LEN_MAX + 1);
	type("\x01y\x17z\x05");
	assert_int_equal(type("\r"), LINE_TOO_LONG);
	line_start(&l);
	type_times("x", LINE_LEN_MAX + 1);
	type("\x15list");
	assert_int_equal(type("\r"), LINE_ENTER);
	assert_string_equal(l.text, "list");
	line_start(&l);
	type_times("x", LINE_LEN_MAX + 1);
	assert_int_equal(type("\x03"), LINE_INTERRUPT);
	line_start(&l);
	assert_int_equal(type("list\r"), LINE_ENTER);
	line_start(&l);
	type_times("x", LINE_LEN_MAX + 1);
	type("\x10");
	shows("list", 4);
	assert_int_equal(type("\r"), LINE_ENTER);
}

static void enter(const char *text)
{
	line_start(&l);
	type(text);
	type("\r");
	line_start(&l);
}

static void history(void **state)
{
	char text[16];

	(void)state;
	enter("one");
	enter("two");
	enter("two");
	enter("");
	row_clear(&row);
	line_start(&l);
	type("dra\033[A");
	shows("two", 3);
	type("\x10");
	shows("one", 3);
	type("\033[A");
	assert_int_equal(row.bells, 1);
	type("\033[B\x0e");
	shows("dra", 3);
	type("\033[B");
	assert_int_equal(row.bells, 2);
	for (int i = 0; i < LINE_HISTORY + 5; i++) {
		snprintf(text, sizeof(text), "n%d", i);
		enter(text);
	}
	for (int i = 0; i < LINE_HISTORY; i++)
		type("\033[A");
	assert_string_equal(l.text, "n5");
	row.bells = 0;
	type("\033[A");
	assert_int_equal(row.bells, 1);
	assert_string_equal(l.text, "n5");
}

static void history_has_a_bound_in_bytes(void **state)
{
	size_t n, sum = 0;

	(void)state;
	for (size_t i = 0; i < 40; i++) {
		line_start(&l);
		type_times(i & 1 ? "a" : "b", 3000 + i);
		type("\r");
	}
	line_start(&l);
	for (n = 0; row.bells == 0; n++) {
		type("\x10");
		sum += l.len + 1;
	}
	sum -= l.len + 1; /* ended by the bell: the same line again */
	assert_true(n > 10 && sum <= LINE_HISTORY_BYTES && sum > LINE_HISTORY_BYTES - 2 * 3040);
	assert_int_equal(l.history_bytes, sum);
}

static void completion(void **state)
{
	static const char *const one[] = { "create" }, *const two[] = { "reboot",
		"reboot-host" };
	static const char *const dir[] = { "/guests/" };
	size_t start;

	(void)state;
	type("cr");
	line_complete(&l, one, 1);
	shows("create ", 7);
	start = line_word(&l);
	assert_int_equal(start, 7);
	type("/g");
	start = line_word(&l);
	assert_int_equal(start, 7);
	line_complete(&l, dir, 1);
	shows("create /guests/", 15);
	line_complete(&l, NULL, 0);
	assert_int_equal(row.bells, 1);
	type("\x15re");
	line_complete(&l, two, 2);
	shows("reboot", 6);
	type("\t");
	line_complete(&l, two, 2);
	assert_int_equal(row.bells, 2);
	type("\t");
	line_complete(&l, two, 2);
	assert_int_equal(row.rows, 2);
	shows("reboot", 6);
	type("\x15 a  b");
	start = line_word(&l);
	assert_int_equal(start, 4);
}

/* ---- words ---- */

/* The first command of the text: its words, what ends it, and what is left. */
static void command(const char *text, enum words_end end, const char *rest, int n, ...)
{
	char line[256], *at = line, *argv[WORDS_MAX + 1];
	enum words_end got;
	struct msg m;
	va_list ap;

	strcpy(line, text);
	assert_int_equal(words_split(&at, argv, &got, &m), n);
	va_start(ap, n);
	for (int i = 0; i < n; i++)
		assert_string_equal(argv[i], va_arg(ap, const char *));
	va_end(ap);
	assert_null(argv[n]);
	assert_int_equal(got, end);
	assert_string_equal(at, rest);
}

#define split(text, ...) command(text, WORDS_LAST, "", __VA_ARGS__)

static void no_command(const char *text, const char *part)
{
	char line[256], *at = line, *argv[WORDS_MAX + 1];
	enum words_end end;
	struct msg m;

	strcpy(line, text);
	assert_int_equal(words_split(&at, argv, &end, &m), -1);
	if (!strstr(m.text, part))
		fail_msg("'%s' gave '%s'", text, m.text);
}

static void words(void **state)
{
	char line[WORDS_MAX * 2 + 4], *at = line, *argv[WORDS_MAX + 1];
	enum words_end end;
	struct msg m;

	(void)state;
	split("", 0);
	split("  \t ", 0);
	split("# comment", 0);
	split("ls  /guests\t", 2, "ls", "/guests");
	split("a 'b c' \"d \\\"e\\\" \\x\" f\\ g", 4, "a", "b c", "d \"e\" \\x", "f g");
	split("a''b \"\" ''", 3, "ab", "", "");
	split("x'cpus=\"0-3\"; pci=[\"1\"]'", 1, "xcpus=\"0-3\"; pci=[\"1\"]");
	split("a#b #c; d | e", 1, "a#b");
	split("a\\", 1, "a\\");
	no_command("'a", "not closed");
	no_command("a \"b", "not closed");
	memset(line, 'x', sizeof(line));
	for (size_t i = 1; i < WORDS_MAX * 2; i += 2)
		line[i] = ' ';
	line[WORDS_MAX * 2 - 1] = '\0';
	assert_int_equal(words_split(&at, argv, &end, &m), WORDS_MAX);
	for (size_t i = 0; i < WORDS_MAX * 2 + 2; i++)
		line[i] = i & 1 ? ' ' : 'x';
	line[WORDS_MAX * 2 + 2] = '\0';
	at = line;
	assert_int_equal(words_split(&at, argv, &end, &m), -1);
}

static void commands_of_a_line(void **state)
{
	(void)state;
	command("list; dmesg", WORDS_NEXT, " dmesg", 1, "list");
	command("list;dmesg", WORDS_NEXT, "dmesg", 1, "list");
	command("list a ;", WORDS_NEXT, "", 2, "list", "a");
	command(";list", WORDS_NEXT, "list", 0);
	command(" ;;", WORDS_NEXT, ";", 0);
	command("list|grep a", WORDS_PIPE, "grep a", 1, "list");
	command("list | grep a; b", WORDS_PIPE, " grep a; b", 1, "list");
	command("list 'a;b' \"c|d\" e\\;f", WORDS_LAST, "", 4, "list", "a;b", "c|d", "e;f");
	command("a;'b c';d", WORDS_NEXT, "'b c';d", 1, "a");
	no_command("list > x", "redirection");
	no_command("list 2>&1", "redirection");
	no_command("list < x", "redirection");
	no_command("a && b", "no &&");
	no_command("a &", "background");
	split("a '&' \"<\" \\>", 4, "a", "&", "<", ">");
	split("a # > b & c", 1, "a");
}

/* ---- filters ---- */

static struct filter f, f2;

static void filter(struct filter *to_init, const struct out *to, const char *text)
{
	char line[128], *at = line, *argv[WORDS_MAX + 1];
	enum words_end end;
	struct msg m;
	int n;

	strcpy(line, text);
	n = words_split(&at, argv, &end, &m);
	if (filter_init(to_init, n, argv, to, &m))
		fail_msg("%s: %s", text, m.text);
}

/* The same output must come whether the input comes at once or byte by byte. */
static void filtered(const char *text, const char *in, const char *expected)
{
	static struct text_sink s;
	struct out o;

	o = text_sink_out(&s);
	filter(&f, &o, text);
	out_str(&f.in, in);
	filter_end(&f);
	if (strcmp(s.text, expected) != 0)
		fail_msg("%s gave '%s'", text, s.text);
	o = text_sink_out(&s);
	filter(&f, &o, text);
	for (const char *p = in; *p; p++)
		out_bytes(&f.in, p, 1);
	filter_end(&f);
	assert_string_equal(s.text, expected);
}

static void grep(void **state)
{
	static const char in[] = "Name ID\nDomain-0 0\nweb 12\nwebb 2\n\nlast";

	(void)state;
	filtered("match web", in, "web 12\nwebb 2\n");
	filtered("match -c -i NAME", in, "1\n");
	filtered("match -v b", in, "Name ID\nDomain-0 0\n\nlast\n");
	filtered("match 'w.b*^$'", "wb\na w.b*^$ b\n", "a w.b*^$ b\n");
	filtered("match '\\'", "a\\b\nab\n", "a\\b\n");
	filtered("grep web", in, "web 12\nwebb 2\n");
	filtered("grep last", in, "last\n");
	filtered("grep ''", "a\n\nb", "a\n\nb\n");
	filtered("grep -v e", in, "Domain-0 0\n\nlast\n");
	filtered("grep -i 'NAME'", in, "Name ID\n");
	filtered("grep -i domain", in, "Domain-0 0\n");
	filtered("grep name", in, "");
	filtered("grep -c web", in, "2\n");
	filtered("grep -vc web", in, "4\n");
	filtered("grep -c -v web", in, "4\n");
	filtered("grep -c x", "", "0\n");
	filtered("grep ^web", "web\naweb\n", "web\n");
	filtered("grep 2$", in, "web 12\nwebb 2\n");
	filtered("grep '^web 2$'", "web 2\nweb 22\nwweb 2\n", "web 2\n");
	filtered("grep ^$", "a\n\nb\n", "\n");
	filtered("grep 'w.b'", "wb\nwxb\nw.b\n", "wxb\nw.b\n");
	filtered("grep 'w\\.b'", "wb\nwxb\nw.b\n", "w.b\n");
	filtered("grep '^we*b*$'", "w\nwb\nweeb\nweebb\nwebe\n", "w\nwb\nweeb\nweebb\n");
	filtered("grep 'a.*b'", "ab\naxxb\nba\n", "ab\naxxb\n");
	filtered("grep '*a'", "a\n*a\n", "*a\n");
	filtered("grep 'a\\*'", "a\na*\n", "a*\n");
	filtered("grep a\\$b", "ab\na$b\n", "a$b\n");
	filtered("grep aab", "aaab\n", "aaab\n");
	filtered("grep -- -a", "-a\nb\n", "-a\n");
}

static void grep_of_greps(void **state)
{
	static struct text_sink s;
	struct out o = text_sink_out(&s);

	(void)state;
	filter(&f2, &o, "grep -v 2");
	filter(&f, &f2.in, "grep web");
	out_str(&f.in, "web 1\nweb 2\nx 1\nweb 3");
	filter_end(&f);
	filter_end(&f2);
	assert_string_equal(s.text, "web 1\nweb 3\n");
}

/* A pattern that takes other matchers exponential time, and lines without an end. */
static void grep_is_quick_and_bounded(void **state)
{
	static char in[3 * FILTER_LINE_MAX + 8];
	static struct text_sink s;
	struct out o = text_sink_out(&s);

	(void)state;
	memset(in, 'a', sizeof(in) - 1);
	filter(&f, &o, "grep -c a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b");
	out_str(&f.in, in);
	filter_end(&f);
	assert_string_equal(s.text, "0\n");
	o = text_sink_out(&s);
	filter(&f, &o, "grep -c a");
	out_str(&f.in, in);
	filter_end(&f);
	assert_string_equal(s.text, "4\n");
}

static void bad_filters(void **state)
{
	static const char *const list[] = { "grep", "grep a b", "grep -x a", "grep -c", "head",
		"wc -l", "list", "less" };
	char line[64], *at, *argv[WORDS_MAX + 1], pattern[FILTER_ITEMS + 2];
	enum words_end end;
	struct msg m;
	int n;

	(void)state;
	for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
		strcpy(line, list[i]);
		at = line;
		n = words_split(&at, argv, &end, &m);
		if (strcmp(list[i], "grep -c") == 0)
			assert_int_equal(
				/* the pattern is "-c" */
				filter_init(&f, n, argv, NULL, &m), 0);
		else
			assert_int_equal(filter_init(&f, n, argv, NULL, &m), -1);
	}
	memset(pattern, 'a', sizeof(pattern));
	pattern[FILTER_ITEMS + 1] = '\0';
	argv[0] = line;
	strcpy(line, "grep");
	argv[1] = pattern;
	assert_int_equal(filter_init(&f, 2, argv, NULL, &m), -1);
	pattern[FILTER_ITEMS] = '\0';
	assert_int_equal(filter_init(&f, 2, argv, NULL, &m), 0);
}

/* ---- verbs ---- */

static int options(struct options *o, struct msg *m, const char *text)
{
	static char line[256];
	static char *argv[WORDS_MAX + 1];
	char *at = line;
	enum words_end end;
	int n;

	strcpy(line, text);
	n = words_split(&at, argv, &end, m);
	assert_true(n > 0);
	assert_non_null(verb_find(argv[0]));
	return verb_options(verb_find(argv[0]), n, argv, o, m);
}

static void options_of_verbs(void **state)
{
	struct options o;
	struct msg m;

	(void)state;
	assert_int_equal(options(&o, &m, "create -pc /g/x.cfg memory=1"), 0);
	assert_true(o.count['p'] == 1 && o.count['c'] == 1 && o.count['q'] == 0);
	assert_int_equal(o.argc, 2);
	assert_string_equal(o.argv[0], "/g/x.cfg");
	assert_int_equal(options(&o, &m, "create /g/x.cfg -f y memory=1 --paused"), 0);
	assert_string_equal(o.value['f'], "y");
	assert_true(o.count['p'] == 1);
	assert_int_equal(o.argc, 2);
	assert_int_equal(options(&o, &m, "create -n x --dryrun"), 0);
	assert_int_equal(o.count['n'], 2);
	assert_int_equal(options(&o, &m, "create --defconfig=z"), 0);
	assert_string_equal(o.value['f'], "z");
	assert_int_equal(options(&o, &m, "shutdown -ww web"), 0);
	assert_int_equal(o.count['w'], 2);
	assert_int_equal(options(&o, &m, "shutdown --wait --all"), 0);
	assert_true(o.count['w'] && o.count['a']);
	assert_int_equal(options(&o, &m, "xenstore-write /a -- -1"), 0);
	assert_string_equal(o.argv[1], "-1");
	assert_int_equal(options(&o, &m, "vcpu-pin web -f 0 - -"), 0);
	assert_true(o.argc == 4 && o.count['f']);
	assert_string_equal(o.argv[2], "-");
	assert_string_equal(o.argv[3], "-");
	assert_int_equal(options(&o, &m, "sched-credit2 -w -"), 0);
	assert_string_equal(o.value['w'], "-");
	assert_int_equal(options(&o, &m, "pause --help"), 0);
	assert_true(o.count['h']);
	/* a long name may stand for another letter in another verb */
	assert_int_equal(options(&o, &m, "sched-credit2 --cap=5 --cpupool x --weight 7"), 0);
	assert_string_equal(o.value['c'], "5");
	assert_string_equal(o.value['p'], "x");
	assert_string_equal(o.value['w'], "7");
}

static void bad_options(void **state)
{
	static const struct {
		const char *text, *part;
	} list[] = {
		{ "list -x", "unknown option" },
		{ "list --wait", "unknown option" },
		{ "sched-credit2 --console", "unknown option" },
		{ "list --nonsense", "unknown option" },
		{ "cat a b", "too many" },
		{ "pause", "missing" },
		{ "rename a", "missing" },
		{ "create -f", "lacks" },
		{ "dmesg now", "too many" },
	};
	struct options o;
	struct msg m;

	(void)state;
	for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
		assert_int_equal(options(&o, &m, list[i].text), -1);
		assert_non_null(strstr(m.text, list[i].part));
		assert_non_null(strstr(m.text, "usage: "));
	}
}

static void help(void **state)
{
	static struct text_sink s;
	struct out o = text_sink_out(&s);
	const struct verb *v;
	size_t i;

	(void)state;
	assert_int_equal(verb_print_help(&o, NULL), 0);
	for (i = 0; (v = verb_at(i)) != NULL; i++) {
		assert_ptr_equal(verb_find(v->name), v);
		assert_non_null(strstr(s.text, v->name));
		assert_non_null(strstr(s.text, v->summary));
	}
#define X(...) +1
	assert_int_equal(i, 0 VERBS(X));
#undef X
	o = text_sink_out(&s);
	assert_int_equal(verb_print_help(&o, "create"), 0);
	assert_non_null(strstr(s.text, "Usage: create [-p] [-c] [-n] FILE [key=value...]\n"));
	/* all keys, in lines of less than 80 columns */
	assert_non_null(strstr(s.text, "\nKeys: name type "));
	assert_non_null(strstr(s.text, " cap\n"));
	for (const char *line = s.text, *end; (end = strchr(line, '\n')); line = end + 1)
		assert_true(end - line < 80);
	assert_int_equal(verb_print_help(&o, "nonsense"), -1);
	assert_null(verb_find("creat"));
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
int main(void)
{
	const struct CMUnitTest tests[] = {
		T(editing),
		T(home_and_end),
		T(ends_of_the_line_hold),
		T(strange_sequences_do_nothing),
		T(utf8_moves_by_character),
		T(events),
		T(longest_line),
		T(a_line_that_was_cut_is_refused),
		T(history),
		T(history_has_a_bound_in_bytes),
		T(completion),
		cmocka_unit_test(words),
		cmocka_unit_test(commands_of_a_line),
		cmocka_unit_test(grep),
		cmocka_unit_test(grep_of_greps),
		cmocka_unit_test(grep_is_quick_and_bounded),
		cmocka_unit_test(bad_filters),
		cmocka_unit_test(options_of_verbs),
		cmocka_unit_test(bad_options),
		cmocka_unit_test(help),
	};

	return cmocka_run_group_tests_name("control shell", tests, NULL, NULL);
}
