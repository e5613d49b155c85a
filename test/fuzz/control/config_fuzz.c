/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * config_fuzz.c - guest configuration files and command-line settings, from bytes to a checked
 * configuration
 *
 * Input: a file, after a NUL byte one command-line setting, and after another one the host's
 * table of names.
 *
 * Lifecycle   one call per input.
 */
#include <stdlib.h>
#include <string.h>

#include "config/guest_cfg.h"
#include "guest/config_check.h"
#include "guest/machine.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { CPUS = 8 }; /* of the host */

static void no_random(void *buf, size_t size) { memset(buf, 0x5a, size); }

static void must(bool holds)
{
	if (!holds)
		abort();
}

/* What the VMM is given fits. */
static void check_machine(const struct guest_config *g)
{
	char cmdline[VM_CMDLINE_MAX];

	must(machine_kernel(g)[0] == '/');
	must(guest_modules(g) <= VM_MODULES_MAX);
	must(guest_modules(g) + g->n_disks + g->n_vifs <= GUEST_PARTS_MAX);
	must(machine_memory(g) >= g->memory && machine_memory(g) <= machine_maxmem(g));
	for (uint32_t i = 0; i < guest_modules(g); i++)
		must(machine_module(g, i)[0] == '/' &&
			strlen(machine_module_args(g, i)) < VM_MODULE_ARGS_MAX);
	machine_cmdline(g, cmdline);
	must(strlen(cmdline) < VM_CMDLINE_MAX - 1 || !guest_in_shim(g));
}

/* An accepted configuration keeps the limits that other code relies on. */
static void check(const struct guest_config *g)
{
	struct msg m;

	must(guest_name_check(g->name, &m) == 0);
	must(g->kernel[0] == '/');
	must(g->memory >= 4 && g->memory <= g->maxmem && g->maxmem <= GUEST_MEMORY_MAX);
	must(g->vcpus >= 1 && g->vcpus <= g->maxvcpus && g->maxvcpus <= GUEST_VCPUS_MAX);
	must(g->n_disks <= GUEST_DISKS_MAX && g->n_vifs <= GUEST_VIFS_MAX);
	must(g->on_crash < ACTION_COUNT && g->on_poweroff < ACTION_COUNT &&
		g->on_reboot < ACTION_COUNT);
	for (uint32_t i = 0; i < g->n_disks; i++)
		must(disk_spec_empty(&g->disks[i].spec)
				? !g->disks[i].label[0]
				: g->disks[i].label[0] && !strchr(g->disks[i].label, '/') &&
					  g->disks[i].spec.format == DISK_RAW);
	must(!guest_config_check(g)); /* control takes what the shell makes */
	check_machine(g);
	for (uint32_t i = 0; i < GUEST_VCPUS_MAX; i++)
		must((g->cpus[i] | g->cpus_soft[i]) >> (i < g->maxvcpus ? CPUS : 0) == 0);
	for (uint32_t i = 0; i < g->n_vifs; i++)
		must(!(g->vifs[i].mac[0] & 1) && g->vifs[i].bridge[0]);
}

/* The report is complete, in the order of the file, and each entry says its place. */
static void check_report(const struct report *r)
{
	unsigned int mistakes = 0;
	bool decisive;

	must(r->n <= REPORT_MAX);
	for (unsigned int i = 0; i < r->n; i++) {
		must(strncmp(r->line[i].text.text, "fuzz.cfg:", 9) == 0 ||
			strncmp(r->line[i].text.text, NAMES_FILE ":", strlen(NAMES_FILE ":")) ==
				0 ||
			strncmp(r->line[i].text.text, "command line", 12) == 0);
		/* decisive mistakes come first, then lines of the file, then others, with 0 */
		decisive = r->line[i].kind == REPORT_DECISIVE;
		must(!i || !decisive || r->line[i - 1].kind == REPORT_DECISIVE);
		must(!i || decisive != (r->line[i - 1].kind == REPORT_DECISIVE) ||
			r->line[i - 1].at - 1 <= r->line[i].at - 1);
		mistakes += r->line[i].kind != REPORT_REMARK;
	}
	must(r->mistakes == mistakes + r->lost_mistakes);
	must(!r->mistakes || mistakes);
}

static void check_settings(const struct cfg *c, bool mistakes)
{
	for (const struct cfg_setting *s = c->first; s; s = s->next) {
		must(strlen(s->key) <= CFG_KEY_MAX && s->key[0] >= 'a' && s->key[0] <= 'z');
		must(s->value || mistakes);
		must(!s->before || s->added);
		for (const struct cfg_setting *other = s->next; other; other = other->next)
			must(strcmp(s->key, other->key) != 0);
	}
}

/* The input, with a terminator. */
static char *input_copy(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);

	must(text != NULL);
	memcpy(text, data, size);
	text[size] = '\0';
	return text;
}

/* The rest of the input behind the next NUL byte, which is cut off. NULL: there is none. */
static char *part_next(char *part, char *end)
{
	char *nul = part ? memchr(part, 0, (size_t)(end - part)) : NULL;

	return nul && nul < end - 1 ? nul + 1 : NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct guest_config g;
	static struct report r;
	char *text = input_copy(data, size), *end = text + size;
	char *arg = part_next(text, end), *table = part_next(arg, end);
	struct names n = { 0 };
	struct cfg c;
	int rc;

	cfg_init(&c);
	report_init(&r);
	rc = cfg_parse(&c, "fuzz.cfg", text, arg ? (size_t)(arg - 1 - text) : size, &r);
	must(rc == (r.mistakes ? -1 : 0));
	if (arg) {
		rc = cfg_override(&c, arg, &r);
		must(!rc || r.mistakes);
	}
	check_settings(&c, r.mistakes != 0);
	must(!table || names_init(&n, table, (size_t)(end - table)) == 0);
	rc = guest_config_make(
		&g, &c, &(struct guest_host){ table ? &n : NULL, no_random, CPUS }, &r);
	must(rc == (r.mistakes ? -1 : 0));
	if (!rc)
		check(&g);
	check_report(&r);
	names_fini(&n);
	cfg_fini(&c);
	free(text);
	return 0;
}
