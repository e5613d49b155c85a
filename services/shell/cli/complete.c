/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * complete.c - what Tab offers: verbs, guests, domains of the host, files
 *
 * Objects     tab: the word that is being completed, and whether an answer is waited for.
 * Invariants  COMPLETE1 an answer to a key that the user has gone on from is recognized by the
 *                number of that key
 */
#include "cli/complete.h"

#include <stdio.h>
#include <string.h>

#include "client/domains.h"
#include "client/files.h"
#include "cli/look.h"
#include "cli/verbs.h"
#include "cli/words.h"
#include "config/path.h"

enum { CANDIDATES_MAX = 256 };

static struct {
	struct line *line;
	void (*done)(void);
	bool listing;   /* Tab waits for what there is */
	uint32_t seq;   /* the key that asked for it */
	size_t dir_len; /* length of the directory part of the word */
} tab;

struct candidates {
	const char *text[CANDIDATES_MAX];
	size_t n;
};

static void candidate_add(struct candidates *c, const char *word, size_t len, const char *text)
{
	if (c->n < CANDIDATES_MAX && strncmp(text, word, len) == 0)
		c->text[c->n++] = text;
}

static void complete_verb(const char *word, size_t len)
{
	struct candidates c = { .n = 0 };

	for (size_t i = 0; verb_at(i); i++)
		candidate_add(&c, word, len, verb_at(i)->name);
	line_complete(tab.line, c.text, c.n);
}

/* What Tab asked for has come. False: the user has gone on. */
static bool listing_over(void)
{
	if (!tab.listing || tab.line->seq != tab.seq)
		return false;
	tab.listing = false;
	return true;
}

static void listing_begin(void)
{
	tab.listing = true;
	tab.seq = tab.line->seq;
}

/* The word that Tab completes, from the names of these. */
static void names_offer(struct candidates *c)
{
	line_complete(tab.line, c->text, c->n);
	tab.done();
}

static void guests_listed(bool ok)
{
	struct candidates c = { .n = 0 };
	size_t start;

	if (!listing_over())
		return;
	start = line_word(tab.line);
	for (uint32_t i = 0; ok && i < look.n; i++)
		candidate_add(
			&c, tab.line->text + start, tab.line->cursor - start, look.dom[i].name);
	names_offer(&c);
}

static void complete_guest(void)
{
	listing_begin();
	if (look_aside(guests_listed))
		return;
	tab.listing = false;
	line_complete(tab.line, NULL, 0);
}

static void services_listed(int status, const char *text)
{
	struct candidates c = { .n = 0 };
	size_t start;

	(void)text;
	if (!listing_over())
		return;
	start = line_word(tab.line);
	for (uint32_t i = 0; !status && i < services.n; i++)
		candidate_add(&c, tab.line->text + start, tab.line->cursor - start,
			services.row[i].name);
	names_offer(&c);
}

/* The host's own domains. */
static void complete_service(void)
{
	listing_begin();
	host_domains_ask(false, services_listed);
}

/* Entries of the directory that the word names; each candidate is the whole word. */
static void directory_listed(void *ctx, int status, const struct file_entry *list, size_t n)
{
	static char text[CANDIDATES_MAX][FILES_CANDIDATE];
	struct candidates c = { .n = 0 };
	size_t start;
	const char *word;

	(void)ctx;
	if (!listing_over())
		return;
	start = line_word(tab.line);
	word = tab.line->text + start;
	for (size_t i = 0; !status && i < n && c.n < CANDIDATES_MAX; i++) {
		if ((size_t)snprintf(text[c.n], FILES_CANDIDATE, "%.*s%s%s", (int)tab.dir_len,
			    word, list[i].name, list[i].directory ? "/" : "") < FILES_CANDIDATE)
			candidate_add(&c, word, tab.line->cursor - start, text[c.n]);
	}
	line_complete(tab.line, c.text, c.n);
	tab.done();
}

static void complete_file(const char *word, size_t len)
{
	char dir[FILES_CANDIDATE], full[FILES_CANDIDATE];
	size_t n = len;
	struct msg m;

	while (n && word[n - 1] != '/')
		n--;
	if (n >= sizeof(dir))
		return;
	snprintf(dir, sizeof(dir), "%.*s", (int)(n > 1 ? n - 1 : n), word);
	tab.seq = tab.line->seq;
	tab.dir_len = n;
	tab.listing = path_full(full, sizeof(full), n ? dir : GUESTS_DIR, &m) == 0 &&
		      files_list(full, directory_listed, NULL) == 0;
	if (!tab.listing)
		line_complete(tab.line, NULL, 0);
}

/*
 * The verb of the command that the cursor is in. *index: the number of the word in it that
 * begins at `start`.
 */
static const struct verb *verb_of_word(size_t start, size_t *index)
{
	static char text[LINE_LEN_MAX + 1];
	char *argv[WORDS_MAX + 1], *rest = text;
	enum words_end end;
	struct xl_options x;
	struct msg m;
	int argc, n;

	snprintf(text, sizeof(text), "%.*s", (int)start, tab.line->text);
	do
		argc = words_split(&rest, argv, &end, &m);
	while (argc >= 0 && end != WORDS_LAST);
	n = argc > 0 ? verb_skip_xl(argc, argv, &x, &m) : 0;
	*index = argc < 0 || n < 0 ? 1 : (size_t)(argc - n);
	return argc > 0 && n >= 0 && n < argc ? verb_find(argv[n]) : NULL;
}

void complete_word(struct line *l, void (*done)(void))
{
	size_t index, start = line_word(l);
	const char *word = l->text + start;
	size_t len = l->cursor - start;
	const struct verb *v;

	tab.line = l;
	tab.done = done;
	v = verb_of_word(start, &index);
	if (index == 0 || (v && v->complete == COMPLETE_VERB))
		complete_verb(word, len);
	else if (v && v->complete == COMPLETE_GUEST)
		complete_guest();
	else if (v && v->complete == COMPLETE_FILE)
		complete_file(word, len);
	else if (v && v->complete == COMPLETE_SERVICE)
		complete_service();
	else
		line_complete(tab.line, NULL, 0);
}

bool complete_waits(void) { return tab.listing; }

void complete_leave(void) { tab.listing = false; }
