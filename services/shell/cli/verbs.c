/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * verbs.c - the table of verbs, their help, their options
 *
 * Every call of verb_options() resets getopt's state.
 */
#include "cli/verbs.h"

#include <getopt.h>
#include <string.h>

#include "base/array.h"
#include "config/guest_keys.h"
#include "cli/verbs_refused.h"

#define X(name, fn, letters, least, most, complete, effect, args, summary, detail) \
	{ name, verb_##fn, letters, least, most, COMPLETE_##complete, EFFECT_##effect, args, \
		summary, detail },
static const struct verb verbs[] = { VERBS(X) };
#undef X

#define X(name, why) { name, why },
static const struct {
	const char *name, *why;
} refused_verbs[] = { VERBS_REFUSED(X) };
#undef X

#define X(verb, letter, name, why) { verb, letter, name, why },
static const struct refused_option {
	const char *verb;
	int letter;
	const char *name, *why;
} refused_options[] = { OPTIONS_REFUSED(X) };
#undef X

#define X(key) #key,
static const char *const config_keys[] = { GUEST_KEYS(X) };
#undef X

/* Long names, for the verbs that have the letter, with a value or without. */
static const struct option long_options[] = {
	{ "all", no_argument, NULL, 'a' },
	{ "batch", no_argument, NULL, 'b' },
	{ "cap", required_argument, NULL, 'c' },
	{ "console", no_argument, NULL, 'c' },
	{ "cpupool", no_argument, NULL, 'c' },
	{ "cpupool", required_argument, NULL, 'p' },
	{ "cpus", no_argument, NULL, 'c' },
	{ "defconfig", required_argument, NULL, 'f' },
	{ "delay", required_argument, NULL, 'd' },
	{ "dom0-first", no_argument, NULL, 'z' },
	{ "domain", required_argument, NULL, 'd' },
	{ "dryrun", no_argument, NULL, 'n' },
	{ "force", no_argument, NULL, 'f' },
	{ "full-name", no_argument, NULL, 'f' },
	{ "help", no_argument, NULL, 'h' },
	{ "ignore-global-affinity-masks", no_argument, NULL, 'g' },
	{ "ignore-host", no_argument, NULL, 'i' },
	{ "iterations", required_argument, NULL, 'i' },
	{ "json", no_argument, NULL, 'j' },
	{ "long", no_argument, NULL, 'l' },
	{ "networks", no_argument, NULL, 'n' },
	{ "numa", no_argument, NULL, 'n' },
	{ "paused", no_argument, NULL, 'p' },
	{ "quiet", no_argument, NULL, 'q' },
	{ "repeat-header", no_argument, NULL, 'r' },
	{ "schedparam", no_argument, NULL, 's' },
	{ "sort", required_argument, NULL, 's' },
	{ "show-log", no_argument, NULL, 'l' },
	{ "vbds", no_argument, NULL, 'x' },
	{ "vcpus", no_argument, NULL, 'v' },
	{ "verbose", no_argument, NULL, 'v' },
	{ "wait", no_argument, NULL, 'w' },
	{ "weight", required_argument, NULL, 'w' },
};

const struct verb *verb_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(verbs); i++)
		if (strcmp(name, verbs[i].name) == 0)
			return &verbs[i];
	return NULL;
}

const char *verb_refused(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(refused_verbs); i++)
		if (strcmp(name, refused_verbs[i].name) == 0)
			return refused_verbs[i].why;
	return NULL;
}

enum table_form verb_form(const struct options *o)
{
	return o->count['j'] ? TABLE_JSON : TABLE_TEXT;
}

bool verb_needs_guests(const struct verb *v)
{
	return v->complete == COMPLETE_GUEST || v->run == verb_domname ||
	       v->run == verb_vm_list || v->run == verb_cpupool_list || v->run == verb_caps ||
	       v->run == verb_poweroff || v->run == verb_reboot_host;
}

bool verb_has_dry_run(const struct verb *v)
{
	return v->run == verb_create || v->run == verb_vcpu_pin ||
	       v->run == verb_block_attach || v->run == verb_network_attach;
}

int verb_skip_xl(int argc, char **argv, struct xl_options *x, struct msg *m)
{
	int i;

	*x = (struct xl_options){ 0 };
	if (!argc || strcmp(argv[0], "xl") != 0)
		return 0;
	for (i = 1; i < argc && argv[i][0] == '-'; i++) {
		if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
			x->help = true;
		else if (argv[i][strspn(argv[i] + 1, "vftTN") + 1])
			return msg_fail(m, "unknown global option %.20s; xl has -v -f -t -T -N",
				argv[i]);
		x->dry_run = x->dry_run || strchr(argv[i], 'N');
	}
	return i;
}

const struct verb *verb_at(size_t i) { return i < ARRAY_SIZE(verbs) ? &verbs[i] : NULL; }

/* The keys of a configuration file, in lines that a terminal of 80 columns shows. */
static void keys_print(const struct out *o)
{
	static const char first[] = "Keys:", further[] = "\n     ";
	size_t column = strlen(first), len;

	out_str(o, first);
	for (size_t i = 0; i < ARRAY_SIZE(config_keys); i++) {
		len = strlen(config_keys[i]) + 1;
		if (column + len >= 80) {
			out_str(o, further);
			column = strlen(further) - 1;
		}
		out_fmt(o, " %s", config_keys[i]);
		column += len;
	}
	out_str(o, "\n");
}

int verb_print_help(const struct out *o, const char *name)
{
	const struct verb *v;

	if (name) {
		v = verb_find(name);
		if (!v && verb_refused(name)) {
			out_fmt(o, "%s: not on this host: %s\n", name, verb_refused(name));
			return 0;
		}
		if (!v)
			return -1;
		out_fmt(o, "Usage: %s%s%s\n\n%s.\n", v->name, *v->args ? " " : "", v->args,
			v->summary);
		out_str(o, v->detail);
		if (v->run == verb_create)
			keys_print(o);
		return 0;
	}
	for (size_t i = 0; i < ARRAY_SIZE(verbs); i++)
		out_fmt(o, " %-16s %s\n", verbs[i].name, verbs[i].summary);
	out_str(o, "`help COMMAND` says more. A leading `xl` is accepted.\n");
	return 0;
}

static int usage_fail(const struct verb *v, struct msg *m, const char *what)
{
	return msg_fail(m, "%s: %s; usage: %s%s%s", v->name, what, v->name, *v->args ? " " : "",
		v->args);
}

/* The option that getopt did not know: optopt, or a long name in `word`. */
static int option_unknown(const struct verb *v, const char *word, struct msg *m)
{
	for (size_t i = 0; i < ARRAY_SIZE(refused_options); i++) {
		const struct refused_option *r = &refused_options[i];

		if (strcmp(r->verb, v->name) == 0 &&
			(optopt ? optopt == r->letter
				: strncmp(word, "--", 2) == 0 &&
						strcmp(word + 2, r->name) == 0))
			return msg_fail(m, "%s -%c: %s", v->name, r->letter, r->why);
	}
	return usage_fail(v, m, "unknown option");
}

/*
 * A word that is only a hyphen is an argument. newlib's getopt takes it for an option, so that
 * it has a blank in front meanwhile.
 */
static char hyphen[] = " -";

static void hyphens_hide(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (strcmp(argv[i], "-") == 0)
			argv[i] = hyphen;
}

static void hyphens_show(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (argv[i] == hyphen)
			argv[i] = hyphen + 1;
}

static int letter_take(const struct verb *v, int letter, struct options *o, struct msg *m)
{
	const char *known = letter != ':' ? strchr(v->letters, letter) : NULL;

	if (letter == ':')
		return usage_fail(v, m, "an option lacks its value");
	if (letter <= 0 || letter >= OPTION_LETTERS || (!known && letter != 'h'))
		return usage_fail(v, m, "unknown option");
	if (o->count[letter] < 255)
		o->count[letter]++;
	if (known && known[1] == ':')
		o->value[letter] = optarg == hyphen ? hyphen + 1 : optarg;
	return 0;
}

static bool has_option(const struct verb *v, const struct option *l)
{
	const char *letter = strchr(v->letters, l->val);

	return l->val == 'h' ||
	       (letter && (letter[1] == ':') == (l->has_arg == required_argument));
}

/* The long names of the verb's options; with an empty one at the end. */
static void long_options_of(
	const struct verb *v, struct option list[ARRAY_SIZE(long_options) + 1])
{
	for (size_t i = 0; i < ARRAY_SIZE(long_options); i++)
		if (has_option(v, &long_options[i]))
			*list++ = long_options[i];
	*list = (struct option){ 0 };
}

int verb_options(const struct verb *v, int argc, char **argv, struct options *o, struct msg *m)
{
	struct option list[ARRAY_SIZE(long_options) + 1];
	char letters[32] = ":h";
	int letter, rc;

	memset(o, 0, sizeof(*o));
	if (strcmp(v->letters, VERB_WORDS) == 0) {
		o->argv = argv + 1;
		o->argc = argc - 1;
		o->count['h'] = argc > 1 &&
				(strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "--help") == 0);
		return 0;
	}
	strncat(letters, v->letters, sizeof(letters) - 3);
	long_options_of(v, list);
	hyphens_hide(argc, argv);
	optind = 0; /* start again */
	opterr = 0;
	while ((letter = getopt_long(argc, argv, letters, list, NULL)) != -1) {
		rc = letter == '?' ? option_unknown(v, argv[optind - 1], m)
				   : letter_take(v, letter, o, m);
		if (rc)
			return rc;
	}
	hyphens_show(argc, argv);
	o->argv = argv + optind;
	o->argc = argc - optind;
	if (o->count['h'])
		return 0;
	if (o->argc < v->least)
		return usage_fail(v, m, "an argument is missing");
	if (o->argc > v->most)
		return usage_fail(v, m, "too many arguments");
	return 0;
}
