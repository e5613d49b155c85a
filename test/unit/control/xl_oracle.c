/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * xl_oracle.c - what this host makes of a guest's configuration, for comparison with xl
 *
 * xl_oracle NAMES FILE prints the guest as `create -n` does on a host with that table of names,
 * and the mistakes and remarks on standard error; the status is 1 if there is a mistake.
 * test/tools/test_xl_oracle.py runs it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/guest_json.h"

static void file_write(void *ctx, const char *text, size_t len)
{
	(void)fwrite(text, 1, len, ctx);
}

/* different each time, so that addresses differ */
static void counted(void *buf, size_t size)
{
	static unsigned char n;

	memset(buf, ++n, size);
}

/* The whole file in text[CFG_TEXT_MAX + 1]; its length. */
static size_t file_read(const char *path, char *text)
{
	FILE *f = fopen(path, "rb");
	size_t len;

	if (!f) {
		perror(path);
		exit(2);
	}
	len = fread(text, 1, CFG_TEXT_MAX + 1, f);
	fclose(f);
	return len;
}

int main(int argc, char **argv)
{
	static char table[CFG_TEXT_MAX + 1], text[CFG_TEXT_MAX + 1];
	static struct guest_config g;
	static struct report r;
	const struct out out = { file_write, stdout }, err = { file_write, stderr };
	struct names n;
	struct cfg c;

	if (argc != 3 || names_init(&n, table, file_read(argv[1], table))) {
		fprintf(stderr, "usage: xl_oracle NAMES FILE\n");
		return 2;
	}
	cfg_init(&c);
	report_init(&r);
	(void)cfg_parse(&c, argv[2], text, file_read(argv[2], text), &r);
	(void)guest_config_make(&g, &c, &n, counted, &r);
	report_print(&r, &err);
	if (!r.mistakes) {
		struct json j = json_object(&out, 0);

		guest_json(&j, &g);
		json_close(&j, '}');
		out_str(&out, "\n");
	}
	names_fini(&n);
	cfg_fini(&c);
	return r.mistakes != 0;
}
