/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cfg.c - parser for the syntax of xl.cfg(5)
 *
 * Objects     struct cfg: settings, in memory that is taken in chunks.
 * Lifecycle   cfg_init; any number of cfg_parse and cfg_override; cfg_fini frees everything at
 *             once.
 * Invariants  CFG1 every text is terminated and lives as long as the cfg
 *             CFG2 a key occurs once
 *             CFG3 recursion is bounded by CFG_DEPTH_MAX
 *             CFG4 a setting with a mistake has no value, and the next one is read as if there
 *                  had been no mistake
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/cfg_lex.h"

enum { CHUNK_SIZE = 4096 };

struct cfg_chunk {
	struct cfg_chunk *next;
	size_t used, size;
	char mem[];
};

void *cfg_alloc(struct cfg *c, size_t size)
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

char *cfg_text(struct cfg *c, const char *text, size_t len)
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
	struct cfg_chunk *next;

	for (struct cfg_chunk *k = c->chunks; k; k = next) {
		next = k->next;
		free(k);
	}
	cfg_init(c);
}

/* ---- messages ---- */

/* "source:line: key 'k': text", without the parts that are not known. Always -1. */
static int place_text(
	struct msg *m, const char *source, unsigned int line, const char *key, const char *text)
{
	char at[16] = "", of[CFG_KEY_MAX + 16] = "";

	if (line)
		snprintf(at, sizeof(at), ":%u", line);
	if (key)
		snprintf(of, sizeof(of), "key '%.63s': ", key);
	return msg_fail(m, "%.150s%s: %s%.260s", source, at, of, text);
}

int cfg_complain(const struct cfg_setting *s, struct msg *m, const char *fmt, ...)
{
	char text[sizeof(m->text)];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return place_text(m, s->source, s->line, s->key, text);
}

int cfg_report(const struct cfg_setting *s, struct report *r, enum report_kind kind,
	const char *fmt, ...)
{
	char text[sizeof(((struct msg *)0)->text)];
	struct msg m;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	(void)place_text(&m, s->source, s->line, s->key, text);
	report_add(r, kind, s->line, m.text);
	return -1;
}

int cfg_fail(struct lexer *l, unsigned int line, const char *fmt, ...)
{
	char text[sizeof(l->wrong.text)];
	struct msg m;
	va_list ap;

	l->mistakes++;
	if (!l->r || (l->told && l->told_line == line))
		return -1;
	l->told = true;
	l->told_line = line;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	(void)place_text(&m, l->source, line, l->key, text);
	report_add(l->r, REPORT_MISTAKE, line, m.text);
	return -1;
}

static int fail_memory(struct lexer *l)
{
	return cfg_fail(l, l->line, "out of memory for this configuration; make it shorter");
}

/* ---- values ---- */

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

/* The list has no ] before the next setting, or before the end. */
static bool list_unclosed(struct lexer *l, unsigned int start)
{
	if (l->token != T_END && (l->token != T_KEY || !lex_setting_at(l, l->start)))
		return false;
	if (!l->told) /* else the bracket may be in the text that was skipped */
		cfg_fail(l, start, "list without its closing bracket; add ]");
	l->at = l->start; /* the setting is read next */
	l->given_up = true;
	return true;
}

/* After an item a comma or the end of the list must follow. */
static void list_goes_on(struct lexer *l)
{
	if (l->token == T_COMMA)
		lex_in_list(l);
	else if (l->token != T_CLOSE && l->token != T_END && !lex_setting_at(l, l->start))
		(void)cfg_fail_item(l);
}

/* The current token is `[`. The token after `]` is left unread. */
static struct cfg_value *parse_list(struct lexer *l, unsigned int depth)
{
	struct cfg_value *list = value_new(l, CFG_LIST), **tail, *item;
	unsigned int start = l->token_line;

	if (!list)
		return NULL;
	if (depth == CFG_DEPTH_MAX) {
		cfg_fail(l, start, "lists are nested too deeply; use fewer brackets");
		lex_skip_setting(l);
		l->given_up = true;
		return NULL;
	}
	tail = &list->first;
	lex_in_list(l);
	while (l->token != T_CLOSE) {
		if (list_unclosed(l, start))
			return NULL;
		item = parse_value(l, depth + 1);
		if (l->given_up)
			return NULL;
		if (item) {
			*tail = item;
			tail = &item->next;
		}
		lex_in_list(l);
		if (item || l->token == T_COMMA)
			list_goes_on(l);
	}
	return list;
}

/* The value that the current token starts. NULL: it does not start one, which is reported. */
static struct cfg_value *parse_value(struct lexer *l, unsigned int depth)
{
	switch (l->token) {
	case T_STRING:
		return value_new(l, CFG_STRING);
	case T_NUMBER:
		return value_new(l, CFG_NUMBER);
	case T_OPEN:
		return parse_list(l, depth); /* CFG3 */
	default:
		cfg_fail_value(l);
		return NULL;
	}
}

/* ---- settings ---- */

static struct cfg_setting *setting_find(const struct cfg *c, const char *key)
{
	for (struct cfg_setting *s = c->first; s; s = s->next)
		if (strcmp(s->key, key) == 0)
			return s;
	return NULL;
}

const struct cfg_setting *cfg_find(const struct cfg *c, const char *key)
{
	return setting_find(c, key);
}

/* A new value that joins both texts, or all items. NULL: no memory. */
static struct cfg_value *value_join(
	struct cfg *c, struct cfg_value *a, const struct cfg_value *b)
{
	struct cfg_value *v = cfg_alloc(c, sizeof(*v)), *item;
	size_t n1 = strlen(a->text), n2 = strlen(b->text);
	char *text = cfg_alloc(c, n1 + n2 + 1);

	if (!v || !text)
		return NULL;
	*v = *a;
	memcpy(text, a->text, n1);
	memcpy(text + n1, b->text, n2 + 1);
	v->text = text;
	for (item = v->first; item && item->next; item = item->next)
		continue;
	if (item)
		item->next = b->first;
	else
		v->first = b->first;
	return v;
}

/* s += v; v is not NULL. */
static int append_value(struct lexer *l, struct cfg_setting *s, struct cfg_value *v)
{
	struct cfg_value *sum = v;

	if (s->value) {
		if ((s->value->kind == CFG_LIST) != (v->kind == CFG_LIST)) {
			s->value = NULL; /* CFG4 */
			return cfg_fail(l, v->line,
				"+= joins two strings or two lists; write both in the same way");
		}
		sum = value_join(l->c, s->value, v);
		if (!sum)
			return fail_memory(l);
	}
	if (!s->added)
		s->before = s->value;
	s->added = true;
	s->value = sum;
	return 0;
}

/* The setting of that key, made if it is new. NULL: no memory. */
static struct cfg_setting *setting_of(struct lexer *l, const char *key)
{
	struct cfg_setting *s = setting_find(l->c, key); /* CFG2 */

	if (s)
		return s;
	s = cfg_alloc(l->c, sizeof(*s));
	if (!s) {
		fail_memory(l);
		return NULL;
	}
	*s = (struct cfg_setting){ .key = key };
	if (l->c->last)
		l->c->last->next = s;
	else
		l->c->first = s;
	return l->c->last = s;
}

/* v: NULL if there is a mistake in it. */
static int set_value(struct lexer *l, const char *key, unsigned int line, struct cfg_value *v,
	enum token how)
{
	struct cfg_setting *s = setting_of(l, key);
	bool fresh;

	if (!s)
		return -1;
	fresh = !s->source;
	s->source = l->source;
	s->line = line;
	if (v && how == T_APPEND && (fresh || s->value))
		return append_value(l, s, v);
	s->added = false;
	s->before = NULL;
	s->value = how == T_APPEND && !fresh ? NULL : v; /* CFG4 */
	return 0;
}

/* Go to the end of a setting with a mistake. */
static void setting_skip(struct lexer *l)
{
	if (!l->given_up && l->token != T_NEWLINE && l->token != T_END)
		lex_skip_setting(l);
}

/* The current token is the key. */
static void parse_setting(struct lexer *l)
{
	unsigned int line = l->token_line, mistakes = l->mistakes;
	const char *start = l->start;
	char *key = l->text;
	struct cfg_value *v = NULL;
	enum token how;

	if (strlen(key) > CFG_KEY_MAX) {
		cfg_fail(l, line,
			"this key is too long to be any known key; check its spelling");
		setting_skip(l);
		return;
	}
	l->key = key;
	how = lex(l);
	if (how != T_ASSIGN && how != T_APPEND) {
		cfg_fail_key(l, key, start, line);
		setting_skip(l);
	} else if (*key < 'a' || *key > 'z') {
		cfg_fail(l, line, "keys begin with a small letter; check its spelling");
		setting_skip(l);
	} else {
		lex(l);
		v = parse_value(l, 0);
		if (v) {
			lex(l);
			if (l->token != T_NEWLINE && l->token != T_END)
				cfg_fail_rest(l);
		}
		if (l->mistakes != mistakes) {
			v = NULL; /* CFG4 */
			setting_skip(l);
		}
		(void)set_value(l, key, line, v, how);
	}
}

static int parse_settings(struct lexer *l)
{
	for (;;) {
		l->key = NULL;
		l->told = false;
		l->given_up = false;
		switch (lex(l)) {
		case T_END:
			return l->mistakes ? -1 : 0;
		case T_NEWLINE:
			break;
		case T_KEY:
			parse_setting(l);
			break;
		default:
			l->c->unclear = true;
			cfg_fail(l, l->token_line, "%s",
				l->token == T_ERROR
					? l->wrong.text
					: "a setting starts with its key; write key = value");
			setting_skip(l);
			break;
		}
	}
}

/* In a file of another format each line would be a mistake, so only the format is reported. */
static bool other_format(struct lexer *l)
{
	const char *p = l->at;

	while (p < l->end && *p && strchr("# \t\r\n", *p))
		if (*p++ == '#')
			while (p < l->end && *p != '\n')
				p++;
	if (p == l->end || (*p != '<' && *p != '{' && *p != '('))
		return false;
	l->c->unclear = true;
	cfg_fail(l, l->line,
		"this is %s, not the syntax of xl.cfg(5); write lines of key = value",
		*p == '<'   ? "XML, as libvirt's"
		: *p == '{' ? "JSON"
			    : "SXP, as xend's");
	return true;
}

/* line: 0 if the text has no lines. r may be NULL. */
static int text_parse(struct cfg *c, const char *source, unsigned int line, const char *text,
	size_t len, struct report *r)
{
	struct lexer l = { .c = c, .at = text, .end = text + len, .line = line, .r = r };

	l.source = cfg_text(c, source, strlen(source));
	if (!l.source) {
		l.source = "configuration";
		return fail_memory(&l);
	}
	if (len > CFG_TEXT_MAX) {
		c->unclear = true;
		return cfg_fail(&l, 0,
			"longer than %u bytes; this is not a guest configuration",
			(unsigned int)CFG_TEXT_MAX);
	}
	return other_format(&l) ? -1 : parse_settings(&l);
}

int cfg_parse(struct cfg *c, const char *source, const char *text, size_t len, struct report *r)
{
	c->file = source;
	return text_parse(c, source, 1, text, len, r);
}

/* ---- the command line ---- */

static const char command_line[] = "command line";

/* key=WORDS: everything after = is the value. */
static int override_words(struct cfg *c, const char *arg, const char *equals, struct report *r)
{
	struct lexer l = { .c = c, .source = command_line, .r = r };
	struct cfg_value *v;
	char *key;

	key = cfg_text(c, arg, (size_t)(equals - arg));
	l.text = cfg_text(c, equals + 1, strlen(equals + 1));
	if (!key || !l.text)
		return fail_memory(&l);
	v = value_new(&l, CFG_STRING);
	return v ? set_value(&l, key, 0, v, T_ASSIGN) : -1;
}

int cfg_override(struct cfg *c, const char *arg, struct report *r)
{
	struct lexer l = { .c = c, .source = command_line, .r = r };
	const char *p = arg, *v;
	struct cfg scratch;
	size_t len = strlen(arg);
	int rc;

	if (len > CFG_TEXT_MAX)
		return cfg_fail(&l, 0, "setting too long; put it into the file");
	while ((*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || *p == '_' ||
		(*p >= '0' && *p <= '9'))
		p++;
	if (*arg < 'a' || *arg > 'z' || p - arg > CFG_KEY_MAX || !*p || !strchr("=+ \t", *p))
		return cfg_fail(
			&l, 0, "'%.100s' is not key=value; write it like memory=512", arg);
	v = p + 1;
	if (*p != '=' || *v == '"' || *v == '\'' || *v == '[')
		return text_parse(c, command_line, 0, arg, len, r);
	cfg_init(&scratch);
	rc = text_parse(&scratch, command_line, 0, arg, len, NULL);
	cfg_fini(&scratch);
	return rc ? override_words(c, arg, p, r) : text_parse(c, command_line, 0, arg, len, r);
}

/* ---- numbers ---- */

int cfg_number(const struct cfg_value *v, int64_t *n)
{
	long long value;
	char *end;

	if (v->kind == CFG_LIST)
		return -1;
	errno = 0;
	value = strtoll(v->text, &end, 0);
	if (errno || *end || end == v->text)
		return -1;
	*n = value;
	return 0;
}
