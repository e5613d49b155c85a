/*
 * cfg.c - parser for the syntax of xl.cfg(5)
 *
 * Objects     struct cfg: settings, in memory taken in chunks; struct lexer: one parse.
 * Locks       none.
 * Lifecycle   cfg_init; any number of cfg_parse and cfg_override; cfg_fini frees everything at
 *             once.
 * Invariants  C1 every text is terminated and lives as long as the cfg   C2 a key occurs once
 *             C3 recursion is bounded by CFG_DEPTH_MAX
 */
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cfg.h"

enum { CHUNK_SIZE = 4096 };

struct cfg_chunk {
	struct cfg_chunk *next;
	size_t used, size;
	char mem[];
};

enum token {
	T_END,
	T_NEWLINE,
	T_KEY,
	T_STRING,
	T_NUMBER,
	T_OPEN,
	T_CLOSE,
	T_COMMA,
	T_ASSIGN,
	T_APPEND,
	T_ERROR
};

struct lexer {
	struct cfg *c;
	const char *source;
	const char *at, *end;
	unsigned int line, token_line;
	enum token token;
	char *text; /* T_KEY, T_STRING, T_NUMBER */
	struct msg *m;
};

static void *cfg_alloc(struct cfg *c, size_t size)
{
	struct cfg_chunk *k = c->chunks;
	size_t room;

	size = (size + 15) & ~(size_t)15;
	if (!k || k->size - k->used < size) {
		room = size > CHUNK_SIZE ? size : CHUNK_SIZE;
		k = malloc(sizeof(*k) + room);
		if (!k)
			return NULL;
		*k = (struct cfg_chunk){ .next = c->chunks, .size = room };
		c->chunks = k;
	}
	k->used += size;
	return k->mem + k->used - size;
}

static char *cfg_text(struct cfg *c, const char *text, size_t len)
{
	char *copy = cfg_alloc(c, len + 1);

	if (copy) {
		memcpy(copy, text, len);
		copy[len] = '\0';
	}
	return copy;
}

void cfg_init(struct cfg *c) { *c = (struct cfg){ 0 }; }

void cfg_fini(struct cfg *c)
{
	struct cfg_chunk *k, *next;

	for (k = c->chunks; k; k = next) {
		next = k->next;
		free(k);
	}
	cfg_init(c);
}

static int fail_at(const struct lexer *l, unsigned int line, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
static int fail_at(const struct lexer *l, unsigned int line, const char *fmt, ...)
{
	char text[sizeof(l->m->text)];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (line)
		return msg_fail(l->m, "%.150s:%u: %.300s", l->source, line, text);
	return msg_fail(l->m, "%.150s: %.300s", l->source, text);
}

static int fail_memory(const struct lexer *l)
{
	return fail_at(l, l->line, "out of memory for this configuration; make it shorter");
}

static bool key_start(char ch)
{
	return (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') || ch == '_';
}

static bool digit(char ch) { return ch >= '0' && ch <= '9'; }

static bool key_char(char ch) { return key_start(ch) || digit(ch); }

static int hex_value(char ch)
{
	if (digit(ch))
		return ch - '0';
	if (ch >= 'a' && ch <= 'f')
		return ch - 'a' + 10;
	if (ch >= 'A' && ch <= 'F')
		return ch - 'A' + 10;
	return -1;
}

/* The character that a backslash and *p stand for; -1: none. Moves *p behind it. */
static int escape(const char **p, const char *end)
{
	static const char from[] = "abfnrtv'\"\\";
	static const char to[] = "\a\b\f\n\r\t\v'\"\\";
	const char *found;
	int value = 0, n, d;

	if (*p == end || **p == '\0')
		return -1;
	found = strchr(from, **p);
	if (found) {
		++*p;
		return to[found - from];
	}
	if (**p == 'x') {
		++*p;
		for (n = 0; n < 2 && *p < end && (d = hex_value(**p)) >= 0; n++, ++*p)
			value = value * 16 + d;
	} else {
		for (n = 0; n < 3 && *p < end && **p >= '0' && **p <= '7'; n++, ++*p)
			value = value * 8 + (**p - '0');
	}
	return n && value > 0 && value < 256 ? value : -1;
}

static enum token lex_string(struct lexer *l)
{
	const char *p = l->at + 1, *close;
	char quote = *l->at, *w;
	int ch;

	for (close = p; close < l->end && *close != quote && *close != '\n'; close++)
		if (*close == '\\' && close + 1 < l->end && close[1] != '\n')
			close++;
	if (close >= l->end || *close != quote) {
		fail_at(l, l->line,
			"string without its closing quote on the same line; add the quote");
		return T_ERROR;
	}
	w = l->text = cfg_alloc(l->c, (size_t)(close - p) + 1);
	if (!w) {
		fail_memory(l);
		return T_ERROR;
	}
	while (p < close) {
		ch = (unsigned char)*p++;
		if (ch == '\\')
			ch = escape(&p, close);
		if (ch <= 0) {
			fail_at(l, l->line,
				"backslash in a string before something that it cannot "
				"escape; write \\\\ for a backslash");
			return T_ERROR;
		}
		*w++ = (char)ch;
	}
	*w = '\0';
	l->at = close + 1;
	return T_STRING;
}

static enum token lex_word(struct lexer *l, enum token t)
{
	const char *start = l->at;

	while (l->at < l->end && key_char(*l->at))
		l->at++;
	l->text = cfg_text(l->c, start, (size_t)(l->at - start));
	if (l->text)
		return t;
	fail_memory(l);
	return T_ERROR;
}

static void skip_blank(struct lexer *l)
{
	while (l->at < l->end) {
		if (*l->at == '#')
			while (l->at < l->end && *l->at != '\n')
				l->at++;
		else if (*l->at == ' ' || *l->at == '\t' || *l->at == '\r')
			l->at++;
		else
			break;
	}
}

static enum token lex_mark(struct lexer *l)
{
	static const struct {
		char ch;
		enum token t;
	} marks[] = {
		{ '[', T_OPEN },
		{ ']', T_CLOSE },
		{ ',', T_COMMA },
		{ '=', T_ASSIGN },
		{ ';', T_NEWLINE },
	};
	size_t i;

	for (i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
		if (*l->at == marks[i].ch) {
			l->at++;
			return marks[i].t;
		}
	}
	if (*l->at == '+' && l->end - l->at > 1 && l->at[1] == '=') {
		l->at += 2;
		return T_APPEND;
	}
	if (*l->at == '-')
		fail_at(l, l->line, "a number is never negative here; remove the minus sign");
	else if (*l->at > ' ' && *l->at < 127)
		fail_at(l, l->line,
			"unexpected character '%c'; a setting is written key = value", *l->at);
	else
		fail_at(l, l->line,
			"unexpected byte 0x%02x; only strings may contain such bytes",
			(unsigned char)*l->at);
	return T_ERROR;
}

static enum token lex(struct lexer *l)
{
	skip_blank(l);
	l->token_line = l->line;
	if (l->at == l->end)
		return l->token = T_END;
	if (*l->at == '\n') {
		l->at++;
		l->line++;
		return l->token = T_NEWLINE;
	}
	if (*l->at == '"' || *l->at == '\'')
		return l->token = lex_string(l);
	if (digit(*l->at))
		return l->token = lex_word(l, T_NUMBER);
	if (key_start(*l->at))
		return l->token = lex_word(l, T_KEY);
	return l->token = lex_mark(l);
}

static void lex_in_list(struct lexer *l)
{
	do
		lex(l);
	while (l->token == T_NEWLINE && l->at[-1] == '\n');
}

static struct cfg_value *value_new(struct lexer *l, enum cfg_kind kind)
{
	struct cfg_value *v = cfg_alloc(l->c, sizeof(*v));

	if (!v) {
		fail_memory(l);
		return NULL;
	}
	*v = (struct cfg_value){
		.kind = kind, .line = l->token_line, .text = kind == CFG_LIST ? "" : l->text
	};
	return v;
}

static struct cfg_value *parse_value(struct lexer *l, unsigned int depth);

/* After `[`. Leaves the token behind `]` unread. */
static struct cfg_value *parse_list(struct lexer *l, unsigned int depth)
{
	struct cfg_value *list = value_new(l, CFG_LIST), **tail;
	unsigned int start = l->token_line;

	if (!list)
		return NULL;
	if (depth == CFG_DEPTH_MAX) {
		fail_at(l, start, "lists are nested too deeply; use fewer brackets");
		return NULL;
	}
	tail = &list->first;
	lex_in_list(l);
	while (l->token != T_CLOSE) {
		*tail = parse_value(l, depth + 1);
		if (!*tail)
			return NULL;
		tail = &(*tail)->next;
		lex_in_list(l);
		if (l->token == T_COMMA) {
			lex_in_list(l);
		} else if (l->token == T_END) {
			fail_at(l, start, "list without its closing bracket; add ]");
			return NULL;
		} else if (l->token != T_CLOSE) {
			if (l->token != T_ERROR)
				fail_at(l, l->token_line,
					"values of a list are separated by commas; add a comma or ]");
			return NULL;
		}
	}
	return list;
}

/* The token at hand starts a value. */
static struct cfg_value *parse_value(struct lexer *l, unsigned int depth)
{
	switch (l->token) {
	case T_STRING:
		return value_new(l, CFG_STRING);
	case T_NUMBER:
		return value_new(l, CFG_NUMBER);
	case T_OPEN:
		return parse_list(l, depth); /* C3 */
	case T_KEY:
		fail_at(l, l->token_line,
			"'%.60s' is not a value; put words in quotes, as in \"%.60s\"", l->text,
			l->text);
		return NULL;
	case T_ERROR:
		return NULL;
	default:
		fail_at(l, l->token_line,
			"a value is missing here; give a string in quotes, a number or a list");
		return NULL;
	}
}

static struct cfg_setting *find(const struct cfg *c, const char *key)
{
	struct cfg_setting *s;

	for (s = c->first; s; s = s->next)
		if (strcmp(s->key, key) == 0)
			return s;
	return NULL;
}

const struct cfg_setting *cfg_find(const struct cfg *c, const char *key)
{
	return find(c, key);
}

static int append_value(struct lexer *l, struct cfg_setting *s, struct cfg_value *v)
{
	struct cfg_value *item;
	size_t n1, n2;
	char *text;

	if ((s->value->kind == CFG_LIST) != (v->kind == CFG_LIST)) {
		*s = (struct cfg_setting){ .next = s->next,
			.key = s->key,
			.source = l->source,
			.line = v->line,
			.value = s->value };
		return cfg_complain(s, l->m,
			"+= joins two strings or two lists; write both in the same way");
	}
	if (v->kind == CFG_LIST) {
		if (!s->value->first) {
			s->value = v;
			return 0;
		}
		for (item = s->value->first; item->next; item = item->next)
			continue;
		item->next = v->first;
		return 0;
	}
	n1 = strlen(s->value->text);
	n2 = strlen(v->text);
	text = cfg_alloc(l->c, n1 + n2 + 1);
	if (!text)
		return fail_memory(l);
	memcpy(text, s->value->text, n1);
	memcpy(text + n1, v->text, n2 + 1);
	s->value->text = text;
	s->value->kind = CFG_STRING;
	return 0;
}

static int set_value(
	struct lexer *l, char *key, unsigned int line, struct cfg_value *v, enum token how)
{
	struct cfg_setting *s = find(l->c, key);
	struct cfg_setting *fresh;

	if (s && how == T_APPEND)
		return append_value(l, s, v);
	if (s) {
		s->source = l->source;
		s->line = line;
		s->value = v;
		return 0; /* C2 */
	}
	fresh = cfg_alloc(l->c, sizeof(*fresh));
	if (!fresh)
		return fail_memory(l);
	*fresh = (struct cfg_setting){
		.key = key, .source = l->source, .line = line, .value = v
	};
	if (l->c->last)
		l->c->last->next = fresh;
	else
		l->c->first = fresh;
	l->c->last = fresh;
	return 0;
}

/* The token at hand is the key. */
static int parse_setting(struct lexer *l)
{
	unsigned int line = l->token_line;
	char *key = l->text;
	struct cfg_value *v;
	enum token how;

	if (strlen(key) > CFG_KEY_MAX)
		return fail_at(l, line,
			"this key is too long to be any known key; check its spelling");
	how = lex(l);
	if (how == T_ERROR)
		return -1;
	if (how != T_ASSIGN && how != T_APPEND)
		return fail_at(l, line, "key '%s': no = follows; write %s = value", key, key);
	lex(l);
	v = parse_value(l, 0);
	if (!v)
		return -1;
	if (lex(l) == T_ERROR)
		return -1;
	if (l->token != T_NEWLINE && l->token != T_END)
		return fail_at(l, l->token_line,
			"key '%s': something follows the value; put the next setting "
			"on a line of its own or behind a ;",
			key);
	return set_value(l, key, line, v, how);
}

static int parse_settings(struct lexer *l)
{
	int rc;

	for (;;) {
		switch (lex(l)) {
		case T_END:
			return 0;
		case T_NEWLINE:
			break;
		case T_KEY:
			rc = parse_setting(l);
			if (rc)
				return rc;
			if (l->token == T_END)
				return 0;
			break;
		case T_ERROR:
			return -1;
		default:
			return fail_at(l, l->token_line,
				"a setting starts with its key; write key = value");
		}
	}
}

/* line 0: the text has no lines. */
static int parse(struct cfg *c, const char *source, unsigned int line, const char *text,
	size_t len, struct msg *m)
{
	struct lexer l = { .c = c, .at = text, .end = text + len, .line = line, .m = m };

	l.source = cfg_text(c, source, strlen(source));
	if (!l.source)
		return msg_fail(m, "out of memory for this configuration; make it shorter");
	if (len > CFG_TEXT_MAX)
		return msg_fail(m,
			"%.200s: longer than %u bytes; this is no guest configuration", source,
			(unsigned int)CFG_TEXT_MAX);
	return parse_settings(&l);
}

int cfg_parse(struct cfg *c, const char *source, const char *text, size_t len, struct msg *m)
{
	c->file = source;
	return parse(c, source, 1, text, len, m);
}

/* key=WORDS: everything behind = is the value. */
static int override_words(struct cfg *c, const char *arg, const char *equals, struct msg *m)
{
	struct lexer l = { .c = c, .source = "command line", .m = m };
	struct cfg_value *v;
	char *key;

	key = cfg_text(c, arg, (size_t)(equals - arg));
	l.text = cfg_text(c, equals + 1, strlen(equals + 1));
	if (!key || !l.text)
		return fail_memory(&l);
	v = value_new(&l, CFG_STRING);
	return v ? set_value(&l, key, 0, v, T_ASSIGN) : -1;
}

int cfg_override(struct cfg *c, const char *arg, struct msg *m)
{
	const char *p = arg, *v;
	struct cfg scratch;
	size_t len = strlen(arg);
	int rc;

	if (len > CFG_TEXT_MAX)
		return msg_fail(m, "command line: setting too long; put it into the file");
	while (key_char(*p))
		p++;
	if (p == arg || p - arg > CFG_KEY_MAX || digit(*arg) ||
		(*p != '=' && *p != ' ' && *p != '+' && *p != '\t'))
		return msg_fail(m,
			"command line: '%.100s' is not key=value; write it like memory=512",
			arg);
	v = p + 1;
	if (*p != '=' || *v == '"' || *v == '\'' || *v == '[')
		return parse(c, "command line", 0, arg, len, m);
	cfg_init(&scratch);
	rc = parse(&scratch, "command line", 0, arg, len, m);
	cfg_fini(&scratch);
	return rc ? override_words(c, arg, p, m) : parse(c, "command line", 0, arg, len, m);
}

int cfg_number(const struct cfg_value *v, int64_t *n)
{
	long long value;
	char *end;

	if (v->kind == CFG_LIST || !digit(v->text[0]))
		return -1;
	errno = 0;
	value = strtoll(v->text, &end, 0);
	if (errno || *end)
		return -1;
	*n = value;
	return 0;
}

int cfg_complain(const struct cfg_setting *s, struct msg *m, const char *fmt, ...)
{
	char text[sizeof(m->text)];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (s->line)
		return msg_fail(
			m, "%.150s:%u: key '%s': %.280s", s->source, s->line, s->key, text);
	return msg_fail(m, "%.150s: key '%s': %.280s", s->source, s->key, text);
}
