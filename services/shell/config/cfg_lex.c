/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cfg_lex.c - configuration files as tokens
 *
 * Objects     struct lexer: one parse. Memory for texts belongs to the configuration.
 * Invariants  LEX1 every call of lex() advances, except at the end
 */
#include "config/cfg_lex.h"

#include <stdio.h>
#include <string.h>

static bool digit(char ch) { return ch >= '0' && ch <= '9'; }

static bool key_start(char ch)
{
	return (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') || ch == '_';
}

static bool key_char(char ch) { return key_start(ch) || digit(ch); }

static bool blank(char ch) { return ch == ' ' || ch == '\t' || ch == '\r'; }

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

static enum token out_of_memory(struct lexer *l)
{
	(void)msg_fail(&l->wrong, "out of memory for this configuration; make it shorter");
	return T_ERROR;
}

/*
 * The character that a backslash and the text at *p stand for; 0: there is no such escape.
 * Moves *p past it.
 */
static int lex_escape(const char **p, const char *end)
{
	static const char from[] = "abfnrtv'\"\\";
	static const char to[] = "\a\b\f\n\r\t\v'\"\\";
	const char *found;
	int value = 0, n, d;

	if (*p == end || **p == '\0')
		return 0;
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
	return value < 256 ? value : 0;
}

/* Where the string that begins at p ends: its closing quote, or the end of the line. */
static const char *string_end(const char *p, const char *end)
{
	char quote = *p++;

	for (; p < end && *p != quote && *p != '\n'; p++)
		if (*p == '\\' && p + 1 < end && p[1] != '\n')
			p++;
	return p;
}

static enum token lex_string(struct lexer *l)
{
	const char *p = l->at + 1, *close = string_end(l->at, l->end);
	char quote = *l->at, *w;
	int ch;

	l->at = close;
	if (close >= l->end || *close != quote) {
		(void)msg_fail(&l->wrong,
			"string without its closing quote on the same line; add the quote");
		return T_ERROR;
	}
	l->at++;
	w = l->text = cfg_alloc(l->c, (size_t)(close - p) + 1);
	if (!w)
		return out_of_memory(l);
	while (p < close) {
		ch = (unsigned char)*p++;
		if (ch == '\\')
			ch = lex_escape(&p, close);
		if (!ch) {
			(void)msg_fail(&l->wrong,
				"backslash in a string before something that it cannot "
				"escape; write \\\\ for a backslash");
			return T_ERROR;
		}
		*w++ = (char)ch;
	}
	*w = '\0';
	return T_STRING;
}

static enum token lex_word(struct lexer *l, enum token t)
{
	while (l->at < l->end && key_char(*l->at))
		l->at++;
	l->text = cfg_text(l->c, l->start, (size_t)(l->at - l->start));
	return l->text ? t : out_of_memory(l);
}

static void skip_blank(struct lexer *l)
{
	while (l->at < l->end) {
		if (*l->at == '#')
			while (l->at < l->end && *l->at != '\n')
				l->at++;
		else if (blank(*l->at))
			l->at++;
		else
			break;
	}
}

static enum token lex_mark(struct lexer *l)
{
	static const char marks[] = "[],=;";
	static const enum token tokens[] = { T_OPEN, T_CLOSE, T_COMMA, T_ASSIGN, T_NEWLINE };
	char ch = *l->at++; /* LEX1 */
	const char *found = ch ? strchr(marks, ch) : NULL;

	if (found)
		return tokens[found - marks];
	if (ch == '+' && l->at < l->end && *l->at == '=') {
		l->at++;
		return T_APPEND;
	}
	if (ch > ' ' && ch < 127)
		(void)msg_fail(&l->wrong,
			"unexpected character '%c'; a setting is written key = value", ch);
	else
		(void)msg_fail(&l->wrong,
			"unexpected byte 0x%02x; only strings may contain such bytes",
			(unsigned char)ch);
	return T_ERROR;
}

enum token lex(struct lexer *l)
{
	skip_blank(l);
	l->token_line = l->line;
	l->start = l->at;
	if (l->at == l->end)
		return l->token = T_END;
	if (*l->at == '\n') {
		l->at++;
		l->line += l->line != 0;
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

void lex_in_list(struct lexer *l)
{
	do
		lex(l);
	while (l->token == T_NEWLINE && l->at[-1] == '\n');
}

bool lex_setting_at(const struct lexer *l, const char *p)
{
	while (p < l->end && blank(*p))
		p++;
	if (p == l->end || !key_start(*p))
		return false;
	while (p < l->end && key_char(*p))
		p++;
	while (p < l->end && blank(*p))
		p++;
	return p < l->end && (*p == '=' || (*p == '+' && l->end - p > 1 && p[1] == '='));
}

void lex_skip_setting(struct lexer *l)
{
	/* Some people end a line with a backslash to continue it. */
	bool continued = l->start < l->end && *l->start == '\\';
	int depth = 0;

	for (; l->at < l->end; l->at++) {
		if (*l->at != '\n' && !blank(*l->at))
			continued = *l->at == '\\';
		switch (*l->at) {
		case '"':
		case '\'':
			l->at = string_end(l->at, l->end);
			if (l->at == l->end || *l->at == '\n')
				l->at--; /* the string has no end */
			break;
		case '#':
			skip_blank(l);
			l->at--;
			break;
		case '[':
		case '(':
			depth++;
			break;
		case ']':
		case ')':
			depth--;
			break;
		case ';':
			if (depth <= 0)
				return;
			break;
		case '\n':
			if ((depth <= 0 && !continued) || lex_setting_at(l, l->at + 1))
				return;
			l->line += l->line != 0;
			continued = false;
			break;
		default:
			break;
		}
	}
}
