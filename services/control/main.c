/*
 * main.c - control: the shell on the console, and the one that may create guests
 *
 * Objects     none here; see control.h for the parts.
 * Locks       none.
 * Lifecycle   connect to console, xenstore and files; start the guests of /guests/auto; then
 *             the prompt.
 */
#include <stdarg.h>
#include <stdio.h>

#include "control.h"
#include "sys/clock.h"
#include "rt/program.h"

static void log_write(void *ctx, const char *text, size_t len)
{
	(void)ctx;
	(void)fwrite(text, 1, len, stdout);
	(void)fflush(stdout);
}

const struct out log_out = { .write = log_write };

void guest_log(uint32_t domid, const char *fmt, ...)
{
	va_list ap;

	rt_log_about(domid);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	(void)fflush(stdout);
	rt_log_about(0);
}

static void domain_log(uint32_t domid, const char *line) { guest_log(domid, "%s", line); }

static const struct domtab_env env = { domain_log, host_random, clock_ns };

static const struct {
	const char *name;
	int (*init)(void);
} parts[] = {
	{ "host", host_init },
	{ "console", term_init },
	{ "xenstore", xs_client_init },
	{ "files", files_client_init },
	{ "vmctl", guest_ctl_init },
	{ "guard", death_init },
	{ "callers", callers_init },
};

int main(void)
{
	size_t i;
	int rc;

	(void)setvbuf(stdout, NULL, _IOLBF, 0);
	domtab_init(&guests, &env);
	shell_init();
	for (i = 0; i < ARRAY_SIZE(parts); i++) {
		rc = parts[i].init();
		if (rc) {
			printf("%s: error %d\n", parts[i].name, -rc);
			return 1;
		}
	}
	auto_start(shell_open);
	guests_run();
	return svc_run();
}
