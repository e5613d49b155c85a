/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * xl_oracle.c - what this host makes of a guest's configuration, for comparison with xl
 *
 * xl_oracle FILE prints the guest as `create -n` does, and the mistakes and remarks on standard
 * error; the status is 1 if there is a mistake. test/tools/test_xl_oracle.py runs it.
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

static int file_check(const char *path, const char *text, size_t len)
{
	static struct guest_config g;
	static struct report r;
	const struct out out = { file_write, stdout }, err = { file_write, stderr };
	struct cfg c;

	cfg_init(&c);
	report_init(&r);
	(void)cfg_parse(&c, path, text, len, &r);
	(void)guest_config_make(&g, &c, counted, &r);
	report_print(&r, &err);
	if (!r.mistakes) {
		struct json j = json_object(&out, 0);

		guest_json(&j, &g);
		json_close(&j, '}');
		out_str(&out, "\n");
	}
	cfg_fini(&c);
	return r.mistakes != 0;
}

int main(int argc, char **argv)
{
	static char text[CFG_TEXT_MAX + 1];
	FILE *f = argc == 2 ? fopen(argv[1], "rb") : NULL;
	size_t len;

	if (!f) {
		fprintf(stderr, "usage: xl_oracle FILE\n");
		return 2;
	}
	len = fread(text, 1, sizeof(text), f);
	fclose(f);
	return file_check(argv[1], text, len);
}
