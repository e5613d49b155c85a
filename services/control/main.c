/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * main.c - control: the only domain that may create guests
 *
 * Its rooms, from the bottom up: client/ (init and the services), guest/ (guests from creation
 * to end), ctl/ (requests of tools, such as the shell). A room includes only rooms below it.
 * Files beside this one belong to all of them.
 *
 * Lifecycle   connect to the scribe; after a restart, take over the guests of the life before;
 *             then serve tools.
 */
#include <stdio.h>

#include "base/array.h"
#include "base/error.h"
#include "client/calls.h"
#include "client/host.h"
#include "client/scribe.h"
#include "client/services.h"
#include "ctl/ctl.h"
#include "guest/accuse.h"
#include "guest/guest_pool.h"
#include "guest/keep.h"
#include "guest/life.h"
#include "guest/reopen.h"
#include "guest/store.h"
#include "guest/vmctl.h"
#include "guest/vmm_guard.h"

static const struct {
	const char *name;
	int (*init)(void);
} parts[] = {
	{ "host", host_init },
	{ "table of guests", keep_init },
	{ "pool", guest_pool_init },
	{ "scribe", scribe_init },
	{ "vmctl", vmctl_init },
	{ "guard", vmm_guard_init },
	{ "callers", callers_init },
	{ "guests", guests_adopt },
	{ "services", services_init },
	{ "tools", ctl_init },
};

int main(void)
{
	(void)setvbuf(stdout, NULL, _IOLBF, 0);
	ctl_listen();
	guests_init();
	reopen_init();
	accuse_init();
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		int rc = parts[i].init();

		if (rc) {
			printf("%s: %s\n", parts[i].name, sk_error_text(rc));
			return 1;
		}
	}
	guest_store_resume();
	guests_run();
	return svc_run();
}
