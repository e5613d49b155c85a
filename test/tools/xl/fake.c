/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fake.c - lets Debian's xl run on a machine without Xen, as far as its dry run goes
 *
 * It is preloaded, so that these functions replace those of Xen's libraries: the host has
 * eight CPUs, and whatever else needs a hypervisor or a xenstore fails. With XL_KEYS=FILE it
 * also writes down the name of each file of settings, behind a #, and then each key that xl
 * looks up in it.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CPUS = 8 };

/* what every handle of a library points to */
static long nothing[8192];

/* ---- the hypervisor ---- */

void *xc_interface_open(void *log, void *log2, unsigned int flags)
{
	(void)log, (void)log2, (void)flags;
	return nothing;
}
int xc_interface_close(void *xc)
{
	(void)xc;
	return 0;
}
int xc_get_max_cpus(void *xc)
{
	(void)xc;
	return CPUS;
}
int xc_get_online_cpus(void *xc)
{
	(void)xc;
	return CPUS;
}
int xc_get_max_nodes(void *xc)
{
	(void)xc;
	return 1;
}
int xc_physinfo(void *xc, void *info)
{
	(void)xc;
	memset(info, 0, 64);
	return 0;
}
long xc_version(void *xc, int what, void *to)
{
	(void)xc, (void)what, (void)to;
	return -1;
}
void *xencall_alloc_buffer(void *c, size_t n)
{
	(void)c;
	return calloc(1, n + 4096);
}
void xencall_free_buffer(void *c, void *p)
{
	(void)c;
	free(p);
}
void *xencall_alloc_buffer_pages(void *c, size_t n)
{
	(void)c;
	return calloc(n, 4096);
}
void xencall_free_buffer_pages(void *c, void *p, size_t n)
{
	(void)c, (void)n;
	free(p);
}
int xencall1(void *c, unsigned int op, uint64_t a)
{
	(void)c, (void)op, (void)a;
	return -1;
}
int xencall2(void *c, unsigned int op, uint64_t a, uint64_t b)
{
	(void)c, (void)op, (void)a, (void)b;
	return -1;
}

/* ---- xenstore ---- */

void *xs_open(unsigned long flags)
{
	(void)flags;
	return nothing;
}
void *xs_daemon_open(void) { return nothing; }
void xs_close(void *xs) { (void)xs; }
void xs_daemon_close(void *xs) { (void)xs; }
int xs_fileno(void *xs)
{
	(void)xs;
	return 0;
}
void *xs_read(void *xs, unsigned int transaction, const char *path, unsigned int *len)
{
	(void)xs, (void)transaction, (void)path, (void)len;
	return NULL;
}

/* ---- libxl ---- */

int libxl_get_max_cpus(void *ctx)
{
	(void)ctx;
	return CPUS;
}
int libxl_get_online_cpus(void *ctx)
{
	(void)ctx;
	return CPUS;
}
int libxl_get_max_nodes(void *ctx)
{
	(void)ctx;
	return 1;
}
/* all features */
int libxl_get_physinfo(void *ctx, void *info)
{
	(void)ctx;
	memset(info, 0xff, 96);
	return 0;
}
void libxl_physinfo_init(void *info) { (void)info; }
void libxl_physinfo_dispose(void *info) { (void)info; }
const void *libxl_get_version_info(void *ctx)
{
	/* numbers, and texts that are not null */
	static const char *members[40];

	(void)ctx;
	for (int i = 1; i < 40; i++)
		members[i] = "";
	return members;
}

/* ---- the keys that xl looks up ---- */

static void key_note(const char *key)
{
	const char *path = getenv("XL_KEYS");
	FILE *f = path ? fopen(path, "a") : NULL;

	if (!f)
		return;
	fprintf(f, "%s\n", key);
	fclose(f);
}

static void *real(const char *name)
{
	void *f = dlsym(RTLD_NEXT, name);

	if (!f)
		abort();
	return f;
}

/* a file of settings begins: xl's own, then the guest's */
void *xlu_cfg_init(FILE *report, const char *path)
{
	void *(*f)(FILE *, const char *) = real("xlu_cfg_init");
	char line[4096];

	snprintf(line, sizeof(line), "# %s", path);
	key_note(line);
	return f(report, path);
}
int xlu_cfg_get_string(const void *c, const char *key, const char **to, int quiet)
{
	int (*f)(const void *, const char *, const char **, int) = real("xlu_cfg_get_string");

	key_note(key);
	return f(c, key, to, quiet);
}
int xlu_cfg_replace_string(const void *c, const char *key, char **to, int quiet)
{
	int (*f)(const void *, const char *, char **, int) = real("xlu_cfg_replace_string");

	key_note(key);
	return f(c, key, to, quiet);
}
int xlu_cfg_get_long(const void *c, const char *key, long *to, int quiet)
{
	int (*f)(const void *, const char *, long *, int) = real("xlu_cfg_get_long");

	key_note(key);
	return f(c, key, to, quiet);
}
int xlu_cfg_get_bounded_long(
	const void *c, const char *key, long low, long high, long *to, int quiet)
{
	int (*f)(const void *, const char *, long, long, long *, int) = real(
		"xlu_cfg_get_bounded_long");

	key_note(key);
	return f(c, key, low, high, to, quiet);
}
int xlu_cfg_get_defbool(const void *c, const char *key, void *to, int quiet)
{
	int (*f)(const void *, const char *, void *, int) = real("xlu_cfg_get_defbool");

	key_note(key);
	return f(c, key, to, quiet);
}
int xlu_cfg_get_list(const void *c, const char *key, void **to, int *n, int quiet)
{
	int (*f)(const void *, const char *, void **, int *, int) = real("xlu_cfg_get_list");

	key_note(key);
	return f(c, key, to, n, quiet);
}
int xlu_cfg_get_list_as_string_list(const void *c, const char *key, void *to, int quiet)
{
	int (*f)(const void *, const char *, void *, int) = real(
		"xlu_cfg_get_list_as_string_list");

	key_note(key);
	return f(c, key, to, quiet);
}
