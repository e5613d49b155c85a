/* SPDX-License-Identifier: BSD-2-Clause */
/* json.c - the parts of JSON text */
#include "json.h"

#include <inttypes.h>

void json_string(const struct out *o, const char *text)
{
	out_str(o, "\"");
	for (const char *p = text; *p; p++) {
		if (*p == '"' || *p == '\\')
			out_fmt(o, "\\%c", *p);
		else if ((unsigned char)*p < 0x20 || *p == 0x7f)
			out_fmt(o, "\\u%04x", (unsigned char)*p);
		else
			out_bytes(o, p, 1);
	}
	out_str(o, "\"");
}

struct json json_object(const struct out *o, int depth)
{
	out_fmt(o, "%*s{", depth * 4, "");
	return (struct json){ .o = o, .depth = depth + 1, .first = true };
}

/* A new line for a member, or for what stands in a list. */
static void member_begin(struct json *j)
{
	out_fmt(j->o, "%s\n%*s", j->first ? "" : ",", j->depth * 4, "");
	j->first = false;
}

static void level_begin(struct json *j, char bracket)
{
	out_bytes(j->o, &bracket, 1);
	j->depth++;
	j->first = true;
}

void json_key(struct json *j, const char *key)
{
	member_begin(j);
	out_fmt(j->o, "\"%s\": ", key);
}

void json_text(struct json *j, const char *key, const char *text)
{
	json_key(j, key);
	json_string(j->o, text);
}

void json_number(struct json *j, const char *key, uint64_t n)
{
	json_key(j, key);
	out_fmt(j->o, "%" PRIu64, n);
}

void json_bool(struct json *j, const char *key, bool value)
{
	json_key(j, key);
	out_str(j->o, value ? "true" : "false");
}

void json_defbool(struct json *j, const char *key, bool value)
{
	json_text(j, key, value ? "True" : "False");
}

void json_open(struct json *j, const char *key, char bracket)
{
	json_key(j, key);
	level_begin(j, bracket);
}

void json_item(struct json *j)
{
	member_begin(j);
	level_begin(j, '{');
}

void json_close(struct json *j, char bracket)
{
	j->depth--;
	out_fmt(j->o, "\n%*s%c", j->depth * 4, "", bracket);
	j->first = false;
}
