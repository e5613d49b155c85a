/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * guest_make.h - for tests of guests' configurations: text to a struct guest_config, and what
 * was said about it
 *
 * Objects     one struct guest_config, made anew by each call.
 */
#ifndef GUEST_MAKE_H
#define GUEST_MAKE_H

#include <string.h>

#include "config/guest_cfg.h"
#include "text_sink.h"

#define BASE "name='g1'\ntype='pvh'\nkernel='/guests/vmlinuz'\n"
#define PV "name='g1'\ntype='pv'\nkernel='/guests/vmlinuz'\n"
#define LABEL "/dev/disk/by-partlabel/"
/* 8 disks and 4 interfaces */
#define PARTS \
	"vif=['mac=00:16:3e:00:00:01','mac=00:16:3e:00:00:02','mac=00:16:3e:00:00:03','mac=00:16:3e:00:00:04']\n" \
	"disk=['" LABEL "a,,xvda','" LABEL "b,,xvdb','" LABEL "c,,xvdc','" LABEL \
	"d,,xvdd','" LABEL "e,,xvde','" LABEL "f,,xvdf','" LABEL "g,,xvdg','" LABEL \
	"h,,xvdh']"

enum { CPUS = 6 }; /* of the host */

static struct guest_config g;
static struct report r;
static struct text_sink said; /* all mistakes and remarks */

static void fake_random(void *buf, size_t size) { memset(buf, 0xff, size); }

static const struct names *names_of_host;

static int make(const char *text)
{
	struct out o = text_sink_out(&said);
	struct cfg c;
	int rc;

	cfg_init(&c);
	report_init(&r);
	rc = cfg_parse(&c, "g.cfg", text, strlen(text), &r);
	assert_int_equal(rc, r.mistakes ? -1 : 0);
	rc = guest_config_make(
		&g, &c, &(struct guest_host){ names_of_host, fake_random, CPUS }, &r);
	assert_int_equal(rc, r.mistakes ? -1 : 0);
	report_print(&r, &o);
	cfg_fini(&c);
	return rc;
}

static void good(const char *text)
{
	if (make(text))
		fail_msg("refused: %s", said.text);
}

/* Accepted, with exactly this remark. */
static __attribute__((unused)) void remarked(
	const char *text, const char *start, const char *part)
{
	good(text);
	if (r.n != 1 || strncmp(said.text, start, strlen(start)) != 0 ||
		!strstr(said.text, part))
		fail_msg("'%s' gave '%s'", text, said.text);
}

/* Accepted without a remark. */
static __attribute__((unused)) void quiet(const char *text)
{
	good(text);
	assert_string_equal(said.text, "");
}

/* Refused for exactly one reason. */
static __attribute__((unused)) void bad(const char *text, const char *start, const char *part)
{
	if (!make(text))
		fail_msg("accepted: %s", text);
	if (r.mistakes != 1 || strncmp(said.text, start, strlen(start)) != 0 ||
		!strstr(said.text, part))
		fail_msg("'%s' gave '%s'", text, said.text);
}

#endif
