/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * script.c - the lines of a script, one after the other
 *
 * Objects     the text of the file. A byte 0 ends each line that was taken.
 */
#include "cli/script.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int script_begin(
	struct script *s, const char *name, const char *text, size_t len, struct msg *m)
{
	*s = (struct script){ .len = len };
	(void)snprintf(s->name, sizeof(s->name), "%s", name);
	if (memchr(text, 0, len))
		return msg_fail(m, "%.200s: this is no text", name);
	s->text = malloc(len + 1);
	if (!s->text)
		return msg_fail(m, "%.200s: the shell has no memory for it", name);
	memcpy(s->text, text, len);
	s->text[len] = '\0';
	return 0;
}

char *script_next(struct script *s)
{
	char *line, *end;

	if (!s->text || s->at >= s->len)
		return NULL;
	line = s->text + s->at;
	end = line + strcspn(line, "\n");
	s->at = (size_t)(end - s->text) + 1;
	*end = '\0';
	if (end > line && end[-1] == '\r')
		end[-1] = '\0';
	s->line++;
	return line;
}

void script_end(struct script *s)
{
	free(s->text);
	*s = (struct script){ 0 };
}
