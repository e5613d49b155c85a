/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * json.h - JSON text, one member a line
 *
 * Objects     struct json: where in the text the next member stands. A member is indented by
 *             four columns for each level, and has a comma before it unless it is the first.
 */
#ifndef SHELL_JSON_H
#define SHELL_JSON_H

#include <stdbool.h>
#include <stdint.h>

#include "out.h"

struct json {
	const struct out *o;
	/* levels around the next member */
	int depth;
	/* It is the first of its object or list. */
	bool first;
};

/* An object at this depth that belongs to no other; json_close() ends it. */
struct json json_object(const struct out *o, int depth);
/* A list that belongs to nothing. */
struct json json_list(const struct out *o);

/* Text in quotes. What is not UTF-8 in it becomes U+FFFD, byte by byte. */
void json_string(const struct out *o, const char *text);
void json_bytes(const struct out *o, const char *text, size_t len);

/* `"key": `, which the caller lets a value follow. */
void json_key(struct json *j, const char *key);
void json_text(struct json *j, const char *key, const char *text);
void json_number(struct json *j, const char *key, uint64_t n);
void json_bool(struct json *j, const char *key, bool value);
/* libxl writes a choice that has a default as a word. */
void json_defbool(struct json *j, const char *key, bool value);

/* Until json_close(), members go into an object or a list that is a member itself. */
void json_open(struct json *j, const char *key, char bracket);
/* The same for an object in a list. */
void json_item(struct json *j);
void json_close(struct json *j, char bracket);

#endif
