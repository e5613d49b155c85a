/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * verbs_edit.c - configurations that are typed or pasted into the shell
 *
 * Objects     the text that is being typed; it is kept when its last line was typed.
 */
#include <string.h>

#include "cli/typed.h"
#include "cli/shell.h"
#include "cli/term.h"
#include "cli/verbs.h"

static struct {
	char name[TYPED_NAME_MAX + 1];
	char text[TYPED_TEXT_MAX];
	size_t len; /* above TYPED_TEXT_MAX: the text is too long, and its end is missing */
} typing;

static void line_add(const char *line, size_t len)
{
	if (typing.len + len + 1 <= sizeof(typing.text)) {
		memcpy(typing.text + typing.len, line, len);
		typing.text[typing.len + len] = '\n';
	}
	typing.len += len + 1;
}

/* A line with a dot ends the text. */
static bool edit_line(const char *line, size_t len)
{
	struct msg m;

	if (strcmp(line, ".") != 0) {
		line_add(line, len);
		return true;
	}
	if (typed_store(typing.name, typing.text, typing.len, &m))
		shell_fail(the_shell, "edit: %s\n", m.text);
	else
		shell_print(the_shell,
			"%s is kept; `create -n %s` checks it, `create %s` makes the guest\n",
			typing.name, typing.name, typing.name);
	return false;
}

static void names_list(void)
{
	for (uint32_t i = 0; i < TYPED_SLOTS; i++)
		if (typed_name(i))
			out_fmt(&term_out, "%s\n", typed_name(i));
}

static void text_show(struct shell *sh, const char *name)
{
	size_t len;
	const char *text = typed_find(name, &len);

	if (text)
		out_bytes(&term_out, text, len);
	else
		shell_fail(sh, "edit: there is no configuration '%.64s'; edit -l lists them\n",
			name);
}

void verb_edit(struct shell *sh, const struct options *o)
{
	const char *name = o->argc ? o->argv[0] : NULL;
	struct msg m;

	if (o->count['l']) {
		names_list();
	} else if (!name) {
		shell_fail(sh, "edit: a name is missing; `help edit` says more\n");
	} else if (o->count['r']) {
		if (typed_remove(name, &m))
			shell_fail(sh, "edit: %s\n", m.text);
	} else if (o->count['s']) {
		text_show(sh, name);
	} else if (strlen(name) > TYPED_NAME_MAX) {
		shell_fail(sh, "edit: '%.20s...' is too long\n", name);
	} else {
		strcpy(typing.name, name);
		typing.len = 0;
		shell_print(sh,
			"Type or paste the file. A line with a dot ends it; Ctrl-C keeps what was there.\n");
		shell_read_text(sh, edit_line);
	}
}
