/* SPDX-License-Identifier: BSD-2-Clause */
/* json.c - the parts of JSON text */
#include "json.h"

#include <inttypes.h>
#include <string.h>

/* The bytes of the character that begins here; 0: it is not UTF-8 (RFC 3629, section 4). */
static size_t utf8_length(const unsigned char *p, size_t len)
{
	size_t n = *p >= 0xf0 ? 4 : *p >= 0xe0 ? 3 : *p >= 0x80 ? 2 : 1;

	if (n == 1)
		return 1;
	if (*p < 0xc2 || *p > 0xf4 || n > len)
		return 0;
	for (size_t i = 1; i < n; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	/* longer than needed, a surrogate, or above U+10FFFF */
	if ((*p == 0xe0 && p[1] < 0xa0) || (*p == 0xed && p[1] > 0x9f) ||
		(*p == 0xf0 && p[1] < 0x90) || (*p == 0xf4 && p[1] > 0x8f))
		return 0;
	return n;
}

void json_bytes(const struct out *o, const char *text, size_t len)
{
	const unsigned char *p = (const unsigned char *)text, *end = p + len;
	size_t n;

	out_str(o, "\"");
	for (; p < end; p += n ? n : 1) {
		n = utf8_length(p, (size_t)(end - p));
		if (!n)
			out_str(o, "\\ufffd");
		else if (*p == '"' || *p == '\\')
			out_fmt(o, "\\%c", *p);
		else if (*p < 0x20 || *p == 0x7f)
			out_fmt(o, "\\u%04x", *p);
		else
			out_bytes(o, (const char *)p, n);
	}
	out_str(o, "\"");
}

void json_string(const struct out *o, const char *text) { json_bytes(o, text, strlen(text)); }

struct json json_list(const struct out *o)
{
	out_str(o, "[");
	return (struct json){ .o = o, .depth = 1, .first = true };
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
