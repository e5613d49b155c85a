/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * main.c - init, the root task: reads the manifest, starts every domain, and then answers calls
 *
 * Objects     domains[] and connections[], as the manifest lists them; everything that the
 *             kernel gave at boot.
 * Lifecycle   never ends.
 */
#include <stdio.h>
#include "base/error.h"
#include "caps/caps.h"
#include "init.h"
#include "sys/sk.h"
#include "rt/program.h"

enum { WEIGHT = 256 };

struct manifest manifest;
struct domain domains[MANIFEST_DOMAINS_MAX];
struct connection connections[MANIFEST_CHANNELS_MAX];
sk_cap_t init_endpoint;

static int manifest_open(const char **why)
{
	struct cpio_file f;
	int rc = archive_open();

	*why = "the boot archive is malformed";
	if (rc)
		return rc;
	*why = "no manifest.bin in the boot archive";
	rc = archive_find("manifest.bin", &f);
	return rc ? rc : manifest_decode(f.data, f.size, &manifest, why);
}

static void start_all(void)
{
	for (uint32_t i = 0; i < manifest.header->n_domains; i++) {
		domains[i].m = &manifest.domain[i];
		domains[i].number = i;
	}
	for (uint32_t i = 0; i < manifest.header->n_domains; i++)
		supervise_first(&domains[i]);
}

int main(void)
{
	const char *why = NULL;
	int rc;

	rc = (int)sk_sched_configure(
		SK_CAP_CTL_SCHED, SK_CAP_SCHED, 0, INIT_PRIORITY, WEIGHT, 0, 0);
	if (!rc)
		rc = object_make(SK_OBJ_ENDPOINT, 0, &init_endpoint);
	if (!rc)
		rc = supervise_start();
	if (!rc)
		rc = dma_watch();
	if (!rc)
		rc = manifest_open(&why);
	if (!rc)
		rc = post_start();
	if (rc) {
		printf("init: %s: %s\n", why ? why : "cannot start", sk_error_text(rc));
		rt_exit(1);
	}
	start_all();
	serve();
}
