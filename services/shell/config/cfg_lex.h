/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cfg_lex.h - tokens of configuration files and mistakes in them: for cfg.c, cfg_lex.c and
 * cfg_advice.c only
 */
#ifndef SHELL_CFG_LEX_H
#define SHELL_CFG_LEX_H

#include "config/cfg.h"

enum token {
	T_END,
	T_NEWLINE, /* or ; */
	T_KEY,
	T_STRING,
	T_NUMBER,
	T_OPEN,
	T_CLOSE,
	T_COMMA,
	T_ASSIGN,
	T_APPEND,
	T_ERROR, /* `wrong` says why; at least one byte was skipped */
};

struct lexer {
	struct cfg *c;
	const char *source;
	const char *at, *end;
	const char *start;             /* of the current token */
	unsigned int line, token_line; /* 0: the text has no lines */
	enum token token;
	char *text; /* T_KEY, T_STRING, T_NUMBER */
	struct msg wrong;
	/* cfg.c */
	struct report *r;       /* NULL: mistakes are only counted */
	const char *key;        /* of the current setting */
	unsigned int mistakes;  /* in this text */
	bool told;              /* a mistake of this setting was reported ... */
	unsigned int told_line; /* ... on this line */
	/*
	 * the rest of the setting is not read: `at` is somewhere in it, or where the next one
	 * begins
	 */
	bool given_up;
};

/* Memory that lives as long as c. NULL: out of memory. */
void *cfg_alloc(struct cfg *c, size_t size);
char *cfg_text(struct cfg *c, const char *text, size_t len);

enum token lex(struct lexer *l);
/* The next token that is not a newline: inside a list newlines mean nothing. */
void lex_in_list(struct lexer *l);
/*
 * Go to the newline or ; after the setting that has a mistake here. Strings, comments and
 * closed brackets are skipped, but not a line that begins like a setting.
 */
void lex_skip_setting(struct lexer *l);
/* Does `key =` or `key +=` stand here? */
bool lex_setting_at(const struct lexer *l, const char *p);

/*
 * Report a syntax error in the current setting. Only the first one on a line of a setting is
 * reported, because others follow from it. Always -1.
 */
int cfg_fail(struct lexer *l, unsigned int line, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* A key begins at `start`, and the current token is where = should be. Always -1. */
int cfg_fail_key(struct lexer *l, const char *key, const char *start, unsigned int line);
/* The current token does not begin a value. Always -1. */
int cfg_fail_value(struct lexer *l);
/* The current token follows an item of a list, where a comma or ] should be. Always -1. */
int cfg_fail_item(struct lexer *l);
/* The current token follows the value of a setting, where nothing should be. Always -1. */
int cfg_fail_rest(struct lexer *l);

#endif
