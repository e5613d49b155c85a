/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * xl_oracle.c - what this host makes of a guest's configuration, for comparison with xl
 *
 * xl_oracle NAMES FILE prints the guest as `create -n` does on a host with that table of names,
 * and the mistakes and remarks on standard error; the status is 1 if there is a mistake.
 * xl_oracle --keys prints the table of docs/keys.md. test/tools/test_xl_oracle.py runs it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "config/guest_json.h"
#include "config/guest_keys.h"

enum { CPUS = 8 }; /* of the host, as in test/tools/xl/fake.c */

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

/* Values that ask for nothing; 0 also stands for an empty list. */
static void off_print(const char *off)
{
	printf("; not:");
	for (const char *p = off + 1; *p; p = strchr(p, ' ') + 1)
		printf(" `%.*s`", (int)strcspn(p, " "), p);
}

static void key_print(const struct guest_key *k)
{
	static const char *const fates[] = { "done", "ignored", "refused" };

	printf("| `%s` | %s", k->name, fates[k->fate]);
	if (k->off[0])
		off_print(k->off);
	printf(" | %s |\n", k->text ? k->text : "[guests.md](guests.md)");
}

static int key_order(const void *a, const void *b)
{
	return strcmp(((const struct guest_key *)a)->name, ((const struct guest_key *)b)->name);
}

static int keys_print(void)
{
	static struct guest_key keys[512];
	unsigned int n = 0;

	while (n < ARRAY_SIZE(keys) && guest_key_at(n, &keys[n]))
		n++;
	qsort(keys, n, sizeof(keys[0]), key_order);
	for (unsigned int i = 0; i < n; i++)
		key_print(&keys[i]);
	return 0;
}

int main(int argc, char **argv)
{
	static char table[CFG_TEXT_MAX + 1], text[CFG_TEXT_MAX + 1];
	static struct guest_config g;
	static struct report r;
	const struct out out = { file_write, stdout }, err = { file_write, stderr };
	struct names n;
	struct cfg c;

	if (argc == 2 && strcmp(argv[1], "--keys") == 0)
		return keys_print();
	if (argc != 3 || names_init(&n, table, file_read(argv[1], table))) {
		fprintf(stderr, "usage: xl_oracle NAMES FILE\n");
		return 2;
	}
	cfg_init(&c);
	report_init(&r);
	(void)cfg_parse(&c, argv[2], text, file_read(argv[2], text), &r);
	(void)guest_config_make(&g, &c, &(struct guest_host){ &n, counted, CPUS }, &r);
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
