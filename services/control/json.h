/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * json.h - the parts of JSON text, one member a line
 *
 * A member stands at a depth, four columns each, with a comma before all but the first.
 */
#ifndef CONTROL_JSON_H
#define CONTROL_JSON_H

#include <stdbool.h>
#include <stdint.h>

#include "out.h"

/* Text in quotes. */
void json_string(const struct out *o, const char *text);

/* `"key": `, which a value follows. */
void json_key(const struct out *o, int depth, bool first, const char *key);
void json_text(const struct out *o, int depth, bool first, const char *key, const char *text);
void json_number(const struct out *o, int depth, bool first, const char *key, uint64_t n);
void json_bool(const struct out *o, int depth, bool first, const char *key, bool value);
/* libxl writes a choice that has a default as a word. */
void json_defbool(const struct out *o, int depth, bool first, const char *key, bool value);

/* A member that is an object or a list: its opening bracket. */
void json_open(const struct out *o, int depth, bool first, const char *key, char bracket);
/* An object in a list. */
void json_item(const struct out *o, int depth, bool first);
/* The closing bracket of what began at this depth. */
void json_close(const struct out *o, int depth, char bracket);

#endif
