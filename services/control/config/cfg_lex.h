/* cfg_lex.h - what cfg.c, cfg_lex.c and cfg_advice.c share: tokens of configuration files, and mistakes in them */
#ifndef CONTROL_CFG_LEX_H
#define CONTROL_CFG_LEX_H

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
	T_ERROR /* text says what is wrong; at least one byte was passed over */
};

struct lexer {
	struct cfg *c;
	const char *source;
	const char *at, *end;
	const char *start;             /* of the token at hand */
	unsigned int line, token_line; /* 0: the text has no lines */
	enum token token;
	char *text; /* T_KEY, T_STRING, T_NUMBER */
	struct msg wrong;
	/* cfg.c */
	struct report *r;      /* NULL: nobody wants to know */
	const char *key;       /* of the setting at hand */
	unsigned int mistakes; /* of this text */
	unsigned int told_line;
	bool told; /* of a mistake of this setting, on told_line */
	bool given_up; /* the setting: `at` is where the next one begins, or somewhere in this one */
};

/* Memory that lives as long as c; NULL: there is none. */
void *cfg_alloc(struct cfg *c, size_t size);
char *cfg_text(struct cfg *c, const char *text, size_t len);

enum token lex(struct lexer *l);
/* Past newlines, which mean nothing inside of a list. */
void lex_in_list(struct lexer *l);
/*
 * To the newline or ; behind the setting that goes wrong here: past strings, comments and brackets
 * that close, but not past a line that begins like a setting.
 */
void lex_skip_setting(struct lexer *l);
/* Does `key =` or `key +=` stand here? */
bool lex_setting_at(const struct lexer *l, const char *p);

/*
 * A mistake of the syntax in the setting at hand. Of one setting only the first on a line is told: the
 * others follow from it. Always -1.
 */
int cfg_fail(struct lexer *l, unsigned int line, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* A key that begins at `start`, and then no =: the token at hand stands there instead. Always -1. */
int cfg_fail_key(struct lexer *l, const char *key, const char *start, unsigned int line);
/* The token at hand does not begin a value. Always -1. */
int cfg_fail_value(struct lexer *l);
/* The token at hand follows an item of a list where a comma or ] should. Always -1. */
int cfg_fail_item(struct lexer *l);
/* The token at hand follows the value of a setting, and must not. Always -1. */
int cfg_fail_rest(struct lexer *l);

#endif
