/*
 * config_fuzz.c - guest configuration files and command-line settings, from bytes to a checked
 * configuration
 *
 * Input: a file; behind a NUL byte, one command-line setting.
 *
 * Objects     none kept.
 * Locks       none.
 * Lifecycle   one call per input.
 */
#include <stdlib.h>
#include <string.h>

#include "guest_cfg.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void no_random(void *buf, size_t size) { memset(buf, 0x5a, size); }

static void no_text(void *ctx, const char *text, size_t len)
{
	(void)ctx;
	(void)text;
	(void)len;
}

static void must(bool holds)
{
	if (!holds)
		abort();
}

/* Whatever was accepted keeps to the limits that others rely on. */
static void check(const struct guest_config *g)
{
	struct msg m;
	uint32_t i;

	must(guest_name_check(g->name, &m) == 0);
	must(g->kernel[0] == '/');
	must(g->memory >= 4 && g->memory <= g->maxmem && g->maxmem <= GUEST_MEMORY_MAX);
	must(g->vcpus >= 1 && g->vcpus <= g->maxvcpus && g->maxvcpus <= GUEST_VCPUS_MAX);
	must(g->n_disks <= GUEST_DISKS_MAX && g->n_vifs <= GUEST_VIFS_MAX);
	must(g->on_crash < ACTION_COUNT && g->on_poweroff < ACTION_COUNT &&
		g->on_reboot < ACTION_COUNT);
	for (i = 0; i < g->n_disks; i++)
		must(g->disks[i].label[0] && g->disks[i].spec.format == DISK_RAW);
	for (i = 0; i < g->n_vifs; i++)
		must(!(g->vifs[i].mac[0] & 1) && g->vifs[i].bridge[0]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct out warn = { .write = no_text };
	static struct guest_config g;
	const uint8_t *nul = size ? memchr(data, 0, size) : NULL;
	size_t len = nul ? (size_t)(nul - data) : size;
	char *arg;
	struct msg m = { "" };
	struct cfg c;
	int rc;

	cfg_init(&c);
	rc = cfg_parse(&c, "fuzz.cfg", (const char *)data, len, &m);
	if (!rc && nul) {
		arg = strndup((const char *)nul + 1, size - len - 1);
		must(arg != NULL);
		rc = cfg_override(&c, arg, &m);
		free(arg);
	}
	if (!rc)
		rc = guest_config_make(&g, &c, no_random, &warn, &m);
	if (!rc)
		check(&g);
	else
		must(m.text[0] != '\0');
	cfg_fini(&c);
	return 0;
}
