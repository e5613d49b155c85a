/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cfg_advice.c - what people write into configuration files by mistake, and the advice that
 * they get
 */
#include <stdio.h>
#include <string.h>

#include "config/cfg_lex.h"

static bool list_has(const char *words, const char *word)
{
	char padded[CFG_KEY_MAX + 3];

	snprintf(padded, sizeof(padded), " %.63s ", word);
	return strstr(words, padded) != NULL;
}

/* Files for xm were Python programs. xl and this host read only settings. */
static const char python[] =
	"this is Python, which neither xl nor this host runs; write out what it computes";
static const char python_words[] =
	" import from def if elif else for while try except finally print class with return raise "
	"assert pass exec del global lambda ";

/* Does the current token continue an expression? */
static bool python_goes_on(const struct lexer *l)
{
	return l->start < l->end && *l->start && strchr("(.[+*/%", *l->start) != NULL;
}

/* Does the current word begin a call, or name a member or an item of something? */
static bool python_word(const struct lexer *l)
{
	const char *p = l->at;

	while (p < l->end && (*p == ' ' || *p == '\t'))
		p++;
	return p < l->end && (*p == '(' || *p == '.' || *p == '[');
}

/* Length of the word at p, up to a blank, a = or a comment. */
static int word_length(const struct lexer *l, const char *p)
{
	int n = 0;

	while (n < CFG_KEY_MAX && p + n < l->end && !strchr(" \t\r\n=#", p[n]))
		n++;
	return n;
}

int cfg_fail_key(struct lexer *l, const char *key, const char *start, unsigned int line)
{
	if (list_has(python_words, key) || (l->token != T_NEWLINE && python_goes_on(l))) {
		l->key = NULL;
		return cfg_fail(l, line, "%s", python);
	}
	if (l->token == T_ERROR && *l->start == ':')
		return cfg_fail(l, line, "there is a : instead of =; write %s = value", key);
	if (l->token == T_ERROR && l->start == start + strlen(key)) {
		l->key = NULL;
		return cfg_fail(l, line,
			"'%.*s' is not a valid key: keys consist of letters, digits and _; remove the line",
			word_length(l, start), start);
	}
	return cfg_fail(l, line, "there is no = behind the key; write %s = value", key);
}

int cfg_fail_value(struct lexer *l)
{
	if (l->token == T_KEY &&
		(strcmp(l->text, "True") == 0 || strcmp(l->text, "False") == 0))
		return cfg_fail(l, l->token_line, "'%s' is not a value; write %d", l->text,
			l->text[0] == 'T');
	if (l->token == T_KEY && python_word(l))
		return cfg_fail(l, l->token_line, "%s", python);
	if (l->token == T_KEY)
		return cfg_fail(l, l->token_line,
			"'%.60s' is not a value; put words in quotes, as in \"%.60s\"", l->text,
			l->text);
	if (l->token == T_ERROR && *l->start == '(')
		return cfg_fail(l, l->token_line, "%s", python);
	if (l->token == T_ERROR && (*l->start == '/' || *l->start == '.'))
		return cfg_fail(l, l->token_line, "a path needs quotes, as in \"%.*s\"",
			word_length(l, l->start), l->start);
	if (l->token == T_ERROR && *l->start == '-')
		return cfg_fail(l, l->token_line,
			"numbers cannot be negative here; remove the minus sign");
	if (l->token == T_ERROR && *l->start == '\\')
		return cfg_fail(l, l->token_line,
			"a line cannot be continued with \\; remove it (in a list the next "
			"line may follow without it)");
	if (l->token == T_ERROR)
		return cfg_fail(l, l->token_line, "%s", l->wrong.text);
	if (l->token == T_ASSIGN)
		return cfg_fail(l, l->token_line, "one = is enough; write key = value");
	return cfg_fail(l, l->token_line,
		"a value is missing here; give a string in quotes, a number or a list");
}

static bool at_fraction(const struct lexer *l)
{
	return *l->start == '.' && l->end - l->start > 1 && l->start[1] >= '0' &&
	       l->start[1] <= '9';
}

int cfg_fail_item(struct lexer *l)
{
	if (l->token != T_ERROR)
		return cfg_fail(l, l->token_line,
			"values of a list are separated by commas; add a comma or ]");
	if (python_goes_on(l) && !at_fraction(l))
		return cfg_fail(l, l->token_line, "%s", python);
	return cfg_fail_value(l);
}

int cfg_fail_rest(struct lexer *l)
{
	if (l->token == T_ERROR && *l->start == '\\')
		return cfg_fail_value(l);
	if (l->token == T_ERROR && python_goes_on(l) && !at_fraction(l))
		return cfg_fail(l, l->token_line, "%s", python);
	return cfg_fail(l, l->token_line,
		"there is more text behind the value; put the next setting on a line of its own or "
		"behind a ;");
}
