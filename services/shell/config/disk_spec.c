/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * disk_spec.c - parser for one disk specification
 *
 * The text is a series of parameters separated by commas: key=value, a flag, or the next of
 * target, format, vdev, access by position. `target=` takes all the rest of the text.
 * Deprecated spellings are understood too: prefixes such as phy: before the target, and
 * vdev:cdrom. xl accepts a prefix before any parameter, and people write ioemu: before the
 * vdev. After a prefix the format may be left out.
 *
 * Objects     struct scan: one parse.
 * Invariants  DISK1 a parameter is not given twice with different values
 */
#include "config/disk_spec.h"

#include <stdio.h>
#include <string.h>

#include "base/array.h"
struct scan {
	struct disk_spec *d;
	struct msg *m;
	bool have_target, have_format, have_vdev, have_access, prefixed;
};

#define X(sym, name) name,
static const char *const format_names[] = { DISK_FORMATS(X) };
#undef X

const char *disk_format_name(uint32_t f)
{
	return f < DISK_FORMAT_COUNT ? format_names[f] : "?";
}

static bool blank(char c) { return c == ' ' || c == '\t' || c == '\n'; }

/* Set a word that must not be set already, unless it is empty. DISK1 */
static int word_set_once(
	struct scan *s, char *to, size_t size, const char *what, const char *word)
{
	if (*to)
		return msg_fail(s->m, "%s is given twice ('%.80s' and '%.80s'); remove one",
			what, to, word);
	if (strlen(word) >= size)
		return msg_fail(s->m, "%s is too long; at most %zu bytes", what, size - 1);
	strcpy(to, word);
	return 0;
}

static int set_target(struct scan *s, const char *word)
{
	s->have_target = true;
	return word_set_once(s, s->d->target, sizeof(s->d->target), "target", word);
}

static int set_vdev(struct scan *s, const char *word)
{
	s->have_vdev = true;
	return word_set_once(s, s->d->vdev, sizeof(s->d->vdev), "vdev", word);
}

static int set_format(struct scan *s, const char *word)
{
	int i;

	for (i = 0; *word && i < DISK_FORMAT_COUNT; i++)
		if (strcmp(word, format_names[i]) == 0)
			break;
	if (!*word)
		i = DISK_RAW;
	if (i == DISK_FORMAT_COUNT)
		return msg_fail(s->m,
			"unknown format '%.80s'; the second word is the format, use raw", word);
	if (s->have_format && s->d->format != (enum disk_format)i)
		return msg_fail(s->m, "format is given twice ('%s' and '%s'); remove one",
			disk_format_name(s->d->format), format_names[i]);
	s->have_format = true;
	s->d->format = (enum disk_format)i;
	return 0;
}

static int set_access(struct scan *s, const char *word)
{
	if (strcmp(word, "r") == 0 || strcmp(word, "ro") == 0)
		s->d->readonly = true;
	else if (strcmp(word, "w") == 0 || strcmp(word, "rw") == 0 || !*word)
		s->d->readonly = false;
	else
		return msg_fail(s->m, "unknown access '%.80s'; use ro or rw", word);
	return 0;
}

static int set_devtype(struct scan *s, const char *word)
{
	if (strcmp(word, "cdrom") == 0)
		s->d->cdrom = true;
	else if (strcmp(word, "disk") == 0)
		s->d->cdrom = false;
	else
		return msg_fail(s->m, "unknown devtype '%.80s'; use cdrom or disk", word);
	return 0;
}

static int set_script(struct scan *s, const char *word)
{
	return word_set_once(s, s->d->script, sizeof(s->d->script), "script", word);
}

static int set_backend(struct scan *s, const char *word)
{
	return word_set_once(s, s->d->backend, sizeof(s->d->backend), "backend", word);
}

static int set_backendtype(struct scan *s, const char *word)
{
	return word_set_once(
		s, s->d->backendtype, sizeof(s->d->backendtype), "backendtype", word);
}

static int set_specification(struct scan *s, const char *word)
{
	return word_set_once(
		s, s->d->specification, sizeof(s->d->specification), "specification", word);
}

static int set_colo(struct scan *s, const char *word)
{
	(void)word;
	s->d->colo = true;
	return 0;
}

static const struct {
	const char *key;
	int (*set)(struct scan *, const char *);
} named[] = {
	{ "format", set_format },
	{ "vdev", set_vdev },
	{ "access", set_access },
	{ "devtype", set_devtype },
	{ "script", set_script },
	{ "backend", set_backend },
	{ "backendtype", set_backendtype },
	{ "specification", set_specification },
	{ "colo-host", set_colo },
	{ "colo-port", set_colo },
	{ "colo-export", set_colo },
	{ "active-disk", set_colo },
	{ "hidden-disk", set_colo },
};

static int set_named(struct scan *s, char *word, char *equals)
{
	*equals = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(named); i++)
		if (strcmp(word, named[i].key) == 0)
			return named[i].set(s, equals + 1);
	return msg_fail(s->m, "unknown parameter '%.80s'; see xl-disk-configuration(5)", word);
}

/* False: the word is not one of the parameters that have no value. */
static bool set_flag(struct scan *s, const char *word)
{
	struct disk_spec *d = s->d;

	if (strcmp(word, "cdrom") == 0)
		d->cdrom = true;
	else if (strcmp(word, "direct-io-safe") == 0)
		d->direct_io_safe = true;
	else if (strcmp(word, "discard") == 0 || strcmp(word, "no-discard") == 0)
		d->discard = word[0] == 'd';
	else if (strcmp(word, "trusted") == 0 || strcmp(word, "untrusted") == 0)
		d->trusted = word[0] == 't';
	else if (strcmp(word, "colo") == 0 || strcmp(word, "no-colo") == 0)
		d->colo = word[0] == 'c';
	else
		return false;
	return true;
}

/* "vdev:cdrom": *done says whether the word has this form. */
static int vdev_with_type(struct scan *s, char *word, bool *done)
{
	char *colon = strrchr(word, ':');
	int rc;

	*done = colon != NULL;
	if (!colon)
		return 0;
	*colon = '\0';
	rc = set_vdev(s, word);
	return rc ? rc : set_devtype(s, colon + 1);
}

static bool format_known(const char *word)
{
	for (int i = 0; i < DISK_FORMAT_COUNT; i++)
		if (strcmp(word, format_names[i]) == 0)
			return true;
	return !*word;
}

static int set_positional(struct scan *s, char *word)
{
	bool done;
	int rc;

	if (!s->have_target)
		return set_target(s, word);
	if (!s->prefixed && !s->have_format) {
		if (s->d->target[0])
			return set_format(s, word);
		rc = vdev_with_type(s, word, &done);
		if (rc || !done)
			return rc ? rc : set_format(s, word);
		s->have_format = true;
		s->d->format = DISK_EMPTY;
		return 0;
	}
	/* The manual allows no format after a prefix, but people write one. */
	if (!s->have_format && !s->d->vdev[0] && format_known(word))
		return set_format(s, word);
	if (!s->d->vdev[0]) {
		rc = vdev_with_type(s, word, &done);
		return rc || done ? rc : set_vdev(s, word);
	}
	if (!s->have_access) {
		s->have_access = true; /* access= may be given as well */
		return set_access(s, word);
	}
	return msg_fail(s->m,
		"too many words, from '%.80s' on; the order is target, format, vdev, access",
		word);
}

static const char *const plain_prefixes[] = { "tapdisk", "tap", "tap2", "aio", "ioemu", "file",
	"phy", NULL };
static const char *const format_prefixes[] = { "raw", "qcow", "qcow2", "vhd", NULL };
static const char *const script_prefixes[] = { "iscsi", "nbd", "enbd", "drbd", NULL };

static bool list_has(const char *const *list, const char *word, size_t len)
{
	for (; *list; list++)
		if (strlen(*list) == len && memcmp(*list, word, len) == 0)
			return true;
	return false;
}

/* Length of a deprecated prefix without its colon; 0: none. */
static size_t prefix_length(const char *p)
{
	size_t n = 0;

	if (*p < 'a' || *p > 'z')
		return 0;
	while ((p[n] >= 'a' && p[n] <= 'z') || (p[n] >= '0' && p[n] <= '9'))
		n++;
	return p[n] == ':' ? n : 0;
}

/* Remove all prefixes. */
static int strip_prefixes(struct scan *s, const char **p)
{
	char word[DISK_WORD_MAX + 1];
	bool cdrom;
	size_t n;
	int rc;

	while ((n = prefix_length(*p)) != 0) {
		cdrom = s->prefixed && n == 5 && memcmp(*p, "cdrom", 5) == 0;
		snprintf(word, sizeof(word), "%.*s", (int)n, *p);
		rc = 0;
		if (cdrom) {
			s->d->cdrom = true;
		} else if (list_has(format_prefixes, *p, n)) {
			rc = set_format(s, word);
		} else if (list_has(script_prefixes, *p, n)) {
			rc = set_script(s, word);
		} else if (!list_has(plain_prefixes, *p, n)) {
			if ((*p)[n + 1] &&
				strchr("abcdefghijklmnopqrstuvwxyz0123456789", (*p)[n + 1]))
				return 0;
			return msg_fail(s->m,
				"unknown prefix '%.60s:'; name the target without it", word);
		}
		if (rc)
			return rc;
		s->prefixed = true;
		*p += n + 1;
	}
	return 0;
}

/* One parameter, from `p` to the comma or the end; returns where the next starts in *next. */
static int parse_parameter(struct scan *s, const char *p, const char **next)
{
	char word[DISK_TARGET_MAX + 2], *equals;
	size_t len;
	int rc;

	if (strncmp(p, "target=", 7) == 0) {
		*next = p + strlen(p);
		return set_target(s, p + 7);
	}
	rc = strip_prefixes(s, &p);
	if (rc)
		return rc;
	len = strcspn(p, ",");
	*next = p[len] ? p + len + 1 : p + len;
	while (len && blank(p[len - 1]))
		len--;
	if (len >= sizeof(word))
		return msg_fail(
			s->m, "'%.40s...' is too long; at most %d bytes", p, DISK_TARGET_MAX);
	memcpy(word, p, len);
	word[len] = '\0';
	equals = strchr(word, '=');
	if (equals)
		return set_named(s, word, equals);
	if (set_flag(s, word))
		return 0;
	return set_positional(s, word);
}

static int spec_finish(struct scan *s)
{
	struct disk_spec *d = s->d;
	char path[sizeof(d->target)];

	if (!d->vdev[0])
		return msg_fail(s->m, "no vdev; say which disk the guest sees, such as xvda");
	if (vdev_number(d->vdev, &d->number))
		return msg_fail(s->m,
			"vdev '%s' is not a virtual disk; use xvda, xvda1, sda, hda or d0p1",
			d->vdev);
	if (d->cdrom)
		d->readonly = true;
	if (!d->target[0]) {
		if (!d->cdrom)
			return msg_fail(s->m,
				"no target for %s; only a cdrom drive may be empty", d->vdev);
		d->format = DISK_EMPTY;
	} else if (d->target[0] != '/' && !d->script[0]) {
		if (snprintf(path, sizeof(path), "/dev/%.250s", d->target) > DISK_TARGET_MAX ||
			strlen(d->target) > 250)
			return msg_fail(
				s->m, "target is too long; at most %d bytes", DISK_TARGET_MAX);
		strcpy(d->target, path);
	}
	return 0;
}

int disk_spec_parse(struct disk_spec *d, const char *text, struct msg *m)
{
	struct scan s = { .d = d, .m = m };
	const char *p = text;
	int rc;

	*d = (struct disk_spec){ .format = DISK_RAW, .discard = true, .trusted = true };
	for (;;) {
		while (blank(*p))
			p++;
		if (!*p)
			break;
		rc = parse_parameter(&s, p, &p);
		if (rc)
			return rc;
	}
	return spec_finish(&s);
}

static bool own_backend(const char *backend)
{
	return !*backend || strcmp(backend, "0") == 0 || strcmp(backend, "Domain-0") == 0;
}

/* Characters, not bytes: a GPT name has at most 36 characters. */
static size_t characters(const char *text)
{
	size_t n = 0;

	for (; *text; text++)
		n += ((unsigned char)*text & 0xc0) != 0x80;
	return n;
}

/* Text that the kinds of back ends in Xen do not tell apart for a partition. */
static bool backend_kind_known(const char *kind)
{
	return !*kind || strcmp(kind, "phy") == 0 || strcmp(kind, "qdisk") == 0;
}

/* The GPT partition name of the target, in label[DISK_LABEL_SIZE]. 0 or -1 with *m. */
static int target_label(
	const struct disk_spec *d, const struct names *n, char *label, struct msg *m)
{
	char name[NAMES_WORD_MAX + 1];
	size_t dir = strlen(DISK_DIR);

	if (!names_find(n, NAMES_DISK, d->target, name, sizeof(name))) {
		if (strncmp(d->target, DISK_DIR, dir) != 0)
			return msg_fail(m,
				"%s: target '%.120s' is not a partition of this host; use " DISK_DIR
				"NAME, or say in " NAMES_FILE
				" which partition it is: disk %.120s NAME",
				d->vdev, d->target, d->target);
		strcpy(name, d->target + dir);
	}
	if (!*name || characters(name) > DISK_LABEL_MAX || strchr(name, '/'))
		return msg_fail(m,
			"%s: '%.100s' is not a partition name, which has 1 to %d characters",
			d->vdev, name, DISK_LABEL_MAX);
	if (strlen(name) >= DISK_LABEL_SIZE)
		return msg_fail(m, "%s: the partition name is too long; at most %d bytes",
			d->vdev, DISK_LABEL_SIZE - 1);
	strcpy(label, name);
	return 0;
}

int disk_spec_check(
	const struct disk_spec *d, const struct names *n, char *label, struct msg *m)
{
	if (d->format != DISK_RAW && d->format != DISK_EMPTY)
		return msg_fail(m, "%s: format %s is not supported; convert the image to raw",
			d->vdev, disk_format_name(d->format));
	if (d->script[0])
		return msg_fail(m, "%s: block scripts (%s) are not supported; name a partition",
			d->vdev, d->script);
	if (!own_backend(d->backend))
		return msg_fail(m,
			"%s: backend=%s: driver domains are not supported; remove it", d->vdev,
			d->backend);
	if (!backend_kind_known(d->backendtype))
		return msg_fail(m, "%s: backendtype=%s is not supported; use phy or remove it",
			d->vdev, d->backendtype);
	if (d->specification[0] && strcmp(d->specification, "xen") != 0)
		return msg_fail(m,
			"%s: specification=%s is not supported; use xen or remove it", d->vdev,
			d->specification);
	if (d->colo)
		return msg_fail(m, "%s: COLO is not supported; remove its parameters", d->vdev);
	if (d->format == DISK_EMPTY && !d->cdrom)
		return msg_fail(
			m, "%s: only a cdrom drive may be empty; use format=raw", d->vdev);
	if (disk_spec_empty(d)) {
		label[0] = '\0';
		return 0;
	}
	return target_label(d, n, label, m);
}

int disk_target_set(char to[DISK_TARGET_MAX + 1], const char *word, struct msg *m)
{
	static const char prefix[] = "phy:";

	if (strncmp(word, prefix, sizeof(prefix) - 1) == 0)
		word += sizeof(prefix) - 1;
	if (strlen(word) > DISK_TARGET_MAX)
		return msg_fail(m, "the name of the partition is too long");
	strcpy(to, word);
	return 0;
}

int disk_target_label(const char *target, const struct names *n, char *label, struct msg *m)
{
	struct disk_spec d = { .vdev = "partition", .format = DISK_RAW };

	strcpy(d.target, target);
	return disk_spec_check(&d, n, label, m);
}
