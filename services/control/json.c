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

void json_key(const struct out *o, int depth, bool first, const char *key)
{
	out_fmt(o, "%s\n%*s\"%s\": ", first ? "" : ",", depth * 4, "", key);
}

void json_text(const struct out *o, int depth, bool first, const char *key, const char *text)
{
	json_key(o, depth, first, key);
	json_string(o, text);
}

void json_number(const struct out *o, int depth, bool first, const char *key, uint64_t n)
{
	json_key(o, depth, first, key);
	out_fmt(o, "%" PRIu64, n);
}

void json_bool(const struct out *o, int depth, bool first, const char *key, bool value)
{
	json_key(o, depth, first, key);
	out_str(o, value ? "true" : "false");
}

void json_defbool(const struct out *o, int depth, bool first, const char *key, bool value)
{
	json_text(o, depth, first, key, value ? "True" : "False");
}

void json_open(const struct out *o, int depth, bool first, const char *key, char bracket)
{
	json_key(o, depth, first, key);
	out_bytes(o, &bracket, 1);
}

void json_item(const struct out *o, int depth, bool first)
{
	out_fmt(o, "%s\n%*s{", first ? "" : ",", depth * 4, "");
}

void json_close(const struct out *o, int depth, char bracket)
{
	out_fmt(o, "\n%*s%c", depth * 4, "", bracket);
}
